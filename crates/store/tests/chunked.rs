//! Bodies in aws-chunked, as today's SDKs send them.

mod support;

use std::fmt::Write as _;

use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm};
use gatepass_signing::sigv4::header::Body;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use support::{REGION, Reply, SECRET_KEY, Server, borrowed};

fn unsigned(chunks: &[&[u8]], trailer: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in chunks {
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("0\r\n{trailer}\r\n\r\n").as_bytes());
    body
}

fn send_unsigned(server: &Server, body: &[u8], decoded: usize, extra: &[(&str, &str)]) -> Reply {
    let decoded = decoded.to_string();
    let mut headers = vec![
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", decoded.as_str()),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];
    headers.extend_from_slice(extra);
    let signed = server.sign("PUT", "/bucket/key", &headers, Body::UnsignedTrailer);
    server.send("PUT", "/bucket/key", &borrowed(&signed), body)
}

#[test]
fn a_trailing_checksum_is_verified_before_anything_is_stored() {
    let server = Server::with_bucket();
    for content in [b"tiny".to_vec(), vec![5; 300_000]] {
        let crc = Checksum::of(ChecksumAlgorithm::Crc32, &content).to_text();
        let trailer = format!("x-amz-checksum-crc32:{crc}");
        let chunks: Vec<&[u8]> = content.chunks(65_536).collect();
        let length = content.len();
        server.refuses(400, "BadDigest", |server| {
            send_unsigned(server, &unsigned(&chunks, "x-amz-checksum-crc32:AAAAAA=="), length, &[])
        });
        server.refuses(400, "MalformedTrailerError", |server| {
            send_unsigned(server, &unsigned(&chunks, "x-amz-checksum-sha1:AAAAAA=="), length, &[])
        });
        server.refuses(400, "IncompleteBody", |server| {
            send_unsigned(server, &unsigned(&chunks, &trailer), length + 1, &[])
        });
        server.refuses(400, "IncompleteBody", |server| {
            send_unsigned(server, &unsigned(&chunks, &trailer), length - 1, &[])
        });
        let reply = send_unsigned(&server, &unsigned(&chunks, &trailer), length, &[]);
        assert_eq!(reply.status, 200, "{reply:?}");
        let stored = server.get("/bucket/key");
        assert_eq!(stored.body, content);
        assert_eq!(stored.header("content-encoding"), None);
        assert_eq!(server.signed("DELETE", "/bucket/key", &[], b"").status, 204);
        support::eventually("the blob is removed", || !server.state().keys().any(|path| path.contains("/blobs/")));
    }
}

#[test]
fn chunks_may_come_in_the_chunks_of_http() {
    let server = Server::with_bucket();
    let content = b"in chunks in chunks";
    let crc = Checksum::of(ChecksumAlgorithm::Crc32, content).to_text();
    let body = unsigned(&[content], &format!("x-amz-checksum-crc32:{crc}"));
    let decoded = content.len().to_string();
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", decoded.as_str()),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];
    let signed = server.sign("PUT", "/bucket/key", &headers, Body::UnsignedTrailer);
    let mut raw = format!("PUT /bucket/key HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n", server.host());
    for (name, value) in &signed {
        write!(raw, "{name}: {value}\r\n").unwrap();
    }
    write!(raw, "\r\n{:x}\r\n", body.len()).unwrap();
    let mut raw = raw.into_bytes();
    raw.extend_from_slice(&body);
    raw.extend_from_slice(b"\r\n0\r\n\r\n");
    let reply = server.raw(&raw, "PUT");
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")), "{reply:?}");
    assert_eq!(server.get("/bucket/key").body, content);
}

/// Signs chunks as a client does.
struct Chain {
    key: Vec<u8>,
    date: String,
    scope: String,
    previous: String,
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

impl Chain {
    fn chunk(&mut self, data: &[u8]) -> Vec<u8> {
        use gatepass_signing::encode::hex;
        let text = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}",
            self.date,
            self.scope,
            self.previous,
            hex(&Sha256::digest(b"")),
            hex(&Sha256::digest(data))
        );
        self.previous = hex(&hmac(&self.key, &text));
        let mut chunk = format!("{:x};chunk-signature={}\r\n", data.len(), self.previous).into_bytes();
        chunk.extend_from_slice(data);
        chunk.extend_from_slice(b"\r\n");
        chunk
    }
}

/// The head of a request with signed chunks, and the chain that its signature begins.
fn begin_signed(server: &Server, decoded: usize) -> (Vec<(String, String)>, Chain) {
    use gatepass_signing::encode::hex;
    let date = server.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let scope = format!("{}/{REGION}/s3/aws4_request", &date[..8]);
    let key = ["aws4_request"]
        .iter()
        .fold(hmac(&hmac(&hmac(format!("AWS4{SECRET_KEY}").as_bytes(), &date[..8]), REGION), "s3"), |key, terminal| {
            hmac(&key, terminal)
        });
    let host = server.host();
    let signed_headers = "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length";
    let payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let canonical = format!(
        "PUT\n/bucket/key\n\nhost:{host}\nx-amz-content-sha256:{payload}\nx-amz-date:{date}\n\
         x-amz-decoded-content-length:{decoded}\n\n{signed_headers}\n{payload}"
    );
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let signature = hex(&hmac(&key, &text));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed_headers}, Signature={signature}",
        support::ACCESS_KEY
    );
    let headers = [
        ("content-encoding", "aws-chunked".to_owned()),
        ("x-amz-content-sha256", payload.to_owned()),
        ("x-amz-date", date.clone()),
        ("x-amz-decoded-content-length", decoded.to_string()),
        ("authorization", authorization),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    (headers, Chain { key, date, scope, previous: signature })
}

/// s3proxy #1027: the signatures of chunks were read and not checked.
#[test]
fn adv_s3proxy_1027_every_signed_chunk_is_verified() {
    let server = Server::with_bucket();
    let content: Vec<u8> = (0..200_000_u32).map(|position| u8::try_from(position % 251).unwrap()).collect();
    let encode = |server: &Server| {
        let (headers, mut chain) = begin_signed(server, content.len());
        let mut chunks: Vec<Vec<u8>> = content.chunks(65_536).map(|data| chain.chunk(data)).collect();
        chunks.push(chain.chunk(b""));
        (headers, chunks)
    };
    let (headers, chunks) = encode(&server);
    let send = |chunks: &[Vec<u8>]| server.send("PUT", "/bucket/key", &borrowed(&headers), &chunks.concat());

    let mut changed = chunks.clone();
    let middle = changed[1].len() / 2;
    changed[1][middle] ^= 1;
    server.refuses(403, "SignatureDoesNotMatch", |_| send(&changed));
    let mut reordered = chunks.clone();
    reordered.swap(0, 1);
    server.refuses(403, "SignatureDoesNotMatch", |_| send(&reordered));
    let truncated = &chunks[..3];
    server.refuses(400, "IncompleteBody", |_| send(truncated));

    assert_eq!(send(&chunks).status, 200);
    assert_eq!(server.get("/bucket/key").body, content);
}

#[test]
fn a_chunked_body_without_its_decoded_length_is_refused() {
    let server = Server::with_bucket();
    let signed = server.sign("PUT", "/bucket/key", &[("content-encoding", "aws-chunked")], Body::UnsignedTrailer);
    server.refuses(411, "MissingContentLength", |server| {
        server.send("PUT", "/bucket/key", &borrowed(&signed), &unsigned(&[b"x"], ""))
    });
}

#[test]
fn a_trailer_that_was_not_announced_is_refused() {
    let server = Server::with_bucket();
    let content = b"content";
    let crc = format!("x-amz-checksum-crc32:{}", Checksum::of(ChecksumAlgorithm::Crc32, content).to_text());
    let wrong = "x-amz-checksum-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let decoded = content.len().to_string();
    for extra in [&[][..], &[("x-amz-checksum-crc32", &crc[21..])]] {
        let mut headers = vec![("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", decoded.as_str())];
        headers.extend_from_slice(extra);
        let signed = server.sign("PUT", "/bucket/key", &headers, Body::UnsignedTrailer);
        let reply = server.refuses(400, "InvalidRequest", |server| {
            server.send("PUT", "/bucket/key", &borrowed(&signed), &unsigned(&[content], wrong))
        });
        assert!(reply.text().contains("x-amz-trailer"), "{reply:?}");
    }
    for trailer in [format!("{crc}\r\n{wrong}"), format!("{wrong}\r\n{crc}"), format!("{crc}\r\n{crc}")] {
        server.refuses(400, "MalformedTrailerError", |server| {
            send_unsigned(server, &unsigned(&[content], &trailer), content.len(), &[])
        });
    }
}
