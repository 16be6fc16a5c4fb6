//! An upload in signed chunks: the bytes that go over the wire, and how a store reads them, a piece at a time.
//!
//! `cargo run -p gatepass-signing --example chunked_upload`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;

use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::chunked::{Encoder, Layout, Trailer};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Service};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use jiff::Timestamp;

/// Sixty-four KiB and a bit: two chunks.
static BODY: [u8; 66_000] = [b'a'; 66_000];

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::long_term(
        AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
    );
    let region = Region::new("us-east-1")?;
    let keys = KeyCache::new();
    let now: Timestamp = "2026-01-01T12:00:00Z".parse()?;

    // The request is signed before any of the body is read: its signature is the seed of the chain.
    let length = BODY.len().to_string();
    let own = [("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", length.as_str())];
    let parts = RequestParts { method: "PUT", host: "s3.example.com", target: "/photos/cat.jpg", headers: &own };
    let body = Body::SignedChunks(Trailer::Absent);
    let signed = header::sign(&parts, body, &credentials, &region, ServiceName::S3, &keys, now)?;
    let seed = signed.chunk_seed().expect("chunks are signed").clone();

    let mut encoder = Encoder::signed(seed, Layout::of(BODY.len() as u64));
    println!("content-length: {}", encoder.encoded_length(&[]));
    let mut wire = Vec::new();
    let mut rest = &BODY[..];
    while encoder.next_chunk_bytes() > 0 {
        let (chunk, after) = rest.split_at(usize::try_from(encoder.next_chunk_bytes())?);
        let head = encoder.next(chunk)?;
        println!("{} and {} bytes", head.trim(), chunk.len());
        wire.extend_from_slice(head.as_bytes());
        wire.extend_from_slice(chunk);
        rest = after;
    }
    wire.extend_from_slice(encoder.finish(&[])?.as_bytes());

    // The store verifies the head of the request, and from that proof comes the decoder of its body.
    let mut headers = vec![("host", parts.host.as_bytes())];
    headers.extend(own.iter().map(|(name, value)| (*name, value.as_bytes())));
    headers.extend(signed.iter().map(|(name, value)| (name, value.as_bytes())));
    let request = RequestView { method: parts.method, target: parts.target, headers: &headers };
    let expectations = Expectations::new(region, Service::S3);
    let Presented::Header(claim) = verify::parse(&request, &expectations, now)? else { unreachable!("it is signed") };
    let verified = claim.verify(&keys, credentials.secret_key())?;
    let mut decoder = verified.payload().decoder(BODY.len() as u64).expect("the body comes in chunks");
    let mut received = 0;
    for mut piece in wire.chunks(1_000) {
        while let Some(data) = decoder.next(&mut piece)? {
            received += data.len();
        }
    }
    // Only now is the last byte to be believed.
    decoder.finish()?;
    println!("received {received} bytes");
    Ok(())
}
