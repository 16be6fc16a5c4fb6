//! The road of a browser's form: fields → authenticate → operation → authorize → grant → file.
//!
//! Nothing but fields says anything: the headers of such a request are the browser's.

use std::sync::Arc;

use gatepass_authority::ROOT_ACCOUNT;
use gatepass_iam::Context;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::{PutObject, Request as OperationRequest, Target, tag_condition_keys};
use gatepass_protocol::s3::post_form::{Boundary, FieldReader};
use gatepass_signing::request::Target as RawTarget;
use http::header::AUTHORIZATION;
use hyper::body::Incoming;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::arrival::{Arrival, Framing};
use crate::authorize::Authorizer;
use crate::explain::Stage;
use crate::ops::{self, FormCall};
use crate::service::LogLine;
use crate::store::Store;
use crate::{body, redirect, request_context};

pub(crate) async fn answer(
    store: &Arc<Store>,
    arrival: &Arrival,
    incoming: &mut Incoming,
    now: Timestamp,
    log: &mut LogLine,
) -> Result<Answer, S3Error> {
    log.operation(PutObject::FORM_NAME);
    let boundary = Boundary::from_headers(&arrival.headers)?;
    refuse_other_authentication(arrival)?;
    let Framing::Length(length) = arrival.framing else { return Err(S3Error::missing_content_length()) };
    let target = Target::from_path(arrival.host_bucket.clone(), arrival.raw_path())?;
    // What is no bucket is no form (see `Kind::PostForm`).
    let Target::Bucket(bucket) = target.clone() else { return Err(S3Error::internal()) };
    redirect::if_elsewhere(store, arrival)?;
    if let Some(faults) = &store.faults {
        faults.refuse(arrival.method.as_str(), PutObject::FORM_NAME)?;
    }
    let query = &gatepass_signing::request::Query::default();
    let request = OperationRequest { method: &arrival.method, target, query, headers: &arrival.headers };
    request.check_expected_bucket_owner(ROOT_ACCOUNT.as_str())?;

    let (form, file) = body::fields(incoming, FieldReader::new(&boundary, bucket.as_str()), length).await?;
    let caller = store.authenticator.form(arrival, &form, now)?;
    if let Some(id) = &caller.access_key_id {
        log.caller(id.as_str());
    }
    log.reached(Stage::Operation);
    let parameters = PutObject::from_form(bucket, &caller.upload)?;
    let policies = store.policies.of_bucket(&store.index, &parameters.bucket)?;
    let context = if policies.is_empty() { Context::new() } else { request_context::of_form(arrival, &caller, now) };
    let authorizer = Authorizer::of_request(store, caller.principal, policies, context)
        .knowing(tag_condition_keys(&parameters.tags));
    log.authorizing(&authorizer);
    let call = FormCall { store, arrival, authorizer, upload: caller.upload, file, now };
    ops::post_object(call, parameters).await
}

/// A form is signed by its fields alone. Whoever signs in another way as well means another request.
fn refuse_other_authentication(arrival: &Arrival) -> Result<(), S3Error> {
    if let Some((_, query)) = arrival.target.split_once('?').filter(|(_, query)| !query.is_empty()) {
        // The value may be a signature.
        let target = RawTarget::parse(&format!("/?{query}")).map_err(|_| S3Error::invalid_uri(arrival.raw_path()))?;
        let first = target.query().iter().next().map(|(name, _)| name.to_owned()).unwrap_or_default();
        let message = "Query String Parameters not allowed on POST requests.";
        return Err(S3Error::invalid_argument(message, &first, ""));
    }
    if arrival.headers.contains_key(AUTHORIZATION) {
        return Err(S3Error::invalid_argument("A form is signed by its fields.", "Authorization", ""));
    }
    Ok(())
}
