//! PutObject.

use gatepass_protocol::s3::checksum::DeclaredChecksum;
use gatepass_protocol::s3::conditional::WriteCondition;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{BucketName, Etag, ObjectKey};
use gatepass_protocol::s3::object_headers::ObjectHeaders;
use gatepass_protocol::s3::operation::{self, StorageClass};
use gatepass_protocol::s3::tagging::TagSet;
use http::StatusCode;
use jiff::Timestamp;

use super::{Call, DEFAULT_CHECKSUM, existing_bucket, still_existing_bucket};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::body::{Plan, Received, receive};
use crate::grant::{Grant, ObjectName, PutObject, PutObjectTagging};
use crate::index::{Failure, NewObject, ObjectRecord};
use crate::store::Store;

pub(super) async fn put_object(call: Call<'_>, parameters: operation::PutObject) -> Result<Answer, S3Error> {
    let Call { store, arrival, authorizer, payload, incoming, now } = call;
    let integrity = parameters.integrity.clone();
    let (bucket, key) = (parameters.bucket.clone(), parameters.key.clone());
    let destination = Destination::claim(store, &authorizer, parameters)?;
    let algorithm = integrity.checksum.as_ref().map_or(DEFAULT_CHECKSUM, DeclaredChecksum::algorithm);
    let plan = Plan::new(arrival, &payload, integrity, algorithm)?;
    let received = receive(incoming, plan, &store.blobs).await?;
    let record = destination.write(store, received, now).await?;
    Ok(describe_written(store, &bucket, &key, &record))
}

/// Where an object that comes in one piece will be, and everything about it but its content.
pub(super) struct Destination {
    grant: Grant<PutObject>,
    condition: WriteCondition,
    headers: ObjectHeaders,
    storage_class: StorageClass,
    tags: TagSet,
}

impl Destination {
    /// Whatever can be refused is refused before the body is sent, and again at the moment of the write.
    pub(super) fn claim(
        store: &Store,
        authorizer: &Authorizer,
        parameters: operation::PutObject,
    ) -> Result<Self, S3Error> {
        let operation::PutObject { bucket, key, headers, storage_class, tags, condition, integrity: _ } = parameters;
        let grant = authorizer.grant::<PutObject>(ObjectName { bucket, key })?;
        may_tag(authorizer, &grant, &tags)?;
        let snapshot = store.index.snapshot()?;
        existing_bucket(&snapshot, &grant)?;
        condition.evaluate(grant.key(), || Ok::<_, Failure>(snapshot.object(&grant)?.map(|object| object.etag)))?;
        Ok(Self { grant, condition, headers, storage_class, tags })
    }

    /// Makes the object.
    pub(super) async fn write(
        self,
        store: &Store,
        received: Received,
        now: Timestamp,
    ) -> Result<ObjectRecord, S3Error> {
        let Self { grant, condition, headers, storage_class, tags } = self;
        let object = NewObject {
            etag: Etag::from_md5(&received.md5),
            size: received.size,
            modified: now,
            headers,
            storage_class,
            checksum: Some(received.checksum),
            tags,
        };
        let put = store.index.write(move |transaction| {
            still_existing_bucket(transaction, &grant)?;
            condition
                .evaluate(grant.key(), || Ok::<_, Failure>(transaction.object(&grant)?.map(|object| object.etag)))?;
            transaction.put_object(&grant, object, received.body)
        });
        Ok(put.await?)
    }
}

/// Tags need a permission of their own ("PutObject", Amazon S3 API Reference).
pub(super) fn may_tag(authorizer: &Authorizer, grant: &Grant<PutObject>, tags: &TagSet) -> Result<(), S3Error> {
    if tags.is_empty() {
        return Ok(());
    }
    let name = ObjectName { bucket: grant.bucket().clone(), key: grant.key().clone() };
    authorizer.grant::<PutObjectTagging>(name).map(drop)
}

/// What the answer to a write says of an object that came in one piece.
pub(super) fn describe_written(store: &Store, bucket: &BucketName, key: &ObjectKey, record: &ObjectRecord) -> Answer {
    let mut answer = Answer::empty(StatusCode::OK).with("etag", record.etag.quoted()).versioned(record);
    if let Some(checksum) = &record.checksum {
        answer.add(checksum.algorithm().header(), checksum.to_text().as_bytes());
        answer.add("x-amz-checksum-type", checksum.checksum_type().as_str().as_bytes());
    }
    store.lifecycles.describe(&mut answer, bucket, key, record);
    answer
}
