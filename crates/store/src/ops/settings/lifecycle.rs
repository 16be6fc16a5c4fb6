//! PutBucketLifecycleConfiguration, GetBucketLifecycleConfiguration and DeleteBucketLifecycle.

use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::lifecycle::{LIFECYCLE_LIMITS, LifecycleConfiguration};
use gatepass_protocol::s3::operation::{Access, BucketSetting};
use gatepass_signing::encode::hex;

use super::super::{existing_bucket, still_existing_bucket};
use super::{Call, no_content, ok, unreachable_access};
use crate::answer::Answer;
use crate::grant::{GetLifecycleConfiguration, Grant, PutLifecycleConfiguration};
use crate::store::Store;

/// What S3 tells of transitions, of which there are none here.
const MINIMUM_SIZE: (&str, &str) = ("x-amz-transition-default-minimum-object-size", "all_storage_classes_128K");

pub(super) async fn lifecycle(call: Call<'_>, setting: BucketSetting) -> Result<Answer, S3Error> {
    let BucketSetting { bucket, access, .. } = setting;
    let store = call.store;
    match access {
        Access::Read => {
            let grant = call.authorizer.grant::<GetLifecycleConfiguration>(bucket)?;
            call.ignore_body().await?;
            let snapshot = store.index.snapshot()?;
            existing_bucket(&snapshot, &grant)?;
            let code = ErrorCode::NoSuchLifecycleConfiguration;
            let sweep = snapshot.sweep(grant.bucket())?;
            let sweep = sweep.ok_or_else(|| S3Error::no_such_setting(code, grant.bucket()))?;
            Ok(Answer::xml(sweep.document().to_owned()).with(MINIMUM_SIZE.0, MINIMUM_SIZE.1))
        }
        Access::Replace(integrity) => {
            let grant = call.authorizer.grant::<PutLifecycleConfiguration>(bucket)?;
            let document = call.document(&integrity, LIFECYCLE_LIMITS.bytes).await?;
            let mut ids = RandomIds::new()?.each();
            let rules = LifecycleConfiguration::parse(&document, || ids.next().unwrap_or_default())?.to_xml();
            // Written out, characters become entities, and what was short enough may be so no longer.
            LifecycleConfiguration::parse(rules.as_bytes(), String::new)?;
            change(store, grant, Some(rules)).await?;
            Ok(ok().with(MINIMUM_SIZE.0, MINIMUM_SIZE.1))
        }
        // The action of DeleteBucketLifecycle is that of the PUT.
        Access::Remove => {
            let grant = call.authorizer.grant::<PutLifecycleConfiguration>(bucket)?;
            call.ignore_body().await?;
            change(store, grant, None).await?;
            Ok(no_content())
        }
        Access::ReplaceByHeader => Err(unreachable_access()),
    }
}

async fn change(
    store: &Store,
    grant: Grant<PutLifecycleConfiguration>,
    document: Option<String>,
) -> Result<(), S3Error> {
    let bucket = grant.bucket().clone();
    let write = store.index.write(move |transaction| {
        still_existing_bucket(transaction, &grant)?;
        transaction.put_lifecycle(&grant, document.as_deref())
    });
    write.await?;
    Ok(store.lifecycles.reload(&store.index, &bucket)?)
}

/// Ids for rules that came without one: chance, and a number behind it.
struct RandomIds([u8; 16]);

impl RandomIds {
    fn new() -> Result<Self, S3Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            tracing::error!(%error, "no randomness for the ids of lifecycle rules");
            S3Error::internal()
        })?;
        Ok(Self(random))
    }

    fn each(self) -> impl Iterator<Item = String> {
        (1..).map(move |number: u32| format!("{}-{number}", hex(&self.0)))
    }
}
