//! `Idempotency-Key`: a request that comes again has one effect.

use axum::extract::FromRequestParts;
use http::{HeaderName, request::Parts};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    AppState,
    problem::{Code, Problem},
};
use crate::{model::principal::Principal, repository::Once};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key.
pub(crate) const MAX_KEY_BYTES: usize = 255;

/// The header, if it was sent. Only its digest is kept: the key stays the caller's.
pub(crate) struct IdempotencyKey(Option<[u8; 32]>);

impl FromRequestParts<AppState> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &AppState) -> Result<Self, Problem> {
        let Some(key) = parts.headers.get(HEADER) else {
            return Ok(Self(None));
        };
        if !(1..=MAX_KEY_BYTES).contains(&key.len()) {
            return Err(Problem::invalid(format!("an Idempotency-Key has 1 to {MAX_KEY_BYTES} bytes")));
        }
        Ok(Self(Some(Sha256::digest(key.as_bytes()).into())))
    }
}

impl IdempotencyKey {
    /// A user of two tenants has keys of two callers.
    pub(crate) fn once(
        &self,
        caller: &Principal,
        route: &'static str,
        request: [u8; 32],
        now: Timestamp,
    ) -> Option<Once> {
        let tenant = caller.tenant.as_str();
        self.0.map(|sent| {
            let key = Sha256::new().chain_update(tenant.len().to_be_bytes()).chain_update(tenant).chain_update(sent);
            Once { caller: caller.user.clone(), route, key: key.finalize().into(), request, now }
        })
    }
}

pub(crate) fn key_reused() -> Problem {
    Problem::new(Code::IdempotencyKeyReused, "this Idempotency-Key came with another body before")
        .hint("use a new key for a new request")
}
