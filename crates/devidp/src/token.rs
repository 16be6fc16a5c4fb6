//! Tokens: the code's exchange, what the tokens say, and who their bearer is.

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{State as Shared, rejection::FormRejection},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{AUDIENCE, CLIENT_ID, State, users, users::User};

/// How long the tokens of a sign-in work.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// How long `gatepass dev token` works: a day of work, so that a shell variable outlives lunch.
const DEVELOPMENT_TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(12);

/// RFC 9068 §2.1.
const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nobody has that name.
    #[error("there is no development user `{0}`")]
    UnknownUser(String),
    /// The key did not sign.
    #[error("the token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    name: String,
    email: String,
    /// The tenant.
    org: String,
    groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_hash: Option<String>,
}

/// The exchange's fields as they came.
#[derive(Debug, Deserialize)]
pub(crate) struct Exchange {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    client_id: Option<String>,
    code_verifier: Option<String>,
}

pub(crate) fn development_token(state: &State, user: &User) -> Result<String, TokenError> {
    let claims = access_claims(state, user, "openid profile email", (state.now)(), DEVELOPMENT_TOKEN_LIFETIME);
    state.key.sign(ACCESS_TOKEN_TYPE, &claims).map_err(TokenError::Sign)
}

/// `POST /token`.
pub(crate) async fn exchange(
    Shared(state): Shared<Arc<State>>,
    form: Result<Form<Exchange>, FormRejection>,
) -> Response {
    let Ok(Form(exchange)) = form else {
        return refusal("invalid_request", "the form is malformed or repeats a field");
    };
    if exchange.grant_type.as_deref() != Some("authorization_code") {
        return refusal("unsupported_grant_type", "grant_type must be authorization_code");
    }
    if exchange.client_id.as_deref() != Some(CLIENT_ID) {
        return refusal("invalid_client", "the client is not known here");
    }
    let (Some(code), Some(verifier)) = (&exchange.code, &exchange.code_verifier) else {
        return refusal("invalid_request", "code and code_verifier are required");
    };
    let now = (state.now)();
    // Taken out first: a wrong guess at the verifier burns the code.
    let grant = state.codes.take(code, now).filter(|grant| {
        exchange.redirect_uri.as_ref() == Some(&grant.redirect_uri)
            && challenge(verifier).as_ref() == Some(&grant.code_challenge)
    });
    let Some(grant) = grant else {
        return refusal(
            "invalid_grant",
            "the code is unknown, used, expired, or not for this verifier and redirect_uri",
        );
    };

    let access = access_claims(&state, grant.user, &grant.scope, now, TOKEN_LIFETIME);
    let Ok(access_token) = state.key.sign(ACCESS_TOKEN_TYPE, &access) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let id = Claims {
        aud: CLIENT_ID.to_owned(),
        client_id: None,
        scope: None,
        nonce: grant.nonce,
        auth_time: Some(grant.signed_in_at.as_second()),
        at_hash: Some(half_hash(&access_token)),
        ..access
    };
    let Ok(id_token) = state.key.sign("JWT", &id) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    uncached(Json(json!({
        "access_token": access_token,
        "id_token": id_token,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME.as_secs(),
        "scope": grant.scope,
    })))
}

/// `/userinfo` (OpenID Connect Core §5.3).
pub(crate) async fn userinfo(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Response {
    let now = (state.now)().as_second();
    let user = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(|token| state.key.verify::<Claims>(token, ACCESS_TOKEN_TYPE, AUDIENCE))
        .filter(|claims| claims.iss == state.issuer && claims.nbf <= now && now < claims.exp)
        .and_then(|claims| users::find(&claims.sub));
    let Some(user) = user else {
        let challenge = [(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    };
    uncached(Json(json!({
        "sub": user.name,
        "name": user.display_name,
        "email": user.email,
        "org": user.tenant,
        "groups": user.groups,
    })))
}

fn access_claims(state: &State, user: &User, scope: &str, now: Timestamp, lifetime: SignedDuration) -> Claims {
    let now = now.as_second();
    Claims {
        iss: state.issuer.clone(),
        sub: user.name.to_owned(),
        aud: AUDIENCE.to_owned(),
        iat: now,
        nbf: now,
        exp: now + lifetime.as_secs(),
        name: user.display_name.to_owned(),
        email: user.email.to_owned(),
        org: user.tenant.to_owned(),
        groups: user.groups.iter().map(|&group| group.to_owned()).collect(),
        client_id: Some(CLIENT_ID.to_owned()),
        scope: Some(scope.to_owned()),
        nonce: None,
        auth_time: None,
        at_hash: None,
    }
}

/// What a verifier of RFC 7636 §4.1's form hashes to (§4.6), nothing for another.
fn challenge(verifier: &str) -> Option<String> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    ((43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved))
        .then(|| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)))
}

/// `at_hash`: the left half of the token's digest (OpenID Connect Core §3.1.3.6).
fn half_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(token)[..16])
}

/// RFC 6749 §5.2.
fn refusal(error: &str, description: &str) -> Response {
    let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    (status, uncached(Json(json!({ "error": error, "error_description": description })))).into_response()
}

fn uncached(body: Json<serde_json::Value>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").as_deref(), Some(expected));
    }

    #[test]
    fn verifiers_of_43_to_128_characters_are_taken() {
        for (length, taken) in [(42, false), (43, true), (128, true), (129, false)] {
            assert_eq!(challenge(&"a".repeat(length)).is_some(), taken, "{length} characters");
        }
    }
}
