//! `/v1/uploads`

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use gatepass_signing::signed_url::SignedUrl;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AppState,
        caller::Caller,
        extract::{self, Id, RequestBody, check},
        idempotency::{IdempotencyKey, key_reused},
        limited::Signing,
        problem::{Code, Problem, ProblemDocument},
        signed,
    },
    files::FileView,
};
use crate::{
    app::App,
    authz::{Action, FileResource, Resource},
    config::Collection,
    model::{
        checksum::Checksum,
        content_type::{ContentType, ContentTypePattern},
        filename::Filename,
        id::{FileId, UploadId},
        metadata::Metadata,
        principal::Principal,
        upload::{Upload, UploadState},
    },
    repository::Created,
    uploads::{Declaration, Expiry, FinishError, LimitedBy, bounded, finish_upload, pending_upload, upload_url},
};

/// What the browser computes itself, and lets no page set.
const BROWSER_SETS: [&str; 1] = ["content-length"];

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    collection: String,
    /// The name to save the file under: up to 255 bytes, no path.
    filename: String,
    /// Exactly how many bytes will come.
    size: u64,
    content_type: String,
    /// Enforced where it is given.
    checksum: Option<Checksum>,
    #[serde(default)]
    strategy: Strategy,
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: Metadata,
    /// How many seconds the URL is to work; the collection's rule is the cap.
    expires_in: Option<u64>,
}

/// How the bytes are to come.
#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Strategy {
    /// What suits the size and the collection.
    #[default]
    Auto,
    /// One PUT.
    Put,
    /// Not supported yet.
    Post,
    /// Not supported yet.
    Multipart,
}

impl RequestBody for NewUpload {
    const NOT_YET: &'static [&'static str] = &["max_size", "attach_to", "encryption"];
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct UploadView {
    #[schema(value_type = String)]
    id: UploadId,
    /// The file that it will be.
    #[schema(value_type = String)]
    file_id: FileId,
    state: UploadState,
    strategy: &'static str,
    collection: String,
    filename: String,
    size: u64,
    content_type: String,
    /// What to send where; only while the upload is pending and its URL works.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<Instructions>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When the URL really ends: the keys that signed it may end sooner.
    #[schema(value_type = String, format = DateTime)]
    effective_expires_at: Timestamp,
    limited_by: LimitedBy,
    /// Where to POST when the bytes are there.
    complete_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippets: Option<Snippets>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Instructions {
    method: &'static str,
    url: String,
    /// All of these must be sent, exactly so.
    headers: BTreeMap<String, String>,
    /// Form fields, for strategies that have them.
    fields: BTreeMap<String, String>,
    /// Those of `headers` that a browser sets itself and lets no page set.
    browser_sets: [&'static str; 1],
}

/// The upload as commands, ready to be copied.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Snippets {
    curl: String,
    fetch: String,
}

/// Begins an upload: the answer says what to send where.
#[utoipa::path(
    post, path = "/v1/uploads", operation_id = "uploads_create", tag = "uploads", security(("bearer" = []), ("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same upload, for 24 hours")),
    request_body = NewUpload,
    responses((status = 201, body = UploadView, description = "Made"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn create(
    State(app): State<AppState>,
    Signing(caller): Signing,
    key: IdempotencyKey,
    body: extract::Json<NewUpload>,
) -> Result<Response, Problem> {
    let now = app.now();
    let extract::Json { value: wanted, sha256 } = body;
    let collection = app
        .collection(&wanted.collection)
        .filter(|collection| app.check_collection(&caller, Action::Upload, &collection.name).is_ok());
    let collection = collection
        .ok_or_else(|| Problem::not_found().hint("GET /v1/collections names the collections that you may use"))?;
    let expires_in = wanted.expires_in;
    let declaration = declaration(wanted, collection)?;
    let (lifetime, limited_by) = bounded(expires_in, collection.upload.expires)
        .ok_or_else(|| Problem::field("/expires_in", "a URL lives for at least one second"))?;
    let mut upload = pending_upload(&caller, collection, declaration, lifetime, now);
    let once = key.once(&caller, "POST /v1/uploads", sha256, now);
    match app.repository.create_upload(&upload, once.as_ref()).await? {
        Created::New => {}
        Created::KeyReused => return Err(key_reused()),
        Created::Before(id) => upload = own_upload(&app, &caller, id).await?,
    }
    let location = HeaderValue::from_str(&format!("/v1/uploads/{}", upload.id)).expect("an id is visible ASCII");
    let view = view(&app, &upload, limited_by, now).await?;
    Ok(signed::unshareable((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)).into_response()))
}

/// Where an upload stands. While it is pending, with a fresh URL.
#[utoipa::path(
    get, path = "/v1/uploads/{id}", operation_id = "uploads_read", tag = "uploads", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = UploadView, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn read(
    State(app): State<AppState>,
    Signing(caller): Signing,
    Id(id): Id<UploadId>,
) -> Result<Response, Problem> {
    let upload = own_upload(&app, &caller, id).await?;
    let view = view(&app, &upload, LimitedBy::Request, app.now()).await?;
    Ok(signed::unshareable(Json(view).into_response()))
}

/// Gives an upload up.
#[utoipa::path(
    delete, path = "/v1/uploads/{id}", operation_id = "uploads_abort", tag = "uploads", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path)),
    responses((status = 204, description = "Done; there is nothing to say"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn abort(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<UploadId>,
) -> Result<StatusCode, Problem> {
    let upload = own_upload(&app, &caller, id).await?;
    if !app.repository.advance_upload(id, UploadState::Aborted).await? {
        let upload = own_upload(&app, &caller, id).await?;
        return match upload.state {
            UploadState::Aborted => Ok(StatusCode::NO_CONTENT),
            state => Err(Problem::new(Code::Conflict, format!("the upload is {state} and cannot be aborted"))),
        };
    }
    if let Some(collection) = app.collection(&upload.collection) {
        let store = app.stores.of(collection);
        // The row of doomed objects stays, so that what comes late is swept up too.
        if let Err(error) = store.delete(&collection.bucket.name, &upload.staging_key, app.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, upload = %id, "a staged object is left for later");
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Says that the bytes are there: checks them, makes the file and answers with it. May be repeated.
#[utoipa::path(
    post, path = "/v1/uploads/{id}/complete", operation_id = "uploads_complete", tag = "uploads", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = FileView, description = "Done"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn complete(
    State(app): State<AppState>,
    Caller(caller): Caller,
    Id(id): Id<UploadId>,
) -> Result<Json<FileView>, Problem> {
    own_upload(&app, &caller, id).await?;
    let file = finish_upload(&app, id, app.now()).await.map_err(unfinished)?;
    Ok(Json(FileView::from(&file)))
}

/// For `curl -L -T FILE`: redirects the PUT to the signed URL. The headers of the instructions are needed there too.
#[utoipa::path(
    put, path = "/v1/uploads/{id}/content", operation_id = "uploads_content", tag = "uploads", security(("bearer" = []), ("session" = [])),
    params(("id" = String, Path)),
    responses((status = 307, description = "Send it there instead"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn content(
    State(app): State<AppState>,
    Signing(caller): Signing,
    Id(id): Id<UploadId>,
) -> Result<Response, Problem> {
    let upload = own_upload(&app, &caller, id).await?;
    let collection = app.collection(&upload.collection).ok_or_else(Problem::not_found)?;
    if upload.state != UploadState::Pending {
        return Err(Problem::new(Code::Conflict, format!("the upload is {} and takes no bytes", upload.state)));
    }
    match upload_url(&app, collection, &upload, app.now()).await? {
        Some(url) => Ok(signed::redirect(StatusCode::TEMPORARY_REDIRECT, &url)),
        None => Err(expired()),
    }
}

/// The upload, if the caller may have it; nothing else can be told from a missing one.
async fn own_upload(app: &App, caller: &Principal, id: UploadId) -> Result<Upload, Problem> {
    let upload = app.repository.upload(id).await?.ok_or_else(Problem::not_found)?;
    let Upload { file, owner, tenant, collection, .. } = &upload;
    let resource = Resource::File(FileResource { id: *file, owner, tenant, collection });
    app.check(caller, Action::Upload, resource).map_err(|_| Problem::not_found())?;
    Ok(upload)
}

/// What the body declares, held against the collection's rules.
fn declaration(wanted: NewUpload, collection: &Collection) -> Result<Declaration, Problem> {
    if matches!(wanted.strategy, Strategy::Post | Strategy::Multipart) {
        return Err(Problem::not_supported_yet("/strategy").hint("use auto or put"));
    }
    let filename = check("/filename", Filename::parse(&wanted.filename))?;
    let content_type = check("/content_type", ContentType::parse(&wanted.content_type))?;
    let rules = &collection.upload;
    if wanted.size > rules.max_size.as_bytes() {
        let detail = format!("the collection takes up to {} bytes", rules.max_size.as_bytes());
        return Err(Problem::new(Code::TooLarge, detail.clone()).and_field(Code::TooLarge, "/size", detail));
    }
    if !rules.content_types.iter().any(|pattern| pattern.matches(&content_type)) {
        let allowed: Vec<_> = rules.content_types.iter().map(ContentTypePattern::as_str).collect();
        let detail = format!("the collection takes {}", allowed.join(", "));
        return Err(Problem::new(Code::TypeNotAllowed, detail.clone()).and_field(
            Code::TypeNotAllowed,
            "/content_type",
            detail,
        ));
    }
    let (size, checksum, metadata) = (wanted.size, wanted.checksum, wanted.metadata);
    Ok(Declaration { filename, size, content_type, checksum, metadata })
}

async fn view(app: &App, upload: &Upload, limited_by: LimitedBy, now: Timestamp) -> Result<UploadView, Problem> {
    let collection = app.collection(&upload.collection).ok_or_else(Problem::not_found)?;
    let url = match upload.state {
        UploadState::Pending => upload_url(app, collection, upload, now).await?,
        _ => None,
    };
    let nominal = Expiry { expires_at: upload.expires_at, effective_expires_at: upload.expires_at, limited_by };
    let expiry = url.as_ref().map_or(nominal, |url| Expiry::of(url, limited_by));
    Ok(UploadView {
        id: upload.id,
        file_id: upload.file,
        state: upload.state,
        strategy: "put",
        collection: upload.collection.clone(),
        filename: upload.filename.to_string(),
        size: upload.size,
        content_type: upload.content_type.to_string(),
        snippets: url.as_ref().map(|url| snippets(url, upload)),
        instructions: url.map(instructions),
        created_at: upload.created_at,
        expires_at: expiry.expires_at,
        effective_expires_at: expiry.effective_expires_at,
        limited_by: expiry.limited_by,
        complete_url: format!("{}/v1/uploads/{}/complete", app.settings.site.origin, upload.id),
    })
}

fn instructions(url: SignedUrl) -> Instructions {
    Instructions {
        method: url.method(),
        headers: url.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        url: url.into_exposed(),
        fields: BTreeMap::new(),
        browser_sets: BROWSER_SETS,
    }
}

fn snippets(url: &SignedUrl, upload: &Upload) -> Snippets {
    let ours = || url.headers().filter(|(name, _)| !BROWSER_SETS.contains(name));
    // Names and URLs mean what they say (`--globoff`): `[` and `{` are no patterns. curl sends the length of the file by itself.
    let flags: Vec<_> =
        ours().flat_map(|(name, value)| ["-H".to_owned(), shell_word(&format!("{name}: {value}"))]).collect();
    let file = shell_word(&format!("./{}", upload.filename));
    let curl = format!("curl --fail-with-body --globoff -T {file} {} {}", flags.join(" "), shell_word(url.expose()));
    let headers: BTreeMap<_, _> = ours().collect();
    let headers = serde_json::to_string(&headers).expect("a map of strings has a JSON form");
    let target = serde_json::to_string(url.expose()).expect("a string has a JSON form");
    let fetch = format!("await fetch({target}, {{ method: \"PUT\", headers: {headers}, body: file }})");
    Snippets { curl, fetch }
}

/// One word for a POSIX shell, whatever it contains.
fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn expired() -> Problem {
    Problem::new(Code::UploadExpired, "the upload's time is over").hint("begin a new upload")
}

fn unfinished(error: FinishError) -> Problem {
    match error {
        FinishError::Missing => Problem::not_found(),
        FinishError::NotUploaded => Problem::new(Code::Conflict, "nothing has been uploaded to the signed URL yet")
            .hint("PUT the bytes as the instructions say, then complete"),
        FinishError::Expired => expired(),
        FinishError::Aborted | FinishError::Rejected => Problem::new(Code::Conflict, error.to_string()),
        FinishError::Deleted => Problem::new(Code::Gone, error.to_string()),
        FinishError::Size { .. } => Problem::new(Code::SizeMismatch, error.to_string()),
        FinishError::Checksum => Problem::new(Code::ChecksumMismatch, error.to_string()),
        FinishError::ChecksumUnknown => Problem::new(Code::ProviderUnsupported, error.to_string()),
        FinishError::Changing => Problem::new(Code::Conflict, error.to_string()).hint("stop uploading, then complete"),
        FinishError::Repository(error) => error.into(),
        FinishError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_word_stays_one_word() {
        assert_eq!(shell_word("a'b; $(rm) \"c\""), r#"'a'\''b; $(rm) "c"'"#);
    }
}
