//! Whatever is pasted, an explanation comes, soon, and without a panic.

use std::fmt::Write as _;

use gatepass_doctor::error_document::ErrorDocument;
use gatepass_doctor::input::{self, Exchange, FormField, MAX_URL_BYTES};
use gatepass_doctor::url::{Input, explain};
use gatepass_signing::address::Endpoint;
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use jiff::Timestamp;
use proptest::prelude::*;

const SIGNED: &str = "https://photos.s3.eu-central-1.amazonaws.com/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&\
    X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260115%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20260115T120000Z&\
    X-Amz-Expires=900&X-Amz-SignedHeaders=host&\
    X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn now() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn credentials() -> Credentials {
    Credentials::temporary(
        AccessKeyId::new("AKIAIOSFODNN7EXAMPLE").unwrap(),
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY").unwrap(),
        SessionToken::new("a-token-of-nobody").unwrap(),
        None,
    )
}

/// Explains with and without credentials, and returns what is printed.
fn explained(exchange: &Exchange) -> String {
    let endpoints = [Endpoint::parse("http://minio:9000").unwrap()];
    let credentials = credentials();
    let plain = explain(&Input::new(exchange, now()));
    let helped =
        explain(&Input { credentials: Some(&credentials), endpoints: &endpoints, ..Input::new(exchange, now()) });
    assert!(!plain.checked.is_empty());
    serde_json::to_string(&(plain, helped)).unwrap()
}

/// Pieces of which URLs, commands, documents and policies consist, and what breaks them.
fn pieces() -> impl Strategy<Value = String> {
    #[rustfmt::skip]
    const PIECES: [&str; 64] = [
        "https://", "http://", "h", "b.s3.eu-west-1.amazonaws.com", ".s3.", "localhost:9000", "[::1]", "@", ":", "/", "//",
        "..", "%", "%25", "%2520", "%zz", "%ff", "+", " ", "\t", "\n", "é", "\u{1f431}", "\0", "?", "#", "&", "&amp;", "=", ";",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Credential=A%2F20260115%2Fr%2Fs3%2Faws4_request",
        "X-Amz-Date=20260115T120000Z", "X-Amz-Expires=900", "X-Amz-Expires=-1", "X-Amz-Expires=9223372036854775807",
        "X-Amz-SignedHeaders=host;content-type", "X-Amz-Signature=0", "X-Amz-Security-Token=t", "Signature=s", "Expires=1",
        "Expires=99999999999999", "Key-Pair-Id=K", "Policy=e30_", "Policy=~-", "AWSAccessKeyId=A", "curl ", "curl -d x ",
        "-H 'a: b' ", "-F policy=e30= ", "-b 'CloudFront-Policy=x' ", "$'\\x", "'", "\"", "\\", "<Error>", "</Error>", "<Code>",
        "</Code>", "&#x0;", "{\"log\":{\"entries\":[", "]}}", "{\"Statement\":[]}", "x-id=PutObject",
    ];
    prop::collection::vec(
        prop_oneof![4 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_input_is_explained_or_refused(text in pieces(), more in any::<String>()) {
        for text in [&text, &more, &format!("https://{text}"), &format!("curl {text}"), &format!("{SIGNED}{text}")] {
            for exchange in input::read(text).unwrap_or_default() {
                explained(&exchange);
            }
        }
    }

    #[test]
    fn any_answer_is_explained(
        code in prop::sample::select(vec!["AccessDenied", "SignatureDoesNotMatch", "NoSuchKey", "InvalidArgument", "x"]),
        message in pieces(), canonical in pieces(), key in pieces(),
    ) {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('\0', "");
        let document = format!(
            "<Error><Code>{code}</Code><Message>{}</Message><CanonicalRequest>{}</CanonicalRequest><Key>{}</Key>\
             <RequestId>1</RequestId></Error>",
            escaped(&message), escaped(&canonical), escaped(&key),
        );
        let mut exchange = Exchange::of_url(SIGNED);
        exchange.response.error = ErrorDocument::parse(&document).ok();
        prop_assert!(exchange.response.error.is_some());
        let printed = explained(&exchange);
        prop_assert!(!printed.contains("0123456789abcdef0123456789abcdef"));
    }

    #[test]
    fn any_form_is_explained(policy in any::<Vec<u8>>(), name in pieces(), value in pieces()) {
        let mut exchange = Exchange::of_url("https://photos.s3.amazonaws.com/");
        let field = |name: &str, value: &str| FormField { name: name.into(), value: value.into(), file_name: None };
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let encoded: String = policy.iter().map(|byte| char::from(alphabet[usize::from(byte % 64)])).collect();
        exchange.request.form = vec![field("policy", &encoded), field(&name, &value)];
        explained(&exchange);
    }

    #[test]
    fn no_part_of_a_signed_url_that_is_mangled_shows_its_signature(at in 0..SIGNED.len(), with in "[%&=?#;+ a-z0-9]{0,3}") {
        let mut url = SIGNED.to_owned();
        let signature = url.find("X-Amz-Signature=").unwrap();
        // The name of the parameter stays: without it nothing tells what is a secret.
        prop_assume!(at < signature);
        url.insert_str(at, &with);
        if let Ok(exchanges) = input::read(&url) {
            let printed = explained(&exchanges[0]);
            prop_assert!(!printed.contains("0123456789abcdef0123456789abcdef"), "{url}");
        }
    }
}

/// Inputs of the largest sizes that are taken. That the test ends is the property; the runner bounds its time.
#[test]
fn the_largest_inputs_are_explained() {
    let fill = |piece: &str, limit: usize| piece.repeat((limit - SIGNED.len()) / piece.len());
    for piece in ["&a=b", "%2520", "+", "/..", "&amp;X-Amz-Signature=s", "é", "?", "&utm_a=%2B"] {
        for url in [format!("{SIGNED}{}", fill(piece, MAX_URL_BYTES)), {
            let (address, query) = SIGNED.split_once('?').unwrap();
            format!("{address}{}?{query}", fill(piece, MAX_URL_BYTES))
        }] {
            explained(&input::read(&url).expect(piece)[0]);
        }
    }
}

#[test]
fn a_har_of_megabytes_is_explained() {
    let mut entries = String::new();
    for index in 0..2000 {
        let body = "x".repeat(4096);
        let comma = if index == 0 { "" } else { "," };
        write!(
            entries,
            r#"{comma}{{"request":{{"method":"GET","url":"{SIGNED}&n={index}"}},"response":{{"status":403,"content":{{"text":"{body}"}}}}}}"#
        )
        .unwrap();
    }
    let exchanges = input::read(&format!(r#"{{"log":{{"entries":[{entries}]}}}}"#)).unwrap();
    assert_eq!(exchanges.len(), input::MAX_EXCHANGES);
    explained(&exchanges[0]);
}

#[test]
fn a_long_canonical_request_is_compared() {
    let line = "a".repeat(ErrorDocument::MAX_BYTES - 200);
    let document =
        format!("<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>GET\n/{line}</CanonicalRequest></Error>");
    let mut exchange = Exchange::of_url(SIGNED);
    exchange.response.error = Some(ErrorDocument::parse(&document).unwrap());
    assert!(explained(&exchange).len() < 100_000, "what is shown is an excerpt");
}
