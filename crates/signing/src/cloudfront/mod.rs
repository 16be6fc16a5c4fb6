//! CloudFront's signed URLs and signed cookies: made with a private key, checked against a group of public ones.
//!
//! CloudFront does not sign as S3 does. There is no secret that both sides hold: you sign a small JSON document, the
//! *policy*, with a private key, and CloudFront checks it with the public half that you uploaded. A URL is good for GET
//! and HEAD and whatever else the behaviour allows; method and headers are not signed.
//!
//! - A **canned** policy ([`Policy::canned`]) is one URL and an end. It does not travel: CloudFront rebuilds it from the
//!   URL. Take it where you can: nothing can be too wide.
//! - A **custom** policy ([`CustomPolicy`]) is a pattern and an end, and if need be a start and a range of IPv4 addresses.
//!   Patterns reach further than they look; [`lint`](lint::lint) says how far.
//! - **Cookies** carry either kind for many files at once: a video in segments, a gallery.
//!
//! Signatures are over SHA-256 by default, which CloudFront takes since April 2026 when `Hash-Algorithm=SHA256` says so.
//! Where it says nothing, they are over SHA-1. The hash is not inside what is signed, and need not be: a signature over
//! one hash is none over the other.
//!
//! [`verify::verify`] checks what [`Signer`] makes, in CloudFront's order and with its reasons, so that an edge can stand
//! where CloudFront does, and a test can ask why CloudFront would refuse.
//!
//! ```
//! use gatepass_signing::cloudfront::verify::{KeyGroup, Request, verify};
//! use gatepass_signing::cloudfront::{ContentUrl, EpochTime, KeyPairId, Policy, PrivateKey, Scheme, Signer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pem = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/p256.sec1.pem"));
//! let key = PrivateKey::from_pem(pem)?;
//! let key_pair_id = KeyPairId::new("K2JCJMDEHXQW5F")?;
//! let now: jiff::Timestamp = "2026-06-01T12:00:00Z".parse()?;
//!
//! // One side signs …
//! let url = ContentUrl::parse("https://cdn.example.com/films/a%20film.mp4?size=large")?;
//! let expires = EpochTime::from_timestamp("2026-06-01T12:05:00Z".parse()?)?;
//! let signed = Signer::new(&key, &key_pair_id).sign_url(&url, &Policy::canned(&url, expires)?)?;
//! assert!(signed.to_string().contains("&Signature=[redacted]&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"));
//!
//! // … the other checks what arrived.
//! let keys = KeyGroup::new().with(key_pair_id, key.public_key());
//! let verified = verify(
//!     &Request {
//!         scheme: Scheme::Https,
//!         host: "cdn.example.com",
//!         target: signed.expose().strip_prefix("https://cdn.example.com").unwrap(),
//!         cookies: &[],
//!         viewer: "192.0.2.7".parse()?,
//!     },
//!     &[&keys],
//!     now,
//! )?;
//! assert_eq!(verified.origin_target(), "/films/a%20film.mp4?size=large");
//! # Ok(())
//! # }
//! ```
//!
//! Source: Amazon CloudFront developer guide, "Serve private content with signed URLs and signed cookies".

mod base64;
pub mod cookie;
mod document;
pub mod key;
pub mod lint;
mod policy;
mod resource;
mod sign;
mod url;
pub mod verify;

use std::fmt;

pub use self::cookie::{CookieScope, CookieScopeError, SignedCookies};
pub use self::document::MAX_POLICY_BYTES;
pub use self::key::{KeyError, KeyType, PrivateKey, PublicKey};
pub use self::policy::{
    CannedPolicy, CustomPolicy, EpochTime, EpochTimeError, IpRange, IpRangeError, Policy, PolicyError,
};
pub use self::resource::{Resource, ResourceError};
pub use self::sign::{SignError, Signer};
pub use self::url::{ContentUrl, MAX_URL_BYTES, Scheme, SignedUrl, UrlError};

/// The query parameters that belong to CloudFront. Case counts.
mod parameter {
    pub(super) const EXPIRES: &str = "Expires";
    pub(super) const POLICY: &str = "Policy";
    pub(super) const SIGNATURE: &str = "Signature";
    pub(super) const KEY_PAIR_ID: &str = "Key-Pair-Id";
    pub(super) const HASH_ALGORITHM: &str = "Hash-Algorithm";

    /// Any of these makes a URL a signed one.
    pub(super) const MARKS: [&str; 4] = [EXPIRES, POLICY, SIGNATURE, KEY_PAIR_ID];
    /// None of these is part of the URL that is signed.
    pub(super) const ALL: [&str; 5] = [EXPIRES, POLICY, SIGNATURE, KEY_PAIR_ID, HASH_ALGORITHM];
}

/// The hash under a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-1: what a signature is over that says nothing. Collisions can be made; take it for old verifiers only.
    Sha1,
    /// SHA-256, said by `Hash-Algorithm=SHA256`.
    #[default]
    Sha256,
}

impl HashAlgorithm {
    /// What stands in the URL or the cookie. For SHA-1, nothing.
    pub fn wire_name(self) -> Option<&'static str> {
        match self {
            HashAlgorithm::Sha1 => None,
            HashAlgorithm::Sha256 => Some("SHA256"),
        }
    }

    /// Reads what stands in the URL or the cookie. `SHA256` is the one value there is.
    pub fn from_wire(value: Option<&str>) -> Option<Self> {
        match value {
            None => Some(HashAlgorithm::Sha1),
            Some("SHA256") => Some(HashAlgorithm::Sha256),
            Some(_) => None,
        }
    }
}

/// The id of a public key at CloudFront: `K2JCJMDEHXQW5F`, or `APKA…` for the key pairs of an account.
///
/// Invariant: 1 to 128 ASCII letters and digits, so it needs no encoding anywhere.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyPairId(String);

/// The text is no [`KeyPairId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key pair id has 1 to {max} letters and digits", max = KeyPairId::MAX_BYTES)]
pub struct KeyPairIdError;

impl KeyPairId {
    /// The longest id.
    pub const MAX_BYTES: usize = 128;

    /// Reads an id.
    pub fn new(text: impl Into<String>) -> Result<Self, KeyPairIdError> {
        let text = text.into();
        if text.is_empty() || text.len() > Self::MAX_BYTES || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(KeyPairIdError);
        }
        Ok(Self(text))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for KeyPairId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyPairId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyPairId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPairId({})", self.0)
    }
}
