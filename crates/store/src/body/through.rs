//! Reading an object through, for a checksum it does not have yet.

use std::io::{self, Read};

use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumHasher};

use crate::blobs::Blobs;
use crate::index::{Piece, Source};

const BUFFER_BYTES: usize = 256 * 1024;

/// The checksum of all the pieces together. The caller has pinned them. Blocks.
pub(crate) fn checksum_of_pieces(
    blobs: &Blobs,
    pieces: &[Piece],
    algorithm: ChecksumAlgorithm,
) -> io::Result<Checksum> {
    let mut hasher = ChecksumHasher::new(algorithm);
    let mut buffer = vec![0; BUFFER_BYTES];
    for piece in pieces {
        match &piece.source {
            Source::Memory(bytes) => hasher.update(bytes),
            Source::Blob(id) => {
                let mut file = blobs.open_blob(*id)?;
                loop {
                    match file.read(&mut buffer) {
                        Ok(0) => break,
                        Ok(read) => hasher.update(&buffer[..read]),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }
    Ok(hasher.finish())
}
