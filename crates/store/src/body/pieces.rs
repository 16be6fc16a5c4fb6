//! A body as it arrives, as long as it does.

use std::time::Duration;

use bytes::Bytes;
use gatepass_protocol::s3::error::S3Error;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, timeout};

use crate::patience::Patience;

/// How long a body may pause. One that crawls is given up after as much waiting.
const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The pieces of one body.
#[derive(Debug)]
pub(super) struct Pieces<'b, B> {
    body: &'b mut B,
    patience: Patience,
}

impl<'b, B: Body<Data = Bytes> + Unpin> Pieces<'b, B> {
    pub(super) fn of(body: &'b mut B) -> Self {
        Self { body, patience: Patience::new(BODY_IDLE_TIMEOUT) }
    }

    /// The next piece; `None` at the proper end. Trailers of HTTP itself say nothing in S3.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, S3Error> {
        loop {
            let asked = Instant::now();
            let frame = timeout(self.patience.left(), self.body.frame()).await;
            self.patience.spend(asked.elapsed());
            match frame.map_err(|_| S3Error::request_timeout())? {
                None => return Ok(None),
                // The connection broke, or the chunks of the transfer are malformed.
                Some(Err(_)) => return Err(S3Error::incomplete_body()),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        self.patience.earn(piece.len());
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use gatepass_protocol::s3::error::ErrorCode;
    use http_body::Frame;
    use tokio::time::{Interval, interval};

    use super::*;
    use crate::patience::MIN_BYTES_PER_SECOND;

    /// A body of equal pieces that come at equal intervals.
    pub(in crate::body) struct Drip {
        clock: Interval,
        piece: Bytes,
        pieces: usize,
    }

    impl Drip {
        pub(in crate::body) fn new(every: Duration, bytes: usize, pieces: usize) -> Self {
            Self { clock: interval(every), piece: vec![0; bytes].into(), pieces }
        }
    }

    impl Body for Drip {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.pieces == 0 {
                return Poll::Ready(None);
            }
            ready!(self.clock.poll_tick(context));
            self.pieces -= 1;
            Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
        }
    }

    async fn read(mut body: Drip) -> Result<usize, ErrorCode> {
        let mut pieces = Pieces::of(&mut body);
        let mut bytes = 0;
        while let Some(piece) = pieces.next().await.map_err(|error| error.code())? {
            bytes += piece.len();
        }
        Ok(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_pause_but_not_for_long() {
        let before = BODY_IDLE_TIMEOUT.saturating_sub(Duration::from_secs(1));
        assert_eq!(read(Drip::new(before, 64 * 1024, 10)).await, Ok(640 * 1024));
        let after = BODY_IDLE_TIMEOUT + Duration::from_secs(1);
        assert_eq!(read(Drip::new(after, 64 * 1024, 10)).await, Err(ErrorCode::RequestTimeout));
    }

    #[tokio::test(start_paused = true)]
    async fn attack_35_a_body_may_be_slow_but_not_crawl() {
        let second = Duration::from_secs(1);
        let slowest = MIN_BYTES_PER_SECOND as usize;
        assert_eq!(read(Drip::new(second, slowest, 1000)).await, Ok(1000 * slowest));
        let begun = Instant::now();
        assert_eq!(read(Drip::new(second, 1, 1000)).await, Err(ErrorCode::RequestTimeout));
        assert!(begun.elapsed() <= BODY_IDLE_TIMEOUT + second, "{:?}", begun.elapsed());
    }
}
