//! Threads that serve connections, each on a runtime of its own.
//!
//! A connection stays with its thread. On a runtime of many threads it may change, and whenever one of them has two requests
//! to answer it wakes another, which mostly finds nothing left to do.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// How many threads may wait for the disk, of all workers together: as many as a runtime has by default.
const BLOCKING_THREADS: usize = 512;

#[derive(Debug)]
pub(crate) struct Workers(Vec<Worker>);

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// Held once by each of its connections.
    connections: Arc<()>,
    /// The thread, and what ends it when it is dropped. Nothing where others have made the runtime.
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Drop for Worker {
    /// Waits for what the thread still has to do with the disk.
    fn drop(&mut self) {
        let Some((stop, thread)) = self.thread.take() else { return };
        drop(stop);
        if thread.join().is_err() {
            tracing::error!("a worker has panicked");
        }
    }
}

/// Where a connection is served, as long as it lasts.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) runtime: Handle,
    _connection: Arc<()>,
}

impl Workers {
    /// As many threads; without a number, or where the system gives none, the runtime that this is called on.
    pub(crate) fn start(threads: Option<NonZeroUsize>) -> Self {
        let started = threads.map(|threads| {
            let blocking = (BLOCKING_THREADS / threads).max(1);
            (0..threads.get()).map(|number| Worker::start(number, blocking)).collect::<io::Result<_>>()
        });
        match started {
            Some(Ok(workers)) => return Self(workers),
            Some(Err(error)) => tracing::warn!(%error, "no threads of their own could be started for connections"),
            None => {}
        }
        Self(vec![Worker { runtime: Handle::current(), connections: Arc::default(), thread: None }])
    }

    /// A place with the worker that has the fewest connections.
    pub(crate) fn place(&self) -> Place {
        let worker = self.0.iter().min_by_key(|worker| Arc::strong_count(&worker.connections));
        let worker = worker.expect("there is at least one");
        Place { runtime: worker.runtime.clone(), _connection: Arc::clone(&worker.connections) }
    }

    /// Ends the threads without blocking the one that asks.
    pub(crate) async fn stop(self) {
        // Nothing here panics.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Worker {
    fn start(number: usize, blocking: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(blocking)
            .thread_name(format!("gatepass-disk-{number}"))
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(format!("gatepass-worker-{number}")).spawn(move || {
            // An error means that the workers are gone, which is the same message.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { runtime: handle, connections: Arc::default(), thread: Some((stop, thread)) })
    }
}

#[cfg(test)]
mod tests {
    use std::thread::ThreadId;

    use super::*;

    async fn thread_of(place: &Place) -> ThreadId {
        place.runtime.spawn(async { thread::current().id() }).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_goes_to_the_worker_that_has_the_fewest() {
        let workers = Workers::start(NonZeroUsize::new(2));
        let (first, second) = (workers.place(), workers.place());
        let (of_first, of_second) = (thread_of(&first).await, thread_of(&second).await);
        assert_ne!(of_first, of_second);
        drop(first);
        let third = workers.place();
        assert_eq!(thread_of(&third).await, of_first);
        drop(second);
        assert_eq!(thread_of(&workers.place()).await, of_second);
        workers.stop().await;
    }

    #[tokio::test]
    async fn without_a_number_connections_stay_where_they_are() {
        let workers = Workers::start(None);
        let here = Handle::current().id();
        assert_eq!((workers.place().runtime.id(), workers.place().runtime.id()), (here, here));
        workers.stop().await;
    }
}
