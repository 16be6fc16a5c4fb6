//! ListParts.

use std::sync::Arc;

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{PartNumber, UploadId};
use gatepass_protocol::s3::operation::{self, Upload};
use gatepass_protocol::s3::xml::listing::{self, ListedPart, PartPage};

use super::{Call, existing_bucket, off_reactor, owner};
use crate::answer::Answer;
use crate::grant::{ListMultipartUploadParts, ObjectName};
use crate::index::PartRecord;

pub(super) async fn list_parts(call: Call<'_>, parameters: operation::ListParts) -> Result<Answer, S3Error> {
    let Upload { bucket, key, upload_id } = parameters.upload.clone();
    let grant = call.authorizer.grant::<ListMultipartUploadParts>(ObjectName { bucket, key })?;
    let (store, index) = (call.store, Arc::clone(&call.store.index));
    call.ignore_body().await?;
    let after = parameters.part_number_marker.map_or(0, PartNumber::get);
    let limit = usize::try_from(parameters.max_parts).unwrap_or(usize::MAX);
    let (upload, mut parts) = off_reactor(move || {
        let snapshot = index.snapshot()?;
        existing_bucket(&snapshot, &grant)?;
        let no_such_upload = || S3Error::no_such_upload(&upload_id);
        let id = UploadId::parse(&upload_id).ok_or_else(no_such_upload)?;
        let upload = snapshot.upload(&grant, &id)?.ok_or_else(no_such_upload)?;
        Ok((upload, snapshot.parts(&grant, &id, after, limit.saturating_add(1))?))
    })
    .await?;

    let is_truncated = parts.len() > limit;
    parts.truncate(limit);
    let parts: Vec<ListedPart> = parts.into_iter().filter_map(|(number, record)| listed(number, record)).collect();
    let next = parts.last().filter(|_| is_truncated).map(|last| last.number);
    let page = PartPage { parts, next, storage_class: upload.storage_class, checksum: upload.checksum };
    let mut answer = Answer::xml(listing::list_parts(&parameters, &page, &owner()));
    let Upload { bucket, key, .. } = &parameters.upload;
    store.lifecycles.describe_upload(&mut answer, bucket, key, upload.initiated);
    Ok(answer)
}

fn listed(number: u16, record: PartRecord) -> Option<ListedPart> {
    let PartRecord { etag, size, modified, checksum, .. } = record;
    Some(ListedPart { number: PartNumber::new(number)?, last_modified: modified, etag, size, checksum })
}
