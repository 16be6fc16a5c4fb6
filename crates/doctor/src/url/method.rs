//! `method_mismatch`.

use super::Findings;
use super::recompute::Seen;
use super::subject::Subject;
use crate::report::{Cause, Likelihood};

const FIX: &str = "send the request with the method it was signed for, or sign one for this method: GET and HEAD differ too, \
    and a redirect may turn a POST into a GET";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.sigv4().is_none() && subject.sigv2().is_none() {
        return;
    }
    let seen = subject.error.and_then(|error| error.get("CanonicalRequest")).map(|text| Seen::parse(text).method);
    let used = seen.or_else(|| subject.request.method.clone());
    if subject.code() == "MethodNotAllowed" {
        let evidence = format!("the server says that {} is not allowed here", used.as_deref().unwrap_or("the method"));
        return findings.add(Cause::MethodMismatch, Likelihood::Stated, evidence, FIX);
    }
    if !subject.signature_is_in_doubt() || findings.signature_is_right {
        return;
    }
    let Some(used) = used else { return };
    match intended(subject) {
        Some((method, sign, is_sure)) if method != used => {
            let evidence = format!("the request was a {used}, and {sign} tells that the URL was signed for {method}");
            let likelihood = if is_sure { Likelihood::Evident } else { Likelihood::Likely };
            findings.add(Cause::MethodMismatch, likelihood, evidence, FIX);
        }
        None if used == "HEAD" => {
            let evidence = "the request was a HEAD, and URLs are usually signed for GET, which is another signature";
            findings.add(Cause::MethodMismatch, Likelihood::Likely, evidence, FIX);
        }
        None if used != "GET" && subject.error.is_some() => {
            let evidence = format!("the request was a {used}; the URL does not tell which method it was signed for");
            findings.add(Cause::MethodMismatch, Likelihood::Possible, evidence, FIX);
        }
        Some(_) | None => {}
    }
}

/// The method for which a URL was signed, as far as its parameters tell; and whether they are sure.
fn intended(subject: &Subject<'_>) -> Option<(&'static str, String, bool)> {
    const OF_AN_UPLOAD: [&str; 6] =
        ["content-type", "content-length", "content-md5", "x-amz-acl", "x-amz-tagging", "x-amz-storage-class"];
    let address = &subject.address;
    // The JavaScript SDK writes down the operation.
    if let Some(operation) = address.get("x-id") {
        let method = match operation {
            _ if operation.starts_with("Get") || operation.starts_with("List") => "GET",
            _ if operation.starts_with("Put") || operation.starts_with("UploadPart") => "PUT",
            _ if operation.starts_with("Head") => "HEAD",
            _ if operation.starts_with("DeleteObjects") => "POST",
            _ if operation.starts_with("Delete") || operation.starts_with("Abort") => "DELETE",
            _ if operation.starts_with("Create") || operation.starts_with("Complete") => "POST",
            _ => return None,
        };
        return Some((method, format!("x-id={operation}"), true));
    }
    if address.get("partNumber").is_some() && address.get("uploadId").is_some() {
        return Some(("PUT", "uploadId with partNumber".to_owned(), true));
    }
    if address.get("uploads").is_some() {
        return Some(("POST", "the parameter uploads".to_owned(), false));
    }
    if let Some(parameter) = address.query.iter().find(|parameter| parameter.name.starts_with("response-")) {
        return Some(("GET", format!("the parameter {}", parameter.name), false));
    }
    let is_upload = |name: &str| {
        OF_AN_UPLOAD.contains(&name) || name.starts_with("x-amz-meta-") || name.starts_with("x-amz-checksum-")
    };
    let signed = subject.sigv4().and_then(|claim| claim.signed_headers.iter().find(|name| is_upload(name)));
    if let Some(name) = signed {
        return Some(("PUT", format!("the signed header {name}"), false));
    }
    let hoisted = address.query.iter().find(|parameter| is_upload(&parameter.name.to_ascii_lowercase()));
    hoisted.map(|parameter| ("PUT", format!("the parameter {}", parameter.name), false))
}
