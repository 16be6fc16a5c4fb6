//! A body that is held whole: an XML document, a query of STS, or nothing.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::encode::hex;
use gatepass_signing::sigv4::verify::Payload;
use hyper::body::{Body, Incoming};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::pieces::Pieces;

/// How long an XML document may take to arrive as a whole.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How much a document may have of what it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

impl Bounds {
    /// Those of an XML document.
    pub(crate) fn bytes(bytes: usize) -> Self {
        Self { bytes, time: DOCUMENT_TIMEOUT }
    }
}

/// Reads a body within `bounds` and checks it against what was signed.
pub(crate) async fn document(incoming: &mut Incoming, payload: &Payload, bounds: Bounds) -> Result<Bytes, S3Error> {
    if matches!(payload, Payload::StreamingSigned(_) | Payload::StreamingUnsignedTrailer) {
        return Err(S3Error::invalid_request("The value of x-amz-content-sha256 header is invalid."));
    }
    let body = collect(incoming, bounds).await?;
    if let Payload::Sha256(declared) = payload {
        let computed: [u8; 32] = Sha256::digest(&body).into();
        if computed != *declared {
            return Err(S3Error::content_sha256_mismatch(&hex(declared), &hex(&computed)));
        }
    }
    Ok(body)
}

/// A body that says that it is too long is refused before it is sent.
async fn collect<B: Body<Data = Bytes> + Unpin>(body: &mut B, bounds: Bounds) -> Result<Bytes, S3Error> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > bounds.bytes as u64 {
        return Err(S3Error::xml_too_large(bounds.bytes));
    }
    timeout(bounds.time, read(body, bounds.bytes)).await.unwrap_or_else(|_| Err(S3Error::request_timeout()))
}

async fn read<B: Body<Data = Bytes> + Unpin>(body: &mut B, limit: usize) -> Result<Bytes, S3Error> {
    // What is announced is within the limit, and takes no memory before it comes; to grow by doubling would copy it twice.
    let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let mut document = BytesMut::with_capacity(announced.min(limit));
    let mut pieces = Pieces::of(body);
    while let Some(piece) = pieces.next().await? {
        if document.len() + piece.len() > limit {
            return Err(S3Error::xml_too_large(limit));
        }
        document.extend_from_slice(&piece);
    }
    Ok(document.freeze())
}

#[cfg(test)]
mod tests {
    use gatepass_protocol::s3::error::ErrorCode;
    use http_body_util::Full;
    use tokio::time::Instant;

    use super::super::pieces::tests::Drip;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_document_has_a_bounded_time_however_steadily_it_comes() {
        let bounds = Bounds::bytes(1024 * 1024);
        let inside = collect(&mut Drip::new(SECOND, 2048, 30), bounds).await;
        assert_eq!(inside.unwrap().len(), 30 * 2048);
        let begun = Instant::now();
        let error = collect(&mut Drip::new(SECOND, 2048, 32), bounds).await.unwrap_err();
        assert_eq!((error.code(), begun.elapsed()), (ErrorCode::RequestTimeout, DOCUMENT_TIMEOUT));
    }

    #[tokio::test]
    async fn a_document_has_a_bounded_length_whether_it_says_so_or_not() {
        let bounds = Bounds::bytes(16);
        assert_eq!(collect(&mut Full::from(vec![0; 16]), bounds).await.unwrap().len(), 16);
        assert_eq!(collect(&mut Drip::new(SECOND / 1000, 8, 2), bounds).await.unwrap().len(), 16);
        assert!(collect(&mut Full::from(vec![0; 17]), bounds).await.is_err());
        assert!(collect(&mut Drip::new(SECOND / 1000, 17, 1), bounds).await.is_err());
    }
}
