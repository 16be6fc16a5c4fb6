//! What CloudFront answers to a viewer whom it does not let in: always 403, always without an id of the request, which is
//! how to tell its denials from those of the S3 behind it.
//!
//! Source: CloudFront's answers as they were observed, and the texts of the developer guide, "Serve private content with
//! signed URLs and signed cookies". Where a rule has no answer of its own there, it gets that of its nearest neighbour.

use gatepass_signing::cloudfront::verify::{Reason, Refusal};

/// An error answer of CloudFront.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloudFrontError {
    /// Nothing is signed, or the id of the key is missing.
    MissingKey,
    /// No trusted key group has the key.
    InvalidKey,
    /// The policy, or the expiry that stands for one, is missing or cannot be read.
    MalformedPolicy,
    /// The signature is missing or cannot be decoded.
    MalformedSignature,
    /// The signature, the URL, the times or the viewer's address do not fit.
    AccessDenied,
}

impl CloudFrontError {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        403
    }

    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Self::MissingKey => "MissingKey",
            Self::InvalidKey => "InvalidKey",
            Self::MalformedPolicy => "MalformedPolicy",
            Self::MalformedSignature => "MalformedSignature",
            Self::AccessDenied => "AccessDenied",
        }
    }

    /// The message. S3 writes "Access Denied", CloudFront "Access denied".
    pub fn message(self) -> &'static str {
        match self {
            Self::MissingKey => "Missing Key-Pair-Id query parameter or cookie value",
            Self::InvalidKey => "Unknown Key",
            Self::MalformedPolicy => "Malformed Policy",
            Self::MalformedSignature => "Could not unencode Signature",
            Self::AccessDenied => "Access denied",
        }
    }

    /// The body, to be sent as `text/xml`. An answer to HEAD carries none of it.
    pub fn to_xml(self) -> String {
        // Neither code nor message has a character that XML escapes.
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
            self.code(),
            self.message()
        )
    }
}

impl From<&Refusal> for CloudFrontError {
    fn from(refusal: &Refusal) -> Self {
        Self::from(refusal.reason())
    }
}

impl From<Reason> for CloudFrontError {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::KeyPairIdMissing => Self::MissingKey,
            Reason::KeyUnknown => Self::InvalidKey,
            Reason::PolicyMissing
            | Reason::PolicyAmbiguous
            | Reason::PolicyMalformed
            | Reason::ExpiresMalformed
            | Reason::ParameterRepeated => Self::MalformedPolicy,
            Reason::SignatureMissing | Reason::SignatureMalformed => Self::MalformedSignature,
            Reason::UrlTooLong
            | Reason::CookiesTooLong
            | Reason::UrlMalformed
            | Reason::HashAlgorithmUnknown
            | Reason::SignatureMismatch
            | Reason::ResourceMismatch
            | Reason::DotSegments
            | Reason::NotYetValid
            | Reason::Expired
            | Reason::AddressMismatch => Self::AccessDenied,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_cloudfront() {
        for (reason, code, message) in [
            (Reason::KeyPairIdMissing, "MissingKey", "Missing Key-Pair-Id query parameter or cookie value"),
            (Reason::KeyUnknown, "InvalidKey", "Unknown Key"),
            (Reason::PolicyMissing, "MalformedPolicy", "Malformed Policy"),
            (Reason::PolicyMalformed, "MalformedPolicy", "Malformed Policy"),
            (Reason::ExpiresMalformed, "MalformedPolicy", "Malformed Policy"),
            (Reason::SignatureMalformed, "MalformedSignature", "Could not unencode Signature"),
            (Reason::SignatureMismatch, "AccessDenied", "Access denied"),
            (Reason::ResourceMismatch, "AccessDenied", "Access denied"),
            (Reason::NotYetValid, "AccessDenied", "Access denied"),
            (Reason::Expired, "AccessDenied", "Access denied"),
            (Reason::AddressMismatch, "AccessDenied", "Access denied"),
        ] {
            let error = CloudFrontError::from(reason);
            assert_eq!((error.status(), error.code(), error.message()), (403, code, message), "{reason:?}");
            assert_eq!(
                error.to_xml(),
                format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
                )
            );
        }
    }
}
