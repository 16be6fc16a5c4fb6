//! Bodies encoded and decoded by the crate: what went in comes out, however it is cut on its way.

use gatepass_signing::sigv4::chunked::{
    ChunkError, Decoder, EncodeError, Encoder, Layout, MAX_TRAILER_BYTES, MAX_TRAILERS, MIN_CHUNK_BYTES, Trailer,
    Trailers,
};
use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use gatepass_signing::sigv4::verify::{Payload, Reason};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::support::{header_signed, midnight, presigned};

/// What the signature of a request says about its body.
fn payload(body: Body) -> Payload {
    header_signed("PUT", "/bucket/key", &[], body).verify_at(midnight()).unwrap().payload().clone()
}

fn encoder(payload: &Payload, layout: Layout) -> Encoder {
    match payload {
        Payload::StreamingSigned(seed) => Encoder::signed((**seed).clone(), layout),
        Payload::StreamingUnsignedTrailer => Encoder::unsigned(layout),
        other => panic!("{other:?} is not encoded"),
    }
}

fn encode(payload: &Payload, layout: Layout, data: &[u8], trailers: &[(&str, &str)]) -> Vec<u8> {
    let mut encoder = encoder(payload, layout);
    let lengths: Vec<(&str, usize)> = trailers.iter().map(|(name, value)| (*name, value.len())).collect();
    let announced = encoder.encoded_length(&lengths);
    let mut encoded = Vec::new();
    for chunk in data.chunks(usize::try_from(layout.chunk_bytes()).unwrap()) {
        encoded.extend_from_slice(encoder.next(chunk).unwrap().as_bytes());
        encoded.extend_from_slice(chunk);
    }
    assert_eq!(encoder.encoded_length(&lengths), announced, "it does not change while encoding");
    encoded.extend_from_slice(encoder.finish(trailers).unwrap().as_bytes());
    assert_eq!(encoded.len() as u64, announced);
    encoded
}

/// Feeds a body in pieces that end where `cuts` say.
fn decode(payload: &Payload, length: u64, encoded: &[u8], cuts: &[usize]) -> Result<(Vec<u8>, Trailers), ChunkError> {
    let mut decoder: Decoder = payload.decoder(length).unwrap();
    let mut data = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().copied().chain([0, encoded.len()]).collect();
    cuts.sort_unstable();
    for ends in cuts.windows(2) {
        let mut piece = &encoded[ends[0]..ends[1]];
        while let Some(part) = decoder.next(&mut piece)? {
            data.extend_from_slice(part);
        }
    }
    decoder.finish().map(|trailers| (data, trailers))
}

const CHECKSUM: [(&str, &str); 1] = [("x-amz-checksum-crc32", "AAAAAA==")];

/// Each form of the encoding, with the trailers that it takes.
fn forms() -> Vec<(Payload, &'static [(&'static str, &'static str)])> {
    vec![
        (payload(Body::SignedChunks(Trailer::Absent)), &[]),
        (payload(Body::SignedChunks(Trailer::Signed)), &CHECKSUM),
        (payload(Body::UnsignedTrailer), &CHECKSUM),
    ]
}

fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

#[test]
fn a_body_of_any_length_has_the_length_that_was_announced() {
    let layout = |length: usize| Layout::of(length as u64).in_chunks_of(MIN_CHUNK_BYTES).unwrap();
    for (payload, trailers) in forms() {
        for length in [0, 1, 15, 16, 255, 4096, 8191, 8192, 8193, 16_383, 16_384, 16_385, 40_000] {
            let data = sample(length);
            let encoded = encode(&payload, layout(length), &data, trailers);
            let (decoded, found) = decode(&payload, length as u64, &encoded, &[]).unwrap();
            assert_eq!(decoded, data);
            assert_eq!(found.iter().collect::<Vec<_>>(), trailers);
        }
    }
}

#[test]
fn a_chunk_may_be_hashed_elsewhere() {
    for (payload, trailers) in forms() {
        let whole = encode(&payload, Layout::of(5), b"hello", trailers);
        let mut encoder = encoder(&payload, Layout::of(5));
        let head = encoder.next_digested(5, &Sha256::digest(b"hello").into()).unwrap();
        let pieces = [head.as_bytes(), b"hello", encoder.finish(trailers).unwrap().as_bytes()].concat();
        assert_eq!(pieces, whole);
    }
}

#[test]
fn a_body_is_cut_as_its_layout_says() {
    let unsigned = payload(Body::UnsignedTrailer);
    assert_eq!(
        Layout::of(9).in_chunks_of(MIN_CHUNK_BYTES - 1),
        Err(EncodeError::ChunkTooSmall { bytes: MIN_CHUNK_BYTES - 1 })
    );
    let layout = Layout::of(8193).in_chunks_of(MIN_CHUNK_BYTES).unwrap();
    let mut encoder = encoder(&unsigned, layout);
    assert_eq!(encoder.next_chunk_bytes(), 8192);
    for length in [0, 1, 8191, 8193] {
        let expected = EncodeError::ChunkLength { expected: 8192, bytes: length as u64 };
        assert_eq!(encoder.next(&sample(length)), Err(expected));
    }
    encoder.next(&sample(8192)).unwrap();
    assert_eq!(encoder.next(&sample(8192)), Err(EncodeError::ChunkLength { expected: 1, bytes: 8192 }));
    encoder.next(b"a").unwrap();
    assert_eq!(encoder.next(b"a"), Err(EncodeError::ChunkLength { expected: 0, bytes: 1 }));
    assert!(encoder.finish(&[]).is_ok());
}

#[test]
fn a_body_does_not_end_before_its_end() {
    let encoder = encoder(&payload(Body::SignedChunks(Trailer::Absent)), Layout::of(5));
    assert_eq!(encoder.finish(&[]), Err(EncodeError::Unfinished { left: 5 }));
}

#[test]
fn a_trailer_is_what_a_receiver_takes() {
    let finish = |trailers: &[(&str, &str)]| Encoder::unsigned(Layout::of(0)).finish(trailers);
    assert_eq!(finish(&[("X-Amz-Checksum-Crc32", "AAAAAA==")]).unwrap(), "0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    for (name, value) in [
        ("", "v"),
        ("a b", "v"),
        ("a:b", "v"),
        ("a", "v\r\nb:w"),
        ("a", " v"),
        ("a", "\u{e9}"),
        ("x-amz-trailer-signature", "00"),
    ] {
        assert_eq!(finish(&[(name, value)]), Err(EncodeError::Trailer), "{name}:{value}");
    }
    assert_eq!(finish(&[("a", "1"), ("A", "2")]), Err(EncodeError::Trailer), "repeated");
    let signed = encoder(&payload(Body::SignedChunks(Trailer::Absent)), Layout::of(0));
    assert_eq!(signed.finish(&CHECKSUM), Err(EncodeError::TrailerUnannounced));
}

#[test]
fn trailers_are_as_long_as_the_decoder_takes_and_no_longer() {
    let unsigned = payload(Body::UnsignedTrailer);
    let value = |bytes: usize| "v".repeat(bytes - "a:\r".len());
    let encoded = encode(&unsigned, Layout::of(0), b"", &[("a", &value(MAX_TRAILER_BYTES))]);
    assert!(decode(&unsigned, 0, &encoded, &[]).is_ok());
    let too_long = [("a", value(MAX_TRAILER_BYTES + 1))].map(|(name, value)| (name, value));
    let refused = Encoder::unsigned(Layout::of(0)).finish(&[(too_long[0].0, &too_long[0].1)]);
    assert_eq!(refused, Err(EncodeError::Trailer));

    let names: Vec<String> = (0..=MAX_TRAILERS).map(|number| format!("t{number}")).collect();
    let trailers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    assert!(Encoder::unsigned(Layout::of(0)).finish(&trailers[..MAX_TRAILERS]).is_ok());
    assert_eq!(Encoder::unsigned(Layout::of(0)).finish(&trailers), Err(EncodeError::Trailer));
}

#[test]
fn a_length_that_no_body_has_does_not_overflow() {
    for (payload, _) in forms() {
        assert_eq!(encoder(&payload, Layout::of(u64::MAX)).encoded_length(&[]), u64::MAX);
    }
}

#[test]
fn attack_04_unsigned_chunks_need_a_signature_on_their_request() {
    const STREAMING: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    let url = presigned(Method::Put, "up/1");
    assert_eq!(url.clone().with("x-amz-content-sha256", STREAMING).reason(), Reason::HeadersNotSigned);
    let snowball = url.clone().with("x-amz-meta-snowball-auto-extract", "true");
    assert_eq!(snowball.reason(), Reason::HeadersNotSigned);

    let header = header_signed("PUT", "/bucket/up/1", &[], Body::UnsignedTrailer);
    let (_, authorization) = header.headers.last().unwrap();
    let signature = String::from_utf8(authorization[authorization.len() - 64..].to_vec()).unwrap();
    let garbage = header.clone().header("authorization", &signature, &"0".repeat(64));
    assert_eq!(garbage.reason(), Reason::SignatureMismatch);
    assert_eq!(garbage.with("x-amz-meta-snowball-auto-extract", "true").reason(), Reason::HeadersNotSigned);

    let credential_alone = header.without("authorization").target("up/1", "up/1?X-Amz-Credential=A");
    assert_eq!(credential_alone.reason(), Reason::ParameterMissing);
}

/// The ways to write the same body: what a change of one byte may lead to without being noticed, and no more.
#[test]
fn a_body_has_these_spellings() {
    let payload = payload(Body::SignedChunks(Trailer::Signed));
    let data = sample(8202);
    let layout = Layout::of(8202).in_chunks_of(MIN_CHUNK_BYTES).unwrap();
    let encoded = encode(&payload, layout, &data, &CHECKSUM);
    let accepts = |from: &str, to: &str| {
        let at = encoded.windows(from.len()).position(|window| window == from.as_bytes()).expect("it is there");
        let spelled = [&encoded[..at], to.as_bytes(), &encoded[at + from.len()..]].concat();
        decode(&payload, 8202, &spelled, &[])
            .is_ok_and(|(decoded, found)| decoded == data && found.get("x-amz-checksum-crc32") == Some("AAAAAA=="))
    };
    for (what, from, to) in [
        ("a size in capitals", "\r\na;chunk", "\r\nA;chunk"),
        ("a size with zeros before it", "\r\na;chunk", "\r\n00a;chunk"),
        ("a trailer's name in capitals", "x-amz-checksum", "X-Amz-Checksum"),
        ("blanks around a trailer's value", ":AAAAAA==", ": AAAAAA== "),
        ("a line that ends in LF alone", "AAAAAA==\r\n", "AAAAAA==\n"),
        ("an empty line before the trailer's signature", "AAAAAA==\r\n", "AAAAAA==\r\n\r\n"),
    ] {
        assert!(accepts(from, to), "{what}");
    }
    for (what, from, to) in [
        ("another extension", ";chunk-signature=", ";Chunk-Signature="),
        ("a blank in the size", "\r\na;chunk", "\r\na ;chunk"),
        ("another value", ":AAAAAA==", ":AAAAAA="),
        ("a trailer more", "x-amz-checksum", "a:b\r\nx-amz-checksum"),
    ] {
        assert!(!accepts(from, to), "{what}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_was_encoded_decodes_to_itself_however_it_is_cut(
        length in 0..30_000_usize,
        chunk_bytes in MIN_CHUNK_BYTES..20_000,
        form in 0..forms().len(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let (payload, trailers) = &forms()[form];
        let layout = Layout::of(length as u64).in_chunks_of(chunk_bytes).unwrap();
        let data = sample(length);
        let encoded = encode(payload, layout, &data, trailers);
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(encoded.len())).collect();
        let (decoded, found) = decode(payload, length as u64, &encoded, &cuts).unwrap();
        prop_assert_eq!(decoded, data);
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), trailers.to_vec());
    }

    #[test]
    fn a_changed_byte_of_a_signed_body_is_refused_or_changes_nothing(
        position in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        with_trailer: bool,
    ) {
        let (payload, trailers) = &forms()[usize::from(with_trailer)];
        let data = sample(9000);
        let layout = Layout::of(9000).in_chunks_of(MIN_CHUNK_BYTES).unwrap();
        let mut encoded = encode(payload, layout, &data, trailers);
        let position = position.index(encoded.len());
        encoded[position] = byte;
        if let Ok((decoded, found)) = decode(payload, 9000, &encoded, &[]) {
            prop_assert_eq!(decoded, data);
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), trailers.to_vec());
        }
    }
}
