//! Signing keys, their bounded cache, and signatures that compare in constant time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use rustc_hash::FxBuildHasher;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::credentials::{AccessKeyId, SecretKey};
use crate::encode;
use crate::sigv4::scope::{Region, Scope};
use crate::sigv4::{ALGORITHM, TERMINAL};
use crate::time::AmzDate;

/// A signature. It compares in constant time only, so there is no `==`:
///
/// ```compile_fail,E0369
/// fn same(a: &gatepass_signing::sigv4::Signature, b: &gatepass_signing::sigv4::Signature) -> bool {
///     a == b
/// }
/// ```
#[derive(Clone)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Reads 64 lower-case hex digits, which is how AWS writes and compares signatures.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        encode::unhex_32(text).map(Self)
    }

    /// Whether two signatures are the same, in a time that tells nothing about where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        // In four words and not in 32 bytes, of which each would be hidden from the compiler.
        let words = |bytes: &[u8; 32]| {
            let (words, _) = bytes.as_chunks();
            [0, 1, 2, 3].map(|at: usize| u64::from_ne_bytes(words[at]))
        };
        words(&self.0).ct_eq(&words(&other.0)).into()
    }

    /// 64 lower-case hex digits.
    pub(crate) fn hex(&self) -> [u8; 64] {
        encode::hex_of_32(&self.0)
    }

    /// The signature as text: for the wire, never for a log.
    #[must_use]
    pub fn expose(&self) -> String {
        encode::hex(&self.0)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature([redacted])")
    }
}

/// The key derived for one scope, held as an HMAC that has already absorbed it: signing with it hashes only the message.
#[derive(Clone)]
pub(crate) struct SigningKey {
    hmac: Hmac<Sha256>,
    /// The scope as it stands in a string to sign, from the line break before it to the one behind it.
    scope_line: String,
    /// The scope as it stands in a query, behind the access key id.
    scope_in_query: String,
}

impl SigningKey {
    /// `\nYYYYMMDD/REGION/SERVICE/aws4_request\n`, with the longest region and the longest service.
    const MAX_SCOPE_LINE: usize = 1 + 8 + 1 + Region::MAX_BYTES + 1 + 3 + 1 + TERMINAL.len() + 1;

    /// `HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request")`.
    pub(crate) fn derive(secret: &SecretKey, scope: &Scope) -> Self {
        let mut first = zeroize::Zeroizing::new(Vec::with_capacity(4 + secret.expose().len()));
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.expose().as_bytes());
        let hmac = [scope.date(), scope.region().as_str(), scope.service().as_str(), TERMINAL]
            .iter()
            .fold(keyed(&first), |key, part| keyed(&key.chain_update(part).finalize().into_bytes()));
        // No part of a scope has anything to encode but what separates them.
        let scope_in_query = format!("/{scope}").replace('/', "%2F");
        Self { hmac, scope_line: format!("\n{scope}\n"), scope_in_query }
    }

    /// Signs the concatenation of `parts`.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Signature {
        let mut hmac = self.hmac.clone();
        for part in parts {
            hmac.update(part);
        }
        Signature(hmac.finalize().into_bytes().into())
    }

    /// Signs `AWS4-HMAC-SHA256 \n date \n scope \n hex(digest of the canonical request)`.
    pub(crate) fn sign_request(&self, signed_at: &AmzDate, canonical_digest: &[u8; 32]) -> Signature {
        const BEGINNING: &[u8; 17] = b"AWS4-HMAC-SHA256\n";
        // Written down first: to hash it in pieces costs more.
        let mut text = [0; BEGINNING.len() + AmzDate::TEXT_LENGTH + Self::MAX_SCOPE_LINE + 64];
        let scope_at = BEGINNING.len() + AmzDate::TEXT_LENGTH;
        let digest_at = scope_at + self.scope_line.len();
        text[..BEGINNING.len()].copy_from_slice(BEGINNING);
        text[BEGINNING.len()..scope_at].copy_from_slice(signed_at.as_bytes());
        text[scope_at..digest_at].copy_from_slice(self.scope_line.as_bytes());
        text[digest_at..digest_at + 64].copy_from_slice(&encode::hex_of_32(canonical_digest));
        self.sign(&[&text[..digest_at + 64]])
    }

    /// `%2F` and the scope, encoded for a query.
    pub(crate) fn scope_in_query(&self) -> &str {
        &self.scope_in_query
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

/// Feeds the string to sign of a request, part by part.
pub(crate) fn string_to_sign(
    signed_at: &AmzDate,
    scope: &Scope,
    canonical_digest: &[u8; 32],
    mut feed: impl FnMut(&str),
) {
    let digest = encode::hex_of_32(canonical_digest);
    let digest = std::str::from_utf8(&digest).expect("hex digits are ASCII");
    for part in [ALGORITHM, "\n", signed_at.as_str(), "\n"].into_iter().chain(scope.parts()).chain(["\n", digest]) {
        feed(part);
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// Keys already derived, so that signing and verifying do not derive them each time.
///
/// Bounded: at most [`MAX_ACCESS_KEYS`](Self::MAX_ACCESS_KEYS) access keys with
/// [`MAX_SCOPES`](Self::MAX_SCOPES) scopes each. A key is reused only for the same secret, so a rotated secret takes
/// effect at once.
#[derive(Default)]
pub struct KeyCache {
    /// Who calls with an id knows its secret: there is nobody who could choose ids that collide.
    keys: RwLock<HashMap<AccessKeyId, Vec<Derived>, FxBuildHasher>>,
    #[cfg(feature = "sigv4a")]
    pairs: crate::sigv4a::key_cache::KeyPairs,
}

struct Derived {
    secret: SecretKey,
    scope: Scope,
    /// Shared, because a copy of two hash states costs more than a count.
    key: Arc<SigningKey>,
}

impl KeyCache {
    /// Access keys kept; at one more the cache starts anew.
    pub const MAX_ACCESS_KEYS: usize = 1024;
    /// Scopes kept for one access key: the eight dates on which a URL that is still valid can have been signed, and as
    /// many again for a second service or region. At one more the oldest goes.
    pub const MAX_SCOPES: usize = 16;

    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn key(&self, access_key_id: &AccessKeyId, secret: &SecretKey, scope: &Scope) -> Arc<SigningKey> {
        self.with(access_key_id, secret, scope, Arc::clone)
    }

    /// Uses a key without taking a share of it.
    pub(crate) fn with<T>(
        &self,
        access_key_id: &AccessKeyId,
        secret: &SecretKey,
        scope: &Scope,
        work: impl FnOnce(&Arc<SigningKey>) -> T,
    ) -> T {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut derived = keys.get(access_key_id).into_iter().flatten();
        if let Some(derived) = derived.find(|derived| derived.scope == *scope && derived.secret.same_as(secret)) {
            return work(&derived.key);
        }
        drop(keys);
        work(&self.derive(access_key_id, secret, scope))
    }

    fn derive(&self, access_key_id: &AccessKeyId, secret: &SecretKey, scope: &Scope) -> Arc<SigningKey> {
        let key = Arc::new(SigningKey::derive(secret, scope));
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= Self::MAX_ACCESS_KEYS && !keys.contains_key(access_key_id) {
            keys.clear();
        }
        let scopes = keys.entry(access_key_id.clone()).or_default();
        scopes.retain(|derived| derived.scope != *scope && derived.secret.same_as(secret));
        if scopes.len() >= Self::MAX_SCOPES {
            scopes.remove(0);
        }
        scopes.push(Derived { secret: secret.clone(), scope: scope.clone(), key: Arc::clone(&key) });
        key
    }

    /// The key pair of SigV4a, which is the same in every scope.
    #[cfg(feature = "sigv4a")]
    pub(crate) fn key_pair(&self, access_key_id: &AccessKeyId, secret: &SecretKey) -> crate::sigv4a::key::KeyPair {
        self.pairs.pair(access_key_id, secret)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCache([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::scope::{Region, ServiceName};

    fn scope(date: &str) -> Scope {
        let signed_at = AmzDate::parse(&format!("{date}T000000Z")).unwrap();
        Scope::new(&signed_at, Region::new("us-east-1").unwrap(), ServiceName::S3)
    }

    fn secret(text: &str) -> SecretKey {
        SecretKey::new(text).unwrap()
    }

    fn signed(key: &SigningKey) -> String {
        key.sign(&[b"message"]).expose()
    }

    #[test]
    fn a_cached_key_is_the_derived_key() {
        let cache = KeyCache::new();
        let id = AccessKeyId::new("A").unwrap();
        let derived = SigningKey::derive(&secret("s"), &scope("20260101"));
        for _ in 0..2 {
            assert_eq!(signed(&cache.key(&id, &secret("s"), &scope("20260101"))), signed(&derived));
        }
    }

    #[test]
    fn a_request_is_signed_over_its_string_to_sign() {
        let (secret, scope) = (secret("s"), scope("20260101"));
        let key = SigningKey::derive(&secret, &scope);
        let (signed_at, digest) = (AmzDate::parse("20260101T010203Z").unwrap(), [7; 32]);
        let mut text = String::new();
        string_to_sign(&signed_at, &scope, &digest, |part| text.push_str(part));
        assert_eq!(key.sign_request(&signed_at, &digest).expose(), key.sign(&[text.as_bytes()]).expose());
        assert_eq!(key.scope_in_query(), "%2F20260101%2Fus-east-1%2Fs3%2Faws4_request");
    }

    #[test]
    fn signatures_differ_wherever_a_byte_does() {
        let signature = Signature([7; 32]);
        for place in 0..32 {
            let mut other = [7; 32];
            other[place] ^= 0x80;
            assert!(!signature.matches(&Signature(other)), "{place}");
        }
    }

    #[test]
    fn a_rotated_secret_takes_effect_at_once() {
        let cache = KeyCache::new();
        let id = AccessKeyId::new("A").unwrap();
        let old = signed(&cache.key(&id, &secret("old"), &scope("20260101")));
        let new = signed(&cache.key(&id, &secret("new"), &scope("20260101")));
        assert_ne!(old, new);
        assert_eq!(new, signed(&SigningKey::derive(&secret("new"), &scope("20260101"))));
    }

    #[test]
    fn the_cache_is_bounded_in_scopes_and_in_access_keys() {
        let cache = KeyCache::new();
        let id = AccessKeyId::new("A").unwrap();
        let scopes = |cache: &KeyCache| cache.keys.read().unwrap()["A"].len();
        for day in 10..10 + KeyCache::MAX_SCOPES {
            cache.key(&id, &secret("s"), &scope(&format!("202601{day}")));
        }
        assert_eq!(scopes(&cache), KeyCache::MAX_SCOPES);
        cache.key(&id, &secret("s"), &scope("20260201"));
        assert_eq!(scopes(&cache), KeyCache::MAX_SCOPES);
        let kept = |date| cache.keys.read().unwrap()["A"].iter().any(|derived| derived.scope == scope(date));
        assert!(!kept("20260110") && kept("20260111") && kept("20260201"), "the oldest went");

        let cache = KeyCache::new();
        let (secret, scope) = (secret("s"), scope("20260101"));
        let access_keys = |cache: &KeyCache| cache.keys.read().unwrap().len();
        for number in 0..KeyCache::MAX_ACCESS_KEYS {
            cache.key(&AccessKeyId::new(format!("A{number}")).unwrap(), &secret, &scope);
        }
        assert_eq!(access_keys(&cache), KeyCache::MAX_ACCESS_KEYS);
        cache.key(&AccessKeyId::new("one-more").unwrap(), &secret, &scope);
        assert_eq!(access_keys(&cache), 1);
    }

    #[test]
    fn signatures_are_64_lower_case_digits_and_do_not_print() {
        let text = "ab".repeat(32);
        let signature = Signature::parse(&text).unwrap();
        assert!(signature.matches(&Signature::parse(&text).unwrap()));
        assert!(!signature.matches(&Signature::parse(&"ac".repeat(32)).unwrap()));
        assert!(!format!("{signature:?}").contains("ab"));
        assert!(Signature::parse(&text.to_uppercase()).is_none());
        assert!(Signature::parse("").is_none());
    }
}
