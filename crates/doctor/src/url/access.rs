//! `access_denied_by_policy`, `no_such_key`.

use super::Findings;
use super::subject::Subject;
use crate::error_document::ErrorDocument;
use crate::report::{Cause, Likelihood};

const ALLOW: &str = "the signature is right, so look at what the signer may do, now and not when it signed: its identity policy and \
    session policy, the bucket's policy (source address, TLS, s3:signatureAge), organisation policies, the KMS key. A missing \
    object reads the same for whoever may not list the bucket";
const LOOK_FOR_IT: &str = "look for the object under exactly this key: upper and lower case, a slash at the beginning, a prefix, \
    a version that is gone, a lifecycle rule";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    let code = subject.code();
    if matches!(code, "NoSuchKey" | "NoSuchVersion" | "NoSuchBucket" | "NoSuchUpload")
        || (subject.error.is_none() && subject.status() == Some(404))
    {
        not_there(subject, findings);
    }
    if subject.error.is_none() && subject.status() == Some(403) && !findings.is_explained() {
        // HEAD has no body, and browsers keep it from scripts.
        let (said, likelihood) = if findings.signature_is_right {
            ("the answer is 403, and the signature is right for the credentials at hand", Likelihood::Likely)
        } else {
            ("the answer is 403 without a reason; the signer may not be allowed", Likelihood::Possible)
        };
        return findings.add(Cause::AccessDeniedByPolicy, likelihood, said, ALLOW);
    }
    let is_kms = code.starts_with("KMS.");
    if (code != "AccessDenied" && !is_kms && code != "AllAccessDisabled" && code != "AccountProblem")
        || findings.is_explained()
        || subject.cloudfront().is_some() && subject.error.is_some_and(ErrorDocument::is_from_cloudfront)
    {
        return;
    }
    let message = subject.message();
    let (said, likelihood) = if message.contains("is not authorized to perform") || is_kms {
        (format!("the server says: {message}"), Likelihood::Stated)
    } else {
        let id = subject.access_key_id().unwrap_or("nobody");
        (
            format!("the server denies without a reason: {id} may not do this, or the object is not there"),
            Likelihood::Likely,
        )
    };
    findings.add(Cause::AccessDeniedByPolicy, likelihood, said, ALLOW);
}

fn not_there(subject: &Subject<'_>, findings: &mut Findings) {
    let (bucket, key) = subject.bucket_and_key();
    let of_error = |name: &str| subject.error.and_then(|error| error.get(name)).map(str::to_owned);
    let likelihood =
        if findings.is_explained() || findings.has(Cause::PlusForSpace) || findings.has(Cause::AddressingStyle) {
            Likelihood::Possible
        } else {
            Likelihood::Stated
        };
    let evidence = if subject.code() == "NoSuchBucket" {
        let bucket = of_error("BucketName").or(bucket).unwrap_or_default();
        format!("the signature is right, and there is no bucket {bucket:?}")
    } else {
        let key = of_error("Key").or(key).unwrap_or_default();
        let slash = if key.starts_with('/') { "; it begins with a slash, which is a part of it" } else { "" };
        let version = of_error("VersionId").map(|version| format!(" in version {version:?}")).unwrap_or_default();
        format!("the signature is right, and there is no object {key:?}{version}{slash}")
    };
    findings.add(Cause::NoSuchKey, likelihood, evidence, LOOK_FOR_IT);
}
