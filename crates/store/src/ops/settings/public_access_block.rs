//! PutPublicAccessBlock, GetPublicAccessBlock and DeletePublicAccessBlock.

use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::operation::{Access, BucketSetting};
use gatepass_protocol::s3::public_access_block::{PUBLIC_ACCESS_BLOCK_LIMITS, PublicAccessBlock};

use super::{Call, configure, no_content, ok, read, unreachable_access};
use crate::answer::Answer;
use crate::grant::{GetBucketPublicAccessBlock, PutBucketPublicAccessBlock};

pub(super) async fn public_access_block(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    let BucketSetting { bucket, access, .. } = setting;
    let store = call.store;
    match access {
        Access::Read => {
            let (grant, record) = read::<GetBucketPublicAccessBlock>(call, bucket).await?;
            let code = ErrorCode::NoSuchPublicAccessBlockConfiguration;
            let block = record.public_access_block.ok_or_else(|| S3Error::no_such_setting(code, grant.bucket()))?;
            Ok(Answer::xml(block.to_xml()))
        }
        Access::Replace(integrity) => {
            let grant = call.authorizer.grant::<PutBucketPublicAccessBlock>(bucket)?;
            let document = call.document(&integrity, PUBLIC_ACCESS_BLOCK_LIMITS.bytes).await?;
            let block = PublicAccessBlock::parse(&document)?;
            let put = configure(store, grant, move |record| {
                record.public_access_block = Some(block);
                Ok(())
            });
            put.await?;
            Ok(ok())
        }
        // The action of DeletePublicAccessBlock is that of the PUT.
        Access::Remove => {
            let grant = call.authorizer.grant::<PutBucketPublicAccessBlock>(bucket)?;
            call.ignore_body().await?;
            let delete = configure(store, grant, |record| {
                record.public_access_block = None;
                Ok(())
            });
            delete.await?;
            Ok(no_content())
        }
        Access::ReplaceByHeader => Err(unreachable_access()),
    }
}
