//! `aws-sigv4` as a judge of SigV4a and of chunks: what it signs we accept, and what we sign a verifier accepts that has
//! nothing of ours but the text.

use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation};
use aws_sigv4::sign::{v4, v4a};
use gatepass_signing::encode;
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::chunked::Trailer;
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::Presign;
use gatepass_signing::sigv4::verify::Scheme;
use gatepass_signing::sigv4a::RegionSet;
use gatepass_signing::time::{AmzDate, Lifetime};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::peers::{Case, cases, settings, target_with, unsigned_url, verified};

const CASES: u32 = 10_000;

/// Names and values.
type Pairs = Vec<(String, String)>;

/// What `aws-sigv4` adds to the request: to its query, and to its headers.
fn signed_by_aws(case: &Case, location: SignatureLocation, regions: &str) -> (Pairs, Pairs) {
    let identity =
        aws_credential_types::Credentials::new(&case.access_key_id, &case.secret, case.token.clone(), None, "test")
            .into();
    let expires = (location == SignatureLocation::QueryParams).then_some(case.expires);
    let params = v4a::SigningParams::builder()
        .identity(&identity)
        .region_set(regions)
        .name("s3")
        .time(UNIX_EPOCH + Duration::from_secs(case.second.try_into().unwrap()))
        .settings(settings(location, expires))
        .build()
        .unwrap()
        .into();
    let headers = case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let url = unsigned_url(case);
    let request = SignableRequest::new(case.method.as_str(), &url, headers, SignableBody::UnsignedPayload).unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(request, &params).unwrap().into_parts();
    let (headers, parameters) = instructions.into_parts();
    (
        headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect(),
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect(),
    )
}

fn regions(case: &Case, all: bool) -> String {
    if all { "*".to_owned() } else { format!("{},eu-west-1", case.region) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn what_aws_sigv4_signs_with_sigv4a_is_accepted(case in cases(), in_query: bool, all: bool) {
        let location = if in_query { SignatureLocation::QueryParams } else { SignatureLocation::Headers };
        let (headers, parameters) = signed_by_aws(&case, location, &regions(&case, all));
        let mut all_parameters = case.query.clone();
        all_parameters.extend(parameters);
        let keys = KeyCache::new();
        let accepted = verified(&case, &target_with(&case, &all_parameters), &headers, &keys);
        prop_assert!(accepted.is_ok(), "{:?}", accepted);
        prop_assert_eq!(accepted.unwrap().scheme(), Scheme::SigV4a);
        all_parameters.push(("added".to_owned(), String::new()));
        let refused = verified(&case, &target_with(&case, &all_parameters), &headers, &keys);
        prop_assert!(refused.is_err());
    }

    /// The canonical request is written out here, the key is the one that `aws-sigv4` derives, and AWS-LC checks.
    #[test]
    fn what_is_signed_here_with_sigv4a_holds_elsewhere(case in cases(), all: bool) {
        let credentials = case.credentials();
        let presign = Presign::new(&credentials, case.region(), case.address(), case.method)
            .expires(Lifetime::from_secs(case.expires).unwrap());
        let presign = case.query.iter().fold(presign, |presign, (name, value)| presign.query(name, value).unwrap());
        let presign = case.headers.iter().fold(presign, |presign, (name, value)| presign.header(name, value).unwrap());
        let set = RegionSet::parse(&regions(&case, all)).unwrap();
        let url = presign.sign_for_regions(&set, &KeyCache::new(), case.now()).unwrap();

        let (address, query) = url.expose().split_once('?').unwrap();
        let mut parameters: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        let at = parameters.iter().position(|(name, _)| *name == "X-Amz-Signature").unwrap();
        let (_, signature) = parameters.remove(at);
        parameters.sort_unstable();
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = case.headers.clone();
        headers.push(("host".to_owned(), case.address().host().to_owned()));
        headers.sort();
        let collapse = |value: &str| value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{}\n", collapse(value))).collect();
        let lines = lines.concat();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let path = &address["https://".len() + case.address().host().len()..];
        let canonical = format!(
            "{}\n{path}\n{}\n{lines}\n{}\nUNSIGNED-PAYLOAD",
            case.method.as_str(), query.join("&"), names.join(";")
        );
        let date = AmzDate::new(case.now());
        let string_to_sign = format!(
            "AWS4-ECDSA-P256-SHA256\n{date}\n{}/s3/aws4_request\n{}",
            date.date(), encode::hex(&Sha256::digest(canonical))
        );
        let key = key_of(&case);
        prop_assert!(key.verify(string_to_sign.as_bytes(), &unhex(signature)).is_ok());
        let another = string_to_sign.replace("s3/", "s4/");
        prop_assert!(key.verify(another.as_bytes(), &unhex(signature)).is_err());
    }

    /// `aws-sigv4` signs no chunks. The strings to sign are written out here, and signed with its key and its HMAC.
    #[test]
    fn a_chain_of_chunks_has_the_signatures_that_aws_sigv4_calculates(
        case in cases(),
        content in prop::collection::vec(any::<u8>(), 0..64),
        checksum in "[A-Za-z0-9+/]{6}==",
        trailer: bool,
    ) {
        use gatepass_signing::sigv4::chunked::{Encoder, Layout};
        let form = if trailer { Trailer::Signed } else { Trailer::Absent };
        let target = target_with(&case, &case.query);
        let host = case.address().host().to_owned();
        let parts = RequestParts { method: "PUT", host: &host, target: &target, headers: &[] };
        let signed = header::sign(
            &parts, Body::SignedChunks(form), &case.credentials(), &case.region(),
            gatepass_signing::sigv4::ServiceName::S3, &KeyCache::new(), case.now(),
        ).unwrap();
        let authorization = signed.iter().find(|(name, _)| *name == "authorization").unwrap().1;
        let seed = authorization.split_once("Signature=").unwrap().1;

        let time = UNIX_EPOCH + Duration::from_secs(case.second.try_into().unwrap());
        let key = v4::generate_signing_key(&case.secret, time, &case.region, "s3");
        let date = AmzDate::new(case.now());
        let context = format!("{date}\n{}/{}/s3/aws4_request", date.date(), case.region);
        let mut previous = seed.to_owned();
        let mut expected = Vec::new();
        let chunks: Vec<&[u8]> = if content.is_empty() { vec![b""] } else { vec![&content, b""] };
        for chunk in chunks {
            let hashes = format!("{}\n{}", encode::hex(&Sha256::digest(b"")), encode::hex(&Sha256::digest(chunk)));
            let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{context}\n{previous}\n{hashes}");
            previous = v4::calculate_signature(&key, text.as_bytes());
            expected.extend_from_slice(format!("{:x};chunk-signature={previous}\r\n", chunk.len()).as_bytes());
            expected.extend_from_slice(chunk);
            if !chunk.is_empty() {
                expected.extend_from_slice(b"\r\n");
            }
        }
        let trailers = [("x-amz-checksum-crc32", checksum.as_str())];
        if trailer {
            let lines = format!("x-amz-checksum-crc32:{checksum}\n");
            let hash = encode::hex(&Sha256::digest(&lines));
            let text = format!("AWS4-HMAC-SHA256-TRAILER\n{context}\n{previous}\n{hash}");
            let signature = v4::calculate_signature(&key, text.as_bytes());
            expected.extend_from_slice(
                format!("x-amz-checksum-crc32:{checksum}\r\nx-amz-trailer-signature:{signature}\r\n").as_bytes(),
            );
        }
        expected.extend_from_slice(b"\r\n");

        let mut encoder = Encoder::signed(signed.chunk_seed().unwrap().clone(), Layout::of(content.len() as u64));
        let mut ours = Vec::new();
        if !content.is_empty() {
            ours.extend_from_slice(encoder.next(&content).unwrap().as_bytes());
            ours.extend_from_slice(&content);
        }
        ours.extend_from_slice(encoder.finish(if trailer { &trailers } else { &[] }).unwrap().as_bytes());
        prop_assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&expected));
    }
}

fn key_of(case: &Case) -> UnparsedPublicKey<Vec<u8>> {
    let scalar = v4a::generate_signing_key(&case.access_key_id, &case.secret);
    // AWS-LC makes a key pair of both halves, and refuses two that do not belong together.
    let public = p256_public(scalar.as_ref());
    let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_ASN1_SIGNING, scalar.as_ref(), &public);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.unwrap().public_key().as_ref().to_vec())
}

fn p256_public(scalar: &[u8]) -> Vec<u8> {
    use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
    PrivateKey::from_private_key(&ECDH_P256, scalar).unwrap().compute_public_key().unwrap().as_ref().to_vec()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
