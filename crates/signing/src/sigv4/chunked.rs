//! Decoding `aws-chunked` bodies piece by piece, checking signatures along the chain.
//!
//! Each chunk is signed over the signature of the one before; the first over the seed, which is the signature of the
//! request (AWS: "Signature calculations for the Authorization header: transferring payload in multiple chunks").
//! Data passes through as it comes, before the signature at the end of its chunk has been checked: it is not to be
//! believed until [`Decoder::finish`] has returned.
//!
//! ```
//! use gatepass_signing::sigv4::chunked::Decoder;
//!
//! let mut decoder = Decoder::unsigned(5);
//! let mut body = Vec::new();
//! for piece in [&b"5\r\nhe"[..], b"llo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"] {
//!     let mut rest = piece;
//!     while let Some(data) = decoder.next(&mut rest).unwrap() {
//!         body.extend_from_slice(data);
//!     }
//! }
//! let trailers = decoder.finish().unwrap();
//! assert_eq!(body, b"hello");
//! assert_eq!(trailers.get("x-amz-checksum-crc32"), Some("NhCmhg=="));
//! ```

use std::fmt;

use sha2::{Digest, Sha256};

use crate::encode;
use crate::sigv4::key::{Signature, SigningKey};
use crate::sigv4::scope::Scope;
use crate::time::AmzDate;

/// The smallest chunk that may be followed by another.
pub const MIN_CHUNK_BYTES: u64 = 8 * 1024;
/// The longest line before a chunk: sixteen digits, the extension and a signature fit.
pub const MAX_CHUNK_HEADER_BYTES: usize = 128;
/// The longest line of a trailer.
pub const MAX_TRAILER_BYTES: usize = 1024;
/// The most trailers. SDKs send one.
pub const MAX_TRAILERS: usize = 8;

const CHUNK_EXTENSION: &str = ";chunk-signature=";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";
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

/// Where a chain of signed chunks begins. Only a verified request has one.
#[derive(Clone)]
pub struct ChunkSeed {
    key: SigningKey,
    /// `\n` date `\n` scope `\n`, which every string to sign repeats.
    context: String,
    signature: Signature,
    trailer: Trailer,
}

impl ChunkSeed {
    pub(crate) fn new(
        key: SigningKey,
        signed_at: AmzDate,
        scope: &Scope,
        signature: Signature,
        trailer: Trailer,
    ) -> Self {
        Self { key, context: format!("\n{signed_at}\n{scope}\n"), signature, trailer }
    }

    /// Whether a signed trailer follows.
    #[must_use]
    pub fn trailer(&self) -> Trailer {
        self.trailer
    }

    fn expect_chunk(&mut self, sha256: &[u8; 32]) -> Signature {
        let previous = self.signature.hex();
        let digest = encode::hex_of_32(sha256);
        let parts: [&[u8]; 7] =
            [b"AWS4-HMAC-SHA256-PAYLOAD", self.context.as_bytes(), &previous, b"\n", EMPTY_SHA256, b"\n", &digest];
        self.signature = self.key.sign(&parts);
        self.signature.clone()
    }

    fn expect_trailer(&self, sha256: &[u8; 32]) -> Signature {
        let previous = self.signature.hex();
        let digest = encode::hex_of_32(sha256);
        self.key.sign(&[b"AWS4-HMAC-SHA256-TRAILER", self.context.as_bytes(), &previous, b"\n", &digest])
    }
}

impl fmt::Debug for ChunkSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkSeed").field("trailer", &self.trailer).finish_non_exhaustive()
    }
}

/// The trailers of a body: lower-case names, trimmed values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers(Vec<(String, String)>);

impl Trailers {
    /// The value of a trailer, by its lower-case name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// All trailers in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The line before a chunk is not `size;chunk-signature=…`, or not `size` where chunks are unsigned.
    #[error("the header of a chunk is malformed")]
    HeaderMalformed,
    /// A chunk does not end in CRLF.
    #[error("a chunk does not end where its size says")]
    EndMalformed,
    /// A chunk below [`MIN_CHUNK_BYTES`] was followed by another.
    #[error("chunk {chunk} has {bytes} bytes; only the last may have less than {min}", min = MIN_CHUNK_BYTES)]
    ChunkTooSmall {
        /// Counted from one.
        chunk: u64,
        /// Its size.
        bytes: u64,
    },
    /// The signature of a chunk or of the trailer is another.
    #[error("the signature of a chunk does not match")]
    SignatureMismatch,
    /// The body is longer or shorter than `x-amz-decoded-content-length`, or it ends early.
    #[error("the body does not have the length that was announced")]
    LengthMismatch,
    /// A trailer is not `name:value`, is repeated, too long, one too many, or not signed where it must be.
    #[error("the trailer is malformed")]
    TrailerMalformed,
    /// Something follows the end.
    #[error("something follows the end of the body")]
    AfterEnd,
}

/// An incremental decoder: push pieces of the encoded body into [`next`](Self::next), take data out, then
/// [`finish`](Self::finish). It holds back at most one line.
#[derive(Debug)]
pub struct Decoder {
    seed: Option<ChunkSeed>,
    decoded_length: u64,
    decoded: u64,
    state: State,
    line: Vec<u8>,
    chunks: u64,
    last_chunk_bytes: u64,
    chunk_signature: Option<Signature>,
    chunk_hash: Sha256,
    trailers: Trailers,
    trailer_hash: Sha256,
    trailer_signed: bool,
    failed: Option<ChunkError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ChunkHeader,
    Data {
        left: u64,
    },
    /// The CRLF after the data of a chunk.
    ChunkEnd,
    TrailerLine,
    /// The CRLF after the last chunk of a body without trailers.
    BodyEnd,
    Done,
}

impl Decoder {
    /// A body of signed chunks. `decoded_length` is `x-amz-decoded-content-length`.
    #[must_use]
    pub fn signed(seed: ChunkSeed, decoded_length: u64) -> Self {
        Self::new(Some(seed), decoded_length)
    }

    /// A body of unsigned chunks with a trailer.
    #[must_use]
    pub fn unsigned(decoded_length: u64) -> Self {
        Self::new(None, decoded_length)
    }

    fn new(seed: Option<ChunkSeed>, decoded_length: u64) -> Self {
        Self {
            seed,
            decoded_length,
            decoded: 0,
            state: State::ChunkHeader,
            line: Vec::with_capacity(MAX_CHUNK_HEADER_BYTES),
            chunks: 0,
            last_chunk_bytes: MIN_CHUNK_BYTES,
            chunk_signature: None,
            chunk_hash: Sha256::new(),
            trailers: Trailers::default(),
            trailer_hash: Sha256::new(),
            trailer_signed: false,
            failed: None,
        }
    }

    /// Takes from the front of `input`. Returns data as soon as there is some, and `None` once `input` is used up.
    /// After an error, the same error again and again.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<&'i [u8]>, ChunkError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.step(input).inspect_err(|error| self.failed = Some(*error))
    }

    /// The end of the input. Everything that [`next`](Self::next) returned is to be believed only if this succeeds.
    pub fn finish(self) -> Result<Trailers, ChunkError> {
        match self.failed {
            Some(error) => Err(error),
            None if self.state == State::Done => Ok(self.trailers),
            None => Err(ChunkError::LengthMismatch),
        }
    }

    fn step<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<&'i [u8]>, ChunkError> {
        while !input.is_empty() {
            match self.state {
                State::Data { left } => return Ok(Some(self.take_data(input, left))),
                State::ChunkHeader => {
                    if self.take_line(input, MAX_CHUNK_HEADER_BYTES, ChunkError::HeaderMalformed)? {
                        self.end_of_header()?;
                    }
                }
                State::ChunkEnd => {
                    if self.take_crlf(input)? {
                        self.check_chunk_signature()?;
                        self.state = State::ChunkHeader;
                    }
                }
                State::BodyEnd => {
                    if self.take_crlf(input)? {
                        self.state = State::Done;
                    }
                }
                State::TrailerLine => {
                    if self.take_line(input, MAX_TRAILER_BYTES, ChunkError::TrailerMalformed)? {
                        self.end_of_trailer_line()?;
                    }
                }
                State::Done => return Err(ChunkError::AfterEnd),
            }
        }
        Ok(None)
    }

    fn take_data<'i>(&mut self, input: &mut &'i [u8], left: u64) -> &'i [u8] {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let (data, rest) = input.split_at(length);
        *input = rest;
        if self.seed.is_some() {
            self.chunk_hash.update(data);
        }
        let left = left - length as u64;
        self.state = if left == 0 { State::ChunkEnd } else { State::Data { left } };
        data
    }

    /// Collects a line up to its LF; whether it is complete. The LF and a CR before it are dropped.
    fn take_line(&mut self, input: &mut &[u8], limit: usize, too_long: ChunkError) -> Result<bool, ChunkError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let (piece, rest) = input.split_at(end.unwrap_or(input.len()));
        if self.line.len() + piece.len() > limit {
            return Err(too_long);
        }
        self.line.extend_from_slice(piece);
        *input = rest.get(1..).unwrap_or_default();
        if end.is_some() && self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        Ok(end.is_some())
    }

    /// Collects CRLF; whether it is complete.
    fn take_crlf(&mut self, input: &mut &[u8]) -> Result<bool, ChunkError> {
        let wanted = if self.line.is_empty() { b'\r' } else { b'\n' };
        let (first, rest) = input.split_first().expect("the input is not empty here");
        if *first != wanted {
            return Err(ChunkError::EndMalformed);
        }
        *input = rest;
        if wanted == b'\r' {
            self.line.push(b'\r');
            return Ok(false);
        }
        self.line.clear();
        Ok(true)
    }

    fn end_of_header(&mut self) -> Result<(), ChunkError> {
        let (bytes, signature) = self.read_header()?;
        self.line.clear();
        if self.last_chunk_bytes < MIN_CHUNK_BYTES && bytes > 0 {
            return Err(ChunkError::ChunkTooSmall { chunk: self.chunks, bytes: self.last_chunk_bytes });
        }
        self.decoded = self.decoded.saturating_add(bytes);
        let complete = self.decoded == self.decoded_length;
        if self.decoded > self.decoded_length || (bytes == 0 && !complete) {
            return Err(ChunkError::LengthMismatch);
        }
        self.chunks += 1;
        self.last_chunk_bytes = bytes;
        self.chunk_signature = signature;
        if bytes > 0 {
            self.state = State::Data { left: bytes };
            return Ok(());
        }
        self.check_chunk_signature()?;
        self.state = match &self.seed {
            Some(seed) if seed.trailer == Trailer::Absent => State::BodyEnd,
            _ => State::TrailerLine,
        };
        Ok(())
    }

    fn read_header(&self) -> Result<(u64, Option<Signature>), ChunkError> {
        let line = std::str::from_utf8(&self.line).map_err(|_| ChunkError::HeaderMalformed)?;
        let (size, signature) = match (&self.seed, line.split_once(CHUNK_EXTENSION)) {
            (None, None) => (line, None),
            // A signature that is no 64 digits matches nothing.
            (Some(_), Some((size, signature))) => {
                (size, Some(Signature::parse(signature).ok_or(ChunkError::SignatureMismatch)?))
            }
            (None, Some(_)) | (Some(_), None) => return Err(ChunkError::HeaderMalformed),
        };
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChunkError::HeaderMalformed);
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| ChunkError::HeaderMalformed)?;
        Ok((size, signature))
    }

    fn check_chunk_signature(&mut self) -> Result<(), ChunkError> {
        let Some(seed) = &mut self.seed else { return Ok(()) };
        let expected = seed.expect_chunk(&self.chunk_hash.finalize_reset().into());
        match self.chunk_signature.take() {
            Some(provided) if provided.matches(&expected) => Ok(()),
            _ => Err(ChunkError::SignatureMismatch),
        }
    }

    fn end_of_trailer_line(&mut self) -> Result<(), ChunkError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            // minio-go puts an empty line between the trailers and their signature.
            self.state = if self.seed.is_none() || self.trailer_signed { State::Done } else { State::TrailerLine };
            return Ok(());
        }
        let line = std::str::from_utf8(&line).map_err(|_| ChunkError::TrailerMalformed)?;
        let (name, value) = line.split_once(':').ok_or(ChunkError::TrailerMalformed)?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim_ascii());
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_value = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !is_name || !is_value || self.trailer_signed {
            return Err(ChunkError::TrailerMalformed);
        }
        if name == TRAILER_SIGNATURE {
            return self.check_trailer_signature(value);
        }
        if self.trailers.0.len() == MAX_TRAILERS || self.trailers.get(&name).is_some() {
            return Err(ChunkError::TrailerMalformed);
        }
        // The LF after each trailer is part of what is signed, a CR is not.
        for part in [&name, ":", value, "\n"] {
            self.trailer_hash.update(part);
        }
        self.trailers.0.push((name, value.to_owned()));
        Ok(())
    }

    fn check_trailer_signature(&mut self, provided: &str) -> Result<(), ChunkError> {
        let Some(seed) = &self.seed else { return Err(ChunkError::TrailerMalformed) };
        let expected = seed.expect_trailer(&self.trailer_hash.finalize_reset().into());
        if !Signature::parse(provided).is_some_and(|provided| provided.matches(&expected)) {
            return Err(ChunkError::SignatureMismatch);
        }
        self.trailer_signed = true;
        Ok(())
    }
}
