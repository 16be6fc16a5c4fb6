//! The body of an answer on its way out, and what is to be done when it has left.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::faults::Slow;

/// A body that is counted. When it is dropped the exchange is over, whether all of it was taken or not.
#[derive(Debug)]
pub(crate) struct Outgoing {
    body: ResponseBody,
    slow: Option<Box<Slow>>,
    exchange: Exchange,
}

impl Outgoing {
    pub(crate) fn new(body: ResponseBody, slow: Option<Slow>, exchange: Exchange) -> Self {
        Self { body, slow: slow.map(Box::new), exchange }
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let Self { body, slow, .. } = self;
        let mut more = |context: &mut Context<'_>| {
            let frame = ready!(Pin::new(&mut *body).poll_frame(context));
            Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
        };
        match slow {
            Some(slow) => slow.poll(context, more),
            None => more(context),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let polled = ready!(self.poll_bytes(context));
        if let Some(Ok(bytes)) = &polled {
            self.exchange.sent(bytes.len());
        }
        Poll::Ready(polled.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.slow.as_ref().map_or(0, |slow| slow.held());
        SizeHint::with_exact(self.body.len() + held)
    }
}
