//! Signing in the `Authorization` header with SigV4a.

use jiff::Timestamp;

use super::{RegionSet, Scope, string_to_sign};
use crate::credentials::Credentials;
use crate::sigv4::chunked::ChunkSeed;
use crate::sigv4::header::{Body, RequestParts, SignError, SignedHeaders, Unsigned};
use crate::sigv4::verify::Scheme;
use crate::sigv4::{KeyCache, ServiceName};

/// Signs a request; the result is to be added to it. As [`sigv4::header::sign`](crate::sigv4::header::sign), with
/// `x-amz-region-set` besides.
///
/// ```
/// use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
/// use gatepass_signing::sigv4::header::{Body, RequestParts};
/// use gatepass_signing::sigv4::{KeyCache, ServiceName};
/// use gatepass_signing::sigv4a::{self, RegionSet};
///
/// let credentials = Credentials::long_term(
///     AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
///     SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
/// );
/// let request = RequestParts {
///     method: "GET",
///     host: "alias.accesspoint.s3-global.amazonaws.com",
///     target: "/a%20cat.jpg",
///     headers: &[],
/// };
/// let (regions, keys, now) = (RegionSet::all(), KeyCache::new(), "2026-01-01T12:00:00Z".parse()?);
/// let signed =
///     sigv4a::header::sign(&request, Body::of(b""), &credentials, &regions, ServiceName::S3, &keys, now)?;
/// assert!(signed.iter().any(|header| header == ("x-amz-region-set", "*")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign(
    request: &RequestParts<'_>,
    body: Body,
    credentials: &Credentials,
    regions: &RegionSet,
    service: ServiceName,
    keys: &KeyCache,
    now: Timestamp,
) -> Result<SignedHeaders, SignError> {
    let unsigned = Unsigned::new(request, body, Scheme::SigV4a, credentials, Some(regions.to_string()), now)?;
    let scope = Scope::new(&unsigned.signed_at, service);
    let pair = keys.key_pair(credentials.access_key_id(), credentials.secret_key());
    let string_to_sign = string_to_sign(&unsigned.signed_at, &scope, &unsigned.canonical_digest);
    let signature = pair.sign(&[string_to_sign.as_bytes()]);
    let authorization = unsigned.authorization(credentials.access_key_id(), &scope, &signature.expose());
    let chunk_seed = match body {
        Body::SignedChunks(trailer) => {
            Some(ChunkSeed::asymmetric(pair, unsigned.signed_at, &scope, &signature, trailer))
        }
        _ => None,
    };
    Ok(SignedHeaders::new(unsigned, authorization, chunk_seed))
}
