//! PutObjectTagging, GetObjectTagging and DeleteObjectTagging, and the same for buckets.

use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::operation::{Access, BucketSetting, ObjectSetting, tag_condition_keys};
use gatepass_protocol::s3::tagging::{TAGGING_LIMITS, TagSet, Tagged};

use super::super::{existing_bucket, still_existing_bucket};
use super::{Call, configure, no_content, ok, read, unreachable_access};
use crate::answer::Answer;
use crate::grant::{
    DeleteObjectTagging, GetBucketTagging, GetObjectTagging, Grant, ObjectName, PutBucketTagging, PutObjectTagging,
    Retags,
};
use crate::store::Store;

pub(super) async fn of_bucket(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    let BucketSetting { bucket, access, .. } = setting;
    let store = call.store;
    let tags = match access {
        Access::Read => {
            let (grant, record) = read::<GetBucketTagging>(call, bucket).await?;
            let code = ErrorCode::NoSuchTagSet;
            let tags = record.tags.ok_or_else(|| S3Error::no_such_setting(code, grant.bucket()))?;
            return Ok(Answer::xml(tags.to_xml()));
        }
        Access::Replace(integrity) => {
            let grant = call.authorizer.grant::<PutBucketTagging>(bucket)?;
            let document = call.document(&integrity, TAGGING_LIMITS.bytes).await?;
            (grant, Some(TagSet::parse(&document, Tagged::Bucket)?))
        }
        // The action of DeleteBucketTagging is that of the PUT.
        Access::Remove => {
            let grant = call.authorizer.grant::<PutBucketTagging>(bucket)?;
            call.ignore_body().await?;
            (grant, None)
        }
        Access::ReplaceByHeader => return Err(unreachable_access()),
    };
    let (grant, tags) = tags;
    let change = configure(store, grant, move |record| {
        record.tags = tags;
        Ok(())
    });
    change.await?;
    Ok(no_content())
}

pub(super) async fn of_object(call: Call<'_>, setting: ObjectSetting) -> Result<Answer, S3Error> {
    let ObjectSetting { bucket, key, access, .. } = setting;
    let store = call.store;
    let name = ObjectName { bucket, key };
    match access {
        Access::Read => {
            let grant = call.authorizer.grant::<GetObjectTagging>(name)?;
            call.ignore_body().await?;
            let snapshot = store.index.snapshot()?;
            existing_bucket(&snapshot, &grant)?;
            let record = snapshot.object(&grant)?.ok_or_else(|| S3Error::no_such_key(grant.key()))?;
            Ok(Answer::xml(record.tags.to_xml()))
        }
        Access::Replace(integrity) => {
            // What the tags are to be counts for whether they may be so, and stands in the body.
            let authorizer = call.authorizer.clone();
            let tags = TagSet::parse(&call.document(&integrity, TAGGING_LIMITS.bytes).await?, Tagged::Object)?;
            let grant = authorizer.knowing(tag_condition_keys(&tags)).grant::<PutObjectTagging>(name)?;
            retag(store, grant, tags).await?;
            Ok(ok())
        }
        Access::Remove => {
            let grant = call.authorizer.grant::<DeleteObjectTagging>(name)?;
            call.ignore_body().await?;
            retag(store, grant, TagSet::default()).await?;
            Ok(no_content())
        }
        Access::ReplaceByHeader => Err(unreachable_access()),
    }
}

async fn retag<A: Retags + Send + 'static>(store: &Store, grant: Grant<A>, tags: TagSet) -> Result<(), S3Error> {
    let write = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        transaction.object(&grant)?.ok_or_else(|| S3Error::no_such_key(grant.key()))?;
        transaction.tag_object(&grant, tags)
    });
    Ok(write.await?)
}
