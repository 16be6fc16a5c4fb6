//! The catalogue of S3's errors: code, status, message and the elements each one carries.
//!
//! Clients match on the code, people read the message, tools read the elements; so all three are AWS's, where they are
//! known. The order of the elements is AWS's too: they stand between `Message` and `RequestId`.

mod catalogue;
mod code;
mod mismatch;
mod post_policy;
mod refusal;

use std::borrow::Cow;
use std::fmt;

pub use catalogue::ResourceType;
pub use code::ErrorCode;

use crate::s3::xml::writer::XmlWriter;

/// An error answer of S3.
///
/// Made by one of its constructors (`S3Error::no_such_key`, …), which know the message and the elements of each code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Error {
    code: ErrorCode,
    message: Cow<'static, str>,
    elements: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

impl S3Error {
    /// An error with a message of its own. The constructors named after codes are to be preferred.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), elements: Vec::new(), headers: Vec::new() }
    }

    /// Adds an element after those already there.
    #[must_use]
    pub fn with(mut self, element: &'static str, value: impl Into<String>) -> Self {
        self.elements.push((element, value.into()));
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The elements between `Message` and `RequestId`, in order.
    pub fn elements(&self) -> &[(&'static str, String)] {
        &self.elements
    }

    /// One element's text.
    pub fn element(&self, name: &str) -> Option<&str> {
        self.elements.iter().find(|(element, _)| *element == name).map(|(_, value)| value.as_str())
    }

    /// Headers that belong to the answer, `Allow` for instance, beside `Content-Type: application/xml` and the two ids.
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The body. An answer to HEAD carries none of it.
    pub fn to_xml(&self, request_id: &str, host_id: &str) -> String {
        let mut xml = XmlWriter::without_namespace("Error");
        xml.text("Code", self.code.as_str());
        xml.text("Message", &self.message);
        for (element, value) in &self.elements {
            xml.text(element, value);
        }
        xml.text("RequestId", request_id);
        xml.text("HostId", host_id);
        xml.finish()
    }
}

impl fmt::Display for S3Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for S3Error {}
