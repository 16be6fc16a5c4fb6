//! The listener: connections, their limits, and an end that drains.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::linger::{Linger, Unread};
use crate::peer::{Peer, Transport};
use crate::service;
use crate::stall::StallTimeout;
use crate::store::Store;

/// How many connections are open at once. More of them wait in the listener's queue.
pub const MAX_CONNECTIONS: usize = 1024;
/// How long a client may take to send the head of a request, from the end of the one before.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How many header lines a request has at most.
pub const MAX_HEADERS: usize = 100;
/// How long the head of a request is at most, which holds a key of 1,024 bytes and a session token.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How much of what it receives, and of what it sends, a connection buffers. A head must fit.
const CONNECTION_BUFFER_BYTES: usize = MAX_HEAD_BYTES;
/// How long a client may take nothing of what is sent to it.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_mins(1);
/// How long requests in progress are waited for when the server stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long accepting pauses when the system is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Store {
    /// Serves until `shutdown` is ready, then lets requests in progress end, for a bounded time.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let slot = tokio::select! {
                () = &mut shutdown => break,
                slot = Arc::clone(&slots).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { break };
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => accepted,
            };
            // Connections that have ended leave their results here.
            while connections.try_join_next().is_some() {}
            let (stream, peer) = match accepted {
                Ok((stream, address)) => (stream, Peer { address, transport: Transport::Plain }),
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let (store, watcher) = (Arc::clone(&self), graceful.watcher());
            connections.spawn(async move {
                serve_connection(store, stream, peer, watcher).await;
                drop(slot);
            });
        }
        drop(listener);
        if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
            tracing::warn!(connections = connections.len(), "stopping with requests in progress");
        }
        connections.shutdown().await;
    }
}

async fn serve_connection(store: Arc<Store>, stream: TcpStream, peer: Peer, watcher: Watcher) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not switch off Nagle's algorithm");
    }
    let unread = Unread::default();
    let io = TokioIo::new(Linger::new(StallTimeout::new(stream, WRITE_STALL_TIMEOUT), unread.clone()));
    let answer = service_fn(move |request: Request<Incoming>| {
        let (store, unread) = (Arc::clone(&store), unread.clone());
        async move { Ok::<_, Infallible>(service::answer(&store, request, peer, &unread).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(CONNECTION_BUFFER_BYTES)
        .auto_date_header(false)
        .serve_connection(io, answer);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// A connection that broke before it was accepted says nothing about the next one; a lack of
/// descriptors passes when others end.
async fn pause_after(error: &io::Error) {
    let is_about_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !is_about_one_connection {
        tracing::warn!(%error, "could not accept a connection");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
