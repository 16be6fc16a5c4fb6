//! Claims of SigV4.

use std::borrow::Cow;

use jiff::Timestamp;

use super::authorization::{Components, read_date, read_session_token};
use super::claim::{self, Claim, Head};
use super::credential::read_credential;
use super::headers::{check_signed_headers, check_unsigned_headers, single_header};
use super::payload::{self, Declared};
use super::query::Parameters;
use super::verified::{SignedBy, Verified, kept};
use super::{Details, Expectations, Mechanism, Mismatch, Reason, Refusal, Scheme};
use crate::credentials::SecretKey;
use crate::request::{Query, RequestView, Target};
use crate::sigv4::canonical::{CanonicalQuery, CanonicalRequest, HeaderBlock, push_header};
use crate::sigv4::chunked::ChunkSeed;
use crate::sigv4::key::{KeyCache, Signature, SigningKey, string_to_sign};
use crate::sigv4::scope::Scope;
use crate::sigv4::{ALGORITHM, parameter};
use crate::time::AmzDate;

/// What a SigV4 request says about its signature, read and checked by itself.
#[derive(Clone)]
pub(super) struct Signed<'a> {
    scope: Scope,
    at: AmzDate,
    headers: Cow<'a, str>,
    signature: Cow<'a, str>,
    payload: Declared,
}

/// Reads a signed URL.
pub(super) fn by_query<'a>(
    request: RequestView<'a>,
    target: Target,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Query;
    let parameters = Parameters::read(&request, &target)?;
    if parameters.get(parameter::ALGORITHM)? != ALGORITHM {
        return Err(Refusal::plain(Reason::Algorithm, mechanism));
    }
    let (access_key_id, scope) = read_credential(&parameters.get(parameter::CREDENTIAL)?, mechanism, expectations)?;
    let signed_at = parameters.signed_at(scope.date())?;
    let signature = parameters.get(parameter::SIGNATURE)?;
    let signed_headers = parameters.get(parameter::SIGNED_HEADERS)?;
    let expires_at = Some(parameters.expires_at(signed_at, expectations.clock_skew, now)?);
    let session_token = parameters.session_token()?;
    let payload = check_headers(&request, target.query(), mechanism, Scheme::SigV4, &signed_headers, expectations)?;
    let unsigned_headers = expectations.unsigned_headers.clone();
    Ok(Claim {
        head: Head { request, target, mechanism, access_key_id, session_token, expires_at, unsigned_headers },
        signed: claim::Signed::V4(Signed { scope, at: signed_at, headers: signed_headers, signature, payload }),
    })
}

/// Reads an `Authorization` header, from behind its scheme.
pub(super) fn by_header<'a>(
    request: RequestView<'a>,
    target: Target,
    authorization: &'a str,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Header;
    let Components { credential, signed_headers, signature } = Components::read(authorization)?;
    let (access_key_id, scope) = read_credential(credential, mechanism, expectations)?;
    let signed_at = read_date(&request, scope.date(), expectations.clock_skew, now)?;
    let session_token = read_session_token(&request)?.map(Cow::Borrowed);
    let (signed_headers, signature) = (Cow::Borrowed(signed_headers), Cow::Borrowed(signature));
    let payload = check_headers(&request, target.query(), mechanism, Scheme::SigV4, &signed_headers, expectations)?;
    let unsigned_headers = expectations.unsigned_headers.clone();
    Ok(Claim {
        head: Head { request, target, mechanism, access_key_id, session_token, expires_at: None, unsigned_headers },
        signed: claim::Signed::V4(Signed { scope, at: signed_at, headers: signed_headers, signature, payload }),
    })
}

/// What both mechanisms check last.
pub(super) fn check_headers(
    request: &RequestView<'_>,
    query: &Query,
    mechanism: Mechanism,
    scheme: Scheme,
    signed_headers: &str,
    expectations: &Expectations,
) -> Result<Declared, Refusal> {
    check_signed_headers(signed_headers, mechanism)?;
    single_header(request, "host", mechanism)?;
    payload::declared(request, query, mechanism, signed_headers, scheme, expectations.service)
}

impl Signed<'_> {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is one of a lifetime, the closure of all"
    )]
    pub(super) fn verify(self, head: Head<'_>, keys: &KeyCache, secret: &SecretKey) -> Result<Verified, Refusal> {
        let payload_line = self.payload.line();
        check_unsigned_headers(&head.request, &self.headers, head.mechanism, &payload_line, &head.unsigned_headers)?;
        let digest = Canonical::read(&head, &self.headers, &payload_line, |canonical| canonical.digest());
        let key = keys.key(&head.access_key_id, secret, &self.scope);
        let expected = key.sign_request(&self.at, &digest);
        let Some(provided) = Signature::parse(&self.signature).filter(|provided| provided.matches(&expected)) else {
            return Err(self.mismatch(&head, &payload_line, &digest));
        };
        let signed = SignedBy {
            scheme: Scheme::SigV4,
            signed_at: Some(self.at.timestamp()),
            signed_headers: kept(&self.headers, &["host"]),
            payload: self
                .payload
                .verified(|trailer| ChunkSeed::new(SigningKey::clone(&key), self.at, &self.scope, &provided, trailer)),
            scope: Some(self.scope),
        };
        Ok(Verified::new(head, signed))
    }

    /// Only here the canonical request itself is needed, and not only its digest.
    fn mismatch(self, head: &Head<'_>, payload_line: &str, digest: &[u8; 32]) -> Refusal {
        let canonical = Canonical::of(head, &self.headers, payload_line);
        let mut text = String::new();
        string_to_sign(&self.at, &self.scope, digest, |part| text.push_str(part));
        let details = Details::Mismatch(Mismatch {
            access_key_id: head.access_key_id.as_str().to_owned(),
            string_to_sign: text,
            signature_provided: self.signature.into_owned(),
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
