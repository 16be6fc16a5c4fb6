//! CreateBucket.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::BucketWithBody;
use gatepass_protocol::s3::xml::requests::{CREATE_BUCKET_LIMITS, CreateBucketConfiguration};
use http::StatusCode;

use super::Call;
use crate::answer::Answer;
use crate::grant::CreateBucket;
use crate::index::BucketRecord;

/// The region that is meant where none is named, and in which alone S3 answers 200 to whoever
/// already owns the bucket ("CreateBucket", Amazon S3 API Reference).
const FIRST_REGION: &str = "us-east-1";

pub(super) async fn create_bucket(call: Call<'_>, parameters: BucketWithBody) -> Result<Answer, S3Error> {
    let BucketWithBody { bucket, integrity } = parameters;
    let (store, now) = (call.store, call.now);
    let grant = call.authorizer.grant::<CreateBucket>(bucket)?;
    let document = call.document(&integrity, CREATE_BUCKET_LIMITS.bytes).await?;
    let region = store.authenticator.region().as_str();
    check_location(&CreateBucketConfiguration::parse(&document)?, region)?;

    let location = format!("/{}", grant.bucket());
    let is_forgiving = region == FIRST_REGION;
    let create = store.index.write(move |transaction| match transaction.bucket(&grant)? {
        None => transaction.create_bucket(&grant, &BucketRecord::new(now)),
        Some(_) if is_forgiving => Ok(()),
        Some(_) => Err(S3Error::bucket_already_owned_by_you(grant.bucket()).into()),
    });
    create.await?;
    Ok(Answer::empty(StatusCode::OK).with("location", location))
}

fn check_location(configuration: &CreateBucketConfiguration, region: &str) -> Result<(), S3Error> {
    match configuration.location_constraint.as_deref() {
        // Naming the first region is an error at AWS, not the default.
        Some(FIRST_REGION) => Err(S3Error::invalid_location_constraint(FIRST_REGION)),
        None if region == FIRST_REGION => Ok(()),
        None => Err(S3Error::illegal_location_constraint("unspecified")),
        Some(location) if location == region => Ok(()),
        Some(location) => Err(S3Error::illegal_location_constraint(location)),
    }
}
