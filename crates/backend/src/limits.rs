//! How often somebody may ask: a leaky bucket per caller and per link, by the generic cell rate algorithm.
//!
//! One time per key is all the state there is, and it lives in this process: several copies of the service each allow this
//! much. What it protects is the service itself, from a loop that has run wild.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// How many requests of one key are allowed in [`WINDOW`], at once or spread.
pub(crate) const LIMIT: u32 = 6_000;

/// How many sign-ins may begin in [`WINDOW`], of everybody together: who begins one is not known.
pub(crate) const SIGN_IN_LIMIT: u32 = 600;

pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// How many keys are remembered. Beyond that the ones that owe nothing are forgotten, and if there are none, all are: a flood
/// of keys must not take the memory.
pub(crate) const MAX_KEYS: usize = 100_000;

/// What is limited. Each has buckets of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Signing URLs, per caller.
    Signing,
    /// Opening a link, per link.
    Exchange,
    /// Beginning a sign-in, all together.
    SignIn,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Exchange => "exchange",
            Self::SignIn => "sign-in",
        }
    }

    /// How many requests are allowed in [`WINDOW`].
    pub(crate) const fn limit(self) -> u32 {
        match self {
            Self::Signing | Self::Exchange => LIMIT,
            Self::SignIn => SIGN_IN_LIMIT,
        }
    }
}

/// What is left after a request was allowed, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) kind: Kind,
    pub(crate) remaining: u32,
    /// How many seconds until there is more.
    pub(crate) more_in: u64,
    pub(crate) verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Refused,
}

/// All buckets.
#[derive(Default)]
pub(crate) struct Limits {
    /// When each bucket will be empty again, in microseconds.
    empty_at: Mutex<HashMap<(Kind, String), i64>>,
}

impl Limits {
    pub(crate) fn take(&self, kind: Kind, key: &str, now: Timestamp) -> Allowance {
        let window = i64::try_from(WINDOW.as_micros()).expect("a minute is few microseconds");
        let drop = window / i64::from(kind.limit());
        let now = now.as_microsecond();
        let mut buckets = self.empty_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_KEYS {
            buckets.retain(|_, empty_at| *empty_at > now);
            if buckets.len() >= MAX_KEYS {
                buckets.clear();
            }
        }
        let empty_at = buckets.entry((kind, key.to_owned())).or_insert(now);
        let filled = (*empty_at).max(now) + drop;
        let verdict = if filled - now <= window { Verdict::Allowed } else { Verdict::Refused };
        if verdict == Verdict::Allowed {
            *empty_at = filled;
        }
        let free = window - ((*empty_at).max(now) - now);
        Allowance {
            kind,
            remaining: u32::try_from(free / drop).unwrap_or(0),
            more_in: u64::try_from((drop - free).max(0)).unwrap_or(0).div_ceil(1_000_000),
            verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-11-01T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn the_limit_is_allowed_and_one_more_is_not() {
        let limits = Limits::default();
        for left in (0..LIMIT).rev() {
            let allowance = limits.take(Kind::Signing, "alice", start());
            assert_eq!((allowance.verdict, allowance.remaining), (Verdict::Allowed, left));
        }
        let refused = limits.take(Kind::Signing, "alice", start());
        assert_eq!((refused.verdict, refused.remaining, refused.more_in), (Verdict::Refused, 0, 1));
        assert_eq!(limits.take(Kind::Signing, "bob", start()).verdict, Verdict::Allowed);
        assert_eq!(limits.take(Kind::Exchange, "alice", start()).verdict, Verdict::Allowed);
        let later = start() + WINDOW / i32::try_from(LIMIT).expect("small");
        assert_eq!(limits.take(Kind::Signing, "alice", later).verdict, Verdict::Allowed);
        assert_eq!(limits.take(Kind::Signing, "alice", later).verdict, Verdict::Refused);
    }

    #[test]
    fn sign_ins_have_a_limit_of_their_own() {
        let limits = Limits::default();
        for left in (0..SIGN_IN_LIMIT).rev() {
            let allowance = limits.take(Kind::SignIn, "", start());
            assert_eq!((allowance.verdict, allowance.remaining), (Verdict::Allowed, left));
        }
        assert_eq!(limits.take(Kind::SignIn, "", start()).verdict, Verdict::Refused);
        let later = start() + WINDOW / i32::try_from(SIGN_IN_LIMIT).expect("small");
        assert_eq!(limits.take(Kind::SignIn, "", later).verdict, Verdict::Allowed);
        assert_eq!(limits.take(Kind::SignIn, "", later).verdict, Verdict::Refused);
    }

    #[test]
    fn keys_beyond_the_limit_take_no_memory() {
        let limits = Limits::default();
        for key in 0..=MAX_KEYS {
            limits.take(Kind::Exchange, &key.to_string(), start());
        }
        assert!(limits.empty_at.lock().expect("unpoisoned").len() <= MAX_KEYS);
    }
}
