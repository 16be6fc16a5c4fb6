//! Where the bytes of an upload go: decoded, hashed, and written, to memory while they are few.
//!
//! Synchronous: everything here works on bytes and files.

use std::io;
use std::sync::Arc;

use gatepass_protocol::s3::checksum::{
    BodyIntegrity, Checksum, ChecksumAlgorithm, ChecksumHasher, DeclaredChecksum, Md5Hasher,
};
use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::encode::hex;
use gatepass_signing::sigv4::chunked::{ChunkError, Trailers};
use sha2::{Digest, Sha256};

use super::receive::{Length, Wire};
use super::{Plan, Received};
use crate::blobs::{Blobs, Staging};
use crate::index::{NewBody, SMALL_BODY_BYTES};
use crate::shortage;
use crate::space::Room;

pub(super) struct Sink {
    wire: Wire,
    sha256: Option<(Sha256, [u8; 32])>,
    integrity: BodyIntegrity,
    stored: ChecksumAlgorithm,
    content: Content,
}

/// The content itself, after the encoding of its transfer.
struct Content {
    blobs: Arc<Blobs>,
    room: Room,
    length: Length,
    received: u64,
    md5: Md5Hasher,
    checksums: Vec<(ChecksumAlgorithm, ChecksumHasher)>,
    memory: Vec<u8>,
    staging: Option<Staging>,
}

/// Why a body is not stored.
#[derive(Debug)]
pub(super) enum Fault {
    Chunk(ChunkError),
    Io(io::Error),
    Refused(S3Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<S3Error> for Fault {
    fn from(error: S3Error) -> Self {
        Self::Refused(error)
    }
}

impl From<ChunkError> for Fault {
    fn from(error: ChunkError) -> Self {
        Self::Chunk(error)
    }
}

impl From<Fault> for S3Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(error) => error,
            Fault::Chunk(error) => error.into(),
            Fault::Io(error) => shortage::of(&error).unwrap_or_else(|| {
                tracing::error!(%error, "a body could not be written");
                Self::internal()
            }),
        }
    }
}

impl Sink {
    pub(super) fn new(plan: Plan, blobs: Arc<Blobs>, room: Room) -> Self {
        let Plan { length, wire, sha256, integrity, stored } = plan;
        let declared = integrity.checksum.as_ref().map(DeclaredChecksum::algorithm);
        let mut algorithms = vec![stored];
        algorithms.extend(declared.filter(|declared| *declared != stored));
        let checksums = algorithms.into_iter().map(|algorithm| (algorithm, ChecksumHasher::new(algorithm)));
        let content = Content {
            blobs,
            room,
            length,
            received: 0,
            md5: Md5Hasher::new(),
            checksums: checksums.collect(),
            memory: Vec::new(),
            staging: None,
        };
        Self { wire, sha256: sha256.map(|expected| (Sha256::new(), expected)), integrity, stored, content }
    }

    /// Takes the next bytes as they came over the wire.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        if let Some((sha256, _)) = &mut self.sha256 {
            sha256.update(bytes);
        }
        match &mut self.wire {
            Wire::Plain => return self.content.take(bytes),
            Wire::Chunked(decoder) => {
                while let Some(data) = decoder.next(&mut bytes)? {
                    self.content.take(data)?;
                }
            }
            Wire::Form(file) => {
                while let Some(data) = file.next(&mut bytes)? {
                    self.content.take(data)?;
                }
            }
        }
        Ok(())
    }

    /// Checks everything that was declared, then makes the body durable.
    pub(super) fn finish(self) -> Result<Received, Fault> {
        let Self { wire, sha256, integrity, stored, content } = self;
        let trailers = match wire {
            Wire::Plain => Trailers::default(),
            Wire::Chunked(decoder) => decoder.finish()?,
            Wire::Form(file) => {
                file.finish()?;
                Trailers::default()
            }
        };
        refuse_unannounced(&trailers, integrity.checksum.as_ref())?;
        content.length.check(content.received)?;
        if let Some((sha256, declared)) = sha256 {
            let computed: [u8; 32] = sha256.finalize().into();
            if computed != declared {
                return Err(S3Error::content_sha256_mismatch(&hex(&declared), &hex(&computed)).into());
            }
        }
        let md5 = content.md5.finish();
        integrity.check_md5(&md5)?;
        let checksums: Vec<Checksum> = content.checksums.into_iter().map(|(_, hasher)| hasher.finish()).collect();
        let computed = |algorithm: ChecksumAlgorithm| {
            let found = checksums.iter().find(|checksum| checksum.algorithm() == algorithm);
            found.expect("every algorithm that is asked for here is computed")
        };
        if let Some(declared) = &integrity.checksum {
            declared.check(computed(declared.algorithm()), |name| trailers.get(name))?;
        }
        let checksum = computed(stored).clone();
        let body = match content.staging {
            None => NewBody::Small(content.memory),
            Some(staging) => NewBody::Blob(staging.persist()?),
        };
        Ok(Received { body, size: content.received, md5, checksum })
    }

    /// Whether [`finish`](Self::finish) touches no disk.
    pub(super) fn is_in_memory(&self) -> bool {
        self.content.staging.is_none()
    }
}

/// A trailer holds what `x-amz-trailer` announced, once, and nothing else: what it says besides
/// would be stored unverified.
fn refuse_unannounced(trailers: &Trailers, declared: Option<&DeclaredChecksum>) -> Result<(), S3Error> {
    let announced = match declared {
        Some(DeclaredChecksum::Trailer(algorithm)) => Some(algorithm.header()),
        Some(DeclaredChecksum::Value(_)) | None => None,
    };
    let mut others = trailers.iter().map(|(name, _)| name);
    match (others.next(), others.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if Some(one) == announced => Ok(()),
        _ => Err(S3Error::malformed_trailer()),
    }
}

impl Content {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.received += bytes.len() as u64;
        self.length.check_so_far(self.received)?;
        self.md5.update(bytes);
        for (_, hasher) in &mut self.checksums {
            hasher.update(bytes);
        }
        if let Some(staging) = &mut self.staging {
            staging.write(bytes)?;
            self.room.written(bytes.len() as u64);
            return Ok(());
        }
        if self.memory.len() + bytes.len() <= SMALL_BODY_BYTES {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let mut staging = self.blobs.stage()?;
        staging.write(&self.memory)?;
        staging.write(bytes)?;
        self.room.written((self.memory.len() + bytes.len()) as u64);
        self.memory = Vec::new();
        self.staging = Some(staging);
        Ok(())
    }
}
