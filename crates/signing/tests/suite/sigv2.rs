//! Signature Version 2, signed here by the book and checked by the crate, which makes no such signature.
//!
//! What may be written otherwise without changing the string to sign: everything that the scheme leaves unsigned (see
//! [`gatepass_signing::sigv2`]), escapes in the query, its order, blanks around header values. The path may not.

use gatepass_signing::credentials::SecretKey;
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::verify::{
    Details, Expectations, Mechanism, Payload, Presented, Reason, Refusal, Scheme, Schemes, Service, Verified,
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use sha1::Sha1;

use crate::mutations::{length, mutate};
use crate::support::{self, ACCESS_KEY_ID, Request, SECRET_KEY, at, midnight, secret};

fn expectations() -> Expectations {
    Expectations { schemes: Schemes::default().with(Scheme::SigV2), ..support::expectations() }
}

/// `None` where the request presents nothing.
fn checked(
    request: &Request,
    expectations: &Expectations,
    secret: &SecretKey,
    now: Timestamp,
) -> Option<Result<Verified, Refusal>> {
    let verified = request.parse_for(expectations, now, |presented| match presented {
        Presented::Query(claim) | Presented::Header(claim) => Some(claim.verify(&KeyCache::new(), secret)),
        Presented::Anonymous => None,
    });
    verified.unwrap_or_else(|refusal| Some(Err(refusal)))
}

fn verify(request: &Request) -> Result<Verified, Refusal> {
    checked(request, &expectations(), &secret(), midnight()).expect("the request presents something")
}

fn reason(request: &Request) -> Reason {
    verify(request).expect_err("the request should have been refused").reason()
}

fn sign(string_to_sign: &str) -> String {
    let hmac = Hmac::<Sha1>::new_from_slice(SECRET_KEY.as_bytes()).unwrap();
    base64(&hmac.chain_update(string_to_sign).finalize().into_bytes())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let digits = (0..4).map(|place| char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]));
        text.extend(digits.take(group.len() + 1));
    }
    text + &"=".repeat((3 - bytes.len() % 3) % 3)
}

/// Five minutes after the moment of the tests.
const EXPIRES: &str = "1369354200";

/// A signed URL: what stands in the string to sign behind `Expires`, and the target that is sent.
fn presigned(method: &str, target: &str, rest: &str) -> Request {
    let mut signature = String::new();
    gatepass_signing::encode::component(&sign(&format!("{method}\n\n\n{EXPIRES}\n{rest}")), &mut signature);
    let separator = if target.contains('?') { '&' } else { '?' };
    let target = format!("{target}{separator}AWSAccessKeyId={ACCESS_KEY_ID}&Expires={EXPIRES}&Signature={signature}");
    Request::new(method, &target, &[("Host", "127.0.0.1:9000")])
}

const DATE: &str = "Fri, 24 May 2013 00:00:00 GMT";

fn header_signed(headers: &[(&str, &str)], rest: &str) -> Request {
    let authorization = format!("AWS {ACCESS_KEY_ID}:{}", sign(&format!("PUT\n\ntext/plain\n{rest}")));
    let mut request = Request::new("PUT", "/b/k%2f1?acl&x-id=PutObject", &[("Host", "127.0.0.1:9000")]);
    for (name, value) in headers {
        request = request.with(name, value);
    }
    request.with("Content-Type", "text/plain").with("Authorization", &authorization)
}

#[test]
fn a_signed_url_verifies_where_the_scheme_is_on() {
    let request = presigned("GET", "/b/photos/puppy%2f.jpg", "/b/photos/puppy%2f.jpg");
    let verified = verify(&request).unwrap();
    assert_eq!((verified.scheme(), verified.mechanism()), (Scheme::SigV2, Mechanism::Query));
    assert_eq!(verified.access_key_id().as_str(), ACCESS_KEY_ID);
    assert_eq!(verified.expires_at(), Some(at("2013-05-24T00:10:00Z")));
    assert_eq!((verified.signed_at(), verified.signed_headers().count()), (None, 0));
    assert!(verified.scope().is_none() && matches!(verified.payload(), Payload::Unsigned));
}

#[test]
fn attack_05_the_old_scheme_is_refused_while_it_is_off() {
    let off = |request: &Request| request.verify_at(midnight()).unwrap_err().reason();
    assert_eq!(off(&presigned("GET", "/b/k", "/b/k")), Reason::SigV2);
    assert_eq!(off(&header_signed(&[("Date", DATE)], &format!("{DATE}\n/b/k%2f1?acl"))), Reason::SigV2);
    let sts = Expectations { service: Service::Sts { body_sha256: [0; 32] }, ..expectations() };
    let refusal = checked(&presigned("GET", "/", "/"), &sts, &secret(), midnight()).unwrap().unwrap_err();
    assert_eq!(refusal.reason(), Reason::SigV2, "STS has no such scheme");
}

#[test]
fn the_bucket_of_the_host_is_signed_and_the_host_is_not() {
    let request = presigned("GET", "/k", "/bucket/k");
    assert_eq!(reason(&request), Reason::SignatureMismatch);
    let expectations = Expectations { bucket_of_host: Some("bucket".to_owned()), ..expectations() };
    for host in ["bucket.s3.amazonaws.com", "elsewhere.example"] {
        let request = request.clone().without("Host").with("Host", host);
        assert!(checked(&request, &expectations, &secret(), midnight()).unwrap().is_ok(), "{host}");
    }
}

#[test]
fn all_three_parameters_are_there_and_once() {
    let request = presigned("GET", "/b/k", "/b/k");
    let (_, query) = request.target.split_once('?').unwrap();
    let parameters: Vec<&str> = query.split('&').collect();
    for missing in &parameters {
        let rest: Vec<&str> = parameters.iter().filter(|parameter| *parameter != missing).copied().collect();
        let mut request = request.clone();
        request.target = format!("/b/k?{}", rest.join("&"));
        assert_eq!(reason(&request), Reason::SigV2ParameterMissing, "{missing}");
        request.target = format!("/b/k?{query}&{missing}");
        assert_eq!(reason(&request), Reason::ParameterRepeated, "{missing}");
    }
    let id = request.target("AKIA", "AKI%20");
    assert_eq!(reason(&id), Reason::SigV2AccessKeyIdMalformed);
}

#[test]
fn a_url_ends_at_its_date_and_may_live_as_long_as_it_likes() {
    let request = presigned("GET", "/b/k", "/b/k");
    let verify_at = |now| checked(&request, &expectations(), &secret(), now).unwrap();
    assert!(verify_at(at("2013-05-24T00:10:00Z")).is_ok());
    let refusal = verify_at(at("2013-05-24T00:10:01Z")).unwrap_err();
    assert_eq!(refusal.reason(), Reason::Expired);
    assert!(matches!(refusal.details(), Details::Ended { .. }), "it has no lifetime: {refusal:?}");
    for text in ["", "-1", "+5", "5.0", "1e20", "Fri"] {
        let request = request.clone().target(EXPIRES, text);
        assert_eq!(reason(&request), Reason::SigV2ExpiresMalformed, "{text}");
    }
    for forever in ["99999999999", "18446744073709551616"] {
        let string_to_sign = format!("GET\n\n\n{forever}\n/b/k");
        let mut signature = String::new();
        gatepass_signing::encode::component(&sign(&string_to_sign), &mut signature);
        let target = format!("/b/k?AWSAccessKeyId={ACCESS_KEY_ID}&Expires={forever}&Signature={signature}");
        let request = Request::new("GET", &target, &[("Host", "h")]);
        assert!(verify(&request).is_ok(), "{forever}");
    }
}

#[test]
fn parameters_of_a_url_count_as_headers() {
    // As botocore writes it when it presigns a PUT with an ACL and a token.
    let target = "/b/k?x-amz-acl=private&x-amz-security-token=token";
    let request = presigned("PUT", target, "x-amz-acl:private\nx-amz-security-token:token\n/b/k");
    let token = request.parse_for(&expectations(), midnight(), |presented| match presented {
        Presented::Query(claim) => claim.session_token().map(str::to_owned),
        _ => None,
    });
    assert_eq!(token.unwrap().as_deref(), Some("token"));
    assert!(verify(&request).is_ok());
    assert_eq!(reason(&request.clone().target("private", "public-read")), Reason::SignatureMismatch);
    assert_eq!(reason(&request.with("x-amz-copy-source", "/b/secret")), Reason::SignatureMismatch);
}

/// Names are not unfolded as values are: one with a line end in it would make lines of which nobody knows whose they are.
#[test]
fn the_name_of_a_parameter_makes_no_line_of_its_own() {
    let request = presigned("PUT", "/b/k?x-amz-acl=private&x-amz-meta-a=1", "x-amz-acl:private\nx-amz-meta-a:1\n/b/k");
    assert!(verify(&request).is_ok());
    for name in ["x-amz-acl%3Aprivate%0Ax-amz-meta-a", "X-Amz-Acl%3aprivate%0ax-amz-meta-a"] {
        let request = request.clone().target("x-amz-acl=private&x-amz-meta-a=1", &format!("{name}=1"));
        assert_eq!(reason(&request), Reason::SignatureMismatch, "{name}");
    }
}

/// One line of the string to sign has one value: whoever reads the other would read what nobody signed.
#[test]
fn a_content_header_stands_once() {
    for name in ["Content-Type", "content-md5"] {
        let request = presigned("GET", "/b/k", "/b/k");
        let once = request.clone().with(name, "");
        assert!(verify(&once).is_ok(), "{name}");
        assert_eq!(reason(&once.with(name, "text/html")), Reason::HeaderRepeated, "{name}");
    }
    let request = header_signed(&[("Date", DATE)], &format!("{DATE}\n/b/k%2f1?acl"));
    assert!(verify(&request).is_ok());
    assert_eq!(reason(&request.with("content-type", "text/html")), Reason::HeaderRepeated);
}

/// A client sends the type in its header, and botocore puts it into the query: it is the same one, or signed by nobody.
#[test]
fn a_content_header_and_its_parameter_agree() {
    for (name, header, value, other) in [
        ("content-type", "Content-Type", "text/plain", "text/html"),
        ("content-md5", "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ] {
        let lines = if name == "content-type" { format!("\n{value}") } else { format!("{value}\n") };
        let signature = sign(&format!("PUT\n{lines}\n{EXPIRES}\n/b/k"));
        let mut encoded = [String::new(), String::new(), String::new()];
        for (text, out) in [value, other, &signature].into_iter().zip(&mut encoded) {
            gatepass_signing::encode::component(text, out);
        }
        let [parameter, another, signature] = encoded;
        let own = format!("AWSAccessKeyId={ACCESS_KEY_ID}&Expires={EXPIRES}&Signature={signature}");
        let request = |query: &str| Request::new("PUT", &format!("/b/k?{query}{own}"), &[("Host", "h")]);

        let in_query = request(&format!("{name}={parameter}&"));
        assert!(verify(&in_query).is_ok(), "{name} in the query");
        assert!(verify(&in_query.clone().with(header, value)).is_ok(), "{name} in both");
        assert_eq!(reason(&in_query.clone().with(header, other)), Reason::SignatureMismatch, "{name}: another header");
        let in_header = request("").with(header, value);
        assert!(verify(&in_header).is_ok(), "{name} in the header");
        let added = request(&format!("{name}={another}&")).with(header, value);
        assert_eq!(reason(&added), Reason::SignatureMismatch, "{name}: another parameter");
        let twice = request(&format!("{name}={parameter}&{name}={another}&"));
        assert_eq!(reason(&twice), Reason::SignatureMismatch, "{name}: two parameters");
        assert_eq!(string_to_sign(&added).matches(other).count(), 1, "both are shown");
    }
}

#[test]
fn a_signed_request_verifies_with_either_date() {
    let with_date = header_signed(&[("Date", DATE)], &format!("{DATE}\n/b/k%2f1?acl"));
    let verified = verify(&with_date).unwrap();
    assert_eq!((verified.mechanism(), verified.signed_at()), (Mechanism::Header, Some(midnight())));
    assert_eq!(verified.signed_headers().collect::<Vec<_>>(), ["content-type", "date"]);
    let both = [("Date", "never"), ("x-amz-date", DATE)];
    let with_amz_date = header_signed(&both, &format!("\nx-amz-date:{DATE}\n/b/k%2f1?acl"));
    let verified = verify(&with_amz_date).unwrap();
    assert_eq!(verified.signed_headers().collect::<Vec<_>>(), ["content-type", "x-amz-date"]);

    for (skew, ok) in [(900, true), (901, false), (-900, true), (-901, false)] {
        let verified = checked(&with_date, &expectations(), &secret(), midnight() + skew.seconds()).unwrap();
        assert_eq!(verified.is_ok(), ok, "{skew}");
    }
    assert_eq!(reason(&with_date.clone().target("acl", "acl&x-amz-acl=public-read")), Reason::SignatureMismatch);
    assert!(verify(&with_date.clone().target("acl", "acl&Expires=1")).is_ok(), "it alone is no second mechanism");
    assert_eq!(reason(&with_date.clone().target("acl", "acl&Signature=x")), Reason::TwoMechanisms);
    assert_eq!(reason(&with_date.clone().without("date")), Reason::DateMissing);
    assert_eq!(reason(&with_date.clone().header("date", "May", "Mai")), Reason::DateMalformed);
    assert_eq!(reason(&with_date.header("authorization", ":", ";")), Reason::SigV2AuthorizationMalformed);
}

#[test]
fn the_body_has_the_digest_that_is_signed_and_comes_in_no_chunks() {
    let digest = "ab".repeat(32);
    let request = |value: &str| {
        let rest = format!("{DATE}\nx-amz-content-sha256:{value}\n/b/k%2f1?acl");
        header_signed(&[("Date", DATE), ("x-amz-content-sha256", value)], &rest)
    };
    assert!(matches!(verify(&request(&digest)).unwrap().payload(), Payload::Sha256(bytes) if *bytes == [0xab; 32]));
    assert!(matches!(verify(&request("UNSIGNED-PAYLOAD")).unwrap().payload(), Payload::Unsigned));
    for streaming in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        assert_eq!(reason(&request(streaming)), Reason::ContentSha256Invalid);
    }
}

/// What the documentation of the module lists as unsigned is unsigned, and nothing more.
#[test]
fn what_is_not_signed_can_be_changed_and_all_else_cannot() {
    let rest = "/b/k?response-content-type=text/plain; a&versionId=1";
    let target = "/b/k?versionId=1&response-content-type=text%2Fplain%3B%20a&x-id=GetObject";
    let request = presigned("GET", target, rest);
    assert!(verify(&request).is_ok());
    for unsigned in [
        request.clone().target("x-id=GetObject", "x-id=Other&max-keys=1"),
        request.clone().with("Range", "bytes=0-1"),
        request.clone().with("If-None-Match", "*"),
        request.clone().header("Host", "127", "128"),
        request.clone().target("%20a", "+a"),
        request.clone().target(
            "versionId=1&response-content-type=text%2Fplain%3B%20a",
            "response-content-type=text%2Fplain%3B%20a%26versionId%3D1",
        ),
    ] {
        assert!(verify(&unsigned).is_ok(), "{unsigned:?}");
    }
    for signed in [
        request.clone().method("HEAD"),
        request.clone().target("/b/k", "/b/K"),
        request.clone().target("/b/k", "/b/%6b"),
        request.clone().target("versionId=1", "versionId=2"),
        request.clone().target("text%2Fplain", "text%2Fhtml"),
        request.clone().target("x-id=", "uploads&x-id="),
        request.clone().target(EXPIRES, "1369354201"),
        request.clone().with("Content-Type", "text/html"),
        request.clone().with("x-amz-acl", "public-read"),
        request.clone().with("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
    ] {
        assert_eq!(reason(&signed), Reason::SignatureMismatch, "{signed:?}");
    }
}

/// The string to sign as the verifier makes it.
fn string_to_sign(request: &Request) -> String {
    let another = SecretKey::new("another").unwrap();
    let refusal = checked(request, &expectations(), &another, midnight()).unwrap().unwrap_err();
    let Details::Mismatch(mismatch) = refusal.details() else { panic!("{refusal:?}") };
    assert!(mismatch.canonical_request().is_empty());
    mismatch.string_to_sign().to_owned()
}

#[test]
fn every_character_of_a_signature_matters() {
    let request = presigned("GET", "/b/k", "/b/k");
    let start = request.method.len() + request.target.find("Signature=").unwrap() + 10;
    for position in start..request.method.len() + request.target.len() {
        for byte in [b'A', b'a', b'0', b'/', b'+', b'='] {
            let Some(mutated) = mutate(&request, position, byte) else { continue };
            let same = mutated.target == request.target
                // `%3D` may be written as `%3d`, not otherwise.
                || mutated.target.eq_ignore_ascii_case(&request.target) && verify(&mutated).is_ok();
            assert_eq!(verify(&mutated).is_ok(), same, "{mutated:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_changes_are_refused_or_change_nothing_that_is_signed(
        in_query: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let original = if in_query {
            presigned("PUT", "/b/a%20b/../c?x-amz-acl=private&partNumber=1", "x-amz-acl:private\n/b/a%20b/../c?partNumber=1")
        } else {
            let rest = format!("{DATE}\nx-amz-meta-color:blue\n/b/k%2f1?acl");
            header_signed(&[("Date", DATE), ("x-amz-meta-color", "blue")], &rest)
        };
        let mutated = changes.iter().try_fold(original.clone(), |request, (index, byte)| {
            mutate(&request, index.index(length(&original)), *byte)
        });
        let Some(mutated) = mutated else { return Ok(()) };
        if checked(&mutated, &expectations(), &secret(), midnight()).is_some_and(|verified| verified.is_ok()) {
            prop_assert_eq!(string_to_sign(&mutated), string_to_sign(&original));
        }
    }

    #[test]
    fn a_damaged_request_never_panics(
        query in "(AWSAccessKeyId|Expires|Signature|acl|x-amz-acl|[=&%+a-z0-9]){0,12}",
        authorization in prop::option::of("AWS [A-Z:=+/a-z0-9é]{0,20}"),
    ) {
        let mut request = Request::new("GET", &format!("/?{query}"), &[("host", "h"), ("date", DATE)]);
        if let Some(authorization) = &authorization {
            request = request.with("authorization", authorization);
        }
        let _ = checked(&request, &expectations(), &secret(), midnight());
    }
}
