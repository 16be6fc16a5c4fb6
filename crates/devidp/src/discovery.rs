//! What a relying party reads first (OpenID Connect Discovery 1.0 §3, RFC 7517).

use std::sync::Arc;

use axum::{Json, extract::State as Shared};
use serde_json::{Value, json};

use crate::State;

pub(crate) async fn configuration(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let issuer = &state.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "profile", "email"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "auth_time", "name", "email", "org", "groups"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

pub(crate) async fn jwks(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    Json(json!({ "keys": [state.key.jwk()] }))
}
