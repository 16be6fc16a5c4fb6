//! PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy and GetBucketPolicyStatus.

use gatepass_iam::{MAX_BUCKET_POLICY_TEXT_BYTES, is_public, parse_bucket_policy};
use gatepass_protocol::s3::checksum::BodyIntegrity;
use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::{Access, BucketSetting};
use gatepass_protocol::s3::xml::settings::policy_status;

use super::{Call, configure, no_content, read, unreachable_access};
use crate::answer::Answer;
use crate::grant::{Action, Arn, DeleteBucketPolicy, GetBucketPolicy, GetBucketPolicyStatus, Grant, PutBucketPolicy};
use crate::index::BucketRecord;

pub(super) async fn policy(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    let BucketSetting { bucket, access, .. } = setting;
    match access {
        Access::Read => get(call, bucket).await,
        Access::Replace(integrity) => put(call, bucket, &integrity).await,
        Access::Remove => delete(call, bucket).await,
        Access::ReplaceByHeader => Err(unreachable_access()),
    }
}

/// The policy as it was sent, byte for byte.
async fn get(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let (grant, record) = read::<GetBucketPolicy>(call, bucket).await?;
    Ok(Answer::json(policy_of(record, &grant)?))
}

async fn put(call: Call<'_>, bucket: BucketName, integrity: &BodyIntegrity) -> Result<Answer, S3Error> {
    let (store, principal) = (call.store, call.authorizer.principal().arn());
    let grant = call.authorizer.grant::<PutBucketPolicy>(bucket)?;
    // A text that is longer than this has the answer of a policy that is too long, not of XML that is.
    let text = call.document(integrity, MAX_BUCKET_POLICY_TEXT_BYTES + 1).await?;
    let policy = parse_bucket_policy(&text, grant.bucket().as_str());
    let policy = policy.map_err(|error| S3Error::malformed_policy(error.to_string()))?;
    let text =
        String::from_utf8(text.to_vec()).map_err(|_| S3Error::malformed_policy("This policy contains invalid Json"))?;

    let refused = is_public(&policy).then(|| {
        S3Error::access_denied_because(
            &principal,
            PutBucketPolicy::NAME,
            &grant.bucket().arn(),
            "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
        )
    });
    let put = configure(store, grant, move |record| {
        if let Some(error) = refused
            && record.public_access_block.is_some_and(|block| block.block_public_policy)
        {
            return Err(error);
        }
        record.policy = Some(text);
        Ok(())
    });
    put.await?;
    Ok(no_content())
}

async fn delete(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let store = call.store;
    let grant = call.authorizer.grant::<DeleteBucketPolicy>(bucket)?;
    call.ignore_body().await?;
    let delete = configure(store, grant, |record| {
        record.policy = None;
        Ok(())
    });
    delete.await?;
    Ok(no_content())
}

pub(super) async fn status(call: Call<'_>, bucket: BucketName) -> Result<Answer, S3Error> {
    let (grant, record) = read::<GetBucketPolicyStatus>(call, bucket).await?;
    let text = policy_of(record, &grant)?;
    let policy = parse_bucket_policy(text.as_bytes(), grant.bucket().as_str()).map_err(|error| {
        tracing::error!(%error, "a policy that was taken can no longer be read");
        S3Error::internal()
    })?;
    Ok(Answer::xml(policy_status(is_public(&policy))))
}

fn policy_of<A: Action<Resource = BucketName>>(record: BucketRecord, grant: &Grant<A>) -> Result<String, S3Error> {
    record.policy.ok_or_else(|| S3Error::no_such_setting(ErrorCode::NoSuchBucketPolicy, grant.bucket()))
}
