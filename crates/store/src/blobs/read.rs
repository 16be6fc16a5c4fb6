//! Reading a blob: no byte leaves before the block around it has been compared with its sum.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use rustix::io::ReadWriteFlags;

use super::sums::{self, BLOCK_BYTES, sum, trailer_bytes};
use super::{BlobId, Boot};

/// How many sums are held at a time: those of 64 MiB.
const WINDOW_BLOCKS: u64 = 1024;
const BLOCK: u64 = BLOCK_BYTES as u64;

/// Whether a read may wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Only what the system has in memory is read (preadv2(2), `RWF_NOWAIT`).
    Never,
    AsLongAsItTakes,
}

/// A blob that is open for reading.
#[derive(Debug)]
pub(crate) struct BlobFile {
    id: BlobId,
    file: File,
    content: u64,
    /// `None` for a blob of a version that kept no sums.
    sums: Option<Window>,
}

/// The sums of some blocks in a row.
#[derive(Debug, Default)]
struct Window {
    first: u64,
    sums: Vec<u32>,
}

/// Whether blobs of a start carry sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sums {
    Required,
    None,
}

impl BlobFile {
    /// Opens a blob below `directory` whose content has the length that the index says.
    pub(crate) fn open(directory: &Path, first_summing: Boot, id: BlobId, content: u64) -> io::Result<Self> {
        let sums = if id.boot() >= first_summing { Sums::Required } else { Sums::None };
        Self::of(File::open(directory.join(id.path()))?, id, content, sums)
    }

    fn of(file: File, id: BlobId, content: u64, sums: Sums) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let (expected, sums) = match sums {
            Sums::Required => (content + trailer_bytes(content), Some(Window::default())),
            Sums::None => (content, None),
        };
        if length != expected {
            return Err(damaged(format_args!("blob {id} has {length} bytes, and should have {expected}")));
        }
        Ok(Self { id, file, content, sums })
    }

    /// Whether the blob has sums that it can be compared with.
    pub(crate) fn is_summed(&self) -> bool {
        self.sums.is_some()
    }

    /// Exactly these bytes, verified; `None` where that would mean to wait and must not.
    pub(crate) fn read(&mut self, offset: u64, length: usize, wait: Wait) -> io::Result<Option<Bytes>> {
        let end = offset + length as u64;
        if end > self.content {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.sums.is_none() {
            let mut bytes = vec![0; length];
            return Ok(fill(&self.file, &mut bytes, offset, wait)?.then(|| bytes.into()));
        }
        let start = offset - offset % BLOCK;
        let stop = end.next_multiple_of(BLOCK).min(self.content);
        let mut blocks = vec![0; size(stop - start)];
        if !fill(&self.file, &mut blocks, start, wait)? {
            return Ok(None);
        }
        for (number, block) in (start / BLOCK..).zip(blocks.chunks(BLOCK_BYTES)) {
            let Some(expected) = self.sum_of(number, wait)? else { return Ok(None) };
            if sum(block) != expected {
                return Err(damaged(format_args!("blob {} is damaged in the block at {}", self.id, number * BLOCK)));
            }
        }
        let skip = size(offset - start);
        Ok(Some(Bytes::from(blocks).slice(skip..skip + length)))
    }

    /// Whether what stands behind the sums is what was written there. Nobody needs it to read the blob.
    pub(crate) fn footer_is_intact(&self) -> io::Result<bool> {
        if !self.is_summed() {
            return Ok(true);
        }
        let mut footer = [0; sums::FOOTER];
        self.file.read_exact_at(&mut footer, self.content + trailer_bytes(self.content) - sums::FOOTER_BYTES)?;
        Ok(sums::is_footer(footer, self.content))
    }

    fn sum_of(&mut self, block: u64, wait: Wait) -> io::Result<Option<u32>> {
        let Some(window) = &mut self.sums else { return Ok(None) };
        let held = |window: &Window| {
            let place = block.checked_sub(window.first).and_then(|place| usize::try_from(place).ok());
            place.and_then(|place| window.sums.get(place).copied())
        };
        if let Some(sum) = held(window) {
            return Ok(Some(sum));
        }
        let blocks = (self.content.div_ceil(BLOCK) - block).min(WINDOW_BLOCKS);
        let mut bytes = vec![0; size(blocks * 4)];
        if !fill(&self.file, &mut bytes, sums::place_of_sum(self.content, block), wait)? {
            return Ok(None);
        }
        *window = Window { first: block, sums: sums::sums_from(&bytes) };
        Ok(held(window))
    }
}

/// Whether `bytes` could be filled without more waiting than is allowed. A look that fails for any reason is left to the
/// read that may wait.
fn fill(file: &File, bytes: &mut [u8], offset: u64, wait: Wait) -> io::Result<bool> {
    match wait {
        Wait::AsLongAsItTakes => file.read_exact_at(bytes, offset).map(|()| true),
        Wait::Never => {
            let length = bytes.len();
            let mut slices = [IoSliceMut::new(bytes)];
            Ok(rustix::io::preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT) == Ok(length))
        }
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).expect("bounded by what a caller asks for, and a block")
}

fn damaged(what: std::fmt::Arguments<'_>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}
