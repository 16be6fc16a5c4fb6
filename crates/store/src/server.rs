//! The listener: connections, their limits, and an end that drains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::body::BATCH_BYTES;
use crate::http2;
use crate::linger::{Linger, Unread};
use crate::peer::{Peer, Transport};
use crate::service;
use crate::stall::StallTimeout;
use crate::store::Store;
use crate::strict::{Heads, Strict};
use crate::tls::{self, Tls};
use crate::workers::Workers;

/// How many connections are open at once. More of them wait in the listener's queue.
pub const MAX_CONNECTIONS: usize = 1024;
/// How many header lines a request of HTTP/1.1 has at most.
pub const MAX_HEADERS: usize = 100;
/// How long the head of a request is at most, which holds a key of 1,024 bytes and a session token.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How much of what it receives, and of what it sends, a connection buffers. A head must fit.
const CONNECTION_BUFFER_BYTES: usize = MAX_HEAD_BYTES;
/// What a connection keeps in memory at most: what is buffered on either side of it, and two batches of a body with the
/// piece that fills each.
pub const CONNECTION_BYTES: usize = 2 * CONNECTION_BUFFER_BYTES + 2 * (BATCH_BYTES + CONNECTION_BUFFER_BYTES);
/// How long accepting pauses when the system is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where a store listens: in the clear, or with TLS.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    tls: Option<Tls>,
}

impl Listener {
    /// A listener for HTTPS alone.
    pub fn tls(listener: TcpListener, tls: Tls) -> Self {
        Self { listener, tls: Some(tls) }
    }
}

/// A listener in the clear.
impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }
}

impl Store {
    /// Serves until `shutdown` is ready, then lets requests in progress end, for a bounded time.
    pub async fn serve(self: Arc<Self>, listener: impl Into<Listener>, shutdown: impl Future<Output = ()>) {
        let Listener { listener, tls } = listener.into();
        let limits = self.limits;
        let graceful = GracefulShutdown::new();
        let (stop, stopping) = watch::channel(false);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let keeper = self.keep_lifecycle();
        let workers = Workers::start(self.workers);
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
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "could not switch off Nagle's algorithm");
            }
            let place = workers.place();
            let runtime = place.runtime.clone();
            let (store, watcher) = (Arc::clone(&self), graceful.watcher());
            let (tls, stopping, stream) = (tls.clone(), stopping.clone(), stream.into_std());
            let serving = async move {
                // From here on its worker hears of it.
                match stream.and_then(TcpStream::from_std) {
                    Ok(stream) => {
                        let stream = StallTimeout::new(stream, limits.write_stall);
                        serve_connection(store, tls.as_ref(), stream, address, watcher, stopping).await;
                    }
                    Err(error) => tracing::warn!(%error, "a connection could not be given to its worker"),
                }
                drop((place, slot));
            };
            connections.spawn_on(serving, &runtime);
        }
        drop(listener);
        stop.send_replace(true);
        let drained = async {
            graceful.shutdown().await;
            while connections.join_next().await.is_some() {}
        };
        if timeout(limits.drain, drained).await.is_err() {
            tracing::warn!(connections = connections.len(), "stopping with requests in progress");
        }
        connections.shutdown().await;
        workers.stop().await;
        keeper.stop().await;
    }
}

async fn serve_connection(
    store: Arc<Store>,
    tls: Option<&Tls>,
    stream: StallTimeout<TcpStream>,
    address: SocketAddr,
    watcher: Watcher,
    stopping: watch::Receiver<bool>,
) {
    match tls {
        None => serve_http1(store, stream, Peer { address, transport: Transport::Plain }, watcher).await,
        Some(tls) => serve_tls(store, tls, stream, address, watcher, stopping).await,
    }
}

/// Agrees on TLS and on a version of HTTP, then serves that.
async fn serve_tls(
    store: Arc<Store>,
    tls: &Tls,
    stream: StallTimeout<TcpStream>,
    address: SocketAddr,
    watcher: Watcher,
    mut stopping: watch::Receiver<bool>,
) {
    let limits = store.limits;
    let shaken = tokio::select! {
        shaken = timeout(limits.tls_handshake, tls.acceptor().accept(stream)) => shaken,
        _ = stopping.wait_for(|stopping| *stopping) => return,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "a client did not agree on TLS"),
        Err(_) => return tracing::debug!("a client did not agree on TLS in time"),
    };
    let (_, session) = stream.get_ref();
    let peer = Peer { address, transport: tls::transport(session) };
    if session.alpn_protocol() != Some(b"h2") {
        return serve_http1(store, stream, peer, watcher).await;
    }
    // What is known of such connections, their own module knows better.
    drop(watcher);
    let metrics = Arc::clone(&store);
    let _connected = metrics.metrics.connected();
    http2::serve(stream, limits, stopping, move |request| {
        let store = Arc::clone(&store);
        async move { service::answer(&store, request, peer, Ok(()), &Unread::default()).await }
    })
    .await;
}

async fn serve_http1<S>(store: Arc<Store>, stream: S, peer: Peer, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = store.limits;
    let unread = Unread::default();
    let metrics = Arc::clone(&store);
    let _connected = metrics.metrics.connected();
    let heads = Heads::default();
    let io = TokioIo::new(Linger::new(Strict::new(stream, heads.clone()), unread.clone()));
    let answer = service_fn(move |request: Request<Incoming>| {
        let (store, unread, head) = (Arc::clone(&store), unread.clone(), heads.next());
        async move { service::answer(&store, request, peer, head, &unread).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
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
pub(crate) async fn pause_after(error: &io::Error) {
    let is_about_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !is_about_one_connection {
        tracing::warn!(%error, "could not accept a connection");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
