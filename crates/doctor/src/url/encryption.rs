//! `ssec_headers_missing`, `kms_needs_sigv4`.

use super::Findings;
use super::subject::Subject;
use crate::report::{Cause, Likelihood};

const SEND_THE_KEY: &str = "sign and send all three x-amz-server-side-encryption-customer-* headers (algorithm, key, key-MD5), \
    with the key that the object was stored with, over https";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    let message = subject.message();
    if message.contains("KMS managed keys require AWS Signature Version 4") {
        let evidence =
            "the server says so: the object is encrypted with a KMS key, and the request is not signed with SigV4";
        let fix = "sign with SigV4: boto3 Config(signature_version=\"s3v4\"), AWS CLI version 2, or any current SDK";
        return findings.add(Cause::KmsNeedsSigv4, Likelihood::Stated, evidence, fix);
    }
    let of_ssec = [
        "stored using a form of Server Side Encryption",
        "Server Side Encryption with Customer provided keys",
        "must provide an appropriate secret key",
        "must provide a valid encryption algorithm",
        "secret key was invalid for the specified algorithm",
        "MD5 hash of the key did not match",
    ];
    if of_ssec.iter().any(|text| message.contains(text)) || subject.code() == "InvalidEncryptionAlgorithmError" {
        let evidence = format!("the server says: {message}");
        return findings.add(Cause::SsecHeadersMissing, Likelihood::Stated, evidence, SEND_THE_KEY);
    }
    let Some(claim) = subject.sigv4().filter(|_| subject.signature_is_in_doubt() && !findings.signature_is_right)
    else {
        return;
    };
    let missing: Vec<&str> = claim
        .signed_headers
        .iter()
        .map(String::as_str)
        .filter(|name| name.contains("-server-side-encryption-customer-") && subject.request.header(name).is_none())
        .collect();
    if !missing.is_empty() {
        let is_known = subject.request.headers.is_some();
        let evidence = format!("{} is signed{}", missing.join(", "), if is_known { ", and was not sent" } else { "" });
        let likelihood = if is_known { Likelihood::Evident } else { Likelihood::Likely };
        findings.add(Cause::SsecHeadersMissing, likelihood, evidence, SEND_THE_KEY);
    }
}
