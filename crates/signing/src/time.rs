//! The two times of a signed URL: the second it was signed ([`AmzDate`]) and how long it lives ([`Lifetime`]).
//!
//! No clock is read here: `now` is always an argument.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A moment as SigV4 writes it: `YYYYMMDDTHHMMSSZ`, whole seconds of UTC.
///
/// Invariants: no fraction of a second, and a year of four digits, so the text is always 16 bytes long.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AmzDate {
    at: Timestamp,
    text: [u8; AmzDate::TEXT_LENGTH],
}

impl AmzDate {
    const TEXT_LENGTH: usize = 16;

    /// The second in which `at` lies. A moment before 1970 is taken as the first second of 1970:
    /// no signature is older, and the format has no sign.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        let at = Timestamp::from_second(at.as_second().max(0))
            .expect("a valid timestamp stays valid when rounded towards the epoch");
        let civil = TimeZone::UTC.to_datetime(at);
        let mut text = *b"00000000T000000Z";
        write_decimal(&mut text[0..4], civil.year());
        write_decimal(&mut text[4..6], civil.month().into());
        write_decimal(&mut text[6..8], civil.day().into());
        write_decimal(&mut text[9..11], civil.hour().into());
        write_decimal(&mut text[11..13], civil.minute().into());
        write_decimal(&mut text[13..15], civil.second().into());
        Self { at, text }
    }

    /// Reads `YYYYMMDDTHHMMSSZ` and nothing else ("ISO8601 Long Format" in S3's error text).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; Self::TEXT_LENGTH] = text.as_bytes().try_into().ok()?;
        if bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let civil = DateTime::new(
            decimal(&bytes[0..4])?,
            i8::try_from(decimal(&bytes[4..6])?).ok()?,
            i8::try_from(decimal(&bytes[6..8])?).ok()?,
            i8::try_from(decimal(&bytes[9..11])?).ok()?,
            i8::try_from(decimal(&bytes[11..13])?).ok()?,
            i8::try_from(decimal(&bytes[13..15])?).ok()?,
            0,
        )
        .ok()?;
        let at = TimeZone::UTC.to_timestamp(civil).ok()?;
        Some(Self { at, text: *bytes })
    }

    /// The moment itself.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }

    /// `YYYYMMDD`, the date of the credential scope.
    #[must_use]
    pub fn date(&self) -> &str {
        &self.as_str()[..8]
    }

    /// `YYYYMMDDTHHMMSSZ`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("digits, T and Z are ASCII")
    }
}

impl fmt::Display for AmzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AmzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long a signed URL lives: 1 second to 7 days, which is what S3 accepts for `X-Amz-Expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(u32);

impl Lifetime {
    /// The longest lifetime that S3 accepts: seven days, inclusive.
    pub const MAX_SECONDS: u64 = 604_800;
    /// Seven days.
    pub const MAX: Lifetime = Lifetime(604_800);

    /// A lifetime of whole seconds.
    pub fn from_secs(seconds: u64) -> Result<Self, LifetimeError> {
        match u32::try_from(seconds) {
            Ok(0) => Err(LifetimeError::Zero),
            Ok(small) if seconds <= Self::MAX_SECONDS => Ok(Self(small)),
            _ => Err(LifetimeError::TooLong { seconds }),
        }
    }

    /// The lifetime in seconds.
    #[must_use]
    pub fn as_secs(self) -> u64 {
        u64::from(self.0)
    }

    /// The lifetime as a duration.
    #[must_use]
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.0))
    }
}

/// Why a [`Lifetime`] or a [`SigningWindow`] cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// A URL that has expired when it is made helps nobody.
    #[error("a lifetime of zero seconds")]
    Zero,
    /// S3 refuses more than seven days.
    #[error("a lifetime of {seconds} seconds exceeds the {max} that S3 accepts", max = Lifetime::MAX_SECONDS)]
    TooLong {
        /// What was asked for.
        seconds: u64,
    },
    /// The signing time may be rounded down by at most half of the lifetime, so that a URL lives at least half of it.
    #[error("a signing window of {window} seconds exceeds half of the lifetime of {lifetime} seconds")]
    WindowTooWide {
        /// The window asked for.
        window: u64,
        /// The lifetime beside it.
        lifetime: u64,
    },
}

/// A lifetime together with the steps in which signing time advances.
///
/// Signing at the start of a step makes every URL of that step equal, byte for byte, so browsers and CDNs can cache it.
/// A plain [`Lifetime`] converts into the window of one second, which rounds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningWindow {
    lifetime: Lifetime,
    step: u32,
}

impl SigningWindow {
    /// Steps of `step_seconds`, at most half of `lifetime`: a URL handed out late in a step still lives half its lifetime.
    pub fn new(lifetime: Lifetime, step_seconds: u64) -> Result<Self, LifetimeError> {
        if step_seconds == 0 {
            return Err(LifetimeError::Zero);
        }
        if step_seconds == 1 {
            return Ok(Self::from(lifetime));
        }
        match u32::try_from(step_seconds) {
            Ok(step) if step_seconds <= lifetime.as_secs() / 2 => Ok(Self { lifetime, step }),
            _ => Err(LifetimeError::WindowTooWide { window: step_seconds, lifetime: lifetime.as_secs() }),
        }
    }

    /// The lifetime that is signed, counted from the start of the step.
    #[must_use]
    pub fn lifetime(self) -> Lifetime {
        self.lifetime
    }

    /// The start of the step in which `now` lies.
    #[must_use]
    pub fn signing_time(self, now: Timestamp) -> AmzDate {
        let second = now.as_second();
        let start = second - second.rem_euclid(i64::from(self.step));
        AmzDate::new(Timestamp::from_second(start).unwrap_or(now))
    }
}

impl From<Lifetime> for SigningWindow {
    fn from(lifetime: Lifetime) -> Self {
        Self { lifetime, step: 1 }
    }
}

fn write_decimal(place: &mut [u8], mut value: i16) {
    for byte in place.iter_mut().rev() {
        *byte = b'0' + u8::try_from(value % 10).expect("a digit of a value that is never negative");
        value /= 10;
    }
}

fn decimal(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_is_written_and_read_back() {
        let date = AmzDate::new(at("2013-05-24T01:02:03.999Z"));
        assert_eq!(date.as_str(), "20130524T010203Z");
        assert_eq!(date.date(), "20130524");
        assert_eq!(AmzDate::parse(date.as_str()), Some(date));
        assert_eq!(date.timestamp(), at("2013-05-24T01:02:03Z"));
    }

    #[test]
    fn only_the_long_iso_format_is_read() {
        for text in [
            "",
            "20130524",
            "2013-05-24T00:00:00Z",
            "20130524T000000",
            "20130524T000000z",
            "20130524t000000Z",
            "20130524T000000Z ",
            "20131324T000000Z",
            "20130230T000000Z",
            "20130524T240000Z",
            "20130524T000060Z",
            "+0130524T000000Z",
            "2013052４T00000Z",
        ] {
            assert_eq!(AmzDate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn moments_at_the_ends_of_time_have_a_date() {
        assert_eq!(AmzDate::new(Timestamp::MIN).as_str(), "19700101T000000Z");
        assert_eq!(AmzDate::new(Timestamp::MAX).date().len(), 8);
    }

    #[test]
    fn a_lifetime_is_one_second_to_seven_days() {
        assert_eq!(Lifetime::from_secs(0), Err(LifetimeError::Zero));
        assert_eq!(Lifetime::from_secs(1).unwrap().as_secs(), 1);
        assert_eq!(Lifetime::from_secs(Lifetime::MAX_SECONDS), Ok(Lifetime::MAX));
        assert_eq!(Lifetime::from_secs(604_801), Err(LifetimeError::TooLong { seconds: 604_801 }));
        assert_eq!(Lifetime::from_secs(u64::MAX), Err(LifetimeError::TooLong { seconds: u64::MAX }));
    }

    #[test]
    fn a_window_rounds_down_and_is_at_most_half_of_the_lifetime() {
        let lifetime = Lifetime::from_secs(600).unwrap();
        let window = SigningWindow::new(lifetime, 300).unwrap();
        assert_eq!(window.signing_time(at("2026-01-01T00:04:59.9Z")).as_str(), "20260101T000000Z");
        assert_eq!(window.signing_time(at("2026-01-01T00:05:00Z")).as_str(), "20260101T000500Z");
        assert_eq!(SigningWindow::new(lifetime, 301), Err(LifetimeError::WindowTooWide { window: 301, lifetime: 600 }));
        assert_eq!(SigningWindow::new(lifetime, 0), Err(LifetimeError::Zero));
        let shortest = Lifetime::from_secs(1).unwrap();
        assert_eq!(SigningWindow::new(shortest, 1), Ok(SigningWindow::from(shortest)));
    }
}
