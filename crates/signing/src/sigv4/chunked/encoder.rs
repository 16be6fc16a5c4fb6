//! The encoder: it makes what stands before, between and after the chunks, and leaves the data to its owner.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{
    CHUNK_EXTENSION, ChunkSeed, MAX_TRAILER_BYTES, MAX_TRAILERS, MIN_CHUNK_BYTES, TRAILER_SIGNATURE, Trailer,
    is_trailer_name, is_trailer_value,
};

/// The bytes of a line's end.
const CRLF: u64 = 2;

/// How a body is cut: into chunks of one size, the last of which may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    decoded_length: u64,
    chunk_bytes: u64,
}

impl Layout {
    /// What the AWS SDKs cut: 64 KiB.
    pub const CHUNK_BYTES: u64 = 64 * 1024;

    /// A body of `decoded_length` bytes in chunks of [`CHUNK_BYTES`](Self::CHUNK_BYTES). The length is what
    /// `x-amz-decoded-content-length` announces.
    #[must_use]
    pub fn of(decoded_length: u64) -> Self {
        Self { decoded_length, chunk_bytes: Self::CHUNK_BYTES }
    }

    /// Chunks of another size, at least [`MIN_CHUNK_BYTES`]: S3 refuses a smaller one that is not the last.
    pub fn in_chunks_of(self, chunk_bytes: u64) -> Result<Self, EncodeError> {
        if chunk_bytes < MIN_CHUNK_BYTES {
            return Err(EncodeError::ChunkTooSmall { bytes: chunk_bytes });
        }
        Ok(Self { chunk_bytes, ..self })
    }

    /// The bytes of data, for `x-amz-decoded-content-length`.
    #[must_use]
    pub fn decoded_length(self) -> u64 {
        self.decoded_length
    }

    /// The bytes of every chunk but the last.
    #[must_use]
    pub fn chunk_bytes(self) -> u64 {
        self.chunk_bytes
    }
}

/// Encodes a body: for each chunk in order [`next`](Self::next) and then the data itself, at the end
/// [`finish`](Self::finish).
///
/// ```text
/// next(first)      "10000;chunk-signature=…\r\n"          then the first 64 KiB
/// next(second)     "\r\n400;chunk-signature=…\r\n"        then the remaining 1,024 bytes
/// finish(trailers) "\r\n0;chunk-signature=…\r\n" …
/// ```
#[derive(Debug)]
pub struct Encoder {
    seed: Option<ChunkSeed>,
    layout: Layout,
    left: u64,
    begun: bool,
}

impl Encoder {
    /// Signed chunks, from the seed of a request that [`header::sign`](crate::sigv4::header::sign) signed.
    #[must_use]
    pub fn signed(seed: ChunkSeed, layout: Layout) -> Self {
        Self { seed: Some(seed), layout, left: layout.decoded_length, begun: false }
    }

    /// Unsigned chunks with a trailer: `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    #[must_use]
    pub fn unsigned(layout: Layout) -> Self {
        Self { seed: None, layout, left: layout.decoded_length, begun: false }
    }

    /// The bytes of the whole encoded body, for `Content-Length`, from the names of its trailers and the lengths of
    /// their values. It is the same before and after encoding has begun.
    #[must_use]
    pub fn encoded_length(&self, trailers: &[(&str, usize)]) -> u64 {
        let Layout { decoded_length, chunk_bytes } = self.layout;
        let (whole, rest) = (decoded_length / chunk_bytes, decoded_length % chunk_bytes);
        let framing = |bytes: u64| if bytes == 0 { 0 } else { self.head_length(bytes) + CRLF };
        let trailers = trailers.iter().map(|(name, value_length)| (name.len() + 1 + value_length) as u64 + CRLF);
        let signature = match &self.seed {
            Some(seed) if seed.trailer() == Trailer::Signed => {
                (TRAILER_SIGNATURE.len() + 1 + seed.signature_length()) as u64 + CRLF
            }
            _ => 0,
        };
        let ending = framing(rest) + self.head_length(0) + trailers.sum::<u64>() + signature + CRLF;
        // A body that long cannot be sent; its length need not be right, only not small.
        whole.saturating_mul(framing(chunk_bytes)).saturating_add(decoded_length).saturating_add(ending)
    }

    /// How many bytes the next chunk must have; zero when none is left.
    #[must_use]
    pub fn next_chunk_bytes(&self) -> u64 {
        self.left.min(self.layout.chunk_bytes)
    }

    /// What stands before the data of the next chunk, which is exactly
    /// [`next_chunk_bytes`](Self::next_chunk_bytes) long.
    pub fn next(&mut self, chunk: &[u8]) -> Result<String, EncodeError> {
        let digest = if self.seed.is_some() { Sha256::digest(chunk).into() } else { [0; 32] };
        self.next_digested(chunk.len() as u64, &digest)
    }

    /// As [`next`](Self::next), for data that was hashed elsewhere, in pieces or on its way from a file. Unsigned
    /// chunks make nothing of the digest.
    pub fn next_digested(&mut self, bytes: u64, sha256: &[u8; 32]) -> Result<String, EncodeError> {
        if bytes == 0 || bytes != self.next_chunk_bytes() {
            return Err(EncodeError::ChunkLength { expected: self.next_chunk_bytes(), bytes });
        }
        self.left -= bytes;
        Ok(self.head(bytes, sha256))
    }

    /// What follows the data of the last chunk: the empty chunk, and the trailers with their signature. Names are
    /// written in lower case. Only [`Trailer::Absent`] takes none.
    pub fn finish(mut self, trailers: &[(&str, &str)]) -> Result<String, EncodeError> {
        if self.left > 0 {
            return Err(EncodeError::Unfinished { left: self.left });
        }
        let kind = self.seed.as_ref().map(ChunkSeed::trailer);
        if kind == Some(Trailer::Absent) && !trailers.is_empty() {
            return Err(EncodeError::TrailerUnannounced);
        }
        let mut out = self.head(0, &Sha256::digest(b"").into());
        let mut hash = Sha256::new();
        for line in trailer_lines(trailers)? {
            hash.update(&line);
            hash.update("\n");
            out.push_str(&line);
            out.push_str("\r\n");
        }
        if let (Some(seed), Some(Trailer::Signed)) = (&self.seed, kind) {
            let signature = seed.sign_trailer(&hash.finalize().into());
            write!(out, "{TRAILER_SIGNATURE}:{signature}\r\n").expect("writing to a String cannot fail");
        }
        out.push_str("\r\n");
        Ok(out)
    }

    /// The line before a chunk, after the end of the one before it.
    fn head(&mut self, bytes: u64, sha256: &[u8; 32]) -> String {
        let end_of_previous = if std::mem::replace(&mut self.begun, true) { "\r\n" } else { "" };
        match &mut self.seed {
            None => format!("{end_of_previous}{bytes:x}\r\n"),
            Some(seed) => format!("{end_of_previous}{bytes:x}{CHUNK_EXTENSION}{}\r\n", seed.sign_chunk(sha256)),
        }
    }

    fn head_length(&self, bytes: u64) -> u64 {
        let digits = if bytes == 0 { 1 } else { u64::from(16 - bytes.leading_zeros() / 4) };
        let extension = self.seed.as_ref().map_or(0, |seed| CHUNK_EXTENSION.len() + seed.signature_length());
        digits + extension as u64 + CRLF
    }
}

/// `name:value` of each, within what the decoder takes.
fn trailer_lines(trailers: &[(&str, &str)]) -> Result<Vec<String>, EncodeError> {
    let mut lines: Vec<String> = Vec::with_capacity(trailers.len());
    for (name, value) in trailers {
        let line = format!("{}:{value}", name.to_ascii_lowercase());
        let clean = is_trailer_name(name) && is_trailer_value(value) && value.trim_ascii() == *value;
        let repeated = lines.iter().any(|other| other.split(':').next() == line.split(':').next());
        // One byte of the line is for the CR that ends it.
        let fits = line.len() < MAX_TRAILER_BYTES && lines.len() < MAX_TRAILERS;
        if !clean || repeated || !fits || line.starts_with(TRAILER_SIGNATURE) {
            return Err(EncodeError::Trailer);
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Why a body cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Chunks below [`MIN_CHUNK_BYTES`], which S3 takes only at the end.
    #[error("chunks of {bytes} bytes; S3 takes no less than {min}", min = MIN_CHUNK_BYTES)]
    ChunkTooSmall {
        /// What was asked for.
        bytes: u64,
    },
    /// A chunk of another size than the layout says.
    #[error("a chunk of {bytes} bytes where one of {expected} is due")]
    ChunkLength {
        /// What the layout says; zero at the end.
        expected: u64,
        /// What came.
        bytes: u64,
    },
    /// The body is shorter than was announced.
    #[error("{left} bytes of the body are missing")]
    Unfinished {
        /// What is missing.
        left: u64,
    },
    /// Trailers after a body that was announced without.
    #[error("a body that was signed without a trailer cannot have one")]
    TrailerUnannounced,
    /// A trailer whose name or value no receiver takes, that is repeated, or one too many.
    #[error("the trailer is malformed")]
    Trailer,
}
