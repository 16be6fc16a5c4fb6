//! RSA signatures over SHA-1 (RSASSA-PKCS1-v1_5, RFC 8017 section 8.2), which CloudFront takes where a signed URL names
//! no hash algorithm.
//!
//! No safe library for Rust makes them with AWS-LC's constant-time, blinded arithmetic: `aws-lc-rs` verifies them and
//! refuses to sign. This crate is the missing call and nothing else, apart so that every other crate can deny `unsafe`.
//! SHA-1 is broken for collisions. Use it only where the other side knows nothing better.

use std::fmt;
use std::ptr::NonNull;

use aws_lc_sys::{
    CBS, EVP_PKEY, EVP_PKEY_free, EVP_PKEY_get1_RSA, EVP_parse_private_key, NID_sha1, RSA, RSA_free, RSA_sign, RSA_size,
};

/// Bytes of a SHA-1 digest.
pub const DIGEST_BYTES: usize = 20;

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an unencrypted PKCS#8 RSA private key")]
pub struct KeyRejected;

/// AWS-LC could not sign: it ran out of memory, or the key's numbers do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the RSA signature could not be made")]
pub struct SigningFailed;

/// An RSA private key that signs SHA-1 digests.
///
/// Invariant: `rsa` is a private key that passed AWS-LC's `RSA_check_key`, and nobody but this value holds it.
pub struct SigningKey {
    rsa: NonNull<RSA>,
}

// SAFETY: the value owns its `RSA` alone, and AWS-LC ties no key to a thread.
unsafe impl Send for SigningKey {}
// SAFETY: shared access only signs, and rsa.h says of signing: "considered non-mutating for thread-safety purposes and
// may be used concurrently".
unsafe impl Sync for SigningKey {}

impl SigningKey {
    /// Reads an unencrypted PKCS#8 `PrivateKeyInfo` in DER (RFC 5208) that holds an RSA key, and nothing after it.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyRejected> {
        let mut rest = CBS { data: der.as_ptr(), len: der.len() };
        // SAFETY: `rest` describes `der`, which outlives the call; the parser copies what it keeps.
        let key = unsafe { EVP_parse_private_key(&raw mut rest) };
        let key = ParsedKey(NonNull::new(key).ok_or(KeyRejected)?);
        if rest.len != 0 {
            return Err(KeyRejected);
        }
        // SAFETY: the key was just parsed and is still held. A key of another kind gives null; an RSA key gives a
        // reference of our own, which `Drop` gives back.
        let rsa = unsafe { EVP_PKEY_get1_RSA(key.0.as_ptr()) };
        Ok(Self { rsa: NonNull::new(rsa).ok_or(KeyRejected)? })
    }

    /// Signs a SHA-1 digest. The signature is as long as the modulus: 256 bytes for a key of 2048 bits.
    pub fn sign(&self, digest: &[u8; DIGEST_BYTES]) -> Result<Vec<u8>, SigningFailed> {
        // SAFETY: `rsa` is a valid key by the invariant.
        let size = unsafe { RSA_size(self.rsa.as_ptr()) };
        let mut signature = vec![0; usize::try_from(size).map_err(|_| SigningFailed)?];
        let mut written = 0;
        // SAFETY: the digest has the length that is passed; `signature` has room for `RSA_size` bytes, the most that
        // the call writes; `rsa` is valid, and signing counts as non-mutating.
        let outcome = unsafe {
            RSA_sign(
                NID_sha1,
                digest.as_ptr(),
                digest.len(),
                signature.as_mut_ptr(),
                &raw mut written,
                self.rsa.as_ptr(),
            )
        };
        if outcome != 1 || written != size {
            return Err(SigningFailed);
        }
        Ok(signature)
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        // SAFETY: this is the reference that `from_pkcs8` took, given back once. AWS-LC clears the numbers it frees.
        unsafe { RSA_free(self.rsa.as_ptr()) }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

/// Frees what was parsed, on every way out.
struct ParsedKey(NonNull<EVP_PKEY>);

impl Drop for ParsedKey {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `EVP_parse_private_key` and is given back once.
        unsafe { EVP_PKEY_free(self.0.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
    };

    use super::*;

    fn sha1(message: &[u8]) -> [u8; DIGEST_BYTES] {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, message).as_ref().try_into().unwrap()
    }

    fn pkcs8(pair: &RsaKeyPair) -> Vec<u8> {
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        der.as_ref().to_vec()
    }

    #[test]
    fn a_signature_passes_the_safe_verification_and_no_other() {
        for (size, bytes) in [(KeySize::Rsa2048, 256), (KeySize::Rsa3072, 384)] {
            let pair = RsaKeyPair::generate(size).unwrap();
            let key = SigningKey::from_pkcs8(&pkcs8(&pair)).unwrap();
            let signature = key.sign(&sha1(b"message")).unwrap();
            assert_eq!(signature.len(), bytes);
            let sha1_only = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, pair.public_key());
            assert!(sha1_only.verify(b"message", &signature).is_ok());
            assert!(sha1_only.verify(b"massage", &signature).is_err());
            let sha256 = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key());
            assert!(sha256.verify(b"message", &signature).is_err());
        }
    }

    #[test]
    fn only_a_whole_rsa_key_is_taken() {
        let good = pkcs8(&RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        for cut in [0, 1, 26, good.len() - 1] {
            assert_eq!(SigningKey::from_pkcs8(&good[..cut]).unwrap_err(), KeyRejected, "{cut}");
        }
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(SigningKey::from_pkcs8(&trailing).unwrap_err(), KeyRejected);
        let elliptic = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap().to_pkcs8v1().unwrap();
        assert_eq!(SigningKey::from_pkcs8(elliptic.as_ref()).unwrap_err(), KeyRejected);
    }

    #[test]
    fn one_key_signs_on_many_threads_at_once() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let key = SigningKey::from_pkcs8(&pkcs8(&pair)).unwrap();
        let expected = key.sign(&sha1(b"message")).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        assert_eq!(key.sign(&sha1(b"message")).unwrap(), expected);
                    }
                });
            }
        });
    }

    #[test]
    fn a_key_does_not_print() {
        let key = SigningKey::from_pkcs8(&pkcs8(&RsaKeyPair::generate(KeySize::Rsa2048).unwrap())).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey([redacted])");
    }
}
