//! Reading an object through, for a checksum it does not have yet.

use std::io;

use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumHasher};

use crate::blobs::{Blobs, Wait};
use crate::index::{Piece, Source};

const BUFFER_BYTES: usize = 256 * 1024;

/// The checksum of all the pieces together. The caller has pinned them. Blocks.
pub(crate) fn checksum_of_pieces(
    blobs: &Blobs,
    pieces: &[Piece],
    algorithm: ChecksumAlgorithm,
) -> io::Result<Checksum> {
    let mut hasher = ChecksumHasher::new(algorithm);
    for piece in pieces {
        match &piece.source {
            Source::Memory(bytes) => hasher.update(bytes),
            Source::Blob(id) => {
                let mut blob = blobs.open_blob(*id, piece.size)?;
                for offset in (0..piece.size).step_by(BUFFER_BYTES) {
                    let length =
                        usize::try_from(piece.size - offset).map_or(BUFFER_BYTES, |left| left.min(BUFFER_BYTES));
                    if let Some(bytes) = blob.read(offset, length, Wait::AsLongAsItTakes)? {
                        hasher.update(&bytes);
                    }
                }
            }
        }
    }
    Ok(hasher.finish())
}
