//! Key pairs derived from access keys, and signatures in the form in which SigV4a writes them.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::digest::{self, Digest, SHA256};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, ParsedPublicKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::ALGORITHM;
use crate::credentials::{AccessKeyId, SecretKey};
use crate::encode;

/// The order of P-256 less two, big-endian: the last candidate that becomes a key (SEC 2 section 2.4.2, FIPS 186-5
/// section A.2.2).
const ORDER_LESS_TWO: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f,
];

/// The key pair of an access key. It is good for every day, region and service.
#[derive(Clone)]
pub(crate) struct KeyPair(Arc<Halves>);

struct Halves {
    private: EcdsaKeyPair,
    public: ParsedPublicKey,
}

impl KeyPair {
    /// Derives the pair from both halves of an access key.
    pub(crate) fn derive(access_key_id: &AccessKeyId, secret: &SecretKey) -> Self {
        let scalar = derive_scalar(access_key_id.as_str(), secret);
        let point = agreement::PrivateKey::from_private_key(&ECDH_P256, &*scalar)
            .and_then(|key| key.compute_public_key().map_err(Into::into))
            .expect("a scalar from 1 to the order less one is a private key");
        let private =
            EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_ASN1_SIGNING, &*scalar, point.as_ref())
                .expect("the public key was computed from the private one");
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.as_ref())
            .expect("a point computed from a scalar is on the curve");
        Self(Arc::new(Halves { private, public }))
    }

    /// Signs the concatenation of `parts`. Signing twice gives two signatures.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Signature {
        let der = self.0.private.sign_digest(&digest(parts)).expect("a key pair signs any digest of SHA-256");
        Signature::from_der(der.as_ref()).expect("a signature over P-256 has at most 72 bytes")
    }

    /// Whether `signature` is one that this pair made over the concatenation of `parts`. Nothing here is secret: the
    /// public key checks.
    pub(crate) fn verifies(&self, parts: &[&[u8]], signature: &Signature) -> bool {
        self.0.public.verify_digest_sig(&digest(parts), signature.der()).is_ok()
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair([redacted])")
    }
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = digest::Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

/// The private scalar: `KDF(…) + 1` for the first candidate that is small enough.
///
/// Each candidate is one block of the key derivation in counter mode of NIST SP 800-108: HMAC-SHA256 keyed with
/// `"AWS4A" + secret` over `00000001 ‖ algorithm ‖ 00 ‖ access key id ‖ counter ‖ 00000100`.
fn derive_scalar(access_key_id: &str, secret: &SecretKey) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new(Vec::with_capacity(5 + secret.expose().len()));
    key.extend_from_slice(b"AWS4A");
    key.extend_from_slice(secret.expose().as_bytes());
    let keyed = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    first_scalar(|counter| {
        let block = keyed.clone();
        // Every candidate is made afresh: the JavaScript SDK appends the next one's input to that of the one before.
        let block = block
            .chain_update(1_u32.to_be_bytes())
            .chain_update(ALGORITHM)
            .chain_update([0])
            .chain_update(access_key_id)
            .chain_update([counter])
            .chain_update(256_u32.to_be_bytes());
        Zeroizing::new(block.finalize().into_bytes().into())
    })
    .expect("254 candidates are not all among the last 2^-32 of all numbers")
}

/// The first candidate that is at most the order less two, plus one. The counter counts from 1 to 254.
fn first_scalar(mut candidate: impl FnMut(u8) -> Zeroizing<[u8; 32]>) -> Option<Zeroizing<[u8; 32]>> {
    (1..=254).map(&mut candidate).find(|candidate| **candidate <= ORDER_LESS_TWO).map(plus_one)
}

fn plus_one(mut number: Zeroizing<[u8; 32]>) -> Zeroizing<[u8; 32]> {
    for byte in number.iter_mut().rev() {
        let (sum, carry) = byte.overflowing_add(1);
        *byte = sum;
        if !carry {
            break;
        }
    }
    number
}

/// A signature: ECDSA in DER. Whether it is good DER is seen when it is checked, where the least deviation refuses it.
#[derive(Clone)]
pub(crate) struct Signature {
    der: [u8; Self::MAX_BYTES],
    length: usize,
}

impl Signature {
    /// The longest signature over P-256: a sequence of two integers of 33 bytes.
    const MAX_BYTES: usize = 72;
    /// How long a signature is in a chunk, where those that are shorter are filled up: the length of the body must be
    /// known before it is signed.
    pub(crate) const PADDED_LENGTH: usize = 2 * Self::MAX_BYTES;

    fn from_der(der: &[u8]) -> Option<Self> {
        let mut signature = Self { der: [0; Self::MAX_BYTES], length: der.len() };
        signature.der.get_mut(..der.len())?.copy_from_slice(der);
        Some(signature)
    }

    /// Reads lower-case hexadecimal digits, as in a URL or a header.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut signature = Self { der: [0; Self::MAX_BYTES], length: text.len() / 2 };
        let der = signature.der.get_mut(..text.len() / 2).filter(|_| text.len().is_multiple_of(2))?;
        for (byte, pair) in der.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(signature)
    }

    /// Reads the signature of a chunk, which may be filled up with `*` to its full length.
    pub(crate) fn parse_padded(text: &str) -> Option<Self> {
        if text.len() != Self::PADDED_LENGTH {
            return Self::parse(text);
        }
        Self::parse(text.trim_end_matches('*'))
    }

    fn der(&self) -> &[u8] {
        &self.der[..self.length]
    }

    /// Lower-case hexadecimal digits: for the wire, never for a log.
    pub(crate) fn expose(&self) -> String {
        encode::hex(self.der())
    }

    /// As [`expose`](Self::expose), filled up to [`PADDED_LENGTH`](Self::PADDED_LENGTH).
    pub(crate) fn padded(&self) -> String {
        format!("{:*<width$}", self.expose(), width = Self::PADDED_LENGTH)
    }
}

/// The value of a lower-case hexadecimal digit, which is how AWS writes signatures.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> KeyPair {
        KeyPair::derive(&AccessKeyId::new("AKISORANDOMAASORANDOM").unwrap(), &golden_secret())
    }

    fn golden_secret() -> SecretKey {
        SecretKey::new("q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom").unwrap()
    }

    #[test]
    fn the_key_pair_is_that_of_awss_example() {
        let scalar = derive_scalar("AKISORANDOMAASORANDOM", &golden_secret());
        assert_eq!(encode::hex(&*scalar), "7fd3bd010c0d9c292141c2b77bfbde1042c92e6836fff749d1269ec890fca1bd");
        let point = encode::hex(pair().0.public.as_ref());
        assert!(point.starts_with("0415d242ce") && point.contains("0fffcb0515242c") && point.ends_with("4c5ec0"));
    }

    #[test]
    fn a_candidate_that_is_too_large_is_followed_by_the_next_and_no_other() {
        let candidate = |last: u8| {
            let mut number = ORDER_LESS_TWO;
            number[31] = last;
            Zeroizing::new(number)
        };
        // The order less two becomes the order less one, the largest private key; one more is passed over.
        assert_eq!(first_scalar(|_| candidate(0x4f)).unwrap()[31], 0x50);
        let mut asked = Vec::new();
        let found = first_scalar(|counter| {
            asked.push(counter);
            if counter < 3 { candidate(0x50) } else { Zeroizing::new([0; 32]) }
        });
        assert_eq!((found.unwrap()[31], asked), (1, vec![1, 2, 3]));
        let mut count = 0;
        assert!(
            first_scalar(|_| {
                count += 1;
                Zeroizing::new([0xff; 32])
            })
            .is_none()
        );
        assert_eq!(count, 254);
    }

    #[test]
    fn adding_one_carries() {
        let mut number = [0; 32];
        number[30..].copy_from_slice(&[0x01, 0xff]);
        assert_eq!(plus_one(Zeroizing::new(number))[30..], [0x02, 0x00]);
    }

    #[test]
    fn a_signature_is_good_for_its_message_and_its_key_only() {
        let pair = pair();
        let signature = pair.sign(&[b"mess", b"age"]);
        assert!(pair.verifies(&[b"message"], &signature));
        assert!(!pair.verifies(&[b"massage"], &signature));
        let other = KeyPair::derive(&AccessKeyId::new("ANOTHER").unwrap(), &golden_secret());
        assert!(!other.verifies(&[b"message"], &signature), "the access key id is part of the key");
        assert!(!format!("{pair:?}{signature:?}").contains(&signature.expose()[..8]));
    }

    #[test]
    fn the_other_half_of_a_signature_is_as_good_but_its_writing_is_strict() {
        let pair = pair();
        let signature = pair.sign(&[b"message"]);
        let accepted = |der: &[u8]| Signature::from_der(der).is_some_and(|it| pair.verifies(&[b"message"], &it));
        let (r, s) = integers(signature.der());
        assert!(accepted(&der(&r, &s)), "the test writes DER as it must be");
        assert!(accepted(&der(&r, &order_less(&s))), "(r, n - s)");
        assert!(!accepted(&der(&[&[0], r.as_slice()].concat(), &s)), "a needless zero in front");
        assert!(!accepted(&[der(&r, &s), vec![0]].concat()), "a byte after the end");
        let long_form = [&[0x30, 0x81], &der(&r, &s)[1..]].concat();
        assert!(!accepted(&long_form), "a length in its long form");
        assert!(!accepted(&der(&[0], &[0])) && !accepted(&der(&r, &[0])) && !accepted(&[]));
    }

    #[test]
    fn a_signature_is_lower_case_digits_within_its_length() {
        let pair = pair();
        let text = pair.sign(&[b"message"]).expose();
        assert_eq!(Signature::parse(&text).unwrap().expose(), text);
        assert_eq!(Signature::parse_padded(&text).unwrap().expose(), text);
        let padded = format!("{text}{}", "*".repeat(144 - text.len()));
        assert_eq!(Signature::parse(&text).unwrap().padded(), padded);
        assert_eq!(Signature::parse_padded(&padded).unwrap().expose(), text);
        assert!(Signature::parse(&padded).is_none() || text.len() == 144);
        assert!(Signature::parse(&text.to_uppercase()).is_none());
        assert!(Signature::parse(&text[1..]).is_none());
        assert!(Signature::parse(&"0".repeat(144)).is_some());
        assert!(Signature::parse(&"0".repeat(146)).is_none());
        assert!(Signature::parse_padded(&format!("**{}", "0".repeat(142))).is_none(), "padding comes last");
    }

    /// Both integers of a signature in DER, as they are written.
    fn integers(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let r = der[4..4 + usize::from(der[3])].to_vec();
        let rest = &der[4 + r.len()..];
        (r, rest[2..2 + usize::from(rest[1])].to_vec())
    }

    fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
        let integer = |bytes: &[u8]| [&[2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let content = [integer(r), integer(s)].concat();
        [&[0x30, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
    }

    /// The order of the curve less an integer, written as DER writes it.
    fn order_less(integer: &[u8]) -> Vec<u8> {
        let mut order = ORDER_LESS_TWO;
        order[31] += 2;
        let mut wide = [0; 32];
        let digits = integer.strip_prefix(&[0]).unwrap_or(integer);
        wide[32 - digits.len()..].copy_from_slice(digits);
        let mut borrow = 0;
        for index in (0..32).rev() {
            let difference = i16::from(order[index]) - i16::from(wide[index]) - borrow;
            borrow = i16::from(difference < 0);
            wide[index] = u8::try_from(difference + 256 * borrow).unwrap();
        }
        let digits = &wide[wide.iter().position(|byte| *byte != 0).unwrap()..];
        if digits[0] >= 0x80 { [&[0], digits].concat() } else { digits.to_vec() }
    }
}
