//! Who sent the request.

use axum::extract::FromRequestParts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use subtle::ConstantTimeEq as _;

use super::{
    AppState,
    cookies::{self, Purpose},
    problem::{Code, Problem},
};
use crate::{
    authn::TokenError,
    model::{principal::Principal, session::Session, token::SecretToken},
};

/// What the console sends with every request that changes something. Other sites cannot: a header of our own needs CORS.
pub(crate) const CSRF_HEADER: HeaderName = HeaderName::from_static("x-gatepass-csrf");

/// In how many seconds an issuer that gave no keys is asked again.
const ISSUER_RETRY_AFTER: &str = "10";

/// Somebody who is known: by a bearer token, or by the session of the console.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Principal);

/// The session of a browser, and what its page must send back.
pub(crate) struct BrowserSession {
    pub(crate) session: Session,
    pub(crate) csrf_token: String,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        match bearer(parts)? {
            Some(token) => match app.authenticator.bearer(&token, app.now()).await {
                Ok(principal) => Ok(Self(principal)),
                Err(TokenError::Unavailable(error)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "an issuer gives no keys");
                    Err(Problem::new(Code::ProviderError, "the issuer of the token cannot be asked for its keys")
                        .status(StatusCode::SERVICE_UNAVAILABLE)
                        .header(header::RETRY_AFTER, HeaderValue::from_static(ISSUER_RETRY_AFTER))
                        .hint("try again in a moment; the token may be good"))
                }
                Err(error) => Err(Problem::unauthenticated(error.to_string())),
            },
            None => BrowserSession::from_request_parts(parts, app).await.map(|browser| Self(browser.session.principal)),
        }
    }
}

impl FromRequestParts<AppState> for BrowserSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let origin = &app.settings.site.origin;
        let cookie = cookies::read(&parts.headers, origin, Purpose::Session);
        let token = cookie.as_deref().and_then(SecretToken::parse);
        let token = token.ok_or_else(|| Problem::unauthenticated("the request says nothing about who calls"))?;
        let session = app.repository.session(token.hash(), app.now()).await?;
        let session = session.ok_or_else(|| Problem::unauthenticated("the session has ended"))?;
        let csrf_token = token.derive("csrf");
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            check_same_site(parts, &origin.to_string(), &csrf_token)?;
        }
        Ok(Self { session, csrf_token })
    }
}

/// A cookie goes along whoever makes the browser send the request. That it was our page shows by what only our page knows.
fn check_same_site(parts: &Parts, origin: &str, csrf_token: &str) -> Result<(), Problem> {
    let sent = parts.headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if !bool::from(sent.ct_eq(csrf_token.as_bytes())) {
        return Err(Problem::new(Code::Forbidden, "a session may change things only with its CSRF token")
            .hint("send the csrf_token of GET /v1/session as the header x-gatepass-csrf"));
    }
    match parts.headers.get(header::ORIGIN) {
        Some(from) if from.as_bytes() != origin.as_bytes() => {
            Err(Problem::new(Code::Forbidden, "the request comes from a page of another origin"))
        }
        _ => Ok(()),
    }
}

/// The token of the `Authorization` header; `None` without one.
fn bearer(parts: &Parts) -> Result<Option<String>, Problem> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return Err(Problem::unauthenticated("there are two Authorization headers")),
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim().to_owned())),
        _ => Err(Problem::unauthenticated("the Authorization header is no bearer token")),
    }
}
