//! Method, target, query and headers → [`Operation`].

use http::{HeaderMap, Method};

use gatepass_signing::request::Query;

use super::parameters::{
    check_access_control, check_repeated, check_unsupported, continuation_token, encoding_type, max_buckets,
    names_access_control, number_header, page_length, part_number, storage_class, sub_resource, tagging_directive,
    tags, text, version_id,
};
use super::settings;
use super::{
    Access, BucketWithBody, ChecksumMode, CompleteMultipartUpload, CopyObject, CopyRange, CopySource,
    CreateMultipartUpload, DeleteObject, FetchOwner, GetObject, GetObjectAttributes, HeadObject, ListBuckets,
    ListMultipartUploads, ListObjectVersions, ListObjects, ListObjectsV2, ListParts, MetadataDirective,
    ObjectAttribute, Operation, PAGE_MAX, PartOrRange, PutObject, Request, Target, Upload, UploadPart, UploadPartCopy,
};
use crate::s3::checksum::{self, BodyIntegrity, ChecksumAlgorithm, ChecksumType};
use crate::s3::conditional::{DeleteCondition, IfRange, Preconditions, WriteCondition};
use crate::s3::error::{ResourceType, S3Error};
use crate::s3::header_lines::{list_header, single_header};
use crate::s3::names::{BucketName, ObjectKey, UploadId, VersionId};
use crate::s3::object_headers::{ObjectHeaders, ResponseOverrides};
use crate::s3::range::ByteRange;

const SERVICE_METHODS: &str = "GET";
const BUCKET_METHODS: &str = "GET, HEAD, PUT, POST, DELETE";
const OBJECT_METHODS: &str = "GET, HEAD, PUT, POST, DELETE";
const UPLOAD_METHODS: &str = "GET, PUT, POST, DELETE";

/// What remains once the target has been taken apart.
#[derive(Clone, Copy)]
struct Parts<'a> {
    method: &'a Method,
    query: &'a Query,
    headers: &'a HeaderMap,
    sub_resource: Option<&'static str>,
}

pub(super) fn parse(request: &Request<'_>) -> Result<Operation, S3Error> {
    check_repeated(request.query)?;
    let sub_resource = sub_resource(request.query)?;
    check_unsupported(request.headers, request.query)?;
    let parts = Parts { method: request.method, query: request.query, headers: request.headers, sub_resource };
    if let Some(setting) = setting(parts, &request.target)? {
        return Ok(setting);
    }
    match request.target.clone() {
        Target::Service => service(parts),
        Target::Bucket(bucket) => on_bucket(parts, bucket),
        Target::Object(bucket, key) => on_object(parts, bucket, key),
    }
}

/// The operation on a sub-resource that is a document about its bucket or object.
fn setting(parts: Parts<'_>, target: &Target) -> Result<Option<Operation>, S3Error> {
    let Some(name) = parts.sub_resource else { return Ok(None) };
    let access = match parts.method.as_str() {
        "GET" => Access::Read,
        "PUT" if name == "acl" && names_access_control(parts.headers, parts.query)? => Access::ReplaceByHeader,
        "PUT" => Access::Replace(BodyIntegrity::from_headers(parts.headers)?),
        "DELETE" => Access::Remove,
        _ => return Ok(None),
    };
    let version = version_id(parts.query)?;
    let setting = settings::find(target, name, access, parts.query.get("id"), version)?;
    if setting.is_some() {
        check_access_control(parts.headers, parts.query, S3Error::access_control_list_not_supported)?;
    }
    Ok(setting)
}

fn service(parts: Parts<'_>) -> Result<Operation, S3Error> {
    if *parts.method != Method::GET || parts.sub_resource.is_some() {
        return Err(parts.method_not_allowed(ResourceType::Service, SERVICE_METHODS));
    }
    Ok(Operation::ListBuckets(ListBuckets {
        prefix: text(parts.query, "prefix"),
        continuation_token: continuation_token(parts.query)?,
        max_buckets: max_buckets(parts.query)?,
        region: text(parts.query, "bucket-region"),
    }))
}

fn on_bucket(parts: Parts<'_>, bucket: BucketName) -> Result<Operation, S3Error> {
    let with_body =
        |bucket| Ok::<_, S3Error>(BucketWithBody { bucket, integrity: BodyIntegrity::from_headers(parts.headers)? });
    match (parts.method.as_str(), parts.sub_resource) {
        ("GET", None) => list_objects(parts, bucket),
        ("GET", Some("location")) => Ok(Operation::GetBucketLocation { bucket }),
        ("GET", Some("cors")) => Ok(Operation::GetBucketCors { bucket }),
        ("GET", Some("uploads")) => list_multipart_uploads(parts, bucket),
        ("GET", Some("versions")) => list_object_versions(parts, bucket),
        ("HEAD", None) => Ok(Operation::HeadBucket { bucket }),
        ("PUT", None) => {
            let refusal = S3Error::invalid_bucket_acl_with_object_ownership;
            check_access_control(parts.headers, parts.query, refusal)?;
            Ok(Operation::CreateBucket(with_body(bucket)?))
        }
        ("PUT", Some("cors")) => Ok(Operation::PutBucketCors(with_body(bucket)?)),
        ("DELETE", None) => Ok(Operation::DeleteBucket { bucket }),
        ("DELETE", Some("cors")) => Ok(Operation::DeleteBucketCors { bucket }),
        ("POST", Some("delete")) => Ok(Operation::DeleteObjects(with_body(bucket)?)),
        _ => Err(parts.method_not_allowed(ResourceType::Bucket, BUCKET_METHODS)),
    }
}

fn on_object(parts: Parts<'_>, bucket: BucketName, key: ObjectKey) -> Result<Operation, S3Error> {
    if let Some(upload_id) = parts.query.get("uploadId") {
        let upload = Upload { bucket, key, upload_id: upload_id.to_owned() };
        return on_upload(parts, upload);
    }
    match (parts.method.as_str(), parts.sub_resource) {
        ("GET", None) => Ok(Operation::GetObject(get_object(parts, bucket, key)?)),
        ("HEAD", None) => Ok(Operation::HeadObject(HeadObject(get_object(parts, bucket, key)?))),
        ("PUT", None) => write_object(parts, bucket, key),
        ("DELETE", None) => Ok(Operation::DeleteObject(DeleteObject {
            bucket,
            key,
            version: version_id(parts.query)?,
            condition: DeleteCondition::from_headers(parts.headers)?,
        })),
        ("POST", Some("uploads")) => create_multipart_upload(parts, bucket, key),
        ("GET", Some("attributes")) => get_object_attributes(parts, bucket, key),
        _ => Err(parts.method_not_allowed(ResourceType::Object, OBJECT_METHODS)),
    }
}

fn on_upload(parts: Parts<'_>, upload: Upload) -> Result<Operation, S3Error> {
    match (parts.method.as_str(), parts.sub_resource) {
        ("PUT", None) => upload_part(parts, upload),
        ("POST", None) => complete_multipart_upload(parts, upload),
        ("DELETE", None) => Ok(Operation::AbortMultipartUpload(upload)),
        ("GET", None) => {
            let marker = parts.query.get("part-number-marker").filter(|text| !text.is_empty() && *text != "0");
            Ok(Operation::ListParts(ListParts {
                upload,
                part_number_marker: marker.map(part_number).transpose()?,
                max_parts: page_length(parts.query, "max-parts")?,
                encoding_type: encoding_type(parts.query)?,
            }))
        }
        _ => Err(parts.method_not_allowed(ResourceType::MultipartUpload, UPLOAD_METHODS)),
    }
}

fn list_objects(parts: Parts<'_>, bucket: BucketName) -> Result<Operation, S3Error> {
    let query = parts.query;
    let prefix = text(query, "prefix").unwrap_or_default();
    let delimiter = text(query, "delimiter");
    let max_keys = page_length(query, "max-keys")?;
    let encoding_type = encoding_type(query)?;
    match query.get("list-type") {
        None => {
            let marker = text(query, "marker");
            Ok(Operation::ListObjects(ListObjects { bucket, prefix, delimiter, marker, max_keys, encoding_type }))
        }
        Some("2") => Ok(Operation::ListObjectsV2(ListObjectsV2 {
            bucket,
            prefix,
            delimiter,
            continuation_token: continuation_token(query)?,
            start_after: text(query, "start-after"),
            max_keys,
            encoding_type,
            fetch_owner: if query.get("fetch-owner") == Some("true") { FetchOwner::Yes } else { FetchOwner::No },
        })),
        Some(other) => Err(S3Error::invalid_argument("Invalid List Type specified in Request", "list-type", other)),
    }
}

fn list_multipart_uploads(parts: Parts<'_>, bucket: BucketName) -> Result<Operation, S3Error> {
    let query = parts.query;
    let key_marker = text(query, "key-marker");
    // Without a key marker, S3 ignores that of the upload.
    let upload_id_marker = text(query, "upload-id-marker").filter(|_| key_marker.is_some());
    if let Some(marker) = upload_id_marker.as_deref().filter(|marker| UploadId::parse(marker).is_none()) {
        return Err(S3Error::invalid_argument("Invalid uploadId marker", "upload-id-marker", marker));
    }
    Ok(Operation::ListMultipartUploads(ListMultipartUploads {
        bucket,
        prefix: text(query, "prefix").unwrap_or_default(),
        delimiter: text(query, "delimiter"),
        key_marker,
        upload_id_marker,
        max_uploads: page_length(query, "max-uploads")?,
        encoding_type: encoding_type(query)?,
    }))
}

fn list_object_versions(parts: Parts<'_>, bucket: BucketName) -> Result<Operation, S3Error> {
    const MARKER: &str = "version-id-marker";
    let query = parts.query;
    let key_marker = text(query, "key-marker");
    let version_id_marker = match query.get(MARKER) {
        None => None,
        Some("") => {
            let message = "A version-id marker cannot be empty.";
            return Err(S3Error::invalid_argument(message, MARKER, ""));
        }
        Some(_) if key_marker.is_none() => {
            let message = "A version-id marker cannot be specified without a key marker.";
            return Err(S3Error::invalid_argument(message, MARKER, query.get(MARKER).unwrap_or_default()));
        }
        Some(marker) => {
            let invalid = || S3Error::invalid_argument("Invalid version id specified", MARKER, marker);
            Some(VersionId::parse(marker).ok_or_else(invalid)?)
        }
    };
    Ok(Operation::ListObjectVersions(ListObjectVersions {
        bucket,
        prefix: text(query, "prefix").unwrap_or_default(),
        delimiter: text(query, "delimiter"),
        key_marker,
        version_id_marker,
        max_keys: page_length(query, "max-keys")?,
        encoding_type: encoding_type(query)?,
    }))
}

fn get_object(parts: Parts<'_>, bucket: BucketName, key: ObjectKey) -> Result<GetObject, S3Error> {
    let mode = single_header(parts.headers, "x-amz-checksum-mode")?;
    Ok(GetObject {
        bucket,
        key,
        version: version_id(parts.query)?,
        piece: piece(parts)?,
        preconditions: Preconditions::from_headers(parts.headers),
        overrides: ResponseOverrides::from_query(parts.query)?,
        checksum_mode: match mode {
            Some(mode) if mode.eq_ignore_ascii_case("ENABLED") => ChecksumMode::Enabled,
            _ => ChecksumMode::Disabled,
        },
    })
}

fn get_object_attributes(parts: Parts<'_>, bucket: BucketName, key: ObjectKey) -> Result<Operation, S3Error> {
    let attributes = list_header(parts.headers, "x-amz-object-attributes");
    let max_parts = number_header(parts.headers, "x-amz-max-parts")?;
    Ok(Operation::GetObjectAttributes(GetObjectAttributes {
        bucket,
        key,
        version: version_id(parts.query)?,
        attributes: ObjectAttribute::parse_list(attributes.as_deref())?,
        part_number_marker: number_header(parts.headers, "x-amz-part-number-marker")?.unwrap_or(0),
        max_parts: max_parts.unwrap_or(PAGE_MAX).min(PAGE_MAX),
    }))
}

fn piece(parts: Parts<'_>) -> Result<PartOrRange, S3Error> {
    let part = parts.query.get("partNumber").map(part_number).transpose()?;
    let header = single_header(parts.headers, "range")?;
    match (part, header) {
        (Some(_), Some(_)) => {
            Err(S3Error::invalid_request("Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(part), None) => Ok(PartOrRange::Part(part)),
        (None, Some(header)) => Ok(ByteRange::parse(header).map_or(PartOrRange::Whole, |range| PartOrRange::Range {
            range,
            header: header.to_owned(),
            if_range: IfRange::from_headers(parts.headers),
        })),
        (None, None) => Ok(PartOrRange::Whole),
    }
}

fn write_object(parts: Parts<'_>, bucket: BucketName, key: ObjectKey) -> Result<Operation, S3Error> {
    if parts.query.contains("partNumber") {
        let message = "A part is uploaded with both partNumber and uploadId.";
        return Err(S3Error::invalid_argument(message, "uploadId", ""));
    }
    if let Some(version) = parts.query.get("versionId") {
        return Err(S3Error::invalid_argument("This operation does not accept a version-id.", "versionId", version));
    }
    check_access_control(parts.headers, parts.query, S3Error::access_control_list_not_supported)?;
    let class = storage_class(parts.headers, parts.query)?;
    let condition = WriteCondition::from_headers(parts.headers)?;
    if let Some(source) = single_header(parts.headers, "x-amz-copy-source")? {
        let source = copy_source(parts, source)?;
        let metadata = metadata_directive(parts)?;
        let checksum_algorithm = checksum_algorithm(parts)?;
        let changes = metadata != MetadataDirective::Copy || class.is_some() || checksum_algorithm.is_some();
        if source.bucket == bucket && source.key == key && source.version.is_none() && !changes {
            return Err(S3Error::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        let storage_class = class.unwrap_or_default();
        return Ok(Operation::CopyObject(CopyObject {
            bucket,
            key,
            source,
            metadata,
            storage_class,
            tagging: tagging_directive(parts.headers)?,
            condition,
            checksum_algorithm,
        }));
    }
    Ok(Operation::PutObject(PutObject {
        bucket,
        key,
        headers: ObjectHeaders::from_request(parts.headers, parts.query)?,
        storage_class: class.unwrap_or_default(),
        tags: tags(parts.headers)?,
        condition,
        integrity: BodyIntegrity::from_headers(parts.headers)?,
    }))
}

fn copy_source(parts: Parts<'_>, source: &str) -> Result<CopySource, S3Error> {
    let (bucket, key, version) = Target::from_copy_source(source)?;
    Ok(CopySource { bucket, key, version, preconditions: Preconditions::for_copy_source(parts.headers) })
}

fn metadata_directive(parts: Parts<'_>) -> Result<MetadataDirective, S3Error> {
    const NAME: &str = "x-amz-metadata-directive";
    match single_header(parts.headers, NAME)? {
        None | Some("COPY") => Ok(MetadataDirective::Copy),
        Some("REPLACE") => Ok(MetadataDirective::Replace(ObjectHeaders::from_request(parts.headers, parts.query)?)),
        Some(other) => Err(S3Error::invalid_argument("Unknown metadata directive.", NAME, other)),
    }
}

fn checksum_algorithm(parts: Parts<'_>) -> Result<Option<ChecksumAlgorithm>, S3Error> {
    const NAME: &str = "x-amz-checksum-algorithm";
    single_header(parts.headers, NAME)?.map(checksum::parse_algorithm).transpose()
}

fn checksum_type(parts: Parts<'_>) -> Result<Option<ChecksumType>, S3Error> {
    const NAME: &str = "x-amz-checksum-type";
    let Some(text) = single_header(parts.headers, NAME)? else { return Ok(None) };
    let parsed = ChecksumType::parse(text);
    parsed.map(Some).ok_or_else(|| S3Error::invalid_request(format!("Value for {NAME} header is invalid.")))
}

fn create_multipart_upload(parts: Parts<'_>, bucket: BucketName, key: ObjectKey) -> Result<Operation, S3Error> {
    check_access_control(parts.headers, parts.query, S3Error::access_control_list_not_supported)?;
    let checksum = match (checksum_algorithm(parts)?, checksum_type(parts)?) {
        (None, None) => None,
        (None, Some(_)) => {
            let message = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(S3Error::invalid_request(message));
        }
        (Some(algorithm), None) => Some((algorithm, algorithm.default_type())),
        (Some(algorithm), Some(checksum_type)) if algorithm.allows(checksum_type) => Some((algorithm, checksum_type)),
        (Some(algorithm), Some(checksum_type)) => {
            return Err(S3Error::invalid_request(format!(
                "The {} checksum type cannot be used with the {} checksum algorithm.",
                checksum_type.as_str(),
                algorithm.as_str().to_ascii_lowercase(),
            )));
        }
    };
    Ok(Operation::CreateMultipartUpload(CreateMultipartUpload {
        bucket,
        key,
        headers: ObjectHeaders::from_request(parts.headers, parts.query)?,
        storage_class: storage_class(parts.headers, parts.query)?.unwrap_or_default(),
        tags: tags(parts.headers)?,
        checksum,
    }))
}

fn upload_part(parts: Parts<'_>, upload: Upload) -> Result<Operation, S3Error> {
    let part_number = part_number(parts.query.get("partNumber").unwrap_or_default())?;
    let range = single_header(parts.headers, "x-amz-copy-source-range")?;
    match (single_header(parts.headers, "x-amz-copy-source")?, range) {
        (Some(source), range) => {
            let source = copy_source(parts, source)?;
            let range = range.map(CopyRange::parse).transpose()?;
            return Ok(Operation::UploadPartCopy(UploadPartCopy { upload, part_number, source, range }));
        }
        (None, Some(range)) => {
            let message = "A range of a source was named without the source.";
            return Err(S3Error::invalid_argument(message, "x-amz-copy-source-range", range));
        }
        (None, None) => {}
    }
    Ok(Operation::UploadPart(UploadPart {
        upload,
        part_number,
        integrity: BodyIntegrity::from_headers(parts.headers)?,
    }))
}

fn complete_multipart_upload(parts: Parts<'_>, upload: Upload) -> Result<Operation, S3Error> {
    const SIZE: &str = "x-amz-mp-object-size";
    let object_size = single_header(parts.headers, SIZE)?
        .map(|text| text.parse().map_err(|_| S3Error::invalid_request(format!("Value for {SIZE} header is invalid."))))
        .transpose()?;
    Ok(Operation::CompleteMultipartUpload(CompleteMultipartUpload {
        upload,
        condition: WriteCondition::from_headers(parts.headers)?,
        checksum: checksum::object_checksum(parts.headers)?,
        checksum_type: checksum_type(parts)?,
        object_size,
    }))
}

impl Parts<'_> {
    fn method_not_allowed(&self, resource: ResourceType, allow: &'static str) -> S3Error {
        let of_setting = self.sub_resource.and_then(|name| settings::allowed(resource, name));
        S3Error::method_not_allowed(self.method.as_str(), resource, of_setting.unwrap_or(allow))
    }
}
