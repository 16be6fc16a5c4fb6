//! Reading a signed `Authorization` header.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::{
    Details, Echo, Expectations, Mechanism, Reason, Refusal, Stated, check_same_date, read_credential, single_header,
};
use crate::credentials::SessionToken;
use crate::request::RequestView;
use crate::sigv4::ALGORITHM;
use crate::time::AmzDate;

pub(super) fn read(
    request: &RequestView<'_>,
    authorization: &[u8],
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Stated, Refusal> {
    let components = Components::read(authorization)?;
    let (access_key_id, scope) = read_credential(components.credential, Mechanism::Header, expectations)?;
    let (signed_at, date) = read_date(request)?;
    check_same_date(&scope, &signed_at, date, Mechanism::Header)?;
    if signed_at.timestamp().duration_since(now).abs() > expectations.clock_skew {
        let details =
            Details::Skew { request_time: date.to_owned(), server_time: now, max_allowed: expectations.clock_skew };
        return Err(Refusal::new(Reason::TimeSkewed, Mechanism::Header, details));
    }
    Ok(Stated {
        mechanism: Mechanism::Header,
        access_key_id,
        scope,
        signed_at,
        expires_at: None,
        session_token: read_session_token(request)?,
        signed_headers: components.signed_headers.to_owned(),
        signature: components.signature.to_owned(),
    })
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
struct Components<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Components<'a> {
    fn read(authorization: &'a [u8]) -> Result<Self, Refusal> {
        let refuse = |reason| {
            let value = Echo(String::from_utf8_lossy(authorization).into_owned());
            Refusal::new(reason, Mechanism::Header, Details::Argument { name: "Authorization", value })
        };
        let text = std::str::from_utf8(authorization).map_err(|_| refuse(Reason::AuthorizationType))?;
        let Some((scheme, rest)) = text.split_once(' ') else {
            let reason = if text.starts_with("AWS") { Reason::AuthorizationSpacing } else { Reason::AuthorizationType };
            return Err(refuse(reason));
        };
        match scheme {
            ALGORITHM => {}
            "AWS" => return Err(plain(Reason::SigV2)),
            _ => return Err(refuse(Reason::AuthorizationType)),
        }
        let parts: Vec<&str> = rest.split(',').map(str::trim_ascii).collect();
        let [credential, signed_headers, signature] = parts[..] else {
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

/// `x-amz-date`, or else `date` in that format or as HTTP writes it; with the text as it was sent.
fn read_date<'a>(request: &RequestView<'a>) -> Result<(AmzDate, &'a str), Refusal> {
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

fn read_session_token(request: &RequestView<'_>) -> Result<Option<SessionToken>, Refusal> {
    let Some(value) = single_header(request, "x-amz-security-token", Mechanism::Header)? else { return Ok(None) };
    let token = std::str::from_utf8(value).ok().and_then(|text| SessionToken::new(text).ok());
    token.map(Some).ok_or_else(|| plain(Reason::SessionTokenMalformed))
}

fn plain(reason: Reason) -> Refusal {
    Refusal::plain(reason, Mechanism::Header)
}
