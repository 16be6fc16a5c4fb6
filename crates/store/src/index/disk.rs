//! The file below redb: its own backend, so that `fsync = "never"` is one branch.
//!
//! redb's own way of not syncing (`Durability::None`) keeps commits in memory; with this one they
//! reach the page cache, and a killed process loses nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use redb::StorageBackend;
use rustix::fs::{Advice, fadvise};

use crate::config::Fsync;

#[derive(Debug)]
pub(super) struct Disk {
    file: File,
    fsync: Fsync,
}

impl Disk {
    pub(super) fn open(path: &Path, fsync: Fsync) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file, fsync })
    }

    /// The same, of which single pages are read and written, here and there.
    ///
    /// Reading ahead would have the kernel keep the file in large folios, and ext4 (of Linux 6.18) goes over all the blocks of
    /// a folio to write one of them, which takes several times as long as all the rest of the write.
    pub(super) fn open_pages(path: &Path, fsync: Fsync) -> io::Result<Self> {
        let disk = Self::open(path, fsync)?;
        // A file system that takes no advice is used all the same.
        let _ = fadvise(&disk.file, 0, None, Advice::Random);
        Ok(disk)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.fsync {
            Fsync::Always => self.file.sync_data(),
            Fsync::Never => Ok(()),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }
}
