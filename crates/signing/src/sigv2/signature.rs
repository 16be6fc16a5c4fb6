//! HMAC-SHA1 as SigV2 writes it: base64.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::credentials::SecretKey;

/// A signature. It compares in constant time only.
#[derive(Clone)]
pub(crate) struct Signature([u8; 20]);

impl Signature {
    /// The signature that `secret` makes over a string to sign, or over the base64 text of a POST policy.
    pub(crate) fn of(secret: &SecretKey, message: &[u8]) -> Self {
        let hmac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
        Self(hmac.chain_update(message).finalize().into_bytes().into())
    }

    /// Reads 27 characters of base64 and one `=`. The last character has two bits to spare, which must be zero: there is
    /// one way to write a signature.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 27] = text.strip_suffix('=')?.as_bytes().try_into().ok()?;
        let mut padded = [b'A'; 28];
        padded[..27].copy_from_slice(digits);
        let mut bytes = [0; 21];
        for (bytes, digits) in bytes.chunks_exact_mut(3).zip(padded.chunks_exact(4)) {
            let mut bits = 0;
            for digit in digits {
                bits = bits << 6 | u32::from(sextet(*digit)?);
            }
            bytes.copy_from_slice(&bits.to_be_bytes()[1..]);
        }
        let (signature, spare) = bytes.split_at(20);
        (spare == [0]).then(|| Self(signature.try_into().expect("twenty of twenty-one bytes")))
    }

    /// Whether two signatures are the same, in a time that tells nothing about where they differ.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature([redacted])")
    }
}

fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SecretKey {
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").unwrap()
    }

    /// The example of AWS's page, with the bucket that its signature belongs to; with the bucket of today's page the
    /// signature is another one than printed there.
    #[test]
    fn the_examples_of_aws_verify() {
        for (bucket, signature) in
            [("johnsmith", "NpgCjnDzrM+WFzoENXmpNDUsSn8="), ("awsexamplebucket1", "1No4mq5ETf02z8aet9voy6gui6E=")]
        {
            let string_to_sign = format!("GET\n\n\n1175139620\n/{bucket}/photos/puppy.jpg");
            let expected = Signature::of(&secret(), string_to_sign.as_bytes());
            assert!(Signature::parse(signature).unwrap().matches(&expected), "{bucket}");
        }
    }

    #[test]
    fn a_signature_is_written_in_one_way() {
        let text = "NpgCjnDzrM+WFzoENXmpNDUsSn8=";
        let signature = Signature::parse(text).unwrap();
        for (position, _) in text.char_indices() {
            for byte in (0..0x80).map(char::from) {
                let mut changed = text.to_owned();
                changed.replace_range(position..=position, byte.encode_utf8(&mut [0; 4]));
                let same = Signature::parse(&changed).is_some_and(|changed| changed.matches(&signature));
                assert_eq!(same, changed == text, "{changed}");
            }
        }
        for text in ["", "=", &text[1..], &format!("{text}="), &format!("{text}A"), &text.replace('=', "")] {
            assert!(Signature::parse(text).is_none(), "{text}");
        }
        assert!(!format!("{signature:?}").contains("Npg"));
    }
}
