//! DeleteObjects: up to a thousand keys, each with a grant, a condition and an outcome of its own.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::BucketWithBody;
use gatepass_protocol::s3::xml::requests::{DELETE_LIMITS, DeleteRequest, ObjectToDelete, Verbosity};
use gatepass_protocol::s3::xml::responses::{self, DeleteOutcome};

use super::{Call, existing_bucket};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::grant::{DeleteObject, Grant, ListBucket, ObjectName};
use crate::index::{Failure, Transaction};

pub(super) async fn delete_objects(call: Call<'_>, parameters: BucketWithBody) -> Result<Answer, S3Error> {
    let BucketWithBody { bucket, integrity } = parameters;
    // S3 insists that a request which deletes in bulk says what it means ("DeleteObjects").
    if integrity.content_md5.is_none() && integrity.checksum.is_none() {
        return Err(S3Error::invalid_request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    let store = call.store;
    // The answer to who is nobody is one refusal, and not one for each key that it takes to read.
    call.authorizer.could_be_allowed_in(&bucket)?;
    let authorizer = call.authorizer.clone();
    let document = call.document(&integrity, DELETE_LIMITS.bytes).await?;
    let DeleteRequest { objects, verbosity } = DeleteRequest::parse(&document)?;
    if let Ok(grant) = authorizer.grant::<ListBucket>(bucket.clone()) {
        existing_bucket(&store.index.snapshot()?, &grant)?;
    }

    let wanted = objects.into_iter().map(|object| Wanted::authorize(&authorizer, &bucket, object)).collect::<Vec<_>>();
    let delete = store.index.write(move |transaction| {
        wanted.into_iter().map(|wanted| wanted.delete(transaction)).collect::<Result<Vec<_>, Failure>>()
    });
    let mut outcomes = delete.await?;
    if verbosity == Verbosity::Quiet {
        outcomes.retain(|outcome| matches!(outcome, DeleteOutcome::Failed(..)));
    }
    Ok(Answer::xml(responses::delete_objects(&outcomes)))
}

struct Wanted {
    object: ObjectToDelete,
    grant: Result<Grant<DeleteObject>, S3Error>,
}

impl Wanted {
    fn authorize(
        authorizer: &Authorizer,
        bucket: &gatepass_protocol::s3::names::BucketName,
        object: ObjectToDelete,
    ) -> Self {
        let name = ObjectName { bucket: bucket.clone(), key: object.key.clone() };
        Self { grant: authorizer.grant(name), object }
    }

    fn delete(self, transaction: &mut Transaction<'_>) -> Result<DeleteOutcome, Failure> {
        let ObjectToDelete { key, condition } = self.object;
        let grant = match self.grant {
            Ok(grant) => grant,
            Err(error) => return Ok(DeleteOutcome::Failed(key, error)),
        };
        let existing = transaction.object(&grant)?;
        if let Err(error) = condition.evaluate(&key, existing.as_ref().map(|object| &object.etag)) {
            return Ok(DeleteOutcome::Failed(key, error));
        }
        transaction.delete_object(&grant)?;
        Ok(DeleteOutcome::Deleted(key))
    }
}
