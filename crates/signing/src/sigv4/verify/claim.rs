//! What a request claims, whichever scheme it is signed with.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use super::headers::NotSigned;
#[cfg(feature = "sigv4a")]
use super::v4a;
use super::{Mechanism, Refusal, Scheme, Verified, v2, v4};
use crate::credentials::{AccessKeyId, SecretKey};
use crate::request::{RequestView, Target};
use crate::sigv4::key::KeyCache;

/// A request that claims to be signed by [`access_key_id`](Self::access_key_id), in good form and in time. Not yet a proof.
///
/// It borrows the request, of which it copies only what had to be decoded.
#[derive(Clone)]
pub struct Claim<'a> {
    pub(super) head: Head<'a>,
    pub(super) signed: Signed<'a>,
}

/// What claims of all schemes have.
#[derive(Clone)]
pub(super) struct Head<'a> {
    pub(super) request: RequestView<'a>,
    pub(super) target: Target,
    pub(super) mechanism: Mechanism,
    pub(super) access_key_id: AccessKeyId,
    pub(super) session_token: Token<'a>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) not_signed: NotSigned,
}

/// The session token of a claim.
#[derive(Clone)]
pub(super) enum Token<'a> {
    None,
    Stated(Cow<'a, str>),
    /// The parameter at this place of the query.
    Parameter(usize),
}

/// What each scheme adds: the rest of what was signed, and the signature.
#[derive(Clone)]
pub(super) enum Signed<'a> {
    V2(v2::Signed<'a>),
    V4(v4::Signed<'a>),
    #[cfg(feature = "sigv4a")]
    V4a(v4a::Signed<'a>),
}

impl Claim<'_> {
    /// Whose secret is needed.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.head.access_key_id
    }

    /// The session token that came with the request. Whether the access key needs one, and whether this is the one, is
    /// for the caller to check.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        match &self.head.session_token {
            Token::None => None,
            Token::Stated(token) => Some(token),
            Token::Parameter(place) => Some(self.head.target.query().value_at(*place)),
        }
    }

    /// Where the signature stands.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.head.mechanism
    }

    /// How the request is signed.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.signed {
            Signed::V2(_) => Scheme::SigV2,
            Signed::V4(_) => Scheme::SigV4,
            #[cfg(feature = "sigv4a")]
            Signed::V4a(_) => Scheme::SigV4a,
        }
    }

    /// Checks that every header is signed that must be, and that the signature is the one that `secret` makes.
    pub fn verify(self, keys: &KeyCache, secret: &SecretKey) -> Result<Verified, Refusal> {
        let signed = match &self.signed {
            Signed::V2(signed) => signed.verify(&self.head, secret)?,
            Signed::V4(signed) => signed.verify(&self.head, keys, secret)?,
            #[cfg(feature = "sigv4a")]
            Signed::V4a(signed) => signed.verify(&self.head, keys, secret)?,
        };
        Ok(Verified::new(self.head, signed))
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("scheme", &self.scheme())
            .field("mechanism", &self.mechanism())
            .field("access_key_id", self.access_key_id())
            .field("expires_at", &self.head.expires_at)
            .finish_non_exhaustive()
    }
}
