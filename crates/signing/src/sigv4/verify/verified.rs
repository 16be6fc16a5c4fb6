//! The proof that a check leaves.

use std::borrow::Cow;

use jiff::Timestamp;

use super::claim::Head;
use super::{Mechanism, Payload, Scheme};
use crate::credentials::AccessKeyId;
use crate::request::Target;
use crate::sigv4::scope::Scope;

/// The proof that a request was signed with the secret of [`access_key_id`](Self::access_key_id), exactly as it is.
///
/// Only [`Claim::verify`](super::Claim::verify) makes one:
///
/// ```compile_fail,E0451
/// use gatepass_signing::sigv4::verify::Verified;
/// fn forge(real: Verified) -> Verified {
///     Verified { method: "DELETE".into(), ..real }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Verified {
    method: Cow<'static, str>,
    target: Target,
    mechanism: Mechanism,
    access_key_id: AccessKeyId,
    expires_at: Option<Timestamp>,
    signed: SignedBy,
}

/// What a scheme knows about what it verified. It is made where a signature has just matched, and nowhere else.
#[derive(Clone, Debug)]
pub(super) struct SignedBy {
    pub(super) scheme: Scheme,
    pub(super) scope: Option<Scope>,
    pub(super) signed_at: Option<Timestamp>,
    pub(super) signed_headers: Cow<'static, str>,
    pub(super) payload: Payload,
}

impl Verified {
    /// Of the head whose signature has just matched.
    pub(super) fn new(head: Head<'_>, signed: SignedBy) -> Self {
        Self {
            method: kept(head.request.method, &["GET", "PUT", "HEAD", "DELETE", "POST"]),
            target: head.target,
            mechanism: head.mechanism,
            access_key_id: head.access_key_id,
            expires_at: head.expires_at,
            signed,
        }
    }

    /// The method that was signed.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path and query that were signed, decoded. With [`Scheme::SigV2`] they are what arrived, and only a part of the
    /// query was signed.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Where the signature stood.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// How the request was signed.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.signed.scheme
    }

    /// Who signed.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// Date, region and service of the signature; only [`Scheme::SigV4`] has them.
    #[must_use]
    pub fn scope(&self) -> Option<&Scope> {
        self.signed.scope.as_ref()
    }

    /// When it was signed; a URL of [`Scheme::SigV2`] does not tell.
    #[must_use]
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed.signed_at
    }

    /// The end of a signed URL; `None` for a request signed in its header.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The names of the signed headers, lower-case and sorted.
    pub fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.signed.signed_headers.split(';').filter(|name| !name.is_empty())
    }

    /// What the signature says about the body.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.signed.payload
    }
}

/// A copy of `text` that outlives the request, which is free where it is one of the `usual` texts.
pub(super) fn kept(text: &str, usual: &[&'static str]) -> Cow<'static, str> {
    match usual.iter().find(|usual| **usual == text) {
        Some(usual) => Cow::Borrowed(usual),
        None => Cow::Owned(text.to_owned()),
    }
}
