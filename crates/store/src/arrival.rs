//! A request as it arrived: is it well-formed, for us, and what kind of request is it? Decided before
//! anything else, from the head alone.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::Target;
use gatepass_protocol::s3::post_form::Boundary;
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::Region;
use http::header::{CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Version};

use crate::peer::Peer;
use crate::routes::{Addressed, Routes};

/// The head of a request that may go on.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) method: Method,
    /// The raw request target, path and query, as it stood in the request line.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// The bucket that the host names, in virtual-host style.
    pub(crate) host_bucket: Option<BucketName>,
    /// The region whose endpoint the host is.
    pub(crate) region: Region,
    pub(crate) kind: Kind,
    pub(crate) framing: Framing,
    /// Who sent it, as the socket says.
    pub(crate) peer: Peer,
}

/// What a request is before its operation is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request to S3, signed or anonymous.
    S3,
    /// A browser asking for permission; it never carries a signature.
    Preflight,
    /// `POST /`: a query of STS.
    Sts,
    /// A form that a browser posts to a bucket; its signature is a field.
    PostForm,
}

/// How the end of the body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
}

impl Arrival {
    pub(crate) fn read(mut parts: Parts, routes: &Routes, peer: Peer) -> Result<Self, S3Error> {
        let host = single_host(&parts)?;
        let target = raw_target(&parts, &host)?;
        let framing = framing(&parts)?;
        let Addressed { region, bucket: host_bucket } = routes.addressed(&host, peer)?;
        let path = target.split('?').next().unwrap_or_default();
        let kind = match parts.method {
            Method::OPTIONS => Kind::Preflight,
            Method::POST if path == "/" && host_bucket.is_none() => Kind::Sts,
            Method::POST if is_form(&target, host_bucket.as_ref(), &parts.headers) => Kind::PostForm,
            _ => Kind::S3,
        };
        if !parts.headers.contains_key(HOST) {
            // What HTTP/2 says in `:authority` is signed as `host`.
            parts.headers.insert(HOST, host.parse().map_err(|_| malformed_host())?);
        }
        Ok(Self { method: parts.method, target, headers: parts.headers, host_bucket, region, kind, framing, peer })
    }

    /// Lends what the verifier sees.
    pub(crate) fn view<T>(&self, read: impl FnOnce(&RequestView<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        read(&RequestView { method: self.method.as_str(), target: &self.target, headers: &headers })
    }

    pub(crate) fn raw_path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A header that decides something here; text that is no text counts as absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The host that was asked, and its port where one was named.
    pub(crate) fn host(&self) -> &str {
        self.header("host").unwrap_or_default()
    }

    /// Scheme and host, as the client wrote them.
    pub(crate) fn origin(&self) -> String {
        let scheme = self.peer.scheme();
        format!("{scheme}://{}", self.host())
    }

    pub(crate) fn is_cross_origin(&self) -> bool {
        self.headers.contains_key(ORIGIN)
    }
}

/// A POST to a bucket without a sub-resource. One with a query is a form where it says so itself, and refused as one.
fn is_form(target: &str, host_bucket: Option<&BucketName>, headers: &HeaderMap) -> bool {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let says_so = || Boundary::is_announced(headers);
    (query.is_empty() || says_so()) && matches!(Target::from_path(host_bucket.cloned(), path), Ok(Target::Bucket(_)))
}

/// The one host that is named. HTTP/2 names it in `:authority`, where a `Host` beside it must say the same
/// ([`raw_target`] compares them; RFC 9113 §8.3.1).
fn single_host(parts: &Parts) -> Result<String, S3Error> {
    let mut values = parts.headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (Some(host), None) => {
            let host = host.to_str().ok().filter(|host| !host.is_empty());
            host.map(str::to_owned).ok_or_else(malformed_host)
        }
        (None, _) if parts.version == Version::HTTP_2 => {
            let authority = parts.uri.authority().filter(|authority| !authority.as_str().is_empty());
            authority.map(|authority| authority.as_str().to_owned()).ok_or_else(one_host)
        }
        _ => Err(one_host()),
    }
}

fn one_host() -> S3Error {
    S3Error::invalid_request("The request must carry exactly one Host header.")
}

pub(crate) fn malformed_host() -> S3Error {
    S3Error::invalid_request("The Host header is malformed.")
}

/// The target in origin form. An absolute form is accepted for the host it was sent to alone, so
/// that the host that was signed is the host that was asked (RFC 9112 §3.2.2).
fn raw_target(parts: &Parts, host: &str) -> Result<String, S3Error> {
    if let Some(authority) = parts.uri.authority()
        && !authority.as_str().eq_ignore_ascii_case(host)
    {
        return Err(S3Error::invalid_request("The request target and the Host header name different hosts."));
    }
    match parts.uri.path_and_query() {
        Some(target) if target.as_str().starts_with('/') => Ok(target.as_str().to_owned()),
        Some(target) if target.as_str().starts_with('?') => Ok(format!("/{target}")),
        _ => Err(S3Error::invalid_request("The request target is not a path.")),
    }
}

fn framing(parts: &Parts) -> Result<Framing, S3Error> {
    let mut encodings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => {}
        (Some(one), None)
            if one.as_bytes().eq_ignore_ascii_case(b"chunked")
                && parts.version == Version::HTTP_11
                && !parts.headers.contains_key(CONTENT_LENGTH) =>
        {
            return Ok(Framing::Chunked);
        }
        _ => return Err(S3Error::invalid_request("The framing of the request body is ambiguous.")),
    }
    match parts.headers.get(CONTENT_LENGTH) {
        None => Ok(Framing::None),
        Some(length) => {
            let length = length.to_str().ok().and_then(number);
            length.map(Framing::Length).ok_or_else(|| S3Error::invalid_request("The Content-Length is malformed."))
        }
    }
}

/// A number of bytes: digits, nothing else.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use gatepass_protocol::s3::error::ErrorCode;

    use super::*;
    use crate::config::Hosts;

    fn routes() -> Routes {
        let hosts = Hosts {
            path_style: vec!["127.0.0.1".into(), "[::1]".into()],
            virtual_host_bases: vec!["localhost".into()],
        };
        Routes::new(Region::new("us-east-1").unwrap(), hosts, Vec::new())
    }

    fn arrive(request: http::request::Builder) -> Result<Arrival, S3Error> {
        Arrival::read(request.body(()).unwrap().into_parts().0, &routes(), Peer::local())
    }

    fn to(host: &str) -> Result<Arrival, S3Error> {
        arrive(http::Request::get("/a").header("host", host))
    }

    #[test]
    fn the_host_decides_between_path_and_virtual_host_style() {
        assert_eq!(to("127.0.0.1:9000").unwrap().host_bucket, None);
        assert_eq!(to("[::1]:9000").unwrap().host_bucket, None);
        let bucket = to("Photos.LOCALHOST:9000").unwrap().host_bucket;
        assert_eq!(bucket.unwrap().as_str(), "photos");
    }

    #[test]
    fn a_host_that_is_not_ours_is_told_which_ones_are() {
        for host in ["evil.example", "localhost:9000", "127.0.0.1.evil.example", "user@127.0.0.1", ""] {
            assert_eq!(to(host).unwrap_err().code(), ErrorCode::InvalidRequest, "{host}");
        }
        let message = to("localhost:9000").unwrap_err().message().to_owned();
        assert!(message.contains("http://127.0.0.1:9000"), "{message}");
    }

    #[test]
    fn a_port_is_a_number_or_nothing() {
        for host in ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65535", "[::1]:80"] {
            assert!(to(host).is_ok(), "{host}");
        }
        for port in ["19555,evil", "65536", "99999", "+80", "-1", "80 ", "80:80", "x", "80@x"] {
            assert!(to(&format!("127.0.0.1:{port}")).is_err(), "{port}");
            assert!(to(&format!("bucket.localhost:{port}")).is_err(), "{port}");
        }
    }

    #[test]
    fn a_missing_and_a_second_host_are_refused() {
        assert!(arrive(http::Request::get("/")).is_err());
        assert!(arrive(http::Request::get("/").header("host", "127.0.0.1").header("host", "127.0.0.1")).is_err());
    }

    #[test]
    fn an_absolute_target_must_name_the_host_it_was_sent_to() {
        let to = |target: &str| arrive(http::Request::get(target).header("host", "127.0.0.1:9000"));
        assert_eq!(to("http://127.0.0.1:9000/b//k?x=1").unwrap().target, "/b//k?x=1");
        assert_eq!(to("http://127.0.0.1:9000").unwrap().target, "/");
        assert!(to("http://photos.localhost:9000/k").is_err());
    }

    #[test]
    fn http_2_names_its_host_in_the_target_and_signs_it_as_host() {
        let ask = |request: http::request::Builder| arrive(request.version(Version::HTTP_2));
        let arrival = ask(http::Request::get("https://photos.localhost:9000/k?x")).unwrap();
        assert_eq!((arrival.target.as_str(), arrival.header("host")), ("/k?x", Some("photos.localhost:9000")));
        assert_eq!(arrival.host_bucket.unwrap().as_str(), "photos");
        assert!(ask(http::Request::get("https://127.0.0.1/k").header("host", "127.0.0.1")).is_ok());
        assert!(ask(http::Request::get("https://127.0.0.1/k").header("host", "photos.localhost")).is_err());
        assert!(ask(http::Request::get("/k")).is_err());
        assert!(arrive(http::Request::get("https://127.0.0.1/k")).is_err(), "HTTP/1.1 has no such thing");
    }

    #[test]
    fn the_raw_target_survives() {
        for target in ["/b//k", "/b/a/../c", "/b/%2e%2e%2f", "/b/%c3%A9+~", "/b/./k?x&y=%2F&&=", "/b/k?a?b"] {
            let arrival = arrive(http::Request::get(target).header("host", "127.0.0.1")).unwrap();
            assert_eq!(arrival.target, target);
        }
    }

    #[test]
    fn only_one_way_to_find_the_end_of_the_body_is_accepted() {
        let with = |headers: &[(&str, &str)]| {
            let request = http::Request::put("/b/k").header("host", "127.0.0.1");
            arrive(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
        };
        assert_eq!(with(&[("transfer-encoding", "chunked")]).unwrap().framing, Framing::Chunked);
        assert_eq!(with(&[("content-length", "3")]).unwrap().framing, Framing::Length(3));
        assert!(with(&[("transfer-encoding", "chunked"), ("content-length", "3")]).is_err());
        assert!(with(&[("transfer-encoding", "identity, chunked")]).is_err());
        assert!(with(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]).is_err());
        assert!(with(&[("content-length", "+3")]).is_err());
    }
}
