//! A body that is held whole: an XML document, a query of STS, or nothing.

use bytes::{Bytes, BytesMut};
use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::encode::hex;
use gatepass_signing::sigv4::verify::Payload;
use hyper::body::{Body, Incoming};
use sha2::{Digest, Sha256};

use super::next_piece;

/// Reads a body of at most `limit` bytes and checks it against what was signed.
pub(crate) async fn document(incoming: &mut Incoming, payload: &Payload, limit: usize) -> Result<Bytes, S3Error> {
    if matches!(payload, Payload::StreamingSigned(_) | Payload::StreamingUnsignedTrailer) {
        return Err(S3Error::invalid_request("The value of x-amz-content-sha256 header is invalid."));
    }
    let body = collect(incoming, limit).await?;
    if let Payload::Sha256(declared) = payload {
        let computed: [u8; 32] = Sha256::digest(&body).into();
        if computed != *declared {
            return Err(S3Error::content_sha256_mismatch(&hex(declared), &hex(&computed)));
        }
    }
    Ok(body)
}

async fn collect(incoming: &mut Incoming, limit: usize) -> Result<Bytes, S3Error> {
    if incoming.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut body = BytesMut::new();
    while let Some(piece) = next_piece(incoming).await? {
        if body.len() + piece.len() > limit {
            return Err(S3Error::xml_too_large(limit));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}
