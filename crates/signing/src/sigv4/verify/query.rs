//! Reading a signed URL.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::claim::Token;
use super::credential::check_same_date;
use super::{Details, Echo, Mechanism, Reason, Refusal, Scheme, Schemes};
use crate::credentials::SessionToken;
use crate::request::{Query, RequestView, Target};
use crate::sigv2;
use crate::sigv4::parameter::{self, Authentication};
use crate::time::{AmzDate, Lifetime};

/// The scheme that a query means to be signed with. SigV4a must be on to be seen: while it is off, its name is an unknown
/// algorithm of SigV4's. Of SigV2's parameters each is a sign of it; but `Expires`, which has been a parameter of other
/// things, only where SigV2 is on and no `authorization` says another scheme.
pub(super) fn scheme(query: &Query, schemes: Schemes, authorization: Option<&[u8]>) -> Option<Scheme> {
    if query.names().any(|name| parameter::MANDATORY.contains(&name)) {
        let is_v4a = || query.get(parameter::ALGORITHM) == Some(Scheme::SigV4a.as_str());
        return Some(if schemes.contains(Scheme::SigV4a) && is_v4a() { Scheme::SigV4a } else { Scheme::SigV4 });
    }
    let is_sign = |name: &str| match name {
        sigv2::parameter::EXPIRES => schemes.contains(Scheme::SigV2) && authorization.is_none(),
        sigv2::parameter::ACCESS_KEY_ID | sigv2::parameter::SIGNATURE => true,
        _ => false,
    };
    query.names().any(is_sign).then_some(Scheme::SigV2)
}

/// The parameters of a signed URL, of which none that says how to verify is repeated.
///
/// AWS does not document what it does with a repeated one. Whichever is taken, another party on the way may take the other
/// one; so neither is.
pub(super) struct Parameters<'q, 'a> {
    query: &'q Query,
    /// The query as it arrived.
    raw: &'a str,
    /// Where each stands.
    places: [Option<u8>; Authentication::COUNT],
}

const _: () = assert!(Query::MAX_PARAMETERS <= 1 << u8::BITS, "a place is one byte");

impl<'q, 'a> Parameters<'q, 'a> {
    /// Takes the parameters of a target.
    pub(super) fn read(request: &RequestView<'a>, target: &'q Target) -> Result<Self, Refusal> {
        let query = target.query();
        let mut places = [None; Authentication::COUNT];
        for (at, name) in (0_u8..).zip(query.names()) {
            let Some(which) = Authentication::named(name) else { continue };
            if places[which as usize].replace(at).is_some() {
                let value = Echo(query.value_at(at.into()).to_owned());
                let details = Details::Argument { name: which.name(), value };
                return Err(Refusal::new(Reason::ParameterRepeated, Mechanism::Query, details));
            }
        }
        Ok(Self { query, raw: target.raw_query(request.target), places })
    }

    fn place(&self, which: Authentication) -> Option<usize> {
        self.places[which as usize].map(usize::from)
    }

    /// A parameter that may be there.
    pub(super) fn find(&self, which: Authentication) -> Option<&'q str> {
        Some(self.query.value_at(self.place(which)?))
    }

    /// A parameter that must be there.
    pub(super) fn get(&self, which: Authentication) -> Result<&'q str, Refusal> {
        self.find(which).ok_or_else(|| refusal(Reason::ParameterMissing))
    }

    /// The same, to be kept longer than the query that was read: borrowed from the request where nothing was decoded.
    pub(super) fn keep(&self, which: Authentication) -> Result<Cow<'a, str>, Refusal> {
        let place = self.place(which).ok_or_else(|| refusal(Reason::ParameterMissing))?;
        Ok(self.query.raw_value_at(self.raw, place))
    }

    /// `X-Amz-Date`, which is on the date of the credential.
    pub(super) fn signed_at(&self, credential_date: &str) -> Result<AmzDate, Refusal> {
        let date = self.get(Authentication::Date)?;
        let signed_at = AmzDate::parse(date).ok_or_else(|| refusal(Reason::DateMalformed))?;
        check_same_date(credential_date, &signed_at, date, Mechanism::Query)?;
        Ok(signed_at)
    }

    /// The end of the URL, which is not over, and whose beginning is not too far ahead.
    pub(super) fn expires_at(
        &self,
        signed_at: AmzDate,
        clock_skew: SignedDuration,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        let seconds = read_expires(self.get(Authentication::Expires)?)?;
        check_time(signed_at, seconds, clock_skew, now)
    }

    /// The token of temporary credentials, if there is one. It is long: it stays where it was decoded.
    pub(super) fn session_token(&self) -> Result<Token<'a>, Refusal> {
        let Some(place) = self.place(Authentication::SecurityToken) else { return Ok(Token::None) };
        if SessionToken::is_token(self.query.value_at(place)) {
            Ok(Token::Parameter(place))
        } else {
            Err(refusal(Reason::SessionTokenMalformed))
        }
    }
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
