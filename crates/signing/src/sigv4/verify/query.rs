//! Reading a signed URL.

use jiff::{SignedDuration, Timestamp};

use super::{Details, Echo, Expectations, Mechanism, Reason, Refusal, Stated, check_same_date, read_credential};
use crate::credentials::SessionToken;
use crate::request::Query;
use crate::sigv4::{ALGORITHM, parameter};
use crate::time::{AmzDate, Lifetime};

pub(super) fn read(query: &Query, expectations: &Expectations, now: Timestamp) -> Result<Stated, Refusal> {
    refuse_repeated(query)?;
    if mandatory(query, parameter::ALGORITHM)? != ALGORITHM {
        return Err(refusal(Reason::Algorithm));
    }
    let (access_key_id, scope) =
        read_credential(mandatory(query, parameter::CREDENTIAL)?, Mechanism::Query, expectations)?;
    let date = mandatory(query, parameter::DATE)?;
    let signed_at = AmzDate::parse(date).ok_or_else(|| refusal(Reason::DateMalformed))?;
    check_same_date(&scope, &signed_at, date, Mechanism::Query)?;
    let signature = mandatory(query, parameter::SIGNATURE)?.to_owned();
    let signed_headers = mandatory(query, parameter::SIGNED_HEADERS)?.to_owned();
    let seconds = read_expires(mandatory(query, parameter::EXPIRES)?)?;
    let expires_at = check_time(signed_at, seconds, expectations.clock_skew, now)?;
    let session_token = query.get(parameter::SECURITY_TOKEN).map(SessionToken::new).transpose();
    Ok(Stated {
        mechanism: Mechanism::Query,
        access_key_id,
        scope,
        signed_at,
        expires_at: Some(expires_at),
        session_token: session_token.map_err(|_| refusal(Reason::SessionTokenMalformed))?,
        signed_headers,
        signature,
    })
}

/// AWS does not document what it does with a repeated authentication parameter. Whichever is taken, another party on the
/// way may take the other one; so neither is.
fn refuse_repeated(query: &Query) -> Result<(), Refusal> {
    for name in parameter::AUTHENTICATION {
        if let Some((_, second)) = query.iter().filter(|(other, _)| *other == name).nth(1) {
            let value = Echo(second.to_owned());
            return Err(Refusal::new(Reason::ParameterRepeated, Mechanism::Query, Details::Argument { name, value }));
        }
    }
    Ok(())
}

fn mandatory<'q>(query: &'q Query, name: &str) -> Result<&'q str, Refusal> {
    query.get(name).ok_or_else(|| refusal(Reason::ParameterMissing))
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
