//! Signing in the `Authorization` header, for requests that this house sends itself.

use std::fmt;

use jiff::Timestamp;

use crate::credentials::{AccessKeyId, Credentials};
use crate::encode;
use crate::request::{Target, TargetError};
use crate::sigv4::UNSIGNED_PAYLOAD;
use crate::sigv4::canonical::{CanonicalQuery, CanonicalRequest, HeaderBlock, push_header};
use crate::sigv4::chunked::{ChunkSeed, STREAMING_UNSIGNED_TRAILER, Trailer};
use crate::sigv4::key::{KeyCache, SigningKey, sha256};
use crate::sigv4::scope::{Region, Scope, ServiceName};
use crate::sigv4::verify::Scheme;
use crate::time::AmzDate;

/// The head of a request that is about to be sent.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    /// The method.
    pub method: &'a str,
    /// The `Host` header as it will be sent, with its port if that is not the default.
    pub host: &'a str,
    /// The encoded `/path?query`, as it will be sent.
    pub target: &'a str,
    /// The other headers to sign. Every `x-amz-*` header must be among them; what the HTTP client adds must not.
    pub headers: &'a [(&'a str, &'a str)],
}

/// What is said about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The body is not covered by the signature.
    Unsigned,
    /// The body has this SHA-256.
    Sha256([u8; 32]),
    /// The body comes as `aws-chunked`, each chunk signed in a chain that begins at the signature of the request:
    /// [`SignedHeaders::chunk_seed`].
    SignedChunks(Trailer),
    /// The body comes as `aws-chunked` with a checksum in its trailer, and is not covered by the signature.
    UnsignedTrailer,
}

impl Body {
    /// A body at hand.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::Sha256(sha256(bytes))
    }

    /// What stands for the body in the canonical request, and in `x-amz-content-sha256`.
    pub(crate) fn content_sha256(self, scheme: Scheme) -> String {
        match self {
            Body::Unsigned => UNSIGNED_PAYLOAD.to_owned(),
            Body::Sha256(digest) => encode::hex(&digest),
            Body::SignedChunks(trailer) => trailer.content_sha256(scheme).to_owned(),
            Body::UnsignedTrailer => STREAMING_UNSIGNED_TRAILER.to_owned(),
        }
    }
}

/// The headers that make a request signed: `authorization`, `x-amz-date`, `x-amz-content-sha256`, and
/// `x-amz-security-token` for temporary credentials.
pub struct SignedHeaders {
    headers: Vec<(&'static str, String)>,
    chunk_seed: Option<ChunkSeed>,
}

impl SignedHeaders {
    pub(crate) fn new(unsigned: Unsigned, authorization: String, chunk_seed: Option<ChunkSeed>) -> Self {
        let mut headers = unsigned.added;
        headers.push(("authorization", authorization));
        Self { headers, chunk_seed }
    }

    /// Name and value of each, to be added to the request.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Where the chain of chunks begins, if the body is [`Body::SignedChunks`]: for
    /// [`Encoder::signed`](crate::sigv4::chunked::Encoder::signed).
    #[must_use]
    pub fn chunk_seed(&self) -> Option<&ChunkSeed> {
        self.chunk_seed.as_ref()
    }
}

impl fmt::Debug for SignedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.headers.iter().map(|(name, _)| name)).finish()
    }
}

/// Signs a request; the result is to be added to it.
pub fn sign(
    request: &RequestParts<'_>,
    body: Body,
    credentials: &Credentials,
    region: &Region,
    service: ServiceName,
    keys: &KeyCache,
    now: Timestamp,
) -> Result<SignedHeaders, SignError> {
    let unsigned = Unsigned::new(request, body, Scheme::SigV4, credentials, None, now)?;
    let signed_at = unsigned.signed_at;
    let scope = Scope::new(&signed_at, region.clone(), service);
    let key = keys.key(credentials.access_key_id(), credentials.secret_key(), &scope);
    let signature = key.sign_request(&signed_at, &unsigned.canonical_digest);
    let authorization = unsigned.authorization(credentials.access_key_id(), &scope, &signature.expose());
    let chunk_seed = match body {
        Body::SignedChunks(trailer) => {
            Some(ChunkSeed::new(SigningKey::clone(&key), signed_at, &scope, &signature, trailer))
        }
        _ => None,
    };
    Ok(SignedHeaders::new(unsigned, authorization, chunk_seed))
}

/// A request in its canonical form, which is the same whatever key then signs it.
pub(crate) struct Unsigned {
    pub(crate) signed_at: AmzDate,
    pub(crate) canonical_digest: [u8; 32],
    scheme: Scheme,
    signed_headers: String,
    added: Vec<(&'static str, String)>,
}

impl Unsigned {
    pub(crate) fn new(
        request: &RequestParts<'_>,
        body: Body,
        scheme: Scheme,
        credentials: &Credentials,
        region_set: Option<String>,
        now: Timestamp,
    ) -> Result<Self, SignError> {
        if credentials.expires_at().is_some_and(|end| end <= now) {
            return Err(SignError::CredentialsExpired);
        }
        let target = Target::parse(request.target)?;
        let signed_at = AmzDate::new(now);
        let payload = body.content_sha256(scheme);
        let mut added = vec![("x-amz-date", signed_at.to_string()), ("x-amz-content-sha256", payload.clone())];
        added.extend(region_set.map(|regions| ("x-amz-region-set", regions)));
        if let Some(token) = credentials.session_token() {
            added.push(("x-amz-security-token", token.expose().to_owned()));
        }
        let mut lines: Vec<(String, &str)> = vec![("host".to_owned(), request.host)];
        lines.extend(request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), *value)));
        lines.extend(added.iter().map(|(name, value)| ((*name).to_owned(), value.as_str())));
        // A stable sort: lines of one name keep their order, which is the order in which their values are joined.
        lines.sort_by(|(one, _), (other, _)| one.cmp(other));

        let mut headers = HeaderBlock::new();
        let mut names = Vec::new();
        for same_name in lines.chunk_by(|(one, _), (other, _)| one == other) {
            let name = same_name[0].0.as_str();
            push_header(&mut headers, name, same_name.iter().map(|(_, value)| value.as_bytes()));
            names.push(name);
        }
        let signed_headers = names.join(";");
        let canonical = CanonicalRequest {
            method: request.method,
            path: &target.canonical_path(request.target),
            query: CanonicalQuery::Received { query: target.query(), without: None },
            headers: &headers,
            signed_headers: &signed_headers,
            payload: &payload,
        };
        let canonical_digest = canonical.digest();
        Ok(Self { signed_at, canonical_digest, scheme, signed_headers, added })
    }

    /// The `Authorization` header.
    pub(crate) fn authorization(&self, id: &AccessKeyId, scope: &impl fmt::Display, signature: &str) -> String {
        let Self { scheme, signed_headers, .. } = self;
        format!("{scheme} Credential={id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}")
    }
}

/// Why a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The target is not `/path?query` in an encoding that decodes.
    #[error("the request target cannot be signed")]
    Target(#[from] TargetError),
    /// The credentials have ended.
    #[error("the credentials have expired")]
    CredentialsExpired,
}
