//! AbortMultipartUpload.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::UploadId;
use gatepass_protocol::s3::operation::Upload;
use http::StatusCode;

use super::{Call, still_existing_bucket};
use crate::answer::Answer;
use crate::grant::{AbortMultipartUpload, ObjectName};

pub(super) async fn abort_multipart_upload(call: Call<'_>, upload: Upload) -> Result<Answer, S3Error> {
    let Upload { bucket, key, upload_id } = upload;
    let store = call.store;
    let grant = call.authorizer.grant::<AbortMultipartUpload>(ObjectName { bucket, key })?;
    call.ignore_body().await?;
    let abort = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        let no_such_upload = || S3Error::no_such_upload(&upload_id);
        let id = UploadId::parse(&upload_id).ok_or_else(no_such_upload)?;
        if transaction.upload(&grant, &id)?.is_none() {
            return Err(no_such_upload().into());
        }
        transaction.abort_upload(&grant, &id)
    });
    abort.await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
