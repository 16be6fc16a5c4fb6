//! ListMultipartUploads.

use std::sync::Arc;

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::UploadId;
use gatepass_protocol::s3::operation;
use gatepass_protocol::s3::xml::listing::{self, ListedUpload, UploadPage};

use super::{Call, existing_bucket, off_reactor, owner};
use crate::answer::Answer;
use crate::grant::ListBucketMultipartUploads;
use crate::index::{Listed, Scan};

pub(super) async fn list_multipart_uploads(
    call: Call<'_>,
    parameters: operation::ListMultipartUploads,
) -> Result<Answer, S3Error> {
    let grant = call.authorizer.grant::<ListBucketMultipartUploads>(parameters.bucket.clone())?;
    let index = Arc::clone(&call.store.index);
    call.ignore_body().await?;
    let wanted = parameters.clone();
    let found = off_reactor(move || {
        let snapshot = index.snapshot()?;
        existing_bucket(&snapshot, &grant)?;
        let scan = Scan {
            prefix: &wanted.prefix,
            delimiter: wanted.delimiter.as_deref(),
            after: wanted.key_marker.as_deref(),
            limit: usize::try_from(wanted.max_uploads).unwrap_or(usize::MAX),
        };
        let after_upload = wanted.upload_id_marker.as_deref().and_then(UploadId::parse);
        snapshot.list_uploads(&grant, scan, after_upload.as_ref())
    });
    let found = found.await?;

    let next = found.next.map(|(key, upload)| (key, upload.unwrap_or_default()));
    let mut page = UploadPage { next, ..UploadPage::default() };
    for entry in found.entries {
        match entry {
            Listed::CommonPrefix(prefix) => page.common_prefixes.push(prefix),
            Listed::Entry(key, (upload_id, record)) => page.uploads.push(ListedUpload {
                key,
                upload_id,
                initiated: record.initiated,
                storage_class: record.storage_class,
                checksum: record.checksum,
            }),
        }
    }
    Ok(Answer::xml(listing::list_multipart_uploads(&parameters, &page, &owner())))
}
