//! CreateBucket.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::BucketWithBody;
use gatepass_protocol::s3::xml::requests::{CREATE_BUCKET_LIMITS, CreateBucketConfiguration};
use gatepass_signing::sigv4::Region;
use http::StatusCode;

use super::Call;
use crate::answer::Answer;
use crate::grant::{CreateBucket, TagResource};
use crate::index::BucketRecord;
use crate::routes::Routes;

/// The region that is meant where none is named, and in which alone S3 answers 200 to whoever
/// already owns the bucket ("CreateBucket", Amazon S3 API Reference).
const FIRST_REGION: &str = "us-east-1";

pub(super) async fn create_bucket(call: Call<'_>, parameters: BucketWithBody) -> Result<Answer, S3Error> {
    let BucketWithBody { bucket, integrity } = parameters;
    let (store, now, call_region) = (call.store, call.now, call.arrival.region.clone());
    let authorizer = call.authorizer.clone();
    let grant = authorizer.grant::<CreateBucket>(bucket)?;
    let document = call.document(&integrity, CREATE_BUCKET_LIMITS.bytes).await?;
    let configuration = CreateBucketConfiguration::parse(&document)?;
    let region = region(&configuration, &call_region, &store.routes)?;
    let tags = configuration.tags;
    if !tags.is_empty() {
        authorizer.grant::<TagResource>(grant.bucket().clone())?;
    }
    let tags = Some(tags).filter(|tags| !tags.is_empty());

    let location = format!("/{}", grant.bucket());
    let is_forgiving = region.as_str() == FIRST_REGION;
    let recorded = store.routes.recorded(&region);
    let create = store.index.write(move |transaction| match transaction.bucket(&grant)? {
        None => {
            let record = BucketRecord { region: recorded, tags, ..BucketRecord::new(now) };
            transaction.create_bucket(&grant, &record)
        }
        Some(record) if is_forgiving && record.region == recorded => Ok(()),
        Some(_) => Err(S3Error::bucket_already_owned_by_you(grant.bucket()).into()),
    });
    create.await?;
    Ok(Answer::empty(StatusCode::OK).with("location", location))
}

/// The region of the new bucket. The endpoint of the first region makes buckets in any that is served, every other endpoint
/// in its own alone ("CreateBucket", Amazon S3 API Reference).
fn region(configuration: &CreateBucketConfiguration, asked: &Region, routes: &Routes) -> Result<Region, S3Error> {
    let illegal = |location| Err(S3Error::illegal_location_constraint(location));
    match configuration.location_constraint.as_deref() {
        // Naming the first region is an error at AWS, not the default.
        Some(FIRST_REGION) => Err(S3Error::invalid_location_constraint(FIRST_REGION)),
        None if asked.as_str() == FIRST_REGION => Ok(asked.clone()),
        None => illegal("unspecified"),
        Some(location) if location == asked.as_str() => Ok(asked.clone()),
        Some(location) => match routes.served(location) {
            Some(region) if asked.as_str() == FIRST_REGION => Ok(region.clone()),
            _ => illegal(location),
        },
    }
}
