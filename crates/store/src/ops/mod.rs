//! The operations, one file each. What they touch they touch with a grant.

mod abort_multipart_upload;
mod bucket_cors;
mod complete_multipart_upload;
mod copy_object;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_object;
mod delete_objects;
mod get_bucket_location;
mod get_object;
mod get_object_attributes;
mod head_bucket;
mod list_buckets;
mod list_multipart_uploads;
mod list_object_versions;
mod list_objects;
mod list_parts;
mod post_object;
mod put_object;
mod settings;
mod upload_part;
mod upload_part_copy;

use std::pin::Pin;
use std::sync::Arc;

pub(crate) use post_object::{FormCall, post_object};

use bytes::Bytes;
use gatepass_authority::ROOT_ACCOUNT;
use gatepass_protocol::s3::checksum::{BodyIntegrity, ChecksumAlgorithm};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::{Access, BucketSetting, ObjectSetting, Operation};
use gatepass_protocol::s3::xml::responses::Owner;
use gatepass_signing::sigv4::verify::Payload;
use hyper::body::Incoming;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::authorize::Authorizer;
use crate::body::{self, Bounds};
use crate::grant::{Action, Grant, InBucket};
use crate::index::{BucketRecord, Failure, Snapshot, Transaction};
use crate::store::Store;

/// What is computed and stored where the client names no algorithm, as at AWS.
pub(crate) const DEFAULT_CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

/// The largest body of an operation whose body means nothing.
const IGNORED_BODY_MAX_BYTES: usize = 64 * 1024;

/// A request on its way to an operation.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Arc<Store>,
    pub(crate) arrival: &'a Arrival,
    pub(crate) authorizer: Authorizer,
    pub(crate) payload: Payload,
    pub(crate) incoming: &'a mut Incoming,
    pub(crate) now: Timestamp,
}

pub(crate) async fn perform(call: Call<'_>, operation: Operation) -> Result<Answer, S3Error> {
    if adds_rows(&operation) {
        call.store.blobs.room_for(0)?;
    }
    // A future is as large as the largest that it may wait for, and is moved with every request: what waits for more than a
    // read stands elsewhere.
    let answer: Pin<Box<dyn Future<Output = Result<Answer, S3Error>> + Send + '_>> = match operation {
        Operation::ListBuckets(parameters) => Box::pin(list_buckets::list_buckets(call, parameters)),
        Operation::CreateBucket(parameters) => Box::pin(create_bucket::create_bucket(call, parameters)),
        Operation::HeadBucket { bucket } => Box::pin(head_bucket::head_bucket(call, bucket)),
        Operation::DeleteBucket { bucket } => Box::pin(delete_bucket::delete_bucket(call, bucket)),
        Operation::GetBucketLocation { bucket } => Box::pin(get_bucket_location::get_bucket_location(call, bucket)),
        Operation::PutBucketCors(parameters) => Box::pin(bucket_cors::put_bucket_cors(call, parameters)),
        Operation::GetBucketCors { bucket } => Box::pin(bucket_cors::get_bucket_cors(call, bucket)),
        Operation::DeleteBucketCors { bucket } => Box::pin(bucket_cors::delete_bucket_cors(call, bucket)),
        Operation::ListObjects(parameters) => Box::pin(list_objects::list_objects(call, parameters)),
        Operation::ListObjectsV2(parameters) => Box::pin(list_objects::list_objects_v2(call, parameters)),
        Operation::ListMultipartUploads(parameters) => {
            Box::pin(list_multipart_uploads::list_multipart_uploads(call, parameters))
        }
        Operation::ListObjectVersions(parameters) => {
            Box::pin(list_object_versions::list_object_versions(call, parameters))
        }
        Operation::DeleteObjects(parameters) => Box::pin(delete_objects::delete_objects(call, parameters)),
        Operation::GetObject(parameters) => return get_object::get_object(call, parameters).await,
        Operation::HeadObject(parameters) => return get_object::head_object(call, parameters.0).await,
        Operation::PutObject(parameters) => Box::pin(put_object::put_object(call, parameters)),
        Operation::CopyObject(parameters) => Box::pin(copy_object::copy_object(call, parameters)),
        Operation::DeleteObject(parameters) => Box::pin(delete_object::delete_object(call, parameters)),
        Operation::CreateMultipartUpload(parameters) => {
            Box::pin(create_multipart_upload::create_multipart_upload(call, parameters))
        }
        Operation::UploadPart(parameters) => Box::pin(upload_part::upload_part(call, parameters)),
        Operation::UploadPartCopy(parameters) => Box::pin(upload_part_copy::upload_part_copy(call, parameters)),
        Operation::GetObjectAttributes(parameters) => {
            Box::pin(get_object_attributes::get_object_attributes(call, parameters))
        }
        Operation::CompleteMultipartUpload(parameters) => {
            Box::pin(complete_multipart_upload::complete_multipart_upload(call, parameters))
        }
        Operation::AbortMultipartUpload(upload) => {
            Box::pin(abort_multipart_upload::abort_multipart_upload(call, upload))
        }
        Operation::ListParts(parameters) => Box::pin(list_parts::list_parts(call, parameters)),
        Operation::BucketSetting(setting) => Box::pin(settings::bucket_setting(call, setting)),
        Operation::ObjectSetting(setting) => Box::pin(settings::object_setting(call, setting)),
    };
    answer.await
}

/// Whether the operation leaves rows behind. Reading and removing go on when the disk is full.
fn adds_rows(operation: &Operation) -> bool {
    match operation {
        Operation::BucketSetting(BucketSetting { access, .. })
        | Operation::ObjectSetting(ObjectSetting { access, .. }) => {
            matches!(access, Access::Replace(_))
        }
        Operation::CreateBucket(_)
        | Operation::PutBucketCors(_)
        | Operation::CopyObject(_)
        | Operation::CreateMultipartUpload(_)
        | Operation::CompleteMultipartUpload(_) => true,
        // What receives a body asks for room for all of it.
        Operation::PutObject(_)
        | Operation::UploadPart(_)
        | Operation::UploadPartCopy(_)
        | Operation::GetObjectAttributes(_)
        | Operation::ListBuckets(_)
        | Operation::HeadBucket { .. }
        | Operation::DeleteBucket { .. }
        | Operation::GetBucketLocation { .. }
        | Operation::GetBucketCors { .. }
        | Operation::DeleteBucketCors { .. }
        | Operation::ListObjects(_)
        | Operation::ListObjectsV2(_)
        | Operation::ListMultipartUploads(_)
        | Operation::ListObjectVersions(_)
        | Operation::DeleteObjects(_)
        | Operation::GetObject(_)
        | Operation::HeadObject(_)
        | Operation::DeleteObject(_)
        | Operation::AbortMultipartUpload(_)
        | Operation::ListParts(_) => false,
    }
}

impl Call<'_> {
    /// Reads the body of an operation that takes a document.
    async fn document(self, integrity: &BodyIntegrity, limit: usize) -> Result<Bytes, S3Error> {
        let document = body::document(self.incoming, &self.payload, Bounds::bytes(limit)).await?;
        integrity.check_body(&document)?;
        Ok(document)
    }

    /// Reads a body that means nothing, if only to check it against its signature.
    async fn ignore_body(self) -> Result<(), S3Error> {
        ignore_body(self.incoming, &self.payload).await
    }
}

async fn ignore_body(incoming: &mut Incoming, payload: &Payload) -> Result<(), S3Error> {
    body::document(incoming, payload, Bounds::bytes(IGNORED_BODY_MAX_BYTES)).await.map(drop)
}

/// Who owns everything.
fn owner() -> Owner {
    Owner { id: ROOT_ACCOUNT.canonical_user_id(), display_name: "root".to_owned() }
}

/// The bucket that a grant is for, or 404.
fn existing_bucket<A: Action>(snapshot: &Snapshot, grant: &Grant<A>) -> Result<BucketRecord, Failure>
where
    A::Resource: InBucket,
{
    snapshot.bucket(grant)?.ok_or_else(|| S3Error::no_such_bucket(grant.bucket()).into())
}

/// The same, at the moment of a write.
fn still_existing_bucket<A: Action>(transaction: &Transaction<'_>, grant: &Grant<A>) -> Result<BucketRecord, Failure>
where
    A::Resource: InBucket,
{
    transaction.bucket(grant)?.ok_or_else(|| S3Error::no_such_bucket(grant.bucket()).into())
}

/// Runs a long read off the reactor: a listing may walk over thousands of rows.
pub(crate) async fn off_reactor<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, S3Error> {
    let read = tokio::task::spawn_blocking(read).await.map_err(|error| {
        tracing::error!(%error, "a read did not end");
        S3Error::internal()
    })?;
    Ok(read?)
}
