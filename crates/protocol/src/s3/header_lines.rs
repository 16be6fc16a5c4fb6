//! A header may arrive in several lines; these are the two ways to read it.

use http::HeaderMap;
use http::header::AsHeaderName;

use super::error::S3Error;

/// A header that may stand once. A second line of it is refused, because which one counts would be a guess.
pub(super) fn single_header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, S3Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(S3Error::invalid_argument("The header appears more than once.", name, ""));
    }
    let text = std::str::from_utf8(value.as_bytes());
    let text =
        text.map_err(|_| S3Error::invalid_argument("Header value cannot be represented using UTF-8.", name, ""))?;
    Ok(Some(text.trim()))
}

/// A header that is a list: its lines are one value, joined with commas (RFC 9110 §5.3).
///
/// Bytes that are no UTF-8 become U+FFFD. A condition must not vanish for them: then the request would be served as if
/// it had none.
pub(super) fn list_header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}
