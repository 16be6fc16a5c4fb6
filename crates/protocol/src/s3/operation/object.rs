//! The operations on objects that have many headers.

use super::Upload;
use crate::s3::checksum::{BodyIntegrity, ChecksumAlgorithm, ChecksumType};
use crate::s3::conditional::{IfRange, Preconditions, WriteCondition};
use crate::s3::error::S3Error;
use crate::s3::names::{BucketName, ObjectKey, PartNumber, VersionId};
use crate::s3::object_headers::{ObjectHeaders, ResponseOverrides};
use crate::s3::range::ByteRange;
use crate::s3::tagging::TagSet;

/// Which piece of an object is read. S3 refuses a request that names both a part and a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartOrRange {
    /// All of it.
    Whole,
    /// One part, as it was uploaded.
    Part(PartNumber),
    /// One range.
    Range {
        /// The range.
        range: ByteRange,
        /// The header as it was sent, for the error.
        header: String,
        /// Where this does not match, the whole object is sent.
        if_range: Option<IfRange>,
    },
}

/// Whether the answer tells the stored checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumMode {
    /// `x-amz-checksum-mode: ENABLED`.
    Enabled,
    /// Otherwise.
    Disabled,
}

/// Parameters of GetObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Which version, if not the current one.
    pub version: Option<VersionId>,
    /// Which piece.
    pub piece: PartOrRange,
    /// The conditions.
    pub preconditions: Preconditions,
    /// Headers that replace stored ones in the answer.
    pub overrides: ResponseOverrides,
    /// Whether the answer tells the stored checksum.
    pub checksum_mode: ChecksumMode,
}

/// Parameters of HeadObject: those of GetObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadObject(pub GetObject);

/// A storage class. Every class is stored alike here; the name is kept and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names of AWS")]
pub enum StorageClass {
    #[default]
    Standard,
    ReducedRedundancy,
    StandardIa,
    OnezoneIa,
    IntelligentTiering,
    GlacierIr,
}

impl StorageClass {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Standard, "STANDARD"),
        (Self::ReducedRedundancy, "REDUCED_REDUNDANCY"),
        (Self::StandardIa, "STANDARD_IA"),
        (Self::OnezoneIa, "ONEZONE_IA"),
        (Self::IntelligentTiering, "INTELLIGENT_TIERING"),
        (Self::GlacierIr, "GLACIER_IR"),
    ];

    /// The class of this name, where objects of it can be read at once.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, other)| *other == name).map(|(class, _)| class)
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(class, _)| *class == self).map_or("STANDARD", |(_, name)| name)
    }
}

/// Parameters of PutObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// What is stored beside the content.
    pub headers: ObjectHeaders,
    /// The storage class.
    pub storage_class: StorageClass,
    /// The tags.
    pub tags: TagSet,
    /// The condition.
    pub condition: WriteCondition,
    /// What the request says about the integrity of the content.
    pub integrity: BodyIntegrity,
}

/// The source of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Which version, if not the current one.
    pub version: Option<VersionId>,
    /// Its conditions.
    pub preconditions: Preconditions,
}

impl CopySource {
    /// The action that a policy must allow on the source.
    pub const ACTION: &'static str = "s3:GetObject";
}

/// Where the headers of a copy come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataDirective {
    /// From the source.
    Copy,
    /// From the request.
    Replace(ObjectHeaders),
}

/// Where the tags of a copy come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaggingDirective {
    /// From the source.
    Copy,
    /// From the request.
    Replace(TagSet),
}

/// Parameters of CopyObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyObject {
    /// The bucket that is written to.
    pub bucket: BucketName,
    /// The key that is written.
    pub key: ObjectKey,
    /// What is copied.
    pub source: CopySource,
    /// Where the headers come from.
    pub metadata: MetadataDirective,
    /// The storage class; `STANDARD` where none is given, whatever the source has.
    pub storage_class: StorageClass,
    /// Where the tags come from.
    pub tagging: TaggingDirective,
    /// The condition on what is written.
    pub condition: WriteCondition,
    /// The checksum that the copy is to have; where none is named, that of the source.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
}

/// Parameters of CreateMultipartUpload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateMultipartUpload {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// What is stored beside the content.
    pub headers: ObjectHeaders,
    /// The storage class.
    pub storage_class: StorageClass,
    /// The tags.
    pub tags: TagSet,
    /// The checksum of the parts, and what that of the object will be of.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// Parameters of UploadPart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPart {
    /// The upload.
    pub upload: Upload,
    /// The part.
    pub part_number: PartNumber,
    /// What the request says about the integrity of the content.
    pub integrity: BodyIntegrity,
}

/// Parameters of UploadPartCopy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPartCopy {
    /// The upload.
    pub upload: Upload,
    /// The part.
    pub part_number: PartNumber,
    /// What is copied.
    pub source: CopySource,
    /// Which bytes of it; all of them where none are named.
    pub range: Option<CopyRange>,
}

/// `x-amz-copy-source-range`: the first and the last byte, both named, of a source that has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRange {
    first: u64,
    last: u64,
    header: String,
}

impl CopyRange {
    const HEADER: &'static str = "x-amz-copy-source-range";

    /// Reads the header. Unlike `Range` it has one form, and a source that is shorter is no source for it
    /// ("UploadPartCopy", Amazon S3 API Reference).
    pub(super) fn parse(header: &str) -> Result<Self, S3Error> {
        let malformed = || {
            let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy";
            S3Error::invalid_argument(message, Self::HEADER, header)
        };
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u64>().ok()).flatten()
        };
        let range = header.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(malformed)?;
        match (number(range.0), number(range.1)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last, header: header.to_owned() }),
            _ => Err(malformed()),
        }
    }

    /// Offset and length, in a source of `size` bytes.
    pub fn within(&self, size: u64) -> Result<(u64, u64), S3Error> {
        if self.last >= size {
            let message = format!("Range specified is not valid for source object of size: {size}");
            return Err(S3Error::invalid_argument(message, Self::HEADER, &self.header));
        }
        Ok((self.first, self.last - self.first + 1))
    }
}

/// Parameters of GetObjectAttributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetObjectAttributes {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Which version, if not the current one.
    pub version: Option<VersionId>,
    /// What is asked for, at least one.
    pub attributes: Vec<ObjectAttribute>,
    /// Only parts after this one.
    pub part_number_marker: u32,
    /// How many parts, at most [`PAGE_MAX`](super::PAGE_MAX).
    pub max_parts: u32,
}

/// One of the things that GetObjectAttributes tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectAttribute {
    /// The entity tag.
    Etag,
    /// The checksum of the whole.
    Checksum,
    /// The parts, where it came in parts.
    ObjectParts,
    /// The storage class.
    StorageClass,
    /// How many bytes it has.
    ObjectSize,
}

impl ObjectAttribute {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Etag, "ETag"),
        (Self::Checksum, "Checksum"),
        (Self::ObjectParts, "ObjectParts"),
        (Self::StorageClass, "StorageClass"),
        (Self::ObjectSize, "ObjectSize"),
    ];

    /// Reads `x-amz-object-attributes`, a list.
    pub(super) fn parse_list(header: Option<&str>) -> Result<Vec<Self>, S3Error> {
        const HEADER: &str = "x-amz-object-attributes";
        let names = header.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        let known =
            |name: &str| Self::ALL.into_iter().find(|(_, other)| *other == name).map(|(attribute, _)| attribute);
        let attributes = names
            .map(|name| {
                known(name).ok_or_else(|| S3Error::invalid_argument("Invalid attribute name specified.", HEADER, name))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if attributes.is_empty() {
            return Err(S3Error::invalid_request(
                "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
            ));
        }
        Ok(attributes)
    }
}
