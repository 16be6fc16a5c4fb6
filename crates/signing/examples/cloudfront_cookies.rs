//! Cookies that open a film in a thousand segments, whose player must not know that anything is signed.
//!
//! `cargo run -p gatepass-signing --example cloudfront_cookies`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;

use gatepass_signing::cloudfront::verify::{KeyGroup, Request, verify};
use gatepass_signing::cloudfront::{
    CookieScope, EpochTime, HashAlgorithm, KeyPairId, Policy, PrivateKey, Resource, Scheme, Signer,
};
use jiff::Timestamp;

const KEY: &str = include_str!("../tests/keys/rsa2048.pkcs8.pem");

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::from_pem(KEY)?;
    let key_pair_id = KeyPairId::new("K2JCJMDEHXQW5F")?;
    let now: Timestamp = "2026-06-01T12:00:00Z".parse()?;
    let expires = EpochTime::from_timestamp("2026-06-01T14:00:00Z".parse()?)?;

    let policy = Policy::custom(Resource::parse("https://cdn.example.com/films/cat/*")?, expires);
    // SHA-1 is what CloudFront takes that has not been told otherwise; SHA-256 is the default here.
    let cookies = Signer::new(&key, &key_pair_id).hash_algorithm(HashAlgorithm::Sha1).sign_cookies(&policy)?;

    // As narrow as the content. The answer that sets them comes from the CDN's own host, or names a domain of both.
    let scope = CookieScope::host().path("/films/cat/")?;
    for set_cookie in cookies.set_cookie(&scope) {
        println!("Set-Cookie: {set_cookie}");
    }

    let header: Vec<String> = cookies.expose().map(|(name, value)| format!("{name}={value}")).collect();
    let header = header.join("; ");
    let keys = KeyGroup::new().with(key_pair_id.clone(), key.public_key());
    let asks_for = |target| {
        let (host, cookies) = ("cdn.example.com", [header.as_str()]);
        let viewer = core::net::IpAddr::from([192, 0, 2, 7]);
        verify(&Request { scheme: Scheme::Https, host, target, cookies: &cookies, viewer }, &[&keys], now)
    };
    println!("a segment: {}", asks_for("/films/cat/0042.ts")?.origin_target());
    println!("another film: {}", asks_for("/films/dog/0001.ts").expect_err("not covered"));
    println!("until {}", cookies.expires_at());
    Ok(())
}
