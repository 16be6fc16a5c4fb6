//! A connection whose peer takes nothing for too long, or next to nothing, is closed; otherwise a
//! client that opens a download and reads none of it would hold its connection for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::patience::Patience;

#[derive(Debug)]
pub(crate) struct StallTimeout<S> {
    stream: S,
    patience: Patience,
    /// While a write waits.
    stall: Option<Stall>,
}

#[derive(Debug)]
struct Stall {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> StallTimeout<S> {
    /// `limit` is how long the peer may take nothing.
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, patience: Patience::new(limit), stall: None }
    }

    fn watch_write(&mut self, context: &mut Context<'_>, write: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let write = self.watch(context, write);
        if let Poll::Ready(Ok(bytes)) = write {
            self.patience.earn(bytes);
        }
        write
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, write: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            if let Some(stall) = self.stall.take() {
                self.patience.spend(stall.since.elapsed());
            }
            return write;
        }
        let left = self.patience.left();
        let stall =
            self.stall.get_or_insert_with(|| Stall { since: Instant::now(), end: Box::pin(tokio::time::sleep(left)) });
        match stall.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch_write(context, write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch_write(context, write)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, shutdown)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::patience::MIN_BYTES_PER_SECOND;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (near, far) = tokio::io::duplex(16);
        let mut near = StallTimeout::new(near, Duration::from_mins(1));
        let error = near.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(far);
    }

    /// Writes `bytes` to a peer that takes as many each second.
    async fn write_to_reader(bytes: usize, per_second: usize) -> io::Result<()> {
        let (near, mut far) = tokio::io::duplex(16);
        let mut near = StallTimeout::new(near, Duration::from_mins(1));
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; per_second];
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if far.read_exact(&mut buffer).await.is_err() {
                    return;
                }
            }
        });
        let written = near.write_all(&vec![0; bytes]).await;
        drop(near);
        reader.await.unwrap();
        written
    }

    #[tokio::test(start_paused = true)]
    async fn attack_35_a_peer_may_take_slowly_but_not_crawl() {
        let slowest = MIN_BYTES_PER_SECOND as usize;
        write_to_reader(600 * slowest, slowest).await.unwrap();
        let begun = Instant::now();
        let error = write_to_reader(600, 1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(80), "{:?}", begun.elapsed());
    }
}
