//! When a rule applies: days are counted from a moment on, and end at midnight.
//!
//! Source: Amazon S3 user guide, "Lifecycle rules: Based on an object's age" and "Expiring objects".

use std::time::Duration;

use gatepass_signing::encode;
use jiff::{SignedDuration, Timestamp};

use super::configuration::{Expiration, Filter, LifecycleConfiguration, NoncurrentExpiration, Rule};
use crate::s3::date::http_date;
use crate::s3::names::ObjectKey;
use crate::s3::tagging::TagSet;

/// How long a day is. Tests make it shorter, and its midnights come more often then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    milliseconds: i64,
}

/// What a rule may be about.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its key.
    pub key: &'a str,
    /// How long it is.
    pub size: u64,
    /// Its tags.
    pub tags: &'a TagSet,
}

/// When something is to go, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<'a> {
    /// The moment from which on.
    pub at: Timestamp,
    /// The id of the rule.
    pub rule_id: &'a str,
}

impl Default for Day {
    fn default() -> Self {
        Self { milliseconds: 24 * 60 * 60 * 1000 }
    }
}

impl Day {
    /// A day of another length: at least a second, at most 24 hours.
    pub fn of(length: Duration) -> Option<Self> {
        let milliseconds = i64::try_from(length.as_millis()).ok()?;
        (1_000..=Self::default().milliseconds).contains(&milliseconds).then_some(Self { milliseconds })
    }

    /// The number of the day that a moment lies in.
    pub fn number(self, at: Timestamp) -> i64 {
        at.as_millisecond().div_euclid(self.milliseconds)
    }

    /// The midnight that ends the day that a moment lies in.
    pub fn end(self, at: Timestamp) -> Timestamp {
        self.midnight(self.number(at).saturating_add(1))
    }

    /// So many days after a moment, rounded up to the next midnight.
    pub fn after(self, moment: Timestamp, days: u32) -> Timestamp {
        let days_ms = self.milliseconds.saturating_mul(i64::from(days));
        let sum = moment.as_millisecond().saturating_add(days_ms);
        let number = sum.div_euclid(self.milliseconds);
        self.midnight(if sum.rem_euclid(self.milliseconds) == 0 { number } else { number.saturating_add(1) })
    }

    fn midnight(self, number: i64) -> Timestamp {
        let since_1970 = SignedDuration::from_millis(number.saturating_mul(self.milliseconds));
        Timestamp::from_duration(since_1970).unwrap_or(Timestamp::MAX)
    }
}

impl LifecycleConfiguration {
    /// When a current object goes; the earliest where several rules are about it.
    pub fn expiration(&self, object: Candidate<'_>, written: Timestamp, day: Day) -> Option<Due<'_>> {
        let due = |rule: &Rule| match rule.expiration? {
            Expiration::Days(days) => Some(day.after(written, days)),
            Expiration::Date(date) => Some(date),
            Expiration::DeleteMarkers(_) => None,
        };
        self.earliest(|rule| rule.filter.matches(object).then(|| due(rule)).flatten())
    }

    /// When a version goes that was replaced at `replaced` and has `newer` noncurrent versions between itself and the
    /// current one.
    pub fn noncurrent_expiration(
        &self,
        version: Candidate<'_>,
        replaced: Timestamp,
        newer: u32,
        day: Day,
    ) -> Option<Due<'_>> {
        let due = |rule: &Rule| {
            let NoncurrentExpiration { days, newer_versions } = rule.noncurrent?;
            (newer >= newer_versions.unwrap_or(0)).then(|| day.after(replaced, days))
        };
        self.earliest(|rule| rule.filter.matches(version).then(|| due(rule)).flatten())
    }

    /// When a delete marker goes behind which no version is left: at once where a rule says so, and otherwise when it is
    /// as old as objects may become.
    pub fn marker_expiration(&self, key: &str, written: Timestamp, day: Day) -> Option<Due<'_>> {
        let due = |rule: &Rule| match rule.expiration? {
            Expiration::DeleteMarkers(true) => Some(written),
            Expiration::Days(days) => Some(day.after(written, days)),
            Expiration::DeleteMarkers(false) | Expiration::Date(_) => None,
        };
        let marker = Candidate { key, size: 0, tags: &TagSet::default() };
        self.earliest(|rule| rule.filter.matches(marker).then(|| due(rule)).flatten())
    }

    /// When an upload that began at `initiated` is aborted.
    pub fn abortion(&self, key: &str, initiated: Timestamp, day: Day) -> Option<Due<'_>> {
        self.earliest(|rule| {
            let days = rule.abort_after_days?;
            rule.filter.covers(key).then(|| day.after(initiated, days))
        })
    }

    fn earliest(&self, due: impl Fn(&Rule) -> Option<Timestamp>) -> Option<Due<'_>> {
        let dues = self.enabled().filter_map(|rule| Some(Due { at: due(rule)?, rule_id: &rule.id }));
        dues.min_by_key(|due| due.at)
    }
}

impl Filter {
    fn covers(&self, key: &str) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
    }

    fn matches(&self, candidate: Candidate<'_>) -> bool {
        self.covers(candidate.key)
            && self.size_greater_than.is_none_or(|bytes| candidate.size > bytes)
            && self.size_less_than.is_none_or(|bytes| candidate.size < bytes)
            && self.tags.iter().all(|(key, value)| candidate.tags.value(key) == Some(value))
    }
}

impl Due<'_> {
    /// The value of `x-amz-expiration`.
    pub fn to_header(&self) -> String {
        let mut rule = String::new();
        encode::component(self.rule_id, &mut rule);
        format!("expiry-date=\"{}\", rule-id=\"{rule}\"", http_date(self.at))
    }
}

/// A key is what its prefix is compared with.
impl<'a> Candidate<'a> {
    /// An object.
    pub fn new(key: &'a ObjectKey, size: u64, tags: &'a TagSet) -> Self {
        Self { key: key.as_str(), size, tags }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn configuration(rules: &str) -> LifecycleConfiguration {
        let body = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        let mut ids = 0;
        let next = || {
            ids += 1;
            format!("rule {ids}")
        };
        LifecycleConfiguration::parse(body.as_bytes(), next).unwrap()
    }

    fn rule(inside: &str) -> String {
        format!("<Rule><Status>Enabled</Status>{inside}</Rule>")
    }

    #[test]
    fn days_end_at_the_midnight_after_them() {
        let day = Day::default();
        // The example of the user guide.
        assert_eq!(day.after(at("2014-01-15T10:30:00Z"), 3), at("2014-01-19T00:00:00Z"));
        assert_eq!(day.after(at("2014-01-15T00:00:00Z"), 1), at("2014-01-16T00:00:00Z"));
        assert_eq!(day.after(at("2014-01-15T00:00:00.001Z"), 1), at("2014-01-17T00:00:00Z"));
        assert_eq!(day.end(at("2014-01-15T00:00:00Z")), at("2014-01-16T00:00:00Z"));
        assert_eq!(day.after(at("2014-01-15T00:00:00Z"), u32::MAX).max(Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_shorter_day_has_its_own_midnights() {
        let day = Day::of(Duration::from_secs(10)).unwrap();
        assert_eq!(day.after(at("2014-01-15T10:30:03Z"), 2), at("2014-01-15T10:30:30Z"));
        assert_eq!(day.end(at("2014-01-15T10:30:03Z")), at("2014-01-15T10:30:10Z"));
        assert_eq!(Day::of(Duration::from_millis(999)), None);
        assert!(Day::of(Duration::from_secs(1)).is_some());
        assert_eq!(Day::of(Duration::from_hours(24)), Some(Day::default()));
        assert_eq!(Day::of(Duration::from_secs(86_401)), None);
    }

    #[test]
    fn the_earliest_rule_that_is_about_an_object_counts() {
        let days = |days: u32| format!("<Expiration><Days>{days}</Days></Expiration>");
        let rules = configuration(
            &[
                rule(&format!("<Filter/>{}", days(30))),
                rule(&format!("<Filter><Prefix>tmp/</Prefix></Filter>{}", days(2))),
                rule(&format!("<Filter><Tag><Key>keep</Key><Value>no</Value></Tag></Filter>{}", days(1))),
                rule(&format!("<Filter><ObjectSizeGreaterThan>100</ObjectSizeGreaterThan></Filter>{}", days(3))),
                rule(&format!("<Filter/>{}", days(1))).replace("Enabled", "Disabled"),
            ]
            .concat(),
        );
        let written = at("2026-06-01T12:00:00Z");
        let of = |key: &str, size: u64, tags: &str| {
            let tags = TagSet::from_header(tags).unwrap();
            let due = rules.expiration(Candidate { key, size, tags: &tags }, written, Day::default()).unwrap();
            (due.at.to_string(), due.rule_id.to_owned())
        };
        assert_eq!(of("a", 100, ""), ("2026-07-02T00:00:00Z".to_owned(), "rule 1".to_owned()));
        assert_eq!(of("tmp/a", 100, "").1, "rule 2");
        assert_eq!(of("tmp/a", 100, "keep=no&b=").1, "rule 3");
        assert_eq!(of("a", 101, "keep=yes").1, "rule 4");
    }

    #[test]
    fn a_header_names_the_date_and_the_rule() {
        let rules = configuration(&rule("<Filter/><Expiration><Date>2030-01-02</Date></Expiration>"));
        let tags = TagSet::default();
        let due = rules.expiration(Candidate { key: "a", size: 0, tags: &tags }, Timestamp::UNIX_EPOCH, Day::default());
        let expected = "expiry-date=\"Wed, 02 Jan 2030 00:00:00 GMT\", rule-id=\"rule%201\"";
        assert_eq!(due.unwrap().to_header(), expected);
    }

    #[test]
    fn uploads_noncurrent_versions_and_markers_have_rules_of_their_own() {
        let rules = configuration(
            &[
                rule("<Filter><Prefix>u/</Prefix></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"),
                rule("<Filter/><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration>"),
                rule("<Filter><Prefix>m/</Prefix></Filter><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"),
            ]
            .concat(),
        );
        let (moment, day, tags) = (at("2026-06-01T12:00:00Z"), Day::default(), TagSet::default());
        let later = Some(at("2026-06-03T00:00:00Z"));
        assert_eq!(rules.abortion("u/a", moment, day).map(|due| due.at), later);
        assert_eq!(rules.abortion("a", moment, day), None);
        let version = Candidate { key: "a", size: 0, tags: &tags };
        assert_eq!(rules.noncurrent_expiration(version, moment, 2, day).map(|due| due.at), later);
        assert_eq!(rules.noncurrent_expiration(version, moment, 1, day), None);
        assert_eq!(rules.marker_expiration("m/a", moment, day).map(|due| due.at), Some(moment));
        assert_eq!(rules.marker_expiration("a", moment, day), None);
        assert_eq!(rules.expiration(version, moment, day), None);
    }
}
