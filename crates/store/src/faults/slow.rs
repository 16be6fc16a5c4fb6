//! Slowness on purpose: a body in small pieces, each of which has its time.

use std::io;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

/// How many pieces a second has at most; fewer where a piece would be less than a byte.
const PIECES_PER_SECOND: u64 = 10;

/// What slows one body down.
#[derive(Debug)]
pub(crate) struct Slow {
    bytes_per_second: NonZeroU64,
    /// What was taken from the body and not passed on yet.
    held: Bytes,
    /// When the next piece may go.
    next: Pin<Box<Sleep>>,
}

impl Slow {
    pub(crate) fn new(bytes_per_second: NonZeroU64) -> Self {
        Self { bytes_per_second, held: Bytes::new(), next: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    pub(crate) fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// The next piece, of what is held or else of what `more` gives.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        more: impl FnOnce(&mut Context<'_>) -> Poll<Option<io::Result<Bytes>>>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        ready!(self.next.as_mut().poll(context));
        if self.held.is_empty() {
            match ready!(more(context)) {
                Some(Ok(bytes)) => self.held = bytes,
                end => return Poll::Ready(end),
            }
        }
        let size = (self.bytes_per_second.get() / PIECES_PER_SECOND).max(1);
        let piece = self.held.split_to(usize::try_from(size).unwrap_or(usize::MAX).min(self.held.len()));
        let nanoseconds = piece.len() as u64 * 1_000_000_000 / self.bytes_per_second.get();
        let pause = Duration::from_nanos(nanoseconds);
        self.next.as_mut().reset(Instant::now() + pause);
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_takes_the_time_that_its_rate_says() {
        let mut slow = Slow::new(NonZeroU64::new(1000).unwrap());
        let mut whole = Some(Bytes::from(vec![7; 2500]));
        let (begun, mut passed) = (Instant::now(), 0);
        while let Some(piece) = poll_fn(|context| slow.poll(context, |_| Poll::Ready(whole.take().map(Ok)))).await {
            passed += piece.unwrap().len();
        }
        assert_eq!(passed, 2500);
        let taken = begun.elapsed();
        assert!((Duration::from_millis(2400)..Duration::from_millis(2600)).contains(&taken), "{taken:?}");
    }
}
