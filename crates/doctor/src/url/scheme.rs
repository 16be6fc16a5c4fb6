//! `two_mechanisms`, `sigv2_refused`.

use super::Findings;
use super::subject::{Authentication, Place, Subject};
use crate::report::{Cause, Likelihood};

const ONE_ONLY: &str = "send one signature: no Authorization header with a signed URL. HTTP clients with a default header, \
    and CloudFront with origin access control (set it to never sign for this origin), add one";
const USE_V4: &str = "sign with SigV4: boto3 Config(signature_version=\"s3v4\") and the bucket's region, AWS CLI version 2, or any \
    current SDK";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    two_mechanisms(subject, findings);
    sigv2(subject, findings);
}

fn two_mechanisms(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.message().starts_with("Only one auth mechanism allowed") {
        let evidence = "the server says so: the request has a signature in its query and an Authorization header";
        return findings.add(Cause::TwoMechanisms, Likelihood::Stated, evidence, ONE_ONLY);
    }
    let has = |name: &str| subject.address.get(name).is_some();
    let in_query = match &subject.authentication {
        Authentication::SigV4(claim) => claim.place == Place::Query,
        Authentication::SigV2(claim) => claim.place == Place::Query,
        _ => false,
    };
    if in_query && let Some(value) = subject.request.header("authorization") {
        let scheme = value.split(' ').next().unwrap_or_default();
        let scheme = if scheme.len() < value.len() || value == "Basic" { scheme } else { "of some kind" };
        let evidence = format!("the URL is signed, and the request has an Authorization header ({scheme})");
        findings.add(Cause::TwoMechanisms, Likelihood::Evident, evidence, ONE_ONLY);
    } else if has("X-Amz-Signature") && has("Signature") {
        let evidence = "the query has both X-Amz-Signature and Signature";
        findings.add(Cause::TwoMechanisms, Likelihood::Evident, evidence, ONE_ONLY);
    }
}

fn sigv2(subject: &Subject<'_>, findings: &mut Findings) {
    let message = subject.message();
    if message.contains("authorization mechanism you have provided is not supported") {
        let evidence = "the server says so: it takes AWS4-HMAC-SHA256 only, and this is Signature Version 2";
        return findings.add(Cause::Sigv2Refused, Likelihood::Stated, evidence, USE_V4);
    }
    let is_sigv2 = subject.sigv2().is_some() || subject.post().is_some_and(|post| post.sigv2);
    if is_sigv2 && subject.is_unanswered() {
        let evidence =
            "it is signed with Signature Version 2, which newer regions and buckets, and many other stores, refuse";
        findings.add(Cause::Sigv2Refused, Likelihood::Likely, evidence, USE_V4);
    }
}
