//! The AWS SDK for Rust as judge of each signature in a chain of chunks, and of SigV4a's key pairs.

use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1;
use aws_lc_rs::{agreement, signature};
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::sign::{v4, v4a};
use aws_smithy_runtime_api::http::Headers;
use bytes::Bytes;
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::sigv4::chunked::{Encoder, Layout, MIN_CHUNK_BYTES, Trailer};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use gatepass_signing::sigv4a::RegionSet;
use gatepass_signing::time::AmzDate;
use jiff::Timestamp;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::support::{address, midnight};

/// The signatures in an encoded body, or in an `Authorization` header, each behind `mark`.
fn behind<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.split(mark).skip(1).map(|rest| rest.split(['\r', ',']).next().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn every_signature_of_a_chain_is_the_one_that_aws_sigv4_makes(
        access_key_id in "[A-Z0-9]{16,20}",
        secret in "[!-~]{1,60}",
        region in "[a-z]{2}-[a-z]{4}-[1-9]",
        second in 0..4_102_444_800_i64,
        length in 0..20_000_usize,
        checksum in "[A-Za-z0-9+/]{6}==",
        with_trailer: bool,
    ) {
        let now = Timestamp::from_second(second).unwrap();
        let trailer = if with_trailer { Trailer::Signed } else { Trailer::Absent };
        let credentials =
            Credentials::long_term(AccessKeyId::new(access_key_id.clone()).unwrap(), SecretKey::new(secret.clone()).unwrap());
        let parts = RequestParts { method: "PUT", host: "h", target: "/b/k", headers: &[] };
        let body = Body::SignedChunks(trailer);
        let ours = Region::new(region.clone()).unwrap();
        let signed =
            header::sign(&parts, body, &credentials, &ours, ServiceName::S3, &KeyCache::new(), now).unwrap();
        let authorization = signed.iter().find(|(name, _)| *name == "authorization").unwrap().1;
        let mut previous = behind(authorization, "Signature=")[0].to_owned();

        let data = "a".repeat(length);
        let layout = Layout::of(length as u64).in_chunks_of(MIN_CHUNK_BYTES).unwrap();
        let mut encoder = Encoder::signed(signed.chunk_seed().unwrap().clone(), layout);
        let chunks: Vec<&str> = data.as_bytes().chunks(8192).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
        let mut framing = String::new();
        for chunk in &chunks {
            framing.push_str(&encoder.next(chunk.as_bytes()).unwrap());
        }
        let trailers = [("x-amz-checksum-crc32", checksum.as_str())];
        framing.push_str(&encoder.finish(if with_trailer { &trailers } else { &[] }).unwrap());
        let found = behind(&framing, "-signature=");
        prop_assert_eq!(found.len(), chunks.len() + 1);

        let identity = aws_credential_types::Credentials::new(access_key_id, secret, None, None, "test").into();
        let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(second).unwrap());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&region)
            .name("s3")
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .unwrap();
        for (chunk, found) in chunks.iter().copied().chain([""]).zip(found) {
            let chunk = Bytes::copy_from_slice(chunk.as_bytes());
            previous = v4::sign_chunk(&chunk, &previous, &parameters).unwrap().into_parts().1;
            prop_assert_eq!(found, previous.as_str());
        }
        if with_trailer {
            let mut headers = Headers::new();
            headers.insert("x-amz-checksum-crc32", checksum);
            let expected = v4::sign_trailer(&headers, &previous, &parameters).unwrap().into_parts().1;
            prop_assert_eq!(behind(&framing, "x-amz-trailer-signature:"), [expected.as_str()]);
        }
    }

    #[test]
    fn a_url_of_sigv4a_is_signed_with_the_key_that_aws_sigv4_derives(
        access_key_id in "[A-Z0-9]{16,20}",
        secret in "[!-~]{1,60}",
        set in "([*]|us-east-1,eu-west-[1-9]|[a-z]{2}-[a-z]{4}-[1-9])",
    ) {
        let credentials = Credentials::long_term(
            AccessKeyId::new(access_key_id.clone()).unwrap(),
            SecretKey::new(secret.clone()).unwrap(),
        );
        let region = Region::new("us-east-1").unwrap();
        let url = Presign::new(&credentials, region, address("k"), Method::Get)
            .sign_for_regions(&RegionSet::parse(&set).unwrap(), &KeyCache::new(), midnight())
            .unwrap();
        let (path, query) = url.expose().strip_prefix("http://127.0.0.1:9000").unwrap().split_once('?').unwrap();
        let (query, found) = query.split_once("&X-Amz-Signature=").unwrap();
        let canonical = format!("GET\n{path}\n{query}\nhost:127.0.0.1:9000\n\nhost\nUNSIGNED-PAYLOAD");
        let date = AmzDate::new(midnight());
        let digest = gatepass_signing::encode::hex(&Sha256::digest(canonical));
        let string_to_sign =
            format!("AWS4-ECDSA-P256-SHA256\n{date}\n{}/s3/aws4_request\n{digest}", date.date());

        let scalar = v4a::generate_signing_key(&access_key_id, &secret);
        let point = agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, scalar.as_ref())
            .unwrap()
            .compute_public_key()
            .unwrap();
        let public = signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.as_ref());
        let der: Vec<u8> = (0..found.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&found[at..at + 2], 16).unwrap())
            .collect();
        prop_assert!(public.verify(string_to_sign.as_bytes(), &der).is_ok());
    }
}
