//! GetObject and HeadObject: ranges, parts, conditions, overrides.

use std::sync::Arc;

use gatepass_protocol::s3::checksum::Checksum;
use gatepass_protocol::s3::conditional::ReadOutcome;
use gatepass_protocol::s3::date::http_date;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::VersionId;
use gatepass_protocol::s3::object_headers::ResponseOverrides;
use gatepass_protocol::s3::operation::{self, ChecksumMode, PartOrRange, StorageClass};
use gatepass_protocol::s3::range::ResolvedRange;
use http::StatusCode;

use super::{Call, existing_bucket, ignore_body};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::blobs::Pinned;
use crate::body::{ObjectBody, ResponseBody};
use crate::grant::{GetObjectTagging, GetObjectVersionTagging, Grant, ListBucket, ObjectName, ObjectVersion, Reading};
use crate::index::{Failure, FoundObject, ObjectRecord, Source, Version};
use crate::shortage;
use crate::store::Store;

pub(super) async fn get_object(call: Call<'_>, parameters: operation::GetObject) -> Result<Answer, S3Error> {
    let store = Arc::clone(call.store);
    let Read { found, pinned, stretch, mut answer } = read(call, parameters).await?;
    let Some(Stretch { offset, length }) = stretch else { return Ok(answer) };
    answer.body = body(&store, &found, pinned, offset, length).await?;
    Ok(answer)
}

pub(super) async fn head_object(call: Call<'_>, parameters: operation::GetObject) -> Result<Answer, S3Error> {
    let Read { stretch, mut answer, .. } = read(call, parameters).await?;
    if let Some(Stretch { length, .. }) = stretch {
        answer.add("content-length", length.to_string().as_bytes());
    }
    Ok(answer)
}

struct Read {
    found: FoundObject,
    pinned: Pinned,
    /// Which bytes are to be sent; `None` for 304.
    stretch: Option<Stretch>,
    answer: Answer,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    offset: u64,
    length: u64,
}

async fn read(call: Call<'_>, parameters: operation::GetObject) -> Result<Read, S3Error> {
    let operation::GetObject { bucket, key, version, piece, preconditions, overrides, checksum_mode } = parameters;
    let Call { store, arrival, authorizer, payload, incoming, now } = call;
    if authorizer.is_anonymous() && !overrides.is_empty() {
        return Err(ResponseOverrides::refused_for_anonymous());
    }
    let reading = authorizer.read(ObjectName { bucket, key }, version)?;
    let may_list = authorizer.grant::<ListBucket>(reading.bucket().clone());
    ignore_body(incoming, &payload).await?;
    let (found, pinned) = find(store, &reading)?;
    let found = found.or_why_not(store, arrival.method.as_str(), &reading, may_list)?;

    let record = &found.record;
    match preconditions.evaluate_read(&record.etag, record.modified, now) {
        ReadOutcome::Proceed => {}
        ReadOutcome::Failed(condition) => return Err(S3Error::precondition_failed(condition)),
        ReadOutcome::NotModified => {
            let answer = not_modified(record);
            return Ok(Read { found, pinned, stretch: None, answer });
        }
    }
    let selected = select(&piece, &found)?;
    let mut answer = describe(record, &selected, &overrides, checksum_mode);
    // Told to those alone who may read the tags ("GetObject", Amazon S3 API Reference).
    if !record.tags.is_empty() && may_read_tags(&authorizer, &reading) {
        answer.add("x-amz-tagging-count", record.tags.len().to_string().as_bytes());
    }
    store.lifecycles.describe(&mut answer, reading.bucket(), reading.key(), record);
    Ok(Read { stretch: Some(selected.stretch), found, pinned, answer })
}

fn may_read_tags(authorizer: &Authorizer, reading: &Reading) -> bool {
    match reading.version() {
        None => authorizer.grant::<GetObjectTagging>(reading.name()).is_ok(),
        Some(version) => {
            authorizer.grant::<GetObjectVersionTagging>(ObjectVersion { name: reading.name(), version }).is_ok()
        }
    }
}

/// What a read finds.
#[expect(clippy::large_enum_variant, reason = "nearly every read finds an object, and none is kept for long")]
pub(super) enum Found {
    Object(FoundObject),
    DeleteMarker(VersionId),
    Nothing,
}

impl Found {
    /// The object, or what those hear of it who may know what is there.
    pub(super) fn or_why_not(
        self,
        store: &Store,
        method: &str,
        reading: &Reading,
        may_list: Result<Grant<ListBucket>, S3Error>,
    ) -> Result<FoundObject, S3Error> {
        let error = match (self, reading.version()) {
            (Self::Object(found), _) => return Ok(found),
            (Self::DeleteMarker(marker), Some(_)) => return Err(S3Error::version_is_delete_marker(method, marker)),
            (Self::DeleteMarker(marker), None) => S3Error::deleted(reading.key(), marker),
            (Self::Nothing, None) => S3Error::no_such_key(reading.key()),
            (Self::Nothing, Some(version)) => S3Error::no_such_version(reading.key(), &version.to_string()),
        };
        Err(absent(store, may_list).unwrap_or(error))
    }

    /// The source of a copy.
    pub(super) fn or_no_source(self, from: &Reading) -> Result<FoundObject, S3Error> {
        match self {
            Self::Object(found) => Ok(found),
            Self::DeleteMarker(_) if from.version().is_some() => Err(marker_as_source()),
            Self::DeleteMarker(_) | Self::Nothing => Err(no_source(from)),
        }
    }
}

pub(super) fn marker_as_source() -> S3Error {
    S3Error::invalid_request(
        "The source of a copy request may not specifically refer to a delete marker by version id.",
    )
}

pub(super) fn no_source(from: &Reading) -> S3Error {
    match from.version() {
        None => S3Error::no_such_key(from.key()),
        Some(version) => S3Error::no_such_version(from.key(), &version.to_string()),
    }
}

pub(super) fn find(store: &Store, reading: &Reading) -> Result<(Found, Pinned), Failure> {
    // A lookup touches a few pages of a small tree, most of them cached: cheaper than a change of thread.
    store.blobs.pin(|| {
        let snapshot = store.index.snapshot()?;
        Ok(match snapshot.readable(reading)? {
            Some(Version::Object(record)) => {
                let found = snapshot.with_body(record)?;
                let blobs = found.blobs();
                (Found::Object(found), blobs)
            }
            Some(marker @ Version::DeleteMarker(_)) => (Found::DeleteMarker(marker.id()), Vec::new()),
            None => (Found::Nothing, Vec::new()),
        })
    })
}

/// Why somebody does not get to know what is not there: they may not list the bucket, or there is none.
fn absent(store: &Store, may_list: Result<Grant<ListBucket>, S3Error>) -> Option<S3Error> {
    let known = may_list.map_err(Failure::from).and_then(|grant| existing_bucket(&store.index.snapshot()?, &grant));
    known.err().map(S3Error::from)
}

/// What of an object is sent.
struct Selected<'a> {
    stretch: Stretch,
    /// `None` when it is all.
    range: Option<ResolvedRange>,
    checksum: Option<&'a Checksum>,
    parts: Option<u32>,
}

fn select<'a>(piece: &PartOrRange, found: &'a FoundObject) -> Result<Selected<'a>, S3Error> {
    let record = &found.record;
    let whole = Selected {
        stretch: Stretch { offset: 0, length: record.size },
        range: None,
        checksum: record.checksum.as_ref(),
        parts: None,
    };
    let of_range = |range: ResolvedRange| Selected {
        stretch: Stretch { offset: range.first(), length: range.len() },
        range: Some(range),
        checksum: None,
        parts: None,
    };
    match piece {
        PartOrRange::Whole => Ok(whole),
        PartOrRange::Range { if_range: Some(condition), .. } if !condition.matches(&record.etag, record.modified) => {
            Ok(whole)
        }
        PartOrRange::Range { range, header, .. } => {
            let resolved = range.resolve(record.size).map_err(|_| S3Error::invalid_range(header, record.size))?;
            Ok(of_range(resolved))
        }
        // One piece, wherever its bytes lie.
        PartOrRange::Part(number) if record.parts.is_none() && number.get() == 1 => {
            Ok(Selected { range: ResolvedRange::within(0, record.size, record.size), ..whole })
        }
        PartOrRange::Part(number) if record.parts.is_none() => Err(S3Error::invalid_part_number(*number, 1)),
        PartOrRange::Part(number) => {
            let mut offset = 0;
            for piece in &found.pieces {
                if piece.number == number.get() {
                    let stretch = Stretch { offset, length: piece.size };
                    let range = ResolvedRange::within(offset, piece.size, record.size);
                    return Ok(Selected { stretch, range, checksum: piece.checksum.as_ref(), parts: record.parts });
                }
                offset += piece.size;
            }
            Err(S3Error::invalid_part_number(*number, record.parts.unwrap_or(1)))
        }
    }
}

fn describe(
    record: &ObjectRecord,
    selected: &Selected<'_>,
    overrides: &ResponseOverrides,
    checksum_mode: ChecksumMode,
) -> Answer {
    let status = if selected.range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut answer = identified(status, record).with("accept-ranges", "bytes");
    let replaced = |name: &str| overrides.iter().any(|(other, _)| other == name);
    for (name, value) in record.headers.to_headers() {
        if !replaced(&name) {
            answer.add(&name, value.as_bytes());
        }
    }
    for (name, value) in overrides.iter() {
        answer.add(name, &latin1(value));
    }
    if let Some(range) = selected.range {
        answer.add("content-range", range.content_range().as_bytes());
    }
    if record.storage_class != StorageClass::Standard {
        answer.add("x-amz-storage-class", record.storage_class.as_str().as_bytes());
    }
    if let Some(parts) = selected.parts {
        answer.add("x-amz-mp-parts-count", parts.to_string().as_bytes());
    }
    if checksum_mode == ChecksumMode::Enabled
        && let Some(checksum) = selected.checksum
    {
        answer.add(checksum.algorithm().header(), checksum.to_text().as_bytes());
        // Of a part the answer says how the checksums of parts become that of the object.
        let of_object = record.checksum.as_ref().unwrap_or(checksum);
        answer.add("x-amz-checksum-type", of_object.checksum_type().as_str().as_bytes());
    }
    answer
}

fn not_modified(record: &ObjectRecord) -> Answer {
    let mut answer = identified(StatusCode::NOT_MODIFIED, record);
    for (name, value) in record.headers.to_headers() {
        // RFC 9110 §15.4.5: what a cache needs to go on using its copy.
        if name == "cache-control" || name == "expires" {
            answer.add(&name, value.as_bytes());
        }
    }
    answer
}

fn identified(status: StatusCode, record: &ObjectRecord) -> Answer {
    let answer =
        Answer::empty(status).with("etag", record.etag.quoted()).with("last-modified", http_date(record.modified));
    answer.versioned(record)
}

/// Overrides are texts of Latin-1 and go out in it.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().filter_map(|character| u8::try_from(u32::from(character)).ok()).collect()
}

async fn body(
    store: &Store,
    found: &FoundObject,
    pinned: Pinned,
    offset: u64,
    length: u64,
) -> Result<ResponseBody, S3Error> {
    if let [piece] = found.pieces.as_slice()
        && let Source::Memory(bytes) = &piece.source
        && let (Ok(start), Ok(length)) = (usize::try_from(offset), usize::try_from(length))
    {
        return bytes
            .get(start..start + length)
            .map(|_| ResponseBody::Bytes(bytes.slice(start..start + length)))
            .ok_or_else(|| {
                tracing::error!("a small body is shorter than its record says");
                S3Error::internal()
            });
    }
    let mut body = ObjectBody::new(Arc::clone(&store.blobs), &found.pieces, pinned, offset, length);
    body.read_first().await.map_err(|error| {
        shortage::of(&error).unwrap_or_else(|| {
            tracing::error!(%error, "an object cannot be read");
            S3Error::internal()
        })
    })?;
    Ok(ResponseBody::Object(Box::new(body)))
}
