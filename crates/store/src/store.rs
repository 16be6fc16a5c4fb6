//! An open store: its directory, its index and its blobs.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use gatepass_authority::{Authority, DataState};
use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::credentials::Credentials;
use gatepass_signing::sigv4::{Region, RegionError};
use jiff::Timestamp;
use thiserror::Error;

use crate::access_log::AccessLog;
use crate::authenticate::Authenticator;
use crate::blobs::{Blobs, sync_directory};
use crate::config::{Clock, Config, Fsync};
use crate::explain::Explainer;
use crate::faults::Faults;
use crate::index::{Failure, Index, IndexError};
use crate::lifecycle::Lifecycles;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::policies::Policies;
use crate::routes::Routes;
use crate::space::Space;
use crate::test_clock::TestClock;

const LOCK_FILE_NAME: &str = "lock";
/// The mode of a data directory that is made here. One that exists keeps its own.
const DIRECTORY_MODE: u32 = 0o700;

/// A store whose data directory this process alone has open.
pub struct Store {
    pub(crate) index: Arc<Index>,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) lifecycles: Lifecycles,
    pub(crate) authenticator: Authenticator,
    pub(crate) routes: Routes,
    pub(crate) policies: Policies,
    now: Clock,
    pub(crate) limits: Limits,
    pub(crate) workers: Option<NonZeroUsize>,
    pub(crate) space: Arc<Space>,
    pub(crate) metrics: Metrics,
    pub(crate) faults: Option<Faults>,
    pub(crate) test_clock: Option<TestClock>,
    pub(crate) explainer: Option<Explainer>,
    pub(crate) access_log: Option<AccessLog>,
    /// Dropped last: the next process may come in when everything else is closed.
    _lock: File,
}

/// Why a store does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The data directory cannot be used.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has the data directory open.
    #[error("the data directory {} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The region is not the name of one.
    #[error("the region is not usable")]
    Region(#[from] RegionError),
    /// There are no root credentials.
    #[error("there are no root credentials")]
    Authority(#[from] gatepass_authority::OpenError),
    /// The index does not open.
    #[error("the index does not open")]
    Index(#[from] IndexError),
    /// The lifecycle rules cannot be read.
    #[error("the lifecycle rules cannot be read: {0}")]
    Lifecycle(String),
}

impl OpenError {
    fn rules(failure: Failure) -> Self {
        Self::Lifecycle(S3Error::from(failure).to_string())
    }
}

impl Store {
    /// Opens the store in `config.data`, or makes one there. Needs no repair after a crash.
    pub fn open(config: Config) -> Result<Arc<Self>, OpenError> {
        let Config {
            data,
            region,
            hosts,
            fsync,
            reserve_bytes,
            free_space,
            root,
            now,
            other_regions,
            signature_version_2,
            lifecycle_day,
            limits,
            workers,
            faults,
            test_clock,
            explain_at,
            access_log,
        } = config;
        let region = Region::new(region)?;
        let directory_error = |source| OpenError::Directory { path: data.clone(), source };
        make_directory(&data, fsync).map_err(directory_error)?;
        let lock = lock(&data)?;
        let state = if Index::exists_in(&data) { DataState::Existing } else { DataState::Empty };
        let authority = Authority::open(&data, root, state)?;
        let (index, starts) = Index::open(&data, fsync)?;
        let space = Space::new(data.clone(), reserve_bytes, free_space);
        let blobs = Arc::new(Blobs::open(&data, starts, fsync, Arc::clone(&space)).map_err(directory_error)?);
        index.attach(&blobs);
        let index = Arc::new(index);
        remove_leftovers_in_background(&index, &blobs).map_err(directory_error)?;
        let lifecycles = Lifecycles::open(&index, lifecycle_day).map_err(OpenError::rules)?;
        let authenticator = Authenticator::new(authority, signature_version_2);
        let routes = Routes::new(region, hosts, other_regions);
        Ok(Arc::new(Self {
            index,
            blobs,
            lifecycles,
            authenticator,
            routes,
            policies: Policies::default(),
            now,
            limits,
            workers,
            space,
            metrics: Metrics::default(),
            faults,
            test_clock,
            explainer: explain_at.map(Explainer::new),
            access_log,
            _lock: lock,
        }))
    }

    /// The keys of the root identity.
    pub fn root_credentials(&self) -> &Credentials {
        self.authenticator.authority().root_credentials()
    }

    pub(crate) fn now(&self) -> Timestamp {
        let now = (self.now)();
        // Off by a fault, where there is one. At the ends of time there is nothing to test.
        self.faults.as_ref().map_or(now, |faults| now.checked_add(faults.clock_skew()).unwrap_or(now))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("data", &self.blobs.data()).finish_non_exhaustive()
    }
}

/// Makes a directory and those above it that are missing. They are its owner's alone: what is below
/// is read by whoever may, not by whoever has an account on the machine.
fn make_directory(path: &Path, fsync: Fsync) -> io::Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists()).collect();
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)?;
    if fsync == Fsync::Always {
        for made in missing {
            // A relative path of one name lies in the working directory.
            let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_directory(parent.unwrap_or(Path::new(".")))?;
        }
    }
    Ok(())
}

pub(crate) fn lock(data: &Path) -> Result<File, OpenError> {
    let directory_error = |source| OpenError::Directory { path: data.to_owned(), source };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(data.join(LOCK_FILE_NAME))
        .map_err(directory_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: data.to_owned() }),
        Err(TryLockError::Error(source)) => Err(directory_error(source)),
    }
}

/// Clears away what a crash may have left, while the store already serves. The thread does not keep
/// the store open.
fn remove_leftovers_in_background(index: &Arc<Index>, blobs: &Arc<Blobs>) -> io::Result<()> {
    let leftovers = blobs.leftovers();
    let index = Arc::downgrade(index);
    thread::Builder::new().name("gatepass-leftovers".into()).spawn(move || {
        // Where the index cannot tell, the blob stays.
        let named = |id| index.upgrade().map(|index| index.names_blob(id).unwrap_or(true));
        if let Err(error) = leftovers.remove(named) {
            tracing::warn!(%error, "could not clear away what an earlier run left behind");
        }
    })?;
    Ok(())
}
