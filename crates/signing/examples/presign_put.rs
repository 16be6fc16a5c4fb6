//! A URL that uploads one body and no other: its type, its bytes and its place are signed.
//!
//! `cargo run -p gatepass-signing --example presign_put`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;
use sha2::{Digest, Sha256};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::long_term(
        AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
    );
    let endpoint = Endpoint::parse("https://s3.eu-central-1.amazonaws.com")?;
    let address = Address::object(&endpoint, AddressingStyle::VirtualHost, "photos", "staging/7f9c/cat.jpg")?;
    let body = b"hello";

    let url = Presign::new(&credentials, Region::new("eu-central-1")?, address, Method::Put)
        .expires(Lifetime::from_secs(300)?)
        // A signed header must be sent as it stands here, or the store refuses. Without these two lines the client could
        // upload any type, and as much as a single PUT takes.
        .header("Content-Type", "image/jpeg")?
        .header("Content-Length", &body.len().to_string())?
        // Nobody overwrites what is there already.
        .header("If-None-Match", "*")?
        // The store checks it and keeps it with the object.
        .header("x-amz-checksum-crc32", "NhCmhg==")?
        // Where the bytes are known before: any other body is refused.
        .payload_sha256(Sha256::digest(body).into())
        .sign(&KeyCache::new(), "2026-01-01T12:00:00Z".parse()?)?;

    println!("curl -T cat.jpg \\");
    for (name, value) in url.headers() {
        println!("  -H '{name}: {value}' \\");
    }
    println!("  '{}'", url.expose());
    Ok(())
}
