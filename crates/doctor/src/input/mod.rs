//! Reading what was pasted: a URL, a curl command, or a HAR file.
//!
//! Nothing is sent and no file is opened: a curl command that uploads `@photo.jpg` is read for what it says about the
//! request, not for the photo.

mod curl;
mod exchange;
mod har;
mod shell;

pub use exchange::{Exchange, FormField, Request, Response};

/// The longest input, in bytes. HAR files of a page with embedded bodies have some tens of megabytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// The longest URL, in bytes: twice what a server takes, so that one that is too long is still explained.
pub const MAX_URL_BYTES: usize = 64 * 1024;
/// The most signed requests that are taken from one HAR file.
pub const MAX_EXCHANGES: usize = 256;
/// The most headers, cookies and form fields that are read of one request, each.
pub const MAX_FIELDS: usize = 256;

/// Reads a URL, a curl command or a HAR file. Of a HAR file every request that looks signed, those that failed first;
/// otherwise it is one exchange.
pub fn read(text: &str) -> Result<Vec<Exchange>, InputError> {
    if text.len() > MAX_BYTES {
        return Err(InputError::TooLong);
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(InputError::Empty);
    }
    if text.starts_with('{') {
        return har::read(text);
    }
    let command = text.trim_start_matches(['$', '%', '>', ' ', '\t']);
    let is_curl = ["curl", "curl.exe"].iter().any(|name| {
        command
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(|next: char| next.is_whitespace() || next == '\\'))
    });
    if is_curl {
        return curl::read(command).map(|exchange| vec![exchange]);
    }
    let url = unwrapped(text);
    let is_url = url
        .get(..8)
        .or(url.get(..7))
        .is_some_and(|start| ["http://", "https://"].iter().any(|scheme| starts_with_ignoring_case(start, scheme)));
    if !is_url {
        return Err(InputError::Unknown);
    }
    if url.len() > MAX_URL_BYTES {
        return Err(InputError::UrlTooLong);
    }
    Ok(vec![Exchange::of_url(url)])
}

/// A URL as it stands in mails and source code: in quotes or angle brackets, with a comma behind.
fn unwrapped(text: &str) -> &str {
    let text = text.strip_suffix([',', ';']).unwrap_or(text);
    for (open, close) in [('"', '"'), ('\'', '\''), ('<', '>'), ('`', '`')] {
        if let Some(inside) = text.strip_prefix(open) {
            return inside.strip_suffix(close).unwrap_or(inside);
        }
    }
    text
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Why an input cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Nothing there.
    #[error("there is nothing to explain")]
    Empty,
    /// Longer than [`MAX_BYTES`].
    #[error("the input is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// A URL longer than [`MAX_URL_BYTES`].
    #[error("the URL is longer than {MAX_URL_BYTES} bytes")]
    UrlTooLong,
    /// Neither of the three.
    #[error("that is neither an http or https URL, nor a curl command, nor a HAR file")]
    Unknown,
    /// A quote that does not end.
    #[error("the command has a quote that does not end")]
    OpenQuote,
    /// A curl command without a URL.
    #[error("the curl command names no http or https URL")]
    NoUrl,
    /// JSON that is no HAR.
    #[error("the file is JSON and no HAR")]
    NotHar,
    /// A HAR without a signed request.
    #[error("no request of the HAR file is signed")]
    NothingSigned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_found_in_its_wrapping() {
        for text in
            ["http://h/k", " <http://h/k>\n", "\"http://h/k\",", "'http://h/k'", "\u{feff}http://h/k", "HTTP://h/k"]
        {
            let exchanges = read(text).expect(text);
            assert!(exchanges[0].request.url.ends_with("//h/k"), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for (text, error) in [
            ("", InputError::Empty),
            (" \n", InputError::Empty),
            ("ftp://h", InputError::Unknown),
            ("s3://bucket/key", InputError::Unknown),
            ("curly http://h", InputError::Unknown),
            ("curl 'http://h", InputError::OpenQuote),
            ("curl -v", InputError::NoUrl),
            ("{}", InputError::NotHar),
            ("{\"log\":{\"entries\":[]}}", InputError::NothingSigned),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(error), "{text}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let url = |length: usize| format!("http://h/{}", "k".repeat(length - 9));
        assert!(read(&url(MAX_URL_BYTES)).is_ok());
        assert_eq!(read(&url(MAX_URL_BYTES + 1)).map(|_| ()), Err(InputError::UrlTooLong));
        assert_eq!(read(&" ".repeat(MAX_BYTES)).map(|_| ()), Err(InputError::Empty));
        assert_eq!(read(&" ".repeat(MAX_BYTES + 1)).map(|_| ()), Err(InputError::TooLong));
    }
}
