//! A URL that downloads one object, saved under a name of its own, and the same for everybody for five minutes.
//!
//! `cargo run -p gatepass-signing --example presign_get`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::disposition::ContentDisposition;
use gatepass_signing::sigv4::presign::{Method, Presign, ResponseOverride};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::{AgeLimit, Lifetime, SigningWindow};
use jiff::Timestamp;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::long_term(
        AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
    );
    let endpoint = Endpoint::parse("https://s3.eu-central-1.amazonaws.com")?;
    // Keys are plain text; the address encodes them.
    let address = Address::object(&endpoint, AddressingStyle::VirtualHost, "photos", "2026/a cat & a dog.jpg")?;

    // Fifteen minutes, counted from the last multiple of five. So a browser finds the picture in its cache when the page
    // is shown again, and a URL that is handed out late still lives for more than ten minutes.
    let window = SigningWindow::new(Lifetime::from_secs(900)?, 300)?;
    println!("lives for at least {:#}", window.shortest_life());
    // What the bucket's policy says about `s3:signatureAge` changes no byte, only what is known of the end.
    let window = window.with_age_limit(AgeLimit::from_secs(600)?)?;

    let saved_as = ContentDisposition::attachment("Käthe & cat.jpg");
    let presign = Presign::new(&credentials, Region::new("eu-central-1")?, address, Method::Get)
        .expires(window)
        .response(ResponseOverride::ContentDisposition, saved_as.as_str())?;
    // Deriving a key takes four HMACs; the cache does it once a day and region.
    let keys = KeyCache::new();
    let (early, late) = ("2026-01-01T12:00:01Z".parse::<Timestamp>()?, "2026-01-01T12:04:59Z".parse::<Timestamp>()?);
    let url = presign.sign(&keys, late)?;
    assert_eq!(url.expose(), presign.sign(&keys, early)?.expose());

    // Printed, a URL hides its signature. `expose` is for the one who may use it.
    println!("{url}");
    println!("{} until {}, limited by {}", url.method(), url.effective_expires_at(), url.limited_by());
    println!("{}", url.expose());
    Ok(())
}
