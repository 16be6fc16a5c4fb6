//! Buckets of another region than the one whose endpoint was asked.
//!
//! S3 sends such a request away before it asks who makes it, preflights too ("Making requests to Amazon S3: request
//! redirection"). So whoever knows the name of a bucket learns its region, as at AWS.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::Target;

use crate::arrival::Arrival;
use crate::store::Store;

/// 301 with the endpoint to ask, where the bucket exists and is in another region.
pub(crate) fn if_elsewhere(store: &Store, arrival: &Arrival) -> Result<(), S3Error> {
    let routes = &store.routes;
    if routes.is_one_region() {
        return Ok(());
    }
    // What is no target at all gets its answer from whoever parses the operation.
    let Ok(target) = Target::from_path(arrival.host_bucket.clone(), arrival.raw_path()) else { return Ok(()) };
    let Some(bucket) = target.bucket() else { return Ok(()) };
    let Some(record) = store.index.snapshot()?.bucket_for_its_region(bucket)? else { return Ok(()) };
    let region = routes.region_of(record.region.as_deref());
    if *region == arrival.region {
        return Ok(());
    }
    let endpoint = routes.endpoint(region, bucket, arrival.host()).unwrap_or_default();
    Err(S3Error::permanent_redirect(bucket, &endpoint, region.as_str()))
}
