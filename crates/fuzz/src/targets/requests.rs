//! Signed requests and signed bodies: only what was signed is ever verified.

use std::sync::LazyLock;

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::sigv4::chunked::{ChunkError, ChunkSeed, Decoder, Encoder, Layout, Trailer, Trailers};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign, ResponseOverride};
use gatepass_signing::sigv4::verify::{self, Claim, Details, Expectations, Presented, Scheme, Schemes, Service};
use gatepass_signing::sigv4::{KeyCache, ServiceName};

use super::{Target, Verdict};
use crate::example::{ACCESS_KEY_ID, HOST, Request, credentials, now, region, signed_with_sigv2, sigv2, write};

const WORDS: &[&str] = &[
    "GET ",
    "PUT ",
    "/bucket/key",
    "?",
    "&",
    "\nhost: ",
    "\nauthorization: ",
    "\nx-amz-date: ",
    "\ndate: ",
    "\nx-amz-content-sha256: ",
    "\nx-amz-security-token: ",
    "\nx-amz-acl: private",
    "AWS4-HMAC-SHA256 ",
    "AWS ",
    "AWS4-ECDSA-P256-SHA256 ",
    "Credential=",
    "SignedHeaders=",
    "Signature=",
    ", ",
    "host;x-amz-date",
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256",
    "X-Amz-Credential=",
    "X-Amz-Date=",
    "X-Amz-Expires=",
    "X-Amz-SignedHeaders=host",
    "X-Amz-Signature=",
    "X-Amz-Security-Token=",
    "X-Amz-Region-Set=*",
    "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
    "%2F",
    "20130524",
    "20130524T000000Z",
    "us-east-1",
    "s3",
    "aws4_request",
    "UNSIGNED-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE",
    "Expires=1369353900",
    "Signature=",
];

static KEYS: LazyLock<KeyCache> = LazyLock::new(KeyCache::new);
static SECRET: LazyLock<SecretKey> = LazyLock::new(|| credentials().secret_key().clone());
static EXPECTATIONS: LazyLock<Expectations> = LazyLock::new(|| {
    let mut expectations = Expectations::new(region(), Service::S3);
    expectations.schemes = Schemes::default().with(Scheme::SigV2).with(Scheme::SigV4a);
    expectations
});
static SIGNED_V2: LazyLock<Vec<String>> = LazyLock::new(|| strings_to_sign(&signed_with_v2()));
static SEEDS_V4A: LazyLock<Vec<Vec<u8>>> = LazyLock::new(signed_with_v4a);
static SIGNED_V4A: LazyLock<Vec<String>> = LazyLock::new(|| strings_to_sign(&SEEDS_V4A));
/// Where the chain of a signed body begins.
static CHUNK_SEED: LazyLock<ChunkSeed> = LazyLock::new(|| {
    let parts = RequestParts { method: "PUT", host: HOST, target: "/bucket/key", headers: &[] };
    let body = Body::SignedChunks(Trailer::Signed);
    let signed = header::sign(&parts, body, &credentials(), &region(), ServiceName::S3, &KEYS, now());
    signed.expect("the request can be signed").chunk_seed().expect("its body is a chain").clone()
});
/// The strings to sign of everything that was signed.
static SIGNED_QUERY: LazyLock<Vec<String>> = LazyLock::new(|| strings_to_sign(&signed_in_the_query()));
static SIGNED_HEADER: LazyLock<Vec<String>> = LazyLock::new(|| strings_to_sign(&signed_in_the_header()));

/// A signed URL is verified only where its canonical bytes are those that were signed.
pub(super) const SIGV4_QUERY: Target = Target {
    name: "sigv4_query",
    check: |input| check_request(input, &SIGNED_QUERY),
    words: WORDS,
    seeds: signed_in_the_query,
};

/// A signed request, likewise.
pub(super) const SIGV4_HEADER: Target = Target {
    name: "sigv4_header",
    check: |input| check_request(input, &SIGNED_HEADER),
    words: WORDS,
    seeds: signed_in_the_header,
};

/// A URL of Signature Version 2, likewise; it signs less, so what it signs is all that is compared.
pub(super) const SIGV2: Target =
    Target { name: "sigv2", check: |input| check_request(input, &SIGNED_V2), words: WORDS, seeds: signed_with_v2 };

/// A request of SigV4a, whose signature is DER: its canonical bytes are those that were signed, whatever the encoding of the
/// signature.
pub(super) const SIGV4A: Target = Target {
    name: "sigv4a",
    check: |input| check_request(input, &SIGNED_V4A),
    words: WORDS,
    seeds: || SEEDS_V4A.clone(),
};

/// Only the body that was signed comes out of a signed chain of chunks; how it is cut on its way changes nothing.
pub(super) const CHUNKED_SIGNED: Target = Target {
    name: "chunked_signed",
    check: |input| {
        let decoder = || Decoder::signed(CHUNK_SEED.clone(), CONTENT.len() as u64);
        let (outcome, body) = decode_all(decoder(), input, usize::MAX);
        let (again, body_again) = decode_all(decoder(), input, 1 + input.len() % 7);
        assert_eq!((&outcome, &body), (&again, &body_again));
        if outcome.is_ok() {
            assert_eq!(body, CONTENT, "another body was taken for the signer's");
        }
        outcome.map_err(|error| std::mem::discriminant(&error)).into()
    },
    words: CHUNK_WORDS,
    seeds: || vec![encode(Encoder::signed(CHUNK_SEED.clone(), Layout::of(CONTENT.len() as u64)))],
};

/// Unsigned chunks are as long as was announced, and how they are cut on their way changes nothing.
pub(super) const CHUNKED_UNSIGNED: Target = Target {
    name: "chunked_unsigned",
    check: |input| {
        let decoder = || Decoder::unsigned(CONTENT.len() as u64);
        let (outcome, body) = decode_all(decoder(), input, usize::MAX);
        let (again, body_again) = decode_all(decoder(), input, 1 + input.len() % 7);
        assert_eq!((&outcome, &body), (&again, &body_again));
        assert!(body.len() <= input.len(), "nothing comes from nowhere");
        if outcome.is_ok() {
            assert_eq!(body.len(), CONTENT.len());
        }
        outcome.map_err(|error| std::mem::discriminant(&error)).into()
    },
    words: CHUNK_WORDS,
    seeds: || vec![encode(Encoder::unsigned(Layout::of(CONTENT.len() as u64)))],
};

const CHUNK_WORDS: &[&str] = &[
    "\r\n",
    "0\r\n",
    ";chunk-signature=",
    "x-amz-trailer-signature:",
    "x-amz-checksum-crc32:",
    "5\r\nhello\r\n",
    "ffffffffffffffff",
];
const CONTENT: &[u8] = b"hello";

fn decode_all(mut decoder: Decoder, input: &[u8], piece: usize) -> (Result<Trailers, ChunkError>, Vec<u8>) {
    let mut body = Vec::new();
    for piece in input.chunks(piece.min(input.len()).max(1)) {
        let mut rest = piece;
        loop {
            match decoder.next(&mut rest) {
                Ok(Some(data)) => body.extend_from_slice(data),
                Ok(None) => break,
                Err(error) => return (Err(error), body),
            }
        }
    }
    (decoder.finish(), body)
}

fn check_request(input: &[u8], signed: &[String]) -> Verdict {
    let text = String::from_utf8_lossy(input);
    let request = Request::read(&text);
    let claim = match verify::parse(&request.view(), &EXPECTATIONS, now()) {
        Ok(Presented::Anonymous) => return Verdict::refused(&"anonymous"),
        Ok(Presented::Query(claim) | Presented::Header(claim)) => claim,
        Err(refusal) => return Verdict::refused(&refusal.reason()),
    };
    match claim.clone().verify(&KEYS, &SECRET) {
        Ok(verified) => {
            assert!(signed.contains(&string_to_sign(claim)), "verified, and never signed");
            assert_eq!(verified.method(), request.method());
            Verdict::accepted()
        }
        Err(refusal) => Verdict::refused(&refusal.reason()),
    }
}

/// What the verifier's signature is over, which it tells where the secret is another. With SigV4 it has the hash of the canonical
/// request in it.
fn string_to_sign(claim: Claim<'_>) -> String {
    static ANOTHER: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::new("another").expect("a secret"));
    let refusal = claim.verify(&KEYS, &ANOTHER).expect_err("the secret is wrong");
    match refusal.details() {
        Details::Mismatch(mismatch) => mismatch.string_to_sign().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn strings_to_sign(inputs: &[Vec<u8>]) -> Vec<String> {
    let read = |input: &Vec<u8>| {
        let text = String::from_utf8(input.clone()).expect("a request is text");
        let request = Request::read(&text);
        match verify::parse(&request.view(), &EXPECTATIONS, now()).expect("the request is signed") {
            Presented::Query(claim) | Presented::Header(claim) => string_to_sign(claim),
            Presented::Anonymous => panic!("the request is signed"),
        }
    };
    inputs.iter().map(read).collect()
}

fn signed_in_the_query() -> Vec<Vec<u8>> {
    let endpoint = Endpoint::parse(&format!("http://{HOST}")).expect("an endpoint");
    let address = |key| Address::object(&endpoint, AddressingStyle::Path, "bucket", key).expect("an address");
    let token = SessionToken::new("a+token/==").expect("a token");
    let permanent = credentials();
    let temporary =
        Credentials::temporary(AccessKeyId::new(ACCESS_KEY_ID).expect("an id"), SECRET.clone(), token, None);
    let read = Presign::new(&permanent, region(), address("a b/../é+~"), Method::Get);
    let read =
        read.response(ResponseOverride::ContentDisposition, "attachment; filename=\"a b\"").expect("an override");
    let write_object = Presign::new(&temporary, region(), address("k"), Method::Put).unsigned_payload_in_query();
    let write_object = write_object.header("content-type", "text/plain").expect("a header");
    [read, write_object]
        .iter()
        .map(|presign| {
            let url = presign.sign(&KEYS, now()).expect("the URL can be signed");
            let target = url.expose().split_once(HOST).expect("the host stands in the URL").1;
            let mut headers = vec![("host", HOST)];
            headers.extend(url.headers());
            write(url.method(), target, &headers)
        })
        .collect()
}

fn signed_in_the_header() -> Vec<Vec<u8>> {
    let with_body = sign_header("PUT", "/bucket/a%20b?partNumber=1&x", &[("x-amz-meta-a", "b  c")], Body::of(b"body"));
    let without = sign_header("GET", "/", &[], Body::Unsigned);
    vec![with_body, without]
}

fn sign_header(method: &str, target: &str, headers: &[(&str, &str)], body: Body) -> Vec<u8> {
    let parts = RequestParts { method, host: HOST, target, headers };
    let signed = header::sign(&parts, body, &credentials(), &region(), ServiceName::S3, &KEYS, now());
    let signed = signed.expect("the request can be signed");
    let signed: Vec<(&str, &str)> = signed.iter().collect();
    write(method, target, &[&[("host", HOST)], headers, &signed].concat())
}

fn signed_with_v2() -> Vec<Vec<u8>> {
    let by_header =
        format!("AWS {ACCESS_KEY_ID}:{}", sigv2("PUT\n\ntext/plain\n\nx-amz-date:20130524T000000Z\n/bucket/a%20b"));
    vec![
        write("GET", &signed_with_sigv2("/bucket/key", ""), &[("host", HOST)]),
        write("GET", &signed_with_sigv2("/bucket/a%20b", "versionId=1"), &[("host", HOST)]),
        write(
            "PUT",
            "/bucket/a%20b",
            &[
                ("host", HOST),
                ("content-type", "text/plain"),
                ("x-amz-date", "20130524T000000Z"),
                ("authorization", &by_header),
            ],
        ),
    ]
}

/// Made once and kept: ECDSA signs differently every time, and a campaign must be repeatable.
fn signed_with_v4a() -> Vec<Vec<u8>> {
    let text = [include_str!("../../seeds/sigv4a_query.txt"), include_str!("../../seeds/sigv4a_header.txt")];
    text.map(|request| request.trim_end().as_bytes().to_vec()).to_vec()
}

/// The example body, and a trailer.
fn encode(mut encoder: Encoder) -> Vec<u8> {
    let body = [encoder.next(CONTENT).expect("one chunk").as_bytes(), CONTENT].concat();
    let end = encoder.finish(&[("x-amz-checksum-crc32", "NhCmhg==")]).expect("all chunks are there");
    [body, end.into_bytes()].concat()
}
