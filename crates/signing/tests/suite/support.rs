//! What the tests share: the example account of AWS's documentation, requests that can be changed, and both stages of
//! the verifier in one call.

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::request::RequestView;
use gatepass_signing::signed_url::SignedUrl;
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{
    self, Details, Expectations, Mismatch, Presented, Reason, Refusal, Service, Verified,
};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use gatepass_signing::time::Lifetime;
use jiff::Timestamp;

pub(crate) const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The moment of every example in AWS's documentation.
pub(crate) fn midnight() -> Timestamp {
    at("2013-05-24T00:00:00Z")
}

pub(crate) fn secret() -> SecretKey {
    SecretKey::new(SECRET_KEY).unwrap()
}

pub(crate) fn credentials() -> Credentials {
    Credentials::long_term(AccessKeyId::new(ACCESS_KEY_ID).unwrap(), secret())
}

pub(crate) fn region() -> Region {
    Region::new("us-east-1").unwrap()
}

pub(crate) fn expectations() -> Expectations {
    Expectations::new(region(), Service::S3)
}

/// A request that owns its parts, so that a test can change them.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Self { method: method.to_owned(), target: target.to_owned(), headers }
    }

    /// What a client sends that uses a signed URL.
    pub(crate) fn using(url: &SignedUrl) -> Self {
        let after_scheme = url.expose().split_once("://").unwrap().1;
        let (host, _) = after_scheme.split_once('/').unwrap();
        let mut request = Self::new(url.method(), &after_scheme[host.len()..], &[("Host", host)]);
        for (name, value) in url.headers() {
            request = request.with(name, value);
        }
        request
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Replaces a part of the target, which must be there.
    pub(crate) fn target(mut self, from: &str, to: &str) -> Self {
        assert!(self.target.contains(from), "{from} is not in {}", self.target);
        self.target = self.target.replacen(from, to, 1);
        self
    }

    /// Replaces a part of a header, which must be there.
    pub(crate) fn header(mut self, name: &str, from: &str, to: &str) -> Self {
        let (_, value) = self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap();
        let text = String::from_utf8(value.clone()).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        *value = text.replacen(from, to, 1).into_bytes();
        self
    }

    /// Parses the request, and hands what it presents to `then`: a claim lives no longer than its request.
    pub(crate) fn parse_for<T>(
        &self,
        expectations: &Expectations,
        now: Timestamp,
        then: impl FnOnce(Presented<'_>) -> T,
    ) -> Result<T, Refusal> {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let view = RequestView { method: &self.method, target: &self.target, headers: &headers };
        verify::parse(&view, expectations, now).map(then)
    }

    pub(crate) fn verify_with(&self, secret: &SecretKey, now: Timestamp) -> Result<Verified, Refusal> {
        self.verify_for(&expectations(), secret, now)
    }

    pub(crate) fn verify_for(
        &self,
        expectations: &Expectations,
        secret: &SecretKey,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        self.parse_for(expectations, now, |presented| match presented {
            Presented::Query(claim) | Presented::Header(claim) => claim.verify(&KeyCache::new(), secret),
            Presented::Anonymous => panic!("the request presents nothing"),
        })?
    }

    pub(crate) fn verify_at(&self, now: Timestamp) -> Result<Verified, Refusal> {
        self.verify_with(&secret(), now)
    }

    /// The reason of the refusal, at the moment of AWS's examples.
    pub(crate) fn reason(&self) -> Reason {
        self.refusal().reason()
    }

    pub(crate) fn refusal(&self) -> Refusal {
        self.verify_at(midnight()).expect_err("the request should have been refused")
    }

    /// The canonical request and the string to sign, as the verifier makes them.
    pub(crate) fn stages(&self) -> Result<Mismatch, Refusal> {
        let refusal =
            self.verify_with(&SecretKey::new("another").unwrap(), midnight()).expect_err("the secret is wrong");
        match refusal.details() {
            Details::Mismatch(mismatch) => Ok(mismatch.clone()),
            _ => Err(refusal),
        }
    }
}

pub(crate) fn address(key: &str) -> Address {
    let endpoint = Endpoint::parse("http://127.0.0.1:9000").unwrap();
    Address::object(&endpoint, AddressingStyle::Path, "bucket", key).unwrap()
}

pub(crate) fn signed(presign: &Presign<'_>) -> Request {
    Request::using(&presign.sign(&KeyCache::new(), midnight()).unwrap())
}

/// A signed URL for `bucket/key`, good for five minutes.
pub(crate) fn presigned(method: Method, key: &str) -> Request {
    let credentials = credentials();
    let lifetime = Lifetime::from_secs(300).unwrap();
    signed(&Presign::new(&credentials, region(), address(key), method).expires(lifetime))
}

/// A request signed in its header.
pub(crate) fn header_signed(method: &str, target: &str, headers: &[(&str, &str)], body: Body) -> Request {
    let parts = RequestParts { method, host: "127.0.0.1:9000", target, headers };
    let signed =
        header::sign(&parts, body, &credentials(), &region(), ServiceName::S3, &KeyCache::new(), midnight()).unwrap();
    let mut request = Request::new(method, target, headers).with("Host", "127.0.0.1:9000");
    for (name, value) in signed.iter() {
        request = request.with(name, value);
    }
    request
}
