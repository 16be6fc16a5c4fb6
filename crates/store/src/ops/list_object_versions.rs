//! ListObjectVersions.

use std::sync::Arc;

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::ListObjectVersions;
use gatepass_protocol::s3::xml::listing::{self, ListedVersion, VersionPage};

use super::list_objects::listed;
use super::{Call, existing_bucket, off_reactor, owner};
use crate::answer::Answer;
use crate::grant::ListBucketVersions;
use crate::index::{Listed, Scan, Version};

pub(super) async fn list_object_versions(call: Call<'_>, parameters: ListObjectVersions) -> Result<Answer, S3Error> {
    let index = Arc::clone(&call.store.index);
    let grant = call.authorizer.grant::<ListBucketVersions>(parameters.bucket.clone())?;
    call.ignore_body().await?;
    let wanted = parameters.clone();
    let page = off_reactor(move || {
        let snapshot = index.snapshot()?;
        existing_bucket(&snapshot, &grant)?;
        let limit = usize::try_from(wanted.max_keys).unwrap_or(usize::MAX);
        if limit == 0 {
            return Ok(VersionPage::default());
        }
        let scan = Scan {
            prefix: &wanted.prefix,
            delimiter: wanted.delimiter.as_deref(),
            after: wanted.key_marker.as_deref(),
            limit,
        };
        let found = snapshot.list_versions(&grant, scan, wanted.version_id_marker)?;
        let mut page = VersionPage { next: found.next, ..VersionPage::default() };
        for entry in found.entries {
            match entry {
                Listed::Entry(key, (version, is_latest)) => page.versions.push(describe(key, version, is_latest)),
                Listed::CommonPrefix(common) => page.common_prefixes.push(common),
            }
        }
        Ok(page)
    });
    Ok(Answer::xml(listing::list_object_versions(&parameters, &page.await?, &owner())))
}

fn describe(key: String, version: Version, is_latest: bool) -> ListedVersion {
    let id = version.id();
    match version {
        Version::Object(record) => {
            let last_modified = record.modified;
            let object = Some(listed(key.clone(), record));
            ListedVersion { key, version: id, is_latest, last_modified, object }
        }
        Version::DeleteMarker(marker) => {
            ListedVersion { key, version: id, is_latest, last_modified: marker.modified, object: None }
        }
    }
}
