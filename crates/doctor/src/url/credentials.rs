//! `credentials_expired`, `unknown_key`, `wrong_secret`.

use gatepass_signing::credentials::Credentials;

use super::Findings;
use super::subject::Subject;
use crate::report::{Cause, Likelihood};

const RENEW: &str = "sign with fresh credentials; a URL never outlives the session that signed it, whatever its \
    X-Amz-Expires says, so let the session begin anew before signing for long";
const CHECK_KEY: &str = "look whether the access key still exists, is active, belongs to this store, and was not replaced \
    by a placeholder; temporary keys (ASIA…) also need their session token";
const CHECK_SECRET: &str = "sign again with the secret that belongs to the access key; look for blanks and line breaks \
    around it, for a key that was rotated, and for two settings that are mixed";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    let id = subject.access_key_id().unwrap_or("the access key");
    let is_temporary = id.starts_with("ASIA");
    let has_token = subject.sigv4().is_none_or(|claim| claim.token.is_some());
    match subject.code() {
        "ExpiredToken" | "TokenRefreshRequired" => {
            let evidence = format!("the server says that the session token of {id} has expired");
            findings.add(Cause::CredentialsExpired, Likelihood::Stated, evidence, RENEW);
        }
        "InvalidToken" | "InvalidTokenId" => {
            let evidence =
                format!("the server does not take the session token: it is over, cut off, or not that of {id}");
            findings.add(Cause::CredentialsExpired, Likelihood::Likely, evidence, RENEW);
        }
        "InvalidAccessKeyId" => {
            let evidence = if is_temporary && !has_token {
                format!("{id} is a temporary key, and the request has no session token")
            } else {
                format!("the server does not know {id}")
            };
            findings.add(Cause::UnknownKey, Likelihood::Stated, evidence, CHECK_KEY);
        }
        _ if subject.is_unanswered() && subject.sigv4().is_some() => {
            let is_placeholder = ["undefined", "null", "None"].contains(&id)
                || id.to_ascii_uppercase().contains("YOUR")
                || id.contains(['<', '{', '$']);
            if is_placeholder {
                let evidence = format!("the access key is {id:?}, which looks like a placeholder");
                findings.add(Cause::UnknownKey, Likelihood::Evident, evidence, CHECK_KEY);
            } else if is_temporary && !has_token {
                let evidence = format!("{id} is a temporary key, and the request has no session token");
                findings.add(Cause::UnknownKey, Likelihood::Likely, evidence, CHECK_KEY);
            }
        }
        _ => {}
    }
    if subject.is_unanswered()
        && let (Some(end), Some(credentials)) =
            (subject.credentials.and_then(Credentials::expires_at), subject.credentials)
        && credentials.access_key_id().as_str() == id
        && end < subject.moment
    {
        let evidence = format!("the credentials of {id} ended at {end}");
        findings.add(Cause::CredentialsExpired, Likelihood::Evident, evidence, RENEW);
    }
}

/// The secret cannot be seen from outside: it is what is left.
pub(super) fn last_resort(subject: &Subject<'_>, findings: &mut Findings) {
    let is_refused = subject.error.is_none() && subject.status() == Some(403) && !findings.signature_is_right;
    let is_wrong = subject.code() == "SignatureDoesNotMatch" || is_refused || findings.signature_was_tried;
    let is_in_doubt = subject.signature_is_in_doubt() && subject.cloudfront().is_none();
    if !is_wrong || !is_in_doubt || subject.access_key_id().is_none() || findings.is_explained() {
        return;
    }
    if findings.signature_is_right {
        let evidence = "the signature is right for the credentials at hand, and the server computed another one: it knows \
            another secret for this access key";
        findings.add(Cause::WrongSecret, Likelihood::Likely, evidence, CHECK_SECRET);
    } else if findings.signature_was_tried {
        let evidence = "with the credentials at hand no variant of the request gives the signature that it carries";
        findings.add(Cause::WrongSecret, Likelihood::LastResort, evidence, CHECK_SECRET);
    } else {
        let evidence = "nothing else in the request explains why the signature does not match";
        findings.add(Cause::WrongSecret, Likelihood::LastResort, evidence, CHECK_SECRET);
    }
}

impl Subject<'_> {
    pub(crate) fn is_signed_by_the_credentials_at_hand(&self) -> bool {
        self.credentials.is_some_and(|credentials| Some(credentials.access_key_id().as_str()) == self.access_key_id())
    }
}
