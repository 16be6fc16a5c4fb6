//! Why a form is refused: a reason without data, and the details that AWS's answer shows beside it.

use std::fmt;

use crate::sigv4::Region;
use crate::sigv4::verify::Echo;

/// The rule that a form breaks, one variant per rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// More than [`MAX_FORM_BYTES`](crate::post_policy::MAX_FORM_BYTES) before the file, or more than
    /// [`MAX_FIELDS`](crate::post_policy::MAX_FIELDS) fields.
    #[error("the form has too much before its file")]
    FormTooLarge,
    /// A name or a value is not UTF-8.
    #[error("a field of the form is not text")]
    FieldNotText,
    /// No file.
    #[error("the form has no file")]
    FileMissing,
    /// A field that must be there is not. Details: [`Details::Field`].
    #[error("the form lacks a field")]
    FieldMissing,
    /// A field that must be single stands there twice. Details: [`Details::Field`].
    #[error("a field of the form that must be single is repeated")]
    FieldRepeated,
    /// The key is empty.
    #[error("the object key is empty")]
    KeyEmpty,
    /// The key has more than [`Address::MAX_KEY_BYTES`](crate::address::Address::MAX_KEY_BYTES). Details:
    /// [`Details::Size`].
    #[error("the object key is too long")]
    KeyTooLong,
    /// The name of the file is used, and has control characters or more bytes than a key.
    #[error("the name of the file cannot be a part of a field")]
    FileName,
    /// The form names another bucket than the request.
    #[error("the form names another bucket than the request")]
    BucketField,
    /// Signature Version 2, where it is not accepted.
    #[error("signature version 2 is not supported; use AWS4-HMAC-SHA256")]
    SigV2,
    /// `x-amz-algorithm` is not `AWS4-HMAC-SHA256`. Details: [`Details::Argument`].
    #[error("the algorithm is not supported")]
    Algorithm,
    /// The credential is not `AKID/date/region/service/aws4_request`. Details: [`Details::Argument`].
    #[error("the credential is malformed")]
    CredentialMalformed,
    /// The date of the credential is not `yyyyMMdd`. Details: [`Details::Credential`].
    #[error("the date of the credential is malformed")]
    CredentialDate,
    /// Another region. Details: [`Details::Region`].
    #[error("the credential is for another region")]
    CredentialRegion,
    /// Another service. Details: [`Details::Credential`].
    #[error("the credential is for another service")]
    CredentialService,
    /// The scope does not end in `aws4_request`. Details: [`Details::Credential`].
    #[error("the credential has another terminal than aws4_request")]
    CredentialTerminal,
    /// `x-amz-date` is not in the long format of ISO 8601. Details: [`Details::Argument`].
    #[error("the date of the form is malformed")]
    DateMalformed,
    /// The session token has characters that no token has.
    #[error("the session token is malformed")]
    SessionTokenMalformed,
    /// The signature is another. Details: [`Details::Mismatch`].
    #[error("the signature does not match")]
    SignatureMismatch,
    /// The policy is empty.
    #[error("the policy is empty")]
    PolicyEmpty,
    /// The policy is not base64.
    #[error("the policy is not base64")]
    PolicyBase64,
    /// The policy is not JSON, or has a value of a type that does not belong there.
    #[error("the policy is not the JSON that it should be")]
    PolicyJson,
    /// A member other than `expiration` and `conditions`. Details: [`Details::Text`].
    #[error("the policy has an unknown member")]
    MemberUnexpected,
    /// `expiration` or `conditions` twice.
    #[error("the policy has a member twice")]
    MemberRepeated,
    /// No `expiration`.
    #[error("the policy does not expire")]
    ExpirationMissing,
    /// The expiration is not `YYYY-MM-DDThh:mm:ssZ`, with or without a fraction. Details: [`Details::Text`].
    #[error("the expiration of the policy is malformed")]
    ExpirationInvalid,
    /// No `conditions`, or none in it.
    #[error("the policy has no conditions")]
    ConditionsMissing,
    /// `conditions` is not a list.
    #[error("the conditions of the policy are not a list")]
    ConditionsNotAList,
    /// A condition is neither a list nor an object.
    #[error("a condition of the policy is neither a list nor an object")]
    ConditionShape,
    /// A condition is an empty list.
    #[error("a condition of the policy has no operation")]
    OperationMissing,
    /// A condition has an operation that does not exist; they are case-sensitive. Details: [`Details::Text`].
    #[error("a condition of the policy has an unknown operation")]
    OperationUnknown,
    /// A condition has too few or too many arguments. Details: [`Details::Text`], the operation.
    #[error("a condition of the policy has the wrong number of arguments")]
    ArgumentCount,
    /// An object condition has not exactly one member.
    #[error("a condition of the policy names not exactly one field")]
    SimpleConditionCount,
    /// The value of an object condition is not a string.
    #[error("a condition of the policy has a value that is not a string")]
    SimpleConditionValue,
    /// The policy has expired.
    #[error("the policy has expired")]
    Expired,
    /// A condition does not hold. Details: [`Details::Text`], the condition as JSON.
    #[error("a condition of the policy does not hold")]
    ConditionFailed,
    /// No condition covers a field. Details: [`Details::Text`], the name as sent.
    #[error("a field of the form is not covered by the policy")]
    FieldNotCovered,
    /// The file has more bytes than allowed. Details: [`Details::Size`].
    #[error("the file is too large")]
    TooLarge,
    /// The file has fewer bytes than allowed. Details: [`Details::Size`].
    #[error("the file is too small")]
    TooSmall,
}

/// A form refused before anything was written.
#[derive(Clone, Debug)]
pub struct Refusal {
    reason: Reason,
    details: Box<Details>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, details: Details) -> Self {
        Self { reason, details: Box::new(details) }
    }

    /// The rule that was broken.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The values that AWS's error document shows.
    #[must_use]
    pub fn details(&self) -> &Details {
        &self.details
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self::new(reason, Details::None)
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
    /// The name of a field that is missing or repeated, in AWS's spelling.
    Field(&'static str),
    /// `ArgumentName` and `ArgumentValue`.
    Argument {
        /// The field, in AWS's spelling.
        name: &'static str,
        /// What was sent.
        value: Echo,
    },
    /// The credential, and the part of it that is wrong.
    Credential {
        /// As sent.
        credential: Echo,
        /// The part.
        received: Echo,
    },
    /// The region that was sent and the one that is served.
    Region {
        /// The credential, as sent.
        credential: Echo,
        /// Its region.
        received: Echo,
        /// As configured.
        expected: Region,
    },
    /// A piece of the policy or the form: a member, an operation, a condition, a field.
    Text(Echo),
    /// A size and the limit that it breaks, in bytes.
    Size {
        /// What was sent, as far as it is known.
        proposed: u64,
        /// The limit.
        limit: u64,
    },
    /// Both sides of a signature that does not match.
    Mismatch(Mismatch),
}

/// What a client needs to find out why its signature does not match. For the answer to its sender only.
#[derive(Clone)]
pub struct Mismatch {
    pub(crate) access_key_id: String,
    pub(crate) string_to_sign: Option<String>,
    pub(crate) signature_provided: String,
}

impl Mismatch {
    /// The access key that signed.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The string to sign, which is the policy as it was sent. `None` for a form with a session token: the policy of such a
    /// form has the token in it.
    #[must_use]
    pub fn string_to_sign(&self) -> Option<&str> {
        self.string_to_sign.as_deref()
    }

    /// The signature as it was sent.
    #[must_use]
    pub fn signature_provided(&self) -> &str {
        &self.signature_provided
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mismatch").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
