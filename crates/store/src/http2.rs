//! HTTP/2: what one connection may ask for at once, and when it is given up.
//!
//! It is spoken over TLS alone, where the client chooses it by ALPN; a listener in the clear takes no prior knowledge of it.
//! Streams share a connection, so limits that HTTP/1.1 keeps on the socket are kept here on streams: one that takes nothing
//! of its answer ends the connection, and so does a connection without a request.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::limits::Limits;
use crate::server::MAX_HEAD_BYTES;

/// How many requests a connection has in progress at most.
pub const MAX_STREAMS: u32 = 64;
/// How much of one body is sent ahead of its being read.
pub const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// The same, of all bodies of a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// How many streams a client may reset before they were looked at (CVE-2023-44487, "rapid reset").
pub const MAX_PENDING_RESETS: usize = 20;
/// How many streams a client may make us reset ("MadeYouReset", CVE-2025-8671).
pub const MAX_LOCAL_RESETS: usize = 64;
/// How much of an answer waits in memory for a client's window.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// How often a silent client is asked whether it is still there, and how long it may think about that.
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
/// See [`PING_INTERVAL`].
pub const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves a connection until it ends, is given up, or `stopping` says so and its requests have ended.
pub(crate) async fn serve<S, A, F, B>(stream: S, limits: Limits, mut stopping: watch::Receiver<bool>, answer: A)
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Fn(Request<Incoming>) -> F + Clone,
    F: Future<Output = Result<Response<B>, io::Error>> + Send + 'static,
    B: Body<Data = Bytes, Error = io::Error> + Send + Unpin + 'static,
{
    let streams = Streams::new();
    let service = service_fn(|request| {
        let working = streams.begin();
        let answered = answer(request);
        async move { Ok::<_, io::Error>(answered.await?.map(|body| Watched { body, stream: working })) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_LOCAL_RESETS)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let is_given_up = tokio::select! {
        ended = connection.as_mut() => return log_end(ended),
        () = streams.given_up(limits) => true,
        _ = stopping.wait_for(|stopping| *stopping) => false,
    };
    connection.as_mut().graceful_shutdown();
    let too_late = async {
        if is_given_up {
            sleep(limits.http2_goaway).await;
        } else {
            // Requests in progress end first.
            streams.given_up(Limits { http2_idle: limits.http2_goaway, ..limits }).await;
        }
    };
    tokio::select! {
        ended = connection => log_end(ended),
        () = too_late => tracing::debug!("a connection of HTTP/2 was given up"),
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The requests of a connection that are in progress.
#[derive(Debug, Clone)]
struct Streams(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    next: u64,
    open: Vec<(u64, Turn)>,
    /// When the last request ended, or the connection began.
    idle_since: Instant,
}

/// Whose turn it is in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Ours: to answer, or to read what comes next.
    Ours,
    /// The client's, to take what it was offered.
    Theirs { since: Instant },
}

impl Streams {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(State { next: 0, open: Vec::new(), idle_since: Instant::now() })))
    }

    fn begin(&self) -> Stream {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.open.push((id, Turn::Ours));
        Stream { streams: self.clone(), id }
    }

    /// Ready when the connection is of no use any more.
    async fn given_up(&self, limits: Limits) {
        loop {
            let next = self.state().end(limits);
            if next <= Instant::now() {
                return;
            }
            // Whatever happens meanwhile can only move the end away.
            sleep_until(next).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// When the connection is given up if nothing happens.
    fn end(&self, limits: Limits) -> Instant {
        if self.open.is_empty() {
            return self.idle_since + limits.http2_idle;
        }
        let waiting = self.open.iter().filter_map(|(_, turn)| match turn {
            Turn::Ours => None,
            Turn::Theirs { since } => Some(*since + limits.write_stall),
        });
        // While it is our turn everywhere, the client is not to blame before it has had its time.
        waiting.min().unwrap_or_else(|| Instant::now() + limits.write_stall.min(limits.http2_idle))
    }
}

/// One request in progress, until it is dropped.
#[derive(Debug)]
struct Stream {
    streams: Streams,
    id: u64,
}

impl Stream {
    fn turn(&self, turn: Turn) {
        let mut state = self.streams.state();
        if let Some((_, current)) = state.open.iter_mut().find(|(id, _)| *id == self.id) {
            *current = turn;
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut state = self.streams.state();
        state.open.retain(|(id, _)| *id != self.id);
        state.idle_since = Instant::now();
    }
}

/// A body that tells whose turn it is.
#[derive(Debug)]
struct Watched<B> {
    body: B,
    stream: Stream,
}

impl<B: Body<Data = Bytes, Error = io::Error> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.stream.turn(match polled {
            Poll::Pending => Turn::Ours,
            Poll::Ready(_) => Turn::Theirs { since: Instant::now() },
        });
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn is_given_up(streams: &Streams) -> bool {
        tokio::time::timeout(Duration::from_millis(1), streams.given_up(Limits::default())).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_given_up_and_one_with_a_slow_answer_is_not() {
        let limits = Limits::default();
        let streams = Streams::new();
        let working = streams.begin();
        tokio::time::advance(10 * limits.http2_idle).await;
        assert!(!is_given_up(&streams).await, "it is our turn");
        drop(working);
        tokio::time::advance(limits.http2_idle.saturating_sub(SECOND)).await;
        assert!(!is_given_up(&streams).await);
        tokio::time::advance(SECOND).await;
        assert!(is_given_up(&streams).await);
    }

    #[tokio::test(start_paused = true)]
    async fn one_stream_that_takes_nothing_is_enough_whatever_the_others_do() {
        let limits = Limits::default();
        let streams = Streams::new();
        let (stalled, busy) = (streams.begin(), streams.begin());
        stalled.turn(Turn::Theirs { since: Instant::now() });
        tokio::time::advance(limits.write_stall.saturating_sub(SECOND)).await;
        busy.turn(Turn::Theirs { since: Instant::now() });
        assert!(!is_given_up(&streams).await);
        tokio::time::advance(SECOND).await;
        assert!(is_given_up(&streams).await);
        stalled.turn(Turn::Ours);
        assert!(!is_given_up(&streams).await);
    }
}
