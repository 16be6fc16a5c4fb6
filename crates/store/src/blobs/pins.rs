//! Readers keep the blobs they read: a blob is unlinked when the index has forgotten it *and* its
//! last reader has left.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};
use std::thread;

use super::BlobId;

#[derive(Debug)]
pub(super) struct Pins {
    pub(super) directory: PathBuf,
    /// Held shared from the lookup in the index until the blobs found are pinned, and exclusively
    /// between a commit and the decision what to unlink. A reader that got in before the commit
    /// has therefore pinned; one that comes after it no longer finds the blob in the index.
    lookup: RwLock<()>,
    readers: Mutex<HashMap<BlobId, Readers>>,
    holds: Mutex<Holds>,
}

/// While somebody copies the store nothing is unlinked.
#[derive(Debug, Default)]
struct Holds {
    count: usize,
    forgotten: Vec<BlobId>,
}

#[derive(Debug, Default)]
struct Readers {
    count: usize,
    doomed: bool,
}

impl Pins {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, lookup: RwLock::default(), readers: Mutex::default(), holds: Mutex::default() }
    }

    pub(super) fn path(&self, id: BlobId) -> PathBuf {
        self.directory.join(id.path())
    }

    pub(super) fn pin<T, E>(
        self: &Arc<Self>,
        sweeper: SweeperHandle,
        read: impl FnOnce() -> Result<(T, Vec<BlobId>), E>,
    ) -> Result<(T, Pinned), E> {
        let lookup = self.lookup.read().unwrap_or_else(PoisonError::into_inner);
        let (found, ids) = read()?;
        if !ids.is_empty() {
            let mut readers = self.readers();
            for id in &ids {
                readers.entry(*id).or_default().count += 1;
            }
        }
        drop(lookup);
        Ok((found, Pinned { pins: Arc::clone(self), sweeper, ids }))
    }

    /// Runs `read`, which takes a snapshot of the index: no blob that it names is unlinked before the [`Held`] is dropped.
    pub(super) fn hold<T, E>(
        self: &Arc<Self>,
        sweeper: SweeperHandle,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<(T, Held), E> {
        let lookup = self.lookup.read().unwrap_or_else(PoisonError::into_inner);
        let found = read()?;
        self.holds().count += 1;
        drop(lookup);
        Ok((found, Held { pins: Arc::clone(self), sweeper }))
    }

    fn holds(&self) -> MutexGuard<'_, Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<BlobId, Readers>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of the blobs the index has forgotten, those without a reader; the others are remembered.
    fn unread(&self, forgotten: Vec<BlobId>) -> Vec<BlobId> {
        let _decision = self.lookup.write().unwrap_or_else(PoisonError::into_inner);
        let mut holds = self.holds();
        if holds.count > 0 {
            holds.forgotten.extend(forgotten);
            return Vec::new();
        }
        drop(holds);
        let mut readers = self.readers();
        let is_unread = |id: &BlobId| match readers.get_mut(id) {
            Some(readers) => {
                readers.doomed = true;
                false
            }
            None => true,
        };
        forgotten.into_iter().filter(is_unread).collect()
    }
}

/// All blobs, while somebody copies them.
#[derive(Debug)]
pub(crate) struct Held {
    pins: Arc<Pins>,
    sweeper: SweeperHandle,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut holds = self.pins.holds();
        holds.count -= 1;
        let forgotten = if holds.count == 0 { std::mem::take(&mut holds.forgotten) } else { Vec::new() };
        drop(holds);
        self.sweeper.sweep(forgotten);
    }
}

/// Blobs that somebody reads.
#[derive(Debug)]
pub(crate) struct Pinned {
    pins: Arc<Pins>,
    sweeper: SweeperHandle,
    ids: Vec<BlobId>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.ids.is_empty() {
            return;
        }
        let mut readers = self.pins.readers();
        let mut doomed = Vec::new();
        for id in self.ids.drain(..) {
            let Some(entry) = readers.get_mut(&id) else { continue };
            entry.count -= 1;
            if entry.count == 0 {
                if entry.doomed {
                    doomed.push(id);
                }
                readers.remove(&id);
            }
        }
        drop(readers);
        self.sweeper.sweep(doomed);
    }
}

/// The thread that unlinks: freeing a file of gigabytes takes long enough to be nobody's wait.
#[derive(Debug)]
pub(super) struct Sweeper {
    handle: SweeperHandle,
}

#[derive(Debug, Clone)]
pub(super) struct SweeperHandle(mpsc::Sender<Vec<BlobId>>);

impl Sweeper {
    pub(super) fn start(pins: Arc<Pins>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Vec<BlobId>>();
        thread::Builder::new().name("gatepass-sweeper".into()).spawn(move || {
            for forgotten in receiver {
                for id in pins.unread(forgotten) {
                    match fs::remove_file(pins.path(id)) {
                        // A leftover may be found by the search for leftovers and by a commit.
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            tracing::warn!(blob = %id, %error, "could not remove a blob");
                        }
                        _ => {}
                    }
                }
            }
        })?;
        Ok(Self { handle: SweeperHandle(sender) })
    }

    pub(super) fn handle(&self) -> SweeperHandle {
        self.handle.clone()
    }
}

impl SweeperHandle {
    pub(super) fn sweep(&self, forgotten: Vec<BlobId>) {
        if !forgotten.is_empty() {
            // The thread ends only after the last handle; were it gone, the next start would sweep.
            let _ = self.0.send(forgotten);
        }
    }
}
