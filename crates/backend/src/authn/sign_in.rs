//! Sign-in of a browser: OpenID Connect's code flow with PKCE (RFC 7636, S256), `state` and `nonce`.
//!
//! `state` is a secret of the browser that began: its cookie holds it, the row its hash. So a code that somebody else obtained
//! cannot be planted into a browser.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use gatepass_signing::encode;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    TokenError,
    issuer::{Issuer, IssuerError},
    jwt,
};
use crate::{
    config::Console,
    model::{
        principal::Principal,
        session::{LoginAttempt, Session},
        token::SecretToken,
    },
    outbound::{HttpClient, OutboundError},
    random,
};

/// How long a browser may take at the issuer.
pub(crate) const LOGIN_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// How long a browser stays signed in.
pub(crate) const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(12);

/// How many sign-ins may be at the issuer at once. Each is a row that anybody can make.
pub(crate) const MAX_WAITING_SIGN_INS: u32 = 4096;

const TOKEN_REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// The issuer did not say who the browser belongs to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("the issuer cannot be asked")]
    Issuer(#[from] IssuerError),
    #[error("the issuer does not answer")]
    Outbound(#[from] OutboundError),
    #[error("the issuer's token endpoint is no URL")]
    TokenEndpoint(#[source] http::Error),
    #[error("the issuer refused the code with status {0}")]
    Refused(StatusCode),
    #[error("the issuer's answer holds no ID token")]
    Answer(#[source] serde_json::Error),
    #[error("the ID token is not valid")]
    Token(#[from] TokenError),
    #[error("the ID token belongs to another sign-in")]
    Nonce,
}

/// A sign-in that begins.
pub(crate) struct Beginning {
    pub(crate) attempt: LoginAttempt,
    /// What the browser's cookie holds, and the `state` parameter.
    pub(crate) state: SecretToken,
    /// Where the browser goes.
    pub(crate) location: String,
}

pub(crate) async fn begin(
    issuer: &Issuer,
    console: &Console,
    redirect_uri: &str,
    return_to: String,
    now: Timestamp,
) -> Result<Beginning, SignInError> {
    let endpoints = issuer.endpoints().await?;
    let state = SecretToken::mint();
    let nonce = random::hex128();
    let code_verifier = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&code_verifier));
    let parameters = form(&[
        ("response_type", "code"),
        ("client_id", &console.client_id),
        ("redirect_uri", redirect_uri),
        ("scope", &console.scopes),
        ("state", &state.expose()),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let separator = if endpoints.authorization_endpoint.contains('?') { '&' } else { '?' };
    let location = format!("{}{separator}{parameters}", endpoints.authorization_endpoint);
    let expires_at = now + LOGIN_LIFETIME;
    let attempt = LoginAttempt { state: state.hash(), nonce, code_verifier, return_to, expires_at };
    Ok(Beginning { attempt, state, location })
}

/// Exchanges the code and reads from the ID token who signed in.
pub(crate) async fn finish(
    issuer: &Issuer,
    console: &Console,
    http: &HttpClient,
    redirect_uri: &str,
    attempt: &LoginAttempt,
    code: &str,
    now: Timestamp,
) -> Result<Principal, SignInError> {
    #[derive(Deserialize)]
    struct Answer {
        id_token: String,
    }

    let endpoints = issuer.endpoints().await?;
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("client_id", &console.client_id),
        ("code_verifier", &attempt.code_verifier),
    ]);
    let request = Request::post(&endpoints.token_endpoint)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .header(header::ACCEPT, HeaderValue::from_static("application/json"))
        .body(Full::new(Bytes::from(body)))
        .map_err(SignInError::TokenEndpoint)?;
    let answer = http.send(request, TOKEN_REQUEST_LIMIT).await?;
    if answer.status() != StatusCode::OK {
        return Err(SignInError::Refused(answer.status()));
    }
    let Answer { id_token } = serde_json::from_slice(answer.body()).map_err(SignInError::Answer)?;
    let claims = jwt::verify(&id_token, issuer, &console.client_id, now).await?;
    if claims.get("nonce").and_then(|nonce| nonce.as_str()) != Some(&attempt.nonce) {
        return Err(SignInError::Nonce);
    }
    Ok(jwt::principal(&claims, &issuer.settings)?)
}

/// A session for somebody who signed in, and the token for the cookie.
pub(crate) fn session(principal: Principal, now: Timestamp) -> (Session, SecretToken) {
    let token = SecretToken::mint();
    let expires_at = now + SESSION_LIFETIME;
    (Session { token: token.hash(), principal, created_at: now, expires_at }, token)
}

fn form(parameters: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        encode::component(value, &mut text);
    }
    text
}
