//! CreateMultipartUpload.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::UploadId;
use gatepass_protocol::s3::operation::{self, Upload};
use gatepass_protocol::s3::xml::responses;
use gatepass_signing::encode::hex;
use jiff::Timestamp;

use super::put_object::may_tag;
use super::{Call, still_existing_bucket};
use crate::answer::Answer;
use crate::grant::{ObjectName, PutObject};
use crate::index::UploadRecord;

pub(super) async fn create_multipart_upload(
    call: Call<'_>,
    parameters: operation::CreateMultipartUpload,
) -> Result<Answer, S3Error> {
    let operation::CreateMultipartUpload { bucket, key, headers, storage_class, tags, checksum } = parameters;
    let (store, now) = (call.store, call.now);
    let grant = call.authorizer.grant::<PutObject>(ObjectName { bucket: bucket.clone(), key: key.clone() })?;
    may_tag(&call.authorizer, &grant, &tags)?;
    call.ignore_body().await?;

    let id = new_upload_id(now)?;
    let upload = Upload { bucket, key, upload_id: id.as_str().to_owned() };
    let record = UploadRecord { initiated: now, headers, storage_class, tags, checksum };
    let (bucket, key) = (grant.bucket().clone(), grant.key().clone());
    let create = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        transaction.create_upload(&grant, &id, &record)
    });
    create.await?;
    let mut answer = Answer::xml(responses::initiate_multipart_upload(&upload));
    store.lifecycles.describe_upload(&mut answer, &bucket, &key, now);
    if let Some((algorithm, kind)) = checksum {
        answer.add("x-amz-checksum-algorithm", algorithm.as_str().as_bytes());
        answer.add("x-amz-checksum-type", kind.as_str().as_bytes());
    }
    Ok(answer)
}

/// The time first, so that uploads of one key are listed by age; then chance, so that nobody guesses it.
fn new_upload_id(now: Timestamp) -> Result<UploadId, S3Error> {
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(%error, "no randomness for an upload id");
        S3Error::internal()
    })?;
    let milliseconds = now.as_millisecond().max(0);
    let id = UploadId::parse(&format!("{milliseconds:012x}{}", hex(&random)));
    Ok(id.expect("hexadecimal digits make an upload id"))
}
