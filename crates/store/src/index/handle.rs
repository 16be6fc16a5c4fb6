//! The open database, in a frame that lets it be replaced.
//!
//! After the first write that fails, for want of space or because a disk went away, redb answers everything with
//! `PreviousIo` until it is opened anew: it does not know what the file holds. Opening finds out; the last commit that
//! was acknowledged is there. The old handle touches the file no more, so the two do not meet.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::{Database, StorageBackend};

use super::IndexError;

/// How the file below the database is opened.
pub(super) type OpenFile<F> = Box<dyn Fn() -> std::io::Result<F> + Send + Sync>;

/// redb's pages that may be in memory. Its default is 1 GiB.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

pub(super) struct Handle {
    path: PathBuf,
    open: Box<dyn Fn() -> Result<Database, redb::Error> + Send + Sync>,
    database: RwLock<Arc<Database>>,
    failed: AtomicBool,
    /// Held while the database is opened anew, by one thread at a time.
    opening: Mutex<()>,
}

impl Handle {
    pub(super) fn open<F: StorageBackend>(path: PathBuf, file: OpenFile<F>) -> Result<Self, IndexError> {
        let open = Box::new(move || {
            let file = file().map_err(redb::Error::Io)?;
            let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(file)?;
            Ok(database)
        });
        let database =
            open().map_err(|source| IndexError::Database { path: path.clone(), source: Box::new(source) })?;
        Ok(Self {
            path,
            open,
            database: RwLock::new(Arc::new(database)),
            failed: AtomicBool::new(false),
            opening: Mutex::new(()),
        })
    }

    /// The database, opened anew if it has failed. Where that does not succeed, the failed one, which says so itself.
    pub(super) fn database(&self) -> Arc<Database> {
        if self.failed.load(Ordering::Acquire) {
            self.reopen();
        }
        Arc::clone(&self.database.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note that a write has failed.
    pub(super) fn failed(&self) {
        self.failed.store(true, Ordering::Release);
    }

    fn reopen(&self) {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.failed.load(Ordering::Acquire) {
            return;
        }
        match (self.open)() {
            Ok(database) => {
                *self.database.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(database);
                self.failed.store(false, Ordering::Release);
                tracing::info!(path = %self.path.display(), "the database is open again after a failed write");
            }
            Err(error) => {
                tracing::error!(%error, path = %self.path.display(), "could not open the database again");
            }
        }
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Handle").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::AtomicU32;

    use gatepass_authority::ROOT_ACCOUNT;
    use gatepass_iam::{Context, Principal};
    use gatepass_protocol::s3::names::BucketName;
    use jiff::Timestamp;
    use tempfile::TempDir;

    use super::super::disk::Disk;
    use super::super::{BucketRecord, Failure, Index};
    use super::*;
    use crate::authorize::Authorizer;
    use crate::config::Fsync;
    use crate::grant::{CreateBucket, Grant, ListBucket};

    /// A disk that can fill up.
    #[derive(Debug)]
    struct Filling {
        disk: Disk,
        full: Arc<AtomicBool>,
    }

    impl Filling {
        fn room(&self) -> io::Result<()> {
            if self.full.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
    }

    impl StorageBackend for Filling {
        fn len(&self) -> io::Result<u64> {
            self.disk.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.disk.read(offset, out)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.room()?;
            self.disk.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.room()?;
            self.disk.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.room()?;
            self.disk.write(offset, data)
        }
    }

    struct Fixture {
        index: Index,
        full: Arc<AtomicBool>,
        opened: Arc<AtomicU32>,
        _directory: TempDir,
    }

    fn fixture() -> Fixture {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("index.redb");
        let full = Arc::new(AtomicBool::new(false));
        let opened = Arc::new(AtomicU32::new(0));
        let (file, switch, counter) = (path.clone(), Arc::clone(&full), Arc::clone(&opened));
        let open = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(Filling { disk: Disk::open(&file, Fsync::Always)?, full: Arc::clone(&switch) })
        };
        let handle = Handle::open(path.clone(), Box::new(open)).unwrap();
        let (index, _) = Index::over(handle, path).unwrap();
        Fixture { index, full, opened, _directory: directory }
    }

    fn authorizer() -> Authorizer {
        Authorizer::new(Principal::root(ROOT_ACCOUNT.as_str()), Context::new())
    }

    async fn create(index: &Index, name: &str) -> Result<(), Failure> {
        let grant: Grant<CreateBucket> = authorizer().grant(BucketName::parse(name).unwrap()).unwrap();
        let record = BucketRecord { created: Timestamp::UNIX_EPOCH, cors: None };
        index.write(move |transaction| transaction.create_bucket(&grant, &record)).await
    }

    fn exists(index: &Index, name: &str) -> Result<bool, Failure> {
        let grant: Grant<ListBucket> = authorizer().grant(BucketName::parse(name).unwrap()).unwrap();
        Ok(index.snapshot()?.bucket(&grant)?.is_some())
    }

    #[tokio::test]
    async fn a_full_disk_refuses_writes_and_takes_them_again_when_space_returns() {
        let Fixture { index, full, opened, _directory } = fixture();
        create(&index, "before").await.unwrap();

        full.store(true, Ordering::SeqCst);
        assert!(matches!(create(&index, "while-full").await, Err(Failure::Full)));

        full.store(false, Ordering::SeqCst);
        create(&index, "after").await.unwrap();
        assert!(exists(&index, "before").unwrap() && exists(&index, "after").unwrap());
        assert!(!exists(&index, "while-full").unwrap());
        assert_eq!(opened.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn reading_goes_on_after_a_write_that_failed() {
        let Fixture { index, full, opened, _directory } = fixture();
        create(&index, "before").await.unwrap();
        full.store(true, Ordering::SeqCst);
        assert!(create(&index, "while-full").await.is_err());
        full.store(false, Ordering::SeqCst);

        // Nothing has written since: the reader itself opens the database anew.
        assert!(exists(&index, "before").unwrap());
        assert_eq!(opened.load(Ordering::SeqCst), 2);
    }
}
