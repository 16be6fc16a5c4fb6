//! `aws-chunked` bodies, made ([`Encoder`]) and checked ([`Decoder`]) piece by piece, in each form that S3 knows:
//!
//! | `x-amz-content-sha256` | each chunk is signed | a trailer follows |
//! |---|---|---|
//! | `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` | yes | no |
//! | `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER` | yes | signed |
//! | `STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD` | yes, with SigV4a | no |
//! | `STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER` | yes, with SigV4a | signed |
//! | `STREAMING-UNSIGNED-PAYLOAD-TRAILER` | no | unsigned |
//!
//! Each chunk is signed over the signature of the one before; the first over the seed, which is the signature of the
//! request (AWS: "Signature calculations for the Authorization header: transferring payload in multiple chunks", and
//! "… including trailing headers"). A seed comes from a request that was signed here
//! ([`SignedHeaders::chunk_seed`](crate::sigv4::header::SignedHeaders::chunk_seed)) or verified here
//! ([`Payload`](crate::sigv4::verify::Payload)), and from nowhere else.
//!
//! Neither direction holds a body. The encoder is shown one chunk at a time, since its signature stands before its
//! data; the decoder hands data through as it comes, before the signature at the end of its chunk has been checked:
//! that data is not to be believed until [`Decoder::finish`] has returned.
//!
//! ```
//! use gatepass_signing::sigv4::chunked::{Decoder, Encoder, Layout};
//!
//! let checksum = [("x-amz-checksum-crc32", "NhCmhg==")];
//! let mut encoder = Encoder::unsigned(Layout::of(5));
//! let announced = encoder.encoded_length(&[("x-amz-checksum-crc32", 8)]);
//! let mut encoded = encoder.next(b"hello")?.into_bytes();
//! encoded.extend_from_slice(b"hello");
//! encoded.extend_from_slice(encoder.finish(&checksum)?.as_bytes());
//! assert_eq!(encoded, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
//! assert_eq!(encoded.len() as u64, announced);
//!
//! let mut decoder = Decoder::unsigned(5);
//! let mut body = Vec::new();
//! for piece in encoded.chunks(7) {
//!     let mut rest = piece;
//!     while let Some(data) = decoder.next(&mut rest)? {
//!         body.extend_from_slice(data);
//!     }
//! }
//! let trailers = decoder.finish()?;
//! assert_eq!(body, b"hello");
//! assert_eq!(trailers.get("x-amz-checksum-crc32"), Some("NhCmhg=="));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chain;
mod decoder;
mod encoder;

pub use self::chain::{ChunkSeed, Trailer};
pub use self::decoder::{ChunkError, Decoder, Trailers};
pub use self::encoder::{EncodeError, Encoder, Layout};

/// The smallest chunk that may be followed by another.
pub const MIN_CHUNK_BYTES: u64 = 8 * 1024;
/// The longest line before a chunk: sixteen digits, the extension and a signature of SigV4a fit.
pub const MAX_CHUNK_HEADER_BYTES: usize = 192;
/// The longest line of a trailer.
pub const MAX_TRAILER_BYTES: usize = 1024;
/// The most trailers. SDKs send one.
pub const MAX_TRAILERS: usize = 8;

const CHUNK_EXTENSION: &str = ";chunk-signature=";
/// What `x-amz-content-sha256` says of chunks that are not signed.
pub(crate) const STREAMING_UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// What a trailer may be called, on both sides of the wire. Lower-case names compare as they are.
fn is_trailer_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What a trailer may say: text without controls.
fn is_trailer_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}
