//! GetBucketLocation.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::xml::responses;

use super::{Call, existing_bucket};
use crate::answer::Answer;
use crate::grant::GetBucketLocation;

pub(super) async fn get_bucket_location(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let (store, region) = (call.store, call.arrival.region.clone());
    let grant = call.authorizer.grant::<GetBucketLocation>(bucket)?;
    call.ignore_body().await?;
    existing_bucket(&store.index.snapshot()?, &grant)?;
    Ok(Answer::xml(responses::location_constraint(region.as_str())))
}
