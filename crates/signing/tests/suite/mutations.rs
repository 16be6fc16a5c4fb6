//! Any byte of a signed request may be changed by anybody on its way: either the canonical bytes stay as they were, or
//! the request is refused.

use gatepass_signing::sigv4::chunked::{Encoder, Layout, Trailer};
use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::{Method, Presign, ResponseOverride};
use gatepass_signing::sigv4::verify::{Payload, Presented};
use proptest::prelude::*;

use crate::support::{Request, address, credentials, expectations, header_signed, midnight, region, signed};

fn signed_in_the_query() -> Request {
    let credentials = credentials();
    let presign = Presign::new(&credentials, region(), address("a b/../é+%~//c"), Method::Put)
        .query("partNumber", "1")
        .and_then(|presign| presign.query("uploadId", "a b/+="))
        .and_then(|presign| presign.header("Content-Type", "text/plain; charset=utf-8"))
        .and_then(|presign| presign.header("x-amz-meta-color", "dark  blue"))
        .unwrap();
    signed(&presign)
}

fn signed_in_the_header() -> Request {
    let headers = [("content-type", "text/plain"), ("x-amz-meta-color", "blue")];
    header_signed("PUT", "/bucket/a%20b/../%C3%A9%2B~//c?partNumber=1&uploadId=a%20b", &headers, Body::of(b"body"))
}

/// Changes one byte of the method, the target or a header value. `None` where the result is no text, which an HTTP
/// server would not let through as a request line.
pub(crate) fn mutate(request: &Request, position: usize, byte: u8) -> Option<Request> {
    let mut mutated = request.clone();
    let mut position = position;
    if position < mutated.method.len() {
        mutated.method = replace(&mutated.method, position, byte)?;
        return Some(mutated);
    }
    position -= mutated.method.len();
    if position < mutated.target.len() {
        mutated.target = replace(&mutated.target, position, byte)?;
        return Some(mutated);
    }
    position -= mutated.target.len();
    for (_, value) in &mut mutated.headers {
        if position < value.len() {
            value[position] = byte;
            return Some(mutated);
        }
        position -= value.len();
    }
    None
}

fn replace(text: &str, position: usize, byte: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    bytes[position] = byte;
    String::from_utf8(bytes).ok()
}

pub(crate) fn length(request: &Request) -> usize {
    let headers: usize = request.headers.iter().map(|(_, value)| value.len()).sum();
    request.method.len() + request.target.len() + headers
}

fn canonical_request(request: &Request) -> Vec<u8> {
    request.stages().expect("only the secret is wrong").canonical_request().to_vec()
}

/// Whether the request is taken for the signer's. One that lost its signature on the way is anonymous, and is not.
fn is_verified(request: &Request) -> bool {
    let claims = |presented: Presented<'_>| !matches!(presented, Presented::Anonymous);
    request.parse_for(&expectations(), midnight(), claims).unwrap_or(false) && request.verify_at(midnight()).is_ok()
}

fn assert_unchanged_or_refused(original: &Request, mutated: &Request) {
    if is_verified(mutated) {
        assert_eq!(canonical_request(mutated), canonical_request(original), "{mutated:?}");
    }
}

#[test]
fn every_single_byte_of_a_signed_request_matters() {
    for original in [signed_in_the_query(), signed_in_the_header()] {
        assert!(original.verify_at(midnight()).is_ok());
        let mut refused = 0;
        for position in 0..length(&original) {
            for byte in [b'a', b'A', b'0', b'%', b'+', b'&', b'=', b'/', b'?', b' ', b';', 0, 0x80] {
                let Some(mutated) = mutate(&original, position, byte) else { continue };
                assert_unchanged_or_refused(&original, &mutated);
                refused += usize::from(!is_verified(&mutated));
            }
        }
        assert!(refused > length(&original) * 9, "almost every change is refused, not only some: {refused}");
    }
}

#[test]
fn every_digit_of_a_signature_matters() {
    for original in [signed_in_the_query(), signed_in_the_header()] {
        let start = original.method.len() + original.target.find("X-Amz-Signature=").map_or(0, |at| at + 16);
        let in_query = original.target.contains("X-Amz-Signature=");
        for offset in 0..64 {
            let position = if in_query {
                start + offset
            } else {
                let before: usize = original.method.len() + original.target.len();
                let values: usize = original.headers.iter().map(|(_, value)| value.len()).sum();
                // The authorization header comes last, and its signature ends it.
                before + values - 64 + offset
            };
            let changed = |byte| mutate(&original, position, byte).unwrap();
            let accepted =
                b"0123456789abcdef".iter().filter(|byte| changed(**byte).verify_at(midnight()).is_ok()).count();
            assert_eq!(accepted, 1, "only the right digit at {offset}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_changes_are_refused_or_change_nothing(
        in_query: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let original = if in_query { signed_in_the_query() } else { signed_in_the_header() };
        let mutated = changes.iter().try_fold(original.clone(), |request, (index, byte)| {
            mutate(&request, index.index(length(&original)), *byte)
        });
        if let Some(mutated) = mutated {
            assert_unchanged_or_refused(&original, &mutated);
        }
    }

    #[test]
    fn the_verifier_never_panics(
        method in any::<String>(),
        target in any::<String>(),
        names in prop::collection::vec("(host|authorization|x-amz-date|date|x-amz-content-sha256|[a-z-]{1,8})", 0..6),
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 6),
    ) {
        let headers = names.into_iter().zip(values).collect();
        let request = Request { method, target, headers };
        let _ = request.parse_for(&expectations(), midnight(), |_| ());
    }

    #[test]
    fn a_damaged_authorization_never_panics(
        scheme in "(AWS4-HMAC-SHA256|AWS|)[ ]{0,2}",
        rest in "(Credential=|SignedHeaders=|Signature=|[,;/ =a-z0-9é]){0,12}",
    ) {
        let request = Request::new("GET", "/", &[("host", "h"), ("authorization", &format!("{scheme}{rest}"))]);
        let _ = request.parse_for(&expectations(), midnight(), |_| ());
    }
}

/// A body in signed chunks with a signed trailer: no bit of it can be turned, in data, sizes, signatures or trailer, so that
/// another body or another trailer is taken for the signer's.
#[test]
fn every_single_bit_of_a_signed_body_matters() {
    const BODY: &[u8] = b"hello, world";
    let request = header_signed("PUT", "/bucket/key", &[], Body::SignedChunks(Trailer::Signed));
    let payload = request.verify_at(midnight()).unwrap().payload().clone();
    let Payload::StreamingSigned(seed) = &payload else { panic!("{payload:?}") };
    let mut encoder = Encoder::signed((**seed).clone(), Layout::of(BODY.len() as u64));
    let mut encoded = [encoder.next(BODY).unwrap().as_bytes(), BODY].concat();
    encoded.extend_from_slice(encoder.finish(&[("x-amz-checksum-crc32", "NhCmhg==")]).unwrap().as_bytes());
    let decode = |encoded: &[u8]| {
        let mut decoder = payload.decoder(BODY.len() as u64).unwrap();
        let (mut rest, mut body) = (encoded, Vec::new());
        while let Some(data) = decoder.next(&mut rest)? {
            body.extend_from_slice(data);
        }
        decoder.finish().map(|trailers| (body, trailers))
    };
    let original = decode(&encoded).unwrap();
    assert_eq!(original.0, BODY);
    let mut accepted = Vec::new();
    for position in 0..encoded.len() {
        for bit in 0..8 {
            let mut changed = encoded.clone();
            changed[position] ^= 1 << bit;
            if let Ok(outcome) = decode(&changed) {
                assert_eq!(outcome, original, "bit {bit} of byte {position}");
                accepted.push(position);
            }
        }
    }
    // What changes nothing: the case of the size's hexadecimal digit and of the names of trailers, and another blank in place
    // of the CR that ends the line of a trailer.
    let changes_nothing = |position: &usize| encoded[*position].is_ascii_alphabetic() || encoded[*position] == b'\r';
    assert!(accepted.iter().all(changes_nothing), "{accepted:?}");
    accepted.dedup();
    assert!(accepted.len() <= 1 + "xamzchecksumcrcxamztrailersignature".len() + 2, "{accepted:?}");
}

#[test]
fn an_override_can_not_be_slipped_in_front_of_the_signature() {
    let credentials = credentials();
    let presign = Presign::new(&credentials, region(), address("k"), Method::Get)
        .response(ResponseOverride::ContentType, "text/plain")
        .unwrap();
    let request = signed(&presign).target("?", "?response-content-type=text%2Fhtml&");
    assert!(request.verify_at(midnight()).is_err());
}
