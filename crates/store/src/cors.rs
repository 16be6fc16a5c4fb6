//! CORS: preflights, and the headers on actual answers, errors among them.

use gatepass_protocol::s3::cors::{CorsConfiguration, Preflight};
use gatepass_protocol::s3::error::{ResourceType, S3Error};
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::Target;
use http::StatusCode;

use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::index::Failure;
use crate::store::Store;

/// Answers a preflight. It carries no signature, so its answer does not tell whether a bucket
/// exists: one that does not is like one without a configuration.
pub(crate) fn preflight(store: &Store, arrival: &Arrival) -> Result<Answer, S3Error> {
    let preflight = Preflight::from_headers(&arrival.headers)?;
    let target = target(arrival)?;
    let resource = match target {
        Target::Service | Target::Bucket(_) => ResourceType::Bucket,
        Target::Object(..) => ResourceType::Object,
    };
    let configuration = match target.bucket() {
        Some(bucket) => configuration(store, bucket)?,
        None => None,
    };
    let configuration = configuration.ok_or_else(|| preflight.not_enabled())?;
    let headers = configuration.preflight(&preflight).ok_or_else(|| preflight.not_allowed(resource))?;
    let mut answer = Answer::empty(StatusCode::OK);
    for (name, value) in headers {
        answer.add(name, value.as_bytes());
    }
    Ok(answer)
}

/// Adds the headers that let a page read the answer to its request, where the bucket allows it.
pub(crate) fn decorate(store: &Store, arrival: &Arrival, answer: &mut Answer) {
    let Ok(target) = target(arrival) else { return };
    let Some(bucket) = target.bucket() else { return };
    let configuration = match configuration(store, bucket) {
        Ok(Some(configuration)) => configuration,
        Ok(None) => return,
        Err(failure) => {
            // The request itself has its answer; only the page does not get to read it.
            tracing::warn!(?failure, "could not read a CORS configuration");
            return;
        }
    };
    for (name, value) in configuration.actual(&arrival.method, &arrival.headers).unwrap_or_default() {
        answer.add(name, value.as_bytes());
    }
}

fn target(arrival: &Arrival) -> Result<Target, S3Error> {
    Target::from_path(arrival.host_bucket.clone(), arrival.raw_path())
}

fn configuration(store: &Store, bucket: &BucketName) -> Result<Option<CorsConfiguration>, Failure> {
    let record = store.index.snapshot()?.bucket_for_cors(bucket)?;
    let xml = record.and_then(|record| record.cors);
    Ok(xml.map(|xml| CorsConfiguration::parse(xml.as_bytes())).transpose()?)
}
