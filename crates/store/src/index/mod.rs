//! What the store knows: buckets, objects, uploads and parts in ordered tables, small bodies beside.
//!
//! redb below, with quick repair on, so that a store of any size opens at once after a crash, and a
//! bounded cache. Reads are snapshots. Writes go through one thread that commits them in groups, to
//! a [write-ahead log](wal) first.
//! Data is asked for with a [`Grant`](crate::grant::Grant), never with a bare name.

mod audit;
mod disk;
#[cfg(test)]
mod failing_sync;
mod gate;
mod handle;
mod journal;
mod listing;
mod overlay;
mod records;
mod redo;
mod serial;
mod snapshot;
mod sweep;
mod tables;
mod transaction;
mod versions;
mod wal;
mod writer;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatepass_protocol::s3::error::S3Error;
use redb::{ReadableDatabase, ReadableTable};
use thiserror::Error;

pub(crate) use audit::{Access, Audited, AuditedBody, Count, Mend, Offline, Place, Row};
pub(crate) use listing::{Listed, Scan};
pub(crate) use records::{BucketRecord, ObjectRecord, OwnershipControls, PartRecord, UploadRecord};
pub(crate) use snapshot::{FoundObject, Piece, Snapshot, Source};
pub(crate) use sweep::{SeenObject, SeenUpload, SeenVersion, Standing, Sweep};
pub(crate) use transaction::{AssembledPart, NewBody, NewObject, NewPart, Transaction};

pub(crate) use versions::{Deleted, Version};

use crate::blobs::{BlobId, Blobs, Boot, Starts};
use crate::config::Fsync;
use crate::metrics::Histogram;
use disk::Disk;
use handle::{Files, Handle, Opened};
use writer::Writer;

/// Bodies up to this size live in the index: one group commit makes many of them durable, where a
/// file of its own would cost each two more syncs.
pub(crate) const SMALL_BODY_BYTES: usize = 16 * 1024;
/// Bodies of objects up to this size stand within their records: a read needs one lookup, and a listing still passes over
/// them quickly.
pub(crate) const INLINE_BODY_BYTES: usize = 256;

const FILE_NAME: &str = "index.redb";
const UNFINISHED_FILE_NAME: &str = "index.redb.new";

/// Why an index did not open.
#[derive(Debug, Error)]
pub enum IndexError {
    /// The file cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database inside is damaged, or of a later version.
    #[error("cannot open the database {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What redb says.
        source: Box<redb::Error>,
    },
}

/// Why a read or a write did not happen.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request is answered with this; nothing has changed.
    Refused(S3Error),
    /// There was no room for the commit.
    Full,
    /// The disk or the database failed.
    Storage(redb::Error),
    /// A record does not parse.
    Damaged(Box<dyn std::error::Error + Send + Sync>),
    /// A body, or what a record says of it, is not what was written.
    DamagedBody(&'static str),
    /// A record names a row of this table that is not there.
    MissingRow(&'static str),
    /// A defect: a request was refused after it had changed something. Its group is not committed.
    ChangedAndRefused,
    /// The system gave no random numbers.
    NoRandomness,
    /// The writer has stopped, or did not commit.
    Closed,
}

impl From<S3Error> for Failure {
    fn from(error: S3Error) -> Self {
        Self::Refused(error)
    }
}

macro_rules! storage_failures {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Storage(error.into())
            }
        }
    )*};
}
storage_failures!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError);

impl From<Failure> for S3Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => return error,
            Failure::Full => return S3Error::disk_full(),
            // The database is opened anew by the next request.
            Failure::Storage(redb::Error::PreviousIo) => return S3Error::service_unavailable(),
            Failure::Storage(error) => tracing::error!(%error, "the index failed"),
            Failure::Damaged(error) => tracing::error!(%error, "a record of the index is damaged"),
            Failure::DamagedBody(what) => tracing::error!(what, "a body in the index is damaged"),
            Failure::MissingRow(table) => tracing::error!(table, "a row of the index is missing"),
            Failure::ChangedAndRefused => tracing::error!("a refused request has changed the index"),
            Failure::NoRandomness => tracing::error!("the system gives no random numbers"),
            Failure::Closed => tracing::error!("a write was not committed"),
        }
        S3Error::internal()
    }
}

/// The open index of one store.
#[derive(Debug)]
pub(crate) struct Index {
    handle: Arc<Handle>,
    writer: Writer,
}

impl Index {
    /// Whether `data` holds an index already.
    pub(crate) fn exists_in(data: &Path) -> bool {
        data.join(FILE_NAME).exists()
    }

    /// Opens the index in `data`, or makes it, and counts this start.
    pub(crate) fn open(data: &Path, fsync: Fsync) -> Result<(Self, Starts), IndexError> {
        let path = data.join(FILE_NAME);
        if !path.exists() {
            make(data, &path, fsync)?;
        }
        let log = data.join(wal::FILE_NAME);
        make_log(data, &log, fsync).map_err(|source| IndexError::Io { path: log.clone(), source })?;
        let file = path.clone();
        let files = move || Ok(Files { database: Disk::open_pages(&file, fsync)?, log: Disk::open(&log, fsync)? });
        Self::over(Handle::open(path.clone(), files)?, path)
    }

    fn over(handle: Handle, path: PathBuf) -> Result<(Self, Starts), IndexError> {
        let starts = count_start(&handle.opened())
            .map_err(|source| IndexError::Database { path: path.clone(), source: Box::new(source) })?;
        let handle = Arc::new(handle);
        let writer = Writer::start(Arc::clone(&handle)).map_err(|source| IndexError::Io { path, source })?;
        Ok((Self { handle, writer }, starts))
    }

    /// From now on removes from `blobs` what commits release.
    pub(crate) fn attach(&self, blobs: &Arc<Blobs>) {
        self.writer.attach(Arc::clone(blobs));
    }

    /// The state after the last commit.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, Failure> {
        Ok(Snapshot::new(self.handle.database().begin_read()?))
    }

    /// Runs `change` in the next group commit and answers when that is durable. `change` refuses
    /// before it changes anything.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writer.write(change).await.map_err(|failure| match failure {
            // The database under the writer has failed, and is not open again yet.
            Failure::Closed if self.handle.has_failed() => Failure::Storage(redb::Error::PreviousIo),
            other => other,
        })
    }

    /// How long commits took.
    pub(crate) fn commits(&self) -> &Histogram {
        self.writer.commits()
    }

    /// Another number after each commit that changed the record of a bucket, and before that commit is acknowledged: who
    /// keeps what a record says asks it first, reads then, and keeps it while the number stays.
    pub(crate) fn bucket_changes(&self) -> u64 {
        self.writer.bucket_changes()
    }

    /// Whether any object or part consists of this blob.
    pub(crate) fn names_blob(&self, id: BlobId) -> Result<bool, Failure> {
        self.snapshot()?.names_blob(id)
    }
}

/// Makes an empty database under another name and renames it: a start that is killed half way
/// leaves nothing that the next start would take for a database.
fn make(data: &Path, path: &Path, fsync: Fsync) -> Result<(), IndexError> {
    let unfinished = data.join(UNFINISHED_FILE_NAME);
    let io_error = |source| IndexError::Io { path: unfinished.clone(), source };
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
        _ => {}
    }
    let database = Disk::open(&unfinished, fsync)
        .map_err(redb::Error::Io)
        .and_then(|disk| Ok(redb::Builder::new().create_with_backend(disk)?));
    drop(database.map_err(|source| IndexError::Database { path: unfinished.clone(), source: Box::new(source) })?);
    fs::rename(&unfinished, path).map_err(io_error)?;
    if fsync == Fsync::Always {
        crate::blobs::sync_directory(data).map_err(io_error)?;
    }
    Ok(())
}

/// Makes an empty log where there is none.
fn make_log(data: &Path, path: &Path, fsync: Fsync) -> io::Result<()> {
    match File::create_new(path) {
        Ok(_) if fsync == Fsync::Always => crate::blobs::sync_directory(data),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes missing tables and the number of this start. Blobs carry sums from the first start on that knew of them.
fn count_start(opened: &Opened) -> Result<Starts, redb::Error> {
    let transaction = opened.database().begin_write()?;
    tables::create(&transaction)?;
    let starts = {
        let mut counters = transaction.open_table(tables::COUNTERS)?;
        let before = counters.get(tables::BOOT)?.map_or(0, |guard| guard.value());
        counters.insert(tables::BOOT, before + 1)?;
        let first_summing = counters.get(tables::FIRST_SUMMING_BOOT)?.map(|guard| guard.value());
        if first_summing.is_none() {
            counters.insert(tables::FIRST_SUMMING_BOOT, before + 1)?;
        }
        let boot = |number: u64| Boot(u32::try_from(number).unwrap_or(u32::MAX));
        Starts { this: boot(before + 1), first_summing: boot(first_summing.unwrap_or(before + 1)) }
    };
    opened.commit(transaction, None)?;
    Ok(starts)
}
