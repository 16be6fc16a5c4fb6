//! Faults on purpose, for developers who test their clients: answers that are slow, lost or refused.
//!
//! A rule strikes requests that are valid: who they are for and what they ask has been decided, and what S3 would refuse is
//! refused as ever. Which ones it strikes is decided by counting or by a seeded generator, so that a run can be repeated.

mod operations;
mod rule;
mod slow;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};

use gatepass_protocol::s3::error::S3Error;
use jiff::SignedDuration;

pub use self::rule::{Effect, Fault, FaultError, Frequency, Scope};
pub(crate) use self::slow::Slow;

/// The faults of one store.
pub struct Faults {
    rules: Vec<Fault>,
    state: Mutex<State>,
}

struct State {
    /// How often each rule may still strike that counts.
    left: Vec<u64>,
    dice: fastrand::Rng,
}

impl Faults {
    /// Rules, and the seed of those that go by chance.
    pub fn new(rules: Vec<Fault>, seed: u64) -> Self {
        let left = rules.iter().map(|rule| rule.effect.count()).collect();
        Self { rules, state: Mutex::new(State { left, dice: fastrand::Rng::with_seed(seed) }) }
    }

    /// How far the store's clock is off.
    pub(crate) fn clock_skew(&self) -> SignedDuration {
        let skews = self.rules.iter().filter_map(|rule| match rule.effect {
            Effect::ClockSkew(skew) => Some(skew),
            _ => None,
        });
        skews.fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// Refuses the requests that get 503 in place of what they ask for.
    pub(crate) fn refuse(&self, method: &str, operation: &str) -> Result<(), S3Error> {
        if self.slows_down(method, operation) { Err(S3Error::slow_down()) } else { Ok(()) }
    }

    fn slows_down(&self, method: &str, operation: &str) -> bool {
        self.strikes(method, operation, |effect| matches!(effect, Effect::SlowDown(_)))
    }

    /// Whether the answer to this request, which was carried out, never arrives.
    pub(crate) fn drops_reply(&self, method: &str, operation: &str) -> bool {
        self.strikes(method, operation, |effect| matches!(effect, Effect::DropReply(_)))
    }

    /// How many bytes a second the body of the answer has: the fewest that a rule says.
    pub(crate) fn body_rate(&self, method: &str, operation: &str) -> Option<NonZeroU64> {
        let rates = self.rules.iter().filter(|rule| rule.scope.covers(method, operation));
        let rates = rates.filter_map(|rule| match rule.effect {
            Effect::SlowBody(rate) => Some(rate),
            _ => None,
        });
        rates.min()
    }

    /// Every rule that covers the request is asked, so that what one does not depend on another.
    fn strikes(&self, method: &str, operation: &str, wanted: impl Fn(&Effect) -> bool) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { left, dice } = &mut *state;
        let mut strikes = false;
        for (rule, left) in self.rules.iter().zip(left) {
            if !wanted(&rule.effect) || !rule.scope.covers(method, operation) {
                continue;
            }
            match rule.effect.frequency() {
                Some(Frequency::Next(_)) if *left > 0 => {
                    *left -= 1;
                    strikes = true;
                }
                Some(Frequency::Chance(chance)) => strikes |= dice.f64() < chance,
                _ => {}
            }
        }
        strikes
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Faults").field(&self.rules).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rules: &[&str], seed: u64) -> Faults {
        Faults::new(rules.iter().map(|rule| rule.parse().unwrap()).collect(), seed)
    }

    #[test]
    fn a_rule_that_counts_strikes_so_often_and_then_no_more() {
        let faults = faults(&["slow-down=PutObject:3"], 0);
        let struck: Vec<bool> = (0..5).map(|_| faults.slows_down("PUT", "PutObject")).collect();
        assert_eq!(struck, [true, true, true, false, false]);
        assert!(!faults.slows_down("GET", "GetObject") && !faults.drops_reply("PUT", "PutObject"));
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests_and_about_as_many_as_it_says() {
        let run = |seed| -> Vec<bool> {
            let faults = faults(&["drop-reply=*:0.1"], seed);
            (0..10_000).map(|_| faults.drops_reply("PUT", "PutObject")).collect()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let struck = run(7).into_iter().filter(|struck| *struck).count();
        assert!((900..1100).contains(&struck), "{struck}");
    }

    #[test]
    fn never_and_always_are_chances_too() {
        let faults = faults(&["drop-reply=PUT:0.0", "slow-down=GET:1.0"], 1);
        assert!((0..1000).all(|_| !faults.drops_reply("PUT", "PutObject") && faults.slows_down("GET", "GetObject")));
    }

    #[test]
    fn the_slowest_rate_holds_and_skews_add_up() {
        let faults =
            faults(&["slow-body=GET:2KiB/s", "slow-body=GetObject:1KiB/s", "clock-skew=20m", "clock-skew=-5m"], 0);
        assert_eq!(faults.body_rate("GET", "GetObject").map(NonZeroU64::get), Some(1024));
        assert_eq!(faults.body_rate("GET", "ListObjectsV2").map(NonZeroU64::get), Some(2048));
        assert_eq!(faults.body_rate("HEAD", "HeadObject"), None);
        assert_eq!(faults.clock_skew(), SignedDuration::from_mins(15));
    }
}
