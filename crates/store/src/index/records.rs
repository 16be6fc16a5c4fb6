//! What the index remembers. Records are JSON: they describe themselves, so that a later version
//! may add a field and still read what an earlier one wrote.

use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumType};
use gatepass_protocol::s3::names::{Etag, VersionId};
use gatepass_protocol::s3::object_headers::ObjectHeaders;
use gatepass_protocol::s3::operation::StorageClass;
use gatepass_protocol::s3::public_access_block::PublicAccessBlock;
use gatepass_protocol::s3::tagging::TagSet;
use gatepass_protocol::s3::xml::settings::Versioning;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Failure, serial};
use crate::blobs::{BlobId, sum};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    pub(crate) created: Timestamp,
    /// The CORS configuration as XML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cors: Option<String>,
    /// Its region, where that is not the store's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    /// The policy as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    #[serde(default, with = "serial::public_access_block", skip_serializing_if = "Option::is_none")]
    pub(crate) public_access_block: Option<PublicAccessBlock>,
    #[serde(default, skip_serializing_if = "OwnershipControls::is_default")]
    pub(crate) ownership_controls: OwnershipControls,
    #[serde(default, with = "serial::optional_tags", skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<TagSet>,
    /// Nothing for a bucket that never kept versions.
    #[serde(default, with = "serial::versioning", skip_serializing_if = "Option::is_none")]
    pub(crate) versioning: Option<Versioning>,
}

impl BucketRecord {
    /// A bucket as S3 makes it since April 2023: its owner owns everything, and nothing in it can become public.
    pub(crate) fn new(created: Timestamp) -> Self {
        Self {
            created,
            cors: None,
            region: None,
            policy: None,
            public_access_block: Some(PublicAccessBlock::ALL),
            ownership_controls: OwnershipControls::default(),
            tags: None,
            versioning: None,
        }
    }
}

/// Who owns the objects of a bucket. It is the bucket's owner, whether a document says so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum OwnershipControls {
    #[default]
    BucketOwnerEnforced,
    Removed,
}

impl OwnershipControls {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references to fields")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    #[serde(with = "serial::etag")]
    pub(crate) etag: Etag,
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    #[serde(default, with = "serial::headers")]
    pub(crate) headers: ObjectHeaders,
    #[serde(default, with = "serial::storage_class", skip_serializing_if = "serial::is_standard")]
    pub(crate) storage_class: StorageClass,
    #[serde(default, with = "serial::checksum", skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    #[serde(default, with = "serial::tags", skip_serializing_if = "TagSet::is_empty")]
    pub(crate) tags: TagSet,
    /// Of how many parts it was assembled; `None` for an object that came in one piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<u32>,
    /// The multipart upload it came from, so that a completion repeated by a client whose first
    /// answer was lost can be answered like the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload: Option<String>,
    /// Nothing for an object that was written before its bucket kept versions; it is the null version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionStamp>,
    pub(super) body: BodyRecord,
}

/// When among the versions of its key a version was written, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionStamp {
    pub(crate) sequence: u64,
    /// Nothing for a null version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) random: Option<u64>,
}

impl VersionStamp {
    /// What was written before its bucket kept versions is older than all that came later.
    pub(super) const UNVERSIONED: Self = Self { sequence: 0, random: None };

    pub(crate) fn id(self) -> VersionId {
        match self.random {
            None => VersionId::Null,
            Some(random) => VersionId::Of { sequence: self.sequence, random },
        }
    }
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum BodyRecord {
    Empty,
    /// A row of the table of small bodies, of a version that kept no sums.
    Small(u64),
    /// A row of the table of small bodies, and the sum of its bytes.
    Summed(u64, u32),
    /// A file.
    Blob(BlobName),
    /// A row of the table of layouts: the parts of an assembled object.
    Layout(u64),
}

/// A blob's id as text; JSON numbers end at 64 bits in many readers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct BlobName(pub(super) BlobId);

impl TryFrom<String> for BlobName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        BlobId::parse(&name).map(Self).ok_or("not the name of a blob")
    }
}

impl From<BlobName> for String {
    fn from(name: BlobName) -> Self {
        name.0.to_string()
    }
}

/// One part of an assembled object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayoutPart {
    pub(super) number: u16,
    pub(super) size: u64,
    pub(super) body: BodyRecord,
    #[serde(default, with = "serial::checksum", skip_serializing_if = "Option::is_none")]
    pub(super) checksum: Option<Checksum>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) initiated: Timestamp,
    #[serde(default, with = "serial::headers")]
    pub(crate) headers: ObjectHeaders,
    #[serde(default, with = "serial::storage_class", skip_serializing_if = "serial::is_standard")]
    pub(crate) storage_class: StorageClass,
    #[serde(default, with = "serial::tags", skip_serializing_if = "TagSet::is_empty")]
    pub(crate) tags: TagSet,
    /// The checksum the client asked for.
    #[serde(default, with = "serial::checksum_kind", skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    /// The MD5 of the part.
    #[serde(with = "serial::etag")]
    pub(crate) etag: Etag,
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    #[serde(default, with = "serial::checksum", skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    pub(super) body: BodyRecord,
}

/// What stands behind a record and its sum. No JSON text ends so: records without it are of a version that kept no sums.
const SUMMED: u8 = 1;

pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(record).expect("records have text keys and no failing serializer");
    let sum = sum(&bytes).to_le_bytes();
    bytes.extend_from_slice(&sum);
    bytes.push(SUMMED);
    bytes
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let text = match bytes {
        [text @ .., a, b, c, d, SUMMED] if sum(text) == u32::from_le_bytes([*a, *b, *c, *d]) => text,
        [.., SUMMED] => return Err(Failure::Damaged(serde::de::Error::custom("its sum is another"))),
        text => text,
    };
    serde_json::from_slice(text).map_err(Failure::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_any_bit_flipped_is_refused() {
        let record = BucketRecord::new(Timestamp::UNIX_EPOCH);
        let bytes = encode(&record);
        assert_eq!(decode::<BucketRecord>(&bytes).unwrap(), record);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<BucketRecord>(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_record_from_before_there_were_sums_is_read() {
        let record = BucketRecord::new(Timestamp::UNIX_EPOCH);
        let text = serde_json::to_vec(&record).unwrap();
        assert_eq!(decode::<BucketRecord>(&text).unwrap(), record);
    }
}
