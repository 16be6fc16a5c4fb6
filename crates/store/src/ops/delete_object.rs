//! DeleteObject. What is not there is deleted already.

use gatepass_protocol::s3::conditional::DeleteCondition;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::VersionId;
use gatepass_protocol::s3::operation;
use http::StatusCode;
use jiff::Timestamp;

use super::{Call, still_existing_bucket};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::grant::{DeleteObject, DeleteObjectVersion, Grant, ObjectName, ObjectVersion};
use crate::index::{Deleted, Failure, Transaction, Version};

pub(super) async fn delete_object(call: Call<'_>, parameters: operation::DeleteObject) -> Result<Answer, S3Error> {
    let operation::DeleteObject { bucket, key, version, condition } = parameters;
    let (store, now) = (call.store, call.now);
    let deletion = Deletion::authorize(&call.authorizer, ObjectName { bucket, key }, version)?;
    call.ignore_body().await?;
    let delete = store.index.write(move |transaction| {
        deletion.check_bucket(transaction)?;
        deletion.perform(transaction, &condition, now)?.map_err(Failure::from)
    });
    let Deleted { marker } = delete.await?;
    let mut answer = Answer::empty(StatusCode::NO_CONTENT);
    if marker.is_some() {
        answer.add("x-amz-delete-marker", b"true");
    }
    if let Some(version) = version.or(marker) {
        answer.add("x-amz-version-id", version.to_string().as_bytes());
    }
    Ok(answer)
}

/// Permission to delete an object, or one version of it for good.
pub(super) enum Deletion {
    Object(Grant<DeleteObject>),
    Version(Grant<DeleteObjectVersion>),
}

impl Deletion {
    pub(super) fn authorize(
        authorizer: &Authorizer,
        name: ObjectName,
        version: Option<VersionId>,
    ) -> Result<Self, S3Error> {
        match version {
            None => authorizer.grant(name).map(Self::Object),
            Some(version) => authorizer.grant(ObjectVersion { name, version }).map(Self::Version),
        }
    }

    fn check_bucket(&self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        match self {
            Self::Object(grant) => still_existing_bucket(transaction, grant).map(drop),
            Self::Version(grant) => still_existing_bucket(transaction, grant).map(drop),
        }
    }

    /// Deletes, unless the condition does not hold.
    pub(super) fn perform(
        &self,
        transaction: &mut Transaction<'_>,
        condition: &DeleteCondition,
        now: Timestamp,
    ) -> Result<Result<Deleted, S3Error>, Failure> {
        let looked = match self {
            Self::Object(grant) => condition
                .evaluate(grant.key(), || Ok::<_, Failure>(transaction.object(grant)?.map(|object| object.etag))),
            Self::Version(grant) => condition.evaluate(grant.key(), || {
                let version = transaction.version(grant)?;
                Ok::<_, Failure>(version.and_then(Version::into_object).map(|object| object.etag))
            }),
        };
        if let Err(Failure::Refused(error)) = looked {
            return Ok(Err(error));
        }
        looked?;
        match self {
            Self::Object(grant) => transaction.delete_object(grant, now).map(Ok),
            Self::Version(grant) => transaction.delete_version(grant).map(Ok),
        }
    }
}
