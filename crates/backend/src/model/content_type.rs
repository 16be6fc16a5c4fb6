//! Media types: what may be stored, and what a browser may show in place.

use std::fmt;

/// The longest media type with its parameters that is taken.
pub(crate) const MAX_CONTENT_TYPE_BYTES: usize = 255;

/// A media type (RFC 9110 §8.3.1) in visible ASCII, with lowercase type and subtype.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentType {
    text: String,
    essence_length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a media type such as `image/png`")]
pub(crate) struct InvalidContentType;

impl ContentType {
    /// Reads what a caller declares. A comma is refused even in quotes: browsers read what follows one as another type (Fetch
    /// §2.2.2, extracting a MIME type), so that `image/png;,text/html` would be HTML to them.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidContentType> {
        let read = Self::restore(text)?;
        if text.contains(',') || !are_parameters(&read.text[read.essence_length..]) {
            return Err(InvalidContentType);
        }
        Ok(read)
    }

    /// Reads what was stored, also by versions that took more than [`ContentType::parse`] does.
    pub(crate) fn restore(text: &str) -> Result<Self, InvalidContentType> {
        let visible = |byte: u8| matches!(byte, b' '..=b'~');
        if text.len() > MAX_CONTENT_TYPE_BYTES || text != text.trim() || !text.bytes().all(visible) {
            return Err(InvalidContentType);
        }
        let (essence, parameters) = text.find(';').map_or((text, ""), |at| text.split_at(at));
        let essence = essence.trim_end().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/').ok_or(InvalidContentType)?;
        if !is_token(kind) || !is_token(subtype) || kind == "*" || subtype == "*" {
            return Err(InvalidContentType);
        }
        Ok(Self { essence_length: essence.len(), text: essence + parameters })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Type and subtype, without parameters.
    pub(crate) fn essence(&self) -> &str {
        &self.text[..self.essence_length]
    }

    /// Whether a browser may show it in place: types that run no script and load nothing.
    /// HTML, SVG and XML are not among them, so they are only ever saved.
    pub(crate) fn may_be_inline(&self) -> bool {
        // What was stored before commas were refused.
        if self.text.contains(',') || self.essence().ends_with("+xml") {
            return false;
        }
        match self.essence() {
            "application/pdf" | "text/plain" => true,
            other => ["image/", "audio/", "video/"].iter().any(|kind| other.starts_with(kind)),
        }
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Which media types a collection takes: `*/*`, `image/*` or one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentTypePattern(String);

impl ContentTypePattern {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidContentType> {
        let text = text.to_ascii_lowercase();
        let (kind, subtype) = text.split_once('/').ok_or(InvalidContentType)?;
        if !is_token(kind) || !is_token(subtype) || (kind == "*" && subtype != "*") {
            return Err(InvalidContentType);
        }
        Ok(Self(text))
    }

    pub(crate) fn matches(&self, content_type: &ContentType) -> bool {
        match self.0.as_str() {
            "*/*" => true,
            pattern => match pattern.strip_suffix('*') {
                Some(kind) => content_type.essence().starts_with(kind),
                None => content_type.essence() == pattern,
            },
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 9110 §5.6.6: `*( OWS ";" OWS [ parameter ] )`.
fn are_parameters(mut rest: &str) -> bool {
    while !rest.is_empty() {
        let Some(parameter) = rest.trim_start().strip_prefix(';').map(str::trim_start) else {
            return false;
        };
        rest = match parameter.split_once('=') {
            _ if parameter.is_empty() || parameter.starts_with(';') => parameter,
            Some((name, value)) if is_token(name) => match after_value(value) {
                Some(after) => after,
                None => return false,
            },
            _ => return false,
        };
    }
    true
}

/// What follows a token or a quoted string (RFC 9110 §5.6.4).
fn after_value(text: &str) -> Option<&str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ' ']).unwrap_or(text.len());
        return is_token(&text[..end]).then(|| &text[end..]);
    };
    let mut escaped = false;
    for (at, character) in quoted.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(&quoted[at + 1..]),
            _ => {}
        }
    }
    None
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_type(text: &str) -> ContentType {
        ContentType::parse(text).expect("a media type")
    }

    #[test]
    fn the_essence_is_lowercase_and_parameters_stay() {
        let parsed = content_type("Text/HTML; charset=UTF-8");
        assert_eq!(parsed.essence(), "text/html");
        assert_eq!(parsed.as_str(), "text/html; charset=UTF-8");
    }

    #[test]
    fn no_header_can_be_smuggled_in() {
        for wrong in ["", "text", "text/", "/x", "*/*", "image/*", "a/b\r\nx: y", "a/ü", " a/b", "a b/c"] {
            assert_eq!(ContentType::parse(wrong), Err(InvalidContentType), "{wrong:?}");
        }
        let longest = format!("a/{}", "b".repeat(MAX_CONTENT_TYPE_BYTES - 2));
        assert!(ContentType::parse(&longest).is_ok());
        assert_eq!(ContentType::parse(&(longest + "b")), Err(InvalidContentType));
    }

    #[test]
    fn what_can_run_a_script_is_never_inline() {
        for active in [
            "text/html",
            "image/svg+xml",
            "image/other+xml",
            "application/xhtml+xml",
            "text/xml",
            "text/javascript",
            "application/octet-stream",
        ] {
            assert!(!content_type(active).may_be_inline(), "{active}");
        }
        for passive in ["image/png", "video/mp4", "application/pdf", "text/plain; charset=utf-8"] {
            assert!(content_type(passive).may_be_inline(), "{passive}");
        }
    }

    #[test]
    fn no_second_type_can_be_smuggled_in() {
        for wrong in [
            "image/png;,text/html",
            "image/png; x=1, text/html",
            "text/plain;,text/html",
            "text/plain; x=\"a,b\"",
            "image/png; x",
            "image/png; x=",
            "image/png; =1",
            "image/png; x y=1",
            "image/png; x=1 y=2",
            "image/png; x=\"1",
            "image/png; x=\"1\"y",
        ] {
            assert_eq!(ContentType::parse(wrong), Err(InvalidContentType), "{wrong:?}");
        }
        for fine in ["text/plain;", "text/plain;charset=utf-8 ; a=b", "text/plain; x=\"a; \\\" b\"; y=1"] {
            assert!(ContentType::parse(fine).is_ok(), "{fine:?}");
        }
    }

    #[test]
    fn a_stored_type_with_a_comma_is_readable_and_only_saved() {
        for stored in ["image/png;,text/html", "image/png; x=1, text/html", "text/plain;,text/html"] {
            assert!(!ContentType::restore(stored).expect("a media type").may_be_inline(), "{stored}");
        }
    }

    #[test]
    fn a_pattern_names_all_a_kind_or_one_type() {
        let png = content_type("image/png");
        for (pattern, matches) in
            [("*/*", true), ("image/*", true), ("image/png", true), ("image/p", false), ("video/*", false)]
        {
            assert_eq!(ContentTypePattern::parse(pattern).expect("a pattern").matches(&png), matches, "{pattern}");
        }
        assert_eq!(ContentTypePattern::parse("*/png"), Err(InvalidContentType));
    }
}
