//! A URL of a CDN: one file until an end, or everything below a path for the addresses of one office.
//!
//! `cargo run -p gatepass-signing --example cloudfront_url`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;

use gatepass_signing::cloudfront::verify::{KeyGroup, Request, verify};
use gatepass_signing::cloudfront::{
    ContentUrl, CustomPolicy, EpochTime, IpRange, KeyPairId, Policy, PrivateKey, Resource, Scheme, Signer, lint,
};
use jiff::Timestamp;

/// A key for examples and tests. `openssl ecparam -name prime256v1 -genkey -noout` makes one of your own.
const KEY: &str = include_str!("../tests/keys/p256.sec1.pem");

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let key = PrivateKey::from_pem(KEY)?;
    let key_pair_id = KeyPairId::new("K2JCJMDEHXQW5F")?;
    let signer = Signer::new(&key, &key_pair_id);
    let now: Timestamp = "2026-06-01T12:00:00Z".parse()?;
    let expires = EpochTime::from_timestamp("2026-06-01T12:15:00Z".parse()?)?;

    // Canned: this URL and no other. CloudFront rebuilds the policy from it, so the URL stays short.
    let film = ContentUrl::parse("https://cdn.example.com/films/cat.mp4")?;
    let canned = signer.sign_url(&film, &Policy::canned(&film, expires)?)?;
    println!("{canned}");

    // Custom: a pattern, and whoever comes from one network.
    let policy = CustomPolicy::new(Resource::parse("https://cdn.example.com/films/*")?, expires)
        .ip_range(IpRange::parse("192.0.2.0/24")?);
    let custom = signer.sign_url(&film, &Policy::Custom(policy))?;
    println!("{custom}");
    // A pattern may reach further than it looks; ask before it is out.
    let wide = Policy::custom(Resource::parse("https://cdn.example.com/users/1*")?, expires);
    for finding in lint::lint(&wide) {
        println!("lint: {finding:?}");
    }

    // CloudFront's side of it: the request as it arrived, and the group of keys that the behaviour trusts.
    let keys = KeyGroup::new().with(key_pair_id.clone(), key.public_key());
    let asked_by = |viewer: &str| -> Result<_, Box<dyn Error>> {
        let target = custom.expose().strip_prefix("https://cdn.example.com").expect("the URL begins with its host");
        let host = "cdn.example.com";
        Ok(verify(
            &Request { scheme: Scheme::Https, host, target, cookies: &[], viewer: viewer.parse()? },
            &[&keys],
            now,
        ))
    };
    println!("from the office: {}", asked_by("192.0.2.7")??.origin_target());
    println!("from elsewhere: {}", asked_by("198.51.100.1")?.expect_err("another network"));
    Ok(())
}
