//! `/healthz` and `/readyz`

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;

use super::super::AppState;
use crate::self_test::Report;

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Readiness {
    ready: bool,
    /// Whether the database answers.
    database: bool,
    /// What the self-test at the start found; `null` while it runs.
    stores: Option<Report>,
}

/// Whether the process serves.
#[utoipa::path(get, path = "/healthz", operation_id = "health_healthz", tag = "operations", responses((status = 200, body = String, content_type = "text/plain", description = "Done")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the service can do its work: the database answers, and the stores passed the self-test.
#[utoipa::path(
    get, path = "/readyz", operation_id = "health_readyz", tag = "operations",
    responses((status = 200, body = Readiness, description = "Done"), (status = 503, body = Readiness, description = "Not ready")),
)]
pub(crate) async fn readyz(State(app): State<AppState>) -> Response {
    let database = app.repository.ping().await.is_ok();
    let stores = app.report.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let ready = database && stores.as_ref().is_some_and(Report::is_good);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, database, stores })).into_response()
}
