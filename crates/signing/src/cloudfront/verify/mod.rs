//! Checking signed URLs and cookies as CloudFront does, on the request as it arrived.
//!
//! The keys are public, so one call does it: [`verify`]. In two steps, [`parse`] says what a request claims, and
//! [`Claim::verify`] whether it is true.
//!
//! Form is checked first, then the key, the signature, the URL, the times and the viewer's address. Conditions of a policy
//! that nobody signed are never looked at.

mod refusal;

use core::net::IpAddr;
use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;

pub use self::refusal::{Mechanism, Reason, Refusal};
use super::document::{MAX_POLICY_BYTES, read_policy};
use super::policy::{CannedPolicy, EpochTime, Policy, canned_json};
use super::url::{MAX_URL_BYTES, Scheme, UrlParts, is_host, segments};
use super::{HashAlgorithm, KeyPairId, PublicKey, Resource, base64, cookie, parameter};

/// The most bytes in all `Cookie` headers of a request: CloudFront takes no request head beyond that ("Quotas").
pub const MAX_COOKIE_BYTES: usize = 20_480;
/// The longest signature, in bytes; RSA's have 256.
const MAX_SIGNATURE_BYTES: usize = 256;

/// A request as it arrived at the edge.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// How the viewer came.
    pub scheme: Scheme,
    /// The host that the viewer asked for, in lower case, with its port if it is not the scheme's own.
    pub host: &'a str,
    /// The raw request target, `/path?query`, nothing decoded and nothing normalised.
    pub target: &'a str,
    /// The values of the `Cookie` headers.
    pub cookies: &'a [&'a str],
    /// The address at the other end of the connection. Never one from a header that the viewer could have written.
    pub viewer: IpAddr,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query and the cookies carry policies and signatures.
        let path = self.target.split('?').next().unwrap_or_default();
        f.debug_struct("Request")
            .field("scheme", &self.scheme)
            .field("host", &self.host)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

/// Public keys by their ids. A behaviour trusts the keys of one or several groups, and any of them suffices, so that keys
/// can be changed while URLs are out.
#[derive(Clone, Debug, Default)]
pub struct KeyGroup {
    keys: HashMap<KeyPairId, PublicKey>,
}

impl KeyGroup {
    /// A group without keys, which lets nobody in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, or replaces that of the same id.
    #[must_use]
    pub fn with(mut self, id: KeyPairId, key: PublicKey) -> Self {
        self.keys.insert(id, key);
        self
    }
}

/// What a request presents.
#[derive(Clone, Debug)]
pub enum Presented {
    /// Nothing of CloudFront's.
    Unsigned,
    /// A signed URL. Any of `Expires`, `Policy`, `Signature` and `Key-Pair-Id` makes one; cookies are then not looked at.
    Url(Claim),
    /// Signed cookies.
    Cookies(Claim),
}

/// Lets a viewer in, or says why not. `groups` are those that the behaviour trusts.
///
/// The times of a policy are compared with `now` in full resolution: allowed is what lies after `DateGreaterThan` and
/// before `DateLessThan`, neither of the two moments included. They are looked at when a request starts; a download may
/// run on.
pub fn verify(request: &Request<'_>, groups: &[&KeyGroup], now: Timestamp) -> Result<Verified, Refusal> {
    match parse(request)? {
        Presented::Unsigned => Err(Refusal::new(Reason::KeyPairIdMissing, None)),
        Presented::Url(claim) | Presented::Cookies(claim) => claim.verify(groups, now),
    }
}

/// Reads what a request claims, and checks its form.
pub fn parse(request: &Request<'_>) -> Result<Presented, Refusal> {
    let url_bytes = request.scheme.as_str().len() + "://".len() + request.host.len() + request.target.len();
    if url_bytes > MAX_URL_BYTES {
        return Err(Refusal::new(Reason::UrlTooLong, None));
    }
    if !is_host(request.host) || !request.target.starts_with('/') || !request.target.bytes().all(is_target_byte) {
        return Err(Refusal::new(Reason::UrlMalformed, None));
    }
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    if segments(query).any(|(name, _)| parameter::MARKS.contains(&name)) {
        return Claim::new(request, Mechanism::Url, &Stated::in_query(query)?).map(Presented::Url);
    }
    if request.cookies.iter().map(|header| header.len()).sum::<usize>() > MAX_COOKIE_BYTES {
        return Err(Refusal::new(Reason::CookiesTooLong, None));
    }
    let stated = Stated::in_cookies(request.cookies);
    if stated.is_nothing() {
        return Ok(Presented::Unsigned);
    }
    Claim::new(request, Mechanism::Cookies, &stated).map(Presented::Cookies)
}

/// What may stand in a request target: anything visible but what would have another meaning inside of a policy's JSON, and
/// what never travels.
fn is_target_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'#')
}

/// What the five parameters or cookies say, unread.
#[derive(Default)]
struct Stated<'a> {
    expires: Option<&'a str>,
    policy: Option<&'a str>,
    signature: Option<&'a str>,
    key_pair_id: Option<&'a str>,
    hash_algorithm: Option<&'a str>,
}

impl<'a> Stated<'a> {
    fn in_query(query: &'a str) -> Result<Self, Refusal> {
        let mut stated = Self::default();
        for (name, segment) in segments(query) {
            let place = match name {
                parameter::EXPIRES => &mut stated.expires,
                parameter::POLICY => &mut stated.policy,
                parameter::SIGNATURE => &mut stated.signature,
                parameter::KEY_PAIR_ID => &mut stated.key_pair_id,
                parameter::HASH_ALGORITHM => &mut stated.hash_algorithm,
                _ => continue,
            };
            if place.is_some() {
                return Err(Refusal::new(Reason::ParameterRepeated, Mechanism::Url));
            }
            *place = Some(segment.get(name.len() + 1..).unwrap_or_default());
        }
        Ok(stated)
    }

    fn in_cookies(headers: &[&'a str]) -> Self {
        Self {
            expires: cookie::value(headers, cookie::EXPIRES),
            policy: cookie::value(headers, cookie::POLICY),
            signature: cookie::value(headers, cookie::SIGNATURE),
            key_pair_id: cookie::value(headers, cookie::KEY_PAIR_ID),
            hash_algorithm: cookie::value(headers, cookie::HASH_ALGORITHM),
        }
    }

    fn is_nothing(&self) -> bool {
        self.expires.or(self.policy).or(self.signature).or(self.key_pair_id).is_none()
    }
}

/// A request that claims to be let in by a key, in good form. Not yet a proof.
#[derive(Clone)]
pub struct Claim {
    mechanism: Mechanism,
    key_pair_id: String,
    hash: HashAlgorithm,
    policy: Policy,
    /// What has to be signed.
    message: Vec<u8>,
    signature: Vec<u8>,
    /// As requested, without CloudFront's parameters.
    url: String,
    /// Where the target begins in it.
    target: usize,
    viewer: IpAddr,
}

impl Claim {
    fn new(request: &Request<'_>, mechanism: Mechanism, stated: &Stated<'_>) -> Result<Self, Refusal> {
        let refused = |reason| Refusal::new(reason, mechanism);
        let key_pair_id = stated.key_pair_id.filter(|id| !id.is_empty()).ok_or(refused(Reason::KeyPairIdMissing))?;
        let hash = HashAlgorithm::from_wire(stated.hash_algorithm).ok_or(refused(Reason::HashAlgorithmUnknown))?;
        let (url, target) = content_url(request, mechanism);
        let (policy, message) = match (stated.expires, stated.policy) {
            (None, None) => return Err(refused(Reason::PolicyMissing)),
            (Some(_), Some(_)) => return Err(refused(Reason::PolicyAmbiguous)),
            (Some(expires), None) => {
                let expires = read_expires(expires).ok_or(refused(Reason::ExpiresMalformed))?;
                let message = canned_json(&url, expires).into_bytes();
                (Policy::Canned(CannedPolicy::rebuilt(url.clone(), expires)), message)
            }
            (None, Some(policy)) => {
                let json = decode(policy, MAX_POLICY_BYTES).ok_or(refused(Reason::PolicyMalformed))?;
                let policy = read_policy(&json).ok_or(refused(Reason::PolicyMalformed))?;
                (Policy::Custom(policy), json)
            }
        };
        let signature = stated.signature.ok_or(refused(Reason::SignatureMissing))?;
        let signature = decode(signature, MAX_SIGNATURE_BYTES).ok_or(refused(Reason::SignatureMalformed))?;
        Ok(Self {
            mechanism,
            key_pair_id: key_pair_id.to_owned(),
            hash,
            policy,
            message,
            signature,
            url,
            target,
            viewer: request.viewer,
        })
    }

    /// Where the signature stands.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The key that is said to have signed. Not necessarily an id of the form that CloudFront gives.
    pub fn key_pair_id(&self) -> &str {
        &self.key_pair_id
    }

    /// The hash that the signature is said to be over.
    pub fn hash_algorithm(&self) -> HashAlgorithm {
        self.hash
    }

    /// What the request claims to be allowed.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The bytes that the signature has to be over: the policy that travelled, or the one rebuilt from the URL. For the
    /// one whose request it is, never for a log.
    pub fn expose_signed_text(&self) -> &[u8] {
        &self.message
    }

    /// The URL that was requested, without CloudFront's parameters.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Checks the signature with a key of these groups, and then what the policy asks of URL, time and viewer.
    pub fn verify(self, groups: &[&KeyGroup], now: Timestamp) -> Result<Verified, Refusal> {
        let refused = |reason| Err(Refusal::new(reason, self.mechanism));
        let known = groups.iter().find_map(|group| group.keys.get_key_value(self.key_pair_id.as_str()));
        let Some((key_pair_id, key)) = known else { return refused(Reason::KeyUnknown) };
        if !key.verifies(self.hash, &self.message, &self.signature) {
            return refused(Reason::SignatureMismatch);
        }
        if let Some(reason) = self.broken_condition(now) {
            return refused(reason);
        }
        let key_pair_id = key_pair_id.clone();
        Ok(Verified {
            mechanism: self.mechanism,
            key_pair_id,
            hash: self.hash,
            policy: self.policy,
            url: self.url,
            target: self.target,
        })
    }

    /// The first condition of the policy that does not hold.
    fn broken_condition(&self, now: Timestamp) -> Option<Reason> {
        if let Policy::Custom(policy) = &self.policy {
            let url = UrlParts::of(&self.url).expect("it was put together from scheme, host and path");
            if let Some(resource) = policy.resource() {
                let allowed_here = self.mechanism == Mechanism::Url || !resource.starts_with_wildcard();
                if !allowed_here || !resource.matches(&url) {
                    return Some(Reason::ResourceMismatch);
                }
            }
            if policy.resource().is_none_or(Resource::has_wildcard_in_path) && has_dot_segment(url.path) {
                return Some(Reason::DotSegments);
            }
            if policy.starts_after().is_some_and(|start| now <= start.timestamp()) {
                return Some(Reason::NotYetValid);
            }
        }
        if now >= self.policy.expires().timestamp() {
            return Some(Reason::Expired);
        }
        if let Policy::Custom(policy) = &self.policy {
            let covered = policy.viewers().is_none_or(|range| match self.viewer.to_canonical() {
                IpAddr::V4(address) => range.contains(address),
                IpAddr::V6(_) => range.is_everyone(),
            });
            if !covered {
                return Some(Reason::AddressMismatch);
            }
        }
        None
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("mechanism", &self.mechanism)
            .field("key_pair_id", &self.key_pair_id)
            .field("hash", &self.hash)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// The proof that a policy, signed by a trusted key, lets this viewer have this URL now.
///
/// Only [`Claim::verify`] makes one:
///
/// ```compile_fail
/// # fn forge(policy: gatepass_signing::cloudfront::Policy) -> gatepass_signing::cloudfront::verify::Verified {
/// gatepass_signing::cloudfront::verify::Verified { policy, ..todo!() }
/// # }
/// ```
#[derive(Clone)]
pub struct Verified {
    mechanism: Mechanism,
    key_pair_id: KeyPairId,
    hash: HashAlgorithm,
    policy: Policy,
    url: String,
    target: usize,
}

impl Verified {
    /// Where the signature stood.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The key that signed.
    pub fn key_pair_id(&self) -> &KeyPairId {
        &self.key_pair_id
    }

    /// The hash that it signed over.
    pub fn hash_algorithm(&self) -> HashAlgorithm {
        self.hash
    }

    /// The policy that was signed.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The moment from which the policy allows nothing any more.
    pub fn expires(&self) -> EpochTime {
        self.policy.expires()
    }

    /// The URL that is allowed: as requested, without CloudFront's parameters.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The target for the origin: path and query as requested, without CloudFront's parameters. Origins and caches must
    /// not see those. For cookies there is [`without_signed_cookies`](cookie::without_signed_cookies).
    pub fn origin_target(&self) -> &str {
        &self.url[self.target..]
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("mechanism", &self.mechanism)
            .field("key_pair_id", &self.key_pair_id)
            .field("hash", &self.hash)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// The URL as requested, minus CloudFront's parameters where the URL is the signed one, and where its target begins.
///
/// The exact inverse of appending parameters: what stands before them is kept as it is, an empty query and empty segments
/// included.
fn content_url(request: &Request<'_>, mechanism: Mechanism) -> (String, usize) {
    let mut url = String::with_capacity(request.host.len() + request.target.len() + "https://".len());
    url.push_str(request.scheme.as_str());
    url.push_str("://");
    url.push_str(request.host);
    let target = url.len();
    match request.target.split_once('?') {
        Some((path, query)) if mechanism == Mechanism::Url => {
            url.push_str(path);
            let own = segments(query).filter(|(name, _)| !parameter::ALL.contains(name));
            for (index, (_, segment)) in own.enumerate() {
                url.push(if index == 0 { '?' } else { '&' });
                url.push_str(segment);
            }
        }
        _ => url.push_str(request.target),
    }
    (url, target)
}

/// Decimal digits as a computer writes them: no sign, no needless zero.
fn read_expires(text: &str) -> Option<EpochTime> {
    let plain = matches!(text.as_bytes(), [b'0'] | [b'1'..=b'9', ..]) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().and_then(|seconds| EpochTime::from_secs(seconds).ok())
}

fn decode(text: &str, max_bytes: usize) -> Option<Vec<u8>> {
    // Looked at before anything is decoded.
    if text.len() > max_bytes.div_ceil(3) * 4 {
        return None;
    }
    base64::decode(text).filter(|bytes| bytes.len() <= max_bytes)
}

/// Whether a segment of the path is `.` or `..` to somebody who decodes it, or who takes a backslash for a slash.
fn has_dot_segment(path: &str) -> bool {
    if !path.contains('.') && !path.contains('%') {
        return false;
    }
    let mut dots = 0;
    let mut only_dots = true;
    let mut rest = path.as_bytes();
    let mut byte_after_escapes = || {
        let (byte, after) = match rest {
            [b'%', b'2', b'e' | b'E', after @ ..] => (b'.', after),
            [b'%', b'2', b'f' | b'F', after @ ..] | [b'%', b'5', b'c' | b'C', after @ ..] => (b'/', after),
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    };
    loop {
        match byte_after_escapes() {
            Some(b'.') => dots += 1,
            None | Some(b'/') if only_dots && matches!(dots, 1 | 2) => return true,
            Some(b'/') => (dots, only_dots) = (0, true),
            Some(_) => only_dots = false,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_seen_in_every_spelling() {
        for path in [
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/a%2f..%2fb",
            "/a%5C..%5cb",
            "/%2e",
            "/a/..%2F",
        ] {
            assert!(has_dot_segment(path), "{path}");
        }
        for path in [
            "/",
            "/a",
            "/...",
            "/.a",
            "/a.",
            "/..a/b",
            "/a/b..",
            "/a/%2e%2e%2e",
            "/%252e",
            "/a%2eb",
            "//",
            "/.hidden/x",
        ] {
            assert!(!has_dot_segment(path), "{path}");
        }
    }

    #[test]
    fn an_expiry_is_digits_up_to_the_end_of_2038() {
        assert_eq!(read_expires("0").unwrap().as_secs(), 0);
        assert_eq!(read_expires("2147483647"), Some(EpochTime::MAX));
        for text in
            ["", "2147483648", "1790000000000", "01", "+1", "-1", "1.0", "1e3", " 1", "１", "99999999999999999999"]
        {
            assert_eq!(read_expires(text), None, "{text}");
        }
    }
}
