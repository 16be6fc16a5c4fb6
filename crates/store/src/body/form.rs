//! The body of a form: its fields, which are held, and its file, which is received like any content.

use std::sync::Arc;

use bytes::Bytes;
use gatepass_protocol::s3::checksum::{BodyIntegrity, ChecksumAlgorithm};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::post_form::{AFTER_FILE_MAX, FieldReader, FileReader, MAX_FORM_BYTES};
use gatepass_signing::post_policy::verify::Form;
use gatepass_signing::post_policy::{MAX_OBJECT_BYTES, SizeRange};
use hyper::body::Incoming;

use super::pieces::Pieces;
use super::receive::{Length, Plan, Received, Wire, receive_pieces};
use crate::blobs::Blobs;

/// The largest form: the largest file, and what may stand around it.
const FORM_MAX_BYTES: u64 = MAX_OBJECT_BYTES + MAX_FORM_BYTES as u64 + AFTER_FILE_MAX as u64;

/// A file of which nothing but the beginning has been read.
pub(crate) struct FileBody<'b> {
    pieces: Pieces<'b, Incoming>,
    first: Bytes,
    reader: FileReader,
    can_come: u64,
}

/// Reads the fields of a form of `length` bytes, up to where its file begins.
pub(crate) async fn fields(
    incoming: &mut Incoming,
    mut reader: FieldReader,
    length: u64,
) -> Result<(Form, FileBody<'_>), S3Error> {
    if length > FORM_MAX_BYTES {
        return Err(S3Error::entity_too_large(length, MAX_OBJECT_BYTES));
    }
    let mut pieces = Pieces::of(incoming);
    let mut read = 0;
    while let Some(mut piece) = pieces.next().await? {
        if let Some(before) = reader.push(&piece)? {
            read += before as u64;
            let first = piece.split_off(before);
            let (form, reader) = reader.finish()?;
            let can_come = length.saturating_sub(read);
            return Ok((form, FileBody { pieces, first, reader, can_come }));
        }
        read += piece.len() as u64;
    }
    reader.finish()?;
    Err(S3Error::malformed_post_request())
}

impl FileBody<'_> {
    /// Receives the file, which has as many bytes as `size` says. When this fails, or is dropped, nothing of it stays.
    pub(crate) async fn receive(
        self,
        size: SizeRange,
        integrity: BodyIntegrity,
        stored: ChecksumAlgorithm,
        blobs: &Arc<Blobs>,
    ) -> Result<Received, S3Error> {
        let Self { pieces, first, reader, can_come } = self;
        let length = Length::Within(size, can_come);
        let plan = Plan { length, wire: Wire::Form(reader), sha256: None, integrity, stored };
        receive_pieces(pieces, first, plan, blobs).await
    }
}
