//! `/v1/links`

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AppState,
        caller::Caller,
        conditions,
        extract::{self, Id, Query, RequestBody, check},
        idempotency::{IdempotencyKey, key_reused},
        list::{self, Page},
        problem::{Problem, ProblemDocument},
        signed,
    },
    files::permitted,
};
use crate::{
    app::App,
    authz::Action,
    cursor,
    model::{
        file::Disposition,
        filename::Filename,
        id::{FileId, LinkId},
        link::{Link, LinkStatus, MAX_LABEL_BYTES},
        principal::Principal,
        token::SecretToken,
    },
    repository::Created,
};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLink {
    #[schema(value_type = String)]
    file_id: FileId,
    /// From when on the link opens.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// From when on it no longer does.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// How many seconds the signed URL lives to which the link leads; the collection's rule is the default and the cap.
    url_ttl: Option<u64>,
    #[serde(default)]
    disposition: Disposition,
    /// Another name to save the file under.
    filename: Option<String>,
    /// For the one who made it.
    label: Option<String>,
}

impl RequestBody for NewLink {
    const NOT_YET: &'static [&'static str] =
        &["prefix", "max_exchanges", "confirm", "password", "audience", "allow_cidr", "policy_id"];
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LinkView {
    #[schema(value_type = String)]
    id: LinkId,
    #[schema(value_type = String)]
    file_id: FileId,
    state: LinkState,
    /// The link itself. Only the answer that makes it has it: nobody can read it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    label: Option<String>,
    disposition: Disposition,
    filename: Option<String>,
    url_ttl: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum LinkState {
    Active,
    NotYetValid,
    Expired,
    Revoked,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(value_type = String)]
    file_id: FileId,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The links of a file, newest first.
#[utoipa::path(
    get, path = "/v1/links", operation_id = "links_list", tag = "links", security(("bearer" = []), ("session" = [])), params(ListQuery),
    responses((status = 200, body = Page<LinkView>, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn list(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = list::limit(query.limit)?;
    let file = permitted(&app, &caller, query.file_id, Action::Share).await?.id;
    let name = file.to_string();
    let question = [caller.user.as_str(), caller.tenant.as_str(), "links", &name];
    let before = query.cursor.map(|cursor| {
        let last = cursor::open(&app.cursor_key, &question, &cursor);
        last.and_then(|last| last.parse().ok()).ok_or_else(list::wrong_cursor)
    });
    let rows = app.repository.links(file, before.transpose()?, limit + 1).await?;
    let now = app.now();
    let cursor_after = |last: &Link| cursor::seal(&app.cursor_key, &question, &last.id.to_string());
    let page = Page::cut(rows, limit, cursor_after, |link| view(link, None, now));
    Ok(page.into_response_at(&format!("/v1/links?limit={limit}&file_id={file}")))
}

/// Makes a link. Its address is in this answer and never again.
#[utoipa::path(
    post, path = "/v1/links", operation_id = "links_create", tag = "links", security(("bearer" = []), ("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same link, for 24 hours; its address is then another one that opens it too")),
    request_body = NewLink,
    responses((status = 201, body = LinkView, description = "Made"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn create(
    State(app): State<AppState>,
    Caller(caller): Caller,
    key: IdempotencyKey,
    body: extract::Json<NewLink>,
) -> Result<Response, Problem> {
    let now = app.now();
    let extract::Json { value: wanted, sha256 } = body;
    let mut link = new_link(&app, &caller, wanted, now).await?;
    let token = SecretToken::mint();
    let once = key.once(&caller, "POST /v1/links", sha256, now);
    match app.repository.create_link(&link, token.hash(), once.as_ref()).await? {
        Created::New => {}
        Created::KeyReused => return Err(key_reused()),
        // The first token is known to nobody but who was given it, so the link gets another.
        Created::Before(id) => {
            link = own_link(&app, &caller, id).await?;
            app.repository.add_link_token(id, token.hash()).await?;
        }
    }
    let url = format!("{}/l/{}", app.settings.site.origin, token.expose());
    let location = HeaderValue::from_str(&format!("/v1/links/{}", link.id)).expect("an id is visible ASCII");
    let headers = [(header::LOCATION, location), (header::ETAG, conditions::etag(link.revision))];
    Ok(signed::unshareable((StatusCode::CREATED, headers, Json(view(&link, Some(url), now))).into_response()))
}

/// One link.
#[utoipa::path(
    get, path = "/v1/links/{id}", operation_id = "links_read", tag = "links", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = LinkView, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn read(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<LinkId>,
) -> Result<Response, Problem> {
    let link = own_link(&app, &caller, id).await?;
    Ok(answer(&link, app.now()))
}

/// Forgets a link: its address is then unknown. Revoke it to tell visitors that it was withdrawn.
#[utoipa::path(
    delete, path = "/v1/links/{id}", operation_id = "links_delete", tag = "links", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204, description = "Done; there is nothing to say"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn delete(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<LinkId>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let link = own_link(&app, &caller, id).await?;
    let revision = conditions::if_match(&headers, link.revision)?;
    conditions::done(app.repository.delete_link(id, revision).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes a link, at once and for good. May be repeated.
#[utoipa::path(
    post, path = "/v1/links/{id}/revoke", operation_id = "links_revoke", tag = "links", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = LinkView, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn revoke(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<LinkId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let link = own_link(&app, &caller, id).await?;
    let revision = conditions::if_match(&headers, link.revision)?;
    let now = app.now();
    let link = conditions::done(app.repository.revoke_link(id, revision, now).await?)?;
    tracing::info!(link = %id, user = caller.user.as_str(), "a link was revoked");
    Ok(answer(&link, now))
}

/// The link, if the caller may share its file.
async fn own_link(app: &App, caller: &Principal, id: LinkId) -> Result<Link, Problem> {
    let link = app.repository.link(id).await?.ok_or_else(Problem::not_found)?;
    permitted(app, caller, link.file, Action::Share).await?;
    Ok(link)
}

async fn new_link(app: &App, caller: &Principal, wanted: NewLink, now: Timestamp) -> Result<Link, Problem> {
    let NewLink { file_id, not_before, expires_at, url_ttl, disposition, filename, label } = wanted;
    if expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Problem::field("/expires_at", "the link would have expired already"));
    }
    if let (Some(not_before), Some(expires_at)) = (not_before, expires_at)
        && not_before >= expires_at
    {
        return Err(Problem::field("/not_before", "the link would expire before it opens"));
    }
    if label.as_ref().is_some_and(|label| label.len() > MAX_LABEL_BYTES) {
        return Err(Problem::field("/label", format!("a label has up to {MAX_LABEL_BYTES} bytes")));
    }
    let filename = filename.map(|filename| check("/filename", Filename::parse(&filename))).transpose()?;
    let file = permitted(app, caller, file_id, Action::Share).await?;
    let collection = app.collection(&file.collection).ok_or_else(Problem::not_found)?;
    let cap = collection.download.expires.as_secs();
    if url_ttl == Some(0) {
        return Err(Problem::field("/url_ttl", "a URL lives for at least one second"));
    }
    Ok(Link {
        id: LinkId::mint(now),
        file: file_id,
        tenant: file.tenant,
        created_by: caller.user.clone(),
        label,
        disposition,
        filename,
        url_ttl: url_ttl.unwrap_or(cap).min(cap),
        not_before,
        expires_at,
        revoked_at: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    })
}

fn answer(link: &Link, now: Timestamp) -> Response {
    ([(header::ETAG, conditions::etag(link.revision))], Json(view(link, None, now))).into_response()
}

fn view(link: &Link, url: Option<String>, now: Timestamp) -> LinkView {
    LinkView {
        id: link.id,
        file_id: link.file,
        state: match link.status(now) {
            LinkStatus::Active => LinkState::Active,
            LinkStatus::NotYetValid => LinkState::NotYetValid,
            LinkStatus::Expired => LinkState::Expired,
            LinkStatus::Revoked => LinkState::Revoked,
        },
        url,
        label: link.label.clone(),
        disposition: link.disposition,
        filename: link.filename.as_ref().map(ToString::to_string),
        url_ttl: link.url_ttl,
        not_before: link.not_before,
        expires_at: link.expires_at,
        revoked_at: link.revoked_at,
        created_at: link.created_at,
    }
}
