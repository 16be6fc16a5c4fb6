//! One constructor for each error, with AWS's message and elements.

use jiff::Timestamp;

use super::{ErrorCode, S3Error};
use crate::s3::checksum::ChecksumAlgorithm;
use crate::s3::date::iso8601_seconds;
use crate::s3::names::{BucketName, Etag, KEY_MAX_BYTES, ObjectKey, PartNumber, VersionId};

/// What a request was about, in the words of the `ResourceType` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceType {
    /// The list of buckets.
    Service,
    /// A bucket.
    Bucket,
    /// An object.
    Object,
    /// A multipart upload.
    MultipartUpload,
    /// A version that says that the object was deleted.
    DeleteMarker,
}

impl ResourceType {
    /// The text of the element.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "SERVICE",
            Self::Bucket => "BUCKET",
            Self::Object => "OBJECT",
            Self::MultipartUpload => "UPLOAD",
            Self::DeleteMarker => "DeleteMarker",
        }
    }
}

/// Access.
impl S3Error {
    /// 403, the bare form that tells nothing.
    pub fn access_denied() -> Self {
        Self::new(ErrorCode::AccessDenied, "Access Denied")
    }

    /// 403 with a message that names principal, action, resource and reason ("Troubleshoot access denied (403
    /// Forbidden) errors in Amazon S3"): only for callers of the same account.
    pub fn access_denied_because(principal: &str, action: &str, resource: &str, because: &str) -> Self {
        let message = format!(
            "User: {principal} is not authorized to perform: {action} on resource: \"{resource}\" because {because}"
        );
        Self::new(ErrorCode::AccessDenied, message)
    }

    /// 403 for a request of the bucket's own account that a statement forbids, in the same words.
    pub fn explicitly_denied(principal: &str, action: &str, resource: &str, by: &str) -> Self {
        let message = format!(
            "User: {principal} is not authorized to perform: {action} on resource: \"{resource}\" with an explicit deny in a {by} policy"
        );
        Self::new(ErrorCode::AccessDenied, message)
    }

    /// 403 for an access key that nobody has.
    pub fn invalid_access_key_id(access_key_id: &str) -> Self {
        Self::new(ErrorCode::InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
            .with("AWSAccessKeyId", access_key_id)
    }

    /// 400 for a session token that cannot be read or belongs to another key. AWS echoes the token in `Token-0`; it is
    /// a credential, so here the element is there and its text is not.
    pub fn invalid_token() -> Self {
        Self::new(ErrorCode::InvalidToken, "The provided token is malformed or otherwise invalid.")
            .with("Token-0", REDACTED)
    }

    /// 400 for a session token past its time. `Token-0` is redacted, see [`S3Error::invalid_token`].
    pub fn expired_token() -> Self {
        Self::new(ErrorCode::ExpiredToken, "The provided token has expired.").with("Token-0", REDACTED)
    }

    /// 403 for a request whose date is too far from the server's.
    pub fn request_time_too_skewed(request_time: &str, now: Timestamp, tolerance_milliseconds: u64) -> Self {
        Self::new(
            ErrorCode::RequestTimeTooSkewed,
            "The difference between the request time and the current time is too large.",
        )
        .with("RequestTime", request_time)
        .with("ServerTime", iso8601_seconds(now))
        .with("MaxAllowedSkewMilliseconds", tolerance_milliseconds.to_string())
    }

    /// 403 for a presigned URL that was signed ahead of the server's clock. `X-Amz-Date` is in milliseconds since 1970.
    pub fn request_not_yet_valid(amz_date: Timestamp, expires: Timestamp, now: Timestamp) -> Self {
        Self::new(ErrorCode::AccessDenied, "Request is not yet valid")
            .with("X-Amz-Date", amz_date.as_millisecond().to_string())
            .with("Expires", iso8601_seconds(expires))
            .with("ServerTime", iso8601_seconds(now))
    }

    /// 403 for a presigned URL past its time.
    pub fn request_has_expired(lifetime_seconds: u64, expires: Timestamp, now: Timestamp) -> Self {
        Self::new(ErrorCode::AccessDenied, "Request has expired")
            .with("X-Amz-Expires", lifetime_seconds.to_string())
            .with("Expires", iso8601_seconds(expires))
            .with("ServerTime", iso8601_seconds(now))
    }

    /// 403 for a URL of Signature Version 2 past its time: it has no lifetime, only an end.
    pub fn request_has_ended(expires: Timestamp, now: Timestamp) -> Self {
        Self::new(ErrorCode::AccessDenied, "Request has expired")
            .with("Expires", iso8601_seconds(expires))
            .with("ServerTime", iso8601_seconds(now))
    }

    /// 403 for `x-amz-expected-bucket-owner` that names another account.
    pub fn expected_bucket_owner_differs() -> Self {
        Self::access_denied()
    }
}

/// What stands where a credential would.
const REDACTED: &str = "[redacted]";

/// Buckets, objects and uploads that are or are not there.
impl S3Error {
    /// 404.
    pub fn no_such_bucket(bucket: &BucketName) -> Self {
        Self::new(ErrorCode::NoSuchBucket, "The specified bucket does not exist").with("BucketName", bucket.as_str())
    }

    /// 404.
    pub fn no_such_key(key: &ObjectKey) -> Self {
        Self::new(ErrorCode::NoSuchKey, "The specified key does not exist.").with("Key", key.as_str())
    }

    /// 404.
    pub fn no_such_version(key: &ObjectKey, version_id: &str) -> Self {
        Self::new(ErrorCode::NoSuchVersion, "The specified version does not exist.")
            .with("Key", key.as_str())
            .with("VersionId", version_id)
    }

    /// 404 for an object whose newest version is a delete marker.
    pub fn deleted(key: &ObjectKey, marker: VersionId) -> Self {
        Self::no_such_key(key)
            .with_header("x-amz-delete-marker", "true")
            .with_header("x-amz-version-id", marker.to_string())
    }

    /// 405 for a read of a version that is a delete marker.
    pub fn version_is_delete_marker(method: &str, marker: VersionId) -> Self {
        Self::method_not_allowed(method, ResourceType::DeleteMarker, "DELETE")
            .with_header("x-amz-delete-marker", "true")
            .with_header("x-amz-version-id", marker.to_string())
    }

    /// 400 for a document that says nothing.
    pub fn illegal_versioning_configuration() -> Self {
        let message = "The Versioning element must be specified";
        Self::new(ErrorCode::IllegalVersioningConfigurationException, message)
    }

    /// 400 for a version that cannot be one.
    pub fn invalid_version_id(version: &str) -> Self {
        let message =
            if version.is_empty() { "Version id cannot be the empty string" } else { "Invalid version id specified" };
        Self::invalid_argument(message, "versionId", version)
    }

    /// 404.
    pub fn no_such_upload(upload_id: &str) -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
        Self::new(ErrorCode::NoSuchUpload, message).with("UploadId", upload_id)
    }

    /// 404.
    pub fn no_such_cors_configuration(bucket: &BucketName) -> Self {
        Self::new(ErrorCode::NoSuchCORSConfiguration, "The CORS configuration does not exist")
            .with("BucketName", bucket.as_str())
    }

    /// 404 for a bucket without a document of this kind, with AWS's words for it.
    pub fn no_such_setting(code: ErrorCode, bucket: &BucketName) -> Self {
        let message = match code {
            ErrorCode::NoSuchBucketPolicy => "The bucket policy does not exist",
            ErrorCode::NoSuchConfiguration => "The specified configuration does not exist.",
            ErrorCode::NoSuchPublicAccessBlockConfiguration => "The public access block configuration was not found",
            ErrorCode::NoSuchLifecycleConfiguration => "The lifecycle configuration does not exist",
            ErrorCode::NoSuchTagSet => "The TagSet does not exist",
            ErrorCode::NoSuchWebsiteConfiguration => "The specified bucket does not have a website configuration",
            ErrorCode::ObjectLockConfigurationNotFoundError => {
                "Object Lock configuration does not exist for this bucket"
            }
            ErrorCode::OwnershipControlsNotFoundError => "The bucket ownership controls were not found",
            ErrorCode::ReplicationConfigurationNotFoundError => "The replication configuration was not found",
            ErrorCode::ServerSideEncryptionConfigurationNotFoundError => {
                "The server side encryption configuration was not found"
            }
            _ => "The specified setting does not exist",
        };
        Self::new(code, message).with("BucketName", bucket.as_str())
    }

    /// 409.
    pub fn bucket_already_owned_by_you(bucket: &BucketName) -> Self {
        let message = "Your previous request to create the named bucket succeeded and you already own it.";
        Self::new(ErrorCode::BucketAlreadyOwnedByYou, message).with("BucketName", bucket.as_str())
    }

    /// 409.
    pub fn bucket_already_exists(bucket: &BucketName) -> Self {
        let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.";
        Self::new(ErrorCode::BucketAlreadyExists, message).with("BucketName", bucket.as_str())
    }

    /// 409.
    pub fn bucket_not_empty(bucket: &BucketName) -> Self {
        Self::new(ErrorCode::BucketNotEmpty, "The bucket you tried to delete is not empty")
            .with("BucketName", bucket.as_str())
    }

    /// 400 for a name that breaks the rules.
    pub fn invalid_bucket_name(name: &str) -> Self {
        Self::new(ErrorCode::InvalidBucketName, "The specified bucket is not valid.").with("BucketName", name)
    }

    /// 400 for a `LocationConstraint` that names no region this store knows.
    pub fn invalid_location_constraint(location: &str) -> Self {
        Self::new(ErrorCode::InvalidLocationConstraint, "The specified location-constraint is not valid")
            .with("LocationConstraint", location)
    }

    /// 301 for a bucket of another region than the endpoint's, with the endpoint to ask. It has no `Location`: a signature
    /// for one host is none for another.
    pub fn permanent_redirect(bucket: &BucketName, endpoint: &str, region: &str) -> Self {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
        Self::new(ErrorCode::PermanentRedirect, message)
            .with("Endpoint", endpoint)
            .with("Bucket", bucket.as_str())
            .with_header("x-amz-bucket-region", region)
    }

    /// 400 for a `LocationConstraint` that is missing or names another region than the endpoint's.
    pub fn illegal_location_constraint(location: &str) -> Self {
        let message = format!(
            "The {location} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        Self::new(ErrorCode::IllegalLocationConstraintException, message)
    }
}

/// The request line and the parameters.
impl S3Error {
    /// 400 for a path that is not the percent-encoding of UTF-8.
    pub fn invalid_uri(path: &str) -> Self {
        Self::new(ErrorCode::InvalidURI, "Couldn't parse the specified URI.").with("URI", path)
    }

    /// 400 for a key of more than 1,024 bytes.
    pub fn key_too_long(bytes: usize) -> Self {
        Self::new(ErrorCode::KeyTooLongError, "Your key is too long")
            .with("Size", bytes.to_string())
            .with("MaxSizeAllowed", KEY_MAX_BYTES.to_string())
    }

    /// 400 about one parameter or header.
    pub fn invalid_argument(message: impl Into<std::borrow::Cow<'static, str>>, name: &str, value: &str) -> Self {
        Self::new(ErrorCode::InvalidArgument, message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    /// 400 about the request as a whole.
    pub fn invalid_request(message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// 405, with the methods that the resource does take.
    pub fn method_not_allowed(method: &str, resource: ResourceType, allow: &'static str) -> Self {
        Self::new(ErrorCode::MethodNotAllowed, "The specified method is not allowed against this resource.")
            .with("Method", method)
            .with("ResourceType", resource.as_str())
            .with_header("allow", allow)
    }

    /// 501 for a header, or a query parameter that names a sub-resource.
    pub fn not_implemented(header: &str) -> Self {
        Self::new(ErrorCode::NotImplemented, "A header you provided implies functionality that is not implemented")
            .with("Header", header)
    }

    /// 501 for a header whose value asks for more than S3 does with it.
    pub fn not_implemented_because(header: &str, additional_message: &str) -> Self {
        Self::not_implemented(header).with("additionalMessage", additional_message)
    }

    /// 400 for an `x-amz-acl` or grant that is more than a bucket with enforced ownership takes.
    pub fn access_control_list_not_supported() -> Self {
        Self::new(ErrorCode::AccessControlListNotSupported, "The bucket does not allow ACLs")
    }

    /// 400 for CreateBucket with such an `x-amz-acl` or grant.
    pub fn invalid_bucket_acl_with_object_ownership() -> Self {
        Self::new(
            ErrorCode::InvalidBucketAclWithObjectOwnership,
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )
    }

    /// 400 for PutBucketAcl or PutObjectAcl without any access control list.
    pub fn missing_security_header() -> Self {
        Self::new(ErrorCode::MissingSecurityHeader, "Your request was missing a required header")
            .with("MissingHeaderName", "x-amz-acl")
    }

    /// 400 for a body where a header has said everything.
    pub fn unexpected_content() -> Self {
        Self::new(ErrorCode::UnexpectedContent, "This request does not support content")
    }

    /// 400 for a document that is XML and no access control list.
    pub fn malformed_acl() -> Self {
        let message = "The ACL that you provided was not well formed or did not validate against our published schema.";
        Self::new(ErrorCode::MalformedACLError, message)
    }

    /// 400 for what is no policy of this bucket.
    pub fn malformed_policy(message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::MalformedPolicy, message)
    }

    /// 400 for a storage class that does not exist.
    pub fn invalid_storage_class(class: &str) -> Self {
        Self::new(ErrorCode::InvalidStorageClass, "The storage class you specified is not valid")
            .with("StorageClassRequested", class)
    }

    /// 400 for more user metadata than `max` bytes.
    pub fn metadata_too_large(size: usize, max: usize) -> Self {
        Self::new(ErrorCode::MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size")
            .with("Size", size.to_string())
            .with("MaxSizeAllowed", max.to_string())
    }
}

/// Tags.
impl S3Error {
    /// 400 for a key twice.
    pub fn repeated_tag(key: &str) -> Self {
        Self::new(ErrorCode::InvalidTag, "Cannot provide multiple Tags with the same key").with("TagKey", key)
    }

    /// 400 for a key that is empty, too long, or has other characters.
    pub fn invalid_tag_key(key: &str) -> Self {
        Self::new(ErrorCode::InvalidTag, "The TagKey you have provided is invalid").with("TagKey", key)
    }

    /// 400 for a value that is too long or has other characters.
    pub fn invalid_tag_value(value: &str) -> Self {
        Self::new(ErrorCode::InvalidTag, "The TagValue you have provided is invalid").with("TagValue", value)
    }

    /// 400 for a key that begins with `aws:`.
    pub fn system_tag() -> Self {
        Self::new(ErrorCode::InvalidTag, "System tags cannot be added/updated by requester")
    }

    /// 400 for more tags than S3 keeps.
    pub fn too_many_tags(message: &'static str) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }
}

/// Conditions and ranges.
impl S3Error {
    /// 412, naming the header whose condition failed.
    pub fn precondition_failed(condition: &str) -> Self {
        Self::new(ErrorCode::PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
            .with("Condition", condition)
    }

    /// 409 for a conditional write that another write overtook.
    pub fn conditional_request_conflict(condition: &str, key: &ObjectKey) -> Self {
        let message = "The conditional request cannot succeed due to a conflicting operation against this resource.";
        Self::new(ErrorCode::ConditionalRequestConflict, message).with("Condition", condition).with("Key", key.as_str())
    }

    /// 416, with the range as it was sent.
    pub fn invalid_range(requested: &str, object_size: u64) -> Self {
        Self::new(ErrorCode::InvalidRange, "The requested range is not satisfiable")
            .with("RangeRequested", requested)
            .with("ActualObjectSize", object_size.to_string())
            .with_header("content-range", format!("bytes */{object_size}"))
    }

    /// 416 for a part that the object does not have.
    pub fn invalid_part_number(requested: PartNumber, parts: u32) -> Self {
        Self::new(ErrorCode::InvalidPartNumber, "The requested partnumber is not satisfiable")
            .with("PartNumberRequested", requested.to_string())
            .with("ActualPartCount", parts.to_string())
    }
}

/// Bodies.
impl S3Error {
    /// 411.
    pub fn missing_content_length() -> Self {
        Self::new(ErrorCode::MissingContentLength, "You must provide the Content-Length HTTP header.")
    }

    /// 400 for a body that ended before its declared length.
    pub fn incomplete_body() -> Self {
        let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
        Self::new(ErrorCode::IncompleteBody, message)
    }

    /// 400 for a body that stopped arriving.
    pub fn request_timeout() -> Self {
        let message = "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.";
        Self::new(ErrorCode::RequestTimeout, message)
    }

    /// 400 for an empty body where one is needed.
    pub fn missing_request_body() -> Self {
        Self::new(ErrorCode::MissingRequestBodyError, "Request Body is empty")
    }

    /// 400. S3 answers 400, not 413.
    pub fn entity_too_large(proposed: u64, max: u64) -> Self {
        Self::new(ErrorCode::EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
            .with("ProposedSize", proposed.to_string())
            .with("MaxSizeAllowed", max.to_string())
    }

    /// 400 for a part, other than the last, below the minimum.
    pub fn entity_too_small(proposed: u64, min: u64, part: PartNumber, etag: &Etag) -> Self {
        Self::new(ErrorCode::EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
            .with("ProposedSize", proposed.to_string())
            .with("MinSizeAllowed", min.to_string())
            .with("PartNumber", part.to_string())
            .with("ETag", etag.as_str())
    }

    /// 400 for a `Content-MD5` that is not the base64 of 16 bytes.
    pub fn invalid_digest(content_md5: &str) -> Self {
        Self::new(ErrorCode::InvalidDigest, "The Content-MD5 you specified was invalid.")
            .with("Content-MD5", content_md5)
    }

    /// 400 for a body that has another MD5 than `Content-MD5` says. Both digests in base64.
    pub fn bad_content_md5(calculated: &str, expected: &str) -> Self {
        Self::new(ErrorCode::BadDigest, "The Content-MD5 you specified did not match what we received.")
            .with("CalculatedDigest", calculated)
            .with("ExpectedDigest", expected)
    }

    /// 400 for a body that has another checksum than was declared.
    pub fn bad_checksum(algorithm: ChecksumAlgorithm) -> Self {
        let message = format!("The {} you specified did not match the calculated checksum.", algorithm.as_str());
        Self::new(ErrorCode::BadDigest, message)
    }

    /// 400 for a body that has another SHA-256 than was signed. Both digests in hex.
    pub fn content_sha256_mismatch(declared: &str, computed: &str) -> Self {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        Self::new(ErrorCode::XAmzContentSHA256Mismatch, message)
            .with("ClientComputedContentSHA256", declared)
            .with("S3ComputedContentSHA256", computed)
    }

    /// 400 for an aws-chunked chunk, other than the last, below 8 KiB.
    pub fn invalid_chunk_size(chunk: u64, size: u64) -> Self {
        let message = "Only the last chunk is allowed to have a size less than 8192 bytes";
        Self::new(ErrorCode::InvalidChunkSizeError, message)
            .with("Chunk", chunk.to_string())
            .with("BadChunkSize", size.to_string())
    }

    /// 400 for a trailer that cannot be read, or lacks what `x-amz-trailer` announced.
    pub fn malformed_trailer() -> Self {
        let message =
            "The request contained trailing data that was not well-formed or did not conform to our published schema.";
        Self::new(ErrorCode::MalformedTrailerError, message)
    }

    /// 400.
    pub fn malformed_xml() -> Self {
        let message = "The XML you provided was not well-formed or did not validate against our published schema";
        Self::new(ErrorCode::MalformedXML, message)
    }

    /// 400 for an XML body above its limit.
    pub fn xml_too_large(max: usize) -> Self {
        Self::new(ErrorCode::MaxMessageLengthExceeded, "Your request was too big.")
            .with("MaxMessageLengthBytes", max.to_string())
    }

    /// 400 for a part named at completion that is not there, or has another tag or checksum.
    pub fn invalid_part(upload_id: &str, part: PartNumber, etag: &str) -> Self {
        let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.";
        Self::new(ErrorCode::InvalidPart, message)
            .with("UploadId", upload_id)
            .with("PartNumber", part.to_string())
            .with("ETag", etag)
    }

    /// 400 for parts named at completion out of order.
    pub fn invalid_part_order(upload_id: &str) -> Self {
        let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
        Self::new(ErrorCode::InvalidPartOrder, message).with("UploadId", upload_id)
    }
}

/// The store itself.
impl S3Error {
    /// 500.
    pub fn internal() -> Self {
        Self::new(ErrorCode::InternalError, "We encountered an internal error. Please try again.")
    }

    /// 503: the request may be repeated later.
    pub fn service_unavailable() -> Self {
        Self::new(ErrorCode::ServiceUnavailable, "Service is unable to handle request.")
    }

    /// 503: there is no room for what the request would write. It may be repeated when there is.
    pub fn disk_full() -> Self {
        Self::new(
            ErrorCode::ServiceUnavailable,
            "The disk of this store is full. Reads and deletes go on; writes are taken again when there is space.",
        )
        .with_header("Retry-After", Self::RETRY_AFTER_FULL_SECONDS.to_string())
    }

    /// How many seconds a client is asked to wait for space.
    pub const RETRY_AFTER_FULL_SECONDS: u32 = 30;

    /// 503: the request may be repeated more slowly.
    pub fn slow_down() -> Self {
        Self::new(ErrorCode::SlowDown, "Please reduce your request rate.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_document_has_code_message_elements_and_ids_in_this_order() {
        let error = S3Error::invalid_range("bytes=9-", 4);
        assert_eq!(error.status(), 416);
        assert_eq!(
            error.to_xml("REQ", "HOST"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidRange</Code>\
             <Message>The requested range is not satisfiable</Message><RangeRequested>bytes=9-</RangeRequested>\
             <ActualObjectSize>4</ActualObjectSize><RequestId>REQ</RequestId><HostId>HOST</HostId></Error>"
        );
        assert_eq!(error.headers(), [("content-range", "bytes */4".to_owned())]);
    }

    #[test]
    fn text_in_an_error_is_escaped() {
        let key = ObjectKey::parse("<a>&\"b\"\r\n\u{1}").unwrap();
        let xml = S3Error::no_such_key(&key).to_xml("r", "h");
        assert!(xml.contains("<Key>&lt;a&gt;&amp;&quot;b&quot;&#xD;\n&#x1;</Key>"), "{xml}");
    }

    #[test]
    fn tokens_are_never_echoed() {
        for error in [S3Error::invalid_token(), S3Error::expired_token()] {
            assert_eq!(error.status(), 400);
            assert_eq!(error.element("Token-0"), Some("[redacted]"));
        }
    }

    #[test]
    fn an_early_request_names_its_date_in_milliseconds() {
        let date = "2016-09-09T10:09:35Z".parse().unwrap();
        let error = S3Error::request_not_yet_valid(date, date, date);
        assert_eq!(error.element("X-Amz-Date"), Some("1473415775000"));
        assert_eq!(error.element("ServerTime"), Some("2016-09-09T10:09:35Z"));
    }
}
