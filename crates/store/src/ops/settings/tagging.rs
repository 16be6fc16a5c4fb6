//! PutObjectTagging, GetObjectTagging and DeleteObjectTagging, and the same for buckets.

use gatepass_protocol::s3::checksum::BodyIntegrity;
use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::operation::{Access, BucketSetting, ObjectSetting, tag_condition_keys};
use gatepass_protocol::s3::tagging::{TAGGING_LIMITS, TagSet, Tagged};

use super::super::{existing_bucket, still_existing_bucket};
use super::{Call, configure, no_content, ok, read, unreachable_access};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::grant::{
    Action, DeleteObjectTagging, DeleteObjectVersionTagging, GetBucketTagging, GetObjectTagging,
    GetObjectVersionTagging, Grant, ObjectName, ObjectVersion, PutBucketTagging, PutObjectTagging,
    PutObjectVersionTagging, Retags, RetagsVersion,
};
use crate::index::{ObjectRecord, Version};
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
    let ObjectSetting { bucket, key, version, access, .. } = setting;
    let name = ObjectName { bucket, key };
    match version {
        None => of_current(call, name, access).await,
        Some(version) => {
            let answer = of_version(call, ObjectVersion { name, version }, access).await?;
            Ok(answer.with("x-amz-version-id", version.to_string()))
        }
    }
}

async fn of_current(call: Call<'_>, name: ObjectName, access: Access) -> Result<Answer, S3Error> {
    let store = call.store;
    match access {
        Access::Read => {
            let grant = call.authorizer.grant::<GetObjectTagging>(name)?;
            call.ignore_body().await?;
            let snapshot = store.index.snapshot()?;
            existing_bucket(&snapshot, &grant)?;
            let record = snapshot.object(&grant)?.ok_or_else(|| S3Error::no_such_key(grant.key()))?;
            Ok(Answer::xml(record.tags.to_xml()).versioned(&record))
        }
        Access::Replace(integrity) => {
            let (authorizer, tags) = wanted(call, &integrity).await?;
            let record = retag(store, authorizer.grant::<PutObjectTagging>(name)?, tags).await?;
            Ok(ok().versioned(&record))
        }
        Access::Remove => {
            let grant = call.authorizer.grant::<DeleteObjectTagging>(name)?;
            call.ignore_body().await?;
            let record = retag(store, grant, TagSet::default()).await?;
            Ok(no_content().versioned(&record))
        }
        Access::ReplaceByHeader => Err(unreachable_access()),
    }
}

async fn of_version(call: Call<'_>, version: ObjectVersion, access: Access) -> Result<Answer, S3Error> {
    let store = call.store;
    match access {
        Access::Read => {
            let grant = call.authorizer.grant::<GetObjectVersionTagging>(version)?;
            call.ignore_body().await?;
            let record = existing_version(store, &grant)?;
            Ok(Answer::xml(record.tags.to_xml()))
        }
        Access::Replace(integrity) => {
            let (authorizer, tags) = wanted(call, &integrity).await?;
            retag_version(store, authorizer.grant::<PutObjectVersionTagging>(version)?, tags).await?;
            Ok(ok())
        }
        Access::Remove => {
            let grant = call.authorizer.grant::<DeleteObjectVersionTagging>(version)?;
            call.ignore_body().await?;
            retag_version(store, grant, TagSet::default()).await?;
            Ok(no_content())
        }
        Access::ReplaceByHeader => Err(unreachable_access()),
    }
}

/// What the tags are to be counts for whether they may be so, and stands in the body.
async fn wanted(call: Call<'_>, integrity: &BodyIntegrity) -> Result<(Authorizer, TagSet), S3Error> {
    let authorizer = call.authorizer.clone();
    let tags = TagSet::parse(&call.document(integrity, TAGGING_LIMITS.bytes).await?, Tagged::Object)?;
    Ok((authorizer.knowing(tag_condition_keys(&tags)), tags))
}

async fn retag<A: Retags + Send + 'static>(
    store: &Store,
    grant: Grant<A>,
    tags: TagSet,
) -> Result<ObjectRecord, S3Error> {
    let write = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        let record = transaction.object(&grant)?.ok_or_else(|| S3Error::no_such_key(grant.key()))?;
        transaction.tag_object(&grant, tags)?;
        Ok(record)
    });
    Ok(write.await?)
}

async fn retag_version<A: RetagsVersion + Send + 'static>(
    store: &Store,
    grant: Grant<A>,
    tags: TagSet,
) -> Result<(), S3Error> {
    let write = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        tagged(&grant, transaction.version(&grant)?)?;
        transaction.tag_version(&grant, tags)
    });
    Ok(write.await?)
}

/// A version that is there, and no delete marker.
pub(super) fn existing_version<A: Action<Resource = ObjectVersion>>(
    store: &Store,
    grant: &Grant<A>,
) -> Result<ObjectRecord, S3Error> {
    let snapshot = store.index.snapshot()?;
    existing_bucket(&snapshot, grant)?;
    tagged(grant, snapshot.version(grant)?)
}

/// The version that has the tags; a delete marker has none.
fn tagged<A: Action<Resource = ObjectVersion>>(
    grant: &Grant<A>,
    version: Option<Version>,
) -> Result<ObjectRecord, S3Error> {
    match version {
        Some(Version::Object(record)) => Ok(record),
        Some(marker) => Err(S3Error::version_is_delete_marker("GET", marker.id())),
        None => Err(S3Error::no_such_version(grant.key(), &grant.version().to_string())),
    }
}
