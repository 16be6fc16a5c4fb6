//! The body of an answer: bytes at hand, or pieces of an object read from disk as the client takes them.
//!
//! What the system has in memory is read at once, without waking another thread; for everything else a read happens off
//! the reactor, and the system reads ahead. A client that does not take its bytes holds one chunk of memory and no thread.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use crate::blobs::{BLOCK_BYTES, BlobFile, Blobs, Pinned, Wait};
use crate::index::{Piece, Source};

/// How much one read takes from the disk: whole blocks, since each is verified as a whole. A client that takes nothing holds as much beside what the
/// connection buffers.
const READ_BYTES: usize = BLOCK_BYTES;

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
    /// Read before the answer began.
    first: Option<Bytes>,
    reading: Option<Reading>,
    reader: Option<Reader>,
    left: u64,
    /// Keeps the files from being unlinked.
    _pinned: Pinned,
}

#[derive(Debug)]
struct Stretch {
    source: Source,
    /// Of the whole piece.
    size: u64,
    offset: u64,
    length: u64,
}

#[derive(Debug)]
struct Reader {
    blob: BlobFile,
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
            stretches.push_back(Stretch { source: piece.source.clone(), size: piece.size, offset: skip, length });
            left -= length;
            skip = 0;
        }
        Self { blobs, stretches, first: None, reading: None, reader: None, left: length, _pinned: pinned }
    }

    /// Reads the first bytes, so that a store that has lost them, or has others, answers an error, not half an object.
    pub(crate) async fn read_first(&mut self) -> io::Result<()> {
        let Some(Stretch { source: Source::Blob(id), size, offset, length }) = self.stretches.front() else {
            return Ok(());
        };
        let mut reader = Reader { blob: self.blobs.open_blob(*id, *size)?, offset: *offset, left: *length };
        self.stretches.pop_front();
        let (first, reader) = match reader.read_cached()? {
            Some(first) => (first, reader.unless_at_end()),
            None => tokio::task::spawn_blocking(move || reader.read()).await.map_err(io::Error::other)??,
        };
        (self.first, self.reader) = (Some(first), reader);
        Ok(())
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.poll_next(context).map_err(|error| {
            // The head is out: that the connection breaks is what tells the client.
            tracing::error!(%error, "an object cannot be read to its end");
            error
        })
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(first) = self.first.take() {
            self.left -= first.len() as u64;
            return Poll::Ready(Some(Ok(first)));
        }
        if self.reading.is_none() {
            match self.next_read()? {
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

    fn next_read(&mut self) -> io::Result<Option<NextRead>> {
        if let Some(mut reader) = self.reader.take() {
            if let Some(bytes) = reader.read_cached()? {
                self.reader = reader.unless_at_end();
                return Ok(Some(NextRead::Memory(bytes)));
            }
            return Ok(Some(NextRead::File(tokio::task::spawn_blocking(move || reader.read()))));
        }
        let Some(Stretch { source, size, offset, length }) = self.stretches.pop_front() else { return Ok(None) };
        Ok(Some(match source {
            Source::Memory(bytes) => {
                let place = |place: u64| usize::try_from(place).map_err(io::Error::other);
                NextRead::Memory(bytes.slice(place(offset)?..place(offset + length)?))
            }
            Source::Blob(id) => {
                let blobs = Arc::clone(&self.blobs);
                NextRead::File(tokio::task::spawn_blocking(move || {
                    Reader { blob: blobs.open_blob(id, size)?, offset, left: length }.read()
                }))
            }
        }))
    }
}

/// A read off the reactor: its bytes, and the reader where there is more.
type Reading = JoinHandle<io::Result<(Bytes, Option<Reader>)>>;

enum NextRead {
    Memory(Bytes),
    File(Reading),
}

impl Reader {
    /// The next piece, if the system has all of it in memory.
    fn read_cached(&mut self) -> io::Result<Option<Bytes>> {
        let bytes = self.blob.read(self.offset, self.next_length(), Wait::Never)?;
        Ok(bytes.map(|bytes| self.taken(bytes)))
    }

    fn read(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let bytes = self.blob.read(self.offset, self.next_length(), Wait::AsLongAsItTakes)?;
        let bytes = bytes.ok_or(io::ErrorKind::WouldBlock)?;
        Ok((self.taken(bytes), self.unless_at_end()))
    }

    /// To the end of a block, so that none is read twice.
    fn next_length(&self) -> usize {
        let to_the_end = READ_BYTES - usize::try_from(self.offset % READ_BYTES as u64).unwrap_or_default();
        usize::try_from(self.left).map_or(to_the_end, |left| left.min(to_the_end))
    }

    fn taken(&mut self, bytes: Bytes) -> Bytes {
        self.offset += bytes.len() as u64;
        self.left -= bytes.len() as u64;
        bytes
    }

    fn unless_at_end(self) -> Option<Self> {
        (self.left > 0).then_some(self)
    }
}
