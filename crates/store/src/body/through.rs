//! Reading an object through: for digests that it does not have yet, or to copy bytes of it.

use std::io;
use std::sync::Arc;

use gatepass_protocol::s3::checksum::{BodyIntegrity, Checksum, ChecksumAlgorithm, ChecksumHasher, Md5Hasher};
use gatepass_protocol::s3::error::S3Error;

use super::receive::{Length, Plan, Received, Wire};
use super::sink::Sink;
use crate::blobs::{Blobs, Wait};
use crate::index::{Piece, Source};
use crate::space::Room;

const BUFFER_BYTES: usize = 256 * 1024;

/// A stretch of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// MD5 and checksum of all the pieces together. The caller has pinned them. Blocks.
pub(crate) fn digests_of_pieces(
    blobs: &Blobs,
    pieces: &[Piece],
    algorithm: ChecksumAlgorithm,
) -> io::Result<([u8; 16], Checksum)> {
    let mut md5 = Md5Hasher::new();
    let mut checksum = ChecksumHasher::new(algorithm);
    let length = pieces.iter().map(|piece| piece.size).sum();
    read_through(blobs, pieces, Stretch { offset: 0, length }, |bytes| {
        md5.update(bytes);
        checksum.update(bytes);
        Ok::<_, io::Error>(())
    })?;
    Ok((md5.finish(), checksum.finish()))
}

/// A body of its own with the bytes of a stretch. The caller has pinned the pieces, and asked for room. Blocks.
pub(crate) fn copy_of_stretch(
    blobs: &Arc<Blobs>,
    pieces: &[Piece],
    stretch: Stretch,
    stored: ChecksumAlgorithm,
    room: Room,
) -> Result<Received, S3Error> {
    let (length, integrity) = (Length::Exactly(stretch.length), BodyIntegrity::default());
    let plan = Plan { length, wire: Wire::Plain, sha256: None, integrity, stored };
    let mut sink = Sink::new(plan, Arc::clone(blobs), room);
    read_through(blobs, pieces, stretch, |bytes| sink.take(bytes))?;
    Ok(sink.finish()?)
}

fn read_through<E: From<io::Error>>(
    blobs: &Blobs,
    pieces: &[Piece],
    stretch: Stretch,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let too_short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let Stretch { offset: mut skip, length: mut left } = stretch;
    for piece in pieces {
        if skip >= piece.size {
            skip -= piece.size;
            continue;
        }
        let wanted = left.min(piece.size - skip);
        if wanted == 0 {
            break;
        }
        match &piece.source {
            Source::Memory(bytes) => {
                let wanted = usize::try_from(skip).ok().zip(usize::try_from(wanted).ok());
                let bytes = wanted.and_then(|(skip, wanted)| bytes.get(skip..skip + wanted));
                take(bytes.ok_or_else(too_short)?)?;
            }
            Source::Blob(id) => {
                let mut blob = blobs.open_blob(*id, piece.size)?;
                for at in (skip..skip + wanted).step_by(BUFFER_BYTES) {
                    let unread = skip + wanted - at;
                    let length = usize::try_from(unread).map_or(BUFFER_BYTES, |unread| unread.min(BUFFER_BYTES));
                    take(&blob.read(at, length, Wait::AsLongAsItTakes)?.ok_or_else(too_short)?)?;
                }
            }
        }
        left -= wanted;
        skip = 0;
    }
    if left > 0 { Err(too_short().into()) } else { Ok(()) }
}
