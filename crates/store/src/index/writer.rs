//! The one thread that writes. Whatever has arrived while the last commit was synced goes into the
//! next one together: the cost of a sync is shared, and an answer goes out only after it.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use redb::ReadableDatabase;
use tokio::sync::{mpsc, oneshot};

use super::handle::{Handle, Opened};
use super::redo::Redo;
use super::transaction::{Effects, Transaction};
use super::wal::LARGEST_REDO;
use super::{Failure, Snapshot};
use crate::blobs::{BlobId, Blobs};
use crate::metrics::Histogram;
use crate::space;

/// How many writes may wait for the writer; more of them wait outside.
const WAITING_WRITES: usize = 1024;
/// How many writes one commit takes at most, which bounds how long the first of them waits.
const WRITES_PER_COMMIT: usize = 256;

/// Applies a change and keeps its outcome until the commit has told whether it holds.
type Apply = Box<dyn FnOnce(&mut Transaction<'_>) -> Applied + Send>;

enum Applied {
    /// The change refused its request, which has been answered.
    Refused,
    /// The change is part of the transaction. Called after the commit.
    Changed(Box<dyn FnOnce(Committed) + Send>),
    /// The database failed under the change, and with it the whole group.
    Failed(Failure, Box<dyn FnOnce(Committed) + Send>),
}

#[derive(Debug, Clone, Copy)]
enum Committed {
    Yes,
    /// Not, for want of space.
    Full,
    No,
}

#[derive(Debug)]
pub(super) struct Writer {
    // Both are taken on drop.
    queue: Option<mpsc::Sender<Apply>>,
    thread: Option<JoinHandle<()>>,
    blobs: Arc<OnceLock<Arc<Blobs>>>,
    /// How long commits took.
    commits: Arc<Histogram>,
    bucket_changes: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(handle: Arc<Handle>) -> io::Result<Self> {
        let (queue, arrivals) = mpsc::channel(WAITING_WRITES);
        let blobs: Arc<OnceLock<Arc<Blobs>>> = Arc::default();
        let released = Arc::clone(&blobs);
        let commits = Arc::new(Histogram::default());
        let recorded = Arc::clone(&commits);
        let bucket_changes: Arc<AtomicU64> = Arc::default();
        let changes = Arc::clone(&bucket_changes);
        let thread = thread::Builder::new()
            .name("gatepass-writer".into())
            .spawn(move || run(&handle, arrivals, &released, &recorded, &changes))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), blobs, commits, bucket_changes })
    }

    pub(super) fn commits(&self) -> &Histogram {
        &self.commits
    }

    pub(super) fn bucket_changes(&self) -> u64 {
        self.bucket_changes.load(Ordering::SeqCst)
    }

    pub(super) fn attach(&self, blobs: Arc<Blobs>) {
        // A second store over one index does not exist: the first one stays.
        let _ = self.blobs.set(blobs);
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let apply = move |transaction: &mut Transaction<'_>| match change(transaction) {
            Ok(value) => Applied::Changed(Box::new(move |committed| {
                // The client may have left; its write holds all the same.
                let _ = answer.send(match committed {
                    Committed::Yes => Ok(value),
                    Committed::Full => Err(Failure::Full),
                    Committed::No => Err(Failure::Closed),
                });
            })),
            Err(Failure::Refused(error)) => {
                let _ = answer.send(Err(Failure::Refused(error)));
                Applied::Refused
            }
            Err(failure) => Applied::Failed(
                failure,
                Box::new(move |committed| {
                    let _ = answer.send(Err(match committed {
                        Committed::Full => Failure::Full,
                        Committed::Yes | Committed::No => Failure::Closed,
                    }));
                }),
            ),
        };
        let queue = self.queue.as_ref().ok_or(Failure::Closed)?;
        queue.send(Box::new(apply)).await.map_err(|_| Failure::Closed)?;
        answered.await.map_err(|_| Failure::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // The database must be closed when this returns, so that it can be opened again.
            let _ = thread.join();
        }
    }
}

fn run(
    handle: &Handle,
    mut arrivals: mpsc::Receiver<Apply>,
    blobs: &OnceLock<Arc<Blobs>>,
    commits: &Histogram,
    bucket_changes: &AtomicU64,
) {
    let mut unsettled = Vec::new();
    while let Some(first) = arrivals.blocking_recv() {
        let mut group = vec![first];
        while group.len() < WRITES_PER_COMMIT
            && let Ok(next) = arrivals.try_recv()
        {
            group.push(next);
        }
        let mut waiting = Vec::with_capacity(group.len());
        let begun = Instant::now();
        match commit(&handle.opened(), group, &mut waiting, bucket_changes) {
            Ok(released) => {
                commits.record(begun.elapsed());
                for answer in waiting {
                    answer(Committed::Yes);
                }
                if let Some(blobs) = blobs.get() {
                    blobs.remove(released);
                }
            }
            Err(NotCommitted { failure, blobs }) => {
                tracing::error!(?failure, writes = waiting.len(), "a group of writes was not committed");
                unsettled.extend(blobs);
                let committed = if is_full(&failure) { Committed::Full } else { Committed::No };
                for answer in waiting {
                    answer(committed);
                }
            }
        }
        if let Some(blobs) = blobs.get()
            && !unsettled.is_empty()
        {
            settle(handle, blobs, &mut unsettled);
        }
    }
    if let Err(error) = handle.opened().close() {
        tracing::warn!(%error, "the index stays in its log, from where the next start takes it");
    }
}

/// A group that was not committed, as far as anybody knows.
struct NotCommitted {
    failure: Failure,
    /// Blobs that the index names now or does not, depending on what reached the disk.
    blobs: Vec<BlobId>,
}

impl<E: Into<Failure>> From<E> for NotCommitted {
    fn from(failure: E) -> Self {
        Self { failure: failure.into(), blobs: Vec::new() }
    }
}

fn is_full(failure: &Failure) -> bool {
    matches!(failure, Failure::Storage(redb::Error::Io(error)) if space::is_full(error))
}

/// Asks the database, once it is open again, which blobs of a commit that failed it names, and removes the others.
fn settle(handle: &Handle, blobs: &Blobs, unsettled: &mut Vec<BlobId>) {
    let unnamed = || -> Result<Vec<BlobId>, Failure> {
        let snapshot = Snapshot::new(handle.database().begin_read()?);
        let mut unnamed = Vec::new();
        for id in unsettled.iter() {
            if !snapshot.names_blob(*id)? {
                unnamed.push(*id);
            }
        }
        Ok(unnamed)
    };
    match unnamed() {
        Ok(unnamed) => {
            unsettled.clear();
            blobs.remove(unnamed);
        }
        // After the next group, then; or by the next start.
        Err(failure) => tracing::error!(?failure, "could not tell what a failed commit has left"),
    }
}

/// Commits a group, and answers which blobs the index has forgotten with it.
fn commit(
    opened: &Opened,
    group: Vec<Apply>,
    waiting: &mut Vec<Box<dyn FnOnce(Committed) + Send>>,
    bucket_changes: &AtomicU64,
) -> Result<Vec<BlobId>, NotCommitted> {
    let inner = opened.database().begin_write()?;
    let notes = RefCell::new(Redo::up_to(LARGEST_REDO));
    let mut effects = Effects::default();
    {
        let mut transaction = Transaction::open(&inner, &notes, &mut effects).map_err(Failure::Storage)?;
        for apply in group {
            let changes_before = transaction.changes();
            match apply(&mut transaction) {
                Applied::Changed(answer) => waiting.push(answer),
                Applied::Refused if transaction.changes() == changes_before => {}
                Applied::Refused => return Err(Failure::ChangedAndRefused.into()),
                Applied::Failed(failure, answer) => {
                    waiting.push(answer);
                    return Err(failure.into());
                }
            }
        }
    }
    if effects.changes == 0 {
        // Every request was refused, or found things as it wanted them.
        inner.abort()?;
        return Ok(Vec::new());
    }
    let committed = opened.commit(inner, notes.borrow().complete());
    if effects.touches_buckets {
        // Before anybody is told, and also where nobody knows whether it holds.
        bucket_changes.fetch_add(1, Ordering::SeqCst);
    }
    // When a commit fails nobody knows what the disk holds: the new blobs stay until the database, opened anew, says
    // whether it names them.
    let mut blobs = effects.adopt_all();
    match committed {
        Ok(()) => Ok(effects.released),
        Err(error) => {
            blobs.append(&mut effects.released);
            Err(NotCommitted { failure: Failure::Storage(error), blobs })
        }
    }
}
