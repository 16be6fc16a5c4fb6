//! Writing a blob: staging file, sync, rename, sync of the directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::sums::Summer;
use super::{BlobId, sync_directory};
use crate::config::Fsync;

/// How much of a body may be unsynced while it is received, so that the sync before the answer
/// has a bounded amount left to write.
const UNSYNCED_BYTES: u64 = 64 * 1024 * 1024;

/// A body that is being received. Dropping it removes the file.
#[derive(Debug)]
pub(crate) struct Staging {
    file: File,
    remove: RemoveOnDrop,
    destination: PathBuf,
    id: BlobId,
    fsync: Fsync,
    unsynced: u64,
    sums: Summer,
}

impl Staging {
    pub(super) fn create(staging: &Path, blobs: &Path, id: BlobId, fsync: Fsync) -> io::Result<Self> {
        let path = staging.join(id.to_string());
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let remove = RemoveOnDrop(Some(path));
        Ok(Self { file, remove, destination: blobs.join(id.path()), id, fsync, unsynced: 0, sums: Summer::new() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.sums.update(bytes);
        self.unsynced += bytes.len() as u64;
        if self.fsync == Fsync::Always && self.unsynced >= UNSYNCED_BYTES {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Makes the blob durable under its final name. Until it is adopted it is still removed on drop.
    pub(crate) fn persist(self) -> io::Result<NewBlob> {
        self.persist_with(sync_directory)
    }

    /// Once it is renamed, what is removed on failure is the new name. The old one needs no sync:
    /// should a power loss bring it back, it is a leftover like any other.
    fn persist_with(mut self, sync_directory: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<NewBlob> {
        self.file.write_all(&self.sums.trailer())?;
        if self.fsync == Fsync::Always {
            self.file.sync_all()?;
        }
        fs::rename(self.remove.path(), &self.destination)?;
        self.remove.moved_to(self.destination.clone());
        if self.fsync == Fsync::Always {
            sync_directory(self.destination.parent().expect("a blob lies in a directory"))?;
        }
        Ok(NewBlob { id: self.id, remove: self.remove })
    }
}

/// A durable blob that nothing names yet. Dropping it removes the file; adopting it, after the
/// index has committed its name, keeps it.
#[derive(Debug)]
pub(crate) struct NewBlob {
    id: BlobId,
    remove: RemoveOnDrop,
}

impl NewBlob {
    pub(crate) fn id(&self) -> BlobId {
        self.id
    }

    pub(crate) fn adopt(mut self) -> BlobId {
        self.remove.keep();
        self.id
    }
}

#[derive(Debug)]
struct RemoveOnDrop(Option<PathBuf>);

impl RemoveOnDrop {
    fn path(&self) -> &Path {
        self.0.as_deref().expect("taken only by the functions that consume its owner")
    }

    fn moved_to(&mut self, path: PathBuf) {
        self.0 = Some(path);
    }

    fn keep(&mut self) {
        self.0 = None;
    }
}

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = fs::remove_file(path)
        {
            // The next start clears it away.
            tracing::warn!(path = %path.display(), %error, "could not remove a body that was not stored");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Boot;
    use super::*;

    #[test]
    fn a_blob_whose_name_is_not_durable_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let id = BlobId::random(Boot(1)).unwrap();
        let destination = directory.path().join(id.path());
        fs::create_dir_all(destination.parent().unwrap()).unwrap();
        let staging = Staging::create(directory.path(), directory.path(), id, Fsync::Always).unwrap();
        let staged = staging.remove.path().to_owned();
        let failing = |synced: &Path| {
            assert_eq!(Some(synced), destination.parent());
            assert!(destination.exists());
            Err(io::ErrorKind::StorageFull.into())
        };
        assert_eq!(staging.persist_with(failing).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(!destination.exists() && !staged.exists());
    }
}
