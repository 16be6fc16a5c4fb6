//! Downloads: which URL leads to a file's bytes, and under which name a browser saves them.

use gatepass_signing::{
    disposition::ContentDisposition, signed_url::SignedUrl, sigv4::presign::Method, time::Lifetime,
};
use jiff::Timestamp;

use crate::{
    app::App,
    config::Collection,
    model::{
        file::{Disposition, File},
        filename::Filename,
    },
    stores::{StoreError, UrlRequest},
};

/// What is wanted of a download's URL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DownloadRequest<'a> {
    pub(crate) method: Method,
    pub(crate) disposition: Disposition,
    /// Another name than the file's own.
    pub(crate) filename: Option<&'a Filename>,
    pub(crate) lifetime: Lifetime,
}

/// Signs a URL to the bytes of a file.
pub(crate) async fn download_url(
    app: &App,
    collection: &Collection,
    file: &File,
    wanted: DownloadRequest<'_>,
    now: Timestamp,
) -> Result<SignedUrl, StoreError> {
    let filename = wanted.filename.unwrap_or(&file.filename);
    let request = UrlRequest {
        method: wanted.method,
        bucket: &collection.bucket.name,
        key: &file.key,
        lifetime: wanted.lifetime,
        headers: Vec::new(),
        disposition: Some(disposition(file, wanted.disposition, filename)),
    };
    app.stores.of(collection).sign_url(request, now).await
}

/// How a browser is told to treat the bytes: what could run a script is saved, whatever was asked for.
pub(crate) fn disposition(file: &File, wanted: Disposition, filename: &Filename) -> ContentDisposition {
    match wanted {
        Disposition::Inline if file.content_type.may_be_inline() => ContentDisposition::inline(filename.as_str()),
        Disposition::Inline | Disposition::Attachment => stored_disposition(filename),
    }
}

/// What is stored with the object, for URLs that say nothing else.
pub(crate) fn stored_disposition(filename: &Filename) -> ContentDisposition {
    ContentDisposition::attachment(filename.as_str())
}
