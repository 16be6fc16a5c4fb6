//! How long a peer is waited for.
//!
//! A limit on each pause alone would let a peer that moves a byte now and then hold its connection
//! for ever. So time is a supply: waiting uses it up, and every byte moved earns a little of it back.
//! Who pauses longer than the whole supply, or moves fewer bytes than
//! [`MIN_BYTES_PER_SECOND`] over a time, runs out of it. Time that passes without anybody waiting for
//! the peer does not count.

use std::time::Duration;

/// The slowest peer that is served; a modem moves five times as much.
pub(crate) const MIN_BYTES_PER_SECOND: u32 = 1024;

/// What is left of the time that a peer may be waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    full: Duration,
    left: Duration,
}

impl Patience {
    /// A whole supply, which is also the longest single pause.
    pub(crate) fn new(full: Duration) -> Self {
        Self { full, left: full }
    }

    pub(crate) fn left(&self) -> Duration {
        self.left
    }

    /// The peer let itself be waited for.
    pub(crate) fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    /// The peer moved bytes.
    pub(crate) fn earn(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(1).saturating_mul(bytes) / MIN_BYTES_PER_SECOND;
        self.left = self.left.saturating_add(earned).min(self.full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Duration = Duration::from_secs(30);

    /// How many seconds a peer is borne with that moves so many bytes in each of them; at most an hour.
    fn seconds_at(bytes_per_second: usize) -> u32 {
        let mut patience = Patience::new(FULL);
        for second in 0..3600 {
            if patience.left() < Duration::from_secs(1) {
                return second;
            }
            patience.spend(Duration::from_secs(1));
            patience.earn(bytes_per_second);
        }
        3600
    }

    #[test]
    fn the_slowest_rate_is_borne_for_ever_and_less_is_not() {
        let slowest = MIN_BYTES_PER_SECOND as usize;
        assert_eq!(seconds_at(slowest), 3600);
        assert_eq!(seconds_at(slowest / 2), 59);
        assert_eq!(seconds_at(0), 30);
        assert!(seconds_at(slowest - 64) < 3600);
    }

    #[test]
    fn haste_earns_no_more_than_the_longest_pause() {
        let mut patience = Patience::new(FULL);
        patience.earn(usize::MAX);
        assert_eq!(patience.left(), FULL);
        patience.spend(FULL);
        assert!(patience.left().is_zero());
    }
}
