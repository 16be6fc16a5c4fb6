//! Whether a bucket keeps versions.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::{Access, BucketSetting};
use gatepass_protocol::s3::xml::settings::{self, SETTING_LIMITS, Versioning};

use super::{check, configure, ok, read, unreachable_access};
use crate::answer::Answer;
use crate::grant::{GetBucketVersioning, PutBucketVersioning};
use crate::ops::Call;

pub(super) async fn versioning(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    match setting.access {
        Access::Read => {
            let (_, record) = read::<GetBucketVersioning>(call, setting.bucket).await?;
            Ok(Answer::xml(settings::versioning(record.versioning)))
        }
        Access::Replace(integrity) => {
            let (store, authorizer) = (call.store, call.authorizer.clone());
            check::<PutBucketVersioning>(store, &authorizer, setting.bucket.clone())?;
            let state = Versioning::from_xml(&call.document(&integrity, SETTING_LIMITS.bytes).await?)?;
            let grant = authorizer.grant::<PutBucketVersioning>(setting.bucket)?;
            configure(store, grant, move |record| {
                record.versioning = Some(state);
                Ok(())
            })
            .await?;
            Ok(ok())
        }
        Access::ReplaceByHeader | Access::Remove => Err(unreachable_access()),
    }
}
