//! GetBucketAcl, PutBucketAcl, GetObjectAcl and PutObjectAcl of buckets whose owner owns everything in them: the lists
//! say that the owner may everything, and take no other.

use gatepass_protocol::s3::acl::{ACL_LIMITS, check_changes_nothing, owner_full_control};
use gatepass_protocol::s3::checksum::BodyIntegrity;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::{Access, BucketSetting, ObjectSetting};

use super::super::{existing_bucket, owner};
use super::tagging::existing_version;
use super::{Call, check, ok, read, unreachable_access};
use crate::answer::Answer;
use crate::grant::{
    Action, GetBucketAcl, GetObjectAcl, GetObjectVersionAcl, Grant, ObjectName, ObjectVersion, PutBucketAcl,
    PutObjectAcl, PutObjectVersionAcl,
};
use crate::store::Store;

pub(super) async fn of_bucket(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    let BucketSetting { bucket, access, .. } = setting;
    match access {
        Access::Read => {
            read::<GetBucketAcl>(call, bucket).await?;
            Ok(Answer::xml(owner_full_control(&owner())))
        }
        Access::Replace(_) | Access::ReplaceByHeader => {
            let (store, authorizer) = (call.store, call.authorizer.clone());
            authorizer.grant::<PutBucketAcl>(bucket.clone())?;
            take_list(call, &access).await?;
            check::<PutBucketAcl>(store, &authorizer, bucket)?;
            Ok(ok())
        }
        Access::Remove => Err(unreachable_access()),
    }
}

pub(super) async fn of_object(call: Call<'_>, setting: ObjectSetting) -> Result<Answer, S3Error> {
    let ObjectSetting { bucket, key, version, access, .. } = setting;
    let store = call.store;
    let name = ObjectName { bucket, key };
    match (access, version) {
        (Access::Read, None) => {
            let grant = call.authorizer.grant::<GetObjectAcl>(name)?;
            call.ignore_body().await?;
            existing_object(store, &grant)?;
            Ok(Answer::xml(owner_full_control(&owner())))
        }
        (Access::Read, Some(version)) => {
            let grant = call.authorizer.grant::<GetObjectVersionAcl>(ObjectVersion { name, version })?;
            call.ignore_body().await?;
            existing_version(store, &grant)?;
            Ok(Answer::xml(owner_full_control(&owner())))
        }
        (access @ (Access::Replace(_) | Access::ReplaceByHeader), None) => {
            let grant = call.authorizer.grant::<PutObjectAcl>(name)?;
            take_list(call, &access).await?;
            existing_object(store, &grant)?;
            Ok(ok())
        }
        (access @ (Access::Replace(_) | Access::ReplaceByHeader), Some(version)) => {
            let grant = call.authorizer.grant::<PutObjectVersionAcl>(ObjectVersion { name, version })?;
            take_list(call, &access).await?;
            existing_version(store, &grant)?;
            Ok(ok())
        }
        (Access::Remove, _) => Err(unreachable_access()),
    }
}

/// Takes a list that changes nothing. One that a header names was looked at when the request was read.
async fn take_list(call: Call<'_>, access: &Access) -> Result<(), S3Error> {
    if let Access::Replace(integrity) = access {
        let document = call.document(integrity, ACL_LIMITS.bytes).await?;
        if document.is_empty() {
            return Err(S3Error::missing_security_header());
        }
        return check_changes_nothing(&document, &owner());
    }
    let document = call.document(&BodyIntegrity::default(), ACL_LIMITS.bytes).await?;
    if document.is_empty() { Ok(()) } else { Err(S3Error::unexpected_content()) }
}

fn existing_object<A: Action<Resource = ObjectName>>(store: &Store, grant: &Grant<A>) -> Result<(), S3Error> {
    let snapshot = store.index.snapshot()?;
    existing_bucket(&snapshot, grant)?;
    let found = snapshot.object(grant)?;
    found.map(drop).ok_or_else(|| S3Error::no_such_key(grant.key()))
}
