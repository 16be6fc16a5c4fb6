//! Sub-resources that configure a bucket or an object: one file for each that can be set, one for all that cannot.

mod access_control;
mod lifecycle;
mod ownership;
mod policy;
mod public_access_block;
mod tagging;
mod unset;
mod versioning;

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::{BucketSetting, BucketSubject, ObjectSetting, ObjectSubject};
use http::StatusCode;

use super::{Call, existing_bucket, still_existing_bucket};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::grant::{Action, Arn, Configures, Grant};
use crate::index::BucketRecord;
use crate::store::Store;

pub(super) async fn bucket_setting(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    match setting.subject {
        BucketSubject::Policy => policy::policy(call, setting).await,
        BucketSubject::PolicyStatus => policy::status(call, setting.bucket).await,
        BucketSubject::PublicAccessBlock => public_access_block::public_access_block(call, setting).await,
        BucketSubject::OwnershipControls => ownership::ownership_controls(call, setting).await,
        BucketSubject::Acl => access_control::of_bucket(call, setting).await,
        BucketSubject::Lifecycle => lifecycle::lifecycle(call, setting).await,
        BucketSubject::Versioning => versioning::versioning(call, setting).await,
        BucketSubject::Tagging => tagging::of_bucket(call, setting).await,
        BucketSubject::Accelerate
        | BucketSubject::Analytics
        | BucketSubject::Encryption
        | BucketSubject::IntelligentTiering
        | BucketSubject::Inventory
        | BucketSubject::Logging
        | BucketSubject::Metrics
        | BucketSubject::Notification
        | BucketSubject::ObjectLock
        | BucketSubject::Replication
        | BucketSubject::RequestPayment
        | BucketSubject::Website => unset::of_bucket(call, setting).await,
    }
}

pub(super) async fn object_setting(call: Call<'_>, setting: ObjectSetting) -> Result<Answer, S3Error> {
    match setting.subject {
        ObjectSubject::Acl => access_control::of_object(call, setting).await,
        ObjectSubject::Tagging => tagging::of_object(call, setting).await,
        ObjectSubject::LegalHold | ObjectSubject::Retention => unset::of_object(call, setting).await,
    }
}

/// Changes the record of a bucket in the next commit. `change` refuses before it changes anything.
async fn configure<A>(
    store: &Store,
    grant: Grant<A>,
    change: impl FnOnce(&mut BucketRecord) -> Result<(), S3Error> + Send + 'static,
) -> Result<(), S3Error>
where
    A: Configures + Send + 'static,
{
    let write = store.index.write(move |transaction| {
        let before = still_existing_bucket(transaction, &grant)?;
        let mut record = before.clone();
        change(&mut record)?;
        if record == before {
            return Ok(());
        }
        transaction.configure_bucket(&grant, &record)
    });
    Ok(write.await?)
}

/// The record of a bucket that exists, for whoever may read this of it.
async fn read<A: Action>(call: Call<'_>, resource: A::Resource) -> Result<(Grant<A>, BucketRecord), S3Error>
where
    A::Resource: Arn + crate::grant::InBucket,
{
    let store = call.store;
    let grant = call.authorizer.grant::<A>(resource)?;
    call.ignore_body().await?;
    let record = existing_bucket(&store.index.snapshot()?, &grant)?;
    Ok((grant, record))
}

/// Asks for nothing but whether the bucket exists and the caller may.
fn check<A: Action>(store: &Store, authorizer: &Authorizer, resource: A::Resource) -> Result<(), S3Error>
where
    A::Resource: Arn + crate::grant::InBucket,
{
    let grant = authorizer.grant::<A>(resource)?;
    existing_bucket(&store.index.snapshot()?, &grant)?;
    Ok(())
}

fn no_content() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT)
}

fn ok() -> Answer {
    Answer::empty(StatusCode::OK)
}

/// A method that the sub-resource does not have does not become an operation.
fn unreachable_access() -> S3Error {
    tracing::error!("an operation on a sub-resource has a method that it cannot have");
    S3Error::internal()
}
