//! Reads small XML documents into a tree, within limits, and without the parts of XML that have no use here.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::s3::error::S3Error;

/// The deepest nesting; the deepest document of S3 here has four levels.
pub const MAX_DEPTH: usize = 8;

/// How large a document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes. A server should not read more than this before parsing.
    pub bytes: usize,
    /// The most elements.
    pub elements: usize,
}

/// An element: its name without prefix, and either text or children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The name, without a namespace prefix.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, entities resolved.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The children, in order.
    pub fn children(&self) -> &[Element] {
        &self.children
    }

    /// The children of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the child of this name. Two of them are a malformed document.
    pub fn optional(&self, name: &str) -> Result<Option<&str>, S3Error> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(child), None) if child.children.is_empty() => Ok(Some(&child.text)),
            _ => Err(S3Error::malformed_xml()),
        }
    }

    /// The text of the one child of this name.
    pub fn required(&self, name: &str) -> Result<&str, S3Error> {
        self.optional(name)?.ok_or_else(S3Error::malformed_xml)
    }
}

/// Parses a document whose root has this name.
///
/// A document type declaration is refused, so there are no entities but the five of XML itself and character
/// references: nothing can expand, and nothing outside can be read.
pub fn parse(body: &[u8], root: &str, limits: Limits) -> Result<Element, S3Error> {
    if body.len() > limits.bytes {
        return Err(S3Error::xml_too_large(limits.bytes));
    }
    let text = std::str::from_utf8(body).map_err(|_| S3Error::malformed_xml())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // No version of XML has this character, neither as it is nor as a reference: what held it could not be written again.
    if text.contains('\0') {
        return Err(S3Error::malformed_xml());
    }
    let element = build(text, limits.elements).ok_or_else(S3Error::malformed_xml)?;
    if element.name == root { Ok(element) } else { Err(S3Error::malformed_xml()) }
}

fn build(text: &str, max_elements: usize) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut elements = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                if elements > max_elements || open.len() == MAX_DEPTH || root.is_some() {
                    return None;
                }
                let name = start.local_name().as_ref().to_owned();
                open.push(Element { name, text: String::new(), children: Vec::new() });
            }
            Event::End(_) => {
                let element = open.pop()?;
                // Text beside elements has no place in these documents; white space between them does.
                if !element.children.is_empty() && !element.text.trim().is_empty() {
                    return None;
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => root = Some(element),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(text) => append(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => append(&mut open, &resolve(&reference)?)?,
            Event::Empty(_) | Event::DocType(_) => return None,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return root.filter(|_| open.is_empty()),
        }
    }
}

/// Outside the root there may only be white space.
fn append(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

fn resolve(reference: &BytesRef<'_>) -> Option<Cow<'static, str>> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(Cow::Owned(character.to_string()));
    }
    let text = match &**reference {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return None,
    };
    Some(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { bytes: 1000, elements: 20 };

    fn read(text: &str) -> Result<Element, S3Error> {
        parse(text.as_bytes(), "A", LIMITS)
    }

    #[test]
    fn text_children_and_entities_are_read() {
        let root =
            read("<?xml version=\"1.0\"?>\n<!-- x --><A xmlns=\"y\">\n <B>1 &lt; 2&#33;</B><x:B> t </x:B><C/></A>\n")
                .unwrap();
        assert_eq!(root.all("B").map(Element::text).collect::<Vec<_>>(), ["1 < 2!", " t "]);
        assert_eq!(root.optional("C"), Ok(Some("")));
        assert_eq!(root.optional("D"), Ok(None));
        assert!(root.required("D").is_err() && root.optional("B").is_err());
        assert_eq!(read("<A><![CDATA[<b>&]]></A>").unwrap().text(), "<b>&");
    }

    #[test]
    fn document_types_and_their_entities_are_refused() {
        let laughs = "<!DOCTYPE A [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;\">]><A>&c;</A>";
        let outside = "<!DOCTYPE A [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><A>&x;</A>";
        for text in [laughs, outside, "<!DOCTYPE A><A/>", "<A>&x;</A>"] {
            assert_eq!(read(text).unwrap_err().code().as_str(), "MalformedXML", "{text}");
        }
    }

    #[test]
    fn a_null_is_refused_in_every_form() {
        for text in ["<A>\0</A>", "<A><![CDATA[\0]]></A>", "<A b=\"\0\"/>", "<A>&#0;</A>", "<A>&#x0;</A>"] {
            assert_eq!(read(text).unwrap_err().code().as_str(), "MalformedXML", "{text:?}");
        }
        assert_eq!(read("<A>&#1;\u{1}</A>").unwrap().text(), "\u{1}\u{1}", "keys may have other controls");
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "<A>".repeat(depth), "</A>".repeat(depth));
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        assert!(read(&nested(MAX_DEPTH + 1)).is_err());
        assert!(parse(nested(100_000).as_bytes(), "A", Limits { bytes: 1 << 20, elements: 1 << 20 }).is_err());
    }

    #[test]
    fn elements_and_bytes_are_bounded() {
        let with = |children: usize| format!("<A>{}</A>", "<B/>".repeat(children));
        assert!(read(&with(LIMITS.elements - 1)).is_ok());
        assert!(read(&with(LIMITS.elements)).is_err());
        let of = |bytes: usize| format!("<A>{}</A>", "x".repeat(bytes - 7));
        assert!(read(&of(LIMITS.bytes)).is_ok());
        assert_eq!(read(&of(LIMITS.bytes + 1)).unwrap_err().code().as_str(), "MaxMessageLengthExceeded");
    }

    #[test]
    fn what_is_not_one_well_formed_document_is_refused() {
        for text in [
            "",
            "x",
            "<A>",
            "</A>",
            "<A></B>",
            "<A/><A/>",
            "<A/>x",
            "<B/>",
            "<A>x<B/></A>",
            "<A><B></A></B>",
            "<A>&#x110000;</A>",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(parse(b"<A>\xff</A>", "A", LIMITS).is_err());
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[<>/A&;#x!\\[\\]\"' -]{0,60}|.{0,40}") {
            let _ = read(&text);
            let _ = read(&format!("<A>{text}</A>"));
        }

        #[test]
        fn what_is_written_is_read(text in ".{0,60}") {
            let mut xml = crate::s3::xml::writer::XmlWriter::without_namespace("A");
            xml.text("B", &text);
            let document = xml.finish();
            // NUL and the two non-characters have no reference that a reader may accept.
            if !text.contains(['\0', '\u{fffe}', '\u{ffff}']) {
                let root = read(&document).unwrap();
                prop_assert_eq!(root.optional("B").unwrap(), Some(text.as_str()));
            }
        }
    }
}
