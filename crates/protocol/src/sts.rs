//! AWS STS: the actions that are served, their answers and their errors.
//!
//! Source: AWS STS API reference, "GetCallerIdentity", "Common errors".

use std::borrow::Cow;

use gatepass_signing::encode::{self, Plus};
use gatepass_signing::sigv4::verify::{Details, Reason, Refusal};

use crate::s3::date::iso8601_seconds;
use crate::s3::xml::writer::XmlWriter;

/// The version of the API, which every request names.
pub const API_VERSION: &str = "2011-06-15";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The longest form that is read.
pub const MAX_FORM_BYTES: usize = 64 * 1024;

/// An action of STS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Who holds these credentials? Needs a signature, and no permission.
    GetCallerIdentity,
}

impl Action {
    /// Reads a form or a query, `Action=GetCallerIdentity&Version=2011-06-15`.
    pub fn parse(form: &str) -> Result<Self, StsError> {
        let (mut action, mut version) = (None, None);
        for pair in form.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text| encode::decode(text, Plus::Space).map_err(|_| StsError::malformed_form());
            match decoded(name)?.as_ref() {
                "Action" => action = Some(decoded(value)?),
                "Version" => version = Some(decoded(value)?),
                // SDKs may add more; an action that does not know a parameter ignores it, as at AWS.
                _ => {}
            }
        }
        let action = action.ok_or_else(StsError::missing_action)?;
        match (action.as_ref(), version.as_deref()) {
            ("GetCallerIdentity", Some(API_VERSION)) => Ok(Self::GetCallerIdentity),
            (action, version) => Err(StsError::unknown_action(action, version.unwrap_or_default())),
        }
    }
}

/// The answer of GetCallerIdentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The ARN of the one who asks.
    pub arn: String,
    /// The unique id; for a root identity the account.
    pub user_id: String,
    /// Twelve digits.
    pub account: String,
}

impl CallerIdentity {
    /// The document that AWS sends.
    pub fn to_xml(&self, request_id: &str) -> String {
        let mut xml = XmlWriter::with_namespace("GetCallerIdentityResponse", NAMESPACE);
        xml.element("GetCallerIdentityResult", |xml| {
            xml.text("Arn", &self.arn);
            xml.text("UserId", &self.user_id);
            xml.text("Account", &self.account);
        });
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
        xml.finish()
    }
}

/// A refusal in the words of STS, which are not those of S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsError {
    status: u16,
    code: &'static str,
    message: Cow<'static, str>,
}

impl StsError {
    /// A request without a signature.
    pub fn missing_authentication_token() -> Self {
        Self::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    }

    /// An access key that nobody holds, or a token where the key has none.
    pub fn invalid_client_token_id() -> Self {
        Self::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    }

    /// A form longer than [`MAX_FORM_BYTES`], or one that does not decode.
    pub fn malformed_form() -> Self {
        Self::new(400, "MalformedQueryString", "The query string contains a syntax error.")
    }

    fn missing_action() -> Self {
        Self::new(400, "MissingAction", "The request is missing an action or a required parameter.")
    }

    fn unknown_action(action: &str, version: &str) -> Self {
        Self::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
    }

    fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// AWS's name for it.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The document that AWS sends. Whoever may read it is the one whose request it was.
    pub fn to_xml(&self, request_id: &str) -> String {
        let mut xml = XmlWriter::with_namespace("ErrorResponse", NAMESPACE);
        xml.element("Error", |xml| {
            xml.text("Type", "Sender");
            xml.text("Code", self.code);
            xml.text("Message", &self.message);
        });
        xml.text("RequestId", request_id);
        xml.finish()
    }
}

impl From<&Refusal> for StsError {
    fn from(refusal: &Refusal) -> Self {
        let mismatch = |message: String| Self::new(403, "SignatureDoesNotMatch", message);
        match (refusal.reason(), refusal.details()) {
            (Reason::SignatureMismatch, _) => mismatch(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details."
                    .to_owned(),
            ),
            (Reason::CredentialRegion, Details::Region { received, .. }) => {
                mismatch(format!("Credential should be scoped to a valid region, not '{received}'."))
            }
            (Reason::CredentialService, _) => {
                mismatch("Credential should be scoped to correct service: 'sts'.".to_owned())
            }
            (Reason::TimeSkewed, Details::Skew { request_time, server_time, .. }) => mismatch(format!(
                "Signature expired or not yet current: {request_time}, while the server's time is {}",
                iso8601_seconds(*server_time)
            )),
            (Reason::Expired, _) => mismatch("Signature expired".to_owned()),
            (Reason::NotYetValid, _) => mismatch("Signature not yet current".to_owned()),
            (reason, _) => Self::new(400, "IncompleteSignature", sentence(&reason.to_string())),
        }
    }
}

/// Reasons are fragments in lower case; AWS writes sentences.
fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_form_names_action_and_version() {
        assert_eq!(Action::parse("Action=GetCallerIdentity&Version=2011-06-15"), Ok(Action::GetCallerIdentity));
        assert_eq!(
            Action::parse("Version=2011-06-15&Extra=1&Action=Get%43allerIdentity&"),
            Ok(Action::GetCallerIdentity)
        );
        for (form, code) in [
            ("", "MissingAction"),
            ("Version=2011-06-15", "MissingAction"),
            ("Action=GetCallerIdentity", "InvalidAction"),
            ("Action=AssumeRole&Version=2011-06-15", "InvalidAction"),
            ("Action=%zz", "MalformedQueryString"),
        ] {
            assert_eq!(Action::parse(form).unwrap_err().code(), code, "{form}");
        }
    }

    #[test]
    fn answers_are_those_of_sts() {
        let identity = CallerIdentity {
            arn: "arn:aws:iam::000000000000:root".into(),
            user_id: "000000000000".into(),
            account: "000000000000".into(),
        };
        assert_eq!(
            identity.to_xml("R1"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::000000000000:root</Arn><UserId>000000000000</UserId><Account>000000000000</Account>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>R1</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        );
        let error = StsError::missing_authentication_token();
        assert_eq!(error.status(), 403);
        assert_eq!(
            error.to_xml("R2"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message></Error>\
             <RequestId>R2</RequestId></ErrorResponse>"
        );
    }

    proptest! {
        #[test]
        fn no_form_panics(form in ".{0,80}") {
            let _ = Action::parse(&form);
        }
    }
}
