//! The text of a policy, byte for byte as other signers write it.

use std::fmt::Write as _;

use super::SizeRange;
use crate::time::AmzDate;

/// Whose text a policy has. The meaning is the same; the signature covers the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PolicyText {
    /// As botocore (boto3, the AWS CLI) writes it: a space after each comma and colon, `\u` escapes for all but ASCII;
    /// the conditions in the order they were added, then bucket, key, and those of the signature.
    #[default]
    Botocore,
    /// As the AWS SDK for JavaScript writes it: compact; first the size and the open fields, then the fixed fields, bucket,
    /// those of the signature, and the key.
    JavaScript,
}

/// One condition on its way into a policy.
#[derive(Clone, Copy)]
pub(crate) enum Condition<'a> {
    Equals(&'a str, &'a str),
    StartsWith(&'a str, &'a str),
    Size(SizeRange),
}

/// A policy in the making.
pub(crate) struct Writer {
    style: PolicyText,
    text: String,
    conditions: usize,
}

impl Writer {
    pub(crate) fn new(style: PolicyText, expires_at: &AmzDate, capacity: usize) -> Self {
        let mut writer = Self { style, text: String::with_capacity(capacity), conditions: 0 };
        let date = expires_at.as_str();
        let (colon, comma) = writer.separators();
        for part in [
            "{\"expiration\"",
            colon,
            "\"",
            &date[..4],
            "-",
            &date[4..6],
            "-",
            &date[6..11],
            ":",
            &date[11..13],
            ":",
            &date[13..],
            "\"",
            comma,
            "\"conditions\"",
            colon,
            "[",
        ] {
            writer.text.push_str(part);
        }
        writer
    }

    pub(crate) fn push(&mut self, condition: Condition<'_>) {
        let (colon, comma) = self.separators();
        if self.conditions > 0 {
            self.text.push_str(comma);
        }
        self.conditions += 1;
        match condition {
            Condition::Equals(name, value) => {
                self.text.push('{');
                self.string("", name);
                self.text.push_str(colon);
                self.string("", value);
                self.text.push('}');
            }
            Condition::StartsWith(name, prefix) => {
                for part in ["[\"starts-with\"", comma] {
                    self.text.push_str(part);
                }
                self.string("$", name);
                self.text.push_str(comma);
                self.string("", prefix);
                self.text.push(']');
            }
            Condition::Size(range) => {
                write!(self.text, "[\"content-length-range\"{comma}{}{comma}{}]", range.min(), range.max())
                    .expect("a string takes everything");
            }
        }
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("]}");
        self.text
    }

    /// What stands after a name, and between two values.
    fn separators(&self) -> (&'static str, &'static str) {
        match self.style {
            PolicyText::Botocore => (": ", ", "),
            PolicyText::JavaScript => (":", ","),
        }
    }

    /// A JSON string of two parts, of which the first needs no escapes.
    fn string(&mut self, before: &str, value: &str) {
        self.text.push('"');
        self.text.push_str(before);
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if value.bytes().all(plain) {
            self.text.push_str(value);
        } else {
            for c in value.chars() {
                self.escaped(c);
            }
        }
        self.text.push('"');
    }

    fn escaped(&mut self, c: char) {
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            ' '..='~' => return self.text.push(c),
            '\u{7f}'.. if self.style == PolicyText::JavaScript => return self.text.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.text, "\\u{unit:04x}").expect("a string takes everything");
                }
                return;
            }
        };
        self.text.push_str(short);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(style: PolicyText) -> String {
        let mut writer = Writer::new(style, &AmzDate::parse("20260102T030405Z").unwrap(), 0);
        writer.push(Condition::Size(SizeRange::new(1, 20).unwrap()));
        writer.push(Condition::StartsWith("key", "é/"));
        writer.push(Condition::Equals("x-amz-meta-a", "\"\\\n\u{1}\u{7f}😀/$"));
        writer.finish()
    }

    #[test]
    fn a_policy_reads_as_botocore_writes_it() {
        let expected = concat!(
            r#"{"expiration": "2026-01-02T03:04:05Z", "conditions": [["content-length-range", 1, 20], "#,
            r#"["starts-with", "$key", "\u00e9/"], {"x-amz-meta-a": "\"\\\n\u0001\u007f\ud83d\ude00/$"}]}"#
        );
        assert_eq!(written(PolicyText::Botocore), expected);
    }

    #[test]
    fn a_policy_reads_as_javascript_writes_it() {
        let expected = concat!(
            r#"{"expiration":"2026-01-02T03:04:05Z","conditions":[["content-length-range",1,20],"#,
            r#"["starts-with","$key","é/"],{"x-amz-meta-a":"\"\\\n\u0001"#,
            "\u{7f}😀/$\"}]}"
        );
        assert_eq!(written(PolicyText::JavaScript), expected);
    }
}
