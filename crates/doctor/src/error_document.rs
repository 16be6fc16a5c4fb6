//! The error documents of S3 and CloudFront: one flat element with a code, a message, and what else each error adds.

use std::fmt;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::redact;

/// An error document, read.
#[derive(Clone)]
pub struct ErrorDocument {
    elements: Vec<(String, String)>,
}

impl ErrorDocument {
    /// The longest document, in bytes. S3's own are some kilobytes: a canonical request, and again in hexadecimal.
    pub const MAX_BYTES: usize = 1024 * 1024;
    /// The most elements.
    pub const MAX_ELEMENTS: usize = 64;

    /// Reads `<Error><Code>…`, wherever in the text it begins: a pasted answer may have its headers before.
    pub fn parse(text: &str) -> Result<Self, ErrorDocumentError> {
        if text.len() > Self::MAX_BYTES {
            return Err(ErrorDocumentError::TooLong);
        }
        let start = text.find("<Error>").or_else(|| text.find("<Error ")).ok_or(ErrorDocumentError::NoError)?;
        let mut reader = Reader::from_str(&text[start..]);
        let mut elements: Vec<(String, String)> = Vec::new();
        let mut open: Vec<String> = Vec::new();
        loop {
            match reader.read_event().map_err(|_| ErrorDocumentError::Xml)? {
                Event::Start(tag) => {
                    open.push(tag.local_name().as_ref().to_owned());
                    if open.len() == 2 {
                        if elements.len() == Self::MAX_ELEMENTS {
                            return Err(ErrorDocumentError::TooManyElements);
                        }
                        elements.push((open[1].clone(), String::new()));
                    }
                    if open.len() > 8 {
                        return Err(ErrorDocumentError::Xml);
                    }
                }
                Event::Text(text) if open.len() == 2 => {
                    if let Some((_, value)) = elements.last_mut() {
                        value.push_str(&text);
                    }
                }
                Event::CData(text) if open.len() == 2 => {
                    if let Some((_, value)) = elements.last_mut() {
                        value.push_str(&text);
                    }
                }
                Event::GeneralRef(reference) if open.len() == 2 => {
                    if let Some((_, value)) = elements.last_mut() {
                        value.push(character(&reference).ok_or(ErrorDocumentError::Xml)?);
                    }
                }
                Event::End(_) => {
                    open.pop();
                    if open.is_empty() {
                        break;
                    }
                }
                Event::Eof => return Err(ErrorDocumentError::Xml),
                _ => {}
            }
        }
        let document = Self { elements };
        if document.code().is_empty() { Err(ErrorDocumentError::NoError) } else { Ok(document) }
    }

    /// `Code`.
    #[must_use]
    pub fn code(&self) -> &str {
        self.get("Code").unwrap_or_default()
    }

    /// `Message`.
    #[must_use]
    pub fn message(&self) -> &str {
        self.get("Message").unwrap_or_default()
    }

    /// The text of another element: `CanonicalRequest`, `Region`, `ServerTime`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.elements.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The texts of the elements that hold signatures and tokens.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().filter(|(name, _)| redact::is_secret(name)).map(|(_, value)| value.as_str())
    }

    /// Whether CloudFront wrote it and not S3, whose documents all name the request.
    #[must_use]
    pub fn is_from_cloudfront(&self) -> bool {
        self.get("RequestId").is_none() && self.get("HostId").is_none()
    }
}

fn character(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    Some(match reference.as_ref() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

impl fmt::Debug for ErrorDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.elements.iter().filter(|(name, _)| name != "CanonicalRequest");
        let shown = shown.map(|(name, value)| (name, if redact::is_secret(name) { redact::REDACTED } else { value }));
        f.debug_map().entries(shown).finish()
    }
}

/// Why a text is no error document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErrorDocumentError {
    /// Longer than [`ErrorDocument::MAX_BYTES`].
    #[error("the error document is longer than {max} bytes", max = ErrorDocument::MAX_BYTES)]
    TooLong,
    /// More than [`ErrorDocument::MAX_ELEMENTS`].
    #[error("the error document has more than {max} elements", max = ErrorDocument::MAX_ELEMENTS)]
    TooManyElements,
    /// No `<Error>` with a `<Code>`.
    #[error("there is no <Error> with a <Code> in it")]
    NoError,
    /// Broken XML.
    #[error("the error document is no well-formed XML")]
    Xml,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_and_unescaped() {
        let document = ErrorDocument::parse(
            "HTTP/1.1 403 Forbidden\r\n\r\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code>\
             <Message>a &amp; b &#x41;</Message><CanonicalRequest>GET\n/\na=1&amp;b=2</CanonicalRequest><RequestId>1</RequestId></Error>\n",
        )
        .unwrap();
        assert_eq!((document.code(), document.message()), ("SignatureDoesNotMatch", "a & b A"));
        assert_eq!(document.get("CanonicalRequest"), Some("GET\n/\na=1&b=2"));
        assert!(!document.is_from_cloudfront());
        let edge =
            ErrorDocument::parse("<Error><Code>InvalidKey</Code><Message>Unknown Key</Message></Error>").unwrap();
        assert!(edge.is_from_cloudfront());
    }

    #[test]
    fn what_is_no_error_document_is_refused() {
        for (text, error) in [
            ("", ErrorDocumentError::NoError),
            ("<html></html>", ErrorDocumentError::NoError),
            ("<Error></Error>", ErrorDocumentError::NoError),
            ("<Error><Code>A</Code>", ErrorDocumentError::Xml),
            ("<Error><Code>&unknown;</Code></Error>", ErrorDocumentError::Xml),
            ("<Error><Code>A</Message></Error>", ErrorDocumentError::Xml),
        ] {
            assert_eq!(ErrorDocument::parse(text).map(|_| ()), Err(error), "{text}");
        }
    }

    #[test]
    fn length_and_count_are_bounded() {
        let elements = |count: usize| format!("<Error><Code>A</Code>{}</Error>", "<x></x>".repeat(count - 1));
        assert!(ErrorDocument::parse(&elements(ErrorDocument::MAX_ELEMENTS)).is_ok());
        let error = ErrorDocument::parse(&elements(ErrorDocument::MAX_ELEMENTS + 1)).map(|_| ());
        assert_eq!(error, Err(ErrorDocumentError::TooManyElements));
        let long = |length: usize| {
            let frame = "<Error><Code>A</Code></Error>";
            format!("{frame}{}", " ".repeat(length - frame.len()))
        };
        assert!(ErrorDocument::parse(&long(ErrorDocument::MAX_BYTES)).is_ok());
        assert_eq!(
            ErrorDocument::parse(&long(ErrorDocument::MAX_BYTES + 1)).map(|_| ()),
            Err(ErrorDocumentError::TooLong)
        );
    }

    #[test]
    fn tokens_and_signatures_do_not_print() {
        let document = ErrorDocument::parse(
            "<Error><Code>ExpiredToken</Code><Token-0>ttt</Token-0><SignatureProvided>sss</SignatureProvided></Error>",
        )
        .unwrap();
        let printed = format!("{document:?}");
        assert!(!printed.contains("ttt") && !printed.contains("sss") && printed.contains("ExpiredToken"), "{printed}");
    }
}
