//! CreateBucket.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::BucketWithBody;
use http::StatusCode;

use super::Call;
use crate::answer::Answer;
use crate::grant::CreateBucket;
use crate::index::BucketRecord;

/// In this region alone S3 answers 200 to whoever already owns the bucket.
const FORGIVING_REGION: &str = "us-east-1";

pub(super) async fn create_bucket(call: Call<'_>, parameters: BucketWithBody) -> Result<Answer, S3Error> {
    let BucketWithBody { bucket, integrity } = parameters;
    let (store, now) = (call.store, call.now);
    let grant = call.authorizer.grant::<CreateBucket>(bucket)?;
    let body = call.document(1024).await?;
    integrity.check_body(&body)?;
    let region = store.authenticator.region();

    let location = format!("/{}", grant.bucket());
    let is_forgiving = region.as_str() == FORGIVING_REGION;
    let create = store.index.write(move |transaction| match transaction.bucket(&grant)? {
        None => transaction.create_bucket(&grant, &BucketRecord { created: now, cors: None }),
        Some(_) if is_forgiving => Ok(()),
        Some(_) => Err(S3Error::bucket_already_owned_by_you(grant.bucket()).into()),
    });
    create.await?;
    Ok(Answer::empty(StatusCode::OK).with("location", location))
}
