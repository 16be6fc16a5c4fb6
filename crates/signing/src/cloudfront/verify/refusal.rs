//! Why CloudFront would not let a viewer in: one reason for each rule.

use std::fmt;

/// Where the signature stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// In the query: a signed URL.
    Url,
    /// In cookies.
    Cookies,
}

/// One rule that a request broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// The URL is longer than [`MAX_URL_BYTES`](crate::cloudfront::MAX_URL_BYTES).
    #[error("the URL is too long")]
    UrlTooLong,
    /// The cookies are longer than [`MAX_COOKIE_BYTES`](super::MAX_COOKIE_BYTES).
    #[error("the cookies are too long")]
    CookiesTooLong,
    /// The host is no host in lower case, the target does not start with `/`, or they have characters that no URL has.
    #[error("the URL has characters that no URL has")]
    UrlMalformed,
    /// No `Key-Pair-Id`: not signed at all, or not wholly.
    #[error("there is no Key-Pair-Id")]
    KeyPairIdMissing,
    /// A parameter of CloudFront stands in the query twice.
    #[error("a parameter of CloudFront is repeated")]
    ParameterRepeated,
    /// `Hash-Algorithm` is there and is not `SHA256`.
    #[error("the hash algorithm is not known")]
    HashAlgorithmUnknown,
    /// Neither `Expires` nor `Policy`.
    #[error("there is neither an expiry nor a policy")]
    PolicyMissing,
    /// Both `Expires` and `Policy`.
    #[error("there is both an expiry and a policy")]
    PolicyAmbiguous,
    /// `Expires` is no whole number of seconds from 1970 to January 2038; it may be one of milliseconds.
    #[error("the expiry is not a moment in seconds")]
    ExpiresMalformed,
    /// `Policy` is not base64 in CloudFront's letters, longer than
    /// [`MAX_POLICY_BYTES`](crate::cloudfront::MAX_POLICY_BYTES), or not a policy.
    #[error("the policy is malformed")]
    PolicyMalformed,
    /// No `Signature`.
    #[error("there is no signature")]
    SignatureMissing,
    /// `Signature` is not base64 in CloudFront's letters, or longer than any signature.
    #[error("the signature cannot be decoded")]
    SignatureMalformed,
    /// No group has a key of this id.
    #[error("the key is not known here")]
    KeyUnknown,
    /// The signature is not the key's for this policy and this hash.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// The policy is for other URLs.
    #[error("the policy does not cover the URL")]
    ResourceMismatch,
    /// The path has a segment `.` or `..`, encoded or not, and the policy is a pattern: what the pattern covers would not
    /// be what an origin serves that resolves such segments.
    #[error("the path has dot segments, which a pattern does not cover")]
    DotSegments,
    /// The policy starts later.
    #[error("the policy is not valid yet")]
    NotYetValid,
    /// The policy has ended.
    #[error("the policy has expired")]
    Expired,
    /// The viewer's address is not in the policy's range. IPv6 never is.
    #[error("the viewer's address is not covered")]
    AddressMismatch,
}

/// A viewer refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: Reason,
    mechanism: Option<Mechanism>,
}

impl Refusal {
    pub(super) fn new(reason: Reason, mechanism: impl Into<Option<Mechanism>>) -> Self {
        Self { reason, mechanism: mechanism.into() }
    }

    /// The rule that was broken.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Where the signature stood, if there was one.
    pub fn mechanism(&self) -> Option<Mechanism> {
        self.mechanism
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Refusal {}
