//! The HTTP side: routes, what is read from requests, and how answers look. Decisions are made elsewhere.

mod api;
mod caller;
mod conditions;
mod console;
mod cookies;
mod extract;
mod finish;
mod idempotency;
mod limited;
mod list;
pub(crate) mod openapi;
pub(crate) mod problem;
mod public;
mod signed;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::from_fn_with_state,
    response::IntoResponse as _,
};
use http::StatusCode;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use problem::{Code, Problem};

/// The largest body of any request: all are small JSON documents. Bytes of files never come here.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) type AppState = Arc<App>;

/// Every route.
pub(crate) fn router(app: AppState) -> Router {
    let (routes, document) = documented_routes().split_for_parts();
    routes
        .merge(openapi::routes(&document))
        .merge(console::routes(&app.settings))
        .fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&app), finish::known_hosts_only))
        .layer(from_fn_with_state(Arc::clone(&app), finish::finish))
        .with_state(app)
}

/// The routes that the OpenAPI document describes.
fn documented_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base()).merge(api::routes()).merge(public::routes())
}

async fn unknown_route() -> Problem {
    Problem::new(Code::NotFound, "there is no such route").hint("the routes are listed in /openapi.json")
}

async fn unknown_method(request: Request) -> Problem {
    Problem::invalid(format!("this route does not take {}", request.method())).status(StatusCode::METHOD_NOT_ALLOWED)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is tower-http's")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(message, "a handler panicked");
    Problem::new(Code::InternalError, "the request could not be served; the log of the service says why")
        .into_response()
}
