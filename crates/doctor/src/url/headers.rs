//! `signed_header_mismatch`, `unsigned_header`.

use super::Findings;
use super::recompute::Seen;
use super::subject::{Place, Subject};
use crate::redact;
use crate::report::{Cause, Likelihood};

const SEND_AS_SIGNED: &str = "send every signed header with exactly the value that was signed, parameters such as \
    `; charset=utf-8` and all; or do not sign it. HTTP clients add a Content-Type of their own";
const SIGN_IT: &str = "sign every x-amz-* header that will be sent, or do not send it; in the JavaScript SDK keep it out of the \
    query with unhoistableHeaders";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    unsigned(subject, findings);
    of_sigv2(subject, findings);
    let Some(claim) = subject.sigv4() else { return };
    if subject.code() == "XAmzContentSHA256Mismatch" {
        let evidence = "the server says that the body is not the one whose SHA-256 was signed";
        findings.add(
            Cause::SignedHeaderMismatch,
            Likelihood::Stated,
            evidence,
            "send the body that was signed, unchanged",
        );
    }
    if !subject.signature_is_in_doubt() || findings.signature_is_right || claim.place == Place::Header {
        return;
    }
    let seen = subject.error.and_then(|error| error.get("CanonicalRequest")).map(Seen::parse);
    // Signed headers of customer-provided keys are `encryption`'s.
    let names = claim.signed_headers.iter().filter(|name| *name != "host" && !name.contains("-customer-"));
    for name in names {
        let received = seen.as_ref().and_then(|seen| seen.header(name)).filter(|value| !value.is_empty());
        let given = subject.request.header(name).map(str::to_owned);
        match received.or(given) {
            Some(value) => {
                let value = if redact::is_secret(name) { redact::REDACTED } else { &value };
                let evidence =
                    format!("{name} is signed, and was sent as {value:?}: it must be what was signed, byte for byte");
                let likelihood = if name == "content-type" { Likelihood::Likely } else { Likelihood::Possible };
                findings.add(Cause::SignedHeaderMismatch, likelihood, evidence, SEND_AS_SIGNED);
            }
            None if seen.is_some() || subject.request.headers.is_some() => {
                let evidence = format!("{name} is signed, and was not sent");
                findings.add(Cause::SignedHeaderMismatch, Likelihood::Evident, evidence, SEND_AS_SIGNED);
            }
            None => {
                let evidence =
                    format!("{name} is signed: whoever uses the URL must send it with the value that was signed");
                findings.add(Cause::SignedHeaderMismatch, Likelihood::Likely, evidence, SEND_AS_SIGNED);
            }
        }
    }
}

/// SigV2 has no list of signed headers: a Content-Type counts as soon as it is sent.
fn of_sigv2(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.sigv2().is_none() || subject.code() != "SignatureDoesNotMatch" || findings.signature_is_right {
        return;
    }
    if let Some(value) = subject.request.header("content-type") {
        let evidence =
            format!("content-type was sent as {value:?}, and SigV2 always signs it: it must be what was signed");
        findings.add(Cause::SignedHeaderMismatch, Likelihood::Likely, evidence, SEND_AS_SIGNED);
    }
}

fn unsigned(subject: &Subject<'_>, findings: &mut Findings) {
    if let Some(names) = subject.error.and_then(|error| error.get("HeadersNotSigned")) {
        let evidence = format!("the server says so: {names} was sent and is not signed");
        return findings.add(Cause::UnsignedHeader, Likelihood::Stated, evidence, SIGN_IT);
    }
    let Some(claim) = subject.sigv4() else { return };
    let is_unsigned = |name: &str| {
        name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
            && !name.eq_ignore_ascii_case("x-amz-content-sha256")
            && !claim.signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name))
    };
    let names: Vec<String> =
        subject.request.headers.iter().flatten().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_unsigned(name)).collect();
    if !names.is_empty() && subject.is_unanswered() {
        let evidence = format!("{} is sent and not signed", names.join(", "));
        findings.add(Cause::UnsignedHeader, Likelihood::Evident, evidence, SIGN_IT);
    } else if subject.message().starts_with("There were headers present") {
        let evidence = "the server says so: an x-amz-* header was sent that is not signed";
        findings.add(Cause::UnsignedHeader, Likelihood::Stated, evidence, SIGN_IT);
    }
}
