//! One rule, as it is typed: `slow-body=GET:1KiB/s`, `drop-reply=PutObject:0.1`, `slow-down=PutObject:3`,
//! `clock-skew=20m`.

use std::num::NonZeroU64;
use std::str::FromStr;

use jiff::SignedDuration;
use thiserror::Error;

use super::operations::OPERATIONS;

const METHODS: [&str; 6] = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"];
/// The longest skew: more than any client could mistake for the right time.
const MAX_SKEW_SECONDS: i64 = 365 * 86_400;

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What it strikes.
    pub scope: Scope,
    /// What it does.
    pub effect: Effect,
}

/// Which requests a rule strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// `*`
    All,
    /// A method of HTTP, in capitals.
    Method(&'static str),
    /// An operation of S3, as its API Reference calls it.
    Operation(&'static str),
}

impl Scope {
    pub(super) fn covers(&self, method: &str, operation: &str) -> bool {
        match self {
            Self::All => true,
            Self::Method(name) => *name == method,
            Self::Operation(name) => *name == operation,
        }
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// The body of the answer comes at so many bytes a second.
    SlowBody(NonZeroU64),
    /// The request is carried out, and its answer never arrives: the connection breaks.
    DropReply(Frequency),
    /// 503 SlowDown, and nothing is carried out.
    SlowDown(Frequency),
    /// The store's clock is off by so much.
    ClockSkew(SignedDuration),
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frequency {
    /// The next so many requests: a whole number.
    Next(NonZeroU64),
    /// Every request with this chance: a number with a point, from 0.0 to 1.0.
    Chance(f64),
}

impl Effect {
    pub(super) fn frequency(&self) -> Option<Frequency> {
        match self {
            Self::DropReply(frequency) | Self::SlowDown(frequency) => Some(*frequency),
            Self::SlowBody(_) | Self::ClockSkew(_) => None,
        }
    }

    pub(super) fn count(&self) -> u64 {
        match self.frequency() {
            Some(Frequency::Next(count)) => count.get(),
            _ => 0,
        }
    }
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// It has no known beginning.
    #[error(
        "a rule is slow-body=WHAT:RATE, drop-reply=WHAT:HOW-OFTEN, slow-down=WHAT:HOW-OFTEN or clock-skew=DURATION"
    )]
    Kind,
    /// What it is about is missing.
    #[error("the rule does not say for what: {0}=WHAT:…, where WHAT is *, a method or an operation")]
    Argument(&'static str),
    /// What it is about does not exist.
    #[error("{0:?} is neither *, nor a method in capitals, nor an operation of S3 (PutObject)")]
    Scope(String),
    /// How often it strikes makes no sense.
    #[error("{0:?} does not say how often: 3 is the next three requests, 0.1 every tenth")]
    Frequency(String),
    /// The rate makes no sense.
    #[error("{0:?} is no rate: 1024B/s, 1KiB/s, 2MiB/s")]
    Rate(String),
    /// The skew makes no sense.
    #[error("{0:?} is no skew of at most a year: 20m, -90s, 2h, 7d")]
    Skew(String),
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (kind, rest) = text.split_once('=').ok_or(FaultError::Kind)?;
        let kind = ["slow-body", "drop-reply", "slow-down", "clock-skew"].into_iter().find(|known| *known == kind);
        let kind = kind.ok_or(FaultError::Kind)?;
        if kind == "clock-skew" {
            return Ok(Self { scope: Scope::All, effect: Effect::ClockSkew(skew(rest)?) });
        }
        let (scope, argument) = rest.split_once(':').ok_or(FaultError::Argument(kind))?;
        let effect = match kind {
            "slow-body" => Effect::SlowBody(rate(argument)?),
            "drop-reply" => Effect::DropReply(frequency(argument)?),
            _ => Effect::SlowDown(frequency(argument)?),
        };
        Ok(Self { scope: scope_of(scope)?, effect })
    }
}

fn scope_of(text: &str) -> Result<Scope, FaultError> {
    let find = |names: &'static [&'static str]| names.iter().copied().find(|name| *name == text);
    if text == "*" {
        return Ok(Scope::All);
    }
    let method = find(&METHODS).map(Scope::Method);
    method.or_else(|| find(OPERATIONS).map(Scope::Operation)).ok_or_else(|| FaultError::Scope(text.to_owned()))
}

fn frequency(text: &str) -> Result<Frequency, FaultError> {
    let wrong = || FaultError::Frequency(text.to_owned());
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong());
    }
    if text.contains('.') {
        let chance = text.parse().ok().filter(|chance| (0.0..=1.0).contains(chance));
        return chance.map(Frequency::Chance).ok_or_else(wrong);
    }
    text.parse().map(Frequency::Next).map_err(|_| wrong())
}

fn rate(text: &str) -> Result<NonZeroU64, FaultError> {
    let parsed = || {
        let amount = text.strip_suffix("/s")?;
        let digits = amount.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = amount.split_at(digits);
        let factor: u64 = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        NonZeroU64::new(number.parse::<u64>().ok()?.checked_mul(factor)?)
    };
    parsed().ok_or_else(|| FaultError::Rate(text.to_owned()))
}

fn skew(text: &str) -> Result<SignedDuration, FaultError> {
    let parsed = || {
        let (sign, amount) = text.strip_prefix('-').map_or((1, text), |amount| (-1, amount));
        let digits = amount.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = amount.split_at(digits);
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let seconds = number.parse::<i64>().ok()?.checked_mul(factor)?;
        (seconds <= MAX_SKEW_SECONDS).then(|| SignedDuration::from_secs(sign * seconds))
    };
    parsed().ok_or_else(|| FaultError::Skew(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_they_are_typed() {
        let next = |count| Frequency::Next(NonZeroU64::new(count).unwrap());
        let rate = |bytes| Effect::SlowBody(NonZeroU64::new(bytes).unwrap());
        for (text, scope, effect) in [
            ("slow-body=GET:1KiB/s", Scope::Method("GET"), rate(1024)),
            ("slow-body=*:1B/s", Scope::All, rate(1)),
            ("drop-reply=PutObject:0.1", Scope::Operation("PutObject"), Effect::DropReply(Frequency::Chance(0.1))),
            ("drop-reply=*:1.0", Scope::All, Effect::DropReply(Frequency::Chance(1.0))),
            ("slow-down=PutObject:3", Scope::Operation("PutObject"), Effect::SlowDown(next(3))),
            ("clock-skew=20m", Scope::All, Effect::ClockSkew(SignedDuration::from_mins(20))),
            ("clock-skew=-90s", Scope::All, Effect::ClockSkew(SignedDuration::from_secs(-90))),
            ("clock-skew=365d", Scope::All, Effect::ClockSkew(SignedDuration::from_hours(365 * 24))),
        ] {
            assert_eq!(text.parse(), Ok(Fault { scope, effect }), "{text}");
        }
    }

    #[test]
    fn what_is_no_rule_says_what_would_be() {
        let wrong = |text: &str| text.parse::<Fault>().unwrap_err();
        for text in ["", "slow-body", "lag=*:1", "SLOW-DOWN=*:1", " slow-down=*:1"] {
            assert_eq!(wrong(text), FaultError::Kind, "{text}");
        }
        assert_eq!(wrong("slow-down=3"), FaultError::Argument("slow-down"));
        for scope in ["", "put", "PutObjct", "putobject", "PATCH"] {
            assert_eq!(wrong(&format!("slow-down={scope}:1")), FaultError::Scope(scope.to_owned()));
        }
        for often in ["", "0", "1.1", "-1", "1e2", "NaN", "inf", ".", "0.1.2", "99999999999999999999"] {
            assert_eq!(wrong(&format!("drop-reply=*:{often}")), FaultError::Frequency(often.to_owned()));
        }
        for rate in ["", "1KiB", "0B/s", "1kb/s", "KiB/s", "1.5KiB/s", "99999999999GiB/s"] {
            assert_eq!(wrong(&format!("slow-body=GET:{rate}")), FaultError::Rate(rate.to_owned()));
        }
        for skew in ["", "20", "m", "366d", "-366d", "1w", "--1s", "9999999999999999999d"] {
            assert_eq!(wrong(&format!("clock-skew={skew}")), FaultError::Skew(skew.to_owned()));
        }
    }
}
