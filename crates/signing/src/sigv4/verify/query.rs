//! Reading a signed URL.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::credential::check_same_date;
use super::{Details, Echo, Mechanism, Reason, Refusal, Scheme, Schemes};
use crate::credentials::SessionToken;
use crate::request::{Query, RequestView, Target};
use crate::sigv2;
use crate::sigv4::parameter;
use crate::time::{AmzDate, Lifetime};

/// The scheme that a query means to be signed with. SigV4a must be on to be seen: while it is off, its name is an unknown
/// algorithm of SigV4's. Of SigV2's parameters each is a sign of it; but `Expires`, which has been a parameter of other
/// things, only where SigV2 is on and no `authorization` says another scheme.
pub(super) fn scheme(query: &Query, schemes: Schemes, authorization: Option<&[u8]>) -> Option<Scheme> {
    if query.iter().any(|(name, _)| parameter::MANDATORY.contains(&name)) {
        let is_v4a = || query.get(parameter::ALGORITHM) == Some(Scheme::SigV4a.as_str());
        return Some(if schemes.contains(Scheme::SigV4a) && is_v4a() { Scheme::SigV4a } else { Scheme::SigV4 });
    }
    let is_sign = |name: &str| match name {
        sigv2::parameter::EXPIRES => schemes.contains(Scheme::SigV2) && authorization.is_none(),
        sigv2::parameter::ACCESS_KEY_ID | sigv2::parameter::SIGNATURE => true,
        _ => false,
    };
    query.iter().any(|(name, _)| is_sign(name)).then_some(Scheme::SigV2)
}

/// The parameters of a signed URL, of which none that says how to verify is repeated.
///
/// AWS does not document what it does with a repeated one. Whichever is taken, another party on the way may take the other
/// one; so neither is.
pub(super) struct Parameters<'q, 'a> {
    query: &'q Query,
    /// The query as it arrived.
    raw: &'a str,
    /// Where each of [`parameter::AUTHENTICATION`] stands.
    places: [Option<usize>; parameter::AUTHENTICATION.len()],
}

impl<'q, 'a> Parameters<'q, 'a> {
    /// Takes the parameters of a target.
    pub(super) fn read(request: &RequestView<'a>, target: &'q Target) -> Result<Self, Refusal> {
        let query = target.query();
        let mut places = [None; parameter::AUTHENTICATION.len()];
        for (at, (name, value)) in query.iter().enumerate() {
            let Some(which) = place_of(name) else { continue };
            if places[which].replace(at).is_some() {
                let details =
                    Details::Argument { name: parameter::AUTHENTICATION[which], value: Echo(value.to_owned()) };
                return Err(Refusal::new(Reason::ParameterRepeated, Mechanism::Query, details));
            }
        }
        Ok(Self { query, raw: target.raw_query(request.target), places })
    }

    /// A parameter that may be there.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<Cow<'a, str>> {
        Some(self.query.value_at(self.raw, self.places[place_of(name)?]?))
    }

    /// A parameter that must be there.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Result<Cow<'a, str>, Refusal> {
        self.find(name).ok_or_else(|| refusal(Reason::ParameterMissing))
    }

    /// `X-Amz-Date`, which is on the date of the credential.
    pub(super) fn signed_at(&self, credential_date: &str) -> Result<AmzDate, Refusal> {
        let date = self.get(parameter::DATE)?;
        let signed_at = AmzDate::parse(&date).ok_or_else(|| refusal(Reason::DateMalformed))?;
        check_same_date(credential_date, &signed_at, &date, Mechanism::Query)?;
        Ok(signed_at)
    }

    /// The end of the URL, which is not over, and whose beginning is not too far ahead.
    pub(super) fn expires_at(
        &self,
        signed_at: AmzDate,
        clock_skew: SignedDuration,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        let seconds = read_expires(&self.get(parameter::EXPIRES)?)?;
        check_time(signed_at, seconds, clock_skew, now)
    }

    /// The token of temporary credentials, if there is one.
    pub(super) fn session_token(&self) -> Result<Option<Cow<'a, str>>, Refusal> {
        match self.find(parameter::SECURITY_TOKEN) {
            Some(token) if !SessionToken::is_token(&token) => Err(refusal(Reason::SessionTokenMalformed)),
            token => Ok(token),
        }
    }
}

/// Where a name stands in [`parameter::AUTHENTICATION`]. Few of them have the same length, so that few are compared; and
/// of a name that is known when this is compiled the answer is, too.
#[inline]
fn place_of(name: &str) -> Option<usize> {
    parameter::AUTHENTICATION.iter().position(|other| *other == name)
}

/// Digits only: `5.0`, `+5` and `1e20` are no numbers here. Zero is one, and a URL that has expired as it is signed.
fn read_expires(text: &str) -> Result<u64, Refusal> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refusal(Reason::ExpiresNotANumber));
    }
    if negative {
        return Err(refusal(Reason::ExpiresNegative));
    }
    match digits.parse::<u64>() {
        Ok(seconds) if seconds <= Lifetime::MAX_SECONDS => Ok(seconds),
        _ => Err(refusal(Reason::ExpiresTooLong)),
    }
}

/// Both ends are inclusive: a URL works at the very moment of its expiry.
fn check_time(
    signed_at: AmzDate,
    seconds: u64,
    clock_skew: SignedDuration,
    now: Timestamp,
) -> Result<Timestamp, Refusal> {
    let lifetime = SignedDuration::from_secs(i64::try_from(seconds).expect("at most seven days"));
    let expires_at = signed_at.timestamp().checked_add(lifetime).unwrap_or(Timestamp::MAX);
    let refuse = |reason| {
        let details = Details::Lifetime { signed_at, seconds, expires_at, server_time: now };
        Err(Refusal::new(reason, Mechanism::Query, details))
    };
    if signed_at.timestamp().duration_since(now) > clock_skew {
        return refuse(Reason::NotYetValid);
    }
    if now > expires_at {
        return refuse(Reason::Expired);
    }
    Ok(expires_at)
}

fn refusal(reason: Reason) -> Refusal {
    Refusal::plain(reason, Mechanism::Query)
}
