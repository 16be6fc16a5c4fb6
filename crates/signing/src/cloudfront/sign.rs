//! Making signed URLs and signed cookies.

use super::cookie::{self, SignedCookies};
use super::key::{PrivateKey, SigningFailed};
use super::policy::Policy;
use super::url::{ContentUrl, MAX_URL_BYTES, SignedUrl};
use super::{HashAlgorithm, KeyPairId, base64, parameter};

/// Why nothing could be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The policy is for other URLs; CloudFront would refuse the result.
    #[error("the policy does not cover the URL")]
    NotCovered,
    /// With what is appended, the URL is longer than [`MAX_URL_BYTES`].
    #[error("the signed URL is longer than CloudFront takes")]
    UrlTooLong,
    /// For cookies a `Resource` has to start with `http://` or `https://`, unlike for URLs.
    #[error("for cookies the resource must start with http:// or https://")]
    CookieProtocol,
    /// AWS-LC could not sign.
    #[error(transparent)]
    SigningFailed(#[from] SigningFailed),
}

/// A private key with the name under which CloudFront knows its public half.
///
/// It signs over SHA-256 unless told otherwise. RSA signatures repeat, ECDSA signatures differ each time; both are good.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    key: &'a PrivateKey,
    key_pair_id: &'a KeyPairId,
    hash: HashAlgorithm,
}

impl<'a> Signer<'a> {
    /// Signs with `key` over SHA-256.
    pub fn new(key: &'a PrivateKey, key_pair_id: &'a KeyPairId) -> Self {
        Self { key, key_pair_id, hash: HashAlgorithm::default() }
    }

    /// Signs over another hash: [`HashAlgorithm::Sha1`] for verifiers from before April 2026.
    #[must_use]
    pub fn hash_algorithm(mut self, hash: HashAlgorithm) -> Self {
        self.hash = hash;
        self
    }

    /// Makes a signed URL. The parameters are appended after the URL's own, which keep their order:
    /// `Expires` or `Policy`, `Signature`, `Key-Pair-Id`, and `Hash-Algorithm` where it is not SHA-1.
    pub fn sign_url(&self, url: &ContentUrl, policy: &Policy) -> Result<SignedUrl, SignError> {
        if !covers(policy, url) {
            return Err(SignError::NotCovered);
        }
        let json = policy.to_json();
        let signature = self.key.sign(self.hash, json.as_bytes())?;
        let mut signed = String::with_capacity(url.as_str().len() + 512 + json.len() * 4 / 3);
        signed.push_str(url.as_str());
        signed.push(if url.as_str().contains('?') { '&' } else { '?' });
        match policy {
            Policy::Canned(policy) => {
                push(&mut signed, parameter::EXPIRES, &policy.expires().as_secs().to_string());
            }
            Policy::Custom(_) => {
                signed.push_str(parameter::POLICY);
                signed.push('=');
                base64::encode(json.as_bytes(), &mut signed);
            }
        }
        signed.push('&');
        signed.push_str(parameter::SIGNATURE);
        signed.push('=');
        base64::encode(&signature, &mut signed);
        signed.push('&');
        push(&mut signed, parameter::KEY_PAIR_ID, self.key_pair_id.as_str());
        if let Some(name) = self.hash.wire_name() {
            signed.push('&');
            push(&mut signed, parameter::HASH_ALGORITHM, name);
        }
        if signed.len() > MAX_URL_BYTES {
            return Err(SignError::UrlTooLong);
        }
        Ok(SignedUrl { url: signed, expires_at: policy.expires().timestamp() })
    }

    /// Makes signed cookies, which open whatever the policy covers to a browser that holds them.
    pub fn sign_cookies(&self, policy: &Policy) -> Result<SignedCookies, SignError> {
        if let Policy::Custom(custom) = policy
            && custom.resource().is_some_and(super::Resource::starts_with_wildcard)
        {
            return Err(SignError::CookieProtocol);
        }
        let json = policy.to_json();
        let encoded = |bytes: &[u8]| {
            let mut text = String::new();
            base64::encode(bytes, &mut text);
            text
        };
        let limit = match policy {
            Policy::Canned(policy) => (cookie::EXPIRES, policy.expires().as_secs().to_string()),
            Policy::Custom(_) => (cookie::POLICY, encoded(json.as_bytes())),
        };
        let signature = encoded(&self.key.sign(self.hash, json.as_bytes())?);
        let mut cookies =
            vec![limit, (cookie::SIGNATURE, signature), (cookie::KEY_PAIR_ID, self.key_pair_id.as_str().to_owned())];
        cookies.extend(self.hash.wire_name().map(|name| (cookie::HASH_ALGORITHM, name.to_owned())));
        Ok(SignedCookies { cookies, expires_at: policy.expires().timestamp() })
    }
}

fn covers(policy: &Policy, url: &ContentUrl) -> bool {
    match policy {
        Policy::Canned(policy) => policy.url() == url.as_str(),
        Policy::Custom(policy) => policy.resource().is_none_or(|resource| resource.matches(&url.parts())),
    }
}

fn push(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push('=');
    out.push_str(value);
}
