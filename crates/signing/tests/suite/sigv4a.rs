//! SigV4a, made and checked: region sets, chunks, the scheme's switch, mutations, and AWS's own signer as judge.
//!
//! What may be written otherwise without changing the canonical bytes is what SigV4 lets be: the case of hexadecimal
//! digits in the target, escapes of what needs none, `+` for a space in the query, the order of parameters, blanks in and
//! around header values. The signature has one writing, but a second value, `(r, n - s)`, that no single byte makes.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4a;
use gatepass_signing::credentials::SecretKey;
use gatepass_signing::sigv4::chunked::{ChunkError, Encoder, Layout, Trailer, Trailers};
use gatepass_signing::sigv4::header::{Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{
    Details, Expectations, Mechanism, Payload, Presented, Reason, Refusal, Scheme, Schemes, UnsignedHeaders, Verified,
};
use gatepass_signing::sigv4::{KeyCache, ServiceName};
use gatepass_signing::sigv4a::{self, RegionSet};
use gatepass_signing::time::Lifetime;
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;

use crate::mutations::{length, mutate};
use crate::support::{self, ACCESS_KEY_ID, Request, SECRET_KEY, address, credentials, midnight, region, secret};

fn expectations() -> Expectations {
    Expectations { schemes: Schemes::default().with(Scheme::SigV4a), ..support::expectations() }
}

fn verify_at(request: &Request, now: Timestamp) -> Result<Verified, Refusal> {
    checked(request, &secret(), now).expect("the request presents something")
}

/// `None` where the request presents nothing.
fn checked(request: &Request, secret: &SecretKey, now: Timestamp) -> Option<Result<Verified, Refusal>> {
    let verified = request.parse_for(&expectations(), now, |presented| match presented {
        Presented::Query(claim) | Presented::Header(claim) => Some(claim.verify(&KeyCache::new(), secret)),
        Presented::Anonymous => None,
    });
    verified.unwrap_or_else(|refusal| Some(Err(refusal)))
}

fn verify(request: &Request) -> Result<Verified, Refusal> {
    verify_at(request, midnight())
}

fn reason(request: &Request) -> Reason {
    verify(request).expect_err("the request should have been refused").reason()
}

fn regions(text: &str) -> RegionSet {
    RegionSet::parse(text).unwrap()
}

fn presigned(regions: &RegionSet) -> Request {
    let credentials = credentials();
    let presign = Presign::new(&credentials, region(), address("a b/../é+%~//c"), Method::Put)
        .query("partNumber", "1")
        .and_then(|presign| presign.query("uploadId", "a b/+="))
        .and_then(|presign| presign.header("x-amz-meta-color", "dark  blue"))
        .unwrap()
        .expires(Lifetime::from_secs(300).unwrap());
    Request::using(&presign.sign_for_regions(regions, &KeyCache::new(), midnight()).unwrap())
}

const TARGET: &str = "/bucket/a%20b/../%C3%A9%2B~//c?partNumber=1&uploadId=a%20b";

fn header_signed(body: Body, headers: &[(&str, &str)]) -> Request {
    let parts = RequestParts { method: "PUT", host: "127.0.0.1:9000", target: TARGET, headers };
    let (credentials, keys, now) = (credentials(), KeyCache::new(), midnight());
    let all = RegionSet::all();
    let signed = sigv4a::header::sign(&parts, body, &credentials, &all, ServiceName::S3, &keys, now).unwrap();
    let mut request = Request::new("PUT", TARGET, headers).with("Host", "127.0.0.1:9000");
    for (name, value) in signed.iter() {
        request = request.with(name, value);
    }
    request
}

#[test]
fn a_url_is_good_in_every_region_of_its_set_and_in_no_other() {
    for set in ["*", "us-east-1", "eu-west-1,us-east-1", "us-east-1,eu-west-1"] {
        let verified = verify(&presigned(&regions(set))).unwrap();
        assert_eq!((verified.scheme(), verified.mechanism()), (Scheme::SigV4a, Mechanism::Query));
        assert_eq!(verified.signed_at(), Some(midnight()));
        assert!(verified.scope().is_none());
    }
    let elsewhere = verify(&presigned(&regions("eu-west-1,us-east-2"))).unwrap_err();
    assert_eq!(elsewhere.reason(), Reason::RegionSetElsewhere);
    let Details::Region { received, expected } = elsewhere.details() else { panic!("{elsewhere:?}") };
    assert_eq!((received.as_str(), expected.as_str()), ("eu-west-1,us-east-2", "us-east-1"));
}

#[test]
fn a_request_signed_in_its_header_verifies() {
    let request = header_signed(Body::of(b"body"), &[("x-amz-meta-color", "blue")]);
    let verified = verify(&request).unwrap();
    assert_eq!((verified.scheme(), verified.mechanism()), (Scheme::SigV4a, Mechanism::Header));
    assert!(verified.signed_headers().any(|name| name == "x-amz-region-set"));
}

#[test]
fn the_region_set_is_there_and_is_one() {
    let query = presigned(&RegionSet::all());
    assert_eq!(reason(&query.clone().target("&X-Amz-Region-Set=%2A", "")), Reason::RegionSetMissing);
    assert_eq!(reason(&query.clone().target("Region-Set=%2A", "Region-Set=us-%2A")), Reason::RegionSetMalformed);
    let repeated = query.clone().target("?", "?X-Amz-Region-Set=%2A&");
    assert_eq!(reason(&repeated), Reason::ParameterRepeated);
    // What is in the set is signed, too.
    assert_eq!(reason(&query.target("Region-Set=%2A", "Region-Set=us-east-1")), Reason::SignatureMismatch);

    let header = header_signed(Body::Unsigned, &[]);
    assert_eq!(reason(&header.clone().without("x-amz-region-set")), Reason::RegionSetMissing);
    assert_eq!(reason(&header.clone().with("x-amz-region-set", "*")), Reason::HeaderRepeated);
    let narrowed = header.clone().header("x-amz-region-set", "*", "us-east-1");
    assert_eq!(reason(&narrowed), Reason::SignatureMismatch);
    let unsigned = header.header("authorization", ";x-amz-region-set", "");
    assert_eq!(reason(&unsigned), Reason::HeadersNotSigned);

    // It decides, so it is signed even where unsigned headers are tolerated.
    let unsigned_headers = UnsignedHeaders::none().and("x-amz-region-set");
    let tolerant = Expectations { unsigned_headers, ..expectations() };
    let refusal = unsigned.verify_for(&tolerant, &secret(), midnight()).unwrap_err();
    assert_eq!(refusal.reason(), Reason::HeadersNotSigned);
}

#[test]
fn the_credential_has_four_parts() {
    let request = presigned(&RegionSet::all());
    for (to, expected) in [
        ("%2F20130524%2Fus-east-1%2Fs3%2Faws4_request", Reason::CredentialMalformed),
        ("%2F20130524%2Fs3", Reason::CredentialMalformed),
        ("%2F20130524%2Fsts%2Faws4_request", Reason::CredentialService),
        ("%2F20130524%2Fs3%2Faws5", Reason::CredentialTerminal),
        ("%2F2013052x%2Fs3%2Faws4_request", Reason::CredentialDate),
        ("%2F20130525%2Fs3%2Faws4_request", Reason::DateMismatch),
    ] {
        assert_eq!(reason(&request.clone().target("%2F20130524%2Fs3%2Faws4_request", to)), expected, "{to}");
    }
}

#[test]
fn a_url_ends() {
    let request = presigned(&RegionSet::all());
    assert!(verify_at(&request, midnight() + 300.seconds()).is_ok());
    assert_eq!(verify_at(&request, midnight() + 301.seconds()).unwrap_err().reason(), Reason::Expired);
    assert_eq!(verify_at(&request, midnight() - 901.seconds()).unwrap_err().reason(), Reason::NotYetValid);
}

#[test]
fn attack_05_the_asymmetric_scheme_is_unknown_while_it_is_off() {
    let refusal = |request: &Request| request.verify_at(midnight()).unwrap_err().reason();
    assert_eq!(refusal(&presigned(&RegionSet::all())), Reason::Algorithm);
    assert_eq!(refusal(&header_signed(Body::Unsigned, &[])), Reason::AuthorizationType);
}

#[test]
fn attack_05_one_scheme_does_not_pass_for_another() {
    let asymmetric = presigned(&RegionSet::all());
    let renamed = asymmetric.target("AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256");
    assert_eq!(reason(&renamed), Reason::CredentialMalformed);
    let symmetric = support::presigned(Method::Get, "k").target("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256");
    assert_eq!(reason(&symmetric), Reason::CredentialMalformed);
    // Chunks are signed with the scheme of their request.
    let chunked = header_signed(Body::SignedChunks(Trailer::Absent), &[]);
    let (from, to) = ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    assert_eq!(reason(&chunked.header("x-amz-content-sha256", from, to)), Reason::ContentSha256Invalid);
}

#[test]
fn chunks_are_chained_from_the_signature_of_the_request() {
    let data: Vec<u8> = (0..20_000).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let checksum = [("x-amz-checksum-crc32", "AAAAAA==")];
    for (trailer, trailers) in [(Trailer::Absent, &checksum[..0]), (Trailer::Signed, &checksum[..])] {
        let verified = verify(&header_signed(Body::SignedChunks(trailer), &[])).unwrap();
        let Payload::StreamingSigned(seed) = verified.payload() else { panic!("{verified:?}") };
        let mut encoder = Encoder::signed((**seed).clone(), Layout::of(20_000).in_chunks_of(8192).unwrap());
        let lengths: Vec<(&str, usize)> = trailers.iter().map(|(name, value)| (*name, value.len())).collect();
        let announced = encoder.encoded_length(&lengths);
        let mut encoded = Vec::new();
        for chunk in data.chunks(8192) {
            encoded.extend_from_slice(encoder.next(chunk).unwrap().as_bytes());
            encoded.extend_from_slice(chunk);
        }
        encoded.extend_from_slice(encoder.finish(trailers).unwrap().as_bytes());
        // Signatures vary in length; the padding makes up for it.
        assert_eq!(encoded.len() as u64, announced);
        let (decoded, found) = decode(verified.payload(), &encoded, 1000).unwrap();
        assert_eq!(decoded, data);
        assert_eq!(found.iter().collect::<Vec<_>>(), trailers);

        let position = encoded.len() / 2;
        encoded[position] ^= 1;
        assert_eq!(decode(verified.payload(), &encoded, 1000), Err(ChunkError::SignatureMismatch));
    }
}

fn decode(payload: &Payload, encoded: &[u8], piece: usize) -> Result<(Vec<u8>, Trailers), ChunkError> {
    let mut decoder = payload.decoder(20_000).unwrap();
    let mut data = Vec::new();
    for mut input in encoded.chunks(piece) {
        while let Some(part) = decoder.next(&mut input)? {
            data.extend_from_slice(part);
        }
    }
    decoder.finish().map(|trailers| (data, trailers))
}

/// The same parameters, signed by the AWS SDK for Rust.
fn signed_by_aws(location: SignatureLocation, region_set: &str) -> Request {
    let identity = aws_credential_types::Credentials::new(ACCESS_KEY_ID, SECRET_KEY, None, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.expires_in = (location == SignatureLocation::QueryParams).then(|| Duration::from_mins(5));
    settings.signature_location = location;
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(midnight().as_second()).unwrap());
    let parameters = v4a::SigningParams::builder()
        .identity(&identity)
        .region_set(region_set)
        .name("s3")
        .time(time)
        .settings(settings)
        .build()
        .unwrap();
    let uri = format!("http://127.0.0.1:9000{TARGET}");
    let headers = [("x-amz-meta-color", "blue")];
    let body = SignableBody::UnsignedPayload;
    let signable = SignableRequest::new("PUT", &uri, headers.into_iter(), body).unwrap();
    let signed = aws_sigv4::http_request::sign(signable, &parameters.into()).unwrap();
    let (instructions, _) = signed.into_parts();
    let mut target = TARGET.to_owned();
    for (name, value) in instructions.params() {
        let mut encoded = String::new();
        gatepass_signing::encode::component(value, &mut encoded);
        target = format!("{target}&{name}={encoded}");
    }
    let mut request = Request::new("PUT", &target, &headers).with("Host", "127.0.0.1:9000");
    for (name, value) in instructions.headers() {
        request = request.with(name, value);
    }
    request
}

#[test]
fn what_the_aws_sdk_for_rust_signs_verifies() {
    for set in ["*", "us-east-1", "us-east-1,eu-west-1"] {
        for location in [SignatureLocation::QueryParams, SignatureLocation::Headers] {
            let request = signed_by_aws(location, set);
            let verified = verify(&request).unwrap_or_else(|refusal| panic!("{refusal}: {request:?}"));
            assert_eq!(verified.scheme(), Scheme::SigV4a);
        }
    }
}

/// The canonical bytes are all that is signed; the signature beside them is written in one way only.
fn assert_unchanged_or_refused(original: &Request, mutated: &Request) {
    if checked(mutated, &secret(), midnight()).is_some_and(|verified| verified.is_ok()) {
        assert_eq!(canonical_request(mutated), canonical_request(original), "{mutated:?}");
    }
}

fn canonical_request(request: &Request) -> Vec<u8> {
    let refusal = checked(request, &SecretKey::new("another").unwrap(), midnight()).unwrap().unwrap_err();
    let Details::Mismatch(mismatch) = refusal.details() else { panic!("{refusal:?}") };
    mismatch.canonical_request().to_vec()
}

#[test]
fn every_digit_of_the_signature_matters() {
    let request = presigned(&RegionSet::all());
    let start = request.method.len() + request.target.find("X-Amz-Signature=").unwrap() + 16;
    for position in start..request.method.len() + request.target.len() {
        for byte in [b'0', b'f', b'F', b'g', b'*'] {
            let mutated = mutate(&request, position, byte).unwrap();
            assert_eq!(verify(&mutated).is_ok(), mutated.target == request.target, "{mutated:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn random_changes_are_refused_or_change_nothing(
        in_query: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let original = if in_query {
            presigned(&regions("us-east-1,eu-west-1"))
        } else {
            header_signed(Body::of(b"body"), &[("x-amz-meta-color", "blue")])
        };
        let mutated = changes.iter().try_fold(original.clone(), |request, (index, byte)| {
            mutate(&request, index.index(length(&original)), *byte)
        });
        if let Some(mutated) = mutated {
            assert_unchanged_or_refused(&original, &mutated);
        }
    }
}
