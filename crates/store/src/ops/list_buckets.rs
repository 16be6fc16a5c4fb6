//! ListBuckets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::{BUCKETS_PAGE_MAX, ListBuckets};
use gatepass_protocol::s3::xml::responses::{self, ListedBucket};

use super::{Call, off_reactor, owner};
use crate::answer::Answer;
use crate::grant::{Account, ListAllMyBuckets};

pub(super) async fn list_buckets(call: Call<'_>, parameters: ListBuckets) -> Result<Answer, S3Error> {
    let ListBuckets { prefix, region, continuation_token, max_buckets } = parameters;
    let after = continuation_token.as_deref().map(read_token).transpose()?;
    let store = call.store;
    let grant = call.authorizer.grant::<ListAllMyBuckets>(Account)?;
    call.ignore_body().await?;

    let index = store.index.clone();
    let buckets = off_reactor(move || index.snapshot()?.buckets(&grant)).await?;
    let limit = usize::try_from(max_buckets.unwrap_or(BUCKETS_PAGE_MAX)).unwrap_or(usize::MAX);
    let mut listed: Vec<ListedBucket> = buckets
        .into_iter()
        .filter(|(name, _)| prefix.as_deref().is_none_or(|prefix| name.starts_with(prefix)))
        .filter(|(name, _)| after.as_deref().is_none_or(|after| name.as_str() > after))
        .filter_map(|(name, record)| {
            let region = store.routes.region_of(record.region.as_deref()).as_str().to_owned();
            Some(ListedBucket { name: BucketName::parse(&name).ok()?, created: record.created, region })
        })
        .filter(|listed| region.as_deref().is_none_or(|region| region == listed.region))
        .take(limit.saturating_add(1))
        .collect();
    let is_truncated = listed.len() > limit;
    listed.truncate(limit);
    let next = listed.last().filter(|_| is_truncated).map(|last| URL_SAFE_NO_PAD.encode(last.name.as_str()));
    let document = responses::list_buckets(&owner(), &listed, prefix.as_deref(), next.as_deref());
    Ok(Answer::xml(document))
}

fn read_token(token: &str) -> Result<String, S3Error> {
    let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|name| String::from_utf8(name).ok());
    name.ok_or_else(|| {
        S3Error::invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    })
}
