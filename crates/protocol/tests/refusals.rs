//! Refused signatures, all the way from the request to AWS's error document.

use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::credentials::SecretKey;
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::chunked::ChunkError;
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Scheme, Schemes, Service};
use gatepass_signing::sigv4::{KeyCache, Region};
use jiff::Timestamp;

const SCOPE: &str = "AKID%2F20260523%2Fus-east-1%2Fs3%2Faws4_request";

/// A presigned target whose parameters can be replaced.
fn presigned(replace: &[(&str, &str)]) -> String {
    let signature = "0".repeat(64);
    let mut parameters = vec![
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", SCOPE),
        ("X-Amz-Date", "20260523T120000Z"),
        ("X-Amz-Expires", "300"),
        ("X-Amz-SignedHeaders", "host"),
        ("X-Amz-Signature", &signature),
    ];
    for (name, value) in replace {
        parameters.retain(|(other, _)| other != name);
        parameters.push((name, value));
    }
    let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("/bkt/k?{}", query.join("&"))
}

fn refused(target: &str, headers: &[(&str, &str)], now: &str) -> S3Error {
    refused_by(Schemes::default(), target, headers, now)
}

/// With SigV2 and SigV4a on.
fn refused_by_all(target: &str, headers: &[(&str, &str)], now: &str) -> S3Error {
    refused_by(Schemes::default().with(Scheme::SigV2).with(Scheme::SigV4a), target, headers, now)
}

fn refused_by(schemes: Schemes, target: &str, headers: &[(&str, &str)], now: &str) -> S3Error {
    let mut lines: Vec<(&str, &[u8])> = vec![("host", b"localhost:9000")];
    lines.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
    let request = RequestView { method: "GET", target, headers: &lines };
    let expectations = Expectations { schemes, ..Expectations::new(Region::new("us-east-1").unwrap(), Service::S3) };
    let now: Timestamp = now.parse().unwrap();
    match verify::parse(&request, &expectations, now) {
        Err(refusal) => refusal.into(),
        Ok(Presented::Query(claim) | Presented::Header(claim)) => {
            let secret = SecretKey::new("secret-secret").unwrap();
            claim.verify(&KeyCache::new(), &secret).map(|_| ()).unwrap_err().into()
        }
        Ok(Presented::Anonymous) => panic!("anonymous"),
    }
}

const NOW: &str = "2026-05-23T12:01:00Z";

fn names(error: &S3Error) -> Vec<&'static str> {
    error.elements().iter().map(|(name, _)| *name).collect()
}

#[test]
fn malformed_presigned_parameters_are_400() {
    let table: &[(&str, &str, &str)] = &[
        (
            "X-Amz-Expires",
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        ),
        ("X-Amz-Expires", "-1", "X-Amz-Expires must be non-negative"),
        ("X-Amz-Expires", "undefined", "X-Amz-Expires should be a number"),
        ("X-Amz-Date", "2026-05-23", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""),
        ("X-Amz-Algorithm", "X", "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\""),
        (
            "X-Amz-Credential",
            "AKID",
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        (
            "X-Amz-Credential",
            "AKID%2F20260523%2Fus-east-1%2Fsqs%2Faws4_request",
            "Error parsing the X-Amz-Credential parameter; incorrect service \"sqs\". This endpoint belongs to \"s3\".",
        ),
        (
            "X-Amz-Credential",
            "AKID%2F20260523%2Fus-east-1%2Fs3%2Faws5",
            "Error parsing the X-Amz-Credential parameter; incorrect terminal \"aws5\". This endpoint uses \"aws4_request\".",
        ),
    ];
    for (name, value, message) in table {
        let error = refused(&presigned(&[(name, value)]), &[], NOW);
        assert_eq!(
            (error.status(), error.code().as_str()),
            (400, "AuthorizationQueryParametersError"),
            "{name}={value}"
        );
        assert_eq!(error.message(), *message);
    }
    let missing = refused("/bkt/k?X-Amz-Signature=0", &[], NOW);
    assert!(missing.message().starts_with("Query-string authentication version 4 requires"), "{missing}");
}

#[test]
fn a_wrong_region_names_the_right_one() {
    let error =
        refused(&presigned(&[("X-Amz-Credential", "AKID%2F20260523%2Feu-west-1%2Fs3%2Faws4_request")]), &[], NOW);
    assert_eq!(
        error.message(),
        "Error parsing the X-Amz-Credential parameter; the region \"eu-west-1\" is wrong; expecting \"us-east-1\""
    );
    assert_eq!(error.element("Region"), Some("us-east-1"));
}

#[test]
fn an_expired_url_says_when() {
    let error = refused(&presigned(&[]), &[], "2026-05-23T12:05:01Z");
    assert_eq!((error.status(), error.message()), (403, "Request has expired"));
    let expected =
        [("X-Amz-Expires", "300"), ("Expires", "2026-05-23T12:05:00Z"), ("ServerTime", "2026-05-23T12:05:01Z")];
    assert_eq!(error.elements(), expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn a_url_from_the_future_is_not_yet_valid() {
    let error = refused(&presigned(&[]), &[], "2026-05-23T11:44:00Z");
    assert_eq!((error.status(), error.message()), (403, "Request is not yet valid"));
    assert_eq!(names(&error), ["X-Amz-Date", "Expires", "ServerTime"]);
    assert_eq!(error.element("X-Amz-Date"), Some("1779537600000"));
}

#[test]
fn unsigned_headers_are_named() {
    let error = refused(&presigned(&[]), &[("x-amz-copy-source", "a/b"), ("x-amz-acl", "private")], NOW);
    assert_eq!((error.status(), error.code().as_str()), (403, "AccessDenied"));
    assert_eq!(error.message(), "There were headers present in the request which were not signed");
    let mut unsigned: Vec<_> = error.element("HeadersNotSigned").unwrap().split(", ").collect();
    unsigned.sort_unstable();
    assert_eq!(unsigned, ["x-amz-acl", "x-amz-copy-source"]);
}

#[test]
fn a_mismatch_shows_both_texts_and_their_bytes_in_order() {
    let error = refused(&presigned(&[]), &[], NOW);
    assert_eq!((error.status(), error.code().as_str()), (403, "SignatureDoesNotMatch"));
    let expected = [
        "AWSAccessKeyId",
        "StringToSign",
        "SignatureProvided",
        "StringToSignBytes",
        "CanonicalRequest",
        "CanonicalRequestBytes",
    ];
    assert_eq!(names(&error), expected);
    assert!(error.element("StringToSignBytes").unwrap().starts_with("41 57 53 34 2d"));
    assert!(error.element("CanonicalRequestBytes").unwrap().starts_with("47 45 54 0a 2f"));
}

#[test]
fn no_error_echoes_a_session_token() {
    let token = "FwoGZXIvYXdzSECRET";
    let hex: Vec<String> = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    let in_query = refused(&presigned(&[("X-Amz-Security-Token", token)]), &[], NOW);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20260523/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature={}",
        "0".repeat(64)
    );
    let headers = [
        ("x-amz-date", "20260523T120000Z"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-security-token", token),
        ("authorization", &authorization),
    ];
    let in_header = refused("/bkt/k", &headers, NOW);
    for error in [in_query, in_header] {
        assert_eq!(error.code().as_str(), "SignatureDoesNotMatch");
        let xml = error.to_xml("r", "h");
        assert!(!xml.contains(token) && !xml.contains(&hex.join(" ")), "{xml}");
        assert!(xml.contains("[redacted]"), "{xml}");
    }
}

#[test]
fn version_2_is_refused_and_the_setting_that_helps_is_named() {
    let error = refused("/bkt/k?AWSAccessKeyId=AKID&Signature=x&Expires=1800000000", &[], NOW);
    assert_eq!((error.status(), error.code().as_str()), (400, "InvalidRequest"));
    assert_eq!(
        error.message(),
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    );
    assert!(error.element("Hint").unwrap().contains("signature_version=\"s3v4\""));
}

#[test]
fn version_2_speaks_of_its_own_parameters() {
    let missing = refused_by_all("/bkt/k?AWSAccessKeyId=AKID&Signature=x", &[], NOW);
    assert_eq!((missing.status(), missing.code().as_str()), (403, "AccessDenied"));
    assert_eq!(
        missing.message(),
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
    );
    let malformed = refused_by_all("/bkt/k?AWSAccessKeyId=AKID&Signature=x&Expires=soon", &[], NOW);
    assert_eq!((malformed.status(), malformed.code().as_str()), (403, "AccessDenied"));
    assert_eq!(malformed.message(), "Invalid date (should be seconds since epoch): soon");
    let id = refused_by_all("/bkt/k?AWSAccessKeyId=a%20b&Signature=x&Expires=1800000000", &[], NOW);
    assert_eq!((id.status(), id.code().as_str()), (403, "InvalidAccessKeyId"));
    let header = refused_by_all("/bkt/k", &[("authorization", "AWS AKID"), ("date", "x")], NOW);
    assert_eq!((header.status(), header.code().as_str()), (400, "InvalidArgument"));
    assert_eq!(header.message(), "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature");
    assert_eq!(header.element("ArgumentValue"), Some("AWS AKID"));
}

#[test]
fn an_expired_url_of_version_2_has_an_end_and_no_lifetime() {
    let error = refused_by_all("/bkt/k?AWSAccessKeyId=AKID&Signature=x&Expires=1779537659", &[], NOW);
    assert_eq!((error.status(), error.message()), (403, "Request has expired"));
    let expected = [("Expires", "2026-05-23T12:00:59Z"), ("ServerTime", "2026-05-23T12:01:00Z")];
    assert_eq!(error.elements(), expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn a_mismatch_of_version_2_shows_its_string_without_the_token() {
    let target = "/bkt/k?AWSAccessKeyId=AKID&Signature=x&Expires=1800000000";
    let error = refused_by_all(target, &[("x-amz-security-token", "FwoGZXIvYXdzSECRET")], NOW);
    assert_eq!((error.status(), error.code().as_str()), (403, "SignatureDoesNotMatch"));
    assert_eq!(names(&error), ["AWSAccessKeyId", "StringToSign", "SignatureProvided", "StringToSignBytes"]);
    let string_to_sign = "GET\n\n\n1800000000\nx-amz-security-token:[redacted]\n/bkt/k";
    assert_eq!(error.element("StringToSign"), Some(string_to_sign));
    assert!(!error.to_xml("r", "h").contains("SECRET"));
}

#[test]
fn a_region_set_that_is_missing_or_wrong_is_named() {
    let target = |set: &str| {
        let credential = ("X-Amz-Credential", "AKID%2F20260523%2Fs3%2Faws4_request");
        let algorithm = ("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256");
        format!("{}{set}", presigned(&[algorithm, credential]))
    };
    for (set, rest) in [
        ("", "the region set is missing; expecting X-Amz-Region-Set."),
        ("&X-Amz-Region-Set=us-%2A", "the region set is mal-formed; expecting \"*\" or regions between commas."),
        ("&X-Amz-Region-Set=eu-west-1", "the region set \"eu-west-1\" is wrong; expecting \"us-east-1\" among it"),
    ] {
        let error = refused_by_all(&target(set), &[], NOW);
        assert_eq!((error.status(), error.code().as_str()), (400, "AuthorizationQueryParametersError"));
        assert_eq!(error.message(), format!("Error parsing the X-Amz-Credential parameter; {rest}"));
    }
    let elsewhere = refused_by_all(&target("&X-Amz-Region-Set=eu-west-1"), &[], NOW);
    assert_eq!(elsewhere.element("Region"), Some("us-east-1"));
    let off = refused(&target("&X-Amz-Region-Set=%2A"), &[], NOW);
    assert_eq!(off.message(), "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"");
}

#[test]
fn two_mechanisms_are_refused() {
    let error = refused(&presigned(&[]), &[("authorization", "AWS4-HMAC-SHA256 x")], NOW);
    assert_eq!((error.status(), error.code().as_str()), (400, "InvalidArgument"));
    assert!(error.message().starts_with("Only one auth mechanism allowed;"));
    assert_eq!(names(&error), ["ArgumentName", "ArgumentValue"]);
    assert_eq!(error.element("ArgumentName"), Some("Authorization"));
}

#[test]
fn a_repeated_parameter_is_refused_without_its_value() {
    let target = format!("{}&X-Amz-Expires=300", presigned(&[]));
    let error = refused(&target, &[], NOW);
    assert_eq!((error.status(), error.code().as_str()), (400, "AuthorizationQueryParametersError"));
    assert_eq!(names(&error), ["ArgumentName"]);
}

#[test]
fn a_skewed_clock_shows_both_times() {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20260523/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}",
        "0".repeat(64)
    );
    let headers = [
        ("x-amz-date", "20260523T120000Z"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("authorization", &*authorization),
    ];
    let error = refused("/bkt/k", &headers, "2026-05-23T12:16:00Z");
    let expected = [
        ("RequestTime", "20260523T120000Z"),
        ("ServerTime", "2026-05-23T12:16:00Z"),
        ("MaxAllowedSkewMilliseconds", "900000"),
    ];
    assert_eq!((error.status(), error.code().as_str()), (403, "RequestTimeTooSkewed"));
    assert_eq!(error.elements(), expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn a_header_for_another_region_or_without_its_parts_is_malformed() {
    let with = |authorization: &str| {
        let headers = [
            ("x-amz-date", "20260523T120000Z"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("authorization", authorization),
        ];
        refused("/bkt/k", &headers, NOW)
    };
    let signature = "0".repeat(64);
    let region = with(&format!(
        "AWS4-HMAC-SHA256 Credential=AKID/20260523/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature={signature}"
    ));
    assert_eq!(
        region.message(),
        "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'"
    );
    assert_eq!(region.element("Region"), Some("us-east-1"));
    assert_eq!(
        with("AWS4-HMAC-SHA256 Credential=a").message(),
        "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature."
    );
    assert_eq!(with("Bearer x").message(), "Unsupported Authorization Type");
}

#[test]
fn refused_chunks_have_their_codes() {
    for (error, code) in [
        (ChunkError::ChunkTooSmall { chunk: 1, bytes: 8191 }, "InvalidChunkSizeError"),
        (ChunkError::SignatureMismatch, "SignatureDoesNotMatch"),
        (ChunkError::LengthMismatch, "IncompleteBody"),
        (ChunkError::TrailerMalformed, "MalformedTrailerError"),
    ] {
        assert_eq!(S3Error::from(error).code().as_str(), code);
    }
}
