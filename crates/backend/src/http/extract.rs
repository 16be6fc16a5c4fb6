//! What is read from requests: bodies, queries and ids, each with a problem that says where it is wrong.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    response::IntoResponse as _,
};
use bytes::Bytes;
use http::{StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use sha2::{Digest as _, Sha256};

use super::{
    AppState, MAX_BODY_BYTES,
    problem::{Code, Problem},
};

/// A body that can be sent.
pub(crate) trait RequestBody: DeserializeOwned {
    /// Fields that a later version understands: refused by name, because ignoring one would promise what is not done.
    const NOT_YET: &'static [&'static str] = &[];
}

/// A JSON body, and the digest of its bytes.
pub(crate) struct Json<T> {
    pub(crate) value: T,
    pub(crate) sha256: [u8; 32],
}

/// A JSON body that may be left out.
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// The id in the path. What cannot be an id names nothing.
pub(crate) struct Id<T>(pub(crate) T);

/// The query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: RequestBody> FromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        let is_json = is_json(&request);
        let body = read(request, app).await?;
        if !is_json {
            return Err(Problem::invalid("the body must be JSON")
                .status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .hint("send `content-type: application/json`"));
        }
        Ok(Self { value: parse(&body)?, sha256: Sha256::digest(&body).into() })
    }
}

impl<T: RequestBody + Default> FromRequest<AppState> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, Problem> {
        let body = read(request, app).await?;
        if body.is_empty() { Ok(Self(T::default())) } else { parse(&body).map(Self) }
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let id = Path::<T>::from_request_parts(parts, app).await;
        id.map(|Path(id)| Self(id)).map_err(|_| Problem::not_found())
    }
}

impl<T: DeserializeOwned> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, app).await;
        query
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Problem::invalid(format!("the query is not valid: {}", rejection.body_text())))
    }
}

async fn read(request: Request, app: &AppState) -> Result<Bytes, Problem> {
    Bytes::from_request(request, app).await.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Problem::new(Code::TooLarge, format!("the body is longer than {MAX_BODY_BYTES} bytes"));
        }
        Problem::invalid("the body breaks off")
    })
}

fn parse<T: RequestBody>(body: &[u8]) -> Result<T, Problem> {
    let document: Value =
        serde_json::from_slice(body).map_err(|error| Problem::invalid(format!("the body is not JSON: {error}")))?;
    if let Some(later) = T::NOT_YET.iter().find(|name| document.get(name).is_some_and(|value| !value.is_null())) {
        return Err(Problem::not_supported_yet(&format!("/{later}")));
    }
    serde_path_to_error::deserialize(document)
        .map_err(|error| Problem::field(&pointer(error.path()), error.inner().to_string()))
}

/// A JSON pointer (RFC 6901) from the path of an error.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

fn is_json(request: &Request) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The problem of a field whose text was read but means nothing.
pub(crate) fn check<T, E: std::fmt::Display>(pointer: &str, parsed: Result<T, E>) -> Result<T, Problem> {
    parsed.map_err(|error| Problem::field(pointer, error.to_string()))
}
