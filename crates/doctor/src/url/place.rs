//! `region_mismatch`, `host_mismatch`, `public_endpoint`, `addressing_style`, `permanent_redirect`.

use super::Findings;
use super::host::{S3Host, is_private};
use super::subject::Subject;
use crate::report::{Cause, Likelihood};

const SIGN_FOR_THE_REGION: &str = "sign with the region of the bucket (its `x-amz-bucket-region` says which) and for that \
    region's host";
const SIGN_FOR_THE_HOST: &str = "sign for the host that will be asked: `host` is signed. Behind a proxy let it pass on the \
    client's Host, or sign for the host that it sends";
const SIGN_PUBLIC: &str = "sign with the address under which the client reaches the store (`--endpoint`), not the one that the \
    signing machine uses inside";
const SIGN_THE_STYLE: &str = "sign in the addressing style in which the store is asked: bucket in the host for Amazon S3, in the \
    path for most other endpoints; a bucket with dots has no certificate in the host";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.cloudfront().is_some() {
        return;
    }
    redirect(subject, findings);
    region(subject, findings);
    host(subject, findings);
    bucket(subject, findings);
    style(subject, findings);
}

fn redirect(subject: &Subject<'_>, findings: &mut Findings) {
    let code = subject.code();
    let is_redirect = matches!(code, "PermanentRedirect" | "TemporaryRedirect" | "Redirect");
    let region = subject.response.header("x-amz-bucket-region");
    let by_status = subject.error.is_none() && matches!(subject.status(), Some(301 | 307)) && region.is_some();
    if !is_redirect && !by_status {
        return;
    }
    let endpoint = subject.error.and_then(|error| error.get("Endpoint"));
    let place = match (endpoint, region) {
        (Some(endpoint), _) => endpoint.to_owned(),
        (None, Some(region)) => format!("the region {region}"),
        (None, None) => "another endpoint".to_owned(),
    };
    let evidence =
        format!("the server sends the request on to {place}; the signature is for {}", subject.address.authority);
    findings.add(
        Cause::PermanentRedirect,
        Likelihood::Stated,
        evidence,
        "sign for the endpoint of the bucket's own region: a \
        signature does not survive a redirect, since host and region are signed",
    );
}

fn region(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(signed) = subject.region() else { return };
    let message = subject.message();
    let is_malformed =
        subject.code().starts_with("Authorization") || subject.code() == "IllegalLocationConstraintException";
    let expected = subject
        .error
        .and_then(|error| error.get("Region"))
        .or_else(|| message.split_once("expecting ").map(|(_, rest)| rest.trim_matches(['\'', '"', '.', ' '])));
    if is_malformed && (message.contains("region") || message.contains("Region")) {
        let expected = expected.unwrap_or("another");
        let evidence = format!("the server says so: it is signed for {signed}, and the bucket is in {expected}");
        return findings.add(Cause::RegionMismatch, Likelihood::Stated, evidence, SIGN_FOR_THE_REGION);
    }
    let of_bucket = subject.response.header("x-amz-bucket-region");
    if let Some(region) = of_bucket.filter(|region| *region != signed) {
        let evidence = format!("it is signed for {signed}, and the server says that the bucket is in {region}");
        return findings.add(Cause::RegionMismatch, Likelihood::Likely, evidence, SIGN_FOR_THE_REGION);
    }
    let host = S3Host::parse(&subject.address.authority).and_then(|host| host.region);
    if let Some(region) = host.filter(|region| region != signed && signed != "*" && subject.is_unanswered()) {
        let evidence = format!("it is signed for {signed}, and the host is one of {region}");
        findings.add(Cause::RegionMismatch, Likelihood::Evident, evidence, SIGN_FOR_THE_REGION);
    }
}

fn host(subject: &Subject<'_>, findings: &mut Findings) {
    if !subject.signature_is_in_doubt() || findings.signature_is_right || findings.has(Cause::HostMismatch) {
        return;
    }
    let of_url = subject.address.host_header();
    if let Some(sent) = subject.request.header("host").filter(|sent| !sent.eq_ignore_ascii_case(of_url)) {
        let evidence = format!("the URL is for {of_url}, and the request says Host: {sent}");
        findings.add(Cause::HostMismatch, Likelihood::Likely, evidence, SIGN_FOR_THE_HOST);
    }
    let through_cloudfront = subject.response.header("x-amz-cf-id").is_some() || of_url.ends_with(".cloudfront.net");
    if through_cloudfront && subject.sigv4().is_some() {
        let evidence = format!("the URL was asked through CloudFront ({of_url}), and S3 sees the host of the origin");
        findings.add(Cause::HostMismatch, Likelihood::Likely, evidence, SIGN_FOR_THE_HOST);
    }
    let is_inside = is_private(of_url);
    let is_known = subject.endpoints.iter().any(|endpoint| endpoint.authority() == of_url);
    if is_inside && subject.error.is_none() && !is_known {
        let evidence = format!("the host {of_url} only exists inside: a client elsewhere does not reach it");
        findings.add(Cause::PublicEndpoint, Likelihood::Likely, evidence, SIGN_PUBLIC);
    }
    let inner = subject.endpoints.iter().find(|endpoint| is_private(endpoint.authority()));
    if let Some(inner) = inner.filter(|_| !is_inside) {
        let evidence = format!(
            "the store is at {inner} inside, and the URL is for {of_url}: it may have been signed for the one and rewritten \
             to the other"
        );
        findings.add(Cause::PublicEndpoint, Likelihood::Possible, evidence, SIGN_PUBLIC);
    }
}

fn bucket(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.code() != "NoSuchBucket" {
        return;
    }
    let Some(name) = subject.error.and_then(|error| error.get("BucketName")) else { return };
    let host = subject.address.host_name();
    if name.eq_ignore_ascii_case(host) || (name.contains('.') && host.ends_with(name)) {
        let evidence = format!("the store took the host {name} for a bucket: it does not know that name as its own");
        findings.add(Cause::HostMismatch, Likelihood::Stated, evidence, SIGN_FOR_THE_HOST);
        return;
    }
    let in_host = S3Host::parse(host).and_then(|host| host.bucket);
    let first_label = host.split('.').next().unwrap_or_default();
    let segment =
        subject.address.decoded_path().trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    if in_host.is_none() && name == segment && host.contains('.') && !is_private(host) && first_label != "s3" {
        let evidence = format!(
            "the store took {name}, the beginning of the path, for the bucket; {first_label} in the host may be the bucket \
             that was meant"
        );
        findings.add(Cause::AddressingStyle, Likelihood::Likely, evidence, SIGN_THE_STYLE);
    }
}

fn style(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(bucket) = S3Host::parse(&subject.address.authority).and_then(|host| host.bucket) else { return };
    let path = subject.address.decoded_path();
    let is_twice = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(bucket.as_str()))
        .is_some_and(|rest| rest.starts_with('/'));
    if is_twice
        && (subject.is_unanswered() || subject.code() == "NoSuchKey" || subject.code() == "SignatureDoesNotMatch")
    {
        let evidence = format!("the bucket {bucket} stands in the host and at the beginning of the path");
        let likelihood = if subject.code() == "NoSuchKey" { Likelihood::Stated } else { Likelihood::Likely };
        findings.add(Cause::AddressingStyle, likelihood, evidence, SIGN_THE_STYLE);
    } else if bucket.contains('.')
        && subject.address.scheme == "https"
        && subject.error.is_none()
        && subject.status().is_none()
    {
        let evidence = format!("the bucket {bucket} has dots, and no certificate covers it before the host of S3");
        findings.add(Cause::AddressingStyle, Likelihood::Likely, evidence, SIGN_THE_STYLE);
    }
}
