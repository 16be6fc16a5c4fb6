//! What earlier starts left behind: staging files, and blobs that the index does not name.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::pins::SweeperHandle;
use super::{BLOBS, BlobId, Boot, STAGING};

/// Leftovers of the starts before this one. It does not keep the store open.
#[derive(Debug)]
pub(crate) struct Leftovers {
    pub(super) data: PathBuf,
    pub(super) boot: Boot,
    pub(super) sweeper: SweeperHandle,
}

impl Leftovers {
    /// Removes them. Blobs of this start are never looked at, so nothing in flight is in danger; one
    /// that the index has just forgotten may still be read, so the sweeper decides when it goes.
    /// `named` answers `None` when the store has closed in the meantime.
    pub(crate) fn remove(self, mut named: impl FnMut(BlobId) -> Option<bool>) -> io::Result<()> {
        for directory in fs::read_dir(self.data.join(STAGING))? {
            let directory = directory?;
            if is_older(&directory.file_name(), self.boot) {
                fs::remove_dir_all(directory.path())?;
            }
        }
        for directory in fs::read_dir(self.data.join(BLOBS))? {
            let directory = directory?;
            if !directory.file_type()?.is_dir() {
                continue;
            }
            let mut unnamed = Vec::new();
            for file in fs::read_dir(directory.path())? {
                let Some(id) = file?.file_name().to_str().and_then(BlobId::parse) else { continue };
                if id.boot() >= self.boot {
                    continue;
                }
                match named(id) {
                    Some(true) => {}
                    Some(false) => unnamed.push(id),
                    None => return Ok(()),
                }
            }
            self.sweeper.sweep(unnamed);
        }
        Ok(())
    }
}

fn is_older(name: &OsStr, boot: Boot) -> bool {
    name.to_str().and_then(|name| u32::from_str_radix(name, 16).ok()).is_some_and(|number| number < boot.0)
}
