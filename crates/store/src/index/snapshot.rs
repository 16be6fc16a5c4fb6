//! Reading one consistent state.

use bytes::Bytes;
use gatepass_protocol::s3::checksum::Checksum;
use gatepass_protocol::s3::names::{BucketName, UploadId};
use redb::{ReadOnlyTable, ReadTransaction};
use serde::de::DeserializeOwned;

use super::records::{BodyRecord, LayoutPart, decode};
use super::{BucketRecord, Failure, ObjectRecord, PartRecord, UploadRecord, tables};
use crate::blobs::{BlobId, sum};
use crate::grant::{Action, Grant, InBucket, ListAllMyBuckets, ListMultipartUploadParts, ObjectName};

/// The index as one commit left it.
pub(crate) struct Snapshot {
    pub(super) transaction: ReadTransaction,
}

/// An object and where its bytes are.
#[derive(Debug)]
pub(crate) struct FoundObject {
    pub(crate) record: ObjectRecord,
    /// In order; together they are the object.
    pub(crate) pieces: Vec<Piece>,
}

impl FoundObject {
    pub(crate) fn blobs(&self) -> Vec<BlobId> {
        self.pieces.iter().filter_map(|piece| piece.source.blob()).collect()
    }
}

/// A stretch of an object: a part of an upload, or all of it.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// The number of the part; 1 for an object that came in one piece.
    pub(crate) number: u16,
    pub(crate) size: u64,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) source: Source,
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    Memory(Bytes),
    Blob(BlobId),
}

impl Source {
    fn blob(&self) -> Option<BlobId> {
        match self {
            Self::Memory(_) => None,
            Self::Blob(id) => Some(*id),
        }
    }
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }

    pub(crate) fn bucket<A: Action>(&self, grant: &Grant<A>) -> Result<Option<BucketRecord>, Failure>
    where
        A::Resource: InBucket,
    {
        self.bucket_for_cors(grant.bucket())
    }

    /// The only read without a grant: CORS is evaluated for requests that carry no signature.
    pub(crate) fn bucket_for_cors(&self, bucket: &BucketName) -> Result<Option<BucketRecord>, Failure> {
        self.read(tables::BUCKETS, bucket.as_str())
    }

    /// A bucket, for its region alone: S3 tells that to whoever asks in the wrong place, so it takes no grant.
    pub(crate) fn bucket_for_its_region(&self, bucket: &BucketName) -> Result<Option<BucketRecord>, Failure> {
        self.read(tables::BUCKETS, bucket.as_str())
    }

    /// The record of a bucket, for those who decide on grants.
    pub(crate) fn bucket_for_policies(&self, bucket: &BucketName) -> Result<Option<BucketRecord>, Failure> {
        self.read(tables::BUCKETS, bucket.as_str())
    }

    /// All buckets, by name.
    pub(crate) fn buckets(&self, _grant: &Grant<ListAllMyBuckets>) -> Result<Vec<(String, BucketRecord)>, Failure> {
        let table = self.transaction.open_table(tables::BUCKETS)?;
        let mut buckets = Vec::new();
        for row in table.range::<&str>(..)? {
            let (name, record) = row?;
            buckets.push((name.value().to_owned(), decode(record.value())?));
        }
        Ok(buckets)
    }

    /// What is known about an object, without its body.
    pub(crate) fn object<A: Action<Resource = ObjectName>>(
        &self,
        grant: &Grant<A>,
    ) -> Result<Option<ObjectRecord>, Failure> {
        self.read(tables::OBJECTS, (grant.bucket().as_str(), grant.key().as_str()))
    }

    /// The body of an object that [`readable`](Self::readable) has found. Blobs among it must be pinned while they are read.
    pub(crate) fn with_body(&self, record: ObjectRecord) -> Result<FoundObject, Failure> {
        let pieces = self.pieces(record.size, record.checksum.as_ref(), &record.body)?;
        Ok(FoundObject { record, pieces })
    }

    /// Where the bytes of a body are.
    pub(super) fn pieces(
        &self,
        size: u64,
        checksum: Option<&Checksum>,
        body: &BodyRecord,
    ) -> Result<Vec<Piece>, Failure> {
        let pieces = match body {
            BodyRecord::Layout(id) => {
                let layout: Option<Vec<LayoutPart>> = self.read(tables::LAYOUTS, *id)?;
                let layout = layout.ok_or(Failure::MissingRow("layouts"))?;
                layout
                    .into_iter()
                    .map(|part| self.piece(part.number, part.size, part.checksum, &part.body))
                    .collect::<Result<_, _>>()?
            }
            body => vec![self.piece(1, size, checksum.cloned(), body)?],
        };
        if pieces.iter().map(|piece| piece.size).sum::<u64>() != size {
            return Err(Failure::DamagedBody("its parts have another size"));
        }
        Ok(pieces)
    }

    fn piece(&self, number: u16, size: u64, checksum: Option<Checksum>, body: &BodyRecord) -> Result<Piece, Failure> {
        let source = match body {
            BodyRecord::Blob(name) => Source::Blob(name.0),
            BodyRecord::Small(id) | BodyRecord::Summed(id, _) => {
                let table = self.transaction.open_table(tables::SMALL)?;
                let bytes = table.get(id)?.map(|guard| Bytes::copy_from_slice(guard.value()));
                let bytes = bytes.ok_or(Failure::MissingRow("small"))?;
                if bytes.len() as u64 != size {
                    return Err(Failure::DamagedBody("it has another size"));
                }
                if matches!(body, BodyRecord::Summed(_, expected) if sum(&bytes) != *expected) {
                    return Err(Failure::DamagedBody("its sum is another"));
                }
                Source::Memory(bytes)
            }
            BodyRecord::Inline(bytes) => {
                if bytes.len() as u64 != size {
                    return Err(Failure::DamagedBody("it has another size"));
                }
                Source::Memory(bytes.clone())
            }
            BodyRecord::Empty | BodyRecord::Layout(_) => Source::Memory(Bytes::new()),
        };
        Ok(Piece { number, size, checksum, source })
    }

    pub(crate) fn upload<A: Action<Resource = ObjectName>>(
        &self,
        grant: &Grant<A>,
        upload: &UploadId,
    ) -> Result<Option<UploadRecord>, Failure> {
        self.read(tables::UPLOADS, (grant.bucket().as_str(), grant.key().as_str(), upload.as_str()))
    }

    /// Up to `limit` parts of an upload after the part number `after`.
    pub(crate) fn parts(
        &self,
        _grant: &Grant<ListMultipartUploadParts>,
        upload: &UploadId,
        after: u16,
        limit: usize,
    ) -> Result<Vec<(u16, PartRecord)>, Failure> {
        let table = self.transaction.open_table(tables::PARTS)?;
        let first = (upload.as_str(), after.saturating_add(1));
        let last = (upload.as_str(), u16::MAX);
        let mut parts = Vec::new();
        for row in table.range(first..=last)?.take(limit) {
            let (name, record) = row?;
            parts.push((name.value().1, decode(record.value())?));
        }
        Ok(parts)
    }

    pub(super) fn names_blob(&self, id: BlobId) -> Result<bool, Failure> {
        let table = self.transaction.open_table(tables::BLOBS)?;
        Ok(table.get(id.to_bits())?.is_some())
    }

    pub(super) fn read<'k, K: redb::Key + 'static, T: DeserializeOwned>(
        &self,
        definition: redb::TableDefinition<'_, K, &'static [u8]>,
        key: impl std::borrow::Borrow<K::SelfType<'k>>,
    ) -> Result<Option<T>, Failure> {
        let table: ReadOnlyTable<K, &'static [u8]> = self.transaction.open_table(definition)?;
        let found = table.get(key)?;
        found.map(|bytes| decode(bytes.value())).transpose()
    }
}
