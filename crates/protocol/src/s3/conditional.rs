//! Conditional requests: RFC 9110 §13 for reads and copies, and S3's narrower rules for writes.

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use super::date::parse_condition_date;
use super::error::S3Error;
use super::header_lines::{list_header, single_header};
use super::names::{Etag, ObjectKey};

/// What `If-Match` or `If-None-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EtagSet {
    /// `*`: any object at all.
    Any,
    /// These tags.
    Tags(Vec<Etag>),
}

impl EtagSet {
    /// For `If-Match`: a weak tag matches nothing (RFC 9110 §13.1.1), so it is as good as absent from the list.
    fn strong(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        // An S3 tag holds no comma.
        Self::Tags(text.split(',').filter_map(Etag::parse).collect())
    }

    /// For `If-None-Match`: weak comparison (RFC 9110 §13.1.2).
    fn weak(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        Self::Tags(text.split(',').filter_map(|tag| Etag::parse(tag.trim().trim_start_matches("W/"))).collect())
    }

    fn contains(&self, etag: &Etag) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(etag),
        }
    }
}

/// The four conditions of a read, or of the source of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// `If-Match`.
    pub if_match: Option<EtagSet>,
    /// `If-None-Match`.
    pub if_none_match: Option<EtagSet>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<Timestamp>,
}

/// The headers that conditions stand in.
struct Names {
    matching: HeaderName,
    none_matching: HeaderName,
    modified_since: HeaderName,
    unmodified_since: HeaderName,
}

static OF_A_READ: Names = Names {
    matching: IF_MATCH,
    none_matching: IF_NONE_MATCH,
    modified_since: IF_MODIFIED_SINCE,
    unmodified_since: IF_UNMODIFIED_SINCE,
};

/// Those about the source of a copy.
static OF_A_COPY: Names = Names {
    matching: HeaderName::from_static("x-amz-copy-source-if-match"),
    none_matching: HeaderName::from_static("x-amz-copy-source-if-none-match"),
    modified_since: HeaderName::from_static("x-amz-copy-source-if-modified-since"),
    unmodified_since: HeaderName::from_static("x-amz-copy-source-if-unmodified-since"),
};

/// What the conditions of a read come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// Serve the object.
    Proceed,
    /// 304, without a body.
    NotModified,
    /// 412, naming this header.
    Failed(&'static str),
}

impl Preconditions {
    /// Reads `If-Match`, `If-None-Match`, `If-Modified-Since` and `If-Unmodified-Since`.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        Self::read(headers, &OF_A_READ)
    }

    /// Reads the same conditions about the source of a copy: `x-amz-copy-source-if-match` and so on.
    pub fn for_copy_source(headers: &HeaderMap) -> Self {
        Self::read(headers, &OF_A_COPY)
    }

    fn read(headers: &HeaderMap, names: &Names) -> Self {
        // Two dates are no date, and what is no date is ignored (RFC 9110 §13.1.3 and §13.1.4).
        let date = |name: &HeaderName| list_header(headers, name).as_deref().and_then(parse_condition_date);
        Self {
            if_match: list_header(headers, &names.matching).as_deref().map(EtagSet::strong),
            if_none_match: list_header(headers, &names.none_matching).as_deref().map(EtagSet::weak),
            if_modified_since: date(&names.modified_since),
            if_unmodified_since: date(&names.unmodified_since),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Evaluates for a read, in the order of RFC 9110 §13.2.2: a tag outranks the date beside it.
    pub fn evaluate_read(&self, etag: &Etag, last_modified: Timestamp, now: Timestamp) -> ReadOutcome {
        if let Some(failed) = self.failed_match(etag, last_modified, now) {
            return ReadOutcome::Failed(failed);
        }
        match self.failed_none_match(etag, last_modified, now) {
            Some(_) => ReadOutcome::NotModified,
            None => ReadOutcome::Proceed,
        }
    }

    /// Evaluates for the source of a copy, where every failure is a 412.
    pub fn evaluate_copy(&self, etag: &Etag, last_modified: Timestamp, now: Timestamp) -> Result<(), S3Error> {
        let failed =
            self.failed_match(etag, last_modified, now).or_else(|| self.failed_none_match(etag, last_modified, now));
        match failed {
            None => Ok(()),
            Some("If-Match") => Err(S3Error::precondition_failed("x-amz-copy-source-If-Match")),
            Some("If-Unmodified-Since") => Err(S3Error::precondition_failed("x-amz-copy-source-If-Unmodified-Since")),
            Some("If-None-Match") => Err(S3Error::precondition_failed("x-amz-copy-source-If-None-Match")),
            Some(_) => Err(S3Error::precondition_failed("x-amz-copy-source-If-Modified-Since")),
        }
    }

    fn failed_match(&self, etag: &Etag, last_modified: Timestamp, now: Timestamp) -> Option<&'static str> {
        match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) => (!tags.contains(etag)).then_some("If-Match"),
            (None, Some(date)) if date <= now => {
                (seconds(last_modified) > seconds(date)).then_some("If-Unmodified-Since")
            }
            // A date that lies ahead of the server's clock is not one (RFC 9110 §13.1.3); S3 has it ignored in both.
            (None, _) => None,
        }
    }

    fn failed_none_match(&self, etag: &Etag, last_modified: Timestamp, now: Timestamp) -> Option<&'static str> {
        match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => tags.contains(etag).then_some("If-None-Match"),
            (None, Some(date)) if date <= now => {
                (seconds(last_modified) <= seconds(date)).then_some("If-Modified-Since")
            }
            (None, _) => None,
        }
    }
}

/// HTTP dates have whole seconds.
fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

/// `If-Range`: the validator under which a range is honoured (RFC 9110 §13.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfRange {
    /// The object must have this tag.
    Tag(Etag),
    /// The object must have been modified at exactly this second.
    Date(Timestamp),
    /// A weak tag or nothing readable: never matches, so the whole object is sent.
    Never,
}

impl IfRange {
    /// Reads the header.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = list_header(headers, "if-range")?;
        let text = text.trim();
        // A date first: every date would also pass for a bare tag if it had no blanks.
        let parsed = match parse_condition_date(text) {
            Some(date) => Self::Date(date),
            None => Etag::parse(text).map_or(Self::Never, Self::Tag),
        };
        Some(parsed)
    }

    /// Whether the range is honoured.
    pub fn matches(&self, etag: &Etag, last_modified: Timestamp) -> bool {
        match self {
            Self::Tag(tag) => tag == etag,
            Self::Date(date) => seconds(*date) == seconds(last_modified),
            Self::Never => false,
        }
    }
}

/// The condition of a write: `If-None-Match: *` or `If-Match` with one tag ("Add preconditions to S3 operations with
/// conditional requests").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WriteCondition {
    /// None.
    #[default]
    Unconditional,
    /// Nothing may be there yet.
    IfAbsent,
    /// An object with this tag must be there.
    IfMatches(Etag),
}

impl WriteCondition {
    /// Reads the two headers. A second line of one is refused; anything but the two legal forms is 501, as at AWS.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, S3Error> {
        match (single_header(headers, "if-match")?, single_header(headers, "if-none-match")?) {
            (None, None) => Ok(Self::Unconditional),
            (None, Some("*")) => Ok(Self::IfAbsent),
            (None, Some(_)) => Err(S3Error::not_implemented_because(
                "If-None-Match",
                "We don't accept the provided value of If-None-Match header for this API",
            )),
            (Some(tag), None) => Etag::parse(tag).filter(|_| tag != "*").map(Self::IfMatches).ok_or_else(|| {
                S3Error::not_implemented_because(
                    "If-Match",
                    "We don't accept the provided value of If-Match header for this API",
                )
            }),
            (Some(_), Some(_)) => Err(S3Error::not_implemented_because(
                "If-Match,If-None-Match",
                "Multiple conditional request headers present in the request",
            )),
        }
    }

    /// Evaluates against what is there, which is looked for only where there is a condition.
    pub fn evaluate<E: From<S3Error>>(
        &self,
        key: &ObjectKey,
        existing: impl FnOnce() -> Result<Option<Etag>, E>,
    ) -> Result<(), E> {
        let refusal = match self {
            Self::Unconditional => return Ok(()),
            Self::IfAbsent => existing()?.map(|_| S3Error::precondition_failed("If-None-Match")),
            Self::IfMatches(wanted) => mismatch(key, wanted, existing()?),
        };
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

/// The condition of a delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeleteCondition {
    /// None.
    #[default]
    Unconditional,
    /// An object must be there.
    IfPresent,
    /// An object with this tag must be there.
    IfMatches(Etag),
}

impl DeleteCondition {
    /// Reads `If-Match` with one tag, or `*` for any object. A second line is refused.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, S3Error> {
        match single_header(headers, "if-match")? {
            None => Ok(Self::Unconditional),
            Some("*") => Ok(Self::IfPresent),
            Some(tag) => Etag::parse(tag)
                .map(Self::IfMatches)
                .ok_or_else(|| S3Error::invalid_argument("The provided ETag is not valid.", "If-Match", tag)),
        }
    }

    /// Evaluates against what is there, which is looked for only where there is a condition.
    pub fn evaluate<E: From<S3Error>>(
        &self,
        key: &ObjectKey,
        existing: impl FnOnce() -> Result<Option<Etag>, E>,
    ) -> Result<(), E> {
        let refusal = match self {
            Self::Unconditional => return Ok(()),
            Self::IfPresent => existing()?.is_none().then(|| S3Error::no_such_key(key)),
            Self::IfMatches(wanted) => mismatch(key, wanted, existing()?),
        };
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }
}

/// What is said where the object that is there is not the one that is wanted.
fn mismatch(key: &ObjectKey, wanted: &Etag, existing: Option<Etag>) -> Option<S3Error> {
    match existing {
        None => Some(S3Error::no_such_key(key)),
        Some(etag) => (etag != *wanted).then(|| S3Error::precondition_failed("If-Match")),
    }
}
