//! Larger bodies, each a file of its own under a random name.
//!
//! A blob is written in the staging directory, synced, renamed into `blobs/`, and both directories
//! are synced, before the index names it. It is unlinked after the index has forgotten it and the
//! last reader has left. What a crash leaves between these steps is a file that nothing names, and
//! [`Leftovers`] clears such files away while the store already serves.
//!
//! This module knows no bucket, no key and no user.

mod id;
mod leftovers;
mod pins;
mod read;
mod staging;
mod sums;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatepass_protocol::s3::error::S3Error;

pub(crate) use id::{BlobId, Boot, Starts};
pub(crate) use leftovers::Leftovers;
pub(crate) use pins::{Held, Pinned};
pub(crate) use read::{BlobFile, Wait};
pub(crate) use staging::{NewBlob, Staging};
pub(crate) use sums::{BLOCK_BYTES, sum};

use crate::config::Fsync;
use crate::space::{Room, Space};
use pins::{Pins, Sweeper};

const BLOBS: &str = "blobs";
const STAGING: &str = "staging";

/// The directory of blobs of one store.
#[derive(Debug)]
pub(crate) struct Blobs {
    data: PathBuf,
    staging: PathBuf,
    starts: Starts,
    fsync: Fsync,
    space: Arc<Space>,
    pins: Arc<Pins>,
    sweeper: Sweeper,
}

impl Blobs {
    /// Opens the directories below `data`. `starts.this` must be greater than every start before.
    pub(crate) fn open(data: &Path, starts: Starts, fsync: Fsync, space: Arc<Space>) -> io::Result<Self> {
        let blobs = data.join(BLOBS);
        let staging = data.join(STAGING).join(format!("{:08x}", starts.this.0));
        fs::create_dir_all(&staging)?;
        for directory in BlobId::directories() {
            fs::create_dir_all(blobs.join(directory))?;
        }
        if fsync == Fsync::Always {
            sync_directory(&blobs)?;
            sync_directory(data)?;
        }
        let pins = Arc::new(Pins::new(blobs));
        let sweeper = Sweeper::start(Arc::clone(&pins))?;
        Ok(Self { data: data.to_owned(), staging, starts, fsync, space, pins, sweeper })
    }

    /// Where the blobs of the store in `data` lie.
    pub(crate) fn directory(data: &Path) -> PathBuf {
        data.join(BLOBS)
    }

    /// Promises room for `length` bytes, or refuses them.
    pub(crate) fn room_for(&self, length: u64) -> Result<Room, S3Error> {
        self.space.room_for(length)
    }

    /// A new file to write a body into; it vanishes unless it is persisted and then adopted.
    pub(crate) fn stage(&self) -> io::Result<Staging> {
        let id = BlobId::random(self.starts.this).map_err(io::Error::other)?;
        Staging::create(&self.staging, &self.pins.directory, id, self.fsync)
    }

    /// Runs `read`, which looks up the index and answers which blobs it found, and pins these:
    /// no blob among them is unlinked before the [`Pinned`] is dropped.
    pub(crate) fn pin<T, E>(&self, read: impl FnOnce() -> Result<(T, Vec<BlobId>), E>) -> Result<(T, Pinned), E> {
        self.pins.pin(self.sweeper.handle(), read)
    }

    /// Runs `read`, which takes a snapshot of the index: no blob that it names is unlinked before the [`Held`] is dropped.
    pub(crate) fn hold<T, E>(&self, read: impl FnOnce() -> Result<T, E>) -> Result<(T, Held), E> {
        self.pins.hold(self.sweeper.handle(), read)
    }

    /// Opens a blob whose content has this length for reading. The caller holds a [`Pinned`] of it.
    pub(crate) fn open_blob(&self, id: BlobId, content: u64) -> io::Result<BlobFile> {
        BlobFile::open(&self.pins.directory, self.starts.first_summing, id, content)
    }

    /// Unlinks blobs which the index no longer names, once their readers have left.
    pub(crate) fn remove(&self, ids: Vec<BlobId>) {
        self.sweeper.handle().sweep(ids);
    }

    /// What earlier starts left behind.
    pub(crate) fn leftovers(&self) -> Leftovers {
        Leftovers { data: self.data.clone(), boot: self.starts.this, sweeper: self.sweeper.handle() }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::{Duration, Instant};

    use super::*;

    fn open(data: &Path, boot: Boot) -> Blobs {
        let space = Space::new(data.to_owned(), 0, crate::space::free_space_of_the_disk());
        Blobs::open(data, Starts { this: boot, first_summing: Boot(1) }, Fsync::Always, space).unwrap()
    }

    impl Blobs {
        fn holds(&self, id: BlobId) -> bool {
            self.pins.path(id).exists()
        }
    }

    fn write(blobs: &Blobs, bytes: &[u8]) -> BlobId {
        let mut staging = blobs.stage().unwrap();
        staging.write(bytes).unwrap();
        staging.persist().unwrap().adopt()
    }

    fn files(directory: &Path) -> usize {
        let Ok(entries) = fs::read_dir(directory) else { return 0 };
        entries
            .map(|entry| entry.unwrap())
            .map(|entry| if entry.file_type().unwrap().is_dir() { files(&entry.path()) } else { 1 })
            .sum()
    }

    fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !holds() {
            assert!(Instant::now() < deadline, "never came true: {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_persisted_blob_reads_back() {
        let data = tempfile::tempdir().unwrap();
        let blobs = open(data.path(), Boot(1));
        let id = write(&blobs, b"hello");
        let mut blob = blobs.open_blob(id, 5).unwrap();
        assert_eq!(blob.read(1, 3, Wait::AsLongAsItTakes).unwrap().unwrap(), "ell");
        assert!(blob.read(1, 5, Wait::AsLongAsItTakes).is_err());
        assert_eq!(files(&data.path().join(STAGING)), 0);
    }

    #[test]
    fn a_flipped_bit_is_found_wherever_it_is_and_elsewhere_nothing_is() {
        let data = tempfile::tempdir().unwrap();
        let blobs = open(data.path(), Boot(1));
        let body: Vec<u8> = (0_u8..251).cycle().take(3 * BLOCK_BYTES + 100).collect();
        let id = write(&blobs, &body);
        let path = blobs.pins.path(id);
        let whole = fs::read(&path).unwrap();
        let read = |offset: usize, length: usize| {
            blobs.open_blob(id, body.len() as u64)?.read(offset as u64, length, Wait::AsLongAsItTakes)
        };
        for flipped in [0, BLOCK_BYTES, 2 * BLOCK_BYTES - 1, body.len() - 1, body.len() + 5] {
            let mut damaged = whole.clone();
            damaged[flipped] ^= 0x10;
            fs::write(&path, damaged).unwrap();
            let block = if flipped < body.len() { flipped / BLOCK_BYTES } else { (flipped - body.len()) / 4 };
            assert_eq!(read(0, body.len()).unwrap_err().kind(), io::ErrorKind::InvalidData, "{flipped}");
            for other in 0..4 {
                let part = other * BLOCK_BYTES + 7..other * BLOCK_BYTES + 9;
                let found = read(part.start, part.len());
                assert_eq!(found.is_err(), other == block, "{flipped} {other}");
                if let Ok(found) = found {
                    assert_eq!(found.unwrap(), body[part]);
                }
            }
        }
        fs::write(&path, &whole[..body.len()]).unwrap();
        assert_eq!(read(0, 1).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn blobs_from_before_there_were_sums_are_read() {
        let data = tempfile::tempdir().unwrap();
        let space = Space::new(data.path().to_owned(), 0, crate::space::free_space_of_the_disk());
        let starts = Starts { this: Boot(9), first_summing: Boot(9) };
        let blobs = Blobs::open(data.path(), starts, Fsync::Always, space).unwrap();
        let old = BlobId::random(Boot(8)).unwrap();
        fs::write(blobs.pins.path(old), b"old").unwrap();
        let mut blob = blobs.open_blob(old, 3).unwrap();
        assert!(!blob.is_summed());
        assert_eq!(blob.read(0, 3, Wait::AsLongAsItTakes).unwrap().unwrap(), "old");
        assert!(blobs.open_blob(old, 2).is_err());
    }

    #[test]
    fn what_is_not_adopted_vanishes() {
        let data = tempfile::tempdir().unwrap();
        let blobs = open(data.path(), Boot(1));
        let mut abandoned = blobs.stage().unwrap();
        abandoned.write(b"half a body").unwrap();
        let unnamed = blobs.stage().unwrap().persist().unwrap();
        assert_eq!(files(data.path()), 2);
        drop(abandoned);
        drop(unnamed);
        assert_eq!(files(data.path()), 0);
    }

    #[test]
    fn a_removed_blob_stays_until_its_reader_leaves() {
        let data = tempfile::tempdir().unwrap();
        let blobs = open(data.path(), Boot(1));
        let id = write(&blobs, b"read me");
        let ((), pinned) = blobs.pin(|| Ok::<_, io::Error>(((), vec![id]))).unwrap();
        let other = write(&blobs, b"a marker that the sweeper has come past");
        blobs.remove(vec![id, other]);
        eventually("the marker is swept", || !blobs.holds(other));
        assert!(blobs.holds(id));
        drop(pinned);
        eventually("the blob is swept", || !blobs.holds(id));
    }

    #[test]
    fn leftovers_of_earlier_starts_go_and_everything_else_stays() {
        let data = tempfile::tempdir().unwrap();
        let first = open(data.path(), Boot(1));
        let named = write(&first, b"named by the index");
        write(&first, b"named by nothing");
        let read = write(&first, b"forgotten by the index, and still read");
        std::mem::forget(first.stage().unwrap());
        fs::write(data.path().join(BLOBS).join("README"), "not ours").unwrap();

        let second = open(data.path(), Boot(2));
        let in_flight = write(&second, b"persisted, not yet committed");
        let being_written = second.stage().unwrap();
        let index = HashSet::from([named]);
        let ((), pinned) = second.pin(|| Ok::<_, io::Error>(((), vec![read]))).unwrap();
        second.leftovers().remove(|id| Some(index.contains(&id))).unwrap();

        eventually("what nobody reads is swept", || files(&data.path().join(BLOBS)) == 4);
        assert!(second.holds(named));
        assert!(second.holds(in_flight));
        assert!(second.holds(read));
        drop(pinned);
        eventually("what was read is swept", || files(&data.path().join(BLOBS)) == 3);
        assert_eq!(files(&data.path().join(STAGING)), 1);
        drop(being_written);
    }
}
