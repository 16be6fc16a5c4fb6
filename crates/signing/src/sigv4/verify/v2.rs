//! Claims of SigV2, for those who switched it on. What it leaves unsigned is told in [`crate::sigv2`].

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::claim::{self, Claim, Head};
use super::headers::single_header;
use super::payload::{self, Declared};
use super::verified::{SignedBy, Verified};
use super::{Details, Echo, Expectations, Mechanism, Mismatch, Reason, Refusal, Scheme, Service};
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
    let access_key_id = AccessKeyId::new(access_key_id)
        .map_err(|_| Refusal::plain(Reason::SigV2AccessKeyIdMalformed, mechanism))?;
    let expires_at = read_expires(expires, now)?;
    let session_token = session_token(&request, Some(query), mechanism)?;
    let repeated = field_of(query, payload::HEADER);
    let payload = payload::declared_by_value(&request, repeated.as_deref(), mechanism)?;
    let signed = Signed {
        when: Stated::Expires(expires.to_owned()),
        signature: Cow::Owned(signature.to_owned()),
        bucket_of_host: expectations.bucket_of_host.clone(),
        payload,
    };
    Ok(claim(request, target, mechanism, access_key_id, session_token, Some(expires_at), signed, expectations))
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
    let session_token = session_token(&request, None, mechanism)?;
    let payload = payload::declared_by_value(&request, None, mechanism)?;
    let signed = Signed {
        when: Stated::Date { at, line },
        signature: Cow::Borrowed(signature),
        bucket_of_host: expectations.bucket_of_host.clone(),
        payload,
    };
    Ok(claim(request, target, mechanism, access_key_id, session_token, None, signed, expectations))
}
