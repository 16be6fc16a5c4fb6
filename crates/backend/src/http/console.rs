//! The web console: files that were built before and are part of the binary.

use std::borrow::Cow;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, header};
use rust_embed::RustEmbed;

use super::{AppState, problem::Problem};
use crate::config::Settings;

#[derive(RustEmbed)]
#[folder = "web-dist/"]
struct Dist;

/// A year: the names of these files hold a digest of their content.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Ask every time whether it is still the newest.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

pub(super) fn routes(settings: &Settings) -> Router<AppState> {
    let policy = content_security_policy(settings);
    let index = {
        let policy = policy.clone();
        move || async move { page("index.html", &policy) }
    };
    let at_top = move |Path(name): Path<String>| async move { page(&name, &policy) };
    Router::new()
        .route("/", get(index))
        .route("/assets/{*path}", get(async |Path(path): Path<String>| asset(&format!("assets/{path}"))))
        .route("/{name}", get(at_top))
}

/// A file whose name holds its digest.
fn asset(path: &str) -> Response {
    file(path, IMMUTABLE).unwrap_or_else(|| Problem::not_found().into_response())
}

/// A file whose name stays while its content changes.
fn page(path: &str, policy: &HeaderValue) -> Response {
    let Some(mut response) = file(path, REVALIDATE) else {
        return Problem::not_found().into_response();
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

fn file(path: &str, cache_control: HeaderValue) -> Option<Response> {
    // By its listed name only: where the files are read from disk, in a debug build, `..` would lead somewhere.
    let file = Dist::iter().find(|name| name == path).and_then(|name| Dist::get(&name))?;
    let headers = [(header::CONTENT_TYPE, content_type(path)), (header::CACHE_CONTROL, cache_control)];
    let body = match file.data {
        Cow::Borrowed(bytes) => axum::body::Body::from(bytes),
        Cow::Owned(bytes) => axum::body::Body::from(bytes),
    };
    Some((headers, body).into_response())
}

/// Scripts and styles of our own only; requests go to us and to the stores that browsers put bytes into.
fn content_security_policy(settings: &Settings) -> HeaderValue {
    let mut stores = String::new();
    for collection in settings.collections.values() {
        let store = &settings.stores[&collection.bucket.store];
        let address =
            gatepass_signing::address::Address::bucket(&store.public_endpoint, store.style, &collection.bucket.name);
        let address = address.expect("the configuration checked that the bucket can stand in a URL");
        let origin = format!(" {}://{}", address.scheme().as_str(), address.host());
        if !stores.contains(&origin) {
            stores.push_str(&origin);
        }
    }
    let policy = format!(
        "default-src 'self'; connect-src 'self'{stores}; img-src 'self' data:{stores}; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("origins are visible ASCII")
}

fn content_type(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    })
}
