//! GetObjectAttributes: what HeadObject tells, and the parts.

use gatepass_protocol::s3::date::http_date;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::PartNumber;
use gatepass_protocol::s3::operation::{self, ObjectAttribute};
use gatepass_protocol::s3::xml::responses::{self, AttributeParts, Attributes};

use super::get_object::find;
use super::{Call, ignore_body};
use crate::answer::Answer;
use crate::grant::{GetObjectAttributes, GetObjectVersionAttributes, ListBucket, ObjectName, ObjectVersion};
use crate::index::FoundObject;

pub(super) async fn get_object_attributes(
    call: Call<'_>,
    parameters: operation::GetObjectAttributes,
) -> Result<Answer, S3Error> {
    let operation::GetObjectAttributes { bucket, key, version, attributes, part_number_marker, max_parts } = parameters;
    let Call { store, arrival, authorizer, payload, incoming, .. } = call;
    // Both are asked for ("GetObjectAttributes", "Permissions", Amazon S3 API Reference).
    let name = ObjectName { bucket, key };
    match version {
        None => drop(authorizer.grant::<GetObjectAttributes>(name.clone())?),
        Some(version) => {
            drop(authorizer.grant::<GetObjectVersionAttributes>(ObjectVersion { name: name.clone(), version })?);
        }
    }
    let reading = authorizer.read(name, version)?;
    let may_list = authorizer.grant::<ListBucket>(reading.bucket().clone());
    ignore_body(incoming, &payload).await?;
    let (found, _pinned) = find(store, &reading)?;
    let found = found.or_why_not(store, arrival.method.as_str(), &reading, may_list)?;

    let record = &found.record;
    let mut told = Attributes::default();
    for attribute in attributes {
        match attribute {
            ObjectAttribute::Etag => told.etag = Some(record.etag.clone()),
            ObjectAttribute::Checksum => told.checksum.clone_from(&record.checksum),
            ObjectAttribute::ObjectParts => told.parts = parts(&found, part_number_marker, max_parts),
            ObjectAttribute::StorageClass => told.storage_class = Some(record.storage_class),
            ObjectAttribute::ObjectSize => told.size = Some(record.size),
        }
    }
    let answer = Answer::xml(responses::object_attributes(&told)).with("last-modified", http_date(record.modified));
    Ok(answer.versioned(record))
}

/// A page of the parts; `None` for an object that came in one piece.
fn parts(found: &FoundObject, marker: u32, max: u32) -> Option<AttributeParts> {
    let total = found.record.parts?;
    let limit = usize::try_from(max).unwrap_or(usize::MAX);
    let mut after = found.pieces.iter().filter(|piece| u32::from(piece.number) > marker);
    let page = after.by_ref().take(limit);
    let parts = page.filter_map(|piece| Some((PartNumber::new(piece.number)?, piece.size, piece.checksum.clone())));
    let parts = parts.collect();
    Some(AttributeParts { total, marker, max, parts, is_truncated: after.next().is_some() })
}
