//! AWS Signature Version 4, with the rules of S3: the path is encoded once and never normalised, the payload of a
//! signed URL is `UNSIGNED-PAYLOAD`, and every `x-amz-*` header must be signed.
//!
//! [`presign`] and [`header`] make signatures, [`verify`] checks them, and [`canonical`](self) bytes come from one place
//! for all three. [`chunked`] makes and checks `aws-chunked` bodies and their chain of signatures.

mod canonical;
pub mod chunked;
pub mod header;
mod key;
pub mod presign;
mod scope;
pub mod verify;

pub use key::{KeyCache, Signature};
pub use scope::{Region, RegionError, Scope, ServiceName};

/// The one algorithm.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of every credential scope.
pub(crate) const TERMINAL: &str = "aws4_request";
/// The payload line of a request whose body is not covered.
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The names of the query parameters that carry a signature. They are case-sensitive.
pub(crate) mod parameter {
    pub(crate) const ALGORITHM: &str = "X-Amz-Algorithm";
    pub(crate) const CONTENT_SHA256: &str = "X-Amz-Content-Sha256";
    pub(crate) const CREDENTIAL: &str = "X-Amz-Credential";
    pub(crate) const DATE: &str = "X-Amz-Date";
    pub(crate) const EXPIRES: &str = "X-Amz-Expires";
    pub(crate) const REGION_SET: &str = "X-Amz-Region-Set";
    pub(crate) const SECURITY_TOKEN: &str = "X-Amz-Security-Token";
    pub(crate) const SIGNATURE: &str = "X-Amz-Signature";
    pub(crate) const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";

    /// A request with any of these means to be signed in its query, and then needs all of them.
    pub(crate) const MANDATORY: [&str; 6] = [ALGORITHM, CREDENTIAL, SIGNATURE, DATE, SIGNED_HEADERS, EXPIRES];
    /// Those that say how to verify; none may repeat.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Authentication {
        Algorithm,
        Credential,
        Signature,
        Date,
        SignedHeaders,
        Expires,
        SecurityToken,
        ContentSha256,
        RegionSet,
    }

    impl Authentication {
        pub(crate) const COUNT: usize = Self::RegionSet as usize + 1;

        /// Few names are as long as another, so that few are compared.
        #[inline]
        pub(crate) fn named(name: &str) -> Option<Self> {
            Some(match name {
                ALGORITHM => Self::Algorithm,
                CREDENTIAL => Self::Credential,
                SIGNATURE => Self::Signature,
                DATE => Self::Date,
                SIGNED_HEADERS => Self::SignedHeaders,
                EXPIRES => Self::Expires,
                SECURITY_TOKEN => Self::SecurityToken,
                CONTENT_SHA256 => Self::ContentSha256,
                REGION_SET => Self::RegionSet,
                _ => return None,
            })
        }

        pub(crate) const fn name(self) -> &'static str {
            match self {
                Self::Algorithm => ALGORITHM,
                Self::Credential => CREDENTIAL,
                Self::Signature => SIGNATURE,
                Self::Date => DATE,
                Self::SignedHeaders => SIGNED_HEADERS,
                Self::Expires => EXPIRES,
                Self::SecurityToken => SECURITY_TOKEN,
                Self::ContentSha256 => CONTENT_SHA256,
                Self::RegionSet => REGION_SET,
            }
        }
    }
}
