//! The keys of CloudFront's signatures, from PEM: RSA of 2048 bits or ECDSA on P-256.
//!
//! Source: CloudFront developer guide, "Specify signers that can create signed URLs and signed cookies".

use std::fmt;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
};
use pem::Pem;
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::HashAlgorithm;

/// The longest PEM text that is read. A key of 2048 bits takes some 1,700 bytes.
pub const MAX_PEM_BYTES: usize = 64 * 1024;

/// The two kinds of key that CloudFront takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// RSA with a modulus of exactly 2048 bits; signatures are RSASSA-PKCS1-v1_5.
    Rsa2048,
    /// ECDSA on P-256 (prime256v1); signatures are in DER.
    EcdsaP256,
}

/// Why a PEM text gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Longer than [`MAX_PEM_BYTES`].
    #[error("the text is longer than any key")]
    TooLong,
    /// No `-----BEGIN …-----` block, or one that is broken.
    #[error("the text is not PEM")]
    NotPem,
    /// Several keys in one text: which one is meant cannot be known.
    #[error("the text holds several keys")]
    SeveralKeys,
    /// An encrypted key, as PKCS#8 (`ENCRYPTED PRIVATE KEY`) or in OpenSSL's old form (`DEK-Info`).
    #[error("the private key is encrypted; decrypt it first, for instance with `openssl pkey`")]
    Encrypted,
    /// A public key or a certificate where a private key is needed.
    #[error("this is no private key")]
    NotPrivate,
    /// A private key where a public key is needed. [`PrivateKey::public_key`] gives the public half.
    #[error("this is a private key where the public one is needed")]
    NotPublic,
    /// A format that is not read: OpenSSH's own, PKCS#1 for a public key, or another label.
    #[error(
        "the format is not read; convert it, for instance with `openssl pkey` (public keys: `openssl pkey -pubin`)"
    )]
    Format,
    /// Neither RSA nor ECDSA: Ed25519 for instance.
    #[error("CloudFront takes RSA and ECDSA keys only")]
    Algorithm,
    /// An RSA key of another size than 2048 bits.
    #[error("CloudFront takes RSA keys of 2048 bits only")]
    RsaSize,
    /// An elliptic curve other than P-256.
    #[error("CloudFront takes ECDSA keys on P-256 only")]
    Curve,
    /// The key's contents are damaged or inconsistent.
    #[error("the key is damaged")]
    Malformed,
}

/// AWS-LC could not make a signature; the key is damaged, or memory is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature could not be made")]
pub struct SigningFailed;

/// A private key, parsed and ready to sign. It never prints.
pub struct PrivateKey(Private);

enum Private {
    Rsa { pair: rsa::KeyPair, over_sha1: gatepass_rsa_sha1::SigningKey },
    P256(EcdsaKeyPair),
}

impl PrivateKey {
    /// Reads a private key from PEM: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`, with
    /// the `EC PARAMETERS` that OpenSSL writes before it). Exactly one key; text around the block is ignored.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = only_key(text)?;
        let label = block.tag().to_owned();
        let legacy_encryption =
            block.headers().get("DEK-Info").or(block.headers().get("Proc-Type")).is_some_and(|value| !value.is_empty());
        let der = Zeroizing::new(block.into_contents());
        match label.as_str() {
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" if legacy_encryption => Err(KeyError::Encrypted),
            "PRIVATE KEY" => match algorithm(&der)? {
                KeyType::Rsa2048 => Self::rsa(rsa::KeyPair::from_pkcs8(&der)),
                KeyType::EcdsaP256 => Self::p256(&der),
            },
            "RSA PRIVATE KEY" => Self::rsa(rsa::KeyPair::from_der(&der)),
            "EC PRIVATE KEY" if contains(&der, P256) => Self::p256(&der),
            "EC PRIVATE KEY" => Err(KeyError::Curve),
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => Err(KeyError::NotPrivate),
            _ => Err(KeyError::Format),
        }
    }

    fn rsa(pair: Result<rsa::KeyPair, KeyRejected>) -> Result<Self, KeyError> {
        let pair = pair.map_err(|rejected| rsa_error(&rejected))?;
        check_size(pair.public_key())?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Malformed)?;
        let over_sha1 = gatepass_rsa_sha1::SigningKey::from_pkcs8(der.as_ref()).map_err(|_| KeyError::Malformed)?;
        Ok(Self(Private::Rsa { pair, over_sha1 }))
    }

    fn p256(der: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, der);
        Ok(Self(Private::P256(pair.map_err(|_| KeyError::Malformed)?)))
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> KeyType {
        match self.0 {
            Private::Rsa { .. } => KeyType::Rsa2048,
            Private::P256(_) => KeyType::EcdsaP256,
        }
    }

    /// The public half, which CloudFront and [`KeyGroup`](super::verify::KeyGroup) need.
    pub fn public_key(&self) -> PublicKey {
        let spki = |der: Result<PublicKeyX509Der<'_>, _>| der.map(|der| der.as_ref().to_vec());
        let spki = match &self.0 {
            Private::Rsa { pair, .. } => spki(pair.public_key().as_der()),
            Private::P256(pair) => spki(pair.public_key().as_der()),
        };
        let spki = spki.expect("a key that was parsed can be written again");
        PublicKey::from_spki(spki).expect("the public half of a valid key is valid")
    }

    /// Signs `message`. An RSA signature has 256 bytes, an ECDSA signature is DER of at most 72.
    pub(super) fn sign(&self, hash: HashAlgorithm, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        match (&self.0, hash) {
            (Private::Rsa { pair, .. }, HashAlgorithm::Sha256) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| SigningFailed)?;
                Ok(signature)
            }
            (Private::Rsa { over_sha1, .. }, HashAlgorithm::Sha1) => {
                over_sha1.sign(&Sha1::digest(message).into()).map_err(|_| SigningFailed)
            }
            (Private::P256(pair), HashAlgorithm::Sha256) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(|_| SigningFailed)?;
                Ok(signature.as_ref().to_vec())
            }
            (Private::P256(pair), HashAlgorithm::Sha1) => {
                let signature = pair.sign_digest(&widened_sha1(message)).map_err(|_| SigningFailed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// SHA-1 of `message` as a digest of 32 bytes, twelve zeros in front.
///
/// ECDSA reads a digest as a whole number, and cuts only what is longer than the order of the curve (FIPS 186-5 section
/// 6.4.1, SEC 1 section 4.1.3). Zeros in front change no number, so this signs exactly the SHA-1 digest, for which
/// aws-lc-rs has no signing algorithm of its own. For RSA it would not do: there the signature names the hash.
fn widened_sha1(message: &[u8]) -> Digest {
    let mut widened = [0; digest::SHA256_OUTPUT_LEN];
    let at = widened.len() - digest::SHA1_OUTPUT_LEN;
    widened[at..].copy_from_slice(&Sha1::digest(message));
    Digest::import_less_safe(&widened, &digest::SHA256).expect("32 bytes are the length of SHA-256")
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?}, [redacted])", self.key_type())
    }
}

/// A public key, parsed and ready to verify with either hash.
#[derive(Clone)]
pub struct PublicKey {
    key_type: KeyType,
    spki: Box<[u8]>,
    over_sha1: ParsedPublicKey,
    over_sha256: ParsedPublicKey,
}

impl PublicKey {
    /// Reads a public key from PEM: `SubjectPublicKeyInfo` (`PUBLIC KEY`), the form in which CloudFront takes keys.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = only_key(text)?;
        match block.tag() {
            "PUBLIC KEY" => Self::from_spki(block.into_contents()),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => Err(KeyError::NotPublic),
            _ => Err(KeyError::Format),
        }
    }

    fn from_spki(spki: Vec<u8>) -> Result<Self, KeyError> {
        let key_type = algorithm(&spki)?;
        let parsed = |algorithm| ParsedPublicKey::new(algorithm, &spki).map_err(|_| KeyError::Malformed);
        let (over_sha1, over_sha256) = match key_type {
            KeyType::Rsa2048 => {
                check_size(&rsa::PublicKey::from_der(&spki).map_err(|rejected| rsa_error(&rejected))?)?;
                (parsed(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY)?, parsed(&RSA_PKCS1_2048_8192_SHA256)?)
            }
            KeyType::EcdsaP256 => (parsed(&ECDSA_P256_SHA1_ASN1)?, parsed(&ECDSA_P256_SHA256_ASN1)?),
        };
        Ok(Self { key_type, spki: spki.into_boxed_slice(), over_sha1, over_sha256 })
    }

    /// What kind of key it is.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The key as PEM (`PUBLIC KEY`), to be given to CloudFront.
    pub fn to_pem(&self) -> String {
        pem::encode_config(
            &Pem::new("PUBLIC KEY", self.spki.to_vec()),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        )
    }

    /// Whether `signature` is this key's for `message`. Nothing here is secret, so no time is hidden.
    pub(super) fn verifies(&self, hash: HashAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = match hash {
            HashAlgorithm::Sha1 => &self.over_sha1,
            HashAlgorithm::Sha256 => &self.over_sha256,
        };
        key.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("key_type", &self.key_type).finish_non_exhaustive()
    }
}

/// The one block of a PEM text that is a key. OpenSSL writes the parameters of a curve in a block before it.
fn only_key(text: &str) -> Result<Pem, KeyError> {
    if text.len() > MAX_PEM_BYTES {
        return Err(KeyError::TooLong);
    }
    let blocks = pem::parse_many(text).map_err(|_| KeyError::NotPem)?;
    let mut keys = blocks.into_iter().filter(|block| block.tag() != "EC PARAMETERS");
    let key = keys.next().ok_or(KeyError::NotPem)?;
    if keys.next().is_some() { Err(KeyError::SeveralKeys) } else { Ok(key) }
}

/// Object identifiers in DER, tag and length included.
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// Where a PKCS#8 or SPKI document has told its algorithm: an outer header, a version, and two identifiers.
const ALGORITHM_WITHIN: usize = 40;

/// What a PKCS#8 or SPKI document says it holds. This chooses the parser and the error; what is trusted is the parser.
fn algorithm(der: &[u8]) -> Result<KeyType, KeyError> {
    let head = &der[..der.len().min(ALGORITHM_WITHIN)];
    if contains(head, RSA) {
        Ok(KeyType::Rsa2048)
    } else if contains(head, ELLIPTIC) {
        if contains(head, P256) { Ok(KeyType::EcdsaP256) } else { Err(KeyError::Curve) }
    } else {
        Err(if head.first() == Some(&0x30) { KeyError::Algorithm } else { KeyError::Malformed })
    }
}

fn contains(der: &[u8], identifier: &[u8]) -> bool {
    der.windows(identifier.len()).any(|window| window == identifier)
}

/// `RSAPublicKey` in DER starts with the modulus (RFC 8017 appendix A.1.1). DER writes no needless zero, so an INTEGER of
/// 257 bytes whose first is zero has exactly 2048 bits.
fn check_size(key: &rsa::PublicKey) -> Result<(), KeyError> {
    match key.as_ref() {
        [0x30, 0x82, _, _, 0x02, 0x82, 0x01, 0x01, 0x00, ..] => Ok(()),
        _ => Err(KeyError::RsaSize),
    }
}

/// aws-lc-rs names the size as the reason only in text.
fn rsa_error(rejected: &KeyRejected) -> KeyError {
    match rejected.to_string().as_str() {
        "TooSmall" | "TooLarge" => KeyError::RsaSize,
        _ => KeyError::Malformed,
    }
}
