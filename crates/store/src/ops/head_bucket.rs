//! HeadBucket.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::BucketName;
use http::StatusCode;

use super::{Call, existing_bucket};
use crate::answer::Answer;
use crate::grant::ListBucket;

pub(super) async fn head_bucket(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let (store, region) = (call.store, call.arrival.region.clone());
    let grant = call.authorizer.grant::<ListBucket>(bucket)?;
    call.ignore_body().await?;
    existing_bucket(&store.index.snapshot()?, &grant)?;
    Ok(Answer::empty(StatusCode::OK).with("x-amz-bucket-region", region.as_str()))
}
