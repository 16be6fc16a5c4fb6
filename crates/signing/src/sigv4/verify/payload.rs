//! What a signature says about the body.

use std::borrow::Cow;

use super::headers::{CONTENT_SHA256 as HEADER, is_signed, single_header};
use super::{Details, Echo, Mechanism, Reason, Refusal, Service};
use crate::encode;
use crate::request::{Query, RequestView};
use crate::sigv4::chunked::{ChunkSeed, Decoder, Trailer};
use crate::sigv4::key::{Signature, SigningKey};
use crate::sigv4::scope::Scope;
use crate::sigv4::{UNSIGNED_PAYLOAD, parameter};
use crate::time::AmzDate;

const STREAMING_SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const STREAMING_SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const STREAMING_UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// What the signature says about the body, for whoever reads it.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Nothing: any body may follow, as it is.
    Unsigned,
    /// The body must have this SHA-256.
    Sha256([u8; 32]),
    /// The body comes in signed chunks, each chained to the one before and the first to this seed.
    StreamingSigned(ChunkSeed),
    /// The body comes in chunks that are not signed, with a checksum in its trailer.
    StreamingUnsignedTrailer,
}

impl Payload {
    /// The decoder of an `aws-chunked` body of `decoded_length` bytes; `None` where the body comes as it is.
    #[must_use]
    pub fn decoder(&self, decoded_length: u64) -> Option<Decoder> {
        match self {
            Payload::Unsigned | Payload::Sha256(_) => None,
            Payload::StreamingSigned(seed) => Some(Decoder::signed(seed.clone(), decoded_length)),
            Payload::StreamingUnsignedTrailer => Some(Decoder::unsigned(decoded_length)),
        }
    }
}

/// What an unsigned request says about its body: there is no key to sign chunks with, so they are unsigned if they are
/// chunks at all.
pub fn anonymous_payload(request: &RequestView<'_>) -> Result<Payload, Refusal> {
    match header_value(request, None)? {
        None => Ok(Payload::Unsigned),
        Some(value) => match Declared::read(value) {
            Some(Declared::Unsigned) => Ok(Payload::Unsigned),
            Some(Declared::UnsignedTrailer) => Ok(Payload::StreamingUnsignedTrailer),
            _ => Err(invalid(value, None)),
        },
    }
}

/// What the request says about its body, before the signature over it is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    Unsigned,
    Sha256([u8; 32]),
    Signed(Trailer),
    UnsignedTrailer,
}

impl Declared {
    fn read(text: &str) -> Option<Self> {
        match text {
            UNSIGNED_PAYLOAD => Some(Self::Unsigned),
            STREAMING_SIGNED => Some(Self::Signed(Trailer::Absent)),
            STREAMING_SIGNED_TRAILER => Some(Self::Signed(Trailer::Signed)),
            STREAMING_UNSIGNED_TRAILER => Some(Self::UnsignedTrailer),
            digest => encode::unhex_32(digest).map(Self::Sha256),
        }
    }

    /// The last line of the canonical request.
    pub(super) fn line(self) -> Cow<'static, str> {
        match self {
            Self::Unsigned => UNSIGNED_PAYLOAD.into(),
            Self::Sha256(digest) => encode::hex(&digest).into(),
            Self::Signed(Trailer::Absent) => STREAMING_SIGNED.into(),
            Self::Signed(Trailer::Signed) => STREAMING_SIGNED_TRAILER.into(),
            Self::UnsignedTrailer => STREAMING_UNSIGNED_TRAILER.into(),
        }
    }

    pub(super) fn verified(self, key: &SigningKey, signed_at: AmzDate, scope: &Scope, signature: Signature) -> Payload {
        match self {
            Self::Unsigned => Payload::Unsigned,
            Self::Sha256(digest) => Payload::Sha256(digest),
            Self::Signed(trailer) => {
                Payload::StreamingSigned(ChunkSeed::new(key.clone(), signed_at, scope, signature, trailer))
            }
            Self::UnsignedTrailer => Payload::StreamingUnsignedTrailer,
        }
    }
}

pub(super) fn declared(
    request: &RequestView<'_>,
    query: &Query,
    mechanism: Mechanism,
    signed_headers: &str,
    service: Service,
) -> Result<Declared, Refusal> {
    let header = header_value(request, mechanism)?;
    match (service, mechanism) {
        (Service::Sts { body_sha256 }, _) => Ok(Declared::Sha256(body_sha256)),
        (Service::S3, Mechanism::Header) => {
            let value = header.ok_or_else(|| Refusal::plain(Reason::ContentSha256Missing, mechanism))?;
            Declared::read(value).ok_or_else(|| invalid(value, mechanism))
        }
        (Service::S3, Mechanism::Query) => {
            let header = header.filter(|_| is_signed(HEADER, signed_headers));
            declared_by_url(query.get(parameter::CONTENT_SHA256), header)
        }
    }
}

/// A signed URL covers no chunks: its body is unsigned, or has the digest that was signed in the query or, as the
/// JavaScript SDK may do it, in a signed header.
fn declared_by_url(parameter: Option<&str>, signed_header: Option<&str>) -> Result<Declared, Refusal> {
    let Some(value) = parameter.or(signed_header) else { return Ok(Declared::Unsigned) };
    if signed_header.is_some_and(|header| header != value) {
        return Err(invalid(value, Mechanism::Query));
    }
    match Declared::read(value) {
        Some(declared @ (Declared::Unsigned | Declared::Sha256(_))) => Ok(declared),
        _ => Err(invalid(value, Mechanism::Query)),
    }
}

fn header_value<'a>(
    request: &RequestView<'a>,
    mechanism: impl Into<Option<Mechanism>>,
) -> Result<Option<&'a str>, Refusal> {
    let mechanism = mechanism.into();
    let Some(value) = single_header(request, HEADER, mechanism)? else { return Ok(None) };
    // A value that is no text is as wrong as any other unknown one.
    let text = std::str::from_utf8(value).map_err(|_| invalid(&String::from_utf8_lossy(value), mechanism))?;
    Ok(Some(text))
}

fn invalid(value: &str, mechanism: impl Into<Option<Mechanism>>) -> Refusal {
    let details = Details::Argument { name: HEADER, value: Echo(value.to_owned()) };
    Refusal::new(Reason::ContentSha256Invalid, mechanism, details)
}
