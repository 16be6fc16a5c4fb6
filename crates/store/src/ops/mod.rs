//! The operations, one file each. What they touch they touch with a grant.

mod create_bucket;
mod delete_bucket;
mod delete_object;
mod get_object;
mod head_bucket;
mod put_object;

use std::sync::Arc;

use bytes::Bytes;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::Operation;
use gatepass_signing::sigv4::verify::Payload;
use hyper::body::Incoming;
use jiff::Timestamp;

use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::authorize::Authorizer;
use crate::body;
use crate::grant::{Action, Grant, InBucket};
use crate::index::{BucketRecord, Failure, Snapshot, Transaction};
use crate::store::Store;

/// The largest body of an operation whose body means nothing.
const IGNORED_BODY_MAX_BYTES: usize = 64 * 1024;

/// A request on its way to an operation.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Arc<Store>,
    pub(crate) arrival: &'a Arrival,
    pub(crate) authorizer: Authorizer,
    pub(crate) payload: Payload,
    pub(crate) incoming: Incoming,
    pub(crate) now: Timestamp,
}

pub(crate) async fn perform(call: Call<'_>, operation: Operation) -> Result<Answer, S3Error> {
    match operation {
        Operation::CreateBucket(parameters) => create_bucket::create_bucket(call, parameters).await,
        Operation::HeadBucket { bucket } => head_bucket::head_bucket(call, bucket).await,
        Operation::DeleteBucket { bucket } => delete_bucket::delete_bucket(call, bucket).await,
        Operation::GetObject(parameters) => get_object::get_object(call, parameters).await,
        Operation::HeadObject(parameters) => get_object::head_object(call, parameters.0).await,
        Operation::PutObject(parameters) => put_object::put_object(call, parameters).await,
        Operation::DeleteObject(parameters) => delete_object::delete_object(call, parameters).await,
        _ => unimplemented!(),
    }
}

impl Call<'_> {
    /// Reads the body of an operation that takes a document.
    async fn document(self, limit: usize) -> Result<Bytes, S3Error> {
        body::document(self.incoming, &self.payload, limit).await
    }

    /// Reads a body that means nothing, if only to check it against its signature.
    async fn ignore_body(self) -> Result<(), S3Error> {
        self.document(IGNORED_BODY_MAX_BYTES).await.map(drop)
    }
}

/// The bucket that a grant is for, or 404.
fn existing_bucket<A: Action>(snapshot: &Snapshot, grant: &Grant<A>) -> Result<BucketRecord, S3Error>
where
    A::Resource: InBucket,
{
    snapshot.bucket(grant)?.ok_or_else(|| S3Error::no_such_bucket(grant.bucket()))
}

/// The same, for the moment of a write.
fn still_existing_bucket<A: Action>(transaction: &Transaction<'_>, grant: &Grant<A>) -> Result<BucketRecord, Failure>
where
    A::Resource: InBucket,
{
    transaction.bucket(grant)?.ok_or_else(|| S3Error::no_such_bucket(grant.bucket()).into())
}
