//! UploadPartCopy: a part made of bytes that the store has already. Two grants, as for every copy.

use std::sync::Arc;

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{Etag, UploadId};
use gatepass_protocol::s3::operation::{self, CopySource, Upload};
use gatepass_protocol::s3::xml::responses;

use super::get_object::find;
use super::upload_part::checksum_of_parts;
use super::{Call, existing_bucket, ignore_body, still_existing_bucket};
use crate::answer::Answer;
use crate::body::{CONTENT_MAX_BYTES, Stretch, copy_of_stretch};
use crate::grant::{ObjectName, PutObject, Reading};
use crate::index::NewPart;

pub(super) async fn upload_part_copy(call: Call<'_>, parameters: operation::UploadPartCopy) -> Result<Answer, S3Error> {
    let operation::UploadPartCopy { upload: Upload { bucket, key, upload_id }, part_number, source, range } =
        parameters;
    let Call { store, authorizer, payload, incoming, now, .. } = call;
    let CopySource { bucket: source_bucket, key: source_key, version, preconditions } = source;
    let from = authorizer.read(ObjectName { bucket: source_bucket, key: source_key }, version)?;
    let to = authorizer.grant::<PutObject>(ObjectName { bucket, key })?;
    ignore_body(incoming, &payload).await?;

    let no_such_upload = S3Error::no_such_upload(&upload_id);
    let id = UploadId::parse(&upload_id).ok_or_else(|| no_such_upload.clone())?;
    let snapshot = store.index.snapshot()?;
    existing_bucket(&snapshot, &to)?;
    match &from {
        Reading::Current(grant) => existing_bucket(&snapshot, grant)?,
        Reading::Version(grant) => existing_bucket(&snapshot, grant)?,
    };
    let upload = snapshot.upload(&to, &id)?.ok_or_else(|| no_such_upload.clone())?;
    drop(snapshot);
    let (found, pinned) = find(store, &from)?;
    let found = found.or_no_source(&from)?;
    let copied_version = found.record.version;
    preconditions.evaluate_copy(&found.record.etag, found.record.modified, now)?;
    let (offset, length) = match range {
        Some(range) => range.within(found.record.size)?,
        None => (0, found.record.size),
    };
    if length > CONTENT_MAX_BYTES {
        return Err(S3Error::entity_too_large(length, CONTENT_MAX_BYTES));
    }

    // The bytes are copied, not shared: blobs can be shared as a whole only, and a part is cut where the client says.
    let algorithm = checksum_of_parts(&upload, None)?;
    let room = store.blobs.room_for(length)?;
    let blobs = Arc::clone(&store.blobs);
    let copied = tokio::task::spawn_blocking(move || {
        let copied = copy_of_stretch(&blobs, &found.pieces, Stretch { offset, length }, algorithm, room);
        drop(pinned);
        copied
    });
    let received = copied.await.map_err(|error| {
        tracing::error!(%error, "a copy did not end");
        S3Error::internal()
    })??;
    let etag = Etag::from_md5(&received.md5);
    let document = responses::copy_part(&etag, now, Some(&received.checksum));
    let part = NewPart { etag, size: received.size, modified: now, checksum: Some(received.checksum) };
    let put = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &to)?;
        if transaction.upload(&to, &id)?.is_none() {
            return Err(no_such_upload.into());
        }
        transaction.put_part(&to, &id, part_number.get(), part, received.body)
    });
    put.await?;
    let mut answer = Answer::xml(document);
    if let Some(version) = copied_version {
        answer.add("x-amz-copy-source-version-id", version.id().to_string().as_bytes());
    }
    Ok(answer)
}
