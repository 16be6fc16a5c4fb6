//! PostObject: the file of a browser's form.

use std::sync::Arc;

use gatepass_protocol::s3::checksum::DeclaredChecksum;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation;
use gatepass_protocol::s3::post_form::{post_response, redirect_location};
use gatepass_signing::encode;
use gatepass_signing::post_policy::SuccessStatus;
use gatepass_signing::post_policy::verify::{AfterUpload, Upload};
use http::StatusCode;
use jiff::Timestamp;

use super::DEFAULT_CHECKSUM;
use super::put_object::{Destination, describe_written};
use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::authorize::Authorizer;
use crate::body::FileBody;
use crate::store::Store;

/// A form on its way to its object.
pub(crate) struct FormCall<'a> {
    pub(crate) store: &'a Arc<Store>,
    pub(crate) arrival: &'a Arrival,
    pub(crate) authorizer: Authorizer,
    pub(crate) upload: Upload,
    pub(crate) file: FileBody<'a>,
    pub(crate) now: Timestamp,
}

pub(crate) async fn post_object(call: FormCall<'_>, parameters: operation::PutObject) -> Result<Answer, S3Error> {
    let FormCall { store, arrival, authorizer, upload, file, now } = call;
    let (bucket, key) = (parameters.bucket.clone(), parameters.key.clone());
    let integrity = parameters.integrity.clone();
    let destination = Destination::claim(store, &authorizer, parameters)?;
    let algorithm = integrity.checksum.as_ref().map_or(DEFAULT_CHECKSUM, DeclaredChecksum::algorithm);
    let received = file.receive(upload.size_range(), integrity, algorithm, &store.blobs).await?;
    let record = destination.write(store, received, now).await?;

    let mut answer = describe_written(store, &bucket, &key, &record);
    let location = match upload.after() {
        AfterUpload::Redirect(url) => {
            answer.status = StatusCode::SEE_OTHER;
            redirect_location(url, &bucket, &key, &record.etag)
        }
        AfterUpload::Status(status) => {
            let location = location(arrival, key.as_str());
            match status {
                SuccessStatus::Ok => {}
                SuccessStatus::NoContent => answer.status = StatusCode::NO_CONTENT,
                SuccessStatus::Created => {
                    answer.status = StatusCode::CREATED;
                    answer.add("content-type", b"application/xml");
                    answer.body = post_response(&location, &bucket, &key, &record.etag).into();
                }
            }
            location
        }
    };
    Ok(answer.with("location", location))
}

/// The address of the object, below the address that the form was sent to.
fn location(arrival: &Arrival, key: &str) -> String {
    let bucket = arrival.raw_path().trim_end_matches('/');
    let mut location = format!("{}{bucket}/", arrival.origin());
    // The slashes in the key, too, as S3 has it.
    encode::component(key, &mut location);
    location
}
