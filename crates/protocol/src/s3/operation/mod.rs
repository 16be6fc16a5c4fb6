//! Where HTTP ends: one variant for each S3 operation, with exactly its parameters.

mod form;
mod object;
mod parameters;
mod parse;
mod settings;
mod target;

use std::borrow::Cow;
use std::fmt;

pub use object::{
    ChecksumMode, CopyObject, CopyRange, CopySource, CreateMultipartUpload, GetObject, GetObjectAttributes, HeadObject,
    MetadataDirective, ObjectAttribute, PartOrRange, PutObject, StorageClass, TaggingDirective, UploadPart,
    UploadPartCopy,
};
pub use settings::{Access, BucketSetting, BucketSubject, ObjectSetting, ObjectSubject};
pub use target::Target;

use gatepass_signing::request::Query;

use super::checksum::{BodyIntegrity, Checksum, ChecksumType};
use super::conditional::{DeleteCondition, WriteCondition};
use super::error::S3Error;
use super::names::{BucketName, ObjectKey, PartNumber, VersionId};
use super::tagging::TagSet;

/// The most keys, uploads or parts in one page of a list.
pub const PAGE_MAX: u32 = 1_000;
/// The most buckets in one page of a list.
pub const BUCKETS_PAGE_MAX: u32 = 10_000;

static EXPECTED_OWNERS: [http::HeaderName; 2] = [
    http::HeaderName::from_static("x-amz-expected-bucket-owner"),
    http::HeaderName::from_static("x-amz-source-expected-bucket-owner"),
];

/// A request, after its signature has been checked and before its operation is known.
#[derive(Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a http::Method,
    /// What the path and the host name.
    pub target: Target,
    /// The decoded query, parameters of the signature included.
    pub query: &'a Query,
    /// The headers.
    pub headers: &'a http::HeaderMap,
}

impl Request<'_> {
    /// Holds `x-amz-expected-bucket-owner` and `x-amz-source-expected-bucket-owner` against the account that owns
    /// every bucket here. A difference is 403.
    pub fn check_expected_bucket_owner(&self, account_id: &str) -> Result<(), S3Error> {
        for name in &EXPECTED_OWNERS {
            let differs = |value: &http::HeaderValue| value.as_bytes() != account_id.as_bytes();
            if self.headers.get_all(name).iter().any(differs) {
                return Err(S3Error::expected_bucket_owner_differs());
            }
        }
        Ok(())
    }
}

/// An operation of S3 and its parameters. Bodies are read later, by the `xml` module or as content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "a variant is documented by the operation it is named after")]
pub enum Operation {
    ListBuckets(ListBuckets),
    CreateBucket(BucketWithBody),
    HeadBucket { bucket: BucketName },
    DeleteBucket { bucket: BucketName },
    GetBucketLocation { bucket: BucketName },
    PutBucketCors(BucketWithBody),
    GetBucketCors { bucket: BucketName },
    DeleteBucketCors { bucket: BucketName },
    ListObjects(ListObjects),
    ListObjectsV2(ListObjectsV2),
    ListMultipartUploads(ListMultipartUploads),
    ListObjectVersions(ListObjectVersions),
    DeleteObjects(BucketWithBody),
    GetObject(GetObject),
    HeadObject(HeadObject),
    GetObjectAttributes(GetObjectAttributes),
    PutObject(PutObject),
    CopyObject(CopyObject),
    DeleteObject(DeleteObject),
    CreateMultipartUpload(CreateMultipartUpload),
    UploadPart(UploadPart),
    UploadPartCopy(UploadPartCopy),
    CompleteMultipartUpload(CompleteMultipartUpload),
    AbortMultipartUpload(Upload),
    ListParts(ListParts),
    BucketSetting(BucketSetting),
    ObjectSetting(ObjectSetting),
}

/// Whether names in an answer are percent-encoded, so that those with characters that XML lacks can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodingType {
    /// `encoding-type=url`.
    Url,
}

/// Parameters of ListBuckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListBuckets {
    /// Only buckets whose name begins so.
    pub prefix: Option<String>,
    /// Where the page begins, from the answer before.
    pub continuation_token: Option<String>,
    /// The length of the page; without it the list is not paged.
    pub max_buckets: Option<u32>,
    /// Only buckets of this region.
    pub region: Option<String>,
}

/// A bucket operation with an XML body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketWithBody {
    /// The bucket.
    pub bucket: BucketName,
    /// What the request says about the integrity of the body.
    pub integrity: BodyIntegrity,
}

/// Parameters of ListObjects, version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjects {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share the text up to this are grouped.
    pub delimiter: Option<String>,
    /// Only keys after this one.
    pub marker: Option<String>,
    /// The length of the page, at most [`PAGE_MAX`].
    pub max_keys: u32,
    /// Whether names are percent-encoded in the answer.
    pub encoding_type: Option<EncodingType>,
}

/// Whether a list tells the owner of each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchOwner {
    /// `fetch-owner=true`.
    Yes,
    /// Otherwise.
    No,
}

/// Parameters of ListObjectsV2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjectsV2 {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share the text up to this are grouped.
    pub delimiter: Option<String>,
    /// Where the page begins, from the answer before. Outranks `start_after`.
    pub continuation_token: Option<String>,
    /// Only keys after this one.
    pub start_after: Option<String>,
    /// The length of the page, at most [`PAGE_MAX`].
    pub max_keys: u32,
    /// Whether names are percent-encoded in the answer.
    pub encoding_type: Option<EncodingType>,
    /// Whether the answer tells the owner of each object.
    pub fetch_owner: FetchOwner,
}

/// Parameters of ListMultipartUploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMultipartUploads {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share the text up to this are grouped.
    pub delimiter: Option<String>,
    /// Only keys after this one; with `upload_id_marker` also later uploads of this key.
    pub key_marker: Option<String>,
    /// Together with `key_marker`: only uploads after this one. Has the form of an [`super::names::UploadId`].
    pub upload_id_marker: Option<String>,
    /// The length of the page, at most [`PAGE_MAX`].
    pub max_uploads: u32,
    /// Whether names are percent-encoded in the answer.
    pub encoding_type: Option<EncodingType>,
}

/// Parameters of ListObjectVersions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjectVersions {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share the text up to this are grouped.
    pub delimiter: Option<String>,
    /// Only keys after this one; with `version_id_marker` also older versions of this key.
    pub key_marker: Option<String>,
    /// Together with `key_marker`: only versions that are older than this one.
    pub version_id_marker: Option<VersionId>,
    /// The length of the page, at most [`PAGE_MAX`].
    pub max_keys: u32,
    /// Whether names are percent-encoded in the answer.
    pub encoding_type: Option<EncodingType>,
}

/// Parameters of DeleteObject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Which version is deleted for good; without one the object gets a delete marker where its bucket keeps versions.
    pub version: Option<VersionId>,
    /// Its condition.
    pub condition: DeleteCondition,
}

/// A multipart upload: what AbortMultipartUpload needs, and every other operation on one has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The id as it was sent. [`super::names::UploadId::parse`] tells whether one of ours can be meant.
    pub upload_id: String,
}

/// Parameters of CompleteMultipartUpload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteMultipartUpload {
    /// The upload.
    pub upload: Upload,
    /// The condition under which the object is written.
    pub condition: WriteCondition,
    /// The checksum that the whole object must have, from `x-amz-checksum-*`. It is not that of the XML body.
    pub checksum: Option<Checksum>,
    /// `x-amz-checksum-type`: must be that of the upload.
    pub checksum_type: Option<ChecksumType>,
    /// `x-amz-mp-object-size`: the length that the whole object must have.
    pub object_size: Option<u64>,
}

/// Parameters of ListParts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListParts {
    /// The upload.
    pub upload: Upload,
    /// Only parts after this one.
    pub part_number_marker: Option<PartNumber>,
    /// The length of the page, at most [`PAGE_MAX`].
    pub max_parts: u32,
    /// Whether the key is percent-encoded in the answer.
    pub encoding_type: Option<EncodingType>,
}

/// The condition keys that tags in a request set: `s3:RequestObjectTag/KEY` for each, and `s3:RequestObjectTagKeys` with
/// all keys as its values.
pub fn tag_condition_keys(tags: &TagSet) -> Vec<(Cow<'static, str>, String)> {
    let value = |(key, value): (&str, &str)| (format!("s3:RequestObjectTag/{key}").into(), value.to_owned());
    let key = |(key, _): (&str, &str)| ("s3:RequestObjectTagKeys".into(), key.to_owned());
    tags.iter().map(value).chain(tags.iter().map(key)).collect()
}

/// What a policy calls the thing that an operation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'a> {
    /// Every bucket.
    Buckets,
    /// One bucket.
    Bucket(&'a BucketName),
    /// One object.
    Object(&'a BucketName, &'a ObjectKey),
}

impl<'a> Resource<'a> {
    /// The bucket, where there is one.
    pub fn bucket(self) -> Option<&'a BucketName> {
        match self {
            Self::Buckets => None,
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(bucket),
        }
    }

    /// The key, where there is one.
    pub fn key(self) -> Option<&'a ObjectKey> {
        match self {
            Self::Buckets | Self::Bucket(_) => None,
            Self::Object(_, key) => Some(key),
        }
    }
}

/// The ARN.
impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buckets => f.write_str("arn:aws:s3:::*"),
            Self::Bucket(bucket) => write!(f, "arn:aws:s3:::{bucket}"),
            Self::Object(bucket, key) => write!(f, "arn:aws:s3:::{bucket}/{key}"),
        }
    }
}

impl Operation {
    /// Reads a request.
    ///
    /// A sub-resource or header that asks for something S3 has and this store has not is 501 `NotImplemented`, never
    /// ignored: ignoring it would do something else than was asked.
    pub fn parse(request: &Request<'_>) -> Result<Self, S3Error> {
        parse::parse(request)
    }

    /// The name of the operation, for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ListBuckets(_) => "ListBuckets",
            Self::CreateBucket(_) => "CreateBucket",
            Self::HeadBucket { .. } => "HeadBucket",
            Self::DeleteBucket { .. } => "DeleteBucket",
            Self::GetBucketLocation { .. } => "GetBucketLocation",
            Self::PutBucketCors(_) => "PutBucketCors",
            Self::GetBucketCors { .. } => "GetBucketCors",
            Self::DeleteBucketCors { .. } => "DeleteBucketCors",
            Self::ListObjects(_) => "ListObjects",
            Self::ListObjectsV2(_) => "ListObjectsV2",
            Self::ListMultipartUploads(_) => "ListMultipartUploads",
            Self::ListObjectVersions(_) => "ListObjectVersions",
            Self::DeleteObjects(_) => "DeleteObjects",
            Self::GetObject(_) => "GetObject",
            Self::HeadObject(_) => "HeadObject",
            Self::PutObject(_) => "PutObject",
            Self::CopyObject(_) => "CopyObject",
            Self::DeleteObject(_) => "DeleteObject",
            Self::CreateMultipartUpload(_) => "CreateMultipartUpload",
            Self::UploadPart(_) => "UploadPart",
            Self::UploadPartCopy(_) => "UploadPartCopy",
            Self::GetObjectAttributes(_) => "GetObjectAttributes",
            Self::CompleteMultipartUpload(_) => "CompleteMultipartUpload",
            Self::AbortMultipartUpload(_) => "AbortMultipartUpload",
            Self::ListParts(_) => "ListParts",
            Self::BucketSetting(setting) => setting.name(),
            Self::ObjectSetting(setting) => setting.name(),
        }
    }

    /// The action that a policy must allow ("Actions, resources, and condition keys for Amazon S3").
    ///
    /// DeleteObjects is authorized key by key with this action, and a copy needs [`CopySource::ACTION`] on its source
    /// besides.
    pub fn action(&self) -> &'static str {
        match self {
            Self::ListBuckets(_) => "s3:ListAllMyBuckets",
            Self::CreateBucket(_) => "s3:CreateBucket",
            Self::HeadBucket { .. } | Self::ListObjects(_) | Self::ListObjectsV2(_) => "s3:ListBucket",
            Self::DeleteBucket { .. } => "s3:DeleteBucket",
            Self::GetBucketLocation { .. } => "s3:GetBucketLocation",
            Self::PutBucketCors(_) | Self::DeleteBucketCors { .. } => "s3:PutBucketCORS",
            Self::GetBucketCors { .. } => "s3:GetBucketCORS",
            Self::ListMultipartUploads(_) => "s3:ListBucketMultipartUploads",
            Self::ListObjectVersions(_) => "s3:ListBucketVersions",
            Self::DeleteObject(DeleteObject { version: Some(_), .. }) => "s3:DeleteObjectVersion",
            Self::DeleteObjects(_) | Self::DeleteObject(_) => "s3:DeleteObject",
            Self::GetObject(GetObject { version: Some(_), .. })
            | Self::HeadObject(HeadObject(GetObject { version: Some(_), .. })) => "s3:GetObjectVersion",
            Self::GetObject(_) | Self::HeadObject(_) => "s3:GetObject",
            // And `s3:GetObject` besides, or both for a version.
            Self::GetObjectAttributes(GetObjectAttributes { version: Some(_), .. }) => "s3:GetObjectVersionAttributes",
            Self::GetObjectAttributes(_) => "s3:GetObjectAttributes",
            Self::PutObject(_)
            | Self::CopyObject(_)
            | Self::CreateMultipartUpload(_)
            | Self::UploadPart(_)
            | Self::UploadPartCopy(_)
            | Self::CompleteMultipartUpload(_) => "s3:PutObject",
            Self::AbortMultipartUpload(_) => "s3:AbortMultipartUpload",
            Self::ListParts(_) => "s3:ListMultipartUploadParts",
            Self::BucketSetting(setting) => setting.action(),
            Self::ObjectSetting(setting) => setting.action(),
        }
    }

    /// What the operation touches. For DeleteObjects this is the bucket; the keys are in its body.
    pub fn resource(&self) -> Resource<'_> {
        match self {
            Self::ListBuckets(_) => Resource::Buckets,
            Self::CreateBucket(BucketWithBody { bucket, .. })
            | Self::HeadBucket { bucket }
            | Self::DeleteBucket { bucket }
            | Self::GetBucketLocation { bucket }
            | Self::PutBucketCors(BucketWithBody { bucket, .. })
            | Self::GetBucketCors { bucket }
            | Self::DeleteBucketCors { bucket }
            | Self::ListObjects(ListObjects { bucket, .. })
            | Self::ListObjectsV2(ListObjectsV2 { bucket, .. })
            | Self::ListMultipartUploads(ListMultipartUploads { bucket, .. })
            | Self::ListObjectVersions(ListObjectVersions { bucket, .. })
            | Self::DeleteObjects(BucketWithBody { bucket, .. })
            | Self::BucketSetting(BucketSetting { bucket, .. }) => Resource::Bucket(bucket),
            Self::GetObject(GetObject { bucket, key, .. })
            | Self::HeadObject(HeadObject(GetObject { bucket, key, .. }))
            | Self::PutObject(PutObject { bucket, key, .. })
            | Self::CopyObject(CopyObject { bucket, key, .. })
            | Self::DeleteObject(DeleteObject { bucket, key, .. })
            | Self::CreateMultipartUpload(CreateMultipartUpload { bucket, key, .. })
            | Self::UploadPart(UploadPart { upload: Upload { bucket, key, .. }, .. })
            | Self::UploadPartCopy(UploadPartCopy { upload: Upload { bucket, key, .. }, .. })
            | Self::GetObjectAttributes(GetObjectAttributes { bucket, key, .. })
            | Self::CompleteMultipartUpload(CompleteMultipartUpload { upload: Upload { bucket, key, .. }, .. })
            | Self::AbortMultipartUpload(Upload { bucket, key, .. })
            | Self::ListParts(ListParts { upload: Upload { bucket, key, .. }, .. })
            | Self::ObjectSetting(ObjectSetting { bucket, key, .. }) => Resource::Object(bucket, key),
        }
    }

    /// Every bucket that the operation touches: that of [`Self::resource`], and that of a source.
    pub fn buckets(&self) -> Vec<&BucketName> {
        let mut buckets: Vec<&BucketName> = self.resource().bucket().into_iter().collect();
        let source = match self {
            Self::CopyObject(copy) => Some(&copy.source.bucket),
            Self::UploadPartCopy(copy) => Some(&copy.source.bucket),
            _ => None,
        };
        buckets.extend(source.filter(|source| !buckets.contains(source)));
        buckets
    }

    /// The condition keys that the parameters set, beside those that the request sets as a whole.
    pub fn condition_keys(&self) -> Vec<(Cow<'static, str>, String)> {
        let list = |prefix: &str, delimiter: Option<&String>, max_keys: u32| {
            let mut keys = vec![("s3:prefix".into(), prefix.to_owned()), ("s3:max-keys".into(), max_keys.to_string())];
            keys.extend(delimiter.map(|delimiter| ("s3:delimiter".into(), delimiter.clone())));
            keys
        };
        match self {
            Self::ListObjects(list_objects) => {
                list(&list_objects.prefix, list_objects.delimiter.as_ref(), list_objects.max_keys)
            }
            Self::ListObjectsV2(list_objects) => {
                list(&list_objects.prefix, list_objects.delimiter.as_ref(), list_objects.max_keys)
            }
            Self::UploadPartCopy(copy) => {
                vec![("s3:x-amz-copy-source".into(), format!("{}/{}", copy.source.bucket, copy.source.key))]
            }
            Self::ListObjectVersions(versions) => {
                list(&versions.prefix, versions.delimiter.as_ref(), versions.max_keys)
            }
            Self::CopyObject(copy) => {
                // As the examples of the S3 user guide write it: decoded, and without the slash that may stand before it.
                let source = format!("{}/{}", copy.source.bucket, copy.source.key);
                let directive = match copy.metadata {
                    MetadataDirective::Copy => "COPY",
                    MetadataDirective::Replace(_) => "REPLACE",
                };
                let mut keys = vec![
                    ("s3:x-amz-copy-source".into(), source),
                    ("s3:x-amz-metadata-directive".into(), directive.to_owned()),
                ];
                if let TaggingDirective::Replace(tags) = &copy.tagging {
                    keys.extend(tag_condition_keys(tags));
                }
                keys
            }
            Self::PutObject(PutObject { tags, .. })
            | Self::CreateMultipartUpload(CreateMultipartUpload { tags, .. }) => tag_condition_keys(tags),
            _ => Vec::new(),
        }
    }

    /// Whether the body is content to be stored, which may be aws-chunked, rather than XML or nothing.
    pub fn takes_content(&self) -> bool {
        matches!(self, Self::PutObject(_) | Self::UploadPart(_))
    }
}
