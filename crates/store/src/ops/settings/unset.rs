//! Sub-resources that cannot be set here, answered as S3 answers where nothing is set.

use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::{Access, BucketSetting, BucketSubject, ObjectSetting, ObjectSubject};
use gatepass_protocol::s3::xml::settings::{
    SETTING_LIMITS, check_notification, check_request_payment, empty, empty_list, request_payment,
};

use super::{Call, check, no_content, ok, read, unreachable_access};
use crate::answer::Answer;
use crate::grant::{
    DeleteBucketWebsite, GetAccelerateConfiguration, GetAnalyticsConfiguration, GetBucketLogging,
    GetBucketNotification, GetBucketObjectLockConfiguration, GetBucketRequestPayment, GetBucketWebsite,
    GetEncryptionConfiguration, GetIntelligentTieringConfiguration, GetInventoryConfiguration, GetMetricsConfiguration,
    GetObjectLegalHold, GetObjectRetention, GetReplicationConfiguration, ObjectName, PutAnalyticsConfiguration,
    PutBucketNotification, PutBucketRequestPayment, PutEncryptionConfiguration, PutIntelligentTieringConfiguration,
    PutInventoryConfiguration, PutMetricsConfiguration, PutObjectLegalHold, PutObjectRetention,
    PutReplicationConfiguration,
};

pub(super) async fn of_bucket(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    let BucketSetting { bucket, subject, access, id } = setting;
    match access {
        Access::Read => get(call, bucket, subject, id.as_deref()).await,
        Access::Replace(integrity) => {
            let (store, authorizer) = (call.store, call.authorizer.clone());
            match subject {
                BucketSubject::RequestPayment => {
                    authorizer.grant::<PutBucketRequestPayment>(bucket.clone())?;
                    check_request_payment(&call.document(&integrity, SETTING_LIMITS.bytes).await?)?;
                    check::<PutBucketRequestPayment>(store, &authorizer, bucket)?;
                }
                BucketSubject::Notification => {
                    authorizer.grant::<PutBucketNotification>(bucket.clone())?;
                    check_notification(&call.document(&integrity, SETTING_LIMITS.bytes).await?)?;
                    check::<PutBucketNotification>(store, &authorizer, bucket)?;
                }
                _ => return Err(unreachable_access()),
            }
            Ok(ok())
        }
        Access::Remove => delete(call, bucket, subject).await,
        Access::ReplaceByHeader => Err(unreachable_access()),
    }
}

async fn get(call: Call<'_>, bucket: BucketName, subject: BucketSubject, id: Option<&str>) -> Result<Answer, S3Error> {
    let absent = |code| Err(S3Error::no_such_setting(code, &bucket));
    let listed = |root| match id {
        None => Ok(Answer::xml(empty_list(root))),
        Some(_) => Err(S3Error::no_such_setting(ErrorCode::NoSuchConfiguration, &bucket)),
    };
    match subject {
        BucketSubject::Accelerate => {
            read::<GetAccelerateConfiguration>(call, bucket).await?;
            Ok(Answer::xml(empty("AccelerateConfiguration")))
        }
        BucketSubject::Logging => {
            read::<GetBucketLogging>(call, bucket).await?;
            Ok(Answer::xml(empty("BucketLoggingStatus")))
        }
        BucketSubject::Notification => {
            read::<GetBucketNotification>(call, bucket).await?;
            Ok(Answer::xml(empty("NotificationConfiguration")))
        }
        BucketSubject::RequestPayment => {
            read::<GetBucketRequestPayment>(call, bucket).await?;
            Ok(Answer::xml(request_payment()))
        }
        BucketSubject::Analytics => {
            read::<GetAnalyticsConfiguration>(call, bucket.clone()).await?;
            listed("ListBucketAnalyticsConfigurationsResult")
        }
        BucketSubject::IntelligentTiering => {
            read::<GetIntelligentTieringConfiguration>(call, bucket.clone()).await?;
            listed("ListBucketIntelligentTieringConfigurationsOutput")
        }
        BucketSubject::Inventory => {
            read::<GetInventoryConfiguration>(call, bucket.clone()).await?;
            listed("ListInventoryConfigurationsResult")
        }
        BucketSubject::Metrics => {
            read::<GetMetricsConfiguration>(call, bucket.clone()).await?;
            listed("ListMetricsConfigurationsResult")
        }
        // S3 encrypts everything since 2023 and says so here. This store does not, and does not say it does.
        BucketSubject::Encryption => {
            read::<GetEncryptionConfiguration>(call, bucket.clone()).await?;
            absent(ErrorCode::ServerSideEncryptionConfigurationNotFoundError)
        }
        BucketSubject::ObjectLock => {
            read::<GetBucketObjectLockConfiguration>(call, bucket.clone()).await?;
            absent(ErrorCode::ObjectLockConfigurationNotFoundError)
        }
        BucketSubject::Replication => {
            read::<GetReplicationConfiguration>(call, bucket.clone()).await?;
            absent(ErrorCode::ReplicationConfigurationNotFoundError)
        }
        BucketSubject::Website => {
            read::<GetBucketWebsite>(call, bucket.clone()).await?;
            absent(ErrorCode::NoSuchWebsiteConfiguration)
        }
        _ => Err(unreachable_access()),
    }
}

/// What is not set is removed already, but for the entries of lists: those are missed.
async fn delete(call: Call<'_>, bucket: BucketName, subject: BucketSubject) -> Result<Answer, S3Error> {
    let no_entry = || Err(S3Error::no_such_setting(ErrorCode::NoSuchConfiguration, &bucket));
    match subject {
        BucketSubject::Encryption => read::<PutEncryptionConfiguration>(call, bucket).await.map(|_| no_content()),
        BucketSubject::Replication => read::<PutReplicationConfiguration>(call, bucket).await.map(|_| no_content()),
        BucketSubject::Website => read::<DeleteBucketWebsite>(call, bucket).await.map(|_| no_content()),
        BucketSubject::Analytics => {
            read::<PutAnalyticsConfiguration>(call, bucket.clone()).await?;
            no_entry()
        }
        BucketSubject::IntelligentTiering => {
            read::<PutIntelligentTieringConfiguration>(call, bucket.clone()).await?;
            no_entry()
        }
        BucketSubject::Inventory => {
            read::<PutInventoryConfiguration>(call, bucket.clone()).await?;
            no_entry()
        }
        BucketSubject::Metrics => {
            read::<PutMetricsConfiguration>(call, bucket.clone()).await?;
            no_entry()
        }
        _ => Err(unreachable_access()),
    }
}

/// Retention and legal holds need a bucket with object lock, and there is none.
pub(super) async fn of_object(call: Call<'_>, setting: ObjectSetting) -> Result<Answer, S3Error> {
    // Whatever the version, its bucket has no object lock.
    let ObjectSetting { bucket, key, version: _, subject, access } = setting;
    let (store, authorizer) = (call.store, call.authorizer.clone());
    let name = ObjectName { bucket, key };
    match &access {
        Access::Replace(integrity) => call.document(integrity, SETTING_LIMITS.bytes).await.map(drop)?,
        _ => call.ignore_body().await?,
    }
    match (subject, access) {
        (ObjectSubject::LegalHold, Access::Read) => check::<GetObjectLegalHold>(store, &authorizer, name)?,
        (ObjectSubject::LegalHold, _) => check::<PutObjectLegalHold>(store, &authorizer, name)?,
        (ObjectSubject::Retention, Access::Read) => check::<GetObjectRetention>(store, &authorizer, name)?,
        (ObjectSubject::Retention, _) => check::<PutObjectRetention>(store, &authorizer, name)?,
        (ObjectSubject::Acl | ObjectSubject::Tagging, _) => return Err(unreachable_access()),
    }
    Err(S3Error::invalid_request("Bucket is missing Object Lock Configuration"))
}
