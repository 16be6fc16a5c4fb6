//! The pages: plain HTML without scripts, which a keyboard and a screen reader can use.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State as Shared,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};

use crate::{
    State,
    authorize::Parameters,
    users::{USERS, User},
};

const STYLESHEET: &str = include_str!("../templates/style.css");

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    issuer: &'a str,
    users: &'a [User],
}

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignIn<'a> {
    users: &'a [User],
    fields: Vec<(&'static str, &'a str)>,
    destination: &'a str,
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct Refusal<'a> {
    reason: &'a str,
}

/// `GET /`: what this is.
pub(crate) async fn home(Shared(state): Shared<Arc<State>>) -> Response {
    html(StatusCode::OK, "'none'", &Home { issuer: &state.issuer, users: &USERS })
}

/// `GET /style.css`.
pub(crate) async fn stylesheet() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, STYLESHEET).into_response()
}

/// The buttons. The request travels through the form, so that nothing has to be remembered here.
pub(crate) fn sign_in(state: &State, parameters: &Parameters, redirect_uri: &str) -> Response {
    let fields = [
        ("client_id", &parameters.client_id),
        ("redirect_uri", &parameters.redirect_uri),
        ("response_type", &parameters.response_type),
        ("scope", &parameters.scope),
        ("state", &parameters.state),
        ("nonce", &parameters.nonce),
        ("code_challenge", &parameters.code_challenge),
        ("code_challenge_method", &parameters.code_challenge_method),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
    let destination = origin(redirect_uri);
    // Browsers hold a form's redirect to `form-action` too, so the client's origin must stand there.
    let form_action = format!("{} {destination}", state.issuer);
    html(StatusCode::OK, &form_action, &SignIn { users: &USERS, fields, destination })
}

/// A request that cannot be answered to the client, told to the person instead.
pub(crate) fn refusal(reason: &str) -> Response {
    html(StatusCode::BAD_REQUEST, "'none'", &Refusal { reason })
}

fn html(status: StatusCode, form_action: &str, page: &impl Template) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let (Ok(body), Ok(policy)) = (page.render(), HeaderValue::try_from(policy)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, body).into_response()
}

/// The scheme and authority of an address: `http://localhost:8080` of `http://localhost:8080/auth/callback`.
fn origin(address: &str) -> &str {
    let authority = address.find("://").map_or(0, |at| at + "://".len());
    let end = address[authority..].find(['/', '?', '#']).map_or(address.len(), |at| authority + at);
    &address[..end]
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn an_origin_ends_before_the_path() {
        assert_eq!(origin("http://localhost:8080/auth/callback?x=/"), "http://localhost:8080");
        assert_eq!(origin("http://localhost:8080"), "http://localhost:8080");
    }
}
