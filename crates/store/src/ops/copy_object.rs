//! CopyObject: with one grant to read and one to write. The copy shares the bytes of its source.

use std::sync::Arc;

use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumType};
use gatepass_protocol::s3::conditional::{Preconditions, WriteCondition};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::Etag;
use gatepass_protocol::s3::operation::{self, CopySource, MetadataDirective, StorageClass, TaggingDirective};
use gatepass_protocol::s3::tagging::TagSet;
use gatepass_protocol::s3::xml::responses;
use jiff::Timestamp;

use super::get_object::{Found, find, marker_as_source, no_source};
use super::{Call, DEFAULT_CHECKSUM, off_reactor, still_existing_bucket};
use crate::answer::Answer;
use crate::authorize::Authorizer;
use crate::body::digests_of_pieces;
use crate::grant::{
    GetObjectTagging, GetObjectVersionTagging, Grant, ObjectName, ObjectVersion, PutObject, PutObjectTagging, Reading,
};
use crate::index::{Failure, NewObject, ObjectRecord, Transaction, Version};
use crate::shortage;
use crate::store::Store;

/// The largest source of one copy ("CopyObject", Amazon S3 API Reference).
const SOURCE_MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;

pub(super) async fn copy_object(call: Call<'_>, parameters: operation::CopyObject) -> Result<Answer, S3Error> {
    let (store, now) = (call.store, call.now);
    let operation::CopyObject { bucket, key, source, metadata, storage_class, tagging, condition, checksum_algorithm } =
        parameters;
    let CopySource { bucket: source_bucket, key: source_key, version, preconditions } = source;
    let from = call.authorizer.read(ObjectName { bucket: source_bucket, key: source_key }, version)?;
    let to = call.authorizer.grant::<PutObject>(ObjectName { bucket, key })?;
    let tagging = Tagging::authorize(&call.authorizer, tagging, &from, &to)?;
    call.ignore_body().await?;

    let asks_for_checksum = checksum_algorithm.is_some();
    let recomputed = recompute(store, &from, checksum_algorithm).await?;
    let copy = Copy { preconditions, metadata, storage_class, tagging, condition, asks_for_checksum, recomputed, now };
    let (bucket, key) = (to.bucket().clone(), to.key().clone());
    let copy = store.index.write(move |transaction| copy.perform(transaction, &from, &to));
    let (source, record) = copy.await?;
    let document = responses::copy_object(&record.etag, record.modified, record.checksum.as_ref());
    let mut answer = Answer::xml(document).versioned(&record);
    if let Some(version) = source.version {
        answer.add("x-amz-copy-source-version-id", version.id().to_string().as_bytes());
    }
    store.lifecycles.describe(&mut answer, &bucket, &key, &record);
    Ok(answer)
}

/// Digests that the source does not have yet, and the source they were computed of.
struct Recomputed {
    of: ObjectRecord,
    etag: Etag,
    checksum: Checksum,
}

/// Reads the source through where it came in parts, since its copy is one piece with the tag of one, and where the
/// client wants a checksum that is not stored with it.
async fn recompute(
    store: &Arc<Store>,
    from: &Reading,
    wanted: Option<ChecksumAlgorithm>,
) -> Result<Option<Recomputed>, S3Error> {
    let (Found::Object(found), pinned) = find(store, from)? else { return Ok(None) };
    let stored = found.record.checksum.as_ref();
    let algorithm = wanted.or_else(|| stored.map(Checksum::algorithm)).unwrap_or(DEFAULT_CHECKSUM);
    let is_stored = stored.is_some_and(|checksum| {
        checksum.algorithm() == algorithm && checksum.checksum_type() == ChecksumType::FullObject
    });
    let has_all = found.record.parts.is_none() && (is_stored || wanted.is_none());
    if has_all || found.record.size > SOURCE_MAX_BYTES {
        return Ok(None);
    }
    let blobs = Arc::clone(&store.blobs);
    let recomputed = off_reactor(move || {
        let digests = digests_of_pieces(&blobs, &found.pieces, algorithm);
        drop(pinned);
        Ok(digests.map(|(md5, checksum)| Recomputed { of: found.record, etag: Etag::from_md5(&md5), checksum }))
    });
    recomputed.await?.map(Some).map_err(|error| {
        shortage::of(&error).unwrap_or_else(|| {
            tracing::error!(%error, "the source of a copy could not be read");
            S3Error::internal()
        })
    })
}

/// Where the tags of the copy come from, and whether the caller may.
enum Tagging {
    /// From the source; it may have none, and then nobody asks.
    Copy(Result<(), S3Error>),
    /// From the request.
    Replace(TagSet),
}

impl Tagging {
    /// Copying tags takes the permission to read them at the source and to write them at the target ("CopyObject").
    fn authorize(
        authorizer: &Authorizer,
        directive: TaggingDirective,
        from: &Reading,
        to: &Grant<PutObject>,
    ) -> Result<Self, S3Error> {
        let target = ObjectName { bucket: to.bucket().clone(), key: to.key().clone() };
        let may_write = || authorizer.grant::<PutObjectTagging>(target).map(drop);
        match directive {
            TaggingDirective::Replace(tags) if tags.is_empty() => Ok(Self::Replace(tags)),
            TaggingDirective::Replace(tags) => may_write().map(|()| Self::Replace(tags)),
            TaggingDirective::Copy => {
                let may_read = match from.version() {
                    None => authorizer.grant::<GetObjectTagging>(from.name()).map(drop),
                    Some(version) => authorizer
                        .grant::<GetObjectVersionTagging>(ObjectVersion { name: from.name(), version })
                        .map(drop),
                };
                Ok(Self::Copy(may_read.and_then(|()| may_write())))
            }
        }
    }

    fn tags(self, source: &ObjectRecord) -> Result<TagSet, S3Error> {
        match self {
            Self::Copy(may) if !source.tags.is_empty() => may.map(|()| source.tags.clone()),
            Self::Copy(_) => Ok(TagSet::default()),
            Self::Replace(tags) => Ok(tags),
        }
    }
}

struct Copy {
    preconditions: Preconditions,
    metadata: MetadataDirective,
    storage_class: StorageClass,
    tagging: Tagging,
    condition: WriteCondition,
    asks_for_checksum: bool,
    recomputed: Option<Recomputed>,
    now: Timestamp,
}

impl Copy {
    fn perform(
        self,
        transaction: &mut Transaction<'_>,
        from: &Reading,
        to: &Grant<PutObject>,
    ) -> Result<(ObjectRecord, ObjectRecord), Failure> {
        match from {
            Reading::Current(grant) => still_existing_bucket(transaction, grant)?,
            Reading::Version(grant) => still_existing_bucket(transaction, grant)?,
        };
        still_existing_bucket(transaction, to)?;
        let source = match transaction.readable(from)? {
            Some(Version::Object(source)) => source,
            Some(Version::DeleteMarker(_)) if from.version().is_some() => return Err(marker_as_source().into()),
            Some(Version::DeleteMarker(_)) | None => return Err(no_source(from).into()),
        };
        self.preconditions.evaluate_copy(&source.etag, source.modified, self.now)?;
        self.condition.evaluate(to.key(), || Ok::<_, Failure>(transaction.object(to)?.map(|object| object.etag)))?;
        // A version that is copied onto its own object becomes the newest one.
        let is_itself = from.version().is_none() && from.bucket() == to.bucket() && from.key() == to.key();
        self.check(&source, is_itself)?;

        let (etag, checksum) = match self.recomputed {
            // The source was replaced while it was read; the client may try again.
            Some(recomputed) if recomputed.of != source => return Err(S3Error::service_unavailable().into()),
            Some(recomputed) => (recomputed.etag, Some(recomputed.checksum)),
            // It was put there in parts since somebody looked.
            None if source.parts.is_some() => return Err(S3Error::service_unavailable().into()),
            None => (source.etag.clone(), source.checksum.clone()),
        };
        let headers = match self.metadata {
            MetadataDirective::Copy => source.headers.clone(),
            MetadataDirective::Replace(headers) => headers,
        };
        let tags = self.tagging.tags(&source)?;
        let object = NewObject {
            etag,
            size: source.size,
            modified: self.now,
            headers,
            storage_class: self.storage_class,
            checksum,
            tags,
        };
        let record = transaction.copy_object(from, &source, to, object)?;
        Ok((source, record))
    }

    fn check(&self, source: &ObjectRecord, is_itself: bool) -> Result<(), S3Error> {
        if source.size > SOURCE_MAX_BYTES {
            return Err(S3Error::invalid_request(format!(
                "The specified copy source is larger than the maximum allowable size for a copy source: {SOURCE_MAX_BYTES}"
            )));
        }
        let changes_nothing = self.metadata == MetadataDirective::Copy
            && self.storage_class == source.storage_class
            && !self.asks_for_checksum;
        if is_itself && changes_nothing {
            return Err(S3Error::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        Ok(())
    }
}
