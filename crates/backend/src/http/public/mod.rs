//! The routes for visitors, who have a link and nothing else.

mod link;
pub(super) mod page;

use utoipa_axum::{router::OpenApiRouter, routes};

use super::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(link::open, link::open_head))
        .routes(routes!(link::open_named, link::open_named_head))
        .routes(routes!(link::about))
}
