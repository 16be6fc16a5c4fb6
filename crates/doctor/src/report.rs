//! What an explanation consists of, and how it reads as JSON.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// An explanation of one request.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How the request is signed.
    pub kind: Kind,
    /// The URL in its parts, decoded and redacted.
    pub url: UrlParts,
    /// What a store computes the signature of; `null` where the signature cannot be read that far.
    pub signed: Option<Signed>,
    /// What is wrong, the most likely first.
    pub findings: Vec<Finding>,
    /// What was looked at, for the case that nothing was found.
    pub checked: Vec<&'static str>,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// SigV4 in the query: a presigned URL.
    Sigv4Query,
    /// SigV4 in the `Authorization` header.
    Sigv4Header,
    /// SigV4a in the query.
    Sigv4aQuery,
    /// SigV4a in the `Authorization` header.
    Sigv4aHeader,
    /// SigV2 in the query.
    Sigv2Query,
    /// SigV2 in the `Authorization` header.
    Sigv2Header,
    /// A form with a POST policy.
    PostPolicy,
    /// A CloudFront signed URL.
    CloudfrontUrl,
    /// A URL with CloudFront's signed cookies.
    CloudfrontCookies,
    /// No signature was found.
    Unsigned,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sigv4Query => "an S3 URL presigned with SigV4",
            Self::Sigv4Header => "an S3 request signed with SigV4 in its header",
            Self::Sigv4aQuery => "an S3 URL presigned with SigV4a",
            Self::Sigv4aHeader => "an S3 request signed with SigV4a in its header",
            Self::Sigv2Query => "an S3 URL presigned with SigV2",
            Self::Sigv2Header => "an S3 request signed with SigV2 in its header",
            Self::PostPolicy => "an S3 form upload with a POST policy",
            Self::CloudfrontUrl => "a CloudFront signed URL",
            Self::CloudfrontCookies => "a URL with CloudFront's signed cookies",
            Self::Unsigned => "a URL without a signature",
        })
    }
}

/// A URL in its parts. Signatures, tokens and keys are redacted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UrlParts {
    /// The whole URL.
    pub redacted: String,
    /// The method of the request, where it is known.
    pub method: Option<String>,
    /// `http` or `https`.
    pub scheme: String,
    /// Host and port, as written.
    pub host: String,
    /// The path, as written.
    pub path: String,
    /// The bucket, as far as host and path tell.
    pub bucket: Option<String>,
    /// The key, decoded once.
    pub key: Option<String>,
    /// The parameters, decoded, in order.
    pub query: Vec<Parameter>,
    /// The public half of the credentials that signed, or CloudFront's key id.
    pub access_key_id: Option<String>,
    /// The region of the scope.
    pub region: Option<String>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// The last moment at which it is valid.
    pub expires_at: Option<Timestamp>,
    /// The headers that are signed.
    pub signed_headers: Vec<String>,
    /// The policy of a form or of CloudFront, decoded.
    pub policy: Option<String>,
}

/// A decoded parameter of the query, redacted.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The value, or `[redacted]`.
    pub value: String,
}

/// The two texts between a request and its signature, redacted.
#[derive(Clone, Debug, Serialize)]
pub struct Signed {
    /// The canonical request of SigV4; `null` in schemes that have none.
    pub canonical_request: Option<String>,
    /// The text that is signed.
    pub string_to_sign: String,
}

/// One cause.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Which.
    pub id: Cause,
    /// How bad it is.
    pub severity: Severity,
    /// What shows it.
    pub evidence: String,
    /// What to do.
    pub fix: String,
    #[serde(skip)]
    pub(crate) likelihood: Likelihood,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The request fails by this.
    Error,
    /// It may be this: the evidence does not decide.
    Warning,
    /// The request does not fail by this, and does not do what it seems to.
    Note,
}

/// How sure a finding is; decides the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likelihood {
    /// The signature was computed again with it, and matches.
    Proven,
    /// The server says so.
    Stated,
    /// It stands in the request, and is enough to make it fail.
    Evident,
    /// It stands in the request, and usually makes it fail.
    Likely,
    /// It fits what is known.
    Possible,
    /// Left when nothing else is.
    LastResort,
    /// Worth knowing, whatever the request fails by.
    Remark,
}

impl Finding {
    pub(crate) fn new(id: Cause, likelihood: Likelihood, evidence: impl Into<String>, fix: impl Into<String>) -> Self {
        let severity = match likelihood {
            Likelihood::Proven | Likelihood::Stated | Likelihood::Evident => Severity::Error,
            Likelihood::Likely | Likelihood::Possible | Likelihood::LastResort => Severity::Warning,
            Likelihood::Remark => Severity::Note,
        };
        Self { id, severity, evidence: evidence.into(), fix: fix.into(), likelihood }
    }
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $id:literal,)*) => {
        /// Why a request fails. The ids are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause { $($(#[$doc])* $name,)* }

        impl Cause {
            /// Every cause.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The id, as `expired`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }
        }
    };
}

causes! {
    /// Its time is over.
    Expired = "expired",
    /// It was signed with a date in the future.
    NotYetValid = "not_yet_valid",
    /// The clocks of client and server differ too much.
    ClockSkew = "clock_skew",
    /// The temporary credentials that signed have ended.
    CredentialsExpired = "credentials_expired",
    /// A lifetime of more than seven days.
    ExpiresTooLong = "expires_too_long",
    /// Signed for another region than the bucket's.
    RegionMismatch = "region_mismatch",
    /// Signed for another host than the one that was asked.
    HostMismatch = "host_mismatch",
    /// Signed for, or pointing to, an endpoint that only works inside.
    PublicEndpoint = "public_endpoint",
    /// The bucket stands in the host where it should be in the path, or the other way round.
    AddressingStyle = "addressing_style",
    /// The key was percent-encoded twice.
    DoubleEncodedKey = "double_encoded_key",
    /// The key was decoded after signing.
    DecodedKey = "decoded_key",
    /// A plus sign stands where a space is meant.
    PlusForSpace = "plus_for_space",
    /// Used with another method than it was signed for.
    MethodMismatch = "method_mismatch",
    /// A signed header is missing, or has another value.
    SignedHeaderMismatch = "signed_header_mismatch",
    /// An `x-amz-*` header was sent that is not signed.
    UnsignedHeader = "unsigned_header",
    /// A header was moved into the query, where S3 ignores it.
    HoistedIgnored = "hoisted_ignored",
    /// The checksum of an empty body was signed into the URL.
    EmptyBodyChecksum = "empty_body_checksum",
    /// Two signatures, or a signature and an `Authorization` header.
    TwoMechanisms = "two_mechanisms",
    /// SigV2, which is refused.
    Sigv2Refused = "sigv2_refused",
    /// The URL was taken from HTML with its `&amp;`.
    HtmlEscaped = "html_escaped",
    /// A part of the URL is missing.
    Truncated = "truncated",
    /// The query was changed after signing.
    QueryModified = "query_modified",
    /// Signed with another secret than the access key's.
    WrongSecret = "wrong_secret",
    /// The server does not know the access key.
    UnknownKey = "unknown_key",
    /// There is no such object.
    NoSuchKey = "no_such_key",
    /// The bucket is served by another endpoint.
    PermanentRedirect = "permanent_redirect",
    /// The object needs the headers of customer-provided keys.
    SsecHeadersMissing = "ssec_headers_missing",
    /// An object encrypted with KMS needs SigV4.
    KmsNeedsSigv4 = "kms_needs_sigv4",
    /// A field of the form breaks a condition of the policy.
    PolicyConditionFailed = "policy_condition_failed",
    /// A field of the form is in no condition of the policy.
    PolicyExtraField = "policy_extra_field",
    /// The policy of the form is not the text that was signed.
    PolicyModified = "policy_modified",
    /// The policy of the form has expired.
    PolicyExpired = "policy_expired",
    /// CloudFront refuses: signature, resource, address or time.
    CloudfrontDenied = "cloudfront_denied",
    /// CloudFront cannot read the policy.
    CloudfrontMalformedPolicy = "cloudfront_malformed_policy",
    /// CloudFront does not know the key, or no key is named.
    CloudfrontUnknownKey = "cloudfront_unknown_key",
    /// The signature is right, and whoever signed is not allowed to.
    AccessDeniedByPolicy = "access_denied_by_policy",
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
