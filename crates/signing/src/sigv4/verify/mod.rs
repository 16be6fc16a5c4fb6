//! Checking a signature, in two steps, so that secrets can come from anywhere:
//! [`parse`] → the caller finds the secret of [`Claim::access_key_id`] → [`Claim::verify`] → [`Verified`].
//!
//! Everything is checked on the raw request target and the headers as they arrived. The order is that of S3: form, region
//! and expiry first, then (by the caller) the key, then headers that should have been signed, then the signature.
//!
//! Work is bounded whatever arrives: target, headers and parameters have limits that are checked before anything is
//! decoded, every list is walked a fixed number of times, and only sorting costs more than its length.

mod authorization;
mod claim;
mod credential;
mod expectations;
mod headers;
mod payload;
mod query;
mod refusal;
mod stated;
mod v2;
mod v4;
#[cfg(feature = "sigv4a")]
mod v4a;
mod verified;

use jiff::Timestamp;

pub use self::claim::Claim;
pub use self::expectations::{Expectations, Scheme, Schemes, Service, UnsignedHeaders};
pub use self::payload::{Payload, anonymous_payload};
pub use self::refusal::{Details, Echo, Mechanism, Mismatch, Reason, Refusal};
pub use self::verified::Verified;

use self::authorization::Authorization;
use self::headers::single_header;
use crate::request::{RequestView, Target, TargetError};

/// The most header lines of one request.
pub const MAX_HEADERS: usize = 128;
/// The most bytes in all names and values of the headers of one request.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What a request presents.
#[derive(Clone, Debug)]
pub enum Presented<'a> {
    /// No signature at all. See [`anonymous_payload`] for its body.
    Anonymous,
    /// A signed URL.
    Query(Claim<'a>),
    /// A signed request.
    Header(Claim<'a>),
}

/// Reads what a request claims, and checks everything that needs no secret.
pub fn parse<'a>(
    request: &RequestView<'a>,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Presented<'a>, Refusal> {
    check_size(request)?;
    let target = Target::parse(request.target).map_err(target_refusal)?;
    let authorization = single_header(request, "authorization", None)?;
    let scheme = query::scheme(target.query(), expectations.schemes, authorization);
    match (authorization, scheme) {
        (None, None) => Ok(Presented::Anonymous),
        (Some(value), Some(_)) => {
            let value = Echo(String::from_utf8_lossy(value).into_owned());
            Err(Refusal::new(Reason::TwoMechanisms, None, Details::Argument { name: "Authorization", value }))
        }
        (Some(value), None) => {
            let authorization = Authorization::read(value, expectations.schemes)?;
            claim_by_header(*request, target, &authorization, expectations, now).map(Presented::Header)
        }
        (None, Some(scheme)) => claim_by_query(*request, target, scheme, expectations, now).map(Presented::Query),
    }
}

/// Here the schemes part, for requests that are signed in their header.
fn claim_by_header<'a>(
    request: RequestView<'a>,
    target: Target,
    authorization: &Authorization<'a>,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    match authorization.scheme {
        Scheme::SigV2 => v2::by_header(request, target, authorization.rest, expectations, now),
        Scheme::SigV4 => v4::by_header(request, target, authorization.rest, expectations, now),
        #[cfg(feature = "sigv4a")]
        Scheme::SigV4a => v4a::by_header(request, target, authorization.rest, expectations, now),
        #[cfg(not(feature = "sigv4a"))]
        Scheme::SigV4a => Err(Refusal::plain(Reason::AuthorizationType, Mechanism::Header)),
    }
}

/// Here the schemes part, for signed URLs.
fn claim_by_query<'a>(
    request: RequestView<'a>,
    target: Target,
    scheme: Scheme,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    match scheme {
        Scheme::SigV2 if !expectations.schemes.contains(scheme) => Err(Refusal::plain(Reason::SigV2, Mechanism::Query)),
        Scheme::SigV2 => v2::by_query(request, target, expectations, now),
        Scheme::SigV4 if !expectations.schemes.contains(scheme) => {
            Err(Refusal::plain(Reason::Algorithm, Mechanism::Query))
        }
        Scheme::SigV4 => v4::by_query(request, target, expectations, now),
        #[cfg(feature = "sigv4a")]
        Scheme::SigV4a => v4a::by_query(request, target, expectations, now),
        #[cfg(not(feature = "sigv4a"))]
        Scheme::SigV4a => Err(Refusal::plain(Reason::Algorithm, Mechanism::Query)),
    }
}

fn check_size(request: &RequestView<'_>) -> Result<(), Refusal> {
    // Counted first, so that a million header lines are not even summed up.
    let too_large = request.headers.len() > MAX_HEADERS
        || request.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_HEADER_BYTES;
    if too_large { Err(Refusal::plain(Reason::HeadersTooLarge, None)) } else { Ok(()) }
}

fn target_refusal(error: TargetError) -> Refusal {
    let reason = match error {
        TargetError::TooLong => Reason::TargetTooLong,
        TargetError::TooManyParameters => Reason::TooManyParameters,
        TargetError::Form | TargetError::Byte | TargetError::Encoding(_) => Reason::TargetMalformed,
    };
    Refusal::plain(reason, None)
}
