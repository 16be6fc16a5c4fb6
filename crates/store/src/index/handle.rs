//! The open database, in a frame that lets it be replaced.
//!
//! After the first access that fails, for want of space or because a disk went away, redb answers everything with
//! `PreviousIo` until it is opened anew: it does not know what the file holds. Opening finds out; with its log the last
//! commit that was acknowledged is there. The database that is replaced cannot touch the files any more, so the two do not
//! meet: see [`Gated`].

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use redb::{Database, StorageBackend, WriteTransaction};

use super::IndexError;
use super::gate::{Gate, Gated};
use super::journal::Journal;
use super::redo::Complete;

/// redb's pages that may be in memory. Its default is 1 GiB.
pub(super) const CACHE_BYTES: usize = 64 * 1024 * 1024;

pub(super) struct Handle {
    path: PathBuf,
    /// With the groups of the log up to this one.
    open: Box<dyn Fn(u64) -> Result<Opened, redb::Error> + Send + Sync>,
    current: RwLock<Opened>,
    /// Held while the database is opened anew, by one thread at a time.
    opening: Mutex<()>,
}

/// What lies below an index.
pub(super) struct Files<F> {
    pub(super) database: F,
    pub(super) log: F,
}

/// The database as it was opened last.
#[derive(Clone)]
pub(super) struct Opened {
    database: Arc<Database>,
    journal: Arc<Mutex<Journal>>,
    gate: Arc<Gate>,
}

impl Opened {
    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Makes a group durable; see [`Journal::commit`].
    pub(super) fn commit(&self, transaction: WriteTransaction, redo: Option<Complete<'_>>) -> Result<(), redb::Error> {
        // Also where no access has failed: the log may have what the database does not.
        self.journal().commit(transaction, redo).inspect_err(|_| self.gate.close())
    }

    /// Leaves nothing in the log, if the last access has not failed.
    pub(super) fn close(&self) -> Result<(), redb::Error> {
        if self.gate.is_closed() { Ok(()) } else { self.journal().close(&self.database) }
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    /// `files` opens what is below the index, once now and once after each failure.
    pub(super) fn open<F: StorageBackend>(
        path: PathBuf,
        files: impl Fn() -> io::Result<Files<F>> + Send + Sync + 'static,
    ) -> Result<Self, IndexError> {
        let open = move |up_to| {
            let gate = Arc::new(Gate::default());
            let Files { database, log } = files().map_err(redb::Error::Io)?;
            let (database, log) = (Gated::new(database, Arc::clone(&gate)), Gated::new(log, Arc::clone(&gate)));
            let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(database)?;
            let journal = Journal::open(&database, Box::new(log), up_to)?;
            Ok(Opened { database: Arc::new(database), journal: Arc::new(Mutex::new(journal)), gate })
        };
        // Whatever a crash has left.
        let current =
            open(u64::MAX).map_err(|source| IndexError::Database { path: path.clone(), source: Box::new(source) })?;
        Ok(Self { path, open: Box::new(open), current: RwLock::new(current), opening: Mutex::new(()) })
    }

    /// The database, opened anew if it has failed. Where that does not succeed, the failed one, which says so itself.
    pub(super) fn database(&self) -> Arc<Database> {
        self.opened().database
    }

    /// The same, to write to.
    pub(super) fn opened(&self) -> Opened {
        if self.has_failed() {
            self.reopen();
        }
        self.current()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.current().gate.is_closed()
    }

    fn current(&self) -> Opened {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reopen(&self) {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current();
        if !current.gate.is_closed() {
            return;
        }
        current.gate.wait_for_the_last();
        // A group that failed is not seen again in the cache of a disk that may never have it: who found it done would be
        // told so, and the power would take it away. A commit that is under way is waited for, since it has the journal.
        match (self.open)(current.journal().committed()) {
            Ok(opened) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = opened;
                tracing::info!(path = %self.path.display(), "the database is open again after a failure");
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
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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
            let open = |path: &Path| {
                Ok::<_, io::Error>(Filling { disk: Disk::open(path, Fsync::Always)?, full: Arc::clone(&switch) })
            };
            Ok(Files { database: open(&file)?, log: open(&file.with_extension("wal"))? })
        };
        let handle = Handle::open(path.clone(), open).unwrap();
        let (index, _) = Index::over(handle, path).unwrap();
        Fixture { index, full, opened, _directory: directory }
    }

    fn authorizer() -> Authorizer {
        Authorizer::of_the_store()
    }

    async fn create(index: &Index, name: &str) -> Result<(), Failure> {
        let grant: Grant<CreateBucket> = authorizer().grant(BucketName::parse(name).unwrap()).unwrap();
        let record = BucketRecord::new(Timestamp::UNIX_EPOCH);
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
        // The database could not be opened anew. That is the disk's fault, and no defect of the store.
        let again = create(&index, "while-full").await.unwrap_err();
        assert_eq!(gatepass_protocol::s3::error::S3Error::from(again).status(), 503);

        full.store(false, Ordering::SeqCst);
        create(&index, "after").await.unwrap();
        assert!(exists(&index, "before").unwrap() && exists(&index, "after").unwrap());
        assert!(!exists(&index, "while-full").unwrap());
        assert!(opened.load(Ordering::SeqCst) > 1);
    }

    #[tokio::test]
    async fn a_database_that_was_replaced_cannot_touch_the_file() {
        let Fixture { index, full, _directory, .. } = fixture();
        create(&index, "before").await.unwrap();
        let replaced = index.handle.database();
        full.store(true, Ordering::SeqCst);
        assert!(create(&index, "while-full").await.is_err());
        full.store(false, Ordering::SeqCst);
        create(&index, "after").await.unwrap();

        let written = replaced
            .begin_write()
            .map_err(redb::Error::from)
            .and_then(|transaction| transaction.commit().map_err(redb::Error::from));
        assert!(written.is_err());
        drop(replaced);
        assert!(exists(&index, "before").unwrap() && exists(&index, "after").unwrap());
    }

    #[tokio::test]
    async fn a_refused_change_opens_nothing_anew() {
        let Fixture { index, opened, _directory, .. } = fixture();
        let damaged = index.write::<()>(|_| Err(Failure::MissingRow("objects"))).await;
        assert!(matches!(damaged, Err(Failure::Closed)));
        create(&index, "after").await.unwrap();
        assert_eq!(opened.load(Ordering::SeqCst), 1);
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
