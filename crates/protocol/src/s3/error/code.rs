//! The codes and their statuses.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal,)*) => {
        /// What S3 calls the error. The name of a variant is the text of `<Code>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [ErrorCode] = &[$(Self::$name,)*];

            /// The text of `<Code>`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

codes! {
    /// The bucket has object ownership "bucket owner enforced", so it takes no access control lists.
    AccessControlListNotSupported = 400,
    /// The request is not allowed, or has expired, or carries unsigned headers.
    AccessDenied = 403,
    /// No CORS rule allows the request.
    AccessForbidden = 403,
    /// The `Authorization` header cannot be read.
    AuthorizationHeaderMalformed = 400,
    /// The signature parameters of the query cannot be read.
    AuthorizationQueryParametersError = 400,
    /// The body does not have the digest that was declared.
    BadDigest = 400,
    /// A preflight request cannot be read.
    BadRequest = 400,
    /// Somebody else owns a bucket of this name.
    BucketAlreadyExists = 409,
    /// The caller owns a bucket of this name.
    BucketAlreadyOwnedByYou = 409,
    /// A bucket with objects in it cannot be deleted.
    BucketNotEmpty = 409,
    /// A concurrent write decided the condition of this one.
    ConditionalRequestConflict = 409,
    /// The body, or the object it would make, is too large.
    EntityTooLarge = 400,
    /// A part other than the last is too small.
    EntityTooSmall = 400,
    /// The session token has expired.
    ExpiredToken = 400,
    /// A bucket cannot be created in that region from here.
    IllegalLocationConstraintException = 400,
    /// A document about versions that says nothing.
    IllegalVersioningConfigurationException = 400,
    /// The body ended early.
    IncompleteBody = 400,
    /// The store failed.
    InternalError = 500,
    /// No such access key.
    InvalidAccessKeyId = 403,
    /// A parameter or header has an unusable value.
    InvalidArgument = 400,
    /// A bucket that is made with an access control list, though its owner owns everything in it.
    InvalidBucketAclWithObjectOwnership = 400,
    /// The bucket name breaks the naming rules.
    InvalidBucketName = 400,
    /// A chunk other than the last is too small.
    InvalidChunkSizeError = 400,
    /// `Content-MD5` is not the base64 of an MD5.
    InvalidDigest = 400,
    /// No such region.
    InvalidLocationConstraint = 400,
    /// A part named at completion does not exist or has another tag.
    InvalidPart = 400,
    /// The object has no part of this number.
    InvalidPartNumber = 416,
    /// The parts named at completion are not in ascending order.
    InvalidPartOrder = 400,
    /// The policy of a form cannot be read.
    InvalidPolicyDocument = 400,
    /// No byte of the object lies in the range.
    InvalidRange = 416,
    /// The request contradicts itself.
    InvalidRequest = 400,
    /// No such storage class.
    InvalidStorageClass = 400,
    /// A tag has a key or value that no tag may have.
    InvalidTag = 400,
    /// The session token cannot be read or belongs to another key.
    InvalidToken = 400,
    /// The path cannot be decoded.
    InvalidURI = 400,
    /// The key has more than 1,024 bytes.
    KeyTooLongError = 400,
    /// The body is no access control list.
    MalformedACLError = 400,
    /// The policy of a bucket cannot be read, or says what no policy may.
    MalformedPolicy = 400,
    /// The body of a form is not multipart/form-data.
    MalformedPOSTRequest = 400,
    /// The trailer of an aws-chunked body cannot be read.
    MalformedTrailerError = 400,
    /// The body is not the XML that the operation wants.
    MalformedXML = 400,
    /// The XML body is too large.
    MaxMessageLengthExceeded = 400,
    /// A form has too much before its file.
    MaxPostPreDataLengthExceeded = 400,
    /// The user metadata has more than 2 KiB.
    MetadataTooLarge = 400,
    /// The method means nothing for this resource.
    MethodNotAllowed = 405,
    /// The length of the body is not declared.
    MissingContentLength = 411,
    /// The operation needs a body.
    MissingRequestBodyError = 400,
    /// The request names no access control list.
    MissingSecurityHeader = 400,
    /// No such bucket.
    NoSuchBucket = 404,
    /// The bucket has no policy.
    NoSuchBucketPolicy = 404,
    /// The bucket has no configuration of this id.
    NoSuchConfiguration = 404,
    /// The bucket has no CORS configuration.
    NoSuchCORSConfiguration = 404,
    /// No such object.
    NoSuchKey = 404,
    /// The bucket has no lifecycle rules.
    NoSuchLifecycleConfiguration = 404,
    /// The bucket has no public access block.
    NoSuchPublicAccessBlockConfiguration = 404,
    /// The bucket has no tags.
    NoSuchTagSet = 404,
    /// No such multipart upload.
    NoSuchUpload = 404,
    /// No such version of the object.
    NoSuchVersion = 404,
    /// The bucket is no website.
    NoSuchWebsiteConfiguration = 404,
    /// The request asks for something that this store does not do.
    NotImplemented = 501,
    /// The bucket has no object lock.
    ObjectLockConfigurationNotFoundError = 404,
    /// The bucket has no ownership controls.
    OwnershipControlsNotFoundError = 404,
    /// The bucket lives at another endpoint.
    PermanentRedirect = 301,
    /// A condition of the request does not hold.
    PreconditionFailed = 412,
    /// The bucket is not replicated.
    ReplicationConfigurationNotFoundError = 404,
    /// The clocks of client and store differ too much.
    RequestTimeTooSkewed = 403,
    /// The body did not arrive in time.
    RequestTimeout = 400,
    /// The bucket encrypts nothing.
    ServerSideEncryptionConfigurationNotFoundError = 404,
    /// The store cannot serve the request now.
    ServiceUnavailable = 503,
    /// The signature is not that of the request.
    SignatureDoesNotMatch = 403,
    /// Too many requests.
    SlowDown = 503,
    /// The request has a body beside a header that stands in its place.
    UnexpectedContent = 400,
    /// The body does not have the declared SHA-256.
    XAmzContentSHA256Mismatch = 400,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By status, after "Error responses" of the API reference. Written down a second time, because a status that slips
    /// changes what clients retry.
    const STATUSES: &[(u16, &str)] = &[
        (301, "PermanentRedirect"),
        (
            400,
            "AccessControlListNotSupported AuthorizationHeaderMalformed \
             AuthorizationQueryParametersError BadDigest BadRequest EntityTooLarge EntityTooSmall \
             ExpiredToken IllegalLocationConstraintException IllegalVersioningConfigurationException IncompleteBody InvalidArgument \
             InvalidBucketAclWithObjectOwnership InvalidBucketName InvalidChunkSizeError InvalidDigest InvalidLocationConstraint \
             InvalidPart InvalidPartOrder InvalidPolicyDocument InvalidRequest InvalidStorageClass \
             InvalidTag InvalidToken InvalidURI KeyTooLongError MalformedACLError MalformedPOSTRequest MalformedPolicy \
             MalformedTrailerError MalformedXML MaxMessageLengthExceeded MaxPostPreDataLengthExceeded \
             MetadataTooLarge MissingRequestBodyError MissingSecurityHeader RequestTimeout \
             UnexpectedContent XAmzContentSHA256Mismatch",
        ),
        (403, "AccessDenied AccessForbidden InvalidAccessKeyId RequestTimeTooSkewed SignatureDoesNotMatch"),
        (
            404,
            "NoSuchBucket NoSuchBucketPolicy NoSuchCORSConfiguration NoSuchConfiguration NoSuchKey \
             NoSuchPublicAccessBlockConfiguration NoSuchLifecycleConfiguration NoSuchTagSet NoSuchUpload NoSuchVersion NoSuchWebsiteConfiguration \
             ObjectLockConfigurationNotFoundError OwnershipControlsNotFoundError \
             ReplicationConfigurationNotFoundError ServerSideEncryptionConfigurationNotFoundError",
        ),
        (405, "MethodNotAllowed"),
        (409, "BucketAlreadyExists BucketAlreadyOwnedByYou BucketNotEmpty ConditionalRequestConflict"),
        (411, "MissingContentLength"),
        (412, "PreconditionFailed"),
        (416, "InvalidPartNumber InvalidRange"),
        (500, "InternalError"),
        (501, "NotImplemented"),
        (503, "ServiceUnavailable SlowDown"),
    ];

    #[test]
    fn every_code_has_its_status() {
        let mut expected: Vec<(&str, u16)> =
            STATUSES.iter().flat_map(|(status, codes)| codes.split_whitespace().map(|code| (code, *status))).collect();
        expected.sort_unstable();
        let mut found: Vec<_> = ErrorCode::ALL.iter().map(|code| (code.as_str(), code.status())).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}
