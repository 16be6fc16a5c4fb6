//! Authorization codes: used once, for a minute, and never more than a bound of them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use crate::users::User;

/// How long a code may be exchanged (RFC 6749 §4.1.2 advises ten minutes at most).
pub(crate) const CODE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// How many codes may wait at once.
pub(crate) const MAX_WAITING: usize = 1024;

/// What a code stands for, and what its exchange must present.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) user: &'static User,
    pub(crate) redirect_uri: String,
    pub(crate) code_challenge: String,
    pub(crate) nonce: Option<String>,
    pub(crate) scope: String,
    pub(crate) signed_in_at: Timestamp,
}

/// The codes that wait to be exchanged.
#[derive(Default)]
pub(crate) struct Codes {
    waiting: Mutex<HashMap<String, Grant>>,
}

/// Why no code was made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IssueError {
    /// [`MAX_WAITING`] unexpired codes wait already.
    Full,
    /// The system gave no randomness.
    Randomness,
}

impl Codes {
    /// Makes a code of 256 random bits for `grant`.
    pub(crate) fn issue(&self, grant: Grant, now: Timestamp) -> Result<String, IssueError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| IssueError::Randomness)?;
        let code = URL_SAFE_NO_PAD.encode(random);
        let mut waiting = self.lock();
        waiting.retain(|_, grant| is_alive(grant, now));
        if waiting.len() >= MAX_WAITING {
            return Err(IssueError::Full);
        }
        waiting.insert(code.clone(), grant);
        Ok(code)
    }

    /// Takes a code out: whatever comes of the exchange, it does not work a second time.
    pub(crate) fn take(&self, code: &str, now: Timestamp) -> Option<Grant> {
        self.lock().remove(code).filter(|grant| is_alive(grant, now))
    }

    /// A panic elsewhere leaves the map whole: each method changes it in one call.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_alive(grant: &Grant, now: Timestamp) -> bool {
    now.duration_since(grant.signed_in_at) < CODE_LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(signed_in_at: Timestamp) -> Grant {
        Grant {
            user: &crate::USERS[0],
            redirect_uri: String::new(),
            code_challenge: String::new(),
            nonce: None,
            scope: String::new(),
            signed_in_at,
        }
    }

    #[test]
    fn a_code_lives_one_second_short_of_its_lifetime_and_not_longer() {
        let codes = Codes::default();
        let start = Timestamp::UNIX_EPOCH;
        let (first, second) =
            (codes.issue(grant(start), start).expect("a code"), codes.issue(grant(start), start).expect("a code"));
        let just_before = start + CODE_LIFETIME - SignedDuration::from_secs(1);
        assert!(codes.take(&first, just_before).is_some());
        assert!(codes.take(&second, start + CODE_LIFETIME).is_none());
    }

    #[test]
    fn a_code_works_once() {
        let codes = Codes::default();
        let now = Timestamp::UNIX_EPOCH;
        let code = codes.issue(grant(now), now).expect("a code");
        assert!(codes.take(&code, now).is_some());
        assert!(codes.take(&code, now).is_none());
    }

    #[test]
    fn the_bound_holds_and_expired_codes_make_room() {
        let codes = Codes::default();
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..MAX_WAITING {
            codes.issue(grant(now), now).expect("room for a code");
        }
        assert_eq!(codes.issue(grant(now), now), Err(IssueError::Full));
        let later = now + CODE_LIFETIME;
        assert!(codes.issue(grant(later), later).is_ok());
    }
}
