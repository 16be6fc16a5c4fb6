//! What requests of SigV4 and SigV4a say about their signature. They differ in their credential alone.

use std::borrow::Cow;

use jiff::Timestamp;

use super::authorization::{Components, read_date, read_session_token};
use super::claim::{Claim, Head, Signed, Token};
use super::credential::credential_first;
use super::headers::{NotSigned, check_signed_headers, single_header};
use super::payload::{self, Declared};
use super::query::Parameters;
use super::{Expectations, Mechanism, Refusal, Scheme};
use crate::credentials::AccessKeyId;
use crate::request::{RequestView, Target};
use crate::sigv4::parameter::Authentication;
use crate::time::AmzDate;

/// What a request says about its signature, read and checked by itself.
#[derive(Clone)]
pub(super) struct Stated<'a, S> {
    pub(super) scope: S,
    pub(super) at: AmzDate,
    /// Their names, as they were sent: lower-case, sorted, with semicolons between.
    pub(super) headers: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    pub(super) payload: Declared,
}

/// The scope of a credential, which is that of one day.
pub(super) trait Dated {
    /// The scheme that has such scopes.
    const SCHEME: Scheme;

    /// `YYYYMMDD`.
    fn date(&self) -> &str;
}

/// Reads a signed URL. `credential` reads its credential, and checks what belongs to it;
/// `signed` says of which scheme the rest is.
pub(super) fn in_query<'a, S: Dated>(
    request: RequestView<'a>,
    target: Target,
    expectations: &Expectations,
    now: Timestamp,
    credential: impl FnOnce(&Parameters<'_, 'a>) -> Result<(AccessKeyId, S), Refusal>,
    signed: impl FnOnce(Stated<'a, S>) -> Signed<'a>,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Query;
    let parameters = Parameters::read(&request, &target)?;
    let (access_key_id, scope) = credential(&parameters)?;
    let at =
        parameters.signed_at(scope.date()).map_err(|refusal| credential_first(scope.date(), mechanism, refusal))?;
    let signature = parameters.keep(Authentication::Signature)?;
    let headers = parameters.keep(Authentication::SignedHeaders)?;
    let expires_at = Some(parameters.expires_at(at, expectations.clock_skew, now)?);
    let session_token = parameters.session_token()?;
    let content_sha256 = parameters.find(Authentication::ContentSha256);
    let payload = check_headers(&request, content_sha256, mechanism, S::SCHEME, &headers, expectations)?;
    let not_signed = NotSigned::find(&request, &headers, mechanism, payload, &expectations.unsigned_headers);
    Ok(Claim {
        head: Head { request, target, mechanism, access_key_id, session_token, expires_at, not_signed },
        signed: signed(Stated { scope, at, headers, signature, payload }),
    })
}

/// Reads an `Authorization` header, from behind its scheme. `credential` does as for [`in_query`].
pub(super) fn in_header<'a, S: Dated>(
    request: RequestView<'a>,
    target: Target,
    authorization: &'a str,
    expectations: &Expectations,
    now: Timestamp,
    credential: impl FnOnce(&str) -> Result<(AccessKeyId, S), Refusal>,
    signed: impl FnOnce(Stated<'a, S>) -> Signed<'a>,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Header;
    let components = Components::read(authorization)?;
    let (access_key_id, scope) = credential(components.credential)?;
    let at = read_date(&request, scope.date(), expectations.clock_skew, now)
        .map_err(|refusal| credential_first(scope.date(), mechanism, refusal))?;
    let session_token = read_session_token(&request)?.map_or(Token::None, |token| Token::Stated(token.into()));
    let (headers, signature) = (Cow::Borrowed(components.signed_headers), Cow::Borrowed(components.signature));
    let payload = check_headers(&request, None, mechanism, S::SCHEME, &headers, expectations)?;
    let not_signed = NotSigned::find(&request, &headers, mechanism, payload, &expectations.unsigned_headers);
    Ok(Claim {
        head: Head { request, target, mechanism, access_key_id, session_token, expires_at: None, not_signed },
        signed: signed(Stated { scope, at, headers, signature, payload }),
    })
}

/// What both mechanisms check last. `content_sha256` is the parameter of a signed URL.
fn check_headers(
    request: &RequestView<'_>,
    content_sha256: Option<&str>,
    mechanism: Mechanism,
    scheme: Scheme,
    signed_headers: &str,
    expectations: &Expectations,
) -> Result<Declared, Refusal> {
    check_signed_headers(signed_headers, mechanism)?;
    single_header(request, "host", mechanism)?;
    payload::declared(request, content_sha256, mechanism, signed_headers, scheme, expectations.service)
}
