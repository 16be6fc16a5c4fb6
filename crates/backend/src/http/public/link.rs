//! `/l/{token}`: a token becomes a fresh signed URL. GET and HEAD consume nothing, so previews and scanners do no harm.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use gatepass_signing::{sigv4::presign::Method, time::Lifetime};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    super::{
        AppState,
        limited::Visitor,
        problem::{Code, Problem},
        signed,
    },
    page,
};
use crate::{
    files::{DownloadRequest, download_url},
    links::{self, Opened},
    model::{file::File, link::Link, link::LinkStatus},
};

/// What a link leads to, for those who have it.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LinkDescription {
    filename: String,
    size: u64,
    content_type: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// Leads to the file: 303 to a fresh signed URL. A link that was valid and is no more answers 410 and says why.
#[utoipa::path(
    get, path = "/l/{token}", operation_id = "link_open", tag = "public links", params(("token" = String, Path)),
    responses((status = 303, description = "The way there"), (status = 403, description = "Not yet"), (status = 404, description = "Unknown"), (status = 410, description = "It was here and is gone")),
)]
pub(crate) async fn open(
    State(app): State<AppState>,
    _: Visitor,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    lead(&app, &token, Method::Get, &headers).await
}

/// As GET, to a URL that is signed for HEAD.
#[utoipa::path(
    head, path = "/l/{token}", operation_id = "link_open_head", tag = "public links", params(("token" = String, Path)),
    responses((status = 303, description = "The way there"), (status = 403, description = "Not yet"), (status = 404, description = "Unknown"), (status = 410, description = "It was here and is gone")),
)]
pub(crate) async fn open_head(
    State(app): State<AppState>,
    _: Visitor,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    lead(&app, &token, Method::Head, &headers).await
}

/// The same with a name at its end, for people and for clients that save under it. The name decides nothing.
#[utoipa::path(
    get, path = "/l/{token}/{name}", operation_id = "link_open_named", tag = "public links", params(("token" = String, Path), ("name" = String, Path)),
    responses((status = 303, description = "The way there"), (status = 403, description = "Not yet"), (status = 404, description = "Unknown"), (status = 410, description = "It was here and is gone")),
)]
pub(crate) async fn open_named(
    State(app): State<AppState>,
    _: Visitor,
    Path((token, _name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    lead(&app, &token, Method::Get, &headers).await
}

/// As GET, to a URL that is signed for HEAD.
#[utoipa::path(
    head, path = "/l/{token}/{name}", operation_id = "link_open_named_head", tag = "public links", params(("token" = String, Path), ("name" = String, Path)),
    responses((status = 303, description = "The way there"), (status = 403, description = "Not yet"), (status = 404, description = "Unknown"), (status = 410, description = "It was here and is gone")),
)]
pub(crate) async fn open_named_head(
    State(app): State<AppState>,
    _: Visitor,
    Path((token, _name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    lead(&app, &token, Method::Head, &headers).await
}

/// What the link leads to.
#[utoipa::path(
    get, path = "/l/{token}/about", operation_id = "link_about", tag = "public links", params(("token" = String, Path)),
    responses((status = 200, body = LinkDescription, description = "Done"), (status = 404, description = "Unknown"), (status = 410, description = "It was here and is gone")),
)]
pub(crate) async fn about(
    State(app): State<AppState>,
    _: Visitor,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let (link, file) = opened(links::open(&app, &token, app.now()).await?)?;
    let description = LinkDescription {
        filename: link.filename.as_ref().unwrap_or(&file.filename).to_string(),
        size: file.size,
        content_type: file.content_type.to_string(),
        expires_at: link.expires_at,
    };
    Ok(signed::unshareable(Json(description).into_response()))
}

/// Redirects, or says why not: to a browser with a page, to a program with a problem.
async fn lead(app: &AppState, token: &str, method: Method, headers: &HeaderMap) -> Response {
    match redirect(app, token, method).await {
        Ok(response) => response,
        Err(problem) if page::wants_json(headers) => signed::unshareable(problem.into_response()),
        Err(problem) => page::render(&problem),
    }
}

async fn redirect(app: &AppState, token: &str, method: Method) -> Result<Response, Problem> {
    let now = app.now();
    let (link, file) = opened(links::open(app, token, now).await?)?;
    let collection = app.collection(&file.collection).ok_or_else(unknown)?;
    let cap = collection.download.expires;
    let lifetime = Lifetime::from_secs(link.url_ttl).map_or(cap, |lifetime| lifetime.min(cap));
    let wanted = DownloadRequest {
        method,
        disposition: link.disposition,
        filename: link.filename.as_ref(),
        lifetime: lifetime_left(lifetime, &link, now),
    };
    let url = download_url(app, collection, &file, wanted, now).await?;
    tracing::info!(link = %link.id, file = %file.id, "a link was opened");
    Ok(signed::redirect(StatusCode::SEE_OTHER, &url))
}

/// The URL ends with the link, where that is sooner.
fn lifetime_left(lifetime: Lifetime, link: &Link, now: Timestamp) -> Lifetime {
    let left = link.expires_at.map(|end| end.duration_since(now).as_secs().max(1));
    let left = left.and_then(|left| u64::try_from(left).ok()).and_then(|left| Lifetime::from_secs(left).ok());
    left.map_or(lifetime, |left| left.min(lifetime))
}

fn opened(opened: Opened) -> Result<(Link, File), Problem> {
    Err(match opened {
        Opened::File(opened) => return Ok(*opened),
        Opened::Unknown => unknown(),
        Opened::FileDeleted => Problem::new(Code::Gone, "The file behind this link was deleted."),
        Opened::Closed(LinkStatus::Revoked) => {
            Problem::new(Code::LinkRevoked, "Whoever shared this file has withdrawn the link.")
        }
        Opened::Closed(LinkStatus::Expired) => Problem::new(Code::LinkExpired, "The time of this link is over."),
        Opened::Closed(LinkStatus::NotYetValid | LinkStatus::Active) => {
            Problem::new(Code::LinkNotYetValid, "This link does not work yet. Try again later.")
        }
    })
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "There is no link with this address. Perhaps a part of it is missing.")
}
