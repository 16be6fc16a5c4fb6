//! The URLs of CloudFront: what may be signed, what came with a request, and the signed URL itself.

use std::fmt;

use jiff::Timestamp;

use super::parameter;

/// The longest URL that CloudFront takes, in bytes ("Quotas": maximum length of a URL).
pub const MAX_URL_BYTES: usize = 8192;

/// How the viewer reached the CDN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn default_port(self) -> &'static str {
        match self {
            Scheme::Http => ":80",
            Scheme::Https => ":443",
        }
    }
}

/// A URL in the sections that policies speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UrlParts<'a> {
    pub(super) scheme: Scheme,
    pub(super) host: &'a str,
    /// With its leading slash, as it travels.
    pub(super) path: &'a str,
    /// Without its question mark, as it travels. `Some("")` where the URL ends in one.
    pub(super) query: Option<&'a str>,
}

impl<'a> UrlParts<'a> {
    /// Splits a URL. `None` where it is not `http(s)://host/path[?query]`.
    pub(super) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = match url.split_once("://")? {
            ("http", rest) => (Scheme::Http, rest),
            ("https", rest) => (Scheme::Https, rest),
            _ => return None,
        };
        let (address, query) = match rest.split_once('?') {
            Some((address, query)) => (address, Some(query)),
            None => (rest, None),
        };
        let (host, path) = address.split_at(address.find('/')?);
        Some(Self { scheme, host, path, query })
    }
}

/// Why a URL cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("the URL is longer than CloudFront takes")]
    TooLong,
    /// Not `http://` or `https://` in lower case.
    #[error("the URL is not absolute: it starts with neither http:// nor https://")]
    NotAbsolute,
    /// No host, one with user information, or one in a spelling that no browser sends: upper case, a default port. What
    /// is signed has to be what the viewer sends.
    #[error("the host is not written as browsers send it: lower case, without user and without default port")]
    Host,
    /// No path, not even `/`. Browsers add it, and then the URL is not the signed one.
    #[error("the URL has no path; write at least /")]
    NoPath,
    /// A fragment never travels.
    #[error("the URL has a fragment")]
    Fragment,
    /// A blank, a character outside ASCII, or another that has to be percent-encoded in a URL.
    #[error("the URL has a character that must be percent-encoded")]
    NotEncoded,
    /// A `%` that two hexadecimal digits do not follow.
    #[error("the URL has a percent sign without two hexadecimal digits")]
    Escape,
    /// A parameter that belongs to CloudFront: `Expires`, `Policy`, `Signature`, `Key-Pair-Id`, `Hash-Algorithm`.
    #[error("the URL has a query parameter that belongs to CloudFront")]
    ReservedParameter,
}

/// A URL of one's content, which can be signed: absolute, encoded as it will travel, nothing of CloudFront's in it.
///
/// Nothing is normalised: what is signed is what was given, byte for byte, and must be what the viewer requests.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentUrl(String);

impl ContentUrl {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong);
        }
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        if !text.bytes().all(is_url_byte) {
            return Err(UrlError::NotEncoded);
        }
        let escape = |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
        if !text.split('%').skip(1).all(escape) {
            return Err(UrlError::Escape);
        }
        let absolute = text.strip_prefix("https://").or(text.strip_prefix("http://")).ok_or(UrlError::NotAbsolute)?;
        if absolute.is_empty() || absolute.starts_with(['/', '?']) {
            return Err(UrlError::Host);
        }
        let url = UrlParts::of(text).ok_or(UrlError::NoPath)?;
        if !is_host(url.host) || url.host.ends_with(url.scheme.default_port()) {
            return Err(UrlError::Host);
        }
        if url.query.is_some_and(|query| segments(query).any(|(name, _)| parameter::ALL.contains(&name))) {
            return Err(UrlError::ReservedParameter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parts(&self) -> UrlParts<'_> {
        UrlParts::of(&self.0).expect("only what splits becomes a URL")
    }
}

impl fmt::Display for ContentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentUrl({})", self.0)
    }
}

/// RFC 3986's characters, and brackets, which browsers leave alone in a query.
pub(super) fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// A name, an IPv4 address or a bracketed IPv6 address, with a port or without.
pub(super) fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_name = match address {
        Some(address) => address.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b':' | b'.')),
        None => name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-' | b'.' | b'_')),
    };
    is_name && !name.is_empty() && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// The segments of a raw query: the name, and the whole segment.
pub(super) fn segments(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|segment| (segment.split_once('=').map_or(segment, |(name, _)| name), segment))
}

/// A URL of which CloudFront lets its holder have the content. It redacts itself; [`expose`](Self::expose) is the way out.
#[derive(Clone)]
pub struct SignedUrl {
    pub(super) url: String,
    pub(super) expires_at: Timestamp,
}

impl SignedUrl {
    /// The URL itself, signature and all: for the one who may use it, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// As [`expose`](Self::expose), giving the text away.
    #[must_use]
    pub fn into_exposed(self) -> String {
        self.url
    }

    /// The moment from which the URL works no more.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

impl fmt::Display for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((address, query)) = self.url.split_once('?') else { return f.write_str(&self.url) };
        f.write_str(address)?;
        for (index, (name, segment)) in segments(query).enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            match name {
                parameter::POLICY | parameter::SIGNATURE => write!(f, "{name}=[redacted]")?,
                _ => f.write_str(segment)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedUrl").field("url", &format_args!("{self}")).field("expires_at", &self.expires_at).finish()
    }
}
