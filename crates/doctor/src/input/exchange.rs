//! One request, with what came back.

use std::fmt;

use jiff::Timestamp;

use crate::error_document::ErrorDocument;
use crate::redact;

/// One request, and the answer to it as far as it is known.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request.
    pub request: Request,
    /// The answer.
    pub response: Response,
}

/// A request as it was, or would be, sent.
#[derive(Clone, Default)]
pub struct Request {
    /// The method, where it is known.
    pub method: Option<String>,
    /// The URL, as written.
    pub url: String,
    /// The headers; `None` where nothing is known of them, which is not the same as that there were none.
    pub headers: Option<Vec<(String, String)>>,
    /// The fields of a multipart form, in order.
    pub form: Vec<FormField>,
    /// When it was sent by the client's clock.
    pub sent_at: Option<Timestamp>,
    /// The character at which a shell ended the command before its text did: an `&` that nobody quoted.
    pub cut_by: Option<char>,
}

/// A field of a multipart form.
#[derive(Clone)]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// Its value; nothing for a file.
    pub value: String,
    /// The name of the file, where it is one.
    pub file_name: Option<String>,
}

/// The answer, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status.
    pub status: Option<u16>,
    /// The headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The error document.
    pub error: Option<ErrorDocument>,
}

impl Exchange {
    /// A URL alone.
    #[must_use]
    pub fn of_url(url: impl Into<String>) -> Self {
        Self { request: Request { url: url.into(), ..Request::default() }, response: Response::default() }
    }
}

impl Request {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_deref()?;
        headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Adds a header, in place of those with its name.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        let headers = self.headers.get_or_insert_default();
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        headers.push((name.to_owned(), value.into()));
    }

    /// The cookies of the request.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter().flatten().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        headers.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
    }
}

impl Response {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &redact::url(&self.url))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for FormField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormField").field("name", &self.name).finish_non_exhaustive()
    }
}
