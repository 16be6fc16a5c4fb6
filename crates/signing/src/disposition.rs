//! `Content-Disposition` for any file name (RFC 6266, RFC 8187).
//!
//! Whatever the name is, the header is one line of visible ASCII. Characters that make a file name dangerous where it is
//! saved (controls, path separators, bidirectional overrides that disguise an extension) become `_`.

use std::fmt;

use crate::encode;

/// A value of the `Content-Disposition` header: visible ASCII and spaces, so it can stand in a header, in a query
/// parameter (`response-content-disposition`) and in an object's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContentDisposition(String);

impl ContentDisposition {
    /// The browser saves the file under this name. An empty name leaves the choice to the browser.
    #[must_use]
    pub fn attachment(filename: &str) -> Self {
        Self::new("attachment", filename)
    }

    /// The browser shows the file, and saves it under this name when asked.
    #[must_use]
    pub fn inline(filename: &str) -> Self {
        Self::new("inline", filename)
    }

    /// The header value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn new(kind: &str, filename: &str) -> Self {
        let mut value = kind.to_owned();
        if filename.is_empty() {
            return Self(value);
        }
        let name: String = filename.chars().map(|c| if is_dangerous(c) { '_' } else { c }).collect();
        // RFC 6266 appendix D: no `\`-escapes and no `%` in the plain form, since browsers read them differently.
        let plain: String = name.chars().map(|c| if is_safe_in_quotes(c) { c } else { '_' }).collect();
        value.push_str("; filename=\"");
        value.push_str(&plain);
        value.push('"');
        if plain != name {
            value.push_str("; filename*=UTF-8''");
            encode::attribute(&name, &mut value);
        }
        Self(value)
    }
}

impl fmt::Display for ContentDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_safe_in_quotes(c: char) -> bool {
    (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '"' | '\\' | '%')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_name_stays_plain() {
        assert_eq!(ContentDisposition::attachment("report 1.pdf").as_str(), r#"attachment; filename="report 1.pdf""#);
        assert_eq!(ContentDisposition::inline("a;b.txt").as_str(), r#"inline; filename="a;b.txt""#);
        assert_eq!(ContentDisposition::inline("").as_str(), "inline");
    }

    #[test]
    fn other_names_have_a_fallback_and_the_extended_form() {
        assert_eq!(
            ContentDisposition::attachment("naïve € rates.txt").as_str(),
            "attachment; filename=\"na_ve _ rates.txt\"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC%20rates.txt"
        );
        assert_eq!(
            ContentDisposition::attachment("100%41.txt").as_str(),
            "attachment; filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt"
        );
        assert_eq!(
            ContentDisposition::attachment("a\"b.txt").as_str(),
            "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"
        );
    }

    #[test]
    fn a_name_cannot_inject_a_header_a_path_or_a_disguise() {
        assert_eq!(
            ContentDisposition::attachment("a\r\nSet-Cookie: x").as_str(),
            r#"attachment; filename="a__Set-Cookie: x""#
        );
        assert_eq!(ContentDisposition::attachment("../..\\etc\0").as_str(), r#"attachment; filename=".._.._etc_""#);
        assert_eq!(ContentDisposition::attachment("gpj.\u{202e}exe").as_str(), r#"attachment; filename="gpj._exe""#);
    }

    /// Reads the extended form back, as RFC 8187 section 3.2 says, or else the quoted form.
    fn filename_a_browser_sees(value: &str) -> String {
        match value.split_once("filename*=UTF-8''") {
            Some((_, extended)) => encode::decode(extended, encode::Plus::Literal).unwrap().into_owned(),
            None => value.split('"').nth(1).unwrap_or_default().to_owned(),
        }
    }

    proptest! {
        #[test]
        fn any_name_is_one_line_of_ascii_that_reads_back(name in any::<String>()) {
            let disposition = ContentDisposition::attachment(&name);
            prop_assert!(disposition.as_str().bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            prop_assert!(disposition.as_str().matches('"').count() <= 2);
            let expected: String = name.chars().map(|c| if is_dangerous(c) { '_' } else { c }).collect();
            prop_assert_eq!(filename_a_browser_sees(disposition.as_str()), expected);
        }
    }
}
