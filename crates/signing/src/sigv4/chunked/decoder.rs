//! The decoder: it hands data through as it comes, and checks each signature at the end of its chunk.

use sha2::{Digest, Sha256};

use super::{
    CHUNK_EXTENSION, ChunkSeed, MAX_CHUNK_HEADER_BYTES, MAX_TRAILER_BYTES, MAX_TRAILERS, MIN_CHUNK_BYTES,
    TRAILER_SIGNATURE, Trailer, is_trailer_name, is_trailer_value,
};

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
    /// The line before a chunk is not `size;chunk-signature=…`, or not `size` where chunks are unsigned, or does not end
    /// in CRLF.
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
    chunk_signature: String,
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
    /// The signature of the trailers, after an empty line.
    TrailerSignature,
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
            chunk_signature: String::new(),
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
                        // No client ends it otherwise, and a line that ends in two ways is read in two ways.
                        if self.line.pop() != Some(b'\r') {
                            return Err(ChunkError::HeaderMalformed);
                        }
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
                State::TrailerLine | State::TrailerSignature => {
                    if self.take_line(input, MAX_TRAILER_BYTES, ChunkError::TrailerMalformed)? {
                        // AWS's own examples end a trailer with an LF alone, or with an LF before the CRLF.
                        if self.line.last() == Some(&b'\r') {
                            self.line.pop();
                        }
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

    /// Collects a line up to its LF; whether it is complete. The LF is dropped, and a CR before it is kept.
    fn take_line(&mut self, input: &mut &[u8], limit: usize, too_long: ChunkError) -> Result<bool, ChunkError> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let (piece, rest) = input.split_at(end.unwrap_or(input.len()));
        if self.line.len() + piece.len() > limit {
            return Err(too_long);
        }
        self.line.extend_from_slice(piece);
        *input = rest.get(1..).unwrap_or_default();
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
        let bytes = self.read_header()?;
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
        if bytes > 0 {
            self.state = State::Data { left: bytes };
            return Ok(());
        }
        self.check_chunk_signature()?;
        self.state = match &self.seed {
            Some(seed) if seed.trailer() == Trailer::Absent => State::BodyEnd,
            _ => State::TrailerLine,
        };
        Ok(())
    }

    /// The size of the chunk that begins; its signature is kept for when its data has passed.
    fn read_header(&mut self) -> Result<u64, ChunkError> {
        let line = std::str::from_utf8(&self.line).map_err(|_| ChunkError::HeaderMalformed)?;
        let size = match (&self.seed, line.split_once(CHUNK_EXTENSION)) {
            (None, None) => line,
            (Some(_), Some((size, signature))) => {
                self.chunk_signature.clear();
                self.chunk_signature.push_str(signature);
                size
            }
            (None, Some(_)) | (Some(_), None) => return Err(ChunkError::HeaderMalformed),
        };
        if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ChunkError::HeaderMalformed);
        }
        u64::from_str_radix(size, 16).map_err(|_| ChunkError::HeaderMalformed)
    }

    fn check_chunk_signature(&mut self) -> Result<(), ChunkError> {
        let Some(seed) = &mut self.seed else { return Ok(()) };
        let digest = self.chunk_hash.finalize_reset().into();
        if seed.check_chunk(&self.chunk_signature, &digest) { Ok(()) } else { Err(ChunkError::SignatureMismatch) }
    }

    fn end_of_trailer_line(&mut self) -> Result<(), ChunkError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.state = match self.state {
                _ if self.seed.is_none() || self.trailer_signed => State::Done,
                // A second one would be the first of as many as somebody cares to send.
                State::TrailerSignature => return Err(ChunkError::TrailerMalformed),
                // minio-go puts an empty line between the trailers and their signature.
                _ => State::TrailerSignature,
            };
            return Ok(());
        }
        let line = std::str::from_utf8(&line).map_err(|_| ChunkError::TrailerMalformed)?;
        let (name, value) = line.split_once(':').ok_or(ChunkError::TrailerMalformed)?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim_ascii());
        if !is_trailer_name(&name) || !is_trailer_value(value) || self.trailer_signed {
            return Err(ChunkError::TrailerMalformed);
        }
        if name == TRAILER_SIGNATURE {
            return self.check_trailer_signature(value);
        }
        let ended = self.state == State::TrailerSignature;
        if ended || self.trailers.0.len() == MAX_TRAILERS || self.trailers.get(&name).is_some() {
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
        if !seed.check_trailer(provided, &self.trailer_hash.finalize_reset().into()) {
            return Err(ChunkError::SignatureMismatch);
        }
        self.trailer_signed = true;
        Ok(())
    }
}
