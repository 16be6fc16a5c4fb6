//! A copy of a store as one commit left it, while the store goes on.
//!
//! Bodies never change once they have a name, so a backup on the same file system links their files; on another it copies
//! them. No body that the copied index names is unlinked before the copy is complete. The backup appears under its name
//! when all of it is durable.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::blobs::{BlobId, Blobs, sync_directory};
use crate::control;
use crate::index::{Access, Failure, Index, IndexError, Offline, Snapshot};
use crate::store::{OpenError, Store, lock};

const CREDENTIALS_FILE_NAME: &str = "root-credentials.json";
/// A backup holds the root keys.
const DIRECTORY_MODE: u32 = 0o700;

/// What a backup holds.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupReport {
    /// Rows of the index.
    pub rows: u64,
    /// Files of bodies that are shared with the store.
    pub linked: u64,
    /// Files of bodies that were copied.
    pub copied: u64,
}

/// Why there is no backup.
#[derive(Debug, Error)]
pub enum BackupError {
    /// There is no store in the directory.
    #[error("there is no store in {}", .0.display())]
    NoStore(PathBuf),
    /// Something is there already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// A file could not be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The store does not open.
    #[error("the store does not open")]
    Open(#[from] OpenError),
    /// The index could not be read or written.
    #[error("the index could not be copied: {0}")]
    Index(String),
    /// Nobody waits for it any more.
    #[error("the backup was given up")]
    GivenUp,
    /// The process that has the store open says so.
    #[error("{0}")]
    Refused(String),
}

impl From<Failure> for BackupError {
    fn from(failure: Failure) -> Self {
        Self::Index(format!("{failure:?}"))
    }
}

impl From<IndexError> for BackupError {
    fn from(error: IndexError) -> Self {
        Self::Open(OpenError::Index(error))
    }
}

/// Hears how many rows and files of how many are done, and says whether to go on.
pub type BackupProgress<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Copies the store in `data` to the directory `to`, which must not exist: by the process that runs it, or directly where
/// none does.
pub fn backup(data: &Path, to: &Path, progress: BackupProgress<'_>) -> Result<BackupReport, BackupError> {
    if !Index::exists_in(data) {
        return Err(BackupError::NoStore(data.to_owned()));
    }
    let to = std::path::absolute(to).map_err(|source| BackupError::Io { path: to.to_owned(), source })?;
    if let Some(stream) = control::connect(data) {
        return control::ask_for_backup(stream, &to, progress);
    }
    let _lock = lock(data)?;
    let offline = Offline::open(data, Access::ReadOnly)?;
    write(data, &offline.snapshot()?, &to, progress)
}

impl Store {
    /// Copies this store to the directory `to`, which must not exist. Blocks.
    pub fn backup(&self, to: &Path, progress: BackupProgress<'_>) -> Result<BackupReport, BackupError> {
        let (snapshot, _held) = self.blobs.hold(|| self.index.snapshot())?;
        write(self.blobs.data(), &snapshot, to, progress)
    }
}

fn write(
    data: &Path,
    snapshot: &Snapshot,
    to: &Path,
    progress: BackupProgress<'_>,
) -> Result<BackupReport, BackupError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let mut name = to.file_name().ok_or_else(|| BackupError::Exists(to.to_owned()))?.to_owned();
    name.push(".partial");
    let partial = to.with_file_name(name);
    match DirBuilder::new().mode(DIRECTORY_MODE).create(&partial) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(BackupError::Exists(partial)),
        made => made.map_err(at(&partial))?,
    }
    let written = fill(data, snapshot, &partial, progress).and_then(|report| {
        // Another process may have made it in the meantime; a directory that is not empty is never replaced.
        fs::rename(&partial, to).map_err(at(to))?;
        let above = to.parent().unwrap_or(Path::new("/"));
        sync_directory(above).map_err(at(above))?;
        Ok(report)
    });
    if written.is_err()
        && let Err(error) = fs::remove_dir_all(&partial)
    {
        tracing::warn!(path = %partial.display(), %error, "could not remove what was begun of a backup");
    }
    written
}

fn fill(
    data: &Path,
    snapshot: &Snapshot,
    partial: &Path,
    progress: BackupProgress<'_>,
) -> Result<BackupReport, BackupError> {
    let mut report = BackupReport::default();
    let (rows, blobs) = snapshot.sizes()?;
    let mut done = 0;
    let mut advance = || {
        done += 1;
        progress(done, rows + blobs)
    };
    let (from, into) = (Blobs::directory(data), Blobs::directory(partial));
    fs::create_dir(&into).map_err(at(&into))?;
    for directory in BlobId::directories() {
        let directory = into.join(directory);
        fs::create_dir(&directory).map_err(at(&directory))?;
    }
    let mut outcome = Ok(());
    snapshot.each_blob(&mut |id| {
        let (from, to) = (from.join(id.path()), into.join(id.path()));
        outcome = link_or_copy(&from, &to, &mut report).map_err(at(&from));
        if outcome.is_ok() && advance().is_break() {
            outcome = Err(BackupError::GivenUp);
        }
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome?;
    for directory in BlobId::directories() {
        let directory = into.join(directory);
        sync_directory(&directory).map_err(at(&directory))?;
    }
    sync_directory(&into).map_err(at(&into))?;
    if snapshot
        .copy_to(partial, &mut || {
            report.rows += 1;
            advance()
        })?
        .is_break()
    {
        return Err(BackupError::GivenUp);
    }
    let credentials = data.join(CREDENTIALS_FILE_NAME);
    if credentials.exists() {
        let copy = partial.join(CREDENTIALS_FILE_NAME);
        fs::copy(&credentials, &copy).and_then(|_| File::open(&copy)?.sync_all()).map_err(at(&credentials))?;
    }
    sync_directory(partial).map_err(at(partial))?;
    Ok(report)
}

fn link_or_copy(from: &Path, to: &Path, report: &mut BackupReport) -> io::Result<()> {
    if fs::hard_link(from, to).is_ok() {
        report.linked += 1;
        return Ok(());
    }
    // Another file system, or one that has no links; if it is something else, the copy says so.
    fs::copy(from, to)?;
    File::open(to)?.sync_all()?;
    report.copied += 1;
    Ok(())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path, source }
}
