//! Documents of bucket settings that have one value here, and the answers where nothing is set.

use super::reader::{Element, Limits, parse};
use super::writer::XmlWriter;
use crate::s3::error::S3Error;

/// The limits of a body that says one thing.
pub const SETTING_LIMITS: Limits = Limits { bytes: 64 * 1024, elements: 1024 };

const ENFORCED: &str = "BucketOwnerEnforced";

/// Checks the body of PutBucketOwnershipControls: the owner of the bucket owns everything in it, or 501.
pub fn check_ownership_controls(body: &[u8]) -> Result<(), S3Error> {
    let root = parse(body, "OwnershipControls", SETTING_LIMITS)?;
    let mut rules = root.all("Rule");
    let (Some(rule), None) = (rules.next(), rules.next()) else { return Err(S3Error::malformed_xml()) };
    match rule.required("ObjectOwnership")?.trim() {
        ENFORCED => Ok(()),
        // Both switch access control lists on.
        "BucketOwnerPreferred" | "ObjectWriter" => Err(S3Error::not_implemented("ObjectOwnership")),
        _ => Err(S3Error::malformed_xml()),
    }
}

/// Whether a bucket keeps versions. One that has never kept any is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// Every write makes a version.
    Enabled,
    /// Writes make the null version; what was written before stays.
    Suspended,
}

impl Versioning {
    /// The word of the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Enabled, Self::Suspended].into_iter().find(|state| state.as_str() == text)
    }

    /// Reads the body of PutBucketVersioning. There are no devices that could confirm a delete, so MFA delete is 501.
    pub fn from_xml(body: &[u8]) -> Result<Self, S3Error> {
        let root = parse(body, "VersioningConfiguration", SETTING_LIMITS)?;
        match root.optional("MfaDelete")?.map(str::trim) {
            None | Some("Disabled") => {}
            Some("Enabled") => return Err(S3Error::not_implemented("MfaDelete")),
            Some(_) => return Err(S3Error::malformed_xml()),
        }
        match root.optional("Status")?.map(str::trim) {
            Some(status) => Self::parse(status).ok_or_else(S3Error::malformed_xml),
            None => Err(S3Error::illegal_versioning_configuration()),
        }
    }
}

/// The answer of GetBucketVersioning.
pub fn versioning(state: Option<Versioning>) -> String {
    let mut xml = XmlWriter::new("VersioningConfiguration");
    xml.optional("Status", state.map(Versioning::as_str));
    xml.finish()
}

/// The answer of GetBucketOwnershipControls.
pub fn ownership_controls() -> String {
    let mut xml = XmlWriter::new("OwnershipControls");
    xml.element("Rule", |xml| xml.text("ObjectOwnership", ENFORCED));
    xml.finish()
}

/// Checks the body of PutBucketRequestPayment: nobody is billed here, so nobody but the owner can pay.
pub fn check_request_payment(body: &[u8]) -> Result<(), S3Error> {
    let root = parse(body, "RequestPaymentConfiguration", SETTING_LIMITS)?;
    match root.required("Payer")?.trim() {
        "BucketOwner" => Ok(()),
        "Requester" => Err(S3Error::not_implemented("Payer")),
        _ => Err(S3Error::malformed_xml()),
    }
}

/// The answer of GetBucketRequestPayment.
pub fn request_payment() -> String {
    let mut xml = XmlWriter::new("RequestPaymentConfiguration");
    xml.text("Payer", "BucketOwner");
    xml.finish()
}

/// Checks the body of PutBucketNotificationConfiguration: an empty one, or 501 for whom it names.
pub fn check_notification(body: &[u8]) -> Result<(), S3Error> {
    const RECEIVERS: [&str; 4] =
        ["TopicConfiguration", "QueueConfiguration", "CloudFunctionConfiguration", "EventBridgeConfiguration"];
    let root = parse(body, "NotificationConfiguration", SETTING_LIMITS)?;
    match root.children().first().map(Element::name) {
        None => Ok(()),
        Some(name) => match RECEIVERS.into_iter().find(|receiver| *receiver == name) {
            Some(receiver) => Err(S3Error::not_implemented(receiver)),
            None => Err(S3Error::malformed_xml()),
        },
    }
}

/// A document without anything in it, as the answer where nothing is set.
pub fn empty(root: &'static str) -> String {
    XmlWriter::new(root).finish()
}

/// The answer to a list of configurations where there is none.
pub fn empty_list(root: &'static str) -> String {
    let mut xml = XmlWriter::new(root);
    xml.boolean("IsTruncated", false);
    xml.finish()
}

/// The answer of GetBucketPolicyStatus.
pub fn policy_status(is_public: bool) -> String {
    let mut xml = XmlWriter::new("PolicyStatus");
    xml.boolean("IsPublic", is_public);
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<(), S3Error>) -> Option<(&'static str, Option<String>)> {
        result.err().map(|error| (error.code().as_str(), error.element("Header").map(str::to_owned)))
    }

    #[test]
    fn what_is_told_is_taken() {
        assert_eq!(check_ownership_controls(ownership_controls().as_bytes()), Ok(()));
        assert_eq!(check_request_payment(request_payment().as_bytes()), Ok(()));
        assert_eq!(check_notification(empty("NotificationConfiguration").as_bytes()), Ok(()));
    }

    #[test]
    fn what_s3_has_and_is_not_here_is_501_with_its_name() {
        let not_implemented = |name: &str| Some(("NotImplemented", Some(name.to_owned())));
        for ownership in ["ObjectWriter", "BucketOwnerPreferred"] {
            let body = ownership_controls().replace(ENFORCED, ownership);
            assert_eq!(code(check_ownership_controls(body.as_bytes())), not_implemented("ObjectOwnership"));
        }
        let body = request_payment().replace("BucketOwner", "Requester");
        assert_eq!(code(check_request_payment(body.as_bytes())), not_implemented("Payer"));
        let body = "<NotificationConfiguration><QueueConfiguration/></NotificationConfiguration>";
        assert_eq!(code(check_notification(body.as_bytes())), not_implemented("QueueConfiguration"));
    }

    #[test]
    fn anything_else_is_malformed() {
        let rules = "<OwnershipControls><Rule><ObjectOwnership>Nobody</ObjectOwnership></Rule></OwnershipControls>";
        for body in [rules, "<OwnershipControls/>", "<OwnershipControls><Rule/></OwnershipControls>"] {
            assert_eq!(code(check_ownership_controls(body.as_bytes())), Some(("MalformedXML", None)), "{body}");
        }
        for body in [
            "<RequestPaymentConfiguration/>",
            "<RequestPaymentConfiguration><Payer>Me</Payer></RequestPaymentConfiguration>",
        ] {
            assert_eq!(code(check_request_payment(body.as_bytes())), Some(("MalformedXML", None)), "{body}");
        }
        let body = "<NotificationConfiguration><Pigeon/></NotificationConfiguration>";
        assert_eq!(code(check_notification(body.as_bytes())), Some(("MalformedXML", None)));
    }
}
