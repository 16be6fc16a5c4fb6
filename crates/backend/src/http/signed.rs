//! Answers that lead to signed URLs: nobody may keep them, pass them on, or index them.

use axum::response::{IntoResponse as _, Response};
use gatepass_signing::signed_url::SignedUrl;
use http::{HeaderName, HeaderValue, StatusCode, header};

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// A redirect to a signed URL: 303 for a GET that becomes another GET, 307 where method and body stay.
pub(crate) fn redirect(status: StatusCode, url: &SignedUrl) -> Response {
    let location = HeaderValue::from_str(url.expose()).expect("a signed URL is percent-encoded ASCII");
    unshareable((status, [(header::LOCATION, location)]).into_response())
}

/// Marks an answer that holds, or leads to, a signed URL or a token.
pub(crate) fn unshareable(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
    response
}
