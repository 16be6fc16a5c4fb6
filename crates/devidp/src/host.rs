//! The host check. A page of another site whose name was pointed at this machine (DNS rebinding) sends its own name here,
//! and is refused before anything else is looked at.

use std::sync::Arc;

use axum::{
    extract::{Request, State as Shared},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};

use crate::State;

pub(crate) async fn check(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(|host| host.eq_ignore_ascii_case(&state.authority)),
        _ => false,
    };
    // RFC 9112 §3.2.2: an absolute request target overrides Host, so it must agree as well.
    let targeted =
        request.uri().authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(&state.authority));
    if named && targeted {
        return next.run(request).await;
    }
    let message = format!("this is {}: use that address\n", state.issuer);
    (StatusCode::MISDIRECTED_REQUEST, message).into_response()
}
