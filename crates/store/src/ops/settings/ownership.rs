//! PutBucketOwnershipControls, GetBucketOwnershipControls and DeleteBucketOwnershipControls. The owner of a bucket owns
//! what is in it, whether a document says so or not: other ownership would bring access control lists with it.

use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::operation::{Access, BucketSetting};
use gatepass_protocol::s3::xml::settings::{SETTING_LIMITS, check_ownership_controls, ownership_controls as document};

use super::{Call, configure, no_content, ok, read, unreachable_access};
use crate::answer::Answer;
use crate::grant::{GetBucketOwnershipControls, PutBucketOwnershipControls};
use crate::index::OwnershipControls;

pub(super) async fn ownership_controls(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    let BucketSetting { bucket, access, .. } = setting;
    let store = call.store;
    let controls = match &access {
        Access::Read => {
            let (grant, record) = read::<GetBucketOwnershipControls>(call, bucket).await?;
            return match record.ownership_controls {
                OwnershipControls::BucketOwnerEnforced => Ok(Answer::xml(document())),
                OwnershipControls::Removed => {
                    let code = ErrorCode::OwnershipControlsNotFoundError;
                    Err(S3Error::no_such_setting(code, grant.bucket()))
                }
            };
        }
        Access::Replace(_) => OwnershipControls::BucketOwnerEnforced,
        Access::Remove => OwnershipControls::Removed,
        Access::ReplaceByHeader => return Err(unreachable_access()),
    };
    let grant = call.authorizer.grant::<PutBucketOwnershipControls>(bucket)?;
    if let Access::Replace(integrity) = &access {
        check_ownership_controls(&call.document(integrity, SETTING_LIMITS.bytes).await?)?;
    } else {
        call.ignore_body().await?;
    }
    let change = configure(store, grant, move |record| {
        record.ownership_controls = controls;
        Ok(())
    });
    change.await?;
    Ok(if controls == OwnershipControls::Removed { no_content() } else { ok() })
}
