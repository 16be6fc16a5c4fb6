//! What a signature says about the body.

use std::borrow::Cow;

use super::headers::{CONTENT_SHA256 as HEADER, is_signed, single_header};
use super::{Details, Echo, Mechanism, Reason, Refusal, Scheme, Service};
use crate::encode;
use crate::request::RequestView;
use crate::sigv4::UNSIGNED_PAYLOAD;
use crate::sigv4::chunked::{ChunkSeed, Decoder, STREAMING_UNSIGNED_TRAILER, Trailer};

/// What the signature says about the body, for whoever reads it.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Nothing: any body may follow, as it is.
    Unsigned,
    /// The body must have this SHA-256.
    Sha256([u8; 32]),
    /// The body comes in signed chunks, each chained to the one before and the first to this seed.
    StreamingSigned(Box<ChunkSeed>),
    /// The body comes in chunks that are not signed, with a checksum in its trailer.
    StreamingUnsignedTrailer,
}

impl Payload {
    /// The decoder of an `aws-chunked` body of `decoded_length` bytes; `None` where the body comes as it is.
    #[must_use]
    pub fn decoder(&self, decoded_length: u64) -> Option<Decoder> {
        match self {
            Payload::Unsigned | Payload::Sha256(_) => None,
            Payload::StreamingSigned(seed) => Some(Decoder::signed(ChunkSeed::clone(seed), decoded_length)),
            Payload::StreamingUnsignedTrailer => Some(Decoder::unsigned(decoded_length)),
        }
    }
}

/// What an unsigned request says about its body: there is no key to sign chunks with, so they are unsigned if they are
/// chunks at all.
pub fn anonymous_payload(request: &RequestView<'_>) -> Result<Payload, Refusal> {
    match header_value(request, None)? {
        None => Ok(Payload::Unsigned),
        Some(value) => match Declared::read(value, Scheme::SigV4) {
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
    /// Chunks that the scheme of the request signs, and the line that says so.
    Signed(&'static str, Trailer),
    UnsignedTrailer,
}

impl Declared {
    /// Chunks are signed with the scheme of their request, or not at all.
    fn read(text: &str, scheme: Scheme) -> Option<Self> {
        match text {
            UNSIGNED_PAYLOAD => Some(Self::Unsigned),
            STREAMING_UNSIGNED_TRAILER => Some(Self::UnsignedTrailer),
            other => [Trailer::Absent, Trailer::Signed]
                .map(|trailer| Self::Signed(trailer.content_sha256(scheme), trailer))
                .into_iter()
                .find(|signed| signed.line() == other)
                .or_else(|| encode::unhex_32(other).map(Self::Sha256)),
        }
    }

    /// The last line of the canonical request.
    pub(super) fn line(self) -> Cow<'static, str> {
        match self {
            Self::Unsigned => UNSIGNED_PAYLOAD.into(),
            Self::Sha256(digest) => encode::hex(&digest).into(),
            Self::Signed(line, _) => line.into(),
            Self::UnsignedTrailer => STREAMING_UNSIGNED_TRAILER.into(),
        }
    }

    /// What the signature says, once it is checked; `seed` begins the chain of signed chunks.
    pub(super) fn verified(self, seed: impl FnOnce(Trailer) -> ChunkSeed) -> Payload {
        match self {
            Self::Unsigned => Payload::Unsigned,
            Self::Sha256(digest) => Payload::Sha256(digest),
            Self::Signed(_, trailer) => Payload::StreamingSigned(Box::new(seed(trailer))),
            Self::UnsignedTrailer => Payload::StreamingUnsignedTrailer,
        }
    }
}

/// SigV2 signs every `x-amz-*` header, and knows no chunks. `parameter` is one that counts as the header.
pub(super) fn declared_by_sigv2(
    request: &RequestView<'_>,
    parameter: Option<&str>,
    mechanism: Mechanism,
) -> Result<Declared, Refusal> {
    declared_by_url(parameter, header_value(request, mechanism)?, mechanism)
}

/// `parameter` is that of a signed URL.
pub(super) fn declared(
    request: &RequestView<'_>,
    parameter: Option<&str>,
    mechanism: Mechanism,
    signed_headers: &str,
    scheme: Scheme,
    service: Service,
) -> Result<Declared, Refusal> {
    let header = header_value(request, mechanism)?;
    match (service, mechanism) {
        (Service::Sts { body_sha256 }, _) => Ok(Declared::Sha256(body_sha256)),
        (Service::S3, Mechanism::Header) => {
            let value = header.ok_or_else(|| Refusal::plain(Reason::ContentSha256Missing, mechanism))?;
            Declared::read(value, scheme).ok_or_else(|| invalid(value, mechanism))
        }
        (Service::S3, Mechanism::Query) => {
            let header = header.filter(|_| is_signed(HEADER, signed_headers));
            declared_by_url(parameter, header, mechanism)
        }
    }
}

/// A signed URL covers no chunks: its body is unsigned, or has the digest that was signed in the query or, as the
/// JavaScript SDK may do it, in a signed header.
fn declared_by_url(
    parameter: Option<&str>,
    signed_header: Option<&str>,
    mechanism: Mechanism,
) -> Result<Declared, Refusal> {
    let Some(value) = parameter.or(signed_header) else { return Ok(Declared::Unsigned) };
    if signed_header.is_some_and(|header| header != value) {
        return Err(invalid(value, mechanism));
    }
    match Declared::read(value, Scheme::SigV4) {
        Some(declared @ (Declared::Unsigned | Declared::Sha256(_))) => Ok(declared),
        _ => Err(invalid(value, mechanism)),
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
