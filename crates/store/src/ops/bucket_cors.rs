//! PutBucketCors, GetBucketCors and DeleteBucketCors.

use gatepass_protocol::s3::cors::{CONFIGURATION_LIMITS, CorsConfiguration};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::BucketWithBody;
use http::StatusCode;

use super::{Call, existing_bucket, still_existing_bucket};
use crate::answer::Answer;
use crate::grant::{GetBucketCORS, PutBucketCORS};

pub(super) async fn put_bucket_cors(call: Call<'_>, parameters: BucketWithBody) -> Result<Answer, S3Error> {
    let BucketWithBody { bucket, integrity } = parameters;
    let store = call.store;
    let grant = call.authorizer.grant::<PutBucketCORS>(bucket)?;
    let document = call.document(&integrity, CONFIGURATION_LIMITS.bytes).await?;
    let cors = CorsConfiguration::parse(&document)?.to_xml();
    // Written out, characters become entities, and what was short enough may be so no longer.
    CorsConfiguration::parse(cors.as_bytes())?;
    let put = store.index.write(move |transaction| {
        let mut record = still_existing_bucket(transaction, &grant)?;
        record.cors = Some(cors);
        transaction.configure_bucket(&grant, &record)
    });
    put.await?;
    Ok(Answer::empty(StatusCode::OK))
}

pub(super) async fn get_bucket_cors(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let store = call.store;
    let grant = call.authorizer.grant::<GetBucketCORS>(bucket)?;
    call.ignore_body().await?;
    let record = existing_bucket(&store.index.snapshot()?, &grant)?;
    let cors = record.cors.ok_or_else(|| S3Error::no_such_cors_configuration(grant.bucket()))?;
    Ok(Answer::xml(cors))
}

/// The action of DeleteBucketCors is `s3:PutBucketCORS` too.
pub(super) async fn delete_bucket_cors(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let store = call.store;
    let grant = call.authorizer.grant::<PutBucketCORS>(bucket)?;
    call.ignore_body().await?;
    let delete = store.index.write(move |transaction| {
        let mut record = still_existing_bucket(transaction, &grant)?;
        match record.cors.take() {
            Some(_) => transaction.configure_bucket(&grant, &record),
            None => Ok(()),
        }
    });
    delete.await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
