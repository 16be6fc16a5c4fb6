//! What the index remembers. Records are MessagePack with named fields: they describe themselves, so that a later version
//! may add a field and still read what an earlier one wrote. What there may be millions of has names of one letter. Earlier
//! versions wrote JSON, which is still read; its names are the aliases.

use bytes::Bytes;
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
    #[serde(with = "serial::timestamp")]
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
    #[serde(rename = "e", alias = "etag", with = "serial::etag")]
    pub(crate) etag: Etag,
    #[serde(rename = "s", alias = "size")]
    pub(crate) size: u64,
    #[serde(rename = "m", alias = "modified", with = "serial::timestamp")]
    pub(crate) modified: Timestamp,
    #[serde(
        rename = "h",
        alias = "headers",
        default,
        with = "serial::headers",
        skip_serializing_if = "serial::is_empty"
    )]
    pub(crate) headers: ObjectHeaders,
    #[serde(rename = "l", alias = "storage_class", default, with = "serial::storage_class")]
    #[serde(skip_serializing_if = "serial::is_standard")]
    pub(crate) storage_class: StorageClass,
    #[serde(rename = "c", alias = "checksum", default, with = "serial::checksum")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    #[serde(rename = "t", alias = "tags", default, with = "serial::tags", skip_serializing_if = "TagSet::is_empty")]
    pub(crate) tags: TagSet,
    /// Of how many parts it was assembled; `None` for an object that came in one piece.
    #[serde(rename = "p", alias = "parts", default, skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<u32>,
    /// The multipart upload it came from, so that a completion repeated by a client whose first
    /// answer was lost can be answered like the first.
    #[serde(rename = "u", alias = "upload", default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload: Option<String>,
    /// Nothing for an object that was written before its bucket kept versions; it is the null version.
    #[serde(rename = "v", alias = "version", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionStamp>,
    #[serde(rename = "b", alias = "body")]
    pub(super) body: BodyRecord,
}

/// When among the versions of its key a version was written, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionStamp {
    #[serde(rename = "s", alias = "sequence")]
    pub(crate) sequence: u64,
    /// Nothing for a null version.
    #[serde(rename = "r", alias = "random", default, skip_serializing_if = "Option::is_none")]
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
    #[serde(rename = "e", alias = "Empty")]
    Empty,
    /// The bytes themselves, which the sum of the record covers: a read finds them with the record. Of objects only.
    #[serde(rename = "i")]
    Inline(Bytes),
    /// A row of the table of small bodies, of a version that kept no sums.
    #[serde(rename = "o", alias = "Small")]
    Small(u64),
    /// A row of the table of small bodies, and the sum of its bytes.
    #[serde(rename = "s", alias = "Summed")]
    Summed(u64, u32),
    /// A file.
    #[serde(rename = "f", alias = "Blob")]
    Blob(BlobName),
    /// A row of the table of layouts: the parts of an assembled object.
    #[serde(rename = "l", alias = "Layout")]
    Layout(u64),
}

/// A blob's id as text: its numbers have more bits than those of most formats.
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
    #[serde(with = "serial::timestamp")]
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
    #[serde(with = "serial::timestamp")]
    pub(crate) modified: Timestamp,
    #[serde(default, with = "serial::checksum", skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    pub(super) body: BodyRecord,
}

/// How a record is written: the last byte of it, behind its sum.
mod form {
    /// MessagePack.
    pub(super) const COMPACT: u8 = 2;
    /// JSON. No JSON text ends so: records without it are of a version that kept no sums.
    pub(super) const SUMMED_JSON: u8 = 1;
}

pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let mut bytes = rmp_serde::to_vec_named(record).expect("records have sizes and no failing serializer");
    let sum = sum(&bytes).to_le_bytes();
    bytes.extend_from_slice(&sum);
    bytes.push(form::COMPACT);
    bytes
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    match bytes {
        [record @ .., a, b, c, d, form @ (form::COMPACT | form::SUMMED_JSON)] => {
            if sum(record) != u32::from_le_bytes([*a, *b, *c, *d]) {
                return Err(Failure::Damaged("its sum is another".into()));
            }
            if *form == form::COMPACT {
                rmp_serde::from_slice(record).map_err(|error| Failure::Damaged(error.into()))
            } else {
                from_json(record)
            }
        }
        text => from_json(text),
    }
}

fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(text).map_err(|error| Failure::Damaged(error.into()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn object() -> ObjectRecord {
        ObjectRecord {
            etag: Etag::from_md5(&[7; 16]),
            size: 64,
            modified: Timestamp::new(1_700_000_000, 5).unwrap(),
            headers: ObjectHeaders::default(),
            storage_class: StorageClass::Standard,
            checksum: Checksum::from_digest(ChecksumAlgorithm::Crc64Nvme, [9; 8]),
            tags: TagSet::default(),
            parts: None,
            upload: None,
            version: None,
            body: BodyRecord::Inline(vec![7; 64].into()),
        }
    }

    /// Every field filled.
    fn full() -> ObjectRecord {
        ObjectRecord {
            etag: Etag::parse("0123456789abcdef0123456789abcdef-2").unwrap(),
            headers: ObjectHeaders {
                content_type: Some("text/plain".into()),
                metadata: BTreeMap::from([("name".into(), "Zoë".into())]),
                ..ObjectHeaders::default()
            },
            storage_class: StorageClass::parse("STANDARD_IA").unwrap(),
            checksum: Checksum::parse(ChecksumAlgorithm::Crc32, "AAAAAA==-2"),
            tags: TagSet::from_map(BTreeMap::from([("a".into(), "b".into())])).unwrap(),
            parts: Some(2),
            upload: Some("upload".into()),
            version: Some(VersionStamp { sequence: 3, random: Some(u64::MAX) }),
            body: BodyRecord::Layout(1),
            ..object()
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for record in [object(), full()] {
            assert_eq!(decode::<ObjectRecord>(&encode(&record)).unwrap(), record);
        }
        let upper_case = ObjectRecord { etag: Etag::parse(&"AB".repeat(16)).unwrap(), ..object() };
        assert_eq!(decode::<ObjectRecord>(&encode(&upper_case)).unwrap(), upper_case);
        for body in [
            BodyRecord::Empty,
            BodyRecord::Small(u64::MAX),
            BodyRecord::Summed(1, u32::MAX),
            BodyRecord::Blob(BlobName(BlobId::from_bits(u128::MAX))),
        ] {
            let record = ObjectRecord { body, ..object() };
            assert_eq!(decode::<ObjectRecord>(&encode(&record)).unwrap(), record);
        }
    }

    #[test]
    fn a_small_object_takes_little_more_than_its_body() {
        assert!(encode(&object()).len() <= 64 + 72, "{}", encode(&object()).len());
    }

    #[test]
    fn a_record_with_any_bit_flipped_is_refused() {
        let record = object();
        let bytes = encode(&record);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<ObjectRecord>(&damaged).is_err(), "bit {bit}");
        }
    }

    /// As the store wrote it when records were JSON.
    const BEFORE: &str = concat!(
        r#"{"etag":"0123456789abcdef0123456789abcdef-2","size":64,"modified":"2023-11-14T22:13:20.000000005Z","#,
        r#""headers":{"content_type":"text/plain","metadata":{"name":"Zoë"}},"storage_class":"STANDARD_IA","#,
        r#""checksum":["CRC32","AAAAAA==-2"],"tags":{"a":"b"},"parts":2,"upload":"upload","#,
        r#""version":{"sequence":3,"random":18446744073709551615},"body":{"Layout":1}}"#
    );

    #[test]
    fn a_record_that_was_written_as_json_is_read() {
        assert_eq!(decode::<ObjectRecord>(BEFORE.as_bytes()).unwrap(), full());
        let mut summed = BEFORE.as_bytes().to_vec();
        summed.extend_from_slice(&sum(BEFORE.as_bytes()).to_le_bytes());
        summed.push(form::SUMMED_JSON);
        assert_eq!(decode::<ObjectRecord>(&summed).unwrap(), full());
        summed[0] ^= 1;
        assert!(decode::<ObjectRecord>(&summed).is_err());

        let body = |text: &str| serde_json::from_str::<BodyRecord>(text).unwrap();
        assert_eq!(body(r#""Empty""#), BodyRecord::Empty);
        assert_eq!(body(r#"{"Small":7}"#), BodyRecord::Small(7));
        assert_eq!(body(r#"{"Summed":[7,8]}"#), BodyRecord::Summed(7, 8));
        let blob = BlobId::from_bits(5);
        assert_eq!(body(&format!(r#"{{"Blob":"{blob}"}}"#)), BodyRecord::Blob(BlobName(blob)));
        let bucket: BucketRecord = decode(br#"{"created":"1970-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(bucket.created, Timestamp::UNIX_EPOCH);
    }
}
