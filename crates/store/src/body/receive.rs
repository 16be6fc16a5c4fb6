//! Receiving the content of an object: from the socket on the reactor, to the disk off it.

use std::sync::Arc;

use bytes::Bytes;
use gatepass_protocol::s3::checksum::{BodyIntegrity, Checksum, ChecksumAlgorithm, DeclaredChecksum};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::post_form::FileReader;
use gatepass_signing::post_policy::SizeRange;
use gatepass_signing::sigv4::chunked::{Decoder, Trailer};
use gatepass_signing::sigv4::verify::Payload;
use hyper::body::Incoming;
use tokio::task::JoinHandle;

use super::pieces::Pieces;
use super::sink::{Fault, Sink};
use crate::arrival::{Arrival, Framing, number};
use crate::blobs::Blobs;
use crate::index::{NewBody, SMALL_BODY_BYTES};

/// The largest body of one PutObject or UploadPart ("Uploading objects", Amazon S3 User Guide).
pub const CONTENT_MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// How much is received before it is handed to the disk. Two such batches are in memory at most: one
/// that is received, one that is written.
pub(crate) const BATCH_BYTES: usize = 256 * 1024;

/// How the content of an object comes, and what must be true of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) length: Length,
    pub(super) wire: Wire,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) integrity: BodyIntegrity,
    pub(super) stored: ChecksumAlgorithm,
}

/// How many bytes content may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    /// As many as were declared.
    Exactly(u64),
    /// As a form's policy says, of whose file nobody declares the length; and how many can come at most.
    Within(SizeRange, u64),
}

impl Length {
    /// How many there may be, as far as that is known.
    fn most(self) -> u64 {
        match self {
            Self::Exactly(length) => length,
            Self::Within(range, can_come) => range.max().min(can_come),
        }
    }

    pub(super) fn check_so_far(self, received: u64) -> Result<(), S3Error> {
        match self {
            Self::Exactly(length) if received > length => Err(S3Error::incomplete_body()),
            Self::Exactly(_) => Ok(()),
            Self::Within(range, _) => Ok(range.check_so_far(received)?),
        }
    }

    pub(super) fn check(self, received: u64) -> Result<(), S3Error> {
        match self {
            Self::Exactly(length) if received != length => Err(S3Error::incomplete_body()),
            Self::Exactly(_) => Ok(()),
            Self::Within(range, _) => Ok(range.check(received)?),
        }
    }
}

/// How content is wrapped on its way.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for a request, and it moves a few times")]
pub(super) enum Wire {
    Plain,
    Chunked(Decoder),
    Form(FileReader),
}

/// Content that is complete, checked and durable, and that nothing names yet.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) body: NewBody,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    /// In the algorithm that was asked to be stored.
    pub(crate) checksum: Checksum,
}

impl Plan {
    /// Reads the length, from the head alone, so that too much is refused before it is sent.
    pub(crate) fn new(
        arrival: &Arrival,
        payload: &Payload,
        integrity: BodyIntegrity,
        stored: ChecksumAlgorithm,
    ) -> Result<Self, S3Error> {
        let decoded = arrival.header("x-amz-decoded-content-length").map(number);
        let length = match (payload, decoded, arrival.framing) {
            (Payload::StreamingSigned(_) | Payload::StreamingUnsignedTrailer, Some(Some(decoded)), _) => decoded,
            (Payload::Unsigned | Payload::Sha256(_), _, Framing::Length(length)) => length,
            _ => return Err(S3Error::missing_content_length()),
        };
        if length > CONTENT_MAX_BYTES {
            return Err(S3Error::entity_too_large(length, CONTENT_MAX_BYTES));
        }
        if has_trailer(payload) && !matches!(integrity.checksum, Some(DeclaredChecksum::Trailer(_))) {
            // A checksum that nobody announced is one that nobody computes.
            return Err(S3Error::invalid_request("The value specified in the x-amz-trailer header is not supported"));
        }
        let sha256 = match payload {
            Payload::Sha256(digest) => Some(*digest),
            _ => None,
        };
        let wire = payload.decoder(length).map_or(Wire::Plain, Wire::Chunked);
        Ok(Self { length: Length::Exactly(length), wire, sha256, integrity, stored })
    }
}

fn has_trailer(payload: &Payload) -> bool {
    match payload {
        Payload::StreamingUnsignedTrailer => true,
        Payload::StreamingSigned(seed) => seed.trailer() == Trailer::Signed,
        Payload::Unsigned | Payload::Sha256(_) => false,
    }
}

/// Receives the content. When this fails, or is dropped, nothing of it stays.
pub(crate) async fn receive(incoming: &mut Incoming, plan: Plan, blobs: &Arc<Blobs>) -> Result<Received, S3Error> {
    receive_pieces(Pieces::of(incoming), Bytes::new(), plan, blobs).await
}

/// The same, where the `first` piece has been read already.
pub(super) async fn receive_pieces(
    mut pieces: Pieces<'_, Incoming>,
    first: Bytes,
    plan: Plan,
    blobs: &Arc<Blobs>,
) -> Result<Received, S3Error> {
    let room = blobs.room_for(plan.length.most())?;
    let mut pipe = Pipe { idle: Some(Sink::new(plan, Arc::clone(blobs), room)), writing: None };
    let mut batched = first.len();
    let mut batch = vec![first];
    while let Some(piece) = pieces.next().await? {
        batched += piece.len();
        batch.push(piece);
        if batched >= BATCH_BYTES {
            pipe.write(std::mem::take(&mut batch)).await?;
            batched = 0;
        }
    }
    let mut sink = pipe.sink().await?;
    if sink.is_in_memory() && batched <= SMALL_BODY_BYTES {
        batch.iter().try_for_each(|piece| sink.take(piece))?;
        if sink.is_in_memory() {
            return Ok(sink.finish()?);
        }
        batch.clear();
    }
    let finished = tokio::task::spawn_blocking(move || {
        batch.iter().try_for_each(|piece| sink.take(piece))?;
        sink.finish()
    });
    Ok(joined(finished).await?)
}

/// A sink that works off the reactor while the next batch arrives.
struct Pipe {
    idle: Option<Sink>,
    writing: Option<JoinHandle<Result<Sink, Fault>>>,
}

impl Pipe {
    async fn write(&mut self, batch: Vec<Bytes>) -> Result<(), S3Error> {
        let mut sink = self.sink().await?;
        self.writing = Some(tokio::task::spawn_blocking(move || {
            batch.iter().try_for_each(|piece| sink.take(piece))?;
            Ok(sink)
        }));
        Ok(())
    }

    /// The sink, once it has written what it was given.
    async fn sink(&mut self) -> Result<Sink, S3Error> {
        match (self.idle.take(), self.writing.take()) {
            (Some(sink), _) => Ok(sink),
            (None, Some(writing)) => Ok(joined(writing).await?),
            (None, None) => Err(S3Error::internal()),
        }
    }
}

async fn joined<T>(task: JoinHandle<Result<T, Fault>>) -> Result<T, Fault> {
    task.await.unwrap_or_else(|error| Err(Fault::Io(std::io::Error::other(error))))
}
