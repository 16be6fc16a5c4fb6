//! DeleteBucket: only an empty one. Uploads in progress go with it.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::BucketName;
use http::StatusCode;

use super::{Call, still_existing_bucket};
use crate::answer::Answer;
use crate::grant::DeleteBucket;

pub(super) async fn delete_bucket(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let store = call.store;
    let grant = call.authorizer.grant::<DeleteBucket>(bucket)?;
    call.ignore_body().await?;
    let name = grant.bucket().clone();
    let delete = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        if transaction.holds_objects(&grant)? {
            return Err(S3Error::bucket_not_empty(grant.bucket()).into());
        }
        transaction.delete_bucket(&grant)
    });
    delete.await?;
    store.lifecycles.reload(&store.index, &name)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
