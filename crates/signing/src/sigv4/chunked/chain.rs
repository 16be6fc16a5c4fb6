//! The chain of signatures through a body: what each string to sign repeats, and the link to the one before.

use std::fmt;

use crate::encode;
use crate::sigv4::key::{Signature, SigningKey};
use crate::sigv4::verify::Scheme;
#[cfg(feature = "sigv4a")]
use crate::sigv4a::key::{KeyPair, Signature as EcdsaSignature};
use crate::time::AmzDate;

/// SHA-256 of nothing, which stands in every chunk's string to sign.
const EMPTY_SHA256: &[u8] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Whether signed chunks end in a trailer, which is then signed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trailer {
    /// The last chunk is the end.
    Absent,
    /// Trailers follow the last chunk, and their signature.
    Signed,
}

impl Trailer {
    /// What `x-amz-content-sha256` says of signed chunks. SigV2 has none.
    pub(crate) fn content_sha256(self, scheme: Scheme) -> &'static str {
        match (scheme, self) {
            (Scheme::SigV4a, Trailer::Absent) => "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
            (Scheme::SigV4a, Trailer::Signed) => "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
            (_, Trailer::Absent) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            (_, Trailer::Signed) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        }
    }
}

/// Where a chain of signed chunks begins. Only a request that was signed or verified has one.
#[derive(Clone)]
pub struct ChunkSeed {
    key: ChainKey,
    /// `\n` date `\n` scope `\n`, which every string to sign repeats.
    context: String,
    /// The signature of the request, then of the chunk before, in hexadecimal and without padding.
    previous: String,
    trailer: Trailer,
}

#[derive(Clone)]
enum ChainKey {
    Hmac(SigningKey),
    #[cfg(feature = "sigv4a")]
    Ecdsa(KeyPair),
}

impl ChunkSeed {
    pub(crate) fn new(
        key: SigningKey,
        signed_at: AmzDate,
        scope: &impl fmt::Display,
        signature: &Signature,
        trailer: Trailer,
    ) -> Self {
        let context = context(signed_at, scope);
        Self { key: ChainKey::Hmac(key), context, previous: signature.expose(), trailer }
    }

    #[cfg(feature = "sigv4a")]
    pub(crate) fn asymmetric(
        key: KeyPair,
        signed_at: AmzDate,
        scope: &impl fmt::Display,
        signature: &EcdsaSignature,
        trailer: Trailer,
    ) -> Self {
        let context = context(signed_at, scope);
        Self { key: ChainKey::Ecdsa(key), context, previous: signature.expose(), trailer }
    }

    /// Whether a signed trailer follows.
    #[must_use]
    pub fn trailer(&self) -> Trailer {
        self.trailer
    }

    /// How long each signature of this chain is as it is written.
    pub(super) fn signature_length(&self) -> usize {
        match &self.key {
            ChainKey::Hmac(_) => 64,
            #[cfg(feature = "sigv4a")]
            ChainKey::Ecdsa(_) => EcdsaSignature::PADDED_LENGTH,
        }
    }

    /// Signs the next chunk, and links the one after it to that.
    pub(super) fn sign_chunk(&mut self, sha256: &[u8; 32]) -> String {
        let (signature, written) = self.sign(&self.chunk_parts(&encode::hex_of_32(sha256)));
        self.previous = signature;
        written
    }

    /// Signs the trailers, which end the chain.
    pub(super) fn sign_trailer(&self, sha256: &[u8; 32]) -> String {
        self.sign(&self.trailer_parts(&encode::hex_of_32(sha256))).1
    }

    /// Whether `provided` is the signature of the next chunk. If so, it is the link to the one after it.
    pub(super) fn check_chunk(&mut self, provided: &str, sha256: &[u8; 32]) -> bool {
        let accepted = self.check(provided, &self.chunk_parts(&encode::hex_of_32(sha256)));
        match accepted {
            Some(signature) => {
                self.previous = signature;
                true
            }
            None => false,
        }
    }

    /// Whether `provided` is the signature of the trailers.
    pub(super) fn check_trailer(&self, provided: &str, sha256: &[u8; 32]) -> bool {
        self.check(provided, &self.trailer_parts(&encode::hex_of_32(sha256))).is_some()
    }

    fn chunk_parts<'a>(&'a self, digest: &'a [u8; 64]) -> [&'a [u8]; 7] {
        let algorithm: &[u8] = match &self.key {
            ChainKey::Hmac(_) => b"AWS4-HMAC-SHA256-PAYLOAD",
            #[cfg(feature = "sigv4a")]
            ChainKey::Ecdsa(_) => b"AWS4-ECDSA-P256-SHA256-PAYLOAD",
        };
        [algorithm, self.context.as_bytes(), self.previous.as_bytes(), b"\n", EMPTY_SHA256, b"\n", digest]
    }

    fn trailer_parts<'a>(&'a self, digest: &'a [u8; 64]) -> [&'a [u8]; 5] {
        let algorithm: &[u8] = match &self.key {
            ChainKey::Hmac(_) => b"AWS4-HMAC-SHA256-TRAILER",
            #[cfg(feature = "sigv4a")]
            ChainKey::Ecdsa(_) => b"AWS4-ECDSA-P256-SHA256-TRAILER",
        };
        [algorithm, self.context.as_bytes(), self.previous.as_bytes(), b"\n", digest]
    }

    /// The signature as the next string to sign repeats it, and as it is written in the body.
    fn sign(&self, parts: &[&[u8]]) -> (String, String) {
        match &self.key {
            ChainKey::Hmac(key) => {
                let signature = key.sign(parts).expose();
                (signature.clone(), signature)
            }
            #[cfg(feature = "sigv4a")]
            ChainKey::Ecdsa(key) => {
                let signature = key.sign(parts);
                (signature.expose(), signature.padded())
            }
        }
    }

    /// The signature as the next string to sign repeats it, if it is one of these parts.
    fn check(&self, provided: &str, parts: &[&[u8]]) -> Option<String> {
        match &self.key {
            ChainKey::Hmac(key) => {
                let signature = Signature::parse(provided)?;
                signature.matches(&key.sign(parts)).then(|| signature.expose())
            }
            #[cfg(feature = "sigv4a")]
            ChainKey::Ecdsa(key) => {
                let signature = EcdsaSignature::parse_padded(provided)?;
                key.verifies(parts, &signature).then(|| signature.expose())
            }
        }
    }
}

impl fmt::Debug for ChunkSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSeed").field("trailer", &self.trailer).finish_non_exhaustive()
    }
}

fn context(signed_at: AmzDate, scope: &impl fmt::Display) -> String {
    format!("\n{signed_at}\n{scope}\n")
}
