//! Bodies on their way in and out, with a bounded amount of memory for each.

mod document;
mod receive;
mod send;
mod sink;
mod through;

pub(crate) use document::document;
pub(crate) use receive::{Plan, Received, receive};
pub(crate) use send::{ObjectBody, ResponseBody};
pub(crate) use through::checksum_of_pieces;

use std::time::Duration;

use bytes::Bytes;
use gatepass_protocol::s3::error::S3Error;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// How long a body may pause.
pub(crate) const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The next piece of a body; `None` at its proper end. Trailers of HTTP itself say nothing in S3.
async fn next_piece(incoming: &mut Incoming) -> Result<Option<Bytes>, S3Error> {
    loop {
        let frame = tokio::time::timeout(BODY_IDLE_TIMEOUT, incoming.frame()).await;
        match frame.map_err(|_| S3Error::request_timeout())? {
            None => return Ok(None),
            // The connection broke, or the chunks of the transfer are malformed.
            Some(Err(_)) => return Err(S3Error::incomplete_body()),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}
