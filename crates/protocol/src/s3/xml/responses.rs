//! The answers that are XML, other than lists of objects, uploads and parts.

use jiff::Timestamp;

use super::writer::XmlWriter;
use crate::s3::checksum::Checksum;
use crate::s3::date::iso8601;
use crate::s3::error::S3Error;
use crate::s3::names::{BucketName, Etag, ObjectKey, PartNumber, VersionId};
use crate::s3::operation::{StorageClass, Upload};

/// Who owns something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The canonical user id.
    pub id: String,
    /// The display name.
    pub display_name: String,
}

impl Owner {
    pub(super) fn write(&self, xml: &mut XmlWriter, element: &str) {
        xml.element(element, |xml| {
            xml.text("ID", &self.id);
            xml.text("DisplayName", &self.display_name);
        });
    }
}

/// One bucket of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBucket {
    /// Its name.
    pub name: BucketName,
    /// When it was made.
    pub created: Timestamp,
    /// Where it is.
    pub region: String,
}

/// The answer of ListBuckets. `prefix` and `next` are those of a paged list.
pub fn list_buckets(owner: &Owner, buckets: &[ListedBucket], prefix: Option<&str>, next: Option<&str>) -> String {
    let mut xml = XmlWriter::new("ListAllMyBucketsResult");
    owner.write(&mut xml, "Owner");
    xml.element("Buckets", |xml| {
        for bucket in buckets {
            xml.element("Bucket", |xml| {
                xml.text("Name", bucket.name.as_str());
                xml.text("CreationDate", &iso8601(bucket.created));
                xml.text("BucketRegion", &bucket.region);
            });
        }
    });
    xml.optional("ContinuationToken", next);
    xml.optional("Prefix", prefix);
    xml.finish()
}

/// The answer of GetBucketLocation: for `us-east-1` the element is empty.
pub fn location_constraint(region: &str) -> String {
    let mut xml = XmlWriter::new("LocationConstraint");
    if region != "us-east-1" {
        xml.content(region);
    }
    xml.finish()
}

/// The answer of CreateMultipartUpload.
pub fn initiate_multipart_upload(upload: &Upload) -> String {
    let mut xml = XmlWriter::new("InitiateMultipartUploadResult");
    xml.text("Bucket", upload.bucket.as_str());
    xml.text("Key", upload.key.as_str());
    xml.text("UploadId", &upload.upload_id);
    xml.finish()
}

/// The answer of CompleteMultipartUpload. `location` is the address of the object.
pub fn complete_multipart_upload(upload: &Upload, location: &str, etag: &Etag, checksum: Option<&Checksum>) -> String {
    let mut xml = XmlWriter::new("CompleteMultipartUploadResult");
    xml.text("Location", location);
    xml.text("Bucket", upload.bucket.as_str());
    xml.text("Key", upload.key.as_str());
    xml.text("ETag", &etag.quoted());
    write_checksum(&mut xml, checksum);
    xml.finish()
}

/// The answer of CopyObject.
pub fn copy_object(etag: &Etag, last_modified: Timestamp, checksum: Option<&Checksum>) -> String {
    let mut xml = XmlWriter::new("CopyObjectResult");
    xml.text("ETag", &etag.quoted());
    xml.text("LastModified", &iso8601(last_modified));
    write_checksum(&mut xml, checksum);
    xml.finish()
}

/// The answer of UploadPartCopy. A part's checksum has no type.
pub fn copy_part(etag: &Etag, last_modified: Timestamp, checksum: Option<&Checksum>) -> String {
    let mut xml = XmlWriter::new("CopyPartResult");
    xml.text("LastModified", &iso8601(last_modified));
    xml.text("ETag", &etag.quoted());
    if let Some(checksum) = checksum {
        xml.text(checksum.algorithm().element(), &checksum.to_text());
    }
    xml.finish()
}

/// What GetObjectAttributes tells: what was asked for, and exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The entity tag.
    pub etag: Option<Etag>,
    /// The checksum of the whole.
    pub checksum: Option<Checksum>,
    /// A page of the parts.
    pub parts: Option<AttributeParts>,
    /// The storage class.
    pub storage_class: Option<StorageClass>,
    /// How many bytes there are.
    pub size: Option<u64>,
}

/// A page of the parts of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeParts {
    /// How many there are.
    pub total: u32,
    /// The page comes after this one.
    pub marker: u32,
    /// How many were asked for.
    pub max: u32,
    /// Number, size and checksum of each.
    pub parts: Vec<(PartNumber, u64, Option<Checksum>)>,
    /// Whether there are more after the last of these.
    pub is_truncated: bool,
}

/// The answer of GetObjectAttributes. The entity tag is bare here, as nowhere else.
pub fn object_attributes(attributes: &Attributes) -> String {
    let mut xml = XmlWriter::new("GetObjectAttributesResponse");
    xml.optional("ETag", attributes.etag.as_ref().map(Etag::as_str));
    if attributes.checksum.is_some() {
        xml.element("Checksum", |xml| write_checksum(xml, attributes.checksum.as_ref()));
    }
    if let Some(page) = &attributes.parts {
        xml.element("ObjectParts", |xml| write_parts(xml, page));
    }
    xml.optional("StorageClass", attributes.storage_class.map(StorageClass::as_str));
    if let Some(size) = attributes.size {
        xml.number("ObjectSize", size);
    }
    xml.finish()
}

fn write_parts(xml: &mut XmlWriter, page: &AttributeParts) {
    xml.number("PartsCount", page.total.into());
    xml.number("PartNumberMarker", page.marker.into());
    let next = page.parts.last().map_or(page.marker, |(number, ..)| number.get().into());
    xml.number("NextPartNumberMarker", next.into());
    xml.number("MaxParts", page.max.into());
    xml.boolean("IsTruncated", page.is_truncated);
    for (number, size, checksum) in &page.parts {
        xml.element("Part", |xml| {
            xml.number("PartNumber", number.get().into());
            xml.number("Size", *size);
            if let Some(checksum) = checksum {
                xml.text(checksum.algorithm().element(), &checksum.to_text());
            }
        });
    }
}

fn write_checksum(xml: &mut XmlWriter, checksum: Option<&Checksum>) {
    if let Some(checksum) = checksum {
        xml.text(checksum.algorithm().element(), &checksum.to_text());
        xml.text("ChecksumType", checksum.checksum_type().as_str());
    }
}

/// What became of one key of a DeleteObjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// It is gone, or was not there.
    Deleted {
        /// The key.
        key: ObjectKey,
        /// The version that was asked to be deleted.
        version: Option<VersionId>,
        /// The delete marker that was made, or that was the version.
        marker: Option<VersionId>,
    },
    /// It is still there.
    Failed {
        /// The key.
        key: ObjectKey,
        /// The version that was asked to be deleted.
        version: Option<VersionId>,
        /// Why.
        error: S3Error,
    },
}

/// The answer of DeleteObjects; for a quiet one leave the deleted keys out.
pub fn delete_objects(outcomes: &[DeleteOutcome]) -> String {
    let mut xml = XmlWriter::new("DeleteResult");
    for outcome in outcomes {
        match outcome {
            DeleteOutcome::Deleted { key, version, marker } => xml.element("Deleted", |xml| {
                xml.text("Key", key.as_str());
                xml.optional("VersionId", version.map(|version| version.to_string()).as_deref());
                if let Some(marker) = marker {
                    xml.boolean("DeleteMarker", true);
                    xml.text("DeleteMarkerVersionId", &marker.to_string());
                }
            }),
            DeleteOutcome::Failed { key, version, error } => xml.element("Error", |xml| {
                xml.text("Key", key.as_str());
                xml.optional("VersionId", version.map(|version| version.to_string()).as_deref());
                xml.text("Code", error.code().as_str());
                xml.text("Message", error.message());
            }),
        }
    }
    xml.finish()
}
