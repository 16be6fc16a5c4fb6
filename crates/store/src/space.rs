//! Room on the disk: a reserve that uploads may not touch.
//!
//! A file system that is full to its last block fails in the middle of things: a body after its first gigabyte, an
//! index in its commit. So writes are refused, with 503 and `Retry-After`, while less than the reserve would be left
//! after them. What frees space (deletes, aborts) is always let through, and finds room for its commit in the reserve.
//! Nothing is remembered: when space returns, the next write succeeds.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gatepass_protocol::s3::error::S3Error;

/// How many bytes the file system of a directory has left for this process. The binary asks the system, a test what it
/// likes.
pub type FreeSpace = Arc<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;

/// What the system says: `f_bavail` of `statvfs`, which leaves out the blocks that are root's alone.
#[must_use]
pub fn free_space_of_the_disk() -> FreeSpace {
    Arc::new(|directory| {
        let statistics = rustix::fs::statvfs(directory)?;
        Ok(statistics.f_bavail.saturating_mul(statistics.f_frsize))
    })
}

/// The disk of one store, and what has been promised of it.
pub(crate) struct Space {
    directory: PathBuf,
    reserve: u64,
    free: FreeSpace,
    /// Bytes of bodies that are on their way and not yet written.
    promised: AtomicU64,
}

impl Space {
    pub(crate) fn new(directory: PathBuf, reserve: u64, free: FreeSpace) -> Arc<Self> {
        Arc::new(Self { directory, reserve, free, promised: AtomicU64::new(0) })
    }

    /// What the disk has left.
    pub(crate) fn free(&self) -> io::Result<u64> {
        (self.free)(&self.directory)
    }

    pub(crate) fn reserve(&self) -> u64 {
        self.reserve
    }

    /// Promises room for a body of `length` bytes, or refuses it. Bodies that are being received at the same time each
    /// have their promise, so that together they cannot use up what one of them was shown.
    pub(crate) fn room_for(self: &Arc<Self>, length: u64) -> Result<Room, S3Error> {
        let promised = self.promised.fetch_add(length, Ordering::Relaxed);
        let room = Room { space: Arc::clone(self), unwritten: length };
        match (self.free)(&self.directory) {
            Ok(free) if free < self.reserve.saturating_add(promised).saturating_add(length) => {
                tracing::warn!(free, reserve = self.reserve, promised, length, "the disk is full; a write is refused");
                Err(S3Error::disk_full())
            }
            Ok(_) => Ok(room),
            Err(error) => {
                // Whoever cannot ask still learns from the write itself.
                tracing::warn!(%error, "could not ask how much space is left");
                Ok(room)
            }
        }
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Space").field("reserve", &self.reserve).finish_non_exhaustive()
    }
}

/// A promise of space. What is written is no longer promised, for the file system counts it; the rest is given back on
/// drop.
#[derive(Debug)]
pub(crate) struct Room {
    space: Arc<Space>,
    unwritten: u64,
}

impl Room {
    pub(crate) fn written(&mut self, bytes: u64) {
        let bytes = bytes.min(self.unwritten);
        self.unwritten -= bytes;
        self.space.promised.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.space.promised.fetch_sub(self.unwritten, Ordering::Relaxed);
    }
}

/// Whether a write failed for want of space, the disk's or a quota's.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(free: u64) -> (Arc<Space>, Arc<AtomicU64>) {
        let left = Arc::new(AtomicU64::new(free));
        let answer = Arc::clone(&left);
        let free: FreeSpace = Arc::new(move |_| Ok(answer.load(Ordering::Relaxed)));
        (Space::new(PathBuf::from("/"), 100, free), left)
    }

    #[test]
    fn a_body_fits_to_the_last_byte_above_the_reserve() {
        let (space, _) = disk(150);
        assert!(space.room_for(50).is_ok());
        assert_eq!(space.room_for(51).unwrap_err().status(), 503);
    }

    #[test]
    fn bodies_on_their_way_share_what_is_left() {
        let (space, left) = disk(150);
        let mut first = space.room_for(30).unwrap();
        assert!(space.room_for(21).is_err());
        let second = space.room_for(20).unwrap();
        first.written(30);
        left.store(120, Ordering::Relaxed);
        assert!(space.room_for(1).is_err());
        drop(second);
        assert!(space.room_for(20).is_ok());
    }

    #[test]
    fn a_refused_body_keeps_nothing() {
        let (space, _) = disk(150);
        assert!(space.room_for(u64::MAX).is_err());
        assert!(space.room_for(50).is_ok());
    }

    #[test]
    fn a_disk_that_cannot_be_asked_refuses_nothing() {
        let space = Space::new(PathBuf::from("/"), 100, Arc::new(|_| Err(io::ErrorKind::Unsupported.into())));
        assert!(space.room_for(1).is_ok());
    }

    #[test]
    fn the_system_knows_how_much_is_left() {
        let directory = tempfile::tempdir().unwrap();
        assert!(free_space_of_the_disk()(directory.path()).unwrap() > 0);
    }
}
