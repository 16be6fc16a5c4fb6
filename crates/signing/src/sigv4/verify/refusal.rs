//! Why a request is refused: a reason without data, which tests and mappings compare, and beside it the values that
//! AWS's error documents show.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::sigv4::scope::Region;
use crate::time::AmzDate;

/// Where the signature stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// In the query: a signed URL.
    Query,
    /// In the `Authorization` header.
    Header,
}

/// One rule that a request broke. Where both mechanisms know the rule, [`Refusal::mechanism`] says which one spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// The request target does not decode: a broken escape, bytes that are not UTF-8, or no leading slash.
    #[error("the request target cannot be decoded")]
    TargetMalformed,
    /// The request target is longer than [`Target::MAX_BYTES`](crate::request::Target::MAX_BYTES).
    #[error("the request target is too long")]
    TargetTooLong,
    /// More than [`Query::MAX_PARAMETERS`](crate::request::Query::MAX_PARAMETERS).
    #[error("the query has too many parameters")]
    TooManyParameters,
    /// More than [`MAX_HEADERS`](super::MAX_HEADERS) lines or [`MAX_HEADER_BYTES`](super::MAX_HEADER_BYTES) bytes.
    #[error("the request has too many headers, or too long ones")]
    HeadersTooLarge,
    /// A header that must be single stands there twice. Details: [`Details::Argument`].
    #[error("a header that must be single is repeated")]
    HeaderRepeated,
    /// Signature Version 2, in the query or in the header.
    #[error("signature version 2 is not supported; use AWS4-HMAC-SHA256 (boto3: signature_version=\"s3v4\")")]
    SigV2,
    /// A SigV2 URL without one of `AWSAccessKeyId`, `Expires` and `Signature`.
    #[error("a mandatory parameter of signature version 2 is missing")]
    SigV2ParameterMissing,
    /// `Expires` of a SigV2 URL is not a number of seconds. Details: [`Details::Received`].
    #[error("the end of the URL is not a number of seconds since 1970")]
    SigV2ExpiresMalformed,
    /// `AWSAccessKeyId` of a SigV2 URL has characters that no access key has. Details: [`Details::Received`].
    #[error("the access key id is malformed")]
    SigV2AccessKeyIdMalformed,
    /// The `Authorization` header of SigV2 is not `AWS AKID:signature`. Details: [`Details::Argument`].
    #[error("the authorization header of signature version 2 is malformed")]
    SigV2AuthorizationMalformed,
    /// A signature in the query and an `Authorization` header. Details: [`Details::Argument`].
    #[error("only one authentication mechanism is allowed")]
    TwoMechanisms,
    /// An `Authorization` header of another scheme. Details: [`Details::Argument`].
    #[error("the authorization type is not supported")]
    AuthorizationType,
    /// No space after the scheme. Details: [`Details::Argument`].
    #[error("the authorization header has no space after its scheme")]
    AuthorizationSpacing,
    /// Not exactly `Credential`, `SignedHeaders` and `Signature`.
    #[error("the authorization header does not have its three components")]
    AuthorizationComponents,
    /// The first component is not `Credential`.
    #[error("the authorization header has no credential")]
    CredentialMissing,
    /// The second component is not `SignedHeaders`.
    #[error("the authorization header has no list of signed headers")]
    SignedHeadersMissing,
    /// The third component is not `Signature`.
    #[error("the authorization header has no signature")]
    SignatureMissing,
    /// A mandatory query parameter is missing.
    #[error("a mandatory authentication parameter is missing")]
    ParameterMissing,
    /// An authentication parameter is repeated. Details: [`Details::Argument`].
    #[error("an authentication parameter is repeated")]
    ParameterRepeated,
    /// `X-Amz-Algorithm` is not `AWS4-HMAC-SHA256`.
    #[error("the algorithm is not supported")]
    Algorithm,
    /// The credential is not `AKID/date/region/service/aws4_request`.
    #[error("the credential is malformed")]
    CredentialMalformed,
    /// Another service. Details: [`Details::Received`].
    #[error("the credential is for another service")]
    CredentialService,
    /// The scope does not end in `aws4_request`. Details: [`Details::Received`].
    #[error("the credential has another terminal than aws4_request")]
    CredentialTerminal,
    /// The date of the scope is not `yyyyMMdd`. Details: [`Details::Received`].
    #[error("the date of the credential is malformed")]
    CredentialDate,
    /// Another region. Details: [`Details::Region`].
    #[error("the credential is for another region")]
    CredentialRegion,
    /// A SigV4a request without `X-Amz-Region-Set`.
    #[error("the region set is missing")]
    RegionSetMissing,
    /// `X-Amz-Region-Set` is neither `*` nor a list of regions.
    #[error("the region set is malformed")]
    RegionSetMalformed,
    /// The SigV4a signature is for other regions. Details: [`Details::Region`].
    #[error("the signature is for other regions")]
    RegionSetElsewhere,
    /// Neither `x-amz-date` nor `date`.
    #[error("the request has no date")]
    DateMissing,
    /// The date is in no format that AWS reads.
    #[error("the date of the request is malformed")]
    DateMalformed,
    /// The date of the scope is not that of the request. Details: [`Details::Dates`].
    #[error("the date of the credential is not the date of the request")]
    DateMismatch,
    /// `X-Amz-Expires` is not a whole number.
    #[error("the lifetime is not a number")]
    ExpiresNotANumber,
    /// `X-Amz-Expires` is below zero.
    #[error("the lifetime is negative")]
    ExpiresNegative,
    /// `X-Amz-Expires` is more than seven days.
    #[error("the lifetime is longer than seven days")]
    ExpiresTooLong,
    /// The URL has expired. Details: [`Details::Lifetime`], or [`Details::Ended`] with SigV2.
    #[error("the request has expired")]
    Expired,
    /// The URL was signed too far in the future. Details: [`Details::Lifetime`].
    #[error("the request is not yet valid")]
    NotYetValid,
    /// The clocks differ too much. Details: [`Details::Skew`].
    #[error("the time of the request differs too much from the server's")]
    TimeSkewed,
    /// The list of signed headers is empty, not lower-case, not sorted, or repeats a name.
    #[error("the list of signed headers is malformed")]
    SignedHeadersMalformed,
    /// `host` is not among the signed headers.
    #[error("the host header is not signed")]
    HostNotSigned,
    /// The session token has characters that no token has.
    #[error("the session token is malformed")]
    SessionTokenMalformed,
    /// No `x-amz-content-sha256` on a request signed in its header.
    #[error("the header x-amz-content-sha256 is missing")]
    ContentSha256Missing,
    /// `x-amz-content-sha256` has a value that does not fit the request. Details: [`Details::Argument`].
    #[error("the value of x-amz-content-sha256 is not valid")]
    ContentSha256Invalid,
    /// `x-amz-*` headers arrived unsigned. Details: [`Details::HeadersNotSigned`].
    #[error("there were headers present in the request which were not signed")]
    HeadersNotSigned,
    /// The signature is another. Details: [`Details::Mismatch`].
    #[error("the signature does not match")]
    SignatureMismatch,
}

/// A request refused before anything was read or written.
#[derive(Clone, Debug)]
pub struct Refusal {
    reason: Reason,
    mechanism: Option<Mechanism>,
    details: Box<Details>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, mechanism: impl Into<Option<Mechanism>>, details: Details) -> Self {
        Self { reason, mechanism: mechanism.into(), details: Box::new(details) }
    }

    pub(crate) fn plain(reason: Reason, mechanism: impl Into<Option<Mechanism>>) -> Self {
        Self::new(reason, mechanism, Details::None)
    }

    /// The rule that was broken.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Which mechanism was being read; `None` where the request broke before that was known.
    #[must_use]
    pub fn mechanism(&self) -> Option<Mechanism> {
        self.mechanism
    }

    /// The values that AWS's error document shows.
    #[must_use]
    pub fn details(&self) -> &Details {
        &self.details
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// The values beside a [`Reason`].
#[derive(Clone, Debug)]
pub enum Details {
    /// The reason says it all.
    None,
    /// The part of the credential that is wrong, as it was sent.
    Received(String),
    /// The region that was sent and the one that is served.
    Region {
        /// As sent; of a region set the whole list.
        received: String,
        /// As configured.
        expected: Region,
    },
    /// The two dates that should be one.
    Dates {
        /// `yyyyMMdd` of the credential.
        credential: String,
        /// The date of the request, as it was sent.
        request: String,
    },
    /// The life of a signed URL.
    Lifetime {
        /// When it was signed.
        signed_at: AmzDate,
        /// `X-Amz-Expires`.
        seconds: u64,
        /// The end of it.
        expires_at: Timestamp,
        /// The time of this check.
        server_time: Timestamp,
    },
    /// The end of a SigV2 URL, which does not tell when it was signed.
    Ended {
        /// `Expires`.
        expires_at: Timestamp,
        /// The time of this check.
        server_time: Timestamp,
    },
    /// The two clocks.
    Skew {
        /// The date of the request, as it was sent.
        request_time: String,
        /// The time of this check.
        server_time: Timestamp,
        /// The difference that is tolerated.
        max_allowed: SignedDuration,
    },
    /// Lower-case names, joined by `", "`.
    HeadersNotSigned(String),
    /// `ArgumentName` and `ArgumentValue`.
    Argument {
        /// The header or parameter.
        name: &'static str,
        /// What was sent.
        value: Echo,
    },
    /// Both sides of a signature that does not match.
    Mismatch(Mismatch),
}

/// A text that is echoed to the client who sent it, and to nobody else: it may hold a signature or a token.
#[derive(Clone)]
pub struct Echo(pub(crate) String);

impl Echo {
    /// The text, for the answer to its sender.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What a client needs to find out why its signature does not match. For the answer to its sender only.
#[derive(Clone)]
pub struct Mismatch {
    pub(crate) access_key_id: String,
    pub(crate) string_to_sign: String,
    pub(crate) signature_provided: String,
    pub(crate) canonical_request: Vec<u8>,
}

impl Mismatch {
    /// The access key that signed.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The string to sign as the verifier made it.
    #[must_use]
    pub fn string_to_sign(&self) -> &str {
        &self.string_to_sign
    }

    /// The signature as it was sent.
    #[must_use]
    pub fn signature_provided(&self) -> &str {
        &self.signature_provided
    }

    /// The canonical request as the verifier made it; empty with SigV2, which has none. Bytes, since header values need
    /// not be UTF-8.
    #[must_use]
    pub fn canonical_request(&self) -> &[u8] {
        &self.canonical_request
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mismatch").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
