//! The routes for callers that are known, one file per thing they are about.

mod collections;
mod files;
mod health;
mod links;
mod session;
mod uploads;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(collections::list))
        .routes(routes!(uploads::create))
        .routes(routes!(uploads::read, uploads::abort))
        .routes(routes!(uploads::complete))
        .routes(routes!(uploads::content))
        .routes(routes!(files::list))
        .routes(routes!(files::read, files::delete))
        .routes(routes!(files::content, files::content_head))
        .routes(routes!(files::url))
        .routes(routes!(links::list, links::create))
        .routes(routes!(links::read, links::delete))
        .routes(routes!(links::revoke))
        .routes(routes!(session::read))
        .routes(routes!(session::login))
        .routes(routes!(session::callback))
        .routes(routes!(session::logout))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}
