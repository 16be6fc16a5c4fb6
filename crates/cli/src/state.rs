//! What a running `gatepass dev` leaves in its directory for the other commands: where it answers and its keys.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    failure::{Explain as _, Failure, Result},
    private_file,
    values::shell_quote,
};

const STATE_FILE: &str = "dev.json";
const LOCK_FILE: &str = "dev.lock";

/// A running `gatepass dev`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) backend: String,
    pub(crate) store: String,
    pub(crate) issuer: String,
    pub(crate) region: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    /// How far its clock is from the wall clock.
    pub(crate) clock_offset_milliseconds: i64,
}

impl State {
    /// What runs on a directory.
    pub(crate) fn running(data: &Path) -> Result<Self> {
        let absent = || {
            let start = match data.to_str() {
                Some("./gatepass-data") | None => "gatepass dev".to_owned(),
                Some(path) => format!("gatepass dev --data {}", shell_quote(path)),
            };
            Failure::refused(format_args!("no `gatepass dev` is running on {}", data.display()))
                .hint(format_args!("start it with `{start}`, or name its directory with --data"))
        };
        // The lock goes with its process, however that ended; the file may have been left behind.
        let lock = File::open(data.join(LOCK_FILE)).map_err(|_| absent())?;
        if lock.try_lock_shared().is_ok() {
            return Err(absent());
        }
        let path = data.join(STATE_FILE);
        let text = fs::read(&path).map_err(|_| absent().hint("it may be starting: try again"))?;
        serde_json::from_slice(&text).explain(format!("{} is not what `gatepass dev` writes", path.display()))
    }
}

/// The one `gatepass dev` of a directory.
pub(crate) struct Owner {
    announcer: Announcer,
    _lock: File,
}

/// Tells the other commands.
#[derive(Debug, Clone)]
pub(crate) struct Announcer(PathBuf);

impl Owner {
    /// Takes a directory, which is made where it is missing.
    pub(crate) fn take(data: &Path) -> Result<Self> {
        let unusable = || format!("the data directory {} cannot be used", data.display());
        let writable = |failure: Failure| failure.hint("choose a directory that you may write to with --data");
        private_file::create_directory(data).explain(unusable()).map_err(writable)?;
        let lock = File::options().create(true).truncate(false).write(true).open(data.join(LOCK_FILE));
        let lock = lock.explain(unusable()).map_err(writable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { announcer: Announcer(data.join(STATE_FILE)), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::refused(format_args!("another `gatepass dev` is running on {}", data.display()))
                    .hint("stop it, or choose another directory with --data"))
            }
            Err(TryLockError::Error(error)) => Err(error).explain(unusable()),
        }
    }

    pub(crate) fn announcer(&self) -> Announcer {
        self.announcer.clone()
    }

    /// Takes back what was announced.
    pub(crate) fn retire(self) -> Result<()> {
        let path = &self.announcer.0;
        private_file::remove(path).explain(format!("cannot remove {}", path.display()))
    }
}

impl Announcer {
    pub(crate) fn announce(&self, state: &State) -> Result<()> {
        private_file::write_json(&self.0, state).explain(format!("cannot write {}", self.0.display()))
    }
}
