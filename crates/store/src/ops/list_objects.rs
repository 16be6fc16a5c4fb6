//! ListObjects, versions 1 and 2.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::{ListObjects, ListObjectsV2};
use gatepass_protocol::s3::xml::listing::{self, ListedObject, ObjectPage};

use super::{Call, existing_bucket, off_reactor, owner};
use crate::answer::Answer;
use crate::grant::{Grant, ListBucket};
use crate::index::{Listed, ObjectRecord, Scan};
use crate::store::Store;

pub(super) async fn list_objects(call: Call<'_>, parameters: ListObjects) -> Result<Answer, S3Error> {
    let store = call.store;
    let grant = call.authorizer.grant::<ListBucket>(parameters.bucket.clone())?;
    call.ignore_body().await?;
    let wanted = Wanted {
        prefix: parameters.prefix.clone(),
        delimiter: parameters.delimiter.clone(),
        after: parameters.marker.clone(),
        limit: parameters.max_keys,
    };
    let page = page(store, grant, wanted).await?;
    Ok(Answer::xml(listing::list_objects(&parameters, &page, &owner())))
}

pub(super) async fn list_objects_v2(call: Call<'_>, parameters: ListObjectsV2) -> Result<Answer, S3Error> {
    let after = match &parameters.continuation_token {
        Some(token) => Some(read_token(token)?),
        None => parameters.start_after.clone(),
    };
    let store = call.store;
    let grant = call.authorizer.grant::<ListBucket>(parameters.bucket.clone())?;
    call.ignore_body().await?;
    let wanted = Wanted {
        prefix: parameters.prefix.clone(),
        delimiter: parameters.delimiter.clone(),
        after,
        limit: parameters.max_keys,
    };
    let mut page = page(store, grant, wanted).await?;
    page.next = page.next.map(|next| URL_SAFE_NO_PAD.encode(next));
    Ok(Answer::xml(listing::list_objects_v2(&parameters, &page, &owner())))
}

struct Wanted {
    prefix: String,
    delimiter: Option<String>,
    after: Option<String>,
    limit: u32,
}

async fn page(store: &Arc<Store>, grant: Grant<ListBucket>, wanted: Wanted) -> Result<ObjectPage, S3Error> {
    let index = Arc::clone(&store.index);
    let page = off_reactor(move || {
        let snapshot = index.snapshot()?;
        existing_bucket(&snapshot, &grant)?;
        let scan = Scan {
            prefix: &wanted.prefix,
            delimiter: wanted.delimiter.as_deref(),
            after: wanted.after.as_deref(),
            limit: usize::try_from(wanted.limit).unwrap_or(usize::MAX),
        };
        snapshot.list_objects(&grant, scan)
    });
    let page = page.await?;
    let mut answer = ObjectPage { next: page.next, ..ObjectPage::default() };
    for entry in page.entries {
        match entry {
            Listed::Entry(key, record) => answer.objects.push(listed(key, record)),
            Listed::CommonPrefix(prefix) => answer.common_prefixes.push(prefix),
        }
    }
    Ok(answer)
}

pub(super) fn listed(key: String, record: ObjectRecord) -> ListedObject {
    ListedObject {
        key,
        last_modified: record.modified,
        etag: record.etag,
        size: record.size,
        storage_class: record.storage_class,
        checksum: record.checksum.map(|checksum| (checksum.algorithm(), checksum.checksum_type())),
    }
}

/// A token is the last name of the page before.
fn read_token(token: &str) -> Result<String, S3Error> {
    let name = URL_SAFE_NO_PAD.decode(token).ok().and_then(|name| String::from_utf8(name).ok());
    name.ok_or_else(|| {
        S3Error::invalid_argument("The continuation token provided is incorrect", "continuation-token", token)
    })
}
