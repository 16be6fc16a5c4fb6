//! A URL that is good in several regions, as Multi-Region Access Points want it, and its check in one of them.
//!
//! `cargo run -p gatepass-signing --example sigv4a`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Refusal, Scheme, Schemes, Service, Verified};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::sigv4a::RegionSet;
use gatepass_signing::time::Lifetime;
use jiff::Timestamp;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::long_term(
        AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
    );
    let keys = KeyCache::new();
    let now: Timestamp = "2026-01-01T12:00:00Z".parse()?;
    let endpoint = Endpoint::parse("http://127.0.0.1:9000")?;
    let address = Address::object(&endpoint, AddressingStyle::Path, "photos", "a cat.jpg")?;

    // The key pair is derived from the access key, so whoever checks needs the same secret as with SigV4.
    let regions = RegionSet::parse("eu-west-1,eu-central-1")?;
    let presign =
        Presign::new(&credentials, Region::new("eu-west-1")?, address, Method::Get).expires(Lifetime::from_secs(300)?);
    let url = presign.sign_for_regions(&regions, &keys, now)?;
    println!("{url}");
    // ECDSA takes a random number: signed again, the URL is another one, and as good.
    assert_ne!(url.expose(), presign.sign_for_regions(&regions, &keys, now)?.expose());

    let target = url.expose().strip_prefix("http://127.0.0.1:9000").expect("the endpoint begins the URL");
    let request = RequestView { method: "GET", target, headers: &[("Host", b"127.0.0.1:9000")] };
    let checked_in = |region: &str| -> Result<Result<Verified, Refusal>, Box<dyn Error>> {
        let mut expectations = Expectations::new(Region::new(region)?, Service::S3);
        // Off by default: a verifier that is not asked for SigV4a does not know the algorithm.
        expectations.schemes = Schemes::default().with(Scheme::SigV4a);
        Ok(verify::parse(&request, &expectations, now).and_then(|presented| match presented {
            Presented::Query(claim) | Presented::Header(claim) => claim.verify(&keys, credentials.secret_key()),
            Presented::Anonymous => unreachable!("the URL is signed"),
        }))
    };
    println!("in eu-central-1: {}", checked_in("eu-central-1")??.target().path());
    println!("in us-east-1: {}", checked_in("us-east-1")?.expect_err("a region that is not in the set"));
    Ok(())
}
