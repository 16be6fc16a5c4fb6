//! A verifier in the making: what stands between a socket and a store, without the socket and without the store.
//!
//! `cargo run -p gatepass-signing --example verify_request`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::request::RequestView;
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Refusal, Service, Verified};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;
use jiff::{SignedDuration, Timestamp};

/// Why somebody is not let in.
#[derive(Debug)]
enum No {
    Unsigned,
    /// The reason is an enum with a variant for each rule; `gatepass-protocol` makes S3's answers of them.
    Refused(Refusal),
    UnknownKey,
}

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("no signature"),
            Self::Refused(refusal) => write!(f, "{refusal} ({:?})", refusal.reason()),
            Self::UnknownKey => f.write_str("no such key"),
        }
    }
}

struct Gate {
    secrets: HashMap<String, SecretKey>,
    expectations: Expectations,
    keys: KeyCache,
}

impl Gate {
    /// The check has two steps, so that the secret may come from anywhere, and may take a while to come.
    fn let_in(&self, request: &RequestView<'_>, now: Timestamp) -> Result<Verified, No> {
        let claim = match verify::parse(request, &self.expectations, now).map_err(No::Refused)? {
            Presented::Anonymous => return Err(No::Unsigned),
            Presented::Query(claim) | Presented::Header(claim) => claim,
        };
        let secret = self.secrets.get(claim.access_key_id().as_str()).ok_or(No::UnknownKey)?;
        // A session's token stands in `claim.session_token()`: check that it belongs to the key before going on.
        claim.verify(&self.keys, secret).map_err(No::Refused)
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::long_term(
        AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
    );
    let region = Region::new("us-east-1")?;
    let gate = Gate {
        secrets: HashMap::from([("AKIAIOSFODNN7EXAMPLE".to_owned(), credentials.secret_key().clone())]),
        expectations: Expectations::new(region.clone(), Service::S3),
        keys: KeyCache::new(),
    };

    let now: Timestamp = "2026-01-01T12:00:00Z".parse()?;
    let endpoint = Endpoint::parse("http://127.0.0.1:9000")?;
    let address = Address::object(&endpoint, AddressingStyle::Path, "photos", "a cat.jpg")?;
    let presign = Presign::new(&credentials, region, address, Method::Get).expires(Lifetime::from_secs(60)?);
    let url = presign.sign(&gate.keys, now)?;
    // The target as it arrived: nothing decoded, nothing normalised.
    let target = url.expose().strip_prefix("http://127.0.0.1:9000").expect("the endpoint begins the URL");
    let headers: [(&str, &[u8]); 1] = [("Host", b"127.0.0.1:9000")];
    let get = RequestView { method: "GET", target, headers: &headers };

    let verified = gate.let_in(&get, now).expect("a good URL");
    println!("let in: {} {}", verified.method(), verified.target().path());
    let no = |request: &RequestView<'_>, now| gate.let_in(request, now).expect_err("a bad request");
    println!("another method: {}", no(&RequestView { method: "DELETE", ..get }, now));
    println!("too late: {}", no(&get, now + SignedDuration::from_secs(61)));
    println!("unsigned: {}", no(&RequestView { target: "/photos/a%20cat.jpg", ..get }, now));
    Ok(())
}
