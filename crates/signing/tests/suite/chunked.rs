//! `aws-chunked` bodies, encoded here by the book (HMAC and all) and decoded by the crate.

use gatepass_signing::encode::hex;
use gatepass_signing::sigv4::chunked::{
    ChunkError, Decoder, MAX_CHUNK_HEADER_BYTES, MAX_TRAILER_BYTES, MAX_TRAILERS, Trailers,
};
use gatepass_signing::sigv4::verify::Payload;
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::support::{Request, SECRET_KEY, midnight};

const DATE: &str = "20130524T000000Z";
const SCOPE: &str = "20130524/us-east-1/s3/aws4_request";

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
}

fn sign(string_to_sign: &str) -> String {
    let key = ["20130524", "us-east-1", "s3", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, part| hmac(&key, part));
    hex(&hmac(&key, string_to_sign))
}

/// A verified request whose body comes in signed chunks, with its signature, which is the seed of the chain.
fn signed_upload(content_sha256: &str) -> (Payload, String) {
    let signed_headers = "host;x-amz-content-sha256;x-amz-date";
    let canonical = format!(
        "PUT\n/b/k\n\nhost:h\nx-amz-content-sha256:{content_sha256}\nx-amz-date:{DATE}\n\n{signed_headers}\n{content_sha256}"
    );
    let seed = sign(&format!("AWS4-HMAC-SHA256\n{DATE}\n{SCOPE}\n{}", hex(&Sha256::digest(canonical))));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{SCOPE}, SignedHeaders={signed_headers}, Signature={seed}"
    );
    let headers = [
        ("host", "h"),
        ("x-amz-date", DATE),
        ("x-amz-content-sha256", content_sha256),
        ("authorization", &authorization),
    ];
    let verified = Request::new("PUT", "/b/k", &headers).verify_at(midnight()).unwrap();
    (verified.payload().clone(), seed)
}

struct Encoder {
    previous: String,
    body: Vec<u8>,
}

impl Encoder {
    fn new(seed: String) -> Self {
        Self { previous: seed, body: Vec::new() }
    }

    fn chunk(&mut self, data: &[u8]) {
        let empty = hex(&Sha256::digest(b""));
        let digest = hex(&Sha256::digest(data));
        self.previous =
            sign(&format!("AWS4-HMAC-SHA256-PAYLOAD\n{DATE}\n{SCOPE}\n{}\n{empty}\n{digest}", self.previous));
        self.body.extend(format!("{:x};chunk-signature={}\r\n", data.len(), self.previous).bytes());
        self.body.extend(data);
        if !data.is_empty() {
            self.body.extend(b"\r\n");
        }
    }

    fn trailer(&mut self, trailers: &[(&str, &str)]) {
        let canonical = trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect::<Vec<_>>().concat();
        let digest = hex(&Sha256::digest(&canonical));
        let signature = sign(&format!("AWS4-HMAC-SHA256-TRAILER\n{DATE}\n{SCOPE}\n{}\n{digest}", self.previous));
        self.body.extend(canonical.replace('\n', "\r\n").bytes());
        self.body.extend(format!("x-amz-trailer-signature:{signature}\r\n").bytes());
    }
}

/// A body of `data` in chunks of 8,192 bytes, with a trailer where asked.
fn encoded(data: &[u8], trailers: Option<&[(&str, &str)]>) -> (Payload, Vec<u8>) {
    let kind = match trailers {
        None => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        Some(_) => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    };
    let (payload, seed) = signed_upload(kind);
    let mut encoder = Encoder::new(seed);
    data.chunks(8192).for_each(|chunk| encoder.chunk(chunk));
    encoder.chunk(b"");
    if let Some(trailers) = trailers {
        encoder.trailer(trailers);
    }
    encoder.body.extend(b"\r\n");
    (payload, encoder.body)
}

/// Feeds a body in pieces of the given size, to its end.
fn decode(mut decoder: Decoder, encoded: &[u8], piece: usize) -> Result<(Vec<u8>, Trailers), ChunkError> {
    let mut data = Vec::new();
    for mut input in encoded.chunks(piece.max(1)) {
        while let Some(part) = decoder.next(&mut input)? {
            data.extend_from_slice(part);
        }
    }
    decoder.finish().map(|trailers| (data, trailers))
}

fn unsigned(encoded: &str, decoded_length: u64) -> Result<(Vec<u8>, Trailers), ChunkError> {
    decode(Decoder::unsigned(decoded_length), encoded.as_bytes(), usize::MAX)
}

fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

#[test]
fn signed_chunks_decode_in_pieces_of_any_size() {
    let data = sample(20_000);
    for trailers in [None, Some(&[("x-amz-checksum-crc32", "AAAAAA==")][..])] {
        let (payload, body) = encoded(&data, trailers);
        for piece in [1, 2, 3, 64, 8192, 8193, usize::MAX] {
            let (decoded, found) = decode(payload.decoder(20_000).unwrap(), &body, piece).unwrap();
            assert_eq!(decoded, data);
            assert_eq!(found.get("x-amz-checksum-crc32"), trailers.map(|_| "AAAAAA=="));
        }
    }
}

#[test]
fn an_empty_body_is_one_empty_chunk() {
    let (payload, body) = encoded(b"", None);
    assert_eq!(decode(payload.decoder(0).unwrap(), &body, usize::MAX).unwrap().0, b"");
    assert_eq!(unsigned("0\r\n\r\n", 0).unwrap().0, b"");
}

#[test]
fn every_byte_of_a_signed_body_matters() {
    let data = sample(8192 + 100);
    let (payload, body) = encoded(&data, Some(&[("x-amz-checksum-crc32", "AAAAAA==")]));
    // Every byte of lines and trailers, and some of the data.
    let positions = (0..body.len()).filter(|position| *position < 120 || *position > 8250 || position % 997 == 0);
    for position in positions {
        let mut changed = body.clone();
        changed[position] ^= 1;
        let decoded = decode(payload.decoder(8292).unwrap(), &changed, usize::MAX);
        // Blank against blank, a letter's case in the size, are spellings of the same body.
        if let Ok((found, trailers)) = decoded {
            assert_eq!(found, data, "byte {position}");
            assert_eq!(trailers.get("x-amz-checksum-crc32"), Some("AAAAAA=="), "byte {position}");
        }
    }
    let flipped_data = body.iter().position(|byte| *byte == b'\n').unwrap() + 5;
    let mut changed = body;
    changed[flipped_data] ^= 1;
    assert_eq!(decode(payload.decoder(8292).unwrap(), &changed, 1000), Err(ChunkError::SignatureMismatch));
}

#[test]
fn chunks_cannot_be_swapped_dropped_or_replayed() {
    let data = [vec![1; 8192], vec![2; 8192]].concat();
    let (payload, body) = encoded(&data, None);
    let chunk_length = 5 + 17 + 64 + 1 + 8192 + 2;
    assert!(body[chunk_length..].starts_with(b"2000;"), "the test knows where the chunks lie");
    let (one, two, end) = (&body[..chunk_length], &body[chunk_length..2 * chunk_length], &body[2 * chunk_length..]);
    let decode = |parts: &[&[u8]], length| decode(payload.decoder(length).unwrap(), &parts.concat(), usize::MAX);
    assert!(decode(&[one, two, end], 16_384).is_ok());
    assert_eq!(decode(&[two, one, end], 16_384), Err(ChunkError::SignatureMismatch));
    assert_eq!(decode(&[one, end], 8192), Err(ChunkError::SignatureMismatch));
    assert_eq!(decode(&[one, one, end], 16_384), Err(ChunkError::SignatureMismatch));
    assert_eq!(decode(&[one, two], 16_384), Err(ChunkError::LengthMismatch));
    assert_eq!(decode(&[one, two, end, end], 16_384), Err(ChunkError::AfterEnd));
}

#[test]
fn a_body_cut_anywhere_is_not_whole() {
    for trailers in [None, Some(&[("x-amz-checksum-crc32", "AAAAAA==")][..])] {
        let (payload, body) = encoded(b"hello", trailers);
        for end in 0..body.len() {
            assert!(decode(payload.decoder(5).unwrap(), &body[..end], usize::MAX).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn a_signed_trailer_cannot_be_left_out_or_changed() {
    let (payload, seed) = signed_upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
    let mut encoder = Encoder::new(seed);
    encoder.chunk(b"hello");
    encoder.chunk(b"");
    let decode_with = |ending: &str| {
        let body = [encoder.body.as_slice(), ending.as_bytes()].concat();
        decode(payload.decoder(5).unwrap(), &body, usize::MAX)
    };
    assert_eq!(decode_with("\r\n"), Err(ChunkError::LengthMismatch));
    assert_eq!(decode_with("x-amz-checksum-crc32:AAAAAA==\r\n\r\n"), Err(ChunkError::LengthMismatch));
    let zeros = "0".repeat(64);
    let forged = format!("x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:{zeros}\r\n\r\n");
    assert_eq!(decode_with(&forged), Err(ChunkError::SignatureMismatch));
}

/// Else a body of nothing but line ends would be read for as long as somebody sends it.
#[test]
fn one_empty_line_at_most_stands_before_a_trailer_signature() {
    let (payload, body) = encoded(b"hello", Some(&[("x-amz-checksum-crc32", "AAAAAA==")]));
    let at = body.windows(23).position(|window| window == b"x-amz-trailer-signature").unwrap();
    let with = |between: &[u8]| {
        let body = [&body[..at], between, &body[at..]].concat();
        decode(payload.decoder(5).unwrap(), &body, usize::MAX)
    };
    assert!(with(b"").is_ok());
    assert!(with(b"\r\n").is_ok());
    assert_eq!(with(b"\r\n\r\n"), Err(ChunkError::TrailerMalformed));
    assert_eq!(with(b"\r\nx-amz-checksum-sha1:x\r\n"), Err(ChunkError::TrailerMalformed), "trailers have ended");
}

#[test]
fn nothing_follows_a_trailer_signature() {
    let (payload, body) = encoded(b"hello", Some(&[("x-amz-checksum-crc32", "AAAAAA==")]));
    let without_end = &body[..body.len() - 2];
    let body = [without_end, b"x-amz-checksum-sha1:x\r\n\r\n"].concat();
    assert_eq!(decode(payload.decoder(5).unwrap(), &body, usize::MAX), Err(ChunkError::TrailerMalformed));
}

#[test]
fn only_the_last_chunk_is_small() {
    let (kilobytes_8, short) = ("a".repeat(8192), "a".repeat(8191));
    assert!(unsigned(&format!("2000\r\n{kilobytes_8}\r\n1\r\na\r\n0\r\n\r\n"), 8193).is_ok());
    assert_eq!(
        unsigned(&format!("1fff\r\n{short}\r\n1\r\na\r\n0\r\n\r\n"), 8192),
        Err(ChunkError::ChunkTooSmall { chunk: 1, bytes: 8191 })
    );
    assert_eq!(
        unsigned(&format!("2000\r\n{kilobytes_8}\r\n1\r\na\r\n1\r\na\r\n0\r\n\r\n"), 8194),
        Err(ChunkError::ChunkTooSmall { chunk: 2, bytes: 1 })
    );
}

#[test]
fn the_length_is_the_announced_one() {
    let body = "5\r\nhello\r\n0\r\n\r\n";
    assert!(unsigned(body, 5).is_ok());
    for length in [0, 4, 6, u64::MAX] {
        assert_eq!(unsigned(body, length), Err(ChunkError::LengthMismatch), "{length}");
    }
    assert_eq!(unsigned("ffffffffffffffff\r\n", 5), Err(ChunkError::LengthMismatch));
    assert_eq!(unsigned("5\r\nhello\r\n0\r\n\r\nmore", 5), Err(ChunkError::AfterEnd));
}

#[test]
fn broken_framing_is_refused() {
    for (body, error) in [
        ("\r\nhello", ChunkError::HeaderMalformed),
        ("x\r\n", ChunkError::HeaderMalformed),
        ("+5\r\nhello\r\n", ChunkError::HeaderMalformed),
        ("0x5\r\nhello\r\n", ChunkError::HeaderMalformed),
        ("5 \r\nhello\r\n", ChunkError::HeaderMalformed),
        ("-5\r\nhello\r\n", ChunkError::HeaderMalformed),
        ("10000000000000005\r\nhello\r\n", ChunkError::HeaderMalformed),
        ("5;chunk-signature=00\r\nhello\r\n", ChunkError::HeaderMalformed),
        ("5;name=value\r\nhello\r\n", ChunkError::HeaderMalformed),
        ("5\nhello\r\n0\r\n\r\n", ChunkError::HeaderMalformed),
        ("5\r\nhello\r\n0\n\r\n", ChunkError::HeaderMalformed),
        ("5\r\r\nhello\r\n0\r\n\r\n", ChunkError::HeaderMalformed),
        ("5\r\nhelloo\r\n", ChunkError::EndMalformed),
        ("5\r\nhello\n0\r\n\r\n", ChunkError::EndMalformed),
        ("5\r\nhello\rx", ChunkError::EndMalformed),
        ("5\r\nhello\r\n0\r\nno colon\r\n\r\n", ChunkError::TrailerMalformed),
        ("5\r\nhello\r\n0\r\n:v\r\n\r\n", ChunkError::TrailerMalformed),
        ("5\r\nhello\r\n0\r\na b:v\r\n\r\n", ChunkError::TrailerMalformed),
        ("5\r\nhello\r\n0\r\na:\u{1}\r\n\r\n", ChunkError::TrailerMalformed),
        ("5\r\nhello\r\n0\r\na:1\r\nA:2\r\n\r\n", ChunkError::TrailerMalformed),
        ("5\r\nhello\r\n0\r\nx-amz-trailer-signature:00\r\n\r\n", ChunkError::TrailerMalformed),
    ] {
        assert_eq!(unsigned(body, 5), Err(error), "{body:?}");
    }
    let (payload, _) = signed_upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let signed = |body: &[u8]| decode(payload.decoder(5).unwrap(), body, usize::MAX);
    assert_eq!(signed(b"5\r\nhello\r\n"), Err(ChunkError::HeaderMalformed));
    assert_eq!(signed(b"5;chunk-signature=zz\r\nhello\r\n"), Err(ChunkError::SignatureMismatch));
}

/// A chunk's signature does not cover the line that says it: a line that ends in two ways would be read in two ways by
/// whoever stands on the way.
#[test]
fn the_line_before_a_chunk_ends_in_crlf() {
    let (payload, body) = encoded(&sample(8192 + 100), None);
    let ends = body.windows(2).enumerate().filter(|(at, pair)| *pair == b"\r\n" && body[at - 1].is_ascii_hexdigit());
    let ends: Vec<usize> = ends.map(|(at, _)| at).filter(|at| *at < 100 || *at > 8192).collect();
    for at in &ends {
        let mut changed = body.clone();
        changed.remove(*at);
        for piece in [1, usize::MAX] {
            let decoded = decode(payload.decoder(8292).unwrap(), &changed, piece);
            assert_eq!(decoded, Err(ChunkError::HeaderMalformed), "byte {at}");
        }
    }
    assert_eq!(ends.len(), 3, "the test knows where the lines end");
}

#[test]
fn lines_and_trailers_are_bounded() {
    let size = |digits: usize| format!("{:0>digits$}\r\n", "");
    assert!(unsigned(&format!("{}\r\n", size(MAX_CHUNK_HEADER_BYTES - 1)), 0).is_ok());
    assert_eq!(
        unsigned(&size(MAX_CHUNK_HEADER_BYTES), 0),
        Err(ChunkError::HeaderMalformed),
        "with its CR it is too long"
    );
    assert_eq!(unsigned(&"0".repeat(MAX_CHUNK_HEADER_BYTES + 1), 0), Err(ChunkError::HeaderMalformed));

    let trailer = |bytes: usize| format!("0\r\na:{}\r\n\r\n", "v".repeat(bytes - 3));
    assert!(unsigned(&trailer(MAX_TRAILER_BYTES), 0).is_ok());
    assert_eq!(unsigned(&trailer(MAX_TRAILER_BYTES + 1), 0), Err(ChunkError::TrailerMalformed));

    let trailers = |count: usize| {
        let lines = (0..count).map(|number| format!("t{number}:v\r\n")).collect::<Vec<_>>().concat();
        format!("0\r\n{lines}\r\n")
    };
    assert!(unsigned(&trailers(MAX_TRAILERS), 0).is_ok());
    assert_eq!(unsigned(&trailers(MAX_TRAILERS + 1), 0), Err(ChunkError::TrailerMalformed));
}

#[test]
fn an_error_stays() {
    let mut decoder = Decoder::unsigned(5);
    assert_eq!(decoder.next(&mut &b"x\r\n"[..]), Err(ChunkError::HeaderMalformed));
    assert_eq!(decoder.next(&mut &b"5\r\nhello\r\n0\r\n\r\n"[..]), Err(ChunkError::HeaderMalformed));
    assert_eq!(decoder.finish(), Err(ChunkError::HeaderMalformed));
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_never_panic(body in prop::collection::vec(any::<u8>(), 0..200), piece in 1..50_usize) {
        let _ = decode(Decoder::unsigned(10), &body, piece);
        let (payload, _) = signed_upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
        let _ = decode(payload.decoder(10).unwrap(), &body, piece);
    }

    #[test]
    fn pieces_do_not_change_the_outcome(body in "[0-9a-f]{0,2}(\r\n|\n|:|;|[0-9a-f]){0,30}", piece in 1..8_usize) {
        let whole = decode(Decoder::unsigned(3), body.as_bytes(), usize::MAX);
        prop_assert_eq!(decode(Decoder::unsigned(3), body.as_bytes(), piece), whole);
    }
}
