//! What a refused form becomes: AWS's status, code, message and elements (wire: "Browser POST").

use gatepass_signing::post_policy::MAX_FORM_BYTES;
use gatepass_signing::post_policy::verify::{Details, Mismatch, Reason, Refusal};

use super::mismatch::{BAD_SIGNATURE, spaced_hex};
use super::refusal::{SIGV2, SIGV2_HINT};
use super::{ErrorCode, S3Error};

impl From<Refusal> for S3Error {
    fn from(refusal: Refusal) -> Self {
        Self::from(&refusal)
    }
}

impl From<&Refusal> for S3Error {
    fn from(refusal: &Refusal) -> Self {
        let details = refusal.details();
        match refusal.reason() {
            Reason::FormTooLarge => Self::new(
                ErrorCode::MaxPostPreDataLengthExceeded,
                "Your POST request fields preceeding the upload file was too large.",
            )
            .with("MaxPostPreDataLengthBytes", MAX_FORM_BYTES.to_string()),
            Reason::FieldNotText => Self::malformed_post_request(),
            Reason::FileMissing => {
                Self::invalid_argument("POST requires exactly one file upload per request.", "file", "0")
            }
            Reason::FieldMissing => field_missing(details),
            Reason::FieldRepeated => {
                let name = field(details);
                Self::invalid_argument(format!("Bucket POST must contain the field '{name}' once only."), name, "")
            }
            Reason::KeyEmpty => Self::invalid_argument("User key must have a length greater than 0.", "key", ""),
            Reason::KeyTooLong => {
                let (bytes, _) = sizes(details);
                Self::key_too_long(usize::try_from(bytes).unwrap_or(usize::MAX))
            }
            Reason::FileName => Self::invalid_argument(
                "The name of the file has characters that a field cannot hold, or is too long.",
                "filename",
                "",
            ),
            Reason::BucketField => denied("Extra input fields: bucket"),
            Reason::SigV2 => Self::invalid_request(SIGV2).with("Hint", SIGV2_HINT),
            Reason::Algorithm => argument("Only AWS4-HMAC-SHA256 is supported", details),
            Reason::CredentialMalformed => argument(
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
                details,
            ),
            Reason::CredentialDate => credential(details, |date| {
                format!(
                    "incorrect date format \"{date}\". This date in the credential must be in the format \"yyyyMMdd\"."
                )
            }),
            Reason::CredentialService => credential(details, |service| {
                format!("incorrect service \"{service}\". This endpoint belongs to \"s3\".")
            }),
            Reason::CredentialTerminal => credential(details, |terminal| {
                format!("incorrect terminal \"{terminal}\". This endpoint uses \"aws4_request\".")
            }),
            Reason::CredentialRegion => wrong_region(details),
            Reason::DateMalformed => argument("X-Amz-Date must be formated via ISO8601 Long format", details),
            Reason::SessionTokenMalformed => Self::invalid_token(),
            Reason::SignatureMismatch => match details {
                Details::Mismatch(mismatch) => signature_does_not_match(mismatch),
                _ => Self::new(ErrorCode::SignatureDoesNotMatch, BAD_SIGNATURE),
            },
            Reason::PolicyEmpty => invalid("Expecting '{' but found End-of-Input"),
            Reason::PolicyBase64 => invalid("invalid Base64 encoding."),
            // Which of two members counts is nowhere said, so there is no such JSON here.
            Reason::PolicyJson | Reason::MemberRepeated => invalid("Invalid JSON."),
            Reason::MemberUnexpected => invalid(&format!("Unexpected: \"{}\"", text(details))),
            Reason::ExpirationMissing => invalid("Policy missing expiration."),
            Reason::ExpirationInvalid => invalid(&format!("Invalid 'expiration' value: '{}'", text(details))),
            Reason::ConditionsMissing => invalid("Policy missing conditions."),
            Reason::ConditionsNotAList => invalid("Invalid 'conditions' value: must be a List."),
            Reason::ConditionShape => invalid("Invalid condition test: must be a List or Object."),
            Reason::OperationMissing => invalid("Invalid Condition: missing operation identifier."),
            Reason::OperationUnknown => invalid(&format!("Invalid Condition: unknown operation '{}'.", text(details))),
            Reason::ArgumentCount => invalid(&format!("Invalid {}: wrong number of arguments.", text(details))),
            Reason::SimpleConditionCount => {
                invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
            }
            Reason::SimpleConditionValue => invalid("Invalid Simple-Condition: value must be a string."),
            Reason::Expired => denied("Policy expired."),
            Reason::ConditionFailed => denied(&format!("Policy Condition failed: {}", text(details))),
            Reason::FieldNotCovered => denied(&format!("Extra input fields: {}", text(details))),
            Reason::TooLarge => {
                let (proposed, max) = sizes(details);
                Self::entity_too_large(proposed, max)
            }
            Reason::TooSmall => {
                let (proposed, min) = sizes(details);
                Self::new(ErrorCode::EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
                    .with("ProposedSize", proposed.to_string())
                    .with("MinSizeAllowed", min.to_string())
            }
        }
    }
}

impl S3Error {
    /// 400 for a body that is not the multipart/form-data that its header says.
    pub fn malformed_post_request() -> Self {
        Self::new(
            ErrorCode::MalformedPOSTRequest,
            "The body of your POST request is not well-formed multipart/form-data.",
        )
    }
}

fn invalid(rest: &str) -> S3Error {
    S3Error::new(ErrorCode::InvalidPolicyDocument, format!("Invalid Policy: {rest}"))
}

fn denied(rest: &str) -> S3Error {
    S3Error::new(ErrorCode::AccessDenied, format!("Invalid according to Policy: {rest}"))
}

/// Two spaces, as S3 has them.
fn field_missing(details: &Details) -> S3Error {
    let name = field(details);
    let message = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    S3Error::invalid_argument(message, name, "")
}

fn argument(message: &'static str, details: &Details) -> S3Error {
    match details {
        Details::Argument { name, value } => S3Error::invalid_argument(message, name, value.expose()),
        _ => S3Error::new(ErrorCode::InvalidArgument, message),
    }
}

/// One fault of the credential. Forms get it as an argument, where URLs get an error of their own.
fn credential(details: &Details, message: impl FnOnce(&str) -> String) -> S3Error {
    match details {
        Details::Credential { credential, received } => {
            S3Error::invalid_argument(message(received.expose()), "x-amz-credential", credential.expose())
        }
        _ => S3Error::new(ErrorCode::InvalidArgument, message("")),
    }
}

fn wrong_region(details: &Details) -> S3Error {
    match details {
        Details::Region { credential, received, expected } => S3Error::invalid_argument(
            format!("the region '{}' is wrong; expecting '{}'", received.expose(), expected.as_str()),
            "x-amz-credential",
            credential.expose(),
        )
        .with("Region", expected.as_str()),
        _ => S3Error::new(ErrorCode::InvalidArgument, "the region is wrong"),
    }
}

fn signature_does_not_match(mismatch: &Mismatch) -> S3Error {
    let error =
        S3Error::new(ErrorCode::SignatureDoesNotMatch, BAD_SIGNATURE).with("AWSAccessKeyId", mismatch.access_key_id());
    // The policy of a session has the session's token in it: the client has it, its logs should not.
    let string_to_sign = mismatch.string_to_sign().unwrap_or("[redacted]");
    error
        .with("StringToSign", string_to_sign)
        .with("SignatureProvided", mismatch.signature_provided())
        .with("StringToSignBytes", spaced_hex(string_to_sign.as_bytes()))
}

fn field(details: &Details) -> &'static str {
    match details {
        Details::Field(name) => name,
        _ => "",
    }
}

fn text(details: &Details) -> &str {
    match details {
        Details::Text(text) => text.expose(),
        _ => "",
    }
}

/// What was proposed, and the limit.
fn sizes(details: &Details) -> (u64, u64) {
    match details {
        Details::Size { proposed, limit } => (*proposed, *limit),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use gatepass_signing::credentials::SecretKey;
    use gatepass_signing::post_policy::verify::{Form, PostPresented, PostVerified, parse};
    use gatepass_signing::sigv4::verify::{Expectations, Service};
    use gatepass_signing::sigv4::{KeyCache, Region};
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::*;

    const CREDENTIAL: &str = "AKID/20260101/us-east-1/s3/aws4_request";
    const NOW: &str = "2026-01-01T12:00:00Z";

    fn hmac(key: &[u8], message: &str) -> Vec<u8> {
        let hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        hmac.chain_update(message).finalize().into_bytes().to_vec()
    }

    fn hex_signature(policy: &str) -> String {
        let key = ["20260101", "us-east-1", "s3", "aws4_request"]
            .iter()
            .fold(b"AWS4secret".to_vec(), |key, part| hmac(&key, part));
        spaced_hex(&hmac(&key, policy)).replace(' ', "")
    }

    /// A form over a policy, as `(name, value)`; a test changes some of them.
    fn fields(policy: &str) -> Vec<(&'static str, String)> {
        signed_fields(STANDARD.encode(policy))
    }

    fn signed_fields(policy: String) -> Vec<(&'static str, String)> {
        vec![
            ("key", "k".to_owned()),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", CREDENTIAL.to_owned()),
            ("x-amz-date", "20260101T000000Z".to_owned()),
            ("x-amz-signature", hex_signature(&policy)),
            ("policy", policy),
        ]
    }

    /// A policy that covers the form above, with more conditions.
    fn policy(more: &str) -> String {
        format!(
            r#"{{"expiration":"2026-01-02T00:00:00Z","conditions":[{more}["starts-with","$x-amz-algorithm",""],
            ["starts-with","$x-amz-credential",""],["starts-with","$x-amz-date",""],{{"key":"k"}},{{"bucket":"b"}}]}}"#
        )
    }

    fn verified(fields: &[(&str, String)]) -> Result<PostVerified, Refusal> {
        let mut form = Form::new("b");
        for (name, value) in fields {
            form.push(name, value)?;
        }
        form.file(Some("cat.png"));
        let expectations = Expectations::new(Region::new("us-east-1").unwrap(), Service::S3);
        match parse(&form, &expectations, NOW.parse().unwrap())? {
            PostPresented::Signed(claim) => claim.verify(&KeyCache::new(), &SecretKey::new("secret").unwrap()),
            PostPresented::Anonymous(_) => panic!("the form is signed"),
        }
    }

    fn refused(fields: &[(&str, String)]) -> S3Error {
        verified(fields).expect_err("the form should have been refused").into()
    }

    #[track_caller]
    fn assert_error(error: &S3Error, status: u16, code: &str, message: &str, elements: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> = error.elements().iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(
            (error.status(), error.code().as_str(), error.message(), found.as_slice()),
            (status, code, message, elements)
        );
    }

    fn without(name: &str) -> Vec<(&'static str, String)> {
        let mut fields = fields(&policy(""));
        fields.retain(|(other, _)| *other != name);
        fields
    }

    fn with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
        let mut fields = without(name);
        fields.push((name, value.to_owned()));
        fields
    }

    #[test]
    fn the_form_of_these_tests_is_good() {
        assert!(verified(&fields(&policy(""))).is_ok());
    }

    #[test]
    fn a_form_that_lacks_something_hears_what() {
        for (name, spelling) in [
            ("key", "key"),
            ("x-amz-algorithm", "X-Amz-Algorithm"),
            ("x-amz-credential", "X-Amz-Credential"),
            ("x-amz-date", "X-Amz-Date"),
            ("x-amz-signature", "X-Amz-Signature"),
            ("policy", "policy"),
        ] {
            let message = format!(
                "Bucket POST must contain a field named '{spelling}'.  If it is specified, please check the order of the fields."
            );
            let elements = [("ArgumentName", spelling), ("ArgumentValue", "")];
            assert_error(&refused(&without(name)), 400, "InvalidArgument", &message, &elements);
        }
        let nothing = parse(
            &Form::new("b"),
            &Expectations::new(Region::new("us-east-1").unwrap(), Service::S3),
            NOW.parse().unwrap(),
        );
        let message = "POST requires exactly one file upload per request.";
        let elements = [("ArgumentName", "file"), ("ArgumentValue", "0")];
        assert_error(&nothing.unwrap_err().into(), 400, "InvalidArgument", message, &elements);
    }

    #[test]
    fn a_form_with_too_much_hears_the_limit() {
        let message = "Your POST request fields preceeding the upload file was too large.";
        let elements = [("MaxPostPreDataLengthBytes", "20480")];
        let error = refused(&with("x-ignore-me", &"a".repeat(MAX_FORM_BYTES)));
        assert_error(&error, 400, "MaxPostPreDataLengthExceeded", message, &elements);

        let mut twice = fields(&policy(""));
        twice.push(("Key", "k2".to_owned()));
        let message = "Bucket POST must contain the field 'key' once only.";
        let elements = [("ArgumentName", "key"), ("ArgumentValue", "")];
        assert_error(&refused(&twice), 400, "InvalidArgument", message, &elements);

        let error = Form::new("b").push("key", b"\xff").unwrap_err().into();
        let message = "The body of your POST request is not well-formed multipart/form-data.";
        assert_error(&error, 400, "MalformedPOSTRequest", message, &[]);
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let message = "User key must have a length greater than 0.";
        let elements = [("ArgumentName", "key"), ("ArgumentValue", "")];
        assert_error(&refused(&with("key", "")), 400, "InvalidArgument", message, &elements);
        let elements = [("Size", "1025"), ("MaxSizeAllowed", "1024")];
        let error = refused(&with("key", &"k".repeat(1025)));
        assert_error(&error, 400, "KeyTooLongError", "Your key is too long", &elements);
        let mut form = Form::new("b");
        form.push("key", "${filename}").unwrap();
        form.file(Some("a\r\nb"));
        let expectations = Expectations::new(Region::new("us-east-1").unwrap(), Service::S3);
        let error = S3Error::from(parse(&form, &expectations, NOW.parse().unwrap()).unwrap_err());
        assert_eq!((error.status(), error.code()), (400, ErrorCode::InvalidArgument));
        assert_eq!(error.element("ArgumentName"), Some("filename"));
    }

    #[test]
    fn another_bucket_in_the_form_is_an_extra_field() {
        let message = "Invalid according to Policy: Extra input fields: bucket";
        assert_error(&refused(&with("bucket", "other")), 403, "AccessDenied", message, &[]);
    }

    #[test]
    fn the_faults_of_a_signature_are_arguments() {
        let argument = |fields: &[(&str, String)], message: &str, name: &str, value: &str| {
            let elements = [("ArgumentName", name), ("ArgumentValue", value)];
            assert_error(&refused(fields), 400, "InvalidArgument", message, &elements);
        };
        let algorithm = with("x-amz-algorithm", "AWS4-ECDSA-P256-SHA256");
        let message = "Only AWS4-HMAC-SHA256 is supported";
        argument(&algorithm, message, "X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256");
        let date = with("x-amz-date", "2026-01-01");
        argument(&date, "X-Amz-Date must be formated via ISO8601 Long format", "X-Amz-Date", "2026-01-01");
        for (credential, message) in [
            (
                "AKID/us-east-1",
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ),
            (
                "AKID/2026-01-01/us-east-1/s3/aws4_request",
                "incorrect date format \"2026-01-01\". This date in the credential must be in the format \"yyyyMMdd\".",
            ),
            ("AKID/20260101/us-east-1/sts/aws4_request", "incorrect service \"sts\". This endpoint belongs to \"s3\"."),
            ("AKID/20260101/us-east-1/s3/aws4", "incorrect terminal \"aws4\". This endpoint uses \"aws4_request\"."),
        ] {
            argument(&with("x-amz-credential", credential), message, "x-amz-credential", credential);
        }
        let credential = "AKID/20260101/eu-west-1/s3/aws4_request";
        let elements = [("ArgumentName", "x-amz-credential"), ("ArgumentValue", credential), ("Region", "us-east-1")];
        let message = "the region 'eu-west-1' is wrong; expecting 'us-east-1'";
        let error = refused(&with("x-amz-credential", credential));
        assert_error(&error, 400, "InvalidArgument", message, &elements);
        assert_eq!(refused(&with("x-amz-security-token", "a b")).code(), ErrorCode::InvalidToken);
    }

    #[test]
    fn signature_version_2_hears_what_helps() {
        let fields = [("key", "k".to_owned()), ("AWSAccessKeyId", "AKID".to_owned())];
        let elements = [("Hint", SIGV2_HINT)];
        assert_error(&refused(&fields), 400, "InvalidRequest", SIGV2, &elements);
    }

    #[test]
    fn a_wrong_signature_shows_the_policy_and_no_canonical_request() {
        let signature = "0".repeat(64);
        let mut fields = signed_fields("e30=".to_owned());
        for (name, value) in &mut fields {
            if *name == "x-amz-signature" {
                value.clone_from(&signature);
            }
        }
        let elements = [
            ("AWSAccessKeyId", "AKID"),
            ("StringToSign", "e30="),
            ("SignatureProvided", signature.as_str()),
            ("StringToSignBytes", "65 33 30 3d"),
        ];
        assert_error(&refused(&fields), 403, "SignatureDoesNotMatch", BAD_SIGNATURE, &elements);
        fields.push(("x-amz-security-token", "token".to_owned()));
        assert_eq!(refused(&fields).element("StringToSign"), Some("[redacted]"), "the policy has the token in it");
    }

    #[test]
    fn every_fault_of_a_policy_has_its_text() {
        let conditions =
            |conditions: &str| format!(r#"{{"expiration":"2026-01-02T00:00:00Z","conditions":{conditions}}}"#);
        for (policy, message) in [
            (String::new(), "Expecting '{' but found End-of-Input"),
            ("  ".to_owned(), "Expecting '{' but found End-of-Input"),
            ("{".to_owned(), "Invalid JSON."),
            (
                r#"{"expiration":"2026-01-02T00:00:00Z","expiration":"2027-01-02T00:00:00Z"}"#.to_owned(),
                "Invalid JSON.",
            ),
            (r#"{"Expiration":""}"#.to_owned(), "Unexpected: \"Expiration\""),
            (r#"{"conditions":[{"a":"b"}]}"#.to_owned(), "Policy missing expiration."),
            (r#"{"expiration":"2026-01-02","conditions":[]}"#.to_owned(), "Invalid 'expiration' value: '2026-01-02'"),
            (r#"{"expiration":"2026-01-02T00:00:00Z"}"#.to_owned(), "Policy missing conditions."),
            (conditions("[]"), "Policy missing conditions."),
            (conditions("{}"), "Invalid 'conditions' value: must be a List."),
            (conditions("[1]"), "Invalid condition test: must be a List or Object."),
            (conditions("[[]]"), "Invalid Condition: missing operation identifier."),
            (conditions(r#"[["EQ","$a","b"]]"#), "Invalid Condition: unknown operation 'EQ'."),
            (conditions(r#"[["eq","$a"]]"#), "Invalid eq: wrong number of arguments."),
            (
                conditions(r#"[{"a":"b","c":"d"}]"#),
                "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
            ),
            (conditions(r#"[{"a":1}]"#), "Invalid Simple-Condition: value must be a string."),
        ] {
            let message = format!("Invalid Policy: {message}");
            assert_error(&refused(&fields(&policy)), 400, "InvalidPolicyDocument", &message, &[]);
        }
        let error = refused(&signed_fields("e30!".to_owned()));
        assert_error(&error, 400, "InvalidPolicyDocument", "Invalid Policy: invalid Base64 encoding.", &[]);
    }

    #[test]
    fn what_a_policy_does_not_allow_is_denied() {
        let denied = |fields: &[(&str, String)], rest: &str| {
            let message = format!("Invalid according to Policy: {rest}");
            assert_error(&refused(fields), 403, "AccessDenied", &message, &[]);
        };
        let expired = r#"{"expiration":"2026-01-01T11:59:59Z","conditions":[{"a":"b"}]}"#;
        denied(&fields(expired), "Policy expired.");
        let condition = r#"["eq", "$X-Amz-Meta-A", "\"1\""]"#;
        denied(&fields(&policy(r#"{"X-Amz-Meta-A":"\"1\""},"#)), &format!("Policy Condition failed: {condition}"));
        denied(&with("StorageClass", "x"), "Extra input fields: StorageClass");
    }

    #[test]
    fn a_file_outside_of_the_range_hears_both_sizes() {
        let form = fields(&policy(r#"["content-length-range",5,10],"#));
        let range = verified(&form).unwrap().upload().size_range();
        let message = "Your proposed upload exceeds the maximum allowed size";
        let elements = [("ProposedSize", "12"), ("MaxSizeAllowed", "10")];
        assert_error(&range.check(12).unwrap_err().into(), 400, "EntityTooLarge", message, &elements);
        let message = "Your proposed upload is smaller than the minimum allowed size";
        let elements = [("ProposedSize", "1"), ("MinSizeAllowed", "5")];
        assert_error(&range.check(1).unwrap_err().into(), 400, "EntityTooSmall", message, &elements);
    }
}
