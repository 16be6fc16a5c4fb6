//! `/v1/files`

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use gatepass_signing::sigv4::presign::Method;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::{
    AppState,
    caller::Caller,
    conditions,
    extract::{Id, OptionalJson, Query, RequestBody, check},
    limited::Signing,
    list::{self, Page},
    problem::{Problem, ProblemDocument},
    signed,
};
use crate::{
    app::App,
    authz::Action,
    config::Collection,
    cursor,
    files::{DownloadRequest, disposition, download_url},
    model::{
        checksum::Checksum,
        file::{Disposition, File},
        filename::Filename,
        id::FileId,
        metadata::Metadata,
        principal::Principal,
    },
    repository::{DoomedObject, FileQuery},
    uploads::{Expiry, LimitedBy, bounded},
};

/// A client should ask for a new URL when a fifth of its life is left.
const REFRESH_FRACTION: i64 = 5;

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct FileView {
    #[schema(value_type = String)]
    id: FileId,
    collection: String,
    filename: String,
    size: u64,
    content_type: String,
    state: FileState,
    /// The subject of its owner.
    owner: String,
    checksum: Option<Checksum>,
    metadata: Metadata,
    /// The store's entity tag of its bytes.
    etag: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

#[derive(Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum FileState {
    /// It can be read.
    Available,
}

impl From<&File> for FileView {
    fn from(file: &File) -> Self {
        Self {
            id: file.id,
            collection: file.collection.clone(),
            filename: file.filename.to_string(),
            size: file.size,
            content_type: file.content_type.to_string(),
            state: FileState::Available,
            owner: file.owner.subject().to_owned(),
            checksum: file.checksum.clone(),
            metadata: file.metadata.clone(),
            etag: file.object_etag.clone(),
            created_at: file.created_at,
            updated_at: file.updated_at,
        }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    collection: Option<String>,
    /// In this version every file that exists is available.
    #[expect(dead_code, reason = "reading it checks that it is a state")]
    state: Option<FileState>,
    /// What the name begins with.
    prefix: Option<String>,
    /// What the name contains.
    q: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UrlOptions {
    /// GET or HEAD: a store checks each with its own signature.
    #[serde(default)]
    method: UrlMethod,
    #[serde(default)]
    disposition: Disposition,
    /// Another name to save the file under.
    filename: Option<String>,
    /// How many seconds the URL is to work; the collection's rule is the cap.
    expires_in: Option<u64>,
}

#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum UrlMethod {
    #[default]
    Get,
    Head,
}

impl RequestBody for UrlOptions {
    const NOT_YET: &'static [&'static str] = &["stable", "mode"];
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContentQuery {
    #[serde(default)]
    disposition: Disposition,
    filename: Option<String>,
    expires_in: Option<u64>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct UrlView {
    url: String,
    method: &'static str,
    /// What must be sent along.
    headers: std::collections::BTreeMap<String, String>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    effective_expires_at: Timestamp,
    limited_by: LimitedBy,
    /// When to ask for another.
    #[schema(value_type = String, format = DateTime)]
    refresh_after: Timestamp,
    size: u64,
    etag: String,
    filename: String,
}

/// The caller's files; an administrator's are all of the tenant. Newest first.
#[utoipa::path(
    get, path = "/v1/files", operation_id = "files_list", tag = "files", security(("bearer" = []), ("session" = [])), params(ListQuery),
    responses((status = 200, body = Page<FileView>, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn list(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let ListQuery { collection, prefix, q, limit, cursor, .. } = query;
    let limit = list::limit(limit)?;
    let sees_all = sees_all(&app, &caller, collection.as_deref());
    let text = |value: &Option<String>| value.clone().map_or(String::new(), |value| format!("={value}"));
    let scope = if sees_all { "tenant" } else { "own" };
    let (in_collection, with_prefix, with_q) = (text(&collection), text(&prefix), text(&q));
    let question =
        [caller.user.as_str(), caller.tenant.as_str(), "files", scope, &in_collection, &with_prefix, &with_q];
    let before = cursor.map(|cursor| {
        let last = cursor::open(&app.cursor_key, &question, &cursor);
        last.and_then(|last| last.parse().ok()).ok_or_else(list::wrong_cursor)
    });
    let query = FileQuery {
        tenant: caller.tenant.clone(),
        owner: (!sees_all).then(|| caller.user.clone()),
        collection: collection.clone(),
        prefix: prefix.clone(),
        contains: q.clone(),
        before: before.transpose()?,
        limit: limit + 1,
    };
    let rows = app.repository.files(&query).await?;
    let mut page = Page::cut(
        rows,
        limit,
        |last| cursor::seal(&app.cursor_key, &question, &last.id.to_string()),
        |file| app.check(&caller, Action::List, file).is_ok().then(|| FileView::from(file)),
    );
    // A policy may hide single files; then a page is shorter than its limit, and the cursor still leads on.
    let data = page.data.drain(..).flatten().collect();
    let page = Page { data, next_cursor: page.next_cursor, has_more: page.has_more };
    Ok(page.into_response_at(&route(limit, &[("collection", &collection), ("prefix", &prefix), ("q", &q)])))
}

/// One file.
#[utoipa::path(
    get, path = "/v1/files/{id}", operation_id = "files_read", tag = "files", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = FileView, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn read(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<FileId>,
) -> Result<Response, Problem> {
    let file = permitted(&app, &caller, id, Action::List).await?;
    Ok(([(header::ETAG, conditions::etag(file.revision))], Json(FileView::from(&file))).into_response())
}

/// Deletes a file. Its links answer 410 with the code `gone` at once; its bytes go as soon as the store answers.
#[utoipa::path(
    delete, path = "/v1/files/{id}", operation_id = "files_delete", tag = "files", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204, description = "Done; there is nothing to say"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn delete(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<FileId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let file = permitted(&app, &caller, id, Action::Delete).await?;
    let revision = conditions::if_match(&headers, file.revision)?;
    let now = app.now();
    conditions::done(app.repository.delete_file(id, revision, now).await?)?;
    let object = DoomedObject { collection: file.collection, key: file.key };
    if let Err(error) = crate::housekeeping::delete_now(&app, &object).await {
        tracing::warn!(error = &error as &dyn std::error::Error, file = %id, "the bytes of a deleted file are left for later");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Leads to the bytes: 303 to a fresh signed URL, whatever `Accept` says.
#[utoipa::path(
    get, path = "/v1/files/{id}/content", operation_id = "files_content", tag = "files", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path), ContentQuery),
    responses((status = 303, description = "The way there"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn content(
    State(app): State<AppState>,
    Signing(caller): Signing,
    Id(id): Id<FileId>,
    Query(query): Query<ContentQuery>,
) -> Result<Response, Problem> {
    let (file, collection) = downloadable(&app, &caller, id).await?;
    let ContentQuery { disposition, filename, expires_in } = query;
    let filename = saved_as(filename)?;
    let (lifetime, _) = granted(expires_in, collection)?;
    let wanted = DownloadRequest { method: Method::Get, disposition, filename: filename.as_ref(), lifetime };
    let url = download_url(&app, collection, &file, wanted, app.now()).await?;
    Ok(signed::redirect(StatusCode::SEE_OTHER, &url))
}

/// What a GET would lead to, answered from the row.
#[utoipa::path(
    head, path = "/v1/files/{id}/content", operation_id = "files_content_head", tag = "files", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path), ContentQuery),
    responses((status = 200, description = "Done"), (status = "4XX", description = "A problem")),
)]
pub(crate) async fn content_head(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<FileId>,
    Query(query): Query<ContentQuery>,
) -> Result<Response, Problem> {
    let (file, _) = downloadable(&app, &caller, id).await?;
    let filename = saved_as(query.filename)?;
    let disposition = disposition(&file, query.disposition, filename.as_ref().unwrap_or(&file.filename));
    let text = |text: &str| HeaderValue::from_str(text).map_err(|error| Problem::internal(&error));
    let headers = [
        (header::CONTENT_LENGTH, HeaderValue::from(file.size)),
        (header::CONTENT_TYPE, text(file.content_type.as_str())?),
        (header::CONTENT_DISPOSITION, text(disposition.as_str())?),
        (header::ETAG, text(&format!("\"{}\"", file.object_etag))?),
        (header::LAST_MODIFIED, text(&http_date(file.created_at))?),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    ];
    Ok(signed::unshareable((StatusCode::OK, headers).into_response()))
}

/// A signed URL as JSON, for programs.
#[utoipa::path(
    post, path = "/v1/files/{id}/url", operation_id = "files_url", tag = "files", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path)), request_body = Option<UrlOptions>,
    responses((status = 200, body = UrlView, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn url(
    State(app): State<AppState>,
    Signing(caller): Signing,
    Id(id): Id<FileId>,
    OptionalJson(options): OptionalJson<UrlOptions>,
) -> Result<Response, Problem> {
    let (file, collection) = downloadable(&app, &caller, id).await?;
    let filename = saved_as(options.filename)?;
    let (lifetime, limited_by) = granted(options.expires_in, collection)?;
    let method = match options.method {
        UrlMethod::Get => Method::Get,
        UrlMethod::Head => Method::Head,
    };
    let wanted = DownloadRequest { method, disposition: options.disposition, filename: filename.as_ref(), lifetime };
    let url = download_url(&app, collection, &file, wanted, app.now()).await?;
    let expiry = Expiry::of(&url, limited_by);
    let view = UrlView {
        method: url.method(),
        headers: url.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        expires_at: expiry.expires_at,
        effective_expires_at: expiry.effective_expires_at,
        limited_by: expiry.limited_by,
        refresh_after: refresh_after(app.now(), expiry.effective_expires_at),
        url: url.into_exposed(),
        size: file.size,
        etag: file.object_etag.clone(),
        filename: filename.unwrap_or(file.filename).to_string(),
    };
    Ok(signed::unshareable(Json(view).into_response()))
}

/// The file, if the caller may do this with it; nothing else can be told from a missing one.
pub(super) async fn permitted(app: &App, caller: &Principal, id: FileId, action: Action) -> Result<File, Problem> {
    let file = app.repository.file(id).await?.ok_or_else(Problem::not_found)?;
    app.check(caller, action, &file).map_err(|_| Problem::not_found())?;
    Ok(file)
}

async fn downloadable<'app>(
    app: &'app App,
    caller: &Principal,
    id: FileId,
) -> Result<(File, &'app Collection), Problem> {
    let file = permitted(app, caller, id, Action::Download).await?;
    let collection = app.collection(&file.collection).ok_or_else(Problem::not_found)?;
    Ok((file, collection))
}

/// Whether the caller administers what is listed: then it is everybody's in the tenant.
fn sees_all(app: &App, caller: &Principal, collection: Option<&str>) -> bool {
    let administers = |name: &str| app.check_collection(caller, Action::Administer, name).is_ok();
    match collection {
        Some(name) => administers(name),
        None => app.settings.collections.keys().all(|name| administers(name)),
    }
}

fn granted(
    expires_in: Option<u64>,
    collection: &Collection,
) -> Result<(gatepass_signing::time::Lifetime, LimitedBy), Problem> {
    bounded(expires_in, collection.download.expires)
        .ok_or_else(|| Problem::field("/expires_in", "a URL lives for at least one second"))
}

fn saved_as(filename: Option<String>) -> Result<Option<Filename>, Problem> {
    filename.map(|filename| check("/filename", Filename::parse(&filename))).transpose()
}

fn refresh_after(now: Timestamp, end: Timestamp) -> Timestamp {
    let left = end.duration_since(now).as_secs().max(0);
    end - SignedDuration::from_secs(left / REFRESH_FRACTION)
}

/// IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The route of this list with its filters, for the link to the next page.
fn route(limit: u32, filters: &[(&str, &Option<String>)]) -> String {
    let mut route = format!("/v1/files?limit={limit}");
    for (name, value) in filters {
        if let Some(value) = value {
            for part in ["&", name, "="] {
                route.push_str(part);
            }
            gatepass_signing::encode::component(value, &mut route);
        }
    }
    route
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        let time: Timestamp = "1994-11-06T08:49:37Z".parse().expect("a time");
        assert_eq!(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_url_is_renewed_while_a_fifth_of_it_is_left() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let end = now + SignedDuration::from_mins(5);
        assert_eq!(refresh_after(now, end), now + SignedDuration::from_mins(4));
    }
}
