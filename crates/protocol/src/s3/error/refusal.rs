//! What a refused signature, or a refused aws-chunked body, becomes: AWS's status, code, message and elements.

use gatepass_signing::sigv4::chunked::ChunkError;
use gatepass_signing::sigv4::verify::{Details, Mechanism, Reason, Refusal};

use super::mismatch::{BAD_SIGNATURE, signature_does_not_match};
use super::{ErrorCode, S3Error};

const QUERY_PARAMETERS: &str = "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
const MALFORMED_HEADER: &str = "The authorization header is malformed; ";
const MALFORMED_CREDENTIAL: &str = "Error parsing the X-Amz-Credential parameter; ";
const NO_DATE: &str = "AWS authentication requires a valid Date or x-amz-date header";
pub(super) const SIGV2: &str =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
const SIGV2_PARAMETERS: &str =
    "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
/// An element of our own: boto3 presigns with version 2 in us-east-1 unless told otherwise, and its users should not
/// have to find out.
pub(super) const SIGV2_HINT: &str =
    "Signature Version 2 is not supported; in boto3 set Config(signature_version=\"s3v4\")";

impl From<Refusal> for S3Error {
    fn from(refusal: Refusal) -> Self {
        Self::from(&refusal)
    }
}

impl From<&Refusal> for S3Error {
    fn from(refusal: &Refusal) -> Self {
        let details = refusal.details();
        let in_query = refusal.mechanism() == Some(Mechanism::Query);
        match refusal.reason() {
            Reason::TargetMalformed => Self::new(ErrorCode::InvalidURI, "Couldn't parse the specified URI."),
            Reason::TargetTooLong => Self::new(ErrorCode::InvalidURI, "The request URI is too long."),
            Reason::TooManyParameters => Self::invalid_request("The request has too many query parameters."),
            Reason::HeadersTooLarge => {
                Self::invalid_request("Your request header section exceeds the maximum allowed size.")
            }
            Reason::HeaderRepeated => argument("The header appears more than once.", details),
            Reason::SigV2 => Self::invalid_request(SIGV2).with("Hint", SIGV2_HINT),
            Reason::SigV2ParameterMissing => Self::new(ErrorCode::AccessDenied, SIGV2_PARAMETERS),
            Reason::SigV2ExpiresMalformed => Self::new(
                ErrorCode::AccessDenied,
                format!("Invalid date (should be seconds since epoch): {}", received(details)),
            ),
            // What it names cannot exist, and the answer to that is the same.
            Reason::SigV2AccessKeyIdMalformed => Self::invalid_access_key_id(received(details)),
            Reason::SigV2AuthorizationMalformed => {
                argument("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature", details)
            }
            Reason::TwoMechanisms => argument(
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
                details,
            ),
            Reason::AuthorizationType => argument("Unsupported Authorization Type", details),
            Reason::AuthorizationSpacing => {
                argument("Authorization header is invalid -- one and only one ' ' (space) required.", details)
            }
            Reason::AuthorizationComponents => header_malformed(
                "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
            ),
            Reason::CredentialMissing => header_malformed("missing Credential."),
            Reason::SignedHeadersMissing => header_malformed("missing SignedHeaders."),
            Reason::SignatureMissing => header_malformed("missing Signature."),
            Reason::ParameterMissing => query_parameters(QUERY_PARAMETERS),
            Reason::ParameterRepeated => query_argument("The query parameter appears more than once.", details),
            Reason::Algorithm => {
                query_parameters("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
            }
            Reason::CredentialMalformed => credential(
                in_query,
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ),
            Reason::CredentialService => credential(
                in_query,
                &format!("incorrect service \"{}\". This endpoint belongs to \"s3\".", received(details)),
            ),
            Reason::CredentialTerminal => credential(
                in_query,
                &format!("incorrect terminal \"{}\". This endpoint uses \"aws4_request\".", received(details)),
            ),
            Reason::CredentialDate => credential(
                in_query,
                &format!(
                    "incorrect date format \"{}\". This date in the credential must be in the format \"yyyyMMdd\".",
                    received(details)
                ),
            ),
            Reason::CredentialRegion => wrong_region(in_query, details),
            Reason::RegionSetMissing => credential(in_query, "the region set is missing; expecting X-Amz-Region-Set."),
            Reason::RegionSetMalformed => {
                credential(in_query, "the region set is mal-formed; expecting \"*\" or regions between commas.")
            }
            Reason::RegionSetElsewhere => wrong_region_set(in_query, details),
            Reason::DateMissing if in_query => query_parameters(QUERY_PARAMETERS),
            Reason::DateMalformed if in_query => {
                query_parameters("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
            }
            Reason::DateMissing | Reason::DateMalformed => Self::new(ErrorCode::AccessDenied, NO_DATE),
            Reason::DateMismatch => date_mismatch(in_query, details),
            Reason::ExpiresNotANumber => query_parameters("X-Amz-Expires should be a number"),
            Reason::ExpiresNegative => query_parameters("X-Amz-Expires must be non-negative"),
            Reason::ExpiresTooLong => query_parameters(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
            ),
            Reason::Expired => match details {
                Details::Ended { expires_at, server_time } => Self::request_has_ended(*expires_at, *server_time),
                _ => lifetime(details, |seconds, _, expires, now| Self::request_has_expired(seconds, expires, now)),
            },
            Reason::NotYetValid => {
                lifetime(details, |_, signed, expires, now| Self::request_not_yet_valid(signed, expires, now))
            }
            Reason::TimeSkewed => match details {
                Details::Skew { request_time, server_time, max_allowed } => {
                    let tolerance = u64::try_from(max_allowed.as_millis()).unwrap_or(u64::MAX);
                    Self::request_time_too_skewed(request_time, *server_time, tolerance)
                }
                _ => Self::access_denied(),
            },
            Reason::SignedHeadersMalformed if in_query => query_parameters("X-Amz-SignedHeaders is malformed"),
            Reason::SignedHeadersMalformed => header_malformed("the SignedHeaders are malformed."),
            Reason::HostNotSigned if in_query => query_parameters("X-Amz-SignedHeaders must include host"),
            Reason::HostNotSigned => header_malformed("the SignedHeaders must include host."),
            Reason::SessionTokenMalformed => Self::invalid_token(),
            Reason::ContentSha256Missing => {
                Self::invalid_request("Missing required header for this request: x-amz-content-sha256")
            }
            Reason::ContentSha256Invalid => argument(
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
                details,
            ),
            Reason::HeadersNotSigned => {
                let error = Self::new(
                    ErrorCode::AccessDenied,
                    "There were headers present in the request which were not signed",
                );
                match details {
                    Details::HeadersNotSigned(names) => error.with("HeadersNotSigned", names),
                    _ => error,
                }
            }
            Reason::SignatureMismatch => match details {
                Details::Mismatch(mismatch) => signature_does_not_match(mismatch),
                _ => Self::new(ErrorCode::SignatureDoesNotMatch, BAD_SIGNATURE),
            },
        }
    }
}

fn query_parameters(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::new(ErrorCode::AuthorizationQueryParametersError, message)
}

fn header_malformed(rest: &str) -> S3Error {
    S3Error::new(ErrorCode::AuthorizationHeaderMalformed, format!("{MALFORMED_HEADER}{rest}"))
}

/// One fault of the credential, in the words of where it stood.
fn credential(in_query: bool, rest: &str) -> S3Error {
    if in_query { query_parameters(format!("{MALFORMED_CREDENTIAL}{rest}")) } else { header_malformed(rest) }
}

fn wrong_region(in_query: bool, details: &Details) -> S3Error {
    let Details::Region { received, expected } = details else { return credential(in_query, "the region is wrong") };
    let error = if in_query {
        credential(in_query, &format!("the region \"{received}\" is wrong; expecting \"{}\"", expected.as_str()))
    } else {
        credential(in_query, &format!("the region '{received}' is wrong; expecting '{}'", expected.as_str()))
    };
    error.with("Region", expected.as_str())
}

fn wrong_region_set(in_query: bool, details: &Details) -> S3Error {
    let Details::Region { received, expected } = details else {
        return credential(in_query, "the region set is wrong");
    };
    let rest = format!("the region set \"{received}\" is wrong; expecting \"{}\" among it", expected.as_str());
    credential(in_query, &rest).with("Region", expected.as_str())
}

fn date_mismatch(in_query: bool, details: &Details) -> S3Error {
    let Details::Dates { credential: date, request } = details else {
        return credential(in_query, "Invalid credential date.");
    };
    let message =
        format!("Invalid credential date \"{date}\". This date is not the same as X-Amz-Date: \"{request}\".");
    if in_query { query_parameters(message) } else { header_malformed(&message) }
}

fn argument(message: &'static str, details: &Details) -> S3Error {
    match details {
        Details::Argument { name, value } => S3Error::invalid_argument(message, name, value.expose()),
        _ => S3Error::new(ErrorCode::InvalidArgument, message),
    }
}

/// The value is left out: of a repeated `X-Amz-Security-Token` it would be the token.
fn query_argument(message: &'static str, details: &Details) -> S3Error {
    match details {
        Details::Argument { name, .. } => query_parameters(message).with("ArgumentName", *name),
        _ => query_parameters(message),
    }
}

fn received(details: &Details) -> &str {
    match details {
        Details::Received(text) => text,
        _ => "",
    }
}

fn lifetime(
    details: &Details,
    error: impl FnOnce(u64, jiff::Timestamp, jiff::Timestamp, jiff::Timestamp) -> S3Error,
) -> S3Error {
    match details {
        Details::Lifetime { signed_at, seconds, expires_at, server_time } => {
            error(*seconds, signed_at.timestamp(), *expires_at, *server_time)
        }
        _ => S3Error::access_denied(),
    }
}

impl From<ChunkError> for S3Error {
    fn from(error: ChunkError) -> Self {
        match error {
            ChunkError::HeaderMalformed
            | ChunkError::EndMalformed
            | ChunkError::AfterEnd
            | ChunkError::LengthMismatch => Self::incomplete_body(),
            ChunkError::ChunkTooSmall { chunk, bytes } => Self::invalid_chunk_size(chunk, bytes),
            ChunkError::SignatureMismatch => Self::new(ErrorCode::SignatureDoesNotMatch, BAD_SIGNATURE),
            ChunkError::TrailerMalformed => Self::malformed_trailer(),
        }
    }
}
