//! A request as it arrived, before any URL type has touched it.
//!
//! A verifier must see the raw request target: most URL types collapse `..` and `//`, which are legal in object keys,
//! and what was signed is then no longer what is checked.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use smallvec::SmallVec;

use crate::encode::{self, DecodeError, Plus};

/// A borrowed view of the head of a request.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The raw request target in origin form: `/path?query`, nothing decoded.
    pub target: &'a str,
    /// Every header line in order of arrival. Names compare without case.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> RequestView<'a> {
    /// All values of a header, in order of arrival.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

impl fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query and the headers carry signatures and tokens.
        let path = self.target.split('?').next().unwrap_or_default();
        f.debug_struct("RequestView").field("method", &self.method).field("path", &path).finish_non_exhaustive()
    }
}

/// A request target, decoded once: the path and the parameters of the query.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    path: String,
    query: Query,
}

impl Target {
    /// The longest target. A key of 1,024 bytes encodes to 3,072, a session token to some thousands.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// Decodes a raw `/path?query`.
    pub fn parse(raw: &str) -> Result<Self, TargetError> {
        if raw.len() > Self::MAX_BYTES {
            return Err(TargetError::TooLong);
        }
        // A fragment never travels, and neither blanks nor controls do; anything else is only unusual. No branch stops
        // at the first of them, so that many bytes are looked at together.
        let forbidden = |byte: u8| (byte <= b' ') | (byte == 0x7f) | (byte == b'#');
        if raw.bytes().fold(false, |found, byte| found | forbidden(byte)) {
            return Err(TargetError::Byte);
        }
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        if !path.starts_with('/') {
            return Err(TargetError::Form);
        }
        let path = encode::decode(path, Plus::Literal)?.into_owned();
        Ok(Self { path, query: Query::parse(query)? })
    }

    /// The decoded path, with its leading `/` and whatever `//`, `.` and `..` it has.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path as SigV4 writes it: encoded anew.
    pub(crate) fn canonical_path(&self) -> Cow<'_, str> {
        encode::path_of(&self.path)
    }

    /// The parameters.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("path", &self.path).field("query", &self.query).finish()
    }
}

/// The parameters of a query, decoded, in order of arrival.
///
/// `name` and `name=` are the same, a `+` is a space, empty segments (`a&&b`) count for nothing, and `;` is a character
/// like any other. Two queries are equal when their decoded parameters are, in the same order.
#[derive(Clone, Default)]
pub struct Query {
    /// The raw query, and behind it whatever of it had to be decoded: one allocation for all parameters.
    text: String,
    pairs: SmallVec<[Pair; 10]>,
}

/// Parameters as SigV4 writes them.
pub(crate) type EncodedPairs<'q> = SmallVec<[(Cow<'q, str>, Cow<'q, str>); 10]>;

/// A part of [`Query::text`].
type Span = Range<usize>;

/// One parameter of a [`Query`].
#[derive(Clone)]
struct Pair {
    raw_name: Span,
    raw_value: Span,
    /// The raw span itself where there was nothing to decode.
    name: Span,
    value: Span,
    /// Whether raw name and value are written as SigV4 writes them.
    is_canonical: bool,
}

impl Query {
    /// The most parameters of one request. S3's longest list has some twenty.
    pub const MAX_PARAMETERS: usize = 128;

    /// Decodes a raw query, without its `?`.
    pub fn parse(raw: &str) -> Result<Self, TargetError> {
        let mut query = Self { text: String::with_capacity(raw.len() + raw.len() / 4), pairs: SmallVec::new() };
        query.text.push_str(raw);
        let mut start = 0;
        for segment in raw.split('&') {
            let end = start + segment.len();
            if !segment.is_empty() {
                if query.pairs.len() == Self::MAX_PARAMETERS {
                    return Err(TargetError::TooManyParameters);
                }
                let name_end = segment.find('=').map_or(end, |at| start + at);
                query.push(raw, start..name_end, (name_end + 1).min(end)..end)?;
            }
            start = end + 1;
        }
        Ok(query)
    }

    fn push(&mut self, raw: &str, raw_name: Span, raw_value: Span) -> Result<(), TargetError> {
        let is_canonical = encode::is_canonical_component(&raw[raw_name.clone()])
            && encode::is_canonical_component(&raw[raw_value.clone()]);
        let name = self.decoded(raw, &raw_name)?;
        let value = self.decoded(raw, &raw_value)?;
        self.pairs.push(Pair { raw_name, raw_value, name, value, is_canonical });
        Ok(())
    }

    fn decoded(&mut self, raw: &str, span: &Span) -> Result<Span, TargetError> {
        let text = &raw[span.clone()];
        if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
            return Ok(span.clone());
        }
        let start = self.text.len();
        encode::decode_onto(text, Plus::Space, &mut self.text)?;
        Ok(start..self.text.len())
    }

    /// The first value of a parameter. Names are case-sensitive.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// As [`get`](Self::get), borrowing from the raw query that was parsed where nothing had to be decoded.
    pub(crate) fn get_in<'a>(&self, raw: &'a str, name: &str) -> Option<Cow<'a, str>> {
        let pair = self.pairs.iter().find(|pair| self.text[pair.name.clone()] == *name)?;
        Some(match raw.get(pair.value.clone()) {
            Some(value) => Cow::Borrowed(value),
            None => Cow::Owned(self.text[pair.value.clone()].to_owned()),
        })
    }

    /// Whether a parameter is present, with a value or without.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All parameters in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|pair| (&self.text[pair.name.clone()], &self.text[pair.value.clone()]))
    }

    /// The first name that appears more than once. Signed parameters may repeat; an operation that takes one value
    /// of a parameter should refuse the request when they do.
    #[must_use]
    pub fn repeated(&self) -> Option<&str> {
        let mut names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }

    /// All parameters but those named `without`, as SigV4 writes them: name and value encoded anew.
    ///
    /// A client that signs has written most of them so already; those are taken as they came.
    pub(crate) fn canonical_pairs(&self, without: Option<&str>) -> EncodedPairs<'_> {
        let canonical = |pair: &Pair, raw: &Span, decoded: &Span| {
            if pair.is_canonical {
                Cow::Borrowed(&self.text[raw.clone()])
            } else {
                encode::component_of(&self.text[decoded.clone()])
            }
        };
        self.pairs
            .iter()
            .filter(|pair| without.is_none_or(|without| self.text[pair.name.clone()] != *without))
            .map(|pair| (canonical(pair, &pair.raw_name, &pair.name), canonical(pair, &pair.raw_value, &pair.value)))
            .collect()
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Query {}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, if is_secret(name) { "[redacted]" } else { value })))
            .finish()
    }
}

/// Whether the value of a query parameter must never reach a log.
pub(crate) fn is_secret(name: &str) -> bool {
    const SECRET: [&str; 3] = ["X-Amz-Signature", "X-Amz-Security-Token", "Signature"];
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// Why a request target is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Longer than [`Target::MAX_BYTES`].
    #[error("the request target is longer than {max} bytes", max = Target::MAX_BYTES)]
    TooLong,
    /// Not `/path?query`.
    #[error("the request target does not start with a slash")]
    Form,
    /// A blank, a control or a `#`.
    #[error("the request target has a byte that cannot stand in one")]
    Byte,
    /// More than [`Query::MAX_PARAMETERS`].
    #[error("the query has more than {max} parameters", max = Query::MAX_PARAMETERS)]
    TooManyParameters,
    /// A broken escape, or bytes that are not UTF-8.
    #[error("the request target cannot be decoded")]
    Encoding(#[from] DecodeError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(raw: &str) -> Vec<(String, String)> {
        Query::parse(raw).unwrap().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_target_is_decoded_once_and_not_normalised() {
        let target = Target::parse("/b/a/../c//%2e%2e%2fd%252e+?x=%2B+").unwrap();
        assert_eq!(target.path(), "/b/a/../c//../d%2e+");
        assert_eq!(target.query().get("x"), Some("+ "));
    }

    #[test]
    fn a_name_alone_is_a_name_with_an_empty_value() {
        assert_eq!(pairs("x"), pairs("x="));
        assert_eq!(pairs("&a=1&&b&"), [("a".into(), "1".into()), ("b".into(), String::new())]);
        assert_eq!(pairs("=v"), [(String::new(), "v".into())]);
        assert_eq!(pairs("a=1;b=2"), [("a".into(), "1;b=2".into())]);
        assert_eq!(pairs("a=b=c"), [("a".into(), "b=c".into())]);
    }

    #[test]
    fn repeated_names_are_found() {
        assert_eq!(Query::parse("a=1&b=2&%61=3").unwrap().repeated(), Some("a"));
        assert_eq!(Query::parse("a=1&A=2").unwrap().repeated(), None);
    }

    #[test]
    fn a_broken_target_is_refused() {
        for (raw, error) in [
            ("", TargetError::Form),
            ("b", TargetError::Form),
            ("http://h/b", TargetError::Form),
            ("*", TargetError::Form),
            ("/a b", TargetError::Byte),
            ("/a\r\nb", TargetError::Byte),
            ("/a#b", TargetError::Byte),
            ("/a\u{7f}", TargetError::Byte),
            ("/%zz", TargetError::Encoding(DecodeError::Escape)),
            ("/%c0%af", TargetError::Encoding(DecodeError::Utf8)),
            ("/?a=%", TargetError::Encoding(DecodeError::Escape)),
            ("/?%ff=1", TargetError::Encoding(DecodeError::Utf8)),
        ] {
            assert_eq!(Target::parse(raw), Err(error), "{raw:?}");
        }
    }

    #[test]
    fn length_and_count_are_bounded() {
        assert!(Target::parse(&format!("/{}", "a".repeat(Target::MAX_BYTES - 1))).is_ok());
        assert_eq!(Target::parse(&format!("/{}", "a".repeat(Target::MAX_BYTES))), Err(TargetError::TooLong));
        assert!(Query::parse(&"a&".repeat(Query::MAX_PARAMETERS)).is_ok());
        assert_eq!(Query::parse(&"a&".repeat(Query::MAX_PARAMETERS + 1)), Err(TargetError::TooManyParameters));
    }

    #[test]
    fn signatures_and_tokens_do_not_print() {
        let raw = "/b/k?X-Amz-Signature=sssss&X-Amz-Security-Token=ttttt&versionId=vvvvv";
        let view = RequestView { method: "GET", target: raw, headers: &[("authorization", b"sssss")] };
        let printed = format!("{:?} {view:?}", Target::parse(raw).unwrap());
        assert!(!printed.contains("sssss") && !printed.contains("ttttt") && printed.contains("vvvvv"), "{printed}");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(raw in any::<String>()) {
            let _ = Target::parse(&raw);
            let _ = Target::parse(&format!("/{raw}"));
            let _ = Query::parse(&raw);
        }
    }
}
