//! Reading a signed `Authorization` header.

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use super::credential::check_same_date;
use super::headers::single_header;
use super::{Details, Echo, Mechanism, Reason, Refusal, Scheme, Schemes};
use crate::credentials::SessionToken;
use crate::request::RequestView;
use crate::time::AmzDate;

/// An `Authorization` header, taken apart behind its first word.
pub(super) struct Authorization<'a> {
    pub(super) scheme: Scheme,
    /// What follows the scheme and one space.
    pub(super) rest: &'a str,
}

impl<'a> Authorization<'a> {
    /// Finds the scheme, which must be one of those that are on.
    pub(super) fn read(value: &'a [u8], schemes: Schemes) -> Result<Self, Refusal> {
        let refuse = |reason| {
            let value = Echo(String::from_utf8_lossy(value).into_owned());
            Refusal::new(reason, Mechanism::Header, Details::Argument { name: "Authorization", value })
        };
        let text = std::str::from_utf8(value).map_err(|_| refuse(Reason::AuthorizationType))?;
        let Some((first, rest)) = text.split_once(' ') else {
            let reason = if text.starts_with("AWS") { Reason::AuthorizationSpacing } else { Reason::AuthorizationType };
            return Err(refuse(reason));
        };
        let known = [Scheme::SigV4, Scheme::SigV4a, Scheme::SigV2].into_iter().find(|known| known.as_str() == first);
        match known {
            Some(scheme) if schemes.contains(scheme) => Ok(Self { scheme, rest }),
            Some(Scheme::SigV2) => Err(plain(Reason::SigV2)),
            _ => Err(refuse(Reason::AuthorizationType)),
        }
    }
}

/// `Credential=…, SignedHeaders=…, Signature=…`.
pub(super) struct Components<'a> {
    pub(super) credential: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Components<'a> {
    /// Reads what follows the scheme.
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        let mut parts = text.split(',').map(str::trim_ascii);
        let (Some(credential), Some(signed_headers), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(plain(Reason::AuthorizationComponents));
        };
        Ok(Self {
            credential: value_of(credential, "Credential=", Reason::CredentialMissing)?,
            signed_headers: value_of(signed_headers, "SignedHeaders=", Reason::SignedHeadersMissing)?,
            signature: value_of(signature, "Signature=", Reason::SignatureMissing)?,
        })
    }
}

fn value_of<'a>(component: &'a str, name: &str, missing: Reason) -> Result<&'a str, Refusal> {
    component.strip_prefix(name).filter(|value| !value.is_empty()).ok_or_else(|| plain(missing))
}

/// The date of the request: that of the credential, and not too far from `now`.
pub(super) fn read_date(
    request: &RequestView<'_>,
    credential_date: &str,
    clock_skew: SignedDuration,
    now: Timestamp,
) -> Result<AmzDate, Refusal> {
    let (signed_at, as_sent) = sent_date(request)?;
    check_same_date(credential_date, &signed_at, as_sent, Mechanism::Header)?;
    if signed_at.timestamp().duration_since(now).abs() > clock_skew {
        let details = Details::Skew { request_time: as_sent.to_owned(), server_time: now, max_allowed: clock_skew };
        return Err(Refusal::new(Reason::TimeSkewed, Mechanism::Header, details));
    }
    Ok(signed_at)
}

/// `x-amz-date`, or else `date` in that format or as HTTP writes it; with the text as it was sent.
fn sent_date<'a>(request: &RequestView<'a>) -> Result<(AmzDate, &'a str), Refusal> {
    let text_of = |value: &'a [u8]| std::str::from_utf8(value).map_err(|_| plain(Reason::DateMalformed));
    if let Some(value) = single_header(request, "x-amz-date", Mechanism::Header)? {
        let text = text_of(value)?;
        return AmzDate::parse(text).map(|date| (date, text)).ok_or_else(|| plain(Reason::DateMalformed));
    }
    let value = single_header(request, "date", Mechanism::Header)?.ok_or_else(|| plain(Reason::DateMissing))?;
    let text = text_of(value)?;
    let http_date = || DateTimeParser::new().parse_timestamp(text).ok().map(AmzDate::new);
    AmzDate::parse(text).or_else(http_date).map(|date| (date, text)).ok_or_else(|| plain(Reason::DateMalformed))
}

pub(super) fn read_session_token<'a>(request: &RequestView<'a>) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = single_header(request, "x-amz-security-token", Mechanism::Header)? else { return Ok(None) };
    let token = std::str::from_utf8(value).ok().filter(|text| SessionToken::is_token(text));
    token.map(Some).ok_or_else(|| plain(Reason::SessionTokenMalformed))
}

fn plain(reason: Reason) -> Refusal {
    Refusal::plain(reason, Mechanism::Header)
}
