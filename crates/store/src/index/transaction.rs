//! The changes a write can make. Each takes the grant for what it changes.

use std::cell::RefCell;

use gatepass_protocol::s3::checksum::Checksum;
use gatepass_protocol::s3::names::{Etag, UploadId};
use gatepass_protocol::s3::object_headers::ObjectHeaders;
use gatepass_protocol::s3::operation::StorageClass;
use gatepass_protocol::s3::tagging::TagSet;
use jiff::Timestamp;
use redb::{ReadableTable, Table, WriteTransaction};
use serde::de::DeserializeOwned;

use super::records::{BlobName, BodyRecord, LayoutPart, decode, encode};
use super::redo::{Logged, Redo, Row};
use super::{BucketRecord, Failure, INLINE_BODY_BYTES, ObjectRecord, PartRecord, UploadRecord, tables};
use crate::blobs::{BlobId, NewBlob, sum};
use crate::grant::{
    AbortMultipartUpload, Action, Configures, CreateBucket, DeleteBucket, Grant, InBucket, ObjectName, PutObject,
    Reading, Retags,
};

/// A body that has been received and checked.
#[derive(Debug)]
pub(crate) enum NewBody {
    Small(Vec<u8>),
    Blob(NewBlob),
}

/// An object that is about to exist.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) etag: Etag,
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    pub(crate) headers: ObjectHeaders,
    pub(crate) storage_class: StorageClass,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) tags: TagSet,
}

/// A part that is about to exist.
#[derive(Debug)]
pub(crate) struct NewPart {
    pub(crate) etag: Etag,
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    pub(crate) checksum: Option<Checksum>,
}

/// A part that a completion has chosen.
#[derive(Debug)]
pub(crate) struct AssembledPart {
    pub(crate) number: u16,
    pub(crate) record: PartRecord,
}

/// What a transaction does besides its tables.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// How many changes were made.
    pub(super) changes: u64,
    /// Whether the record of a bucket was written or removed.
    pub(super) touches_buckets: bool,
    /// Blobs that the commit makes part of the store.
    adopted: Vec<NewBlob>,
    /// Blobs that the commit makes the index forget.
    pub(super) released: Vec<BlobId>,
}

impl Effects {
    pub(super) fn adopt_all(&mut self) -> Vec<BlobId> {
        self.adopted.drain(..).map(NewBlob::adopt).collect()
    }
}

/// The tables, open for writing, for a group of requests.
pub(crate) struct Transaction<'t> {
    pub(super) buckets: Logged<'t, &'static str, &'static [u8]>,
    pub(super) objects: Logged<'t, (&'static str, &'static str), &'static [u8]>,
    pub(super) versions: Logged<'t, (&'static str, &'static str, u64), &'static [u8]>,
    pub(super) nulls: Logged<'t, (&'static str, &'static str), u64>,
    pub(super) counters: Logged<'t, &'static str, u64>,
    small: Logged<'t, u64, &'static [u8]>,
    layouts: Logged<'t, u64, &'static [u8]>,
    blobs: Logged<'t, u128, u64>,
    pub(super) uploads: Logged<'t, (&'static str, &'static str, &'static str), &'static [u8]>,
    parts: Logged<'t, (&'static str, u16), &'static [u8]>,
    pub(super) lifecycles: Logged<'t, &'static str, &'static str>,
    pub(super) effects: &'t mut Effects,
}

impl<'t> Transaction<'t> {
    pub(super) fn open(
        inner: &'t WriteTransaction,
        notes: &'t RefCell<Redo>,
        effects: &'t mut Effects,
    ) -> Result<Self, redb::Error> {
        // The numbers stand in logs.
        Ok(Self {
            buckets: Logged::open(inner, notes, 1, tables::BUCKETS)?,
            objects: Logged::open(inner, notes, 2, tables::OBJECTS)?,
            versions: Logged::open(inner, notes, 3, tables::VERSIONS)?,
            nulls: Logged::open(inner, notes, 4, tables::NULLS)?,
            counters: Logged::open(inner, notes, 5, tables::COUNTERS)?,
            small: Logged::open(inner, notes, 6, tables::SMALL)?,
            layouts: Logged::open(inner, notes, 7, tables::LAYOUTS)?,
            blobs: Logged::open(inner, notes, 8, tables::BLOBS)?,
            uploads: Logged::open(inner, notes, 9, tables::UPLOADS)?,
            parts: Logged::open(inner, notes, 10, tables::PARTS)?,
            lifecycles: Logged::open(inner, notes, 11, tables::LIFECYCLES)?,
            effects,
        })
    }

    /// Makes a row what a note in the log says; `false` where there is no such table.
    pub(super) fn redo(&mut self, row: &Row<'_>) -> Result<bool, redb::StorageError> {
        Ok(self.buckets.redo(row)?
            || self.objects.redo(row)?
            || self.versions.redo(row)?
            || self.nulls.redo(row)?
            || self.counters.redo(row)?
            || self.small.redo(row)?
            || self.layouts.redo(row)?
            || self.blobs.redo(row)?
            || self.uploads.redo(row)?
            || self.parts.redo(row)?
            || self.lifecycles.redo(row)?)
    }

    pub(super) fn changes(&self) -> u64 {
        self.effects.changes
    }

    pub(crate) fn bucket<A: Action>(&self, grant: &Grant<A>) -> Result<Option<BucketRecord>, Failure>
    where
        A::Resource: InBucket,
    {
        read(&*self.buckets, grant.bucket().as_str())
    }

    pub(crate) fn create_bucket(&mut self, grant: &Grant<CreateBucket>, record: &BucketRecord) -> Result<(), Failure> {
        self.effects.changes += 1;
        self.effects.touches_buckets = true;
        self.buckets.insert(grant.bucket().as_str(), encode(record).as_slice())?;
        Ok(())
    }

    pub(crate) fn configure_bucket<A: Configures>(
        &mut self,
        grant: &Grant<A>,
        record: &BucketRecord,
    ) -> Result<(), Failure> {
        self.effects.changes += 1;
        self.effects.touches_buckets = true;
        self.buckets.insert(grant.bucket().as_str(), encode(record).as_slice())?;
        Ok(())
    }

    /// Whether the bucket holds objects or versions. Uploads in progress do not count; they go with the bucket.
    pub(crate) fn holds_objects(&self, grant: &Grant<DeleteBucket>) -> Result<bool, Failure> {
        let bucket = grant.bucket().as_str();
        if let Some(first) = self.objects.range((bucket, "")..)?.next()
            && first?.0.value().0 == bucket
        {
            return Ok(true);
        }
        self.holds_versions(bucket)
    }

    pub(crate) fn delete_bucket(&mut self, grant: &Grant<DeleteBucket>) -> Result<(), Failure> {
        let bucket = grant.bucket().as_str();
        self.effects.changes += 1;
        self.effects.touches_buckets = true;
        self.buckets.remove(bucket)?;
        self.lifecycles.remove(bucket)?;
        let mut uploads = Vec::new();
        for row in self.uploads.range((bucket, "", "")..)? {
            let (name, _) = row?;
            let (of, key, upload) = name.value();
            if of != bucket {
                break;
            }
            uploads.push((key.to_owned(), upload.to_owned()));
        }
        for (key, upload) in uploads {
            self.remove_upload(bucket, &key, &upload)?;
        }
        Ok(())
    }

    pub(crate) fn object<A: Action<Resource = ObjectName>>(
        &self,
        grant: &Grant<A>,
    ) -> Result<Option<ObjectRecord>, Failure> {
        read(&*self.objects, (grant.bucket().as_str(), grant.key().as_str()))
    }

    /// Puts an object in the place of the one that may be there.
    pub(crate) fn put_object(
        &mut self,
        grant: &Grant<PutObject>,
        object: NewObject,
        body: NewBody,
    ) -> Result<ObjectRecord, Failure> {
        let body = match body {
            NewBody::Small(bytes) if (1..=INLINE_BODY_BYTES).contains(&bytes.len()) => BodyRecord::Inline(bytes.into()),
            body => self.add_body(body)?,
        };
        self.insert_object(grant, object, body, None, None)
    }

    /// Puts a copy of `source`, which shares its blobs. However many parts these were, the copy is one piece.
    pub(crate) fn copy_object(
        &mut self,
        _from: &Reading,
        source: &ObjectRecord,
        to: &Grant<PutObject>,
        object: NewObject,
    ) -> Result<ObjectRecord, Failure> {
        let body = self.share_body(&source.body)?;
        self.insert_object(to, object, body, None, None)
    }

    /// Gives an object, where there is one, other tags. Nothing else about it changes.
    pub(crate) fn tag_object<A: Retags>(&mut self, grant: &Grant<A>, tags: TagSet) -> Result<(), Failure> {
        let Some(record) = self.object(grant)? else { return Ok(()) };
        let record = ObjectRecord { tags, ..record };
        self.effects.changes += 1;
        self.objects.insert((grant.bucket().as_str(), grant.key().as_str()), encode(&record).as_slice())?;
        Ok(())
    }

    pub(crate) fn create_upload(
        &mut self,
        grant: &Grant<PutObject>,
        upload: &UploadId,
        record: &UploadRecord,
    ) -> Result<(), Failure> {
        self.effects.changes += 1;
        let name = (grant.bucket().as_str(), grant.key().as_str(), upload.as_str());
        self.uploads.insert(name, encode(record).as_slice())?;
        Ok(())
    }

    pub(crate) fn upload<A: Action<Resource = ObjectName>>(
        &self,
        grant: &Grant<A>,
        upload: &UploadId,
    ) -> Result<Option<UploadRecord>, Failure> {
        read(&*self.uploads, (grant.bucket().as_str(), grant.key().as_str(), upload.as_str()))
    }

    /// Puts a part in the place of the one of the same number. The upload must exist.
    pub(crate) fn put_part(
        &mut self,
        _grant: &Grant<PutObject>,
        upload: &UploadId,
        number: u16,
        part: NewPart,
        body: NewBody,
    ) -> Result<(), Failure> {
        let NewPart { etag, size, modified, checksum } = part;
        let body = self.add_body(body)?;
        let record = PartRecord { etag, size, modified, checksum, body };
        let before: Option<PartRecord> = {
            let replaced = self.parts.insert((upload.as_str(), number), encode(&record).as_slice())?;
            replaced.map(|bytes| decode(bytes.value())).transpose()?
        };
        match before {
            Some(before) => self.release_body(&before.body),
            None => Ok(()),
        }
    }

    /// The parts of an upload, in the order of their numbers.
    pub(crate) fn parts(&self, _grant: &Grant<PutObject>, upload: &UploadId) -> Result<Vec<AssembledPart>, Failure> {
        let mut parts = Vec::new();
        for row in self.parts.range((upload.as_str(), 0)..=(upload.as_str(), u16::MAX))? {
            let (name, record) = row?;
            parts.push(AssembledPart { number: name.value().1, record: decode(record.value())? });
        }
        Ok(parts)
    }

    /// Turns the chosen parts into an object without moving a byte, and ends the upload; parts that
    /// were not chosen go with it.
    pub(crate) fn complete_upload(
        &mut self,
        grant: &Grant<PutObject>,
        upload: &UploadId,
        object: NewObject,
        chosen: Vec<AssembledPart>,
    ) -> Result<ObjectRecord, Failure> {
        let mut layout = Vec::with_capacity(chosen.len());
        for AssembledPart { number, record } in chosen {
            self.parts.remove((upload.as_str(), number))?;
            let PartRecord { size, checksum, body, .. } = record;
            layout.push(LayoutPart { number, size, body, checksum });
        }
        let count = u32::try_from(layout.len()).expect("part numbers end at 10,000");
        let id = next_id(&self.layouts)?;
        self.layouts.insert(id, encode(&layout).as_slice())?;
        self.remove_upload(grant.bucket().as_str(), grant.key().as_str(), upload.as_str())?;
        self.insert_object(grant, object, BodyRecord::Layout(id), Some(count), Some(upload))
    }

    pub(crate) fn abort_upload(
        &mut self,
        grant: &Grant<AbortMultipartUpload>,
        upload: &UploadId,
    ) -> Result<(), Failure> {
        self.remove_upload(grant.bucket().as_str(), grant.key().as_str(), upload.as_str())
    }

    fn insert_object(
        &mut self,
        grant: &Grant<PutObject>,
        object: NewObject,
        body: BodyRecord,
        parts: Option<u32>,
        upload: Option<&UploadId>,
    ) -> Result<ObjectRecord, Failure> {
        let NewObject { etag, size, modified, headers, storage_class, checksum, tags } = object;
        let upload = upload.map(|upload| upload.as_str().to_owned());
        let version = self.make_room(grant.bucket().as_str(), grant.key().as_str())?;
        let record =
            ObjectRecord { etag, size, modified, headers, storage_class, checksum, tags, parts, upload, version, body };
        self.effects.changes += 1;
        let before: Option<ObjectRecord> = {
            let name = (grant.bucket().as_str(), grant.key().as_str());
            let replaced = self.objects.insert(name, encode(&record).as_slice())?;
            replaced.map(|bytes| decode(bytes.value())).transpose()?
        };
        if let Some(before) = before {
            self.release_body(&before.body)?;
        }
        Ok(record)
    }

    pub(super) fn remove_upload(&mut self, bucket: &str, key: &str, upload: &str) -> Result<(), Failure> {
        self.effects.changes += 1;
        self.uploads.remove((bucket, key, upload))?;
        let mut parts = Vec::new();
        for row in self.parts.range((upload, 0)..=(upload, u16::MAX))? {
            let (name, record) = row?;
            let record: PartRecord = decode(record.value())?;
            parts.push((name.value().1, record.body));
        }
        for (number, body) in parts {
            self.parts.remove((upload, number))?;
            self.release_body(&body)?;
        }
        Ok(())
    }

    fn add_body(&mut self, body: NewBody) -> Result<BodyRecord, Failure> {
        self.effects.changes += 1;
        match body {
            NewBody::Small(bytes) if bytes.is_empty() => Ok(BodyRecord::Empty),
            NewBody::Small(bytes) => {
                let id = next_id(&self.small)?;
                self.small.insert(id, bytes.as_slice())?;
                Ok(BodyRecord::Summed(id, sum(&bytes)))
            }
            NewBody::Blob(blob) => {
                let id = blob.id();
                self.blobs.insert(id.to_bits(), 1)?;
                self.effects.adopted.push(blob);
                Ok(BodyRecord::Blob(BlobName(id)))
            }
        }
    }

    fn share_body(&mut self, body: &BodyRecord) -> Result<BodyRecord, Failure> {
        self.effects.changes += 1;
        match body {
            BodyRecord::Empty | BodyRecord::Inline(_) => Ok(body.clone()),
            BodyRecord::Small(from) | BodyRecord::Summed(from, _) => {
                let bytes = self.small.get(from)?.map(|guard| guard.value().to_owned());
                let bytes = bytes.ok_or(Failure::MissingRow("small"))?;
                let to = next_id(&self.small)?;
                self.small.insert(to, bytes.as_slice())?;
                // The sum goes along: what has been damaged stays recognisable in the copy.
                let sum = if let BodyRecord::Summed(_, sum) = body { *sum } else { sum(&bytes) };
                Ok(BodyRecord::Summed(to, sum))
            }
            BodyRecord::Blob(name) => {
                let users = self.users(name)?;
                self.blobs.insert(name.0.to_bits(), users + 1)?;
                Ok(body.clone())
            }
            BodyRecord::Layout(from) => {
                let mut layout = self.layout(*from)?;
                for part in &mut layout {
                    part.body = self.share_body(&part.body)?;
                }
                let to = next_id(&self.layouts)?;
                self.layouts.insert(to, encode(&layout).as_slice())?;
                Ok(BodyRecord::Layout(to))
            }
        }
    }

    fn users(&self, blob: &BlobName) -> Result<u64, Failure> {
        let users = self.blobs.get(blob.0.to_bits())?.map(|guard| guard.value());
        users.ok_or(Failure::MissingRow("blobs"))
    }

    fn layout(&self, id: u64) -> Result<Vec<LayoutPart>, Failure> {
        read(&*self.layouts, id)?.ok_or(Failure::MissingRow("layouts"))
    }

    pub(super) fn release_body(&mut self, body: &BodyRecord) -> Result<(), Failure> {
        match body {
            BodyRecord::Empty | BodyRecord::Inline(_) => {}
            BodyRecord::Small(id) | BodyRecord::Summed(id, _) => {
                self.small.remove(id)?;
            }
            BodyRecord::Blob(name) => {
                let users = self.users(name)?;
                if users > 1 {
                    self.blobs.insert(name.0.to_bits(), users - 1)?;
                } else {
                    self.blobs.remove(name.0.to_bits())?;
                    self.effects.released.push(name.0);
                }
            }
            BodyRecord::Layout(id) => {
                let layout = self.layout(*id)?;
                self.layouts.remove(id)?;
                layout.iter().try_for_each(|part| self.release_body(&part.body))?;
            }
        }
        Ok(())
    }
}

/// Ids grow, so that rows written one after another lie side by side. That the last one is given
/// again once it was removed harms nobody: who reads it reads a snapshot.
fn next_id(table: &Table<'_, u64, &'static [u8]>) -> Result<u64, Failure> {
    Ok(table.last()?.map_or(0, |(last, _)| last.value() + 1))
}

fn read<'k, K: redb::Key + 'static, T: DeserializeOwned>(
    table: &impl ReadableTable<K, &'static [u8]>,
    key: impl std::borrow::Borrow<K::SelfType<'k>>,
) -> Result<Option<T>, Failure> {
    table.get(key)?.map(|bytes| decode(bytes.value())).transpose()
}

#[cfg(test)]
mod tests {
    use gatepass_protocol::s3::names::{BucketName, ObjectKey};
    use tempfile::TempDir;

    use super::super::{Index, Source};
    use super::*;
    use crate::authorize::Authorizer;
    use crate::config::Fsync;

    fn object(size: usize) -> NewObject {
        NewObject {
            etag: Etag::from_md5(&[0; 16]),
            size: size as u64,
            modified: Timestamp::UNIX_EPOCH,
            headers: ObjectHeaders::default(),
            storage_class: StorageClass::Standard,
            checksum: None,
            tags: TagSet::default(),
        }
    }

    #[tokio::test]
    async fn a_body_of_up_to_256_bytes_stands_within_its_record() {
        let data = TempDir::new().unwrap();
        let (index, _) = Index::open(data.path(), Fsync::Never).unwrap();
        for (size, is_inline) in [(0, false), (1, true), (INLINE_BODY_BYTES, true), (INLINE_BODY_BYTES + 1, false)] {
            let name = |key: &str| ObjectName {
                bucket: BucketName::parse("bucket").unwrap(),
                key: ObjectKey::parse(key).unwrap(),
            };
            let authorizer = Authorizer::of_the_store();
            let (put, copy) = (authorizer.grant(name("key")).unwrap(), authorizer.grant(name("copy")).unwrap());
            let from = authorizer.read(name("key"), None).unwrap();
            let body = vec![7; size];
            let put_body = NewBody::Small(body.clone());
            index
                .write(move |transaction| {
                    let record = transaction.put_object(&put, object(size), put_body)?;
                    transaction.copy_object(&from, &record, &copy, object(size))
                })
                .await
                .unwrap();
            for key in ["key", "copy"] {
                let snapshot = index.snapshot().unwrap();
                let grant: Grant<PutObject> = authorizer.grant(name(key)).unwrap();
                let record = snapshot.object(&grant).unwrap().unwrap();
                assert_eq!(matches!(record.body, BodyRecord::Inline(_)), is_inline, "{size} {key}");
                let found = snapshot.with_body(record).unwrap();
                assert!(matches!(&found.pieces[0].source, Source::Memory(bytes) if **bytes == body), "{size} {key}");
            }
        }
    }
}
