//! `gatepass upload`: asks the backend for a signed URL, sends the file to the store, and says that it is there.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Request, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;

use crate::{
    api::{Api, encoded, member},
    args::Upload,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    progress::Progress,
    server,
    store_error::StoreError,
};

const CHUNK_BYTES: usize = 256 * 1024;

pub(crate) fn run(arguments: &Upload, output: Output) -> Result {
    server::block_on(upload(arguments, output))
}

async fn upload(arguments: &Upload, output: Output) -> Result {
    let path = &arguments.file;
    let unreadable = || format!("{} cannot be read", path.display());
    let file = tokio::fs::File::open(path).await.explain(unreadable())?;
    let metadata = file.metadata().await.explain(unreadable())?;
    if !metadata.is_file() {
        return Err(Failure::refused(format_args!("{} is no file", path.display())));
    }
    let own_name = || path.file_name().map(|name| name.to_string_lossy().into_owned());
    let filename =
        arguments.filename.clone().or_else(own_name).ok_or_else(|| Failure::usage("the file has no name"))?;
    let content_type = arguments.content_type.as_deref().unwrap_or_else(|| guess_type(path));

    let api = Api::connect(&arguments.connection)?;
    let wanted = json!({
        "collection": arguments.collection,
        "filename": filename,
        "size": metadata.len(),
        "content_type": content_type,
        "strategy": "put",
    });
    let upload = api.post("/v1/uploads", Some(&wanted)).await?;
    let id = member(&upload, "/id")?;
    send(&api, &upload, file, metadata.len()).await?;

    let completed = api.post(&format!("/v1/uploads/{}/complete", encoded(id)), None).await?;
    let file_id = member(&upload, "/file_id")?;
    let text = format!("{file_id}  {filename}");
    output.result(text, &completed)?;
    Ok(Outcome::Done)
}

/// The bytes go to the store, not to the backend.
async fn send(api: &Api, upload: &Value, file: tokio::fs::File, size: u64) -> Result<()> {
    let progress = Arc::new(Progress::of(size));
    let shown = Arc::clone(&progress);
    let chunks = ReaderStream::with_capacity(file, CHUNK_BYTES).map_ok(Frame::data);
    let chunks = chunks.inspect(move |frame| {
        if let Some(bytes) = frame.as_ref().ok().and_then(Frame::data_ref) {
            shown.advance(Bytes::len(bytes));
        }
    });
    let mut request = Request::builder()
        .method(member(upload, "/instructions/method")?)
        .uri(member(upload, "/instructions/url")?)
        .header(header::CONTENT_LENGTH, size);
    for (name, value) in upload["instructions"]["headers"].as_object().into_iter().flatten() {
        if let Some(value) = value.as_str().filter(|_| !name.eq_ignore_ascii_case("content-length")) {
            request = request.header(name, value);
        }
    }
    let request = request.body(StreamBody::new(chunks)).explain("the backend's instructions cannot be followed")?;
    let answer = api.http.send(request).await?;
    progress.finish();
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let body = answer.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Err(Failure::refused(StoreError::read(status, &body)))
}

/// The types that browsers show or play; anything else is bytes.
fn guess_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "avif" => "image/avif",
        "css" => "text/css",
        "csv" => "text/csv",
        "gif" => "image/gif",
        "gz" => "application/gzip",
        "htm" | "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "js" | "mjs" => "text/javascript",
        "json" => "application/json",
        "md" => "text/markdown",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain",
        "wav" => "audio/wav",
        "webm" => "video/webm",
        "webp" => "image/webp",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
