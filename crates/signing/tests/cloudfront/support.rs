//! What the tests share: keys, requests, and policies signed as they stand, which the library would not make.

use std::net::IpAddr;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use gatepass_signing::cloudfront::verify::{KeyGroup, Reason, Request, Verified, verify};
use gatepass_signing::cloudfront::{EpochTime, KeyPairId, PrivateKey, Scheme};
use jiff::Timestamp;

pub(crate) const EXPIRES: u64 = 1_790_000_000;

pub(crate) const RSA: &str = include_str!("../keys/rsa2048.pkcs8.pem");
pub(crate) const P256: &str = include_str!("../keys/p256.pkcs8.pem");

pub(crate) fn rsa() -> PrivateKey {
    PrivateKey::from_pem(RSA).unwrap()
}

pub(crate) fn p256() -> PrivateKey {
    PrivateKey::from_pem(P256).unwrap()
}

pub(crate) fn rsa_id() -> KeyPairId {
    KeyPairId::new("KRSA").unwrap()
}

pub(crate) fn p256_id() -> KeyPairId {
    KeyPairId::new("KP256").unwrap()
}

/// Both keys, under their ids.
pub(crate) fn keys() -> KeyGroup {
    KeyGroup::new().with(rsa_id(), rsa().public_key()).with(p256_id(), p256().public_key())
}

pub(crate) fn epoch(seconds: u64) -> EpochTime {
    EpochTime::from_secs(seconds).unwrap()
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// A minute before the policies of these tests end.
pub(crate) fn now() -> Timestamp {
    at(EXPIRES.cast_signed() - 60)
}

/// A request that can be changed.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) scheme: Scheme,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) cookies: Vec<String>,
    pub(crate) viewer: IpAddr,
}

impl Arrival {
    /// A request for a URL, from an address for documentation.
    pub(crate) fn of(url: &str) -> Self {
        let (scheme, rest) = match url.strip_prefix("https://") {
            Some(rest) => (Scheme::Https, rest),
            None => (Scheme::Http, url.strip_prefix("http://").unwrap()),
        };
        let (host, target) = rest.split_at(rest.find('/').unwrap());
        Self {
            scheme,
            host: host.to_owned(),
            target: target.to_owned(),
            cookies: Vec::new(),
            viewer: "192.0.2.7".parse().unwrap(),
        }
    }

    pub(crate) fn with_cookies(mut self, cookies: &str) -> Self {
        self.cookies.push(cookies.to_owned());
        self
    }

    pub(crate) fn seen_from(mut self, address: &str) -> Self {
        self.viewer = address.parse().unwrap();
        self
    }

    /// Lets a closure see the borrowed form.
    pub(crate) fn view<T>(&self, look: impl FnOnce(&Request<'_>) -> T) -> T {
        let cookies: Vec<&str> = self.cookies.iter().map(String::as_str).collect();
        let request = Request {
            scheme: self.scheme,
            host: &self.host,
            target: &self.target,
            cookies: &cookies,
            viewer: self.viewer,
        };
        look(&request)
    }

    pub(crate) fn verify_at(&self, now: Timestamp) -> Result<Verified, Reason> {
        self.view(|request| verify(request, &[&keys()], now)).map_err(|refusal| refusal.reason())
    }

    pub(crate) fn verify(&self) -> Result<Verified, Reason> {
        self.verify_at(now())
    }

    /// Why it is refused.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.verify().err()
    }
}

/// CloudFront's base64, written another way than the library does.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '~']).collect();
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| format!("{byte:08b}").into_bytes()).collect();
    let digit = |group: &[u8]| {
        let text = format!("{:0<6}", std::str::from_utf8(group).unwrap());
        alphabet[usize::from_str_radix(&text, 2).unwrap()]
    };
    let mut text: String = bits.chunks(6).map(digit).collect();
    while !text.len().is_multiple_of(4) {
        text.push('_');
    }
    text
}

/// Signs any text over SHA-256, with the key that [`p256_id`] names.
pub(crate) fn signature_of(text: &[u8]) -> Vec<u8> {
    let der = pem::parse(P256).unwrap().into_contents();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der).unwrap();
    pair.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec()
}

/// Parameters for a policy as it stands, good or bad.
pub(crate) fn parameters(policy: &str) -> String {
    let (policy, signature) = (base64(policy.as_bytes()), base64(&signature_of(policy.as_bytes())));
    format!("Policy={policy}&Signature={signature}&Key-Pair-Id=KP256&Hash-Algorithm=SHA256")
}

/// Cookies for a policy as it stands, good or bad.
pub(crate) fn cookies(policy: &str) -> String {
    let (policy, signature) = (base64(policy.as_bytes()), base64(&signature_of(policy.as_bytes())));
    format!(
        "CloudFront-Policy={policy}; CloudFront-Signature={signature}; CloudFront-Key-Pair-Id=KP256; \
         CloudFront-Hash-Algorithm=SHA256"
    )
}

/// `url` with the parameters for a policy as it stands.
pub(crate) fn signed(url: &str, policy: &str) -> Arrival {
    let separator = if url.contains('?') { '&' } else { '?' };
    Arrival::of(&format!("{url}{separator}{}", parameters(policy)))
}

/// A policy for a resource, written by hand.
pub(crate) fn policy_for(resource: &str) -> String {
    let resource = resource.replace('\\', "\\\\");
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{EXPIRES}}}}}}}]}}"#
    )
}
