//! Claims of SigV2, for those who switched it on. What it leaves unsigned is told in [`crate::sigv2`].

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::claim::{self, Claim, Head, Token};
use super::headers::{CONTENT_SHA256, NotSigned, single_header};
use super::payload::{self, Declared};
use super::verified::SignedBy;
use super::{Details, Echo, Expectations, Mechanism, Mismatch, Payload, Reason, Refusal, Scheme, Service};
use crate::credentials::{AccessKeyId, SecretKey, SessionToken};
use crate::request::{Query, RequestView, Target};
use crate::sigv2::{self, Signature, When, parameter};
use crate::time::AmzDate;

/// What a SigV2 request says about its signature, read and checked by itself.
#[derive(Clone)]
pub(super) struct Signed<'a> {
    when: Stated<'a>,
    signature: Cow<'a, str>,
    bucket_of_host: Option<String>,
    payload: Declared,
}

#[derive(Clone)]
enum Stated<'a> {
    /// `Expires`, as it was sent.
    Expires(String),
    Date {
        at: AmzDate,
        /// Empty where `x-amz-date` said it.
        line: &'a [u8],
    },
}

/// Reads a signed URL.
pub(super) fn by_query<'a>(
    request: RequestView<'a>,
    target: Target,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Query;
    let query = target.query();
    check_service(expectations, mechanism)?;
    let access_key_id = once(query, parameter::ACCESS_KEY_ID)?;
    let expires = once(query, parameter::EXPIRES)?;
    let signature = once(query, parameter::SIGNATURE)?;
    let access_key_id = AccessKeyId::new(access_key_id).map_err(|_| {
        Refusal::new(Reason::SigV2AccessKeyIdMalformed, mechanism, Details::Received(access_key_id.to_owned()))
    })?;
    let expires_at = read_expires(expires, now)?;
    check_content_headers(&request, mechanism)?;
    let session_token = session_token(&request, query, mechanism)?;
    let payload = payload::declared_by_sigv2(&request, field_of(query, CONTENT_SHA256), mechanism)?;
    let signed = Signed {
        when: Stated::Expires(expires.to_owned()),
        signature: Cow::Owned(signature.to_owned()),
        bucket_of_host: expectations.bucket_of_host.clone(),
        payload,
    };
    let expires_at = Some(expires_at);
    let head =
        Head { request, target, mechanism, access_key_id, session_token, expires_at, not_signed: NotSigned::default() };
    Ok(Claim { head, signed: claim::Signed::V2(signed) })
}

/// Reads an `Authorization` header, from behind its scheme: `AKID:signature`.
pub(super) fn by_header<'a>(
    request: RequestView<'a>,
    target: Target,
    authorization: &'a str,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Header;
    check_service(expectations, mechanism)?;
    let (access_key_id, signature) = authorization
        .split_once(':')
        .and_then(|(id, signature)| Some((AccessKeyId::new(id).ok()?, signature)))
        .ok_or_else(|| {
            let value = Echo(format!("{} {authorization}", Scheme::SigV2));
            let details = Details::Argument { name: "Authorization", value };
            Refusal::new(Reason::SigV2AuthorizationMalformed, mechanism, details)
        })?;
    let (at, line) = read_date(&request, expectations, now)?;
    check_content_headers(&request, mechanism)?;
    let session_token = session_token(&request, target.query(), mechanism)?;
    let payload = payload::declared_by_sigv2(&request, field_of(target.query(), CONTENT_SHA256), mechanism)?;
    let signed = Signed {
        when: Stated::Date { at, line },
        signature: Cow::Borrowed(signature),
        bucket_of_host: expectations.bucket_of_host.clone(),
        payload,
    };
    let head = Head {
        request,
        target,
        mechanism,
        access_key_id,
        session_token,
        expires_at: None,
        not_signed: NotSigned::default(),
    };
    Ok(Claim { head, signed: claim::Signed::V2(signed) })
}

/// SigV2 is a scheme of S3's; STS never had it here.
fn check_service(expectations: &Expectations, mechanism: Mechanism) -> Result<(), Refusal> {
    match expectations.service {
        Service::S3 => Ok(()),
        Service::Sts { .. } => Err(Refusal::plain(Reason::SigV2, mechanism)),
    }
}

/// The string to sign has one line for each of these, and one value on it. Of two, the other would not be signed.
fn check_content_headers(request: &RequestView<'_>, mechanism: Mechanism) -> Result<(), Refusal> {
    single_header(request, "content-md5", mechanism)?;
    single_header(request, "content-type", mechanism)?;
    Ok(())
}

/// A parameter that must be there, and once: whichever of two is taken, another reader may take the other.
fn once<'q>(query: &'q Query, name: &'static str) -> Result<&'q str, Refusal> {
    let mut values = query.iter().filter(|(other, _)| *other == name).map(|(_, value)| value);
    let value = values.next().ok_or_else(|| Refusal::plain(Reason::SigV2ParameterMissing, Mechanism::Query))?;
    match values.next() {
        None => Ok(value),
        Some(second) => {
            let details = Details::Argument { name, value: Echo(second.to_owned()) };
            Err(Refusal::new(Reason::ParameterRepeated, Mechanism::Query, details))
        }
    }
}

/// Seconds since 1970, however many. Inclusive: a URL works at the very moment of its expiry.
fn read_expires(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let details = Details::Received(text.to_owned());
        return Err(Refusal::new(Reason::SigV2ExpiresMalformed, Mechanism::Query, details));
    }
    // There is no upper bound: what is beyond all times is their end.
    let expires_at = text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let expires_at = expires_at.unwrap_or(Timestamp::MAX);
    if now > expires_at {
        let details = Details::Ended { expires_at, server_time: now };
        return Err(Refusal::new(Reason::Expired, Mechanism::Query, details));
    }
    Ok(expires_at)
}

/// `x-amz-date`, or else `date`, as HTTP writes it or in the long format; with what the string to sign says of it.
fn read_date<'a>(
    request: &RequestView<'a>,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<(AmzDate, &'a [u8]), Refusal> {
    let mechanism = Mechanism::Header;
    let (value, line): (&[u8], &[u8]) = match single_header(request, "x-amz-date", mechanism)? {
        Some(value) => (value, b""),
        None => match single_header(request, "date", mechanism)? {
            Some(value) => (value, value),
            None => return Err(Refusal::plain(Reason::DateMissing, mechanism)),
        },
    };
    let text = std::str::from_utf8(value).ok();
    let at = text.and_then(|text| AmzDate::parse(text).or_else(|| http_date(text)));
    let (Some(at), Some(text)) = (at, text) else { return Err(Refusal::plain(Reason::DateMalformed, mechanism)) };
    if at.timestamp().duration_since(now).abs() > expectations.clock_skew {
        let (request_time, max_allowed) = (text.to_owned(), expectations.clock_skew);
        let details = Details::Skew { request_time, server_time: now, max_allowed };
        return Err(Refusal::new(Reason::TimeSkewed, mechanism, details));
    }
    Ok((at, line))
}

/// The token of temporary credentials: a header, or a parameter that counts as one.
fn session_token<'a>(request: &RequestView<'a>, query: &Query, mechanism: Mechanism) -> Result<Token<'a>, Refusal> {
    const NAME: &str = "x-amz-security-token";
    let malformed = || Refusal::plain(Reason::SessionTokenMalformed, mechanism);
    let token = match single_header(request, NAME, mechanism)? {
        Some(value) => Some(Cow::Borrowed(std::str::from_utf8(value).map_err(|_| malformed())?)),
        None => field_of(query, NAME).map(|value| Cow::Owned(value.to_owned())),
    };
    match token {
        None => Ok(Token::None),
        Some(token) if SessionToken::is_token(&token) => Ok(Token::Stated(token)),
        Some(_) => Err(malformed()),
    }
}

/// A parameter that counts as a header, by its lower-case name.
fn field_of<'q>(query: &'q Query, name: &str) -> Option<&'q str> {
    query.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// `/bucket/` for `/bucket`, where the path names the bucket and nothing else.
fn bucket_with_slash(target: &str, bucket_of_host: Option<&str>) -> Option<String> {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let bucket = path.strip_prefix('/').filter(|bucket| !bucket.is_empty() && !bucket.contains('/'));
    (bucket.is_some() && bucket_of_host.is_none()).then(|| format!("{path}/{query}"))
}

impl Signed<'_> {
    pub(super) fn verify(&self, head: &Head<'_>, secret: &SecretKey) -> Result<SignedBy, Refusal> {
        let when = match &self.when {
            Stated::Expires(seconds) => When::Expires(seconds),
            Stated::Date { line, .. } => When::Date(line),
        };
        let bucket = self.bucket_of_host.as_deref();
        let string_to_sign = sigv2::string_to_sign(&head.request, head.target.query(), bucket, when);
        let provided = Signature::parse(&self.signature);
        let is_of = |string_to_sign: &[u8]| {
            provided.as_ref().is_some_and(|provided| provided.matches(&Signature::of(secret, string_to_sign)))
        };
        // botocore asks for `/bucket` and signs `/bucket/`, which S3 honours. It is the same resource.
        let is_of_bucket_with_slash = || {
            let target = bucket_with_slash(head.request.target, bucket)?;
            let request = RequestView { target: &target, ..head.request };
            Some(is_of(&sigv2::string_to_sign(&request, head.target.query(), None, when)))
        };
        if !is_of(&string_to_sign) && is_of_bucket_with_slash() != Some(true) {
            let details = Details::Mismatch(Mismatch {
                access_key_id: head.access_key_id.as_str().to_owned(),
                string_to_sign: String::from_utf8_lossy(&string_to_sign).into_owned(),
                signature_provided: self.signature.clone().into_owned(),
                canonical_request: Vec::new(),
            });
            return Err(Refusal::new(Reason::SignatureMismatch, head.mechanism, details));
        }
        Ok(SignedBy {
            scheme: Scheme::SigV2,
            scope: None,
            signed_at: match self.when {
                Stated::Expires(_) => None,
                Stated::Date { at, .. } => Some(at.timestamp()),
            },
            signed_headers: sigv2::signed_headers(&head.request, head.mechanism).into(),
            payload: match self.payload {
                Declared::Sha256(digest) => Payload::Sha256(digest),
                _ => Payload::Unsigned,
            },
        })
    }
}

/// S3 does not mind a day of the week that is not that of the date, and takes no date before 1970 for one.
fn http_date(text: &str) -> Option<AmzDate> {
    let at = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    (at >= Timestamp::UNIX_EPOCH).then(|| AmzDate::new(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_day_of_the_week_does_not_matter() {
        let right = http_date("Wed, 07 Jul 2010 21:53:04 GMT").unwrap();
        assert_eq!(http_date("Tue, 07 Jul 2010 21:53:04 GMT").unwrap().timestamp(), right.timestamp());
        for none in ["", "Bad Date", "Tue, 32 Jul 2010 21:53:04 GMT", "Fri, 07 Jul 1950 21:53:04 GMT"] {
            assert!(http_date(none).is_none(), "{none}");
        }
    }
}
