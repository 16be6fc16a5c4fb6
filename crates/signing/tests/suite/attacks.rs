//! Requests that somebody sends who should not get through, each with the refusal that stops it.

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::{Method, Presign, PresignError, ResponseOverride};
use gatepass_signing::sigv4::verify::{Details, Reason};
use gatepass_signing::time::Lifetime;
use jiff::ToSpan as _;

use crate::support::{Request, address, credentials, header_signed, midnight, presigned, region, signed};

fn put() -> Request {
    presigned(Method::Put, "up/1")
}

fn not_signed(request: &Request) -> String {
    let refusal = request.refusal();
    match refusal.details() {
        Details::HeadersNotSigned(names) => names.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attack_01_an_upload_url_cannot_be_turned_into_a_copy() {
    assert_eq!(not_signed(&put().with("x-amz-copy-source", "/bucket/secret")), "x-amz-copy-source");
}

#[test]
fn attack_02_no_amz_header_enters_unsigned() {
    for name in [
        "x-amz-acl",
        "x-amz-tagging",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
        "x-amz-meta-x",
        "x-amz-meta-snowball-auto-extract",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-object-lock-mode",
        "x-amz-expected-bucket-owner",
        "x-amz-grant-full-control",
        "x-amz-decoded-content-length",
        "x-amz-trailer",
        "x-amz-date",
        "x-amz-security-token",
        "X-AMZ-ACL",
        "x-AmZ-aCl",
    ] {
        let lower_case = name.to_ascii_lowercase();
        assert_eq!(not_signed(&put().with(name, "v")), lower_case, "{name}");
        assert_eq!(not_signed(&put().with(name, "v").with(name, "w")), lower_case, "{name} twice");
        if !["x-amz-date", "x-amz-security-token"].contains(&name) {
            let replayed = header_signed("PUT", "/bucket/up/1", &[], Body::Unsigned).with(name, "v");
            assert_eq!(not_signed(&replayed), lower_case, "{name} on a signed request");
        }
    }
    let several = put().with("X-Amz-Meta-B", "1").with("x-amz-acl", "2").with("x-amz-meta-a", "3");
    assert_eq!(not_signed(&several), "x-amz-acl, x-amz-meta-a, x-amz-meta-b");
}

#[test]
fn attack_03_other_headers_enter_unsigned_as_they_do_at_aws() {
    let request = put()
        .with("Content-Type", "text/html")
        .with("Range", "bytes=0-1")
        .with("Cache-Control", "no-store")
        .with("x-amzn-trace-id", "Root=1")
        .with("x-amzfoo", "1");
    assert!(request.verify_at(midnight()).is_ok());
}

#[test]
fn attack_03_a_signed_header_must_come_as_it_was_signed() {
    let credentials = credentials();
    let presign =
        Presign::new(&credentials, region(), address("k"), Method::Put).header("Content-Type", "image/png").unwrap();
    let request = signed(&presign);
    assert!(request.verify_at(midnight()).is_ok());
    assert!(request.clone().header("content-type", "image/png", "  image/png ").verify_at(midnight()).is_ok());
    for changed in [
        request.clone().header("content-type", "png", "svg+xml"),
        request.clone().header("content-type", "image", "Image"),
        request.clone().without("content-type"),
        request.clone().with("content-type", "text/html"),
        request.clone().with("Content-Type", ""),
        request.clone().target("content-type%3B", ""),
    ] {
        assert_eq!(changed.reason(), Reason::SignatureMismatch, "{changed:?}");
    }
}

#[test]
fn attack_04_unsigned_trailers_do_not_open_the_door() {
    let streaming = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    let refused = put().with("x-amz-content-sha256", streaming);
    assert_eq!(refused.reason(), Reason::HeadersNotSigned, "on a signed URL");

    let garbage = header_signed("PUT", "/bucket/k", &[], Body::UnsignedTrailer);
    let garbage = garbage.header("authorization", "Signature=", "Signature=0");
    assert_eq!(garbage.reason(), Reason::SignatureMismatch, "with a garbage signature");

    let target = "/bucket/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request";
    let only_credential = Request::new("PUT", target, &[("host", "h"), ("x-amz-content-sha256", streaming)]);
    assert_eq!(only_credential.reason(), Reason::ParameterMissing, "with credentials and no signature");

    let extract = put().with("x-amz-meta-snowball-auto-extract", "true");
    assert_eq!(extract.reason(), Reason::HeadersNotSigned, "with auto-extraction");
}

#[test]
fn attack_05_two_mechanisms_are_one_too_many() {
    for authorization in ["AWS4-HMAC-SHA256 Credential=a", "AWS a:b", "Bearer x", ""] {
        let refusal = put().with("Authorization", authorization).refusal();
        assert_eq!(refusal.reason(), Reason::TwoMechanisms, "{authorization}");
        let Details::Argument { name, value } = refusal.details() else { panic!("{refusal:?}") };
        assert_eq!((*name, value.expose()), ("Authorization", authorization));
        assert!(!format!("{refusal:?}").contains("Credential=a"), "{refusal:?}");
    }
    let both = header_signed("GET", "/bucket/k", &[], Body::Unsigned);
    let both = both.target("/bucket/k", "/bucket/k?X-Amz-Signature=x");
    assert_eq!(both.reason(), Reason::TwoMechanisms);
    let v2_and_v4 = header_signed("GET", "/bucket/k?Signature=x", &[], Body::Unsigned);
    assert_eq!(v2_and_v4.reason(), Reason::TwoMechanisms);
    let repeated = header_signed("GET", "/bucket/k", &[], Body::Unsigned).with("authorization", "AWS4-HMAC-SHA256 x");
    assert_eq!(repeated.reason(), Reason::HeaderRepeated);
}

#[test]
fn signature_version_2_is_refused_by_name() {
    for target in ["/b/k?AWSAccessKeyId=a&Expires=1&Signature=s", "/b/k?AWSAccessKeyId=a", "/b/k?Signature=s"] {
        assert_eq!(Request::new("GET", target, &[("host", "h")]).reason(), Reason::SigV2, "{target}");
    }
    let refusal = Request::new("GET", "/b/k", &[("host", "h"), ("authorization", "AWS AKID:c2ln")]).refusal();
    assert_eq!(refusal.reason(), Reason::SigV2);
    assert!(refusal.to_string().contains("signature_version=\"s3v4\""), "the refusal says what helps");
}

#[test]
fn attack_07_a_url_is_good_for_one_method() {
    assert_eq!(presigned(Method::Get, "k").method("HEAD").reason(), Reason::SignatureMismatch);
    assert_eq!(presigned(Method::Get, "k").method("PUT").reason(), Reason::SignatureMismatch);
    assert_eq!(presigned(Method::Get, "k").method("get").reason(), Reason::SignatureMismatch);
    assert_eq!(presigned(Method::Put, "k").method("DELETE").reason(), Reason::SignatureMismatch);
    let begin_multipart = put().method("POST").target("?", "?uploads&");
    assert_eq!(begin_multipart.reason(), Reason::SignatureMismatch);
    for method in [Method::Get, Method::Head, Method::Put, Method::Delete, Method::Post] {
        assert!(presigned(method, "k").verify_at(midnight()).is_ok(), "{method:?}");
    }
}

#[test]
fn attack_09_no_authentication_parameter_repeats() {
    let request = || presigned(Method::Get, "k");
    for (name, value) in [
        ("X-Amz-Signature", "bad"),
        ("X-Amz-Expires", "604800"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", "x"),
        ("X-Amz-Date", "20130524T000000Z"),
        ("X-Amz-SignedHeaders", "host"),
    ] {
        for appended in [format!("&{name}={value}"), format!("&%58{}={value}", &name[1..])] {
            let mut repeated = request();
            repeated.target.push_str(&appended);
            assert_eq!(repeated.reason(), Reason::ParameterRepeated, "{appended}");
        }
        let prepended = request().target("?", &format!("?{name}={value}&"));
        assert_eq!(prepended.reason(), Reason::ParameterRepeated, "{name}");
    }
    let token = request().target("?", "?X-Amz-Security-Token=a&X-Amz-Security-Token=b&");
    assert_eq!(token.reason(), Reason::ParameterRepeated);
    let identical = request().target("X-Amz-Expires=300", "X-Amz-Expires=300&X-Amz-Expires=300");
    assert_eq!(identical.reason(), Reason::ParameterRepeated);
}

#[test]
fn attack_09_no_parameter_is_added_changed_or_removed() {
    let credentials = credentials();
    let presign = Presign::new(&credentials, region(), address("k"), Method::Get)
        .query("versionId", "a")
        .unwrap()
        .response(ResponseOverride::ContentType, "text/plain")
        .unwrap();
    let request = signed(&presign);
    assert!(request.verify_at(midnight()).is_ok());
    for changed in [
        request.clone().target("versionId=a", "versionId=a&versionId=b"),
        request.clone().target("versionId=a", "versionId=b"),
        request.clone().target("versionId=a", "versionid=a"),
        request.clone().target("&versionId=a", ""),
        request.clone().target("?", "?acl&"),
        request.clone().target("?", "?x-amz-acl=public-read&"),
        request.clone().target("?", "?x-amz-signature=x&"),
        request.clone().target("?", "?=&"),
        request.clone().target("?", "?response-content-disposition=inline&"),
        request.clone().target("text%2Fplain", "text%2Fhtml"),
        request.clone().target("&versionId=a", ";versionId=a"),
    ] {
        assert_eq!(changed.reason(), Reason::SignatureMismatch, "{changed:?}");
    }
}

#[test]
fn attack_10_parameter_names_are_case_sensitive_and_their_encoding_is_not_part_of_them() {
    let lower = presigned(Method::Get, "k").target("X-Amz-Expires", "x-amz-expires");
    assert_eq!(lower.reason(), Reason::ParameterMissing);
    let all_lower = Request::new("GET", "/b/k?x-amz-signature=s&x-amz-expires=5", &[("host", "h")]);
    assert!(
        all_lower.parse_for(&crate::support::expectations(), midnight(), |_| ()).is_ok(),
        "this signs nothing: anonymous"
    );
    let encoded = presigned(Method::Get, "k").target("X-Amz-Signature", "%58-Amz-Signature");
    assert!(encoded.verify_at(midnight()).is_ok());
}

#[test]
fn attack_10_a_change_that_leaves_the_canonical_bytes_is_no_change() {
    let credentials = credentials();
    let presign = Presign::new(&credentials, region(), address("é +~.txt"), Method::Get)
        .response(ResponseOverride::ContentDisposition, "attachment; filename=\"a b.txt\"")
        .unwrap()
        .query("acl", "")
        .unwrap();
    let request = signed(&presign);
    for same in [
        request.clone().target("%C3%A9", "%c3%a9"),
        request.clone().target("~", "%7E"),
        request.clone().target("%2B", "+"),
        request.clone().target("a%20b.txt", "a+b.txt"),
        request.clone().target("acl=", "acl"),
        request.clone().target("?", "?&&"),
        request.clone().target("/bucket/", "/%62ucket/"),
        request.clone().target("acl=&", "").target("X-Amz-Date", "acl=&X-Amz-Date"),
    ] {
        let verified = same.verify_at(midnight()).unwrap();
        assert_eq!(verified.target().path(), "/bucket/é +~.txt");
    }
}

#[test]
fn attack_11_a_path_is_taken_literally_or_refused() {
    for (from, to) in [
        ("up/1", "up//1"),
        ("up/1", "up/./1"),
        ("up/1", "up/../secret"),
        ("up/1", "up/%2e%2e%2fsecret"),
        ("up/1", "up/..%5csecret"),
        ("up/1", "up/1%00"),
        ("up/1", "up/1/"),
        ("up/1", "up%252f1"),
        ("up/1", "up/1;x"),
        ("/bucket", "//bucket"),
    ] {
        assert_eq!(put().target(from, to).reason(), Reason::SignatureMismatch, "{to}");
    }
    for broken in ["up/%c0%af", "up/%ff", "up/%", "up/%zz", "up/%1", "up/a#b", "up/a b", "up/a\r\nb"] {
        assert_eq!(put().target("up/1", broken).reason(), Reason::TargetMalformed, "{broken}");
    }
    for key in
        ["a//b", "a/./b", "a/../b", "../b", "/b", "b/", "a\\b", "%2e%2e", "e\u{301}", "\u{e9}", "\u{0}", "a\r\nb"]
    {
        let verified = presigned(Method::Get, key).verify_at(midnight()).unwrap();
        assert_eq!(verified.target().path(), format!("/bucket/{key}"), "{key:?}");
    }
}

#[test]
fn attack_12_another_host_is_another_request() {
    let with_host = |host: &str| put().without("host").with("Host", host);
    assert!(with_host("127.0.0.1:9000").verify_at(midnight()).is_ok());
    for host in ["127.0.0.1", "127.0.0.1:9001", "localhost:9000", "other.bucket:9000", ""] {
        assert_eq!(with_host(host).reason(), Reason::SignatureMismatch, "{host}");
    }
    assert_eq!(put().without("host").reason(), Reason::SignatureMismatch);
    assert_eq!(put().with("host", "evil").reason(), Reason::HeaderRepeated);
    let forwarded = with_host("evil").with("X-Forwarded-Host", "127.0.0.1:9000");
    assert_eq!(forwarded.reason(), Reason::SignatureMismatch);
}

#[test]
fn a_signature_is_64_lower_case_digits_or_no_match() {
    let request = presigned(Method::Get, "k");
    let signature = request.target.split("X-Amz-Signature=").nth(1).unwrap().to_owned();
    for wrong in [
        String::new(),
        signature.to_uppercase(),
        signature[..63].to_owned(),
        format!("{signature}0"),
        format!("{signature}%20"),
        "é".repeat(32),
    ] {
        let refusal = request.clone().target(&signature, &wrong).refusal();
        assert_eq!(refusal.reason(), Reason::SignatureMismatch, "{wrong}");
    }
}

#[test]
fn a_mismatch_explains_itself_to_its_sender_only() {
    let refusal = presigned(Method::Get, "k").target("X-Amz-Signature=", "X-Amz-Signature=feed").refusal();
    let Details::Mismatch(mismatch) = refusal.details() else { panic!("{refusal:?}") };
    assert_eq!(mismatch.access_key_id(), "AKIAIOSFODNN7EXAMPLE");
    assert!(mismatch.signature_provided().starts_with("feed"));
    assert!(mismatch.canonical_request().starts_with(b"GET\n/bucket/k\n"));
    assert!(mismatch.string_to_sign().starts_with("AWS4-HMAC-SHA256\n20130524T000000Z\n"));
    let printed = format!("{refusal:?} {refusal:#?} {refusal}");
    assert!(!printed.contains("feed") && !printed.contains("X-Amz-Credential"), "{printed}");
}

#[test]
fn attack_08_the_lifetime_cannot_be_stretched() {
    let credentials = credentials();
    let short =
        Presign::new(&credentials, region(), address("k"), Method::Get).expires(Lifetime::from_secs(1).unwrap());
    let stretched = signed(&short).target("X-Amz-Expires=1", "X-Amz-Expires=604800");
    assert_eq!(stretched.reason(), Reason::SignatureMismatch);
    let refreshed = signed(&short).target("X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130524T000001Z");
    assert_eq!(refreshed.reason(), Reason::SignatureMismatch);
}

#[test]
fn attack_05_an_unknown_algorithm_is_refused() {
    let signed = header_signed("GET", "/bucket/k", &[], Body::Unsigned);
    for scheme in ["AWS4-HMAC-SHA512", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", "Basic"] {
        let changed = signed.clone().header("authorization", "AWS4-HMAC-SHA256", scheme);
        assert_eq!(changed.reason(), Reason::AuthorizationType, "{scheme}");
    }
    for scheme in ["AWS4-HMAC-SHA512", "aws4-hmac-sha256", ""] {
        let changed = presigned(Method::Get, "k").target("AWS4-HMAC-SHA256", scheme);
        assert_eq!(changed.reason(), Reason::Algorithm, "{scheme}");
    }
}

#[test]
fn attack_06_the_list_of_signed_headers_is_in_good_form_and_holds_what_was_signed() {
    let credentials = credentials();
    let presign =
        Presign::new(&credentials, region(), address("k"), Method::Put).header("content-type", "image/png").unwrap();
    let request = || signed(&presign);
    for (list, reason) in [
        ("content-type", Reason::HostNotSigned),
        ("", Reason::SignedHeadersMalformed),
        ("host%3Bcontent-type", Reason::SignedHeadersMalformed),
        ("content-type%3Bhost%3Bhost", Reason::SignedHeadersMalformed),
        ("Content-Type%3Bhost", Reason::SignedHeadersMalformed),
        ("content-type%3Bhost%3B", Reason::SignedHeadersMalformed),
        ("host", Reason::SignatureMismatch),
        ("content-type%3Bhost%3Bx-absent", Reason::SignatureMismatch),
    ] {
        let changed = request().target("SignedHeaders=content-type%3Bhost", &format!("SignedHeaders={list}"));
        assert_eq!(changed.reason(), reason, "{list}");
    }
}

#[test]
fn attack_08_a_lifetime_has_one_form_and_an_end() {
    let request = || presigned(Method::Get, "k");
    for expires in ["-1", "604801", "100000000000000000000", "1e20", "5.0", "%2B5", "", "undefined"] {
        let reason = request().target("X-Amz-Expires=300", &format!("X-Amz-Expires={expires}")).reason();
        let form = [Reason::ExpiresNotANumber, Reason::ExpiresNegative, Reason::ExpiresTooLong];
        assert!(form.contains(&reason), "{expires}: {reason:?}");
    }
    let none = request().target("X-Amz-Expires=300", "X-Amz-Expires=0");
    assert_eq!(none.verify_at(midnight() + 1.seconds()).unwrap_err().reason(), Reason::Expired);
    assert_eq!(request().target("&X-Amz-Expires=300", "").reason(), Reason::ParameterMissing);
    assert_eq!(request().target("%2F20130524%2F", "%2F20130523%2F").reason(), Reason::DateMismatch);
    let at = |seconds: i64| request().verify_at(midnight() + seconds.seconds()).err().map(|refusal| refusal.reason());
    assert_eq!((at(299), at(301)), (None, Some(Reason::Expired)));
    assert_eq!((at(-15 * 60), at(-16 * 60)), (None, Some(Reason::NotYetValid)));
}

#[test]
fn attack_11_keys_that_look_alike_are_two() {
    for (one, other) in [("\u{e9}", "e\u{301}"), ("a", "a/"), ("a/b", "a//b"), ("a", "A"), ("a+b", "a b"), ("%41", "A")]
    {
        let path = |key| presigned(Method::Get, key).target.split('?').next().unwrap().to_owned();
        let swapped = presigned(Method::Get, one).target(&path(one), &path(other));
        assert_eq!(swapped.reason(), Reason::SignatureMismatch, "{one} {other}");
    }
}

#[test]
fn attack_12_a_signature_is_good_in_one_region_and_at_one_address() {
    let elsewhere = put().target("us-east-1", "eu-west-1");
    assert_eq!(elsewhere.reason(), Reason::CredentialRegion);
    let virtual_host = put().target("/bucket/up/1", "/up/1").without("host").with("host", "bucket.127.0.0.1:9000");
    assert_eq!(virtual_host.reason(), Reason::SignatureMismatch);
}

/// That a signature cannot be compared with `==` is a `compile_fail` example of its type; that its comparison takes the same
/// time wherever it is wrong is measured by `cargo xtask timing`.
#[test]
fn attack_13_a_signature_that_is_wrong_anywhere_is_refused_alike() {
    let request = presigned(Method::Get, "k");
    let signature = request.target.split("X-Amz-Signature=").nth(1).unwrap().to_owned();
    let refusals: Vec<String> = (0..64)
        .map(|at| {
            let digit = if &signature[at..=at] == "a" { "b" } else { "a" };
            let wrong = format!("{}{digit}{}", &signature[..at], &signature[at + 1..]);
            let refusal = request.clone().target(&signature, &wrong).refusal();
            assert_eq!(refusal.reason(), Reason::SignatureMismatch);
            format!("{refusal} {refusal:?}")
        })
        .collect();
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
}

#[test]
fn attack_14_what_needs_no_secret_is_told_before_the_key_is_looked_up() {
    let unknown = || put().target("AKIAIOSFODNN7EXAMPLE", "AKIAUNKNOWN");
    let expired = midnight() + 301.seconds();
    for request in [put(), unknown()] {
        let refusal = request.verify_at(expired).expect_err("the URL has expired");
        assert_eq!(refusal.reason(), Reason::Expired, "for a key that exists and for one that does not");
    }
    // A key that does not exist is the caller's to tell; with whatever secret, nothing is verified.
    assert_eq!(unknown().reason(), Reason::SignatureMismatch);
}

#[test]
fn attack_23_a_response_override_carries_no_line_break_and_is_covered() {
    let credentials = credentials();
    let presign = || Presign::new(&credentials, region(), address("k"), Method::Get);
    for value in ["inline\r\nSet-Cookie: x", "inline\nx", "a\0"] {
        let refused = presign().response(ResponseOverride::ContentDisposition, value).map(|_| ());
        assert!(matches!(refused, Err(PresignError::HeaderValue { .. })), "{value:?}: {refused:?}");
    }
    let signed = signed(&presign().response(ResponseOverride::ContentType, "text/plain").unwrap());
    for changed in [
        signed.clone().target("text%2Fplain", "text%2Fhtml"),
        signed.clone().target("text%2Fplain", "text%2Fplain%0d%0aSet-Cookie:x"),
        signed.clone().target("response-content-type=text%2Fplain", ""),
        presigned(Method::Get, "k").target("?", "?response-content-disposition=inline&"),
    ] {
        assert_eq!(changed.reason(), Reason::SignatureMismatch, "{changed:?}");
    }
}
