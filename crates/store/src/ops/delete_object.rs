//! DeleteObject. What is not there is deleted already.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation;
use http::StatusCode;

use super::{Call, still_existing_bucket};
use crate::answer::Answer;
use crate::grant::{DeleteObject, ObjectName};

pub(super) async fn delete_object(call: Call<'_>, parameters: operation::DeleteObject) -> Result<Answer, S3Error> {
    let operation::DeleteObject { bucket, key, condition } = parameters;
    let store = call.store;
    let grant = call.authorizer.grant::<DeleteObject>(ObjectName { bucket, key })?;
    call.ignore_body().await?;
    let delete = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        let existing = transaction.object(&grant)?;
        condition.evaluate(grant.key(), existing.as_ref().map(|object| &object.etag))?;
        transaction.delete_object(&grant)
    });
    delete.await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
