//! The answers that list objects, uploads and parts.

use std::borrow::Cow;

use gatepass_signing::encode;
use jiff::Timestamp;

use super::responses::Owner;
use super::writer::XmlWriter;
use crate::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumType};
use crate::s3::date::iso8601;
use crate::s3::names::{Etag, PartNumber, VersionId};
use crate::s3::operation::{
    EncodingType, FetchOwner, ListMultipartUploads, ListObjectVersions, ListObjects, ListObjectsV2, ListParts,
    StorageClass,
};

/// One object of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// The key.
    pub key: String,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: Etag,
    /// Its length.
    pub size: u64,
    /// Its storage class.
    pub storage_class: StorageClass,
    /// The kind of its checksum.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// One page of objects. Keys and groups are in order of their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectPage {
    /// The objects.
    pub objects: Vec<ListedObject>,
    /// The groups that the delimiter makes.
    pub common_prefixes: Vec<String>,
    /// Where there is more: for version 1 the last key or group of this page, for version 2 a token.
    pub next: Option<String>,
}

/// The answer of ListObjects. `NextMarker` appears only with a delimiter, as at AWS; without one the last key serves.
pub fn list_objects(request: &ListObjects, page: &ObjectPage, owner: &Owner) -> String {
    let names = Names(request.encoding_type);
    let mut xml = XmlWriter::new("ListBucketResult");
    xml.text("Name", request.bucket.as_str());
    xml.text("Prefix", &names.text(&request.prefix));
    xml.text("Marker", &names.text(request.marker.as_deref().unwrap_or_default()));
    if let (Some(next), Some(_)) = (&page.next, &request.delimiter) {
        xml.text("NextMarker", &names.text(next));
    }
    xml.number("MaxKeys", request.max_keys.into());
    names.optional(&mut xml, "Delimiter", request.delimiter.as_deref());
    names.declare(&mut xml);
    xml.boolean("IsTruncated", page.next.is_some());
    contents(&mut xml, names, page, Some(owner));
    xml.finish()
}

/// The answer of ListObjectsV2.
pub fn list_objects_v2(request: &ListObjectsV2, page: &ObjectPage, owner: &Owner) -> String {
    let names = Names(request.encoding_type);
    let mut xml = XmlWriter::new("ListBucketResult");
    xml.text("Name", request.bucket.as_str());
    xml.text("Prefix", &names.text(&request.prefix));
    names.optional(&mut xml, "StartAfter", request.start_after.as_deref());
    xml.optional("ContinuationToken", request.continuation_token.as_deref());
    xml.optional("NextContinuationToken", page.next.as_deref());
    xml.number("KeyCount", (page.objects.len() + page.common_prefixes.len()) as u64);
    xml.number("MaxKeys", request.max_keys.into());
    names.optional(&mut xml, "Delimiter", request.delimiter.as_deref());
    names.declare(&mut xml);
    xml.boolean("IsTruncated", page.next.is_some());
    contents(&mut xml, names, page, (request.fetch_owner == FetchOwner::Yes).then_some(owner));
    xml.finish()
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVersion {
    /// The key.
    pub key: String,
    /// Its id.
    pub version: VersionId,
    /// Whether a read without a version finds it.
    pub is_latest: bool,
    /// When it was written.
    pub last_modified: Timestamp,
    /// What a delete marker lacks.
    pub object: Option<ListedObject>,
}

/// One page of versions, in order of keys, for one key the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionPage {
    /// Versions and delete markers.
    pub versions: Vec<ListedVersion>,
    /// The groups that the delimiter makes.
    pub common_prefixes: Vec<String>,
    /// Where there is more: the last key or group of this page, and the version.
    pub next: Option<(String, Option<VersionId>)>,
}

/// The answer of ListObjectVersions.
pub fn list_object_versions(request: &ListObjectVersions, page: &VersionPage, owner: &Owner) -> String {
    let names = Names(request.encoding_type);
    let mut xml = XmlWriter::new("ListVersionsResult");
    xml.text("Name", request.bucket.as_str());
    xml.text("Prefix", &names.text(&request.prefix));
    xml.text("KeyMarker", &names.text(request.key_marker.as_deref().unwrap_or_default()));
    xml.text("VersionIdMarker", &request.version_id_marker.map(|marker| marker.to_string()).unwrap_or_default());
    if let Some((key, version)) = &page.next {
        xml.text("NextKeyMarker", &names.text(key));
        xml.optional("NextVersionIdMarker", version.map(|version| version.to_string()).as_deref());
    }
    xml.number("MaxKeys", request.max_keys.into());
    names.optional(&mut xml, "Delimiter", request.delimiter.as_deref());
    names.declare(&mut xml);
    xml.boolean("IsTruncated", page.next.is_some());
    for version in &page.versions {
        let element = if version.object.is_some() { "Version" } else { "DeleteMarker" };
        xml.element(element, |xml| {
            xml.text("Key", &names.text(&version.key));
            xml.text("VersionId", &version.version.to_string());
            xml.boolean("IsLatest", version.is_latest);
            xml.text("LastModified", &iso8601(version.last_modified));
            if let Some(object) = &version.object {
                about(xml, object);
            }
            owner.write(xml, "Owner");
            if let Some(object) = &version.object {
                xml.text("StorageClass", object.storage_class.as_str());
            }
        });
    }
    common_prefixes(&mut xml, names, &page.common_prefixes);
    xml.finish()
}

fn about(xml: &mut XmlWriter, object: &ListedObject) {
    xml.text("ETag", &object.etag.quoted());
    if let Some((algorithm, checksum_type)) = object.checksum {
        xml.text("ChecksumAlgorithm", algorithm.as_str());
        xml.text("ChecksumType", checksum_type.as_str());
    }
    xml.number("Size", object.size);
}

fn contents(xml: &mut XmlWriter, names: Names, page: &ObjectPage, owner: Option<&Owner>) {
    for object in &page.objects {
        xml.element("Contents", |xml| {
            xml.text("Key", &names.text(&object.key));
            xml.text("LastModified", &iso8601(object.last_modified));
            about(xml, object);
            if let Some(owner) = owner {
                owner.write(xml, "Owner");
            }
            xml.text("StorageClass", object.storage_class.as_str());
        });
    }
    common_prefixes(xml, names, &page.common_prefixes);
}

fn common_prefixes(xml: &mut XmlWriter, names: Names, prefixes: &[String]) {
    for prefix in prefixes {
        xml.element("CommonPrefixes", |xml| xml.text("Prefix", &names.text(prefix)));
    }
}

/// One upload of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUpload {
    /// The key.
    pub key: String,
    /// The id.
    pub upload_id: String,
    /// When it began.
    pub initiated: Timestamp,
    /// The storage class that the object will have.
    pub storage_class: StorageClass,
    /// The kind of checksum that the object will have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// One page of uploads, in order of keys and, for one key, of their begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadPage {
    /// The uploads.
    pub uploads: Vec<ListedUpload>,
    /// The groups that the delimiter makes.
    pub common_prefixes: Vec<String>,
    /// Where there is more: the last key, and the last upload of it (empty after a group).
    pub next: Option<(String, String)>,
}

/// The answer of ListMultipartUploads.
pub fn list_multipart_uploads(request: &ListMultipartUploads, page: &UploadPage, owner: &Owner) -> String {
    let names = Names(request.encoding_type);
    let mut xml = XmlWriter::new("ListMultipartUploadsResult");
    xml.text("Bucket", request.bucket.as_str());
    xml.text("KeyMarker", &names.text(request.key_marker.as_deref().unwrap_or_default()));
    xml.text("UploadIdMarker", request.upload_id_marker.as_deref().unwrap_or_default());
    if let Some((key, upload_id)) = &page.next {
        xml.text("NextKeyMarker", &names.text(key));
        xml.text("NextUploadIdMarker", upload_id);
    }
    xml.text("Prefix", &names.text(&request.prefix));
    names.optional(&mut xml, "Delimiter", request.delimiter.as_deref());
    names.declare(&mut xml);
    xml.number("MaxUploads", request.max_uploads.into());
    xml.boolean("IsTruncated", page.next.is_some());
    for upload in &page.uploads {
        xml.element("Upload", |xml| {
            xml.text("Key", &names.text(&upload.key));
            xml.text("UploadId", &upload.upload_id);
            owner.write(xml, "Initiator");
            owner.write(xml, "Owner");
            xml.text("StorageClass", upload.storage_class.as_str());
            xml.text("Initiated", &iso8601(upload.initiated));
            if let Some((algorithm, checksum_type)) = upload.checksum {
                xml.text("ChecksumAlgorithm", algorithm.as_str());
                xml.text("ChecksumType", checksum_type.as_str());
            }
        });
    }
    common_prefixes(&mut xml, names, &page.common_prefixes);
    xml.finish()
}

/// One part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPart {
    /// Its number.
    pub number: PartNumber,
    /// When it was written.
    pub last_modified: Timestamp,
    /// Its tag.
    pub etag: Etag,
    /// Its length.
    pub size: u64,
    /// Its checksum.
    pub checksum: Option<Checksum>,
}

/// One page of parts, in order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartPage {
    /// The parts.
    pub parts: Vec<ListedPart>,
    /// Where there is more: the last number of this page.
    pub next: Option<PartNumber>,
    /// The storage class that the object will have.
    pub storage_class: StorageClass,
    /// The kind of checksum that the object will have.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

/// The answer of ListParts.
pub fn list_parts(request: &ListParts, page: &PartPage, owner: &Owner) -> String {
    let names = Names(request.encoding_type);
    let mut xml = XmlWriter::new("ListPartsResult");
    xml.text("Bucket", request.upload.bucket.as_str());
    xml.text("Key", &names.text(request.upload.key.as_str()));
    xml.text("UploadId", &request.upload.upload_id);
    owner.write(&mut xml, "Initiator");
    owner.write(&mut xml, "Owner");
    xml.text("StorageClass", page.storage_class.as_str());
    xml.number("PartNumberMarker", request.part_number_marker.map_or(0, PartNumber::get).into());
    if let Some(next) = page.next {
        xml.number("NextPartNumberMarker", next.get().into());
    }
    xml.number("MaxParts", request.max_parts.into());
    names.declare(&mut xml);
    xml.boolean("IsTruncated", page.next.is_some());
    if let Some((algorithm, checksum_type)) = page.checksum {
        xml.text("ChecksumAlgorithm", algorithm.as_str());
        xml.text("ChecksumType", checksum_type.as_str());
    }
    for part in &page.parts {
        xml.element("Part", |xml| {
            xml.number("PartNumber", part.number.get().into());
            xml.text("LastModified", &iso8601(part.last_modified));
            xml.text("ETag", &part.etag.quoted());
            xml.number("Size", part.size);
            if let Some(checksum) = &part.checksum {
                xml.text(checksum.algorithm().element(), &checksum.to_text());
            }
        });
    }
    xml.finish()
}

/// How names stand in the answer.
#[derive(Debug, Clone, Copy)]
struct Names(Option<EncodingType>);

impl Names {
    fn text(self, name: &str) -> Cow<'_, str> {
        match self.0 {
            None => Cow::Borrowed(name),
            Some(EncodingType::Url) => {
                let mut encoded = String::with_capacity(name.len());
                encode::path(name, &mut encoded);
                Cow::Owned(encoded)
            }
        }
    }

    fn optional(self, xml: &mut XmlWriter, element: &str, name: Option<&str>) {
        xml.optional(element, name.map(|name| self.text(name)).as_deref());
    }

    fn declare(self, xml: &mut XmlWriter) {
        if self.0 == Some(EncodingType::Url) {
            xml.text("EncodingType", "url");
        }
    }
}
