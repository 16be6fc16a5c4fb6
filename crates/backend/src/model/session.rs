//! A signed-in browser.

use jiff::Timestamp;

use super::{principal::Principal, token::TokenHash};

/// A console session. The cookie holds the token, the row its hash.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) token: TokenHash,
    pub(crate) principal: Principal,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A sign-in that went to the issuer and has not come back.
#[derive(Debug, Clone)]
pub(crate) struct LoginAttempt {
    /// The hash of the `state` parameter, which a cookie of the same browser holds too.
    pub(crate) state: TokenHash,
    pub(crate) nonce: String,
    /// RFC 7636's secret, which proves to the issuer that we are who began.
    pub(crate) code_verifier: String,
    pub(crate) return_to: String,
    pub(crate) expires_at: Timestamp,
}
