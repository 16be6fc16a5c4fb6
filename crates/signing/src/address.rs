//! Where a request goes: endpoint, addressing style, bucket and key become a host and an encoded path.
//!
//! Nothing is joined or normalised: the key `a/../b` is the path `/bucket/a/../b`, and stays it.

use std::fmt;

use crate::encode;

/// Scheme and authority of a store, as in `https://s3.eu-central-1.amazonaws.com` or `http://127.0.0.1:9000`.
///
/// Invariants: the host is not empty and lower case; the default port of the scheme is dropped, because clients do not
/// send it in `Host` and `Host` is signed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: Scheme,
    authority: String,
    host: Host,
}

/// Whether a bucket can stand before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Host {
    Name,
    IpAddress,
}

/// The two schemes that S3 speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Endpoint {
    /// Reads `scheme://host[:port]`, with at most a `/` after it: an endpoint with a path would sign another path than
    /// the store sees behind the proxy that strips it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            _ => return Err(AddressError::Scheme),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(authority)?;
        check_host(host)?;
        let mut authority = host.to_ascii_lowercase();
        if let Some(port) = port.filter(|port| *port != scheme.default_port()) {
            authority.push(':');
            authority.push_str(&port.to_string());
        }
        let host = if is_a_name(&authority) { Host::Name } else { Host::IpAddress };
        Ok(Self { scheme, authority, host })
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host and port, as a client sends them in `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority)
    }
}

/// Where the bucket's name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressingStyle {
    /// In the path: `http://127.0.0.1:9000/bucket/key`.
    Path,
    /// In the host: `https://bucket.s3.eu-central-1.amazonaws.com/key`.
    VirtualHost,
}

/// Host and encoded path of one request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    scheme: Scheme,
    /// The whole URL in one piece, so that an address costs one allocation: `scheme://host/path`. Whoever signs it may
    /// write behind it.
    url: String,
    path_at: usize,
    path_end: usize,
}

impl Address {
    /// The longest key: S3 counts its UTF-8 bytes.
    pub const MAX_KEY_BYTES: usize = 1024;
    /// What a response header and a version take in a URL.
    const ROOM: usize = 192;

    /// An object.
    pub fn object(endpoint: &Endpoint, style: AddressingStyle, bucket: &str, key: &str) -> Result<Self, AddressError> {
        if key.is_empty() {
            return Err(AddressError::KeyEmpty);
        }
        if key.len() > Self::MAX_KEY_BYTES {
            return Err(AddressError::KeyTooLong);
        }
        let mut address = Self::of_bucket(endpoint, style, bucket, 1 + key.len() + key.len() / 2)?;
        if style == AddressingStyle::Path {
            address.url.push('/');
        }
        encode::path(key, &mut address.url);
        address.path_end = address.url.len();
        Ok(address)
    }

    /// A bucket.
    pub fn bucket(endpoint: &Endpoint, style: AddressingStyle, bucket: &str) -> Result<Self, AddressError> {
        Self::of_bucket(endpoint, style, bucket, 0)
    }

    /// A bucket, with room for `more` bytes of path.
    fn of_bucket(endpoint: &Endpoint, style: AddressingStyle, bucket: &str, more: usize) -> Result<Self, AddressError> {
        let clean = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        // Old buckets of us-east-1 have up to 255 characters, upper case and underscores among them.
        if bucket.is_empty()
            || bucket.len() > 255
            || !bucket.bytes().all(clean)
            || bucket.bytes().all(|byte| byte == b'.')
        {
            return Err(AddressError::Bucket);
        }
        match style {
            AddressingStyle::Path => Ok(Self::of(endpoint, "", "", bucket, more)),
            AddressingStyle::VirtualHost => {
                let is_host_name = bucket.split('.').all(|label| {
                    !label.is_empty()
                        && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                });
                if !is_host_name || endpoint.host != Host::Name {
                    return Err(AddressError::VirtualHost);
                }
                Ok(Self::of(endpoint, bucket, ".", "", more))
            }
        }
    }

    /// The service itself, as ListBuckets and STS use it.
    #[must_use]
    pub fn service(endpoint: &Endpoint) -> Self {
        Self::of(endpoint, "", "", "", 0)
    }

    fn of(endpoint: &Endpoint, before_host: &str, dot: &str, bucket: &str, more: usize) -> Self {
        let authority = endpoint.authority.as_str();
        let scheme = endpoint.scheme.as_str();
        let length =
            Self::ROOM + scheme.len() + 4 + before_host.len() + dot.len() + authority.len() + bucket.len() + more;
        let mut url = String::with_capacity(length);
        for part in [scheme, "://", before_host, dot, authority] {
            url.push_str(part);
        }
        let path_at = url.len();
        url.push('/');
        url.push_str(bucket);
        let path_end = url.len();
        Self { scheme: endpoint.scheme, url, path_at, path_end }
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The `Host` header that the client will send, and that is signed.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.url[self.scheme.as_str().len() + "://".len()..self.path_at]
    }

    /// The percent-encoded path, as it is sent and as it is signed.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.url[self.path_at..self.path_end]
    }

    /// `scheme://host/path`, which is the URL before anything is added to it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url[..self.path_end]
    }

    /// The text to write behind, which has room for some parameters already.
    pub(crate) fn text_mut(&mut self) -> &mut String {
        &mut self.url
    }

    /// The same text, to read what was written.
    pub(crate) fn text(&self) -> &str {
        &self.url
    }
}

/// Why an endpoint or an address cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither `http://` nor `https://`.
    #[error("an endpoint starts with http:// or https://")]
    Scheme,
    /// The host is empty or has characters that no host has, or something follows it.
    #[error("an endpoint is scheme://host[:port], without user, path, query or fragment")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port of an endpoint is a number from 1 to 65535")]
    Port,
    /// The bucket has characters that no bucket has.
    #[error("a bucket name is 1 to 255 letters, digits, '.', '-' and '_'")]
    Bucket,
    /// A bucket that is no host name, or an endpoint that is an IP address.
    #[error("virtual-host addressing needs a bucket that is a host name and an endpoint that is not an IP address")]
    VirtualHost,
    /// A key has at least one byte.
    #[error("the object key is empty")]
    KeyEmpty,
    /// A key has at most [`Address::MAX_KEY_BYTES`] bytes.
    #[error("the object key is longer than {max} bytes", max = Address::MAX_KEY_BYTES)]
    KeyTooLong,
}

fn is_a_name(authority: &str) -> bool {
    let host = authority.split(':').next().unwrap_or_default();
    !host.starts_with('[')
        && host.rsplit('.').next().is_some_and(|label| label.bytes().any(|byte| !byte.is_ascii_digit()))
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), AddressError> {
    let port_at = match authority.rfind(']') {
        Some(end) if authority.starts_with('[') => match authority.as_bytes().get(end + 1) {
            None => None,
            Some(b':') => Some(end + 1),
            Some(_) => return Err(AddressError::Host),
        },
        _ => authority.rfind(':'),
    };
    let Some(colon) = port_at else { return Ok((authority, None)) };
    let digits = &authority[colon + 1..];
    let port = digits.parse().ok().filter(|port| *port != 0 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    Ok((&authority[..colon], Some(port.ok_or(AddressError::Port)?)))
}

fn check_host(host: &str) -> Result<(), AddressError> {
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let clean = match inside {
        Some(v6) => v6.parse::<core::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    };
    if clean { Ok(()) } else { Err(AddressError::Host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        Endpoint::parse(text).unwrap()
    }

    #[test]
    fn default_ports_are_dropped_and_others_kept() {
        assert_eq!(endpoint("http://Localhost:80/").to_string(), "http://localhost");
        assert_eq!(endpoint("HTTPS://h:443").to_string(), "https://h");
        assert_eq!(endpoint("https://h:80").authority(), "h:80");
        assert_eq!(endpoint("http://[::1]:9000").authority(), "[::1]:9000");
        assert_eq!(endpoint("http://[::1]").authority(), "[::1]");
    }

    #[test]
    fn an_endpoint_is_only_scheme_host_and_port() {
        for (text, error) in [
            ("h", AddressError::Scheme),
            ("ftp://h", AddressError::Scheme),
            ("http://", AddressError::Host),
            ("http:///", AddressError::Host),
            ("http://h/path", AddressError::Host),
            ("http://u@h", AddressError::Host),
            ("http://h?x", AddressError::Host),
            ("http://h#x", AddressError::Host),
            ("http://h\r\n", AddressError::Host),
            ("http://[::1", AddressError::Host),
            ("http://[zz]", AddressError::Host),
            ("http://[::1]x", AddressError::Host),
            ("http://h:", AddressError::Port),
            ("http://h:0", AddressError::Port),
            ("http://h:+80", AddressError::Port),
            ("http://h:65536", AddressError::Port),
        ] {
            assert_eq!(Endpoint::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn keys_are_never_normalised() {
        for (key, path) in [
            ("a/b", "/b-1/a/b"),
            ("/a", "/b-1//a"),
            ("a//b", "/b-1/a//b"),
            ("../x", "/b-1/../x"),
            (".", "/b-1/."),
            ("a b+%?#", "/b-1/a%20b%2B%25%3F%23"),
            ("e\u{301}", "/b-1/e%CC%81"),
            ("\u{e9}", "/b-1/%C3%A9"),
        ] {
            let address = Address::object(&endpoint("http://h:9000"), AddressingStyle::Path, "b-1", key).unwrap();
            assert_eq!((address.host(), address.path()), ("h:9000", path), "{key}");
        }
    }

    #[test]
    fn a_virtual_host_puts_the_bucket_before_the_host() {
        let address =
            Address::object(&endpoint("https://s3.test"), AddressingStyle::VirtualHost, "my.bucket", "/k").unwrap();
        assert_eq!((address.host(), address.path()), ("my.bucket.s3.test", "//k"));
        for (host, bucket) in [
            ("http://127.0.0.1:9000", "b"),
            ("http://[::1]", "b"),
            ("http://h", "B"),
            ("http://h", "a..b"),
            ("http://h", "a_b"),
        ] {
            let refused = Address::bucket(&endpoint(host), AddressingStyle::VirtualHost, bucket);
            assert_eq!(refused, Err(AddressError::VirtualHost), "{host} {bucket}");
        }
    }

    #[test]
    fn a_key_has_1_to_1024_bytes_and_a_bucket_no_slash() {
        let object = |bucket: &str, key: &str| {
            Address::object(&endpoint("http://h"), AddressingStyle::Path, bucket, key).map(|_| ())
        };
        assert_eq!(object("b", ""), Err(AddressError::KeyEmpty));
        assert_eq!(object("b", &"k".repeat(1024)), Ok(()));
        assert_eq!(object("b", &"k".repeat(1025)), Err(AddressError::KeyTooLong));
        assert_eq!(object("b", &"é".repeat(513)), Err(AddressError::KeyTooLong));
        for bucket in ["", "a/b", "a b", "é", "..", &"a".repeat(256)] {
            assert_eq!(object(bucket, "k"), Err(AddressError::Bucket), "{bucket}");
        }
    }
}
