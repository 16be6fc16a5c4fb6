//! AWS Signature Version 2, checked where it must be and made nowhere: botocore still presigns with it in the regions
//! that take it, so a test double of S3 may be asked to.
//!
//! It is off unless [`Expectations::schemes`](crate::sigv4::verify::Expectations::schemes) has it, and should stay off,
//! for it leaves unsigned:
//!
//! - the **host**: a URL works at every name of the bucket;
//! - every **query parameter** that is neither a sub-resource, a `response-*` override nor a header in disguise (`x-amz-*`,
//!   `content-type`, `content-md5`): `prefix`, `max-keys`, `marker`, anything of the caller's own can be added and changed;
//! - the headers `Range`, `If-*`, `Cache-Control`, `Content-Disposition`, and all others but `Content-MD5`,
//!   `Content-Type`, `Date` and `x-amz-*`;
//! - the **body**, unless there is a `Content-MD5`;
//! - where one parameter ends and the next begins: `response-content-type=a%26versionId%3D1` and
//!   `response-content-type=a&versionId=1` make the same string;
//! - **how long** it may live: `Expires` is a date without an upper bound, and no signing time is known, so that a rule
//!   about a signature's age cannot reach it.
//!
//! Unlike SigV4 it signs the path literally, as it was sent: `%2f` and `%2F` are two (AWS: "Signing and authenticating
//! REST requests"). The digest is HMAC-SHA1, whose key is the secret itself.

mod resource;
mod signature;
mod string_to_sign;

pub(crate) use self::signature::Signature;
pub(crate) use self::string_to_sign::{When, signed_headers, string_to_sign};

/// The query parameters that carry a signature. They are case-sensitive, and where there is one, all must be.
pub(crate) mod parameter {
    pub(crate) const ACCESS_KEY_ID: &str = "AWSAccessKeyId";
    pub(crate) const EXPIRES: &str = "Expires";
    pub(crate) const SIGNATURE: &str = "Signature";
}
