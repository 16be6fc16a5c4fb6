//! The time. This is the one place of the project that reads the wall clock; everything else is told.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};

/// A clock that ticks with the wall clock, at a distance from it that can be moved. Copies share the distance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    offset_milliseconds: Arc<AtomicI64>,
}

impl Clock {
    /// The wall clock.
    pub(crate) fn system() -> Self {
        Self::default()
    }

    /// A clock that shows `start` now and ticks from there; the wall clock where there is no `start`.
    pub(crate) fn starting_at(start: Option<Timestamp>) -> Self {
        let offset = start.map_or(0, |start| start.as_millisecond() - wall().as_millisecond());
        Self::with_offset(offset)
    }

    /// A clock at a known distance from the wall clock, as [`Clock::offset_milliseconds`] told another process.
    pub(crate) fn with_offset(milliseconds: i64) -> Self {
        Self { offset_milliseconds: Arc::new(AtomicI64::new(milliseconds)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let moved = SignedDuration::from_millis(self.offset_milliseconds());
        wall().checked_add(moved).unwrap_or(if moved.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// Moves the clock forward for everybody who holds a copy.
    pub(crate) fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let moved = |offset: i64| Some(offset.saturating_add(by));
        // The closure never declines, so the update cannot fail.
        let _ = self.offset_milliseconds.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved);
    }

    pub(crate) fn offset_milliseconds(&self) -> i64 {
        self.offset_milliseconds.load(Ordering::Relaxed)
    }

    /// The clock as the services take it.
    pub(crate) fn function(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

#[expect(clippy::disallowed_methods, reason = "somebody must look at the wall, and the binary is who may")]
fn wall() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_starts_where_it_is_told_and_ticks() {
        let start: Timestamp = "2030-01-01T00:00:00Z".parse().expect("a time");
        let clock = Clock::starting_at(Some(start));
        let (first, second) = (clock.now(), clock.now());
        assert!(start <= first && first <= second && second < start + SignedDuration::from_mins(1));
    }

    #[test]
    fn every_copy_moves_when_one_is_moved() {
        let clock = Clock::system();
        let copy = clock.function();
        let before = copy();
        clock.advance(SignedDuration::from_mins(20));
        assert!(copy() >= before + SignedDuration::from_mins(20));
    }

    #[test]
    fn a_clock_that_is_pushed_past_the_end_of_time_stops_there() {
        let clock = Clock::with_offset(i64::MAX);
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
