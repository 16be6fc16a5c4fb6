//! DeleteObjects: up to a thousand keys, each with a grant, a condition and an outcome of its own.

use gatepass_protocol::s3::conditional::DeleteCondition;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{BucketName, ObjectKey, VersionId};
use gatepass_protocol::s3::operation::BucketWithBody;
use gatepass_protocol::s3::xml::requests::{DELETE_LIMITS, DeleteRequest, ObjectToDelete, Verbosity};
use gatepass_protocol::s3::xml::responses::{self, DeleteOutcome};
use jiff::Timestamp;

use super::delete_object::Deletion;
use super::{Call, existing_bucket};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::grant::{ListBucket, ObjectName};
use crate::index::{Deleted, Failure, Transaction};

pub(super) async fn delete_objects(call: Call<'_>, parameters: BucketWithBody) -> Result<Answer, S3Error> {
    let BucketWithBody { bucket, integrity } = parameters;
    // S3 insists that a request which deletes in bulk says what it means ("DeleteObjects").
    if integrity.content_md5.is_none() && integrity.checksum.is_none() {
        return Err(S3Error::invalid_request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    let (store, now) = (call.store, call.now);
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
        wanted.into_iter().map(|wanted| wanted.delete(transaction, now)).collect::<Result<Vec<_>, Failure>>()
    });
    let mut outcomes = delete.await?;
    if verbosity == Verbosity::Quiet {
        outcomes.retain(|outcome| matches!(outcome, DeleteOutcome::Failed { .. }));
    }
    Ok(Answer::xml(responses::delete_objects(&outcomes)))
}

/// A key, with permission to delete it or the reason why not.
struct Wanted {
    key: ObjectKey,
    version: Option<VersionId>,
    condition: DeleteCondition,
    deletion: Result<Deletion, S3Error>,
}

impl Wanted {
    fn authorize(authorizer: &Authorizer, bucket: &BucketName, object: ObjectToDelete) -> Self {
        let ObjectToDelete { key, version, condition } = object;
        let name = ObjectName { bucket: bucket.clone(), key: key.clone() };
        match version.transpose() {
            Ok(version) => Self { key, version, condition, deletion: Deletion::authorize(authorizer, name, version) },
            Err(error) => Self { key, version: None, condition, deletion: Err(error) },
        }
    }

    fn delete(self, transaction: &mut Transaction<'_>, now: Timestamp) -> Result<DeleteOutcome, Failure> {
        let Self { key, version, condition, deletion } = self;
        let deleted = match deletion {
            Ok(deletion) => deletion.perform(transaction, &condition, now)?,
            Err(error) => Err(error),
        };
        Ok(match deleted {
            Ok(Deleted { marker }) => DeleteOutcome::Deleted { key, version, marker },
            Err(error) => DeleteOutcome::Failed { key, version, error },
        })
    }
}
