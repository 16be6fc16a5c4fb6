//! UploadPart.

use gatepass_protocol::s3::checksum::{ChecksumAlgorithm, DeclaredChecksum};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{Etag, UploadId};
use gatepass_protocol::s3::operation::{self, Upload};
use http::StatusCode;

use super::{Call, DEFAULT_CHECKSUM, existing_bucket, still_existing_bucket};
use crate::answer::Answer;
use crate::body::{Plan, receive};
use crate::grant::{ObjectName, PutObject};
use crate::index::{NewPart, UploadRecord};

pub(super) async fn upload_part(call: Call<'_>, parameters: operation::UploadPart) -> Result<Answer, S3Error> {
    let operation::UploadPart { upload: Upload { bucket, key, upload_id }, part_number, integrity } = parameters;
    let Call { store, arrival, authorizer, payload, incoming, now } = call;
    let grant = authorizer.grant::<PutObject>(ObjectName { bucket, key })?;

    // Before the body is sent, and again at the moment of the write.
    let no_such_upload = S3Error::no_such_upload(&upload_id);
    let id = UploadId::parse(&upload_id).ok_or_else(|| no_such_upload.clone())?;
    let snapshot = store.index.snapshot()?;
    existing_bucket(&snapshot, &grant)?;
    let upload = snapshot.upload(&grant, &id)?.ok_or_else(|| no_such_upload.clone())?;
    drop(snapshot);
    let declared = integrity.checksum.as_ref().map(DeclaredChecksum::algorithm);
    let algorithm = checksum_of_parts(&upload, declared)?;

    let plan = Plan::new(arrival, &payload, integrity, algorithm)?;
    let received = receive(incoming, plan, &store.blobs).await?;
    let etag = Etag::from_md5(&received.md5);
    let answer =
        Answer::empty(StatusCode::OK).with("etag", etag.quoted()).with(algorithm.header(), received.checksum.to_text());
    let part = NewPart { etag, size: received.size, modified: now, checksum: Some(received.checksum) };
    let put = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        if transaction.upload(&grant, &id)?.is_none() {
            return Err(no_such_upload.into());
        }
        transaction.put_part(&grant, &id, part_number.get(), part, received.body)
    });
    put.await?;
    Ok(answer)
}

/// All parts of an upload have a checksum of one algorithm, so that the object's can be made of them.
pub(super) fn checksum_of_parts(
    upload: &UploadRecord,
    declared: Option<ChecksumAlgorithm>,
) -> Result<ChecksumAlgorithm, S3Error> {
    let Some((expected, _)) = upload.checksum else { return Ok(DEFAULT_CHECKSUM) };
    match declared {
        Some(declared) if declared != expected => Err(S3Error::invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            expected.as_str().to_ascii_lowercase(),
            declared.as_str().to_ascii_lowercase()
        ))),
        _ => Ok(expected),
    }
}
