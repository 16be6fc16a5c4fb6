//! `html_escaped`, `truncated`, `query_modified`, `hoisted_ignored`, `empty_body_checksum`.

use super::Findings;
use super::address::Damage;
use super::subject::{Authentication, Place, SigV4, Subject, asking};
use crate::report::{Cause, Likelihood};

const UNESCAPE: &str =
    "replace every &amp; by &; where HTML is written by a template, take the link's value and not its source";
const WHOLE: &str = "copy the whole URL, and quote it in a shell: an unquoted & ends the command. Mail programs, chats and \
    columns of a table cut long URLs; session tokens make them long";
const UNCHANGED: &str = "send the URL exactly as it was made: every parameter is signed. What should be in it must be there \
    before it is signed";
/// CRC-32 of nothing.
const EMPTY_CRC32: &str = "AAAAAA==";

/// What is wrong with the URL before anything is read in it.
pub(super) fn whole(subject: &Subject<'_>, findings: &mut Findings) {
    let is_escaped = subject.address.query.iter().any(|parameter| parameter.damage == Some(Damage::HtmlEscaped));
    if is_escaped {
        let likelihood =
            if subject.code().starts_with("Authorization") { Likelihood::Stated } else { Likelihood::Evident };
        findings.add(Cause::HtmlEscaped, likelihood, "the query has &amp; where & separates its parameters", UNESCAPE);
    }
    if let Some(cut_by) = subject.request.cut_by.filter(|cut_by| *cut_by == '&') {
        let evidence = format!("the shell ends the command at an unquoted {cut_by}, in the middle of the URL");
        findings.add(Cause::Truncated, Likelihood::Evident, evidence, WHOLE);
    }
    match &subject.authentication {
        Authentication::SigV4(claim) if claim.place == Place::Query => truncated(subject, claim, is_escaped, findings),
        Authentication::SigV2(claim) if claim.place == Place::Query => {
            let missing = [
                ("AWSAccessKeyId", claim.access_key_id.is_none()),
                ("Expires", subject.address.get("Expires").is_none()),
                ("Signature", claim.signature.is_none()),
            ];
            missing_parameters(&missing, is_escaped, findings);
        }
        Authentication::CloudFront(claim) if claim.key_pair_id.is_some() => {
            let missing = [("Signature", claim.signature.as_deref().is_none_or(str::is_empty))];
            missing_parameters(&missing, is_escaped, findings);
        }
        _ => {}
    }
}

fn truncated(subject: &Subject<'_>, claim: &SigV4, is_escaped: bool, findings: &mut Findings) {
    let missing = [
        ("X-Amz-Algorithm", claim.algorithm.is_none()),
        ("X-Amz-Credential", claim.credential.is_none()),
        ("X-Amz-Date", subject.address.get("X-Amz-Date").is_none()),
        ("X-Amz-Expires", claim.expires.is_none()),
        ("X-Amz-SignedHeaders", claim.signed_headers.is_empty()),
        ("X-Amz-Signature", claim.signature.is_none()),
    ];
    if missing_parameters(&missing, is_escaped, findings) {
        return;
    }
    let is_hmac = claim.algorithm.as_deref() == Some("AWS4-HMAC-SHA256");
    let signature = claim.signature.as_deref().unwrap_or_default();
    let digits = signature.bytes().take_while(u8::is_ascii_hexdigit).count();
    if is_hmac && digits < 64 {
        let evidence =
            format!("X-Amz-Signature has {digits} characters of the 64 hexadecimal digits that it should have");
        findings.add(Cause::Truncated, Likelihood::Evident, evidence, WHOLE);
    } else if is_hmac && signature.len() > 64 {
        // A full stop or a bracket that was copied along, for instance.
        let evidence = "something stands behind the 64 hexadecimal digits of X-Amz-Signature";
        findings.add(Cause::QueryModified, Likelihood::Evident, evidence, UNCHANGED);
    }
    let parts = claim.credential.as_deref().unwrap_or_default().split('/').count();
    if is_hmac && parts != 5 {
        let evidence = format!("X-Amz-Credential has {parts} parts instead of key/date/region/s3/aws4_request");
        findings.add(Cause::Truncated, Likelihood::Evident, evidence, WHOLE);
    }
    if subject.address.get("X-Amz-Date").is_some() && claim.signed_at.is_none() {
        let evidence = "X-Amz-Date is not of the form 20260101T120000Z";
        findings.add(Cause::QueryModified, Likelihood::Evident, evidence, UNCHANGED);
    } else if let (Some(date), Some(of_request)) = (&claim.date, subject.address.get("X-Amz-Date"))
        && !of_request.starts_with(date.as_str())
    {
        let evidence = "the date of X-Amz-Credential is not that of X-Amz-Date";
        findings.add(Cause::QueryModified, Likelihood::Evident, evidence, UNCHANGED);
    }
}

fn missing_parameters(parameters: &[(&str, bool)], is_escaped: bool, findings: &mut Findings) -> bool {
    let missing: Vec<&str> = parameters.iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return false;
    }
    let likelihood = if is_escaped { Likelihood::Possible } else { Likelihood::Evident };
    findings.add(Cause::Truncated, likelihood, format!("the query has no {}", missing.join(", no ")), WHOLE);
    true
}

/// What is in the query and should not be, or has no effect there.
pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    checksum(subject, findings);
    hoisted(subject, findings);
    modified(subject, findings);
}

fn modified(subject: &Subject<'_>, findings: &mut Findings) {
    const OF_TRACKERS: [&str; 8] = ["fbclid", "gclid", "msclkid", "dclid", "mc_cid", "mc_eid", "igshid", "_hsenc"];
    if !subject.signature_is_in_doubt() || findings.signature_is_right || subject.sigv4().is_none() {
        return;
    }
    if let Some(name) = repeated(subject) {
        let evidence = format!("the parameter {name} stands twice");
        findings.add(Cause::QueryModified, Likelihood::Evident, evidence, UNCHANGED);
    }
    let is_tracker = |name: &str| name.starts_with("utm_") || OF_TRACKERS.contains(&name);
    if let Some(parameter) = asking(&subject.address).find(|parameter| is_tracker(&parameter.name)) {
        let evidence = format!("{} was added by somebody who counts visits, and is not signed", parameter.name);
        findings.add(Cause::QueryModified, Likelihood::Evident, evidence, UNCHANGED);
    }
    // What no operation of S3 knows was hardly signed; what stands behind the signature may have been added.
    let after = subject.address.query.iter().skip_while(|parameter| parameter.name != "X-Amz-Signature").skip(1);
    let mut added = after.filter(|parameter| !parameter.is_authentication() && !is_tracker(&parameter.name));
    // The JavaScript SDK sorts its own parameters behind the signature.
    let of_sdk = |name: &str| name == "x-id" || name.starts_with("x-amz-") || name.starts_with("response-");
    if let Some(parameter) = added.find(|parameter| !of_sdk(&parameter.name) && subject.address.get("x-id").is_none()) {
        let evidence = format!("{} stands behind the signature, where it may have been added later", parameter.name);
        findings.add(Cause::QueryModified, Likelihood::Possible, evidence, UNCHANGED);
    }
}

fn repeated<'a>(subject: &'a Subject<'_>) -> Option<&'a str> {
    let mut names: Vec<&str> = subject.address.query.iter().map(|parameter| parameter.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1] && pair[0].starts_with("X-Amz-")).map(|pair| pair[0])
}

fn checksum(subject: &Subject<'_>, findings: &mut Findings) {
    const FIX: &str = "make the client with requestChecksumCalculation: \"WHEN_REQUIRED\" before it presigns; the checksum of the \
        body that will be sent cannot be known yet";
    if subject.address.get_ignoring_case("x-amz-checksum-crc32") != Some(EMPTY_CRC32) {
        return;
    }
    let is_about_it =
        matches!(subject.code(), "BadDigest" | "XAmzContentChecksumMismatch" | "InvalidRequest" | "InvalidDigest");
    let said = subject.message().to_ascii_lowercase();
    let likelihood = match () {
        () if is_about_it && (subject.code() != "InvalidRequest" || said.contains("checksum")) => Likelihood::Stated,
        () if subject.is_unanswered() => Likelihood::Possible,
        () => Likelihood::Remark,
    };
    let evidence = format!(
        "x-amz-checksum-crc32={EMPTY_CRC32} is signed into the query: the checksum of an empty body, which the JavaScript \
         SDK adds by itself. Amazon S3 ignores it there, other stores refuse every body but the empty one"
    );
    findings.add(Cause::EmptyBodyChecksum, likelihood, evidence, FIX);
}

fn hoisted(subject: &Subject<'_>, findings: &mut Findings) {
    const FIX: &str = "sign it as a header and let the client send it: unhoistableHeaders in the JavaScript SDK's presigner, \
        DisableHeaderHoisting in Go's";
    let is_ignored = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "x-amz-tagging"
            || name.starts_with("x-amz-server-side-encryption")
            || (name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-mode")
    };
    let names: Vec<&str> = subject
        .address
        .query
        .iter()
        .filter(|parameter| is_ignored(&parameter.name) && parameter.value != EMPTY_CRC32)
        .map(|parameter| parameter.name.as_str())
        .collect();
    if names.is_empty() {
        return;
    }
    let is_denied = subject.code() == "AccessDenied" && !findings.is_explained();
    let likelihood = if is_denied { Likelihood::Evident } else { Likelihood::Remark };
    let evidence = format!(
        "{} stands in the query, where S3 covers it with the signature and ignores it: no tag is set, nothing is encrypted \
         with it, nothing is checked",
        names.join(", ")
    );
    findings.add(Cause::HoistedIgnored, likelihood, evidence, FIX);
}
