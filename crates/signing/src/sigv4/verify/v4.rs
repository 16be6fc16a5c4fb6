//! Claims of SigV4.

use jiff::Timestamp;

use super::claim::{self, Claim, Head};
use super::credential::read_credential;
use super::query::Parameters;
use super::stated::{self, Dated, Stated};
use super::verified::{SignedBy, kept};
use super::{Details, Expectations, Mechanism, Mismatch, Reason, Refusal, Scheme};
use crate::credentials::SecretKey;
use crate::request::{RequestView, Target};
use crate::sigv4::ALGORITHM;
use crate::sigv4::canonical::{CanonicalQuery, CanonicalRequest, HeaderBlock, push_header};
use crate::sigv4::chunked::ChunkSeed;
use crate::sigv4::key::{KeyCache, Signature, SigningKey, string_to_sign};
use crate::sigv4::parameter::{self, Authentication};
use crate::sigv4::scope::Scope;

/// What a SigV4 request says about its signature.
pub(super) type Signed<'a> = Stated<'a, Scope>;

impl Dated for Scope {
    const SCHEME: Scheme = Scheme::SigV4;

    fn date(&self) -> &str {
        self.date()
    }
}

/// Reads a signed URL.
pub(super) fn by_query<'a>(
    request: RequestView<'a>,
    target: Target,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let credential = |parameters: &Parameters<'_, 'a>| {
        if parameters.get(Authentication::Algorithm)? != ALGORITHM {
            return Err(Refusal::plain(Reason::Algorithm, Mechanism::Query));
        }
        read_credential(parameters.get(Authentication::Credential)?, Mechanism::Query, expectations)
    };
    stated::in_query(request, target, expectations, now, credential, claim::Signed::V4)
}

/// Reads an `Authorization` header, from behind its scheme.
pub(super) fn by_header<'a>(
    request: RequestView<'a>,
    target: Target,
    authorization: &'a str,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let credential = |text: &str| read_credential(text, Mechanism::Header, expectations);
    stated::in_header(request, target, authorization, expectations, now, credential, claim::Signed::V4)
}

impl Signed<'_> {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is one of a lifetime, the closure of all"
    )]
    pub(super) fn verify(&self, head: &Head<'_>, keys: &KeyCache, secret: &SecretKey) -> Result<SignedBy, Refusal> {
        head.not_signed.check(head.mechanism)?;
        let payload_line = self.payload.line();
        let digest = Canonical::read(head, &self.headers, &payload_line, |canonical| canonical.digest());
        let expected = keys.with(&head.access_key_id, secret, &self.scope, |key| key.sign_request(&self.at, &digest));
        let Some(provided) = Signature::parse(&self.signature).filter(|provided| provided.matches(&expected)) else {
            return Err(self.mismatch(head, &payload_line, &digest));
        };
        Ok(SignedBy {
            scheme: Scheme::SigV4,
            signed_at: Some(self.at.timestamp()),
            signed_headers: kept(&self.headers, &["host"]),
            payload: self.payload.verified(|trailer| {
                let key = keys.with(&head.access_key_id, secret, &self.scope, |key| SigningKey::clone(key));
                ChunkSeed::new(key, self.at, &self.scope, &provided, trailer)
            }),
            scope: Some(self.scope.clone()),
        })
    }

    /// Only here the canonical request itself is needed, and not only its digest.
    fn mismatch(&self, head: &Head<'_>, payload_line: &str, digest: &[u8; 32]) -> Refusal {
        let canonical = Canonical::of(head, &self.headers, payload_line);
        let mut text = String::new();
        string_to_sign(&self.at, &self.scope, digest, |part| text.push_str(part));
        let details = Details::Mismatch(Mismatch {
            access_key_id: head.access_key_id.as_str().to_owned(),
            string_to_sign: text,
            signature_provided: self.signature.clone().into_owned(),
            canonical_request: canonical.0,
        });
        Refusal::new(Reason::SignatureMismatch, head.mechanism, details)
    }
}

/// The canonical request of what arrived.
pub(super) struct Canonical(pub(super) Vec<u8>);

impl Canonical {
    pub(super) fn of(head: &Head<'_>, signed_headers: &str, payload_line: &str) -> Self {
        Self(Self::read(head, signed_headers, payload_line, |canonical| canonical.to_bytes()))
    }

    /// What `reader` makes of it, without writing it down.
    fn read<T>(
        head: &Head<'_>,
        signed_headers: &str,
        payload_line: &str,
        reader: impl FnOnce(&CanonicalRequest<'_>) -> T,
    ) -> T {
        let request = &head.request;
        let mut headers = HeaderBlock::new();
        for name in signed_headers.split(';') {
            push_header(&mut headers, name, request.header_values(name));
        }
        // A signature in the query cannot cover itself.
        let without = match head.mechanism {
            Mechanism::Query => Some(parameter::SIGNATURE),
            Mechanism::Header => None,
        };
        reader(&CanonicalRequest {
            method: request.method,
            path: &head.target.canonical_path(request.target),
            query: CanonicalQuery::Received { query: head.target.query(), without },
            headers: &headers,
            signed_headers,
            payload: payload_line,
        })
    }
}
