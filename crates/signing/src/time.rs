//! The times of what is signed: the second it was signed ([`AmzDate`]), how long that is good for ([`Lifetime`]), how
//! far the signing time is rounded ([`SigningWindow`]), and when it really ends, and why then ([`Life`]).
//!
//! No clock is read here: `now` is always an argument.
//!
//! ```
//! use gatepass_signing::time::{AgeLimit, Lifetime, LimitedBy, SigningWindow};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Good for 15 minutes, the same bytes for 5 minutes at a time; the bucket's policy wants nothing older than 10.
//! let window = SigningWindow::new(Lifetime::from_secs(900)?, 300)?.with_age_limit(AgeLimit::from_secs(600)?)?;
//!
//! let now = "2026-01-01T12:04:00Z".parse()?;
//! let signed_at = window.signing_time(now);
//! assert_eq!(signed_at.as_str(), "20260101T120000Z");
//!
//! let life = window.life(&signed_at, None);
//! assert_eq!(life.expires_at(), "2026-01-01T12:15:00Z".parse()?);
//! assert_eq!(life.effective_expires_at(), "2026-01-01T12:10:00Z".parse()?);
//! assert_eq!(life.limited_by(), LimitedBy::AgeLimit);
//! # Ok(())
//! # }
//! ```

use std::fmt;

use jiff::civil::{Date, date};
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

const EPOCH: Date = date(1970, 1, 1);

impl AmzDate {
    pub(crate) const TEXT_LENGTH: usize = 16;

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
        let small = |from: usize| i8::try_from(decimal(&bytes[from..from + 2])?).ok();
        let day = Date::new(decimal(&bytes[..4])?, small(4)?, small(6)?).ok()?;
        let (hour, minute, second) = (small(9)?, small(11)?, small(13)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let midnight = day.duration_since(EPOCH).as_secs();
        let at = Timestamp::from_second(midnight + 3600 * i64::from(hour) + 60 * i64::from(minute) + i64::from(second));
        let at = at.ok()?;
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

    /// As [`date`](Self::date).
    pub(crate) fn date_bytes(&self) -> &[u8] {
        &self.text[..8]
    }

    /// As [`as_str`](Self::as_str).
    pub(crate) fn as_bytes(&self) -> &[u8; Self::TEXT_LENGTH] {
        &self.text
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

/// The greatest age of a signature that a bucket's policy accepts: its condition on `s3:signatureAge`.
///
/// The policy counts from the signing time and not from the moment at which the URL was handed out, so rounding takes
/// from it. ("Amazon S3 Signature Version 4 Authentication Specific Policy Keys" in the S3 API reference.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgeLimit(SignedDuration);

impl AgeLimit {
    /// Milliseconds, as the policy writes them.
    pub fn from_millis(milliseconds: u64) -> Result<Self, LifetimeError> {
        if milliseconds == 0 {
            return Err(LifetimeError::Zero);
        }
        Ok(Self(SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX))))
    }

    /// Seconds.
    pub fn from_secs(seconds: u64) -> Result<Self, LifetimeError> {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// The limit as a duration.
    #[must_use]
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}

/// Why a [`Lifetime`], an [`AgeLimit`] or a [`SigningWindow`] cannot be made.
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
    /// A signing time that may be rounded down by the whole lifetime would make URLs that are dead when handed out.
    #[error("a signing window of {window} seconds is not shorter than the lifetime of {lifetime} seconds")]
    WindowTooWide {
        /// The window asked for, in seconds.
        window: u64,
        /// The lifetime beside it, in seconds.
        lifetime: u64,
    },
    /// The same for the age limit. Where nothing is rounded the window is the second in which a URL is signed.
    #[error("a signing window of {window} seconds is not shorter than the age limit of {age_limit} milliseconds")]
    WindowBeyondAgeLimit {
        /// The window, in seconds.
        window: u64,
        /// The age limit beside it, in milliseconds.
        age_limit: u64,
    },
}

/// A lifetime together with the steps in which signing time advances, and the age limit of the bucket, if it has one.
///
/// Signing at the start of a step makes every URL of that step equal, byte for byte, so browsers and CDNs can cache it.
/// A plain [`Lifetime`] converts into the window of one second, which rounds nothing but the fraction that the format
/// cannot carry.
///
/// **Guarantee.** A URL of lifetime `E` and step `R` that is signed at any `now` since 1970 has a remaining life of more
/// than `E − R` and at most `E`; no window exists with `R ≥ E`. In whole seconds the shortest is `E − R + 1`
/// ([`shortest_life`](Self::shortest_life)). With an age limit `A` the same holds with the smaller of `E` and `A` in
/// place of `E`. Credentials that end sooner shorten it further: [`Life::limited_by`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningWindow {
    lifetime: Lifetime,
    step: u32,
    age_limit: Option<AgeLimit>,
}

impl SigningWindow {
    /// Steps of `step_seconds`, at least one and fewer than the seconds of `lifetime`. Steps are counted from the start
    /// of 1970 in UTC, so every process on every machine rounds alike.
    pub fn new(lifetime: Lifetime, step_seconds: u64) -> Result<Self, LifetimeError> {
        if step_seconds == 0 {
            return Err(LifetimeError::Zero);
        }
        match u32::try_from(step_seconds) {
            Ok(step) if step_seconds < lifetime.as_secs() => Ok(Self { lifetime, step, age_limit: None }),
            _ => Err(LifetimeError::WindowTooWide { window: step_seconds, lifetime: lifetime.as_secs() }),
        }
    }

    /// Says that the bucket refuses older signatures. It changes no byte of a URL, only what is known of its end. The
    /// limit must be longer than the step, or URLs from the end of a step would be refused at once.
    pub fn with_age_limit(self, limit: AgeLimit) -> Result<Self, LifetimeError> {
        if limit.duration() <= SignedDuration::from_secs(i64::from(self.step)) {
            return Err(LifetimeError::WindowBeyondAgeLimit {
                window: u64::from(self.step),
                age_limit: u64::try_from(limit.duration().as_millis()).unwrap_or(u64::MAX),
            });
        }
        Ok(Self { age_limit: Some(limit), ..self })
    }

    /// The lifetime that is signed, counted from the start of the step.
    #[must_use]
    pub fn lifetime(self) -> Lifetime {
        self.lifetime
    }

    /// The whole seconds that every URL still lives when it is handed out, whatever the moment, unless credentials end
    /// sooner: `E − R + 1`.
    #[must_use]
    pub fn shortest_life(self) -> SignedDuration {
        let lifetime = self.lifetime.duration();
        let granted = self.age_limit.map_or(lifetime, |limit| limit.duration().min(lifetime));
        granted - SignedDuration::from_secs(i64::from(self.step) - 1)
    }

    /// The start of the step in which `now` lies; the start of 1970 for any moment before it (see [`AmzDate::new`]).
    #[must_use]
    pub fn signing_time(self, now: Timestamp) -> AmzDate {
        let second = now.as_second();
        let start = second - second.rem_euclid(i64::from(self.step));
        AmzDate::new(Timestamp::from_second(start).unwrap_or(now))
    }

    /// When a signature of `signed_at` ends that is made with credentials that end at `credentials_end`.
    #[must_use]
    pub fn life(self, signed_at: &AmzDate, credentials_end: Option<Timestamp>) -> Life {
        let signed_at = signed_at.timestamp();
        Life::new(signed_at, later(signed_at, self.lifetime.duration()), credentials_end, self.age_limit)
    }
}

impl From<Lifetime> for SigningWindow {
    fn from(lifetime: Lifetime) -> Self {
        Self { lifetime, step: 1, age_limit: None }
    }
}

/// What ends the life of something signed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedBy {
    /// The end that is signed into it: of the URL, the form or the cookie.
    Url,
    /// The end of the credentials: from then on stores answer `ExpiredToken`, however long the URL claims to live.
    Credentials,
    /// The age of the signature that the bucket's policy accepts (`s3:signatureAge`): then it answers `AccessDenied`.
    AgeLimit,
}

impl LimitedBy {
    /// `url`, `credentials` or `age_limit`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Credentials => "credentials",
            Self::AgeLimit => "age_limit",
        }
    }
}

impl fmt::Display for LimitedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When something signed ends, and why then. URLs and forms of S3 carry one; what CloudFront signs has no credentials that
/// end, nor an age, and ends when it says.
///
/// Invariant: `effective_expires_at` is the earliest of what can end it, and never after `expires_at`. What cannot be
/// known when signing is not in it: a key that is withdrawn, a permission that is lost, a policy nobody spoke of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    signed_at: Timestamp,
    expires_at: Timestamp,
    effective_expires_at: Timestamp,
    limited_by: LimitedBy,
}

impl Life {
    /// The earliest of the end that was signed, the end of the credentials and the age limit. Among equal ends the
    /// signed one is named first, then the credentials.
    #[must_use]
    pub fn new(
        signed_at: Timestamp,
        expires_at: Timestamp,
        credentials_end: Option<Timestamp>,
        age_limit: Option<AgeLimit>,
    ) -> Self {
        let credentials = credentials_end.map(|end| (end, LimitedBy::Credentials));
        let age = age_limit.map(|limit| (later(signed_at, limit.duration()), LimitedBy::AgeLimit));
        let (effective_expires_at, limited_by) = [credentials, age]
            .into_iter()
            .flatten()
            .fold((expires_at, LimitedBy::Url), |first, other| if other.0 < first.0 { other } else { first });
        Self { signed_at, expires_at, effective_expires_at, limited_by }
    }

    /// The moment from which the lifetime counts: `now`, rounded down.
    #[must_use]
    pub fn signed_at(self) -> Timestamp {
        self.signed_at
    }

    /// The last moment that the signature allows.
    #[must_use]
    pub fn expires_at(self) -> Timestamp {
        self.expires_at
    }

    /// The last moment that it works, as far as that is known when signing.
    #[must_use]
    pub fn effective_expires_at(self) -> Timestamp {
        self.effective_expires_at
    }

    /// Which of the limits comes first.
    #[must_use]
    pub fn limited_by(self) -> LimitedBy {
        self.limited_by
    }

    /// What is left of the effective life at `now`; zero when it is over.
    #[must_use]
    pub fn remaining(self, now: Timestamp) -> SignedDuration {
        self.effective_expires_at.duration_since(now).max(SignedDuration::ZERO)
    }
}

/// `duration` after `start`, or the end of time.
fn later(start: Timestamp, duration: SignedDuration) -> Timestamp {
    start.checked_add(duration).unwrap_or(Timestamp::MAX)
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
    use proptest::prelude::*;

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
            "20130524T006000Z",
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
    fn a_window_rounds_down_to_its_step_and_is_shorter_than_the_lifetime() {
        let lifetime = Lifetime::from_secs(600).unwrap();
        let window = SigningWindow::new(lifetime, 300).unwrap();
        assert_eq!(window.signing_time(at("2026-01-01T00:04:59.9Z")).as_str(), "20260101T000000Z");
        assert_eq!(window.signing_time(at("2026-01-01T00:05:00Z")).as_str(), "20260101T000500Z");
        assert!(SigningWindow::new(lifetime, 599).is_ok());
        for step in [600, 601, u64::MAX] {
            let refused = Err(LifetimeError::WindowTooWide { window: step, lifetime: 600 });
            assert_eq!(SigningWindow::new(lifetime, step), refused);
        }
        assert_eq!(SigningWindow::new(lifetime, 0), Err(LifetimeError::Zero));
        assert_eq!(SigningWindow::new(lifetime, 1), Ok(SigningWindow::from(lifetime)));
    }

    #[test]
    fn the_date_of_the_scope_is_that_of_the_rounded_time() {
        let window = SigningWindow::new(Lifetime::from_secs(7 * 3600).unwrap(), 5 * 3600).unwrap();
        // Steps of five hours from 1970 do not begin at midnight.
        let signed_at = window.signing_time(at("2026-01-03T00:30:00Z"));
        assert_eq!((signed_at.as_str(), signed_at.date()), ("20260102T200000Z", "20260102"));
    }

    #[test]
    fn a_life_ends_with_what_ends_first() {
        let signed_at = at("2026-01-01T00:00:00Z");
        let window = SigningWindow::from(Lifetime::from_secs(900).unwrap());
        let aged = |seconds| window.with_age_limit(AgeLimit::from_secs(seconds).unwrap()).unwrap();
        for (window, credentials_end, end, by) in [
            (window, None, 900, LimitedBy::Url),
            (window, Some(900), 900, LimitedBy::Url),
            (window, Some(899), 899, LimitedBy::Credentials),
            (aged(900), None, 900, LimitedBy::Url),
            (aged(600), None, 600, LimitedBy::AgeLimit),
            (aged(600), Some(600), 600, LimitedBy::Credentials),
            (aged(600), Some(601), 600, LimitedBy::AgeLimit),
            (aged(600), Some(599), 599, LimitedBy::Credentials),
        ] {
            let credentials_end = credentials_end.map(|seconds| signed_at + SignedDuration::from_secs(seconds));
            let life = window.life(&AmzDate::new(signed_at), credentials_end);
            let expected = (signed_at + SignedDuration::from_secs(end), by);
            assert_eq!((life.effective_expires_at(), life.limited_by()), expected, "{window:?} {credentials_end:?}");
            assert_eq!(life.expires_at(), at("2026-01-01T00:15:00Z"));
            assert_eq!(life.signed_at(), signed_at);
        }
    }

    #[test]
    fn an_age_limit_is_longer_than_the_step() {
        let window = SigningWindow::new(Lifetime::from_secs(900).unwrap(), 300).unwrap();
        let refused = LifetimeError::WindowBeyondAgeLimit { window: 300, age_limit: 300_000 };
        assert_eq!(window.with_age_limit(AgeLimit::from_secs(300).unwrap()), Err(refused));
        let shortest = window.with_age_limit(AgeLimit::from_millis(300_001).unwrap()).unwrap();
        assert_eq!(shortest.shortest_life(), SignedDuration::from_millis(1_001));
        // A second's fraction counts too: a URL of 12:00:00.9 is signed at 12:00:00.
        let unrounded = SigningWindow::from(Lifetime::from_secs(900).unwrap());
        assert!(unrounded.with_age_limit(AgeLimit::from_millis(1_000).unwrap()).is_err());
        assert_eq!(AgeLimit::from_millis(0), Err(LifetimeError::Zero));
        assert!(window.with_age_limit(AgeLimit::from_secs(u64::MAX).unwrap()).is_ok());
    }

    #[test]
    fn a_life_at_the_end_of_time_does_not_overflow() {
        let window = SigningWindow::from(Lifetime::MAX).with_age_limit(AgeLimit::from_secs(u64::MAX).unwrap()).unwrap();
        let life = window.life(&AmzDate::new(Timestamp::MAX), None);
        assert_eq!((life.effective_expires_at(), life.limited_by()), (Timestamp::MAX, LimitedBy::Url));
        assert_eq!(life.remaining(Timestamp::MAX), SignedDuration::ZERO);
    }

    /// Nanoseconds of any moment that a timestamp can be, with the days around 1970 and around midnights as likely as
    /// the rest of time together.
    fn moments() -> impl Strategy<Value = Timestamp> {
        let anywhere = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
        let second = 1_000_000_000_i128;
        let around_the_epoch = -second * 86_400..second * 86_400;
        let around_a_midnight =
            (0_i128..60_000, -second * 10..second * 10).prop_map(move |(day, offset)| day * 86_400 * second + offset);
        prop_oneof![anywhere, around_the_epoch, around_a_midnight]
            .prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
    }

    fn windows() -> impl Strategy<Value = SigningWindow> {
        let lifetimes = prop_oneof![1..=10_u64, 1..=Lifetime::MAX_SECONDS];
        (lifetimes, any::<prop::sample::Index>(), proptest::option::of(1_001..=1_000_000_000_u64)).prop_map(
            |(seconds, step, age)| {
                let lifetime = Lifetime::from_secs(seconds).unwrap();
                let plain = SigningWindow::from(lifetime);
                let steps = usize::try_from(seconds - 1).unwrap();
                let window = match steps {
                    0 => plain,
                    steps => SigningWindow::new(lifetime, 1 + step.index(steps) as u64).unwrap(),
                };
                age.and_then(|age| window.with_age_limit(AgeLimit::from_millis(age).unwrap()).ok()).unwrap_or(window)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_remaining_life_is_between_the_lifetime_less_the_step_and_the_lifetime(
            now in moments(),
            window in windows(),
        ) {
            let signed_at = window.signing_time(now);
            let life = window.life(&signed_at, None);
            let step = SignedDuration::from_secs(i64::from(window.step));
            let lifetime = window.lifetime().duration();
            let granted = window.age_limit.map_or(lifetime, |limit| limit.duration().min(lifetime));
            // The last week of time has no room for a whole lifetime.
            let fits = signed_at.timestamp().checked_add(granted).is_ok();
            if now.as_nanosecond() >= 0 && fits {
                let remaining = life.remaining(now);
                prop_assert!(granted - step < remaining && remaining <= granted, "{remaining:?} of {window:?}");
                let whole_second = Timestamp::from_second(now.as_second()).unwrap();
                prop_assert!(life.remaining(whole_second) >= window.shortest_life());
            }
            if now.as_nanosecond() < 0 {
                prop_assert_eq!(signed_at.as_str(), "19700101T000000Z");
            }
        }

        #[test]
        fn one_step_has_one_signing_time(now in moments(), window in windows()) {
            let signed_at = window.signing_time(now);
            prop_assert_eq!(window.signing_time(signed_at.timestamp()), signed_at);
            let last = signed_at.timestamp().as_second() + i64::from(window.step) - 1;
            if let Ok(last) = Timestamp::from_second(last) {
                prop_assert_eq!(window.signing_time(last), signed_at);
            }
            if let Ok(next) = Timestamp::from_second(last + 1) {
                prop_assert!(window.signing_time(next) > signed_at);
            }
            prop_assert_eq!(AmzDate::parse(signed_at.as_str()), Some(signed_at));
            prop_assert_eq!(signed_at.date(), &signed_at.as_str()[..8]);
        }

        #[test]
        fn a_life_never_outlives_any_of_its_limits(
            now in moments(),
            window in windows(),
            credentials_end in proptest::option::of(moments()),
        ) {
            let signed_at = window.signing_time(now);
            let life = window.life(&signed_at, credentials_end);
            prop_assert!(life.effective_expires_at() <= life.expires_at());
            prop_assert!(credentials_end.is_none_or(|end| life.effective_expires_at() <= end));
            let age = window.age_limit.and_then(|limit| signed_at.timestamp().checked_add(limit.duration()).ok());
            prop_assert!(age.is_none_or(|end| life.effective_expires_at() <= end));
            let named = match life.limited_by() {
                LimitedBy::Url => Some(life.expires_at()),
                LimitedBy::Credentials => credentials_end,
                LimitedBy::AgeLimit => age,
            };
            prop_assert_eq!(named, Some(life.effective_expires_at()));
        }
    }
}
