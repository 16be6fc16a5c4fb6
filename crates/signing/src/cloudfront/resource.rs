//! The `Resource` of a custom policy: a URL with wildcards, matched section by section.
//!
//! Source: CloudFront developer guide, "Create a signed URL using a custom policy", heading "Resource".

use std::fmt;

use super::url::UrlParts;

/// A pattern over URLs.
///
/// `*` stands for any number of characters, `?` for exactly one. A URL has four sections, `protocol://domain/path\?query`,
/// and a wildcard reaches no further than its own section (in the path it does cross `/`). Exceptions, all AWS's:
///
/// | pattern | means |
/// |---|---|
/// | `*` | every URL |
/// | `https://h/a*` | `https://h/a*\?*`: a `*` that ends the path covers every query too |
/// | `https://h*` | `https://h*/*\?*`: a `*` that ends the domain covers every path and every query |
/// | `*example.com` | `*://*example.com/` |
///
/// A question mark is AWS's ambiguity. Its pages say that the one before the query is to be written `\?`, that it is not
/// to be escaped, and that a bare `?` is a wildcard. So a pattern with a `\?` is read as above, and one with bare question
/// marks only is read both ways: as wildcards, and with the first one before the query. It matches what either matches.
///
/// Comparison is exact, on the URL as it travels: case counts, and `%2F` is not `/`.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource(String);

/// Why a text is no [`Resource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Longer than [`Resource::MAX_BYTES`].
    #[error("the resource is longer than a policy may be")]
    TooLong,
    /// It starts with none of `http://`, `https://` and `*`.
    #[error("the resource starts with none of http://, https:// and *")]
    Protocol,
    /// Nothing between `://` and the path.
    #[error("the resource names no domain")]
    Domain,
    /// A blank, a control character, a quote, a fragment, a character outside ASCII, or a backslash that does not stand
    /// before a question mark: no URL has them, so the pattern could match none.
    #[error("the resource has a character that no URL has; percent-encode it")]
    Character,
}

impl Resource {
    /// The longest pattern. With it no policy is longer than [`MAX_POLICY_BYTES`](super::MAX_POLICY_BYTES).
    pub const MAX_BYTES: usize = 2048;

    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        if text.len() > Self::MAX_BYTES {
            return Err(ResourceError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'#')) {
            return Err(ResourceError::Character);
        }
        if !text.split('\\').skip(1).all(|rest| rest.starts_with('?')) {
            return Err(ResourceError::Character);
        }
        let sections = Sections::of(text, QueryMark::Escaped).ok_or(ResourceError::Protocol)?;
        if sections.domain.is_empty() {
            return Err(ResourceError::Domain);
        }
        Ok(Self(text.to_owned()))
    }

    /// The pattern as it stands in the policy.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern covers a URL.
    pub(super) fn matches(&self, url: &UrlParts<'_>) -> bool {
        let read = |mark| Sections::of(&self.0, mark).is_some_and(|sections| sections.match_url(url));
        read(QueryMark::Escaped) || (self.has_bare_question_mark_only() && read(QueryMark::FirstBare))
    }

    /// Whether question marks can be read two ways.
    pub(super) fn has_bare_question_mark_only(&self) -> bool {
        self.0.contains('?') && !self.0.contains(r"\?")
    }

    /// Whether the path is a pattern rather than one path.
    pub(super) fn has_wildcard_in_path(&self) -> bool {
        self.sections().path.contains(['*', '?'])
    }

    /// Whether it leaves the protocol open, which CloudFront's cookies may not.
    pub(super) fn starts_with_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }

    /// The sections, read as the newer page has it: a bare question mark is a wildcard.
    pub(super) fn sections(&self) -> Sections<'_> {
        Sections::of(&self.0, QueryMark::Escaped).expect("only what splits into sections becomes a resource")
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resource([redacted])")
    }
}

/// What divides path and query in a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum QueryMark {
    /// `\?`.
    Escaped,
    /// The first question mark.
    FirstBare,
}

/// A pattern in its four sections, with what AWS implies filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sections<'a> {
    pub(super) protocol: &'a str,
    pub(super) domain: &'a str,
    pub(super) path: &'a str,
    /// `None`: the URL must have no query.
    pub(super) query: Option<&'a str>,
}

impl<'a> Sections<'a> {
    fn of(text: &'a str, mark: QueryMark) -> Option<Self> {
        if text == "*" {
            return Some(Self { protocol: "*", domain: "*", path: "/*", query: Some("*") });
        }
        let (protocol, rest) = match text.split_once("://") {
            Some((protocol @ ("http" | "https" | "*" | "http*"), rest)) => (protocol, rest),
            _ if text.starts_with('*') => ("*", text),
            _ => return None,
        };
        let mark = match mark {
            QueryMark::Escaped => r"\?",
            QueryMark::FirstBare => "?",
        };
        let (address, query) = match rest.split_once(mark) {
            Some((address, query)) => (address, Some(query)),
            None => (rest, None),
        };
        let (domain, path) = match address.find('/') {
            Some(slash) => (&address[..slash], &address[slash..]),
            None if address.ends_with('*') => (address, "/*"),
            None => (address, "/"),
        };
        let query = query.or(path.ends_with('*').then_some("*"));
        Some(Self { protocol, domain, path, query })
    }

    fn match_url(&self, url: &UrlParts<'_>) -> bool {
        let query = match (self.query, url.query) {
            (None, query) => query.is_none(),
            // No query is what a `*` covers, and nothing else does.
            (Some(pattern), None) => !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*'),
            (Some(pattern), Some(query)) => wildcard_match(pattern, query),
        };
        query
            && wildcard_match(self.protocol, url.scheme.as_str())
            && wildcard_match(self.domain, url.host)
            && wildcard_match(self.path, url.path)
    }
}

/// Whether `pattern` covers all of `text`. `\?` is a question mark that stands for itself.
///
/// Only the last `*` is ever revisited, so the work is bounded by the product of the lengths, whatever the pattern.
pub(super) fn wildcard_match(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut here) = (0, 0);
    // After the last `*`: where the pattern goes on, and how far into the text that `*` reaches so far.
    let mut retry: Option<(usize, usize)> = None;
    while here < text.len() {
        let step = match &pattern[at..] {
            [b'*', ..] => {
                retry = Some((at + 1, here));
                at += 1;
                continue;
            }
            [b'\\', b'?', ..] => (text[here] == b'?').then_some(2),
            [b'?', ..] => Some(1),
            [byte, ..] => (*byte == text[here]).then_some(1),
            [] => None,
        };
        match (step, retry) {
            (Some(step), _) => {
                at += step;
                here += 1;
            }
            (None, Some((after, reached))) => {
                retry = Some((after, reached + 1));
                at = after;
                here = reached + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious matcher, which takes exponential time.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => slow(rest, text) || (!text.is_empty() && slow(pattern, &text[1..])),
            ([b'\\', b'?', rest @ ..], _) => text.first() == Some(&b'?') && slow(rest, &text[1..]),
            ([b'?', rest @ ..], [_, text @ ..]) => slow(rest, text),
            ([byte, rest @ ..], [other, text @ ..]) => byte == other && slow(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_the_obvious_one(pattern in r"(a|b|\*|\?|\\\?){0,8}", text in r"[ab?]{0,10}") {
            prop_assert_eq!(wildcard_match(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn any_text_is_refused_or_has_sections(text in r"(http://|https://|\*|://|/|\\|\?|[a-z]|[ -~]|é){0,20}") {
            if let Ok(resource) = Resource::parse(&text) {
                prop_assert!(!resource.sections().domain.is_empty());
                prop_assert!(resource.sections().path.starts_with('/'));
            }
        }
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        let pattern = "*a".repeat(Resource::MAX_BYTES / 2);
        let text = "a".repeat(8192);
        // Exponential work would not end within the life of a machine.
        assert!(!wildcard_match(&(pattern + "b"), &text));
    }

    #[test]
    fn a_pattern_is_bounded_and_starts_as_a_url_does() {
        let longest = format!("https://h/{}", "a".repeat(Resource::MAX_BYTES - "https://h/".len()));
        assert!(Resource::parse(&longest).is_ok());
        assert_eq!(Resource::parse(&format!("{longest}a")), Err(ResourceError::TooLong));
        for text in ["", "h/a", "ftp://h/a", "httpx://h/", "//h/a", "/a", "?://h/a", "HTTP://h/"] {
            assert_eq!(Resource::parse(text), Err(ResourceError::Protocol), "{text}");
        }
        for text in ["https://", "https:///a", r"*://\?a"] {
            assert_eq!(Resource::parse(text), Err(ResourceError::Domain), "{text}");
        }
        for text in [
            "https://h/a b",
            "https://h/\"",
            "https://h/é",
            "https://h/a#b",
            "https://h/\n",
            "*<",
            r"https://h/\a",
            "*\\",
        ] {
            assert_eq!(Resource::parse(text), Err(ResourceError::Character), "{text}");
        }
    }
}
