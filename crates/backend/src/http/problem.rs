//! Errors as the caller sees them: `application/problem+json` (RFC 9457).
//!
//! A handler returns a [`Problem`]; the outermost layer ([`super::finish`]) writes it down, because only there the request's id
//! and path are at hand. Nothing of a store's answer, no token and no signature ever gets into one.

use std::{borrow::Cow, error::Error, sync::Arc};

use axum::response::{IntoResponse, Response};
use gatepass_signing::sigv4::presign::PresignError;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{repository::RepositoryError, stores::StoreError};

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    InvalidRequest,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    Gone,
    LinkRevoked,
    LinkExpired,
    LinkNotYetValid,
    UploadExpired,
    SizeMismatch,
    ChecksumMismatch,
    TypeNotAllowed,
    TooLarge,
    RateLimited,
    IdempotencyKeyReused,
    PreconditionFailed,
    ProviderUnsupported,
    ProviderError,
    ExpiryExceedsCredentials,
    InternalError,
}

impl Code {
    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::LinkNotYetValid => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Gone | Self::LinkRevoked | Self::LinkExpired | Self::UploadExpired => StatusCode::GONE,
            Self::SizeMismatch | Self::ChecksumMismatch | Self::IdempotencyKeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TypeNotAllowed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::ProviderUnsupported | Self::ProviderError => StatusCode::BAD_GATEWAY,
            Self::ExpiryExceedsCredentials => StatusCode::SERVICE_UNAVAILABLE,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is not valid",
            Self::Unauthenticated => "Who calls is not known",
            Self::Forbidden => "This is not allowed",
            Self::NotFound => "There is no such thing",
            Self::Conflict => "The state of things does not allow this",
            Self::Gone => "This was here and is gone",
            Self::LinkRevoked => "The link was revoked",
            Self::LinkExpired => "The link has expired",
            Self::LinkNotYetValid => "The link does not work yet",
            Self::UploadExpired => "The upload has expired",
            Self::SizeMismatch => "The object has another size than was declared",
            Self::ChecksumMismatch => "The object has another checksum than was declared",
            Self::TypeNotAllowed => "The collection does not take this type",
            Self::TooLarge => "It is larger than is taken here",
            Self::RateLimited => "Too many requests",
            Self::IdempotencyKeyReused => "The idempotency key belongs to another request",
            Self::PreconditionFailed => "It has changed since",
            Self::ProviderUnsupported => "The store cannot do what is needed",
            Self::ProviderError => "The store did not do what it was asked",
            Self::ExpiryExceedsCredentials => "The credentials at hand end too soon",
            Self::InternalError => "Something went wrong here",
        }
    }
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct FieldProblem {
    /// Where it stands in the body, as a JSON pointer (RFC 6901).
    pub(crate) pointer: String,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

/// An error answer in the making.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    code: Code,
    status: StatusCode,
    detail: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    errors: Vec<FieldProblem>,
    headers: HeaderMap,
}

/// The document of an error answer.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// `urn:gatepass:problem:` and the code.
    r#type: String,
    title: &'static str,
    status: u16,
    code: Code,
    /// What went wrong this time, for people.
    detail: Cow<'static, str>,
    /// The path of the request; of a link, without its token.
    instance: String,
    /// What to quote when asking for help.
    request_id: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Cow<'static, str>>,
    /// Which fields are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            code,
            status: code.status(),
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// The same for what does not exist, what belongs to somebody else, and what is forbidden.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "nothing is here, or not for you")
    }

    pub(crate) fn unauthenticated(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unauthenticated, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gatepass\""))
            .hint("send `Authorization: Bearer` with a token of a configured issuer, or sign in at /auth/login")
    }

    pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// One field of the body is wrong.
    pub(crate) fn field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::invalid("a field of the body is not valid").and_field(Code::InvalidRequest, pointer, detail)
    }

    /// The field belongs to a later version.
    pub(crate) fn not_supported_yet(pointer: &str) -> Self {
        let name = pointer.trim_start_matches('/');
        Self::field(pointer, format!("not supported yet: {name}"))
    }

    /// Logs the cause, and tells the caller that there was one.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "a request failed for a reason that is ours");
        Self::new(Code::InternalError, "the request could not be served; the log of the service says why")
            .hint("try again; if it stays, tell the operator the request_id")
    }

    pub(crate) fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    pub(crate) fn and_field(mut self, code: Code, pointer: &str, detail: impl Into<String>) -> Self {
        let code = match code {
            Code::TooLarge => "too_large",
            Code::TypeNotAllowed => "type_not_allowed",
            _ => "invalid_request",
        };
        self.0.errors.push(FieldProblem { pointer: pointer.to_owned(), code, detail: detail.into() });
        self
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn title(&self) -> &'static str {
        self.0.code.title()
    }

    pub(crate) fn status_code(&self) -> StatusCode {
        self.0.status
    }

    /// The answer, with what only the outermost layer knows.
    pub(crate) fn render(&self, request_id: &str, instance: &str) -> Response {
        let Parts { code, status, detail, hint, errors, headers } = &*self.0;
        let name = serde_json::to_value(code).ok().and_then(|name| name.as_str().map(str::to_owned));
        let document = ProblemDocument {
            r#type: format!("urn:gatepass:problem:{}", name.unwrap_or_default()),
            title: code.title(),
            status: status.as_u16(),
            code: *code,
            detail: detail.clone(),
            instance: instance.to_owned(),
            request_id: request_id.to_owned(),
            hint: hint.clone(),
            errors: errors.clone(),
        };
        let mut response = (*status, axum::Json(document)).into_response();
        response.headers_mut().extend(headers.clone());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        Self::internal(&error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Presign(PresignError::CredentialsExpired)) {
            return Self::new(Code::ExpiryExceedsCredentials, "the keys that would sign have ended")
                .hint("the operator must renew the credentials of the store");
        }
        tracing::warn!(error = &error as &dyn Error, "a store did not do what it was asked");
        Self::new(Code::ProviderError, "the store did not do what it was asked; the log of the service says why")
            .hint("try again in a moment")
    }
}
