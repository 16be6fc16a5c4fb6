//! The body of an answer: bytes at hand, or pieces of an object read from disk as the client takes them.
//!
//! What the system has in memory is read at once, without waking another thread; for everything else a read happens off
//! the reactor, and the system reads ahead. A client that does not take its bytes holds one chunk of memory and no thread.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use rustix::io::ReadWriteFlags;
use tokio::task::JoinHandle;

use crate::blobs::{Blobs, Pinned};
use crate::index::{Piece, Source};

/// How much one read takes from the disk. A client that takes nothing holds as much beside what the
/// connection buffers.
const READ_BYTES: usize = 64 * 1024;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    Bytes(Bytes),
    Object(Box<ObjectBody>),
}

impl ResponseBody {
    pub(crate) fn empty() -> Self {
        Self::Bytes(Bytes::new())
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Object(object) => object.left,
        }
    }
}

impl From<String> for ResponseBody {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Object(object) => object.poll_chunk(context).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}

/// A stretch of an object that is being read.
#[derive(Debug)]
pub(crate) struct ObjectBody {
    blobs: Arc<Blobs>,
    stretches: VecDeque<Stretch>,
    reading: Option<Reading>,
    reader: Option<Reader>,
    left: u64,
    /// Keeps the files from being unlinked.
    _pinned: Pinned,
}

#[derive(Debug)]
struct Stretch {
    source: Source,
    offset: u64,
    length: u64,
}

#[derive(Debug)]
struct Reader {
    file: File,
    offset: u64,
    left: u64,
}

impl ObjectBody {
    /// `length` bytes from `offset` of an object that consists of `pieces`.
    pub(crate) fn new(blobs: Arc<Blobs>, pieces: &[Piece], pinned: Pinned, offset: u64, length: u64) -> Self {
        let mut stretches = VecDeque::new();
        let (mut skip, mut left) = (offset, length);
        for piece in pieces {
            if left == 0 {
                break;
            }
            if skip >= piece.size {
                skip -= piece.size;
                continue;
            }
            let length = left.min(piece.size - skip);
            stretches.push_back(Stretch { source: piece.source.clone(), offset: skip, length });
            left -= length;
            skip = 0;
        }
        Self { blobs, stretches, reading: None, reader: None, left: length, _pinned: pinned }
    }

    /// Opens the first file, so that a store that has lost it answers an error, not half an object.
    pub(crate) fn open_first(&mut self) -> io::Result<()> {
        if let Some(Stretch { source: Source::Blob(id), offset, length }) = self.stretches.front() {
            self.reader = Some(Reader { file: self.blobs.open_blob(*id)?, offset: *offset, left: *length });
            self.stretches.pop_front();
        }
        Ok(())
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if self.reading.is_none() {
            match self.next_read() {
                Some(NextRead::Memory(bytes)) => {
                    self.left -= bytes.len() as u64;
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Some(NextRead::File(reading)) => self.reading = Some(reading),
                None => return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            }
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let read = ready!(Pin::new(reading).poll(context)).map_err(io::Error::other).flatten();
        self.reading = None;
        Poll::Ready(Some(read.map(|(bytes, reader)| {
            self.left -= bytes.len() as u64;
            self.reader = reader;
            bytes
        })))
    }

    fn next_read(&mut self) -> Option<NextRead> {
        if let Some(mut reader) = self.reader.take() {
            if let Some(bytes) = reader.read_cached() {
                self.reader = reader.unless_at_end();
                return Some(NextRead::Memory(bytes));
            }
            return Some(NextRead::File(tokio::task::spawn_blocking(move || reader.read())));
        }
        let Stretch { source, offset, length } = self.stretches.pop_front()?;
        match source {
            Source::Memory(bytes) => {
                let (start, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
                Some(NextRead::Memory(bytes.slice(start..start + length)))
            }
            Source::Blob(id) => {
                let blobs = Arc::clone(&self.blobs);
                Some(NextRead::File(tokio::task::spawn_blocking(move || {
                    Reader { file: blobs.open_blob(id)?, offset, left: length }.read()
                })))
            }
        }
    }
}

/// A read off the reactor: its bytes, and the reader where there is more.
type Reading = JoinHandle<io::Result<(Bytes, Option<Reader>)>>;

enum NextRead {
    Memory(Bytes),
    File(Reading),
}

impl Reader {
    /// The next piece, if the system has all of it in memory: a look that never waits for a disk (preadv2(2),
    /// `RWF_NOWAIT`). Anything else, an error too, is left to [`read`](Self::read).
    fn read_cached(&mut self) -> Option<Bytes> {
        let mut bytes = vec![0; self.next_length()];
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let read = rustix::io::preadv2(&self.file, &mut slices, self.offset, ReadWriteFlags::NOWAIT);
        (read == Ok(bytes.len())).then(|| self.taken(bytes))
    }

    fn read(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let mut bytes = vec![0; self.next_length()];
        self.file.read_exact_at(&mut bytes, self.offset)?;
        Ok((self.taken(bytes), self.unless_at_end()))
    }

    fn next_length(&self) -> usize {
        usize::try_from(self.left).map_or(READ_BYTES, |left| left.min(READ_BYTES))
    }

    fn taken(&mut self, bytes: Vec<u8>) -> Bytes {
        self.offset += bytes.len() as u64;
        self.left -= bytes.len() as u64;
        bytes.into()
    }

    fn unless_at_end(self) -> Option<Self> {
        (self.left > 0).then_some(self)
    }
}
