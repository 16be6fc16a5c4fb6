//! Writes XML documents of known shape into a string.

/// The namespace of every S3 document except errors.
pub const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A document being written. Elements are closed by the closure that opened them, so the result is well-formed.
#[derive(Debug)]
pub struct XmlWriter {
    text: String,
    root: &'static str,
}

impl XmlWriter {
    /// Begins a document whose root lies in S3's namespace.
    pub fn new(root: &'static str) -> Self {
        Self::with_namespace(root, NAMESPACE)
    }

    /// Begins a document whose root lies in `namespace`.
    pub fn with_namespace(root: &'static str, namespace: &str) -> Self {
        let mut writer = Self::begin(root);
        writer.text.push_str(" xmlns=\"");
        escape_into(&mut writer.text, namespace);
        writer.text.push_str("\">");
        writer
    }

    /// Begins a document whose root lies in no namespace.
    pub fn without_namespace(root: &'static str) -> Self {
        let mut writer = Self::begin(root);
        writer.text.push('>');
        writer
    }

    fn begin(root: &'static str) -> Self {
        let mut text = String::with_capacity(256);
        text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        text.push_str(root);
        Self { text, root }
    }

    /// Writes `<name>value</name>`.
    pub fn text(&mut self, name: &str, value: &str) {
        self.open(name);
        escape_into(&mut self.text, value);
        self.close(name);
    }

    /// Writes `<name>value</name>` where there is a value.
    pub fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Writes `<name>number</name>`.
    pub fn number(&mut self, name: &str, value: u64) {
        self.text(name, &value.to_string());
    }

    /// Writes `<name>true</name>` or `<name>false</name>`.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.text(name, if value { "true" } else { "false" });
    }

    /// Writes `<name>…</name>` around what `content` writes.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name);
        content(self);
        self.close(name);
    }

    /// Writes `<name xsi:type="of_type">…</name>` around what `content` writes.
    pub fn typed_element(&mut self, name: &str, of_type: &str, content: impl FnOnce(&mut Self)) {
        const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
        for piece in ["<", name, " xmlns:xsi=\"", INSTANCE, "\" xsi:type=\"", of_type, "\">"] {
            self.text.push_str(piece);
        }
        content(self);
        self.close(name);
    }

    /// Writes text directly into the root or the open element.
    pub fn content(&mut self, value: &str) {
        escape_into(&mut self.text, value);
    }

    /// Closes the root and hands out the document.
    pub fn finish(mut self) -> String {
        self.close(self.root);
        self.text
    }

    fn open(&mut self, name: &str) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push('>');
    }

    fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
    }
}

/// Escapes for content and attribute values alike. A control character becomes a character reference: XML 1.0 §2.2
/// has no way to write most of them, S3 writes the reference nevertheless, and offers `encoding-type=url` to those who
/// cannot read it. U+FFFE and U+FFFF are treated alike.
fn escape_into(out: &mut String, value: &str) {
    use std::fmt::Write as _;
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => {
                write!(out, "&#x{:X};", u32::from(character)).expect("writing to a String cannot fail");
            }
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_text_is_escaped() {
        let mut xml = XmlWriter::new("A");
        xml.element("B", |xml| {
            xml.text("C", "a<b>&\"c\"");
            xml.number("D", 7);
            xml.boolean("E", true);
            xml.optional("F", None);
        });
        assert_eq!(
            xml.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <B><C>a&lt;b&gt;&amp;&quot;c&quot;</C><D>7</D><E>true</E></B></A>"
        );
    }
}
