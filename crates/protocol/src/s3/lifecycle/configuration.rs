//! Rules, and what makes them rules.
//!
//! Source: Amazon S3 user guide, "Lifecycle configuration elements"; messages as S3's answers have them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::tagging::TagSet;

/// The most rules of a bucket.
pub const RULES_MAX: usize = 1_000;
/// The longest id of a rule, in characters.
pub const RULE_ID_MAX: usize = 255;
/// The most noncurrent versions that a rule may keep beside the current one.
pub(super) const NEWER_VERSIONS_MAX: u32 = 100;

/// 1 to 1,000 rules with ids of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleConfiguration {
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique in the configuration.
    pub id: String,
    /// Whether it counts.
    pub status: Status,
    /// What it is about.
    pub filter: Filter,
    /// When current objects go.
    pub expiration: Option<Expiration>,
    /// When versions that are no longer current go.
    pub noncurrent: Option<NoncurrentExpiration>,
    /// After how many days uploads that were never completed are aborted.
    pub abort_after_days: Option<u32>,
}

/// Whether a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Enabled,
    /// It is kept, and does nothing.
    Disabled,
}

/// How a filter is written. The meaning is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterForm {
    /// `Prefix` in the rule itself, the older form.
    Legacy,
    /// `Filter` with one condition, or none.
    Single,
    /// `Filter` with several conditions in an `And`.
    And,
}

/// What a rule is about: all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// How it is written.
    pub form: FilterForm,
    /// How keys begin.
    pub prefix: Option<String>,
    /// The tags that an object has.
    pub tags: TagSet,
    /// An object is larger than this.
    pub size_greater_than: Option<u64>,
    /// An object is smaller than this.
    pub size_less_than: Option<u64>,
}

/// When current objects go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiration {
    /// So many days after they were written.
    Days(u32),
    /// From this day on.
    Date(Timestamp),
    /// Not at all; but whether a delete marker goes that no version is left behind.
    DeleteMarkers(bool),
}

/// When versions that are no longer current go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoncurrentExpiration {
    /// So many days after they were replaced.
    pub days: u32,
    /// So many of the newest of them stay all the same.
    pub newer_versions: Option<u32>,
}

impl LifecycleConfiguration {
    pub(super) fn new(rules: Vec<Rule>) -> Result<Self, S3Error> {
        if rules.is_empty() {
            return Err(S3Error::malformed_xml());
        }
        if rules.len() > RULES_MAX {
            let message = "The number of lifecycle rules must not exceed the allowed limit of 1000 rules.";
            return Err(S3Error::invalid_request(message));
        }
        let mut ids = BTreeSet::new();
        if let Some(repeated) = rules.iter().find(|rule| !ids.insert(rule.id.as_str())) {
            let message = "Rule ID must be unique. Found same ID for more than one rule";
            return Err(S3Error::invalid_argument(message, "ID", &repeated.id));
        }
        let legacy = rules.iter().filter(|rule| rule.filter.form == FilterForm::Legacy).count();
        if legacy != 0 && legacy != rules.len() {
            let message =
                "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.";
            return Err(S3Error::invalid_request(message));
        }
        rules.iter().try_for_each(Rule::check)?;
        Ok(Self { rules })
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that count.
    pub(super) fn enabled(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.status == Status::Enabled)
    }
}

impl Rule {
    fn check(&self) -> Result<(), S3Error> {
        if self.id.chars().count() > RULE_ID_MAX {
            let message = "ID length should not exceed allowed limit of 255";
            return Err(S3Error::invalid_argument(message, "ID", &self.id));
        }
        if self.expiration.is_none() && self.noncurrent.is_none() && self.abort_after_days.is_none() {
            return Err(S3Error::invalid_request("At least one action needs to be specified in a rule"));
        }
        let filter = &self.filter;
        if let (Some(greater), Some(less)) = (filter.size_greater_than, filter.size_less_than)
            && greater >= less
        {
            let message = "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.";
            return Err(S3Error::invalid_request(message));
        }
        let has_tags = !filter.tags.is_empty();
        if has_tags && matches!(self.expiration, Some(Expiration::DeleteMarkers(_))) {
            return Err(S3Error::invalid_request(
                "Tag based filter cannot be used with ExpiredObjectDeleteMarker action",
            ));
        }
        if self.abort_after_days.is_some() {
            if has_tags {
                let message = "AbortIncompleteMultipartUpload cannot be specified with Tags.";
                return Err(S3Error::invalid_request(message));
            }
            if filter.size_greater_than.is_some() || filter.size_less_than.is_some() {
                let message = "AbortIncompleteMultipartUpload cannot be specified with Object Size.";
                return Err(S3Error::invalid_request(message));
            }
        }
        if filter.form == FilterForm::Legacy && self.noncurrent.is_some_and(|rule| rule.newer_versions.is_some()) {
            let message = "NewerNoncurrentVersions element can only be used in Lifecycle V2.";
            return Err(S3Error::new(ErrorCode::InvalidRequest, message));
        }
        Ok(())
    }
}
