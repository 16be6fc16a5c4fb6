//! The signers of botocore and of AWS's SDK for JavaScript as judges: the same parameters give the same signature, and what
//! they sign our verifier takes.
//!
//! The Python interpreter, with botocore installed, comes from `GATEPASS_PYTHON`, which `cargo xtask test` sets; Node from
//! the search path, with the packages of `crates/e2e/js`. Where one is missing the tests fail.

mod cloudfront;
mod forms;
mod objects;
mod oracle;
mod wrong;

use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::request::{Query, RequestView};
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Refusal, Service, Verified};
use gatepass_signing::sigv4::{KeyCache, Region};
use jiff::Timestamp;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// How many generated cases each signer gets.
const CASES: usize = 10_000;
const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The same cases in every run.
fn generate<T>(strategy: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Who signs, and where.
#[derive(Clone, Debug)]
struct Account {
    endpoint: &'static str,
    region: &'static str,
    style: gatepass_signing::address::AddressingStyle,
    token: Option<&'static str>,
}

impl Account {
    fn credentials(&self) -> Credentials {
        let (id, secret) = (AccessKeyId::new(ACCESS_KEY_ID).unwrap(), SecretKey::new(SECRET).unwrap());
        match self.token {
            None => Credentials::long_term(id, secret),
            Some(token) => Credentials::temporary(id, secret, SessionToken::new(token).unwrap(), None),
        }
    }

    fn region(&self) -> Region {
        Region::new(self.region).unwrap()
    }

    fn to_json(&self) -> Value {
        use gatepass_signing::address::AddressingStyle;
        let style = if self.style == AddressingStyle::Path { "path" } else { "virtual" };
        json!({
            "endpoint": self.endpoint, "region": self.region, "style": style, "token": self.token,
            "access_key_id": ACCESS_KEY_ID, "secret": SECRET,
        })
    }

    fn expectations(&self) -> Expectations {
        Expectations::new(self.region(), Service::S3)
    }
}

fn accounts() -> impl Strategy<Value = Account> {
    use gatepass_signing::address::AddressingStyle;
    use proptest::prelude::prop;
    let strategy = (
        prop::sample::select(vec!["https://s3.example.com", "http://store.test:9000"]),
        prop::sample::select(vec!["us-east-1", "eu-central-1"]),
        prop::sample::select(vec![AddressingStyle::Path, AddressingStyle::VirtualHost]),
        prop::sample::select(vec![None, Some("FwoGZXIvYXdzE+token/=="), Some("t")]),
    );
    strategy.prop_map(|(endpoint, region, style, token)| Account { endpoint, region, style, token })
}

/// Few, because both SDKs take most of their time to find the address of a bucket, and remember it. None has a dot: over
/// HTTPS the SDKs put such a bucket into the path.
fn buckets() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["abc", "a-bucket", "0123456789"])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Scheme, host and path as they are; the query as sorted pairs.
fn parts(url: &str) -> (String, Vec<(String, String)>) {
    let (address, query) = url.split_once('?').unwrap();
    let query = Query::parse(query).unwrap();
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    pairs.sort();
    (address.to_owned(), pairs)
}

/// Host and target of a URL.
fn split(url: &str) -> (&str, &str) {
    let after_scheme = url.split_once("://").unwrap().1;
    after_scheme.split_at(after_scheme.find('/').unwrap_or(after_scheme.len()))
}

/// What our verifier says to a request, with the secret of the account.
fn verified(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    expectations: &Expectations,
    keys: &KeyCache,
    now: Timestamp,
) -> Result<Verified, Refusal> {
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let request = RequestView { method, target, headers: &headers };
    match verify::parse(&request, expectations, now)? {
        Presented::Query(claim) | Presented::Header(claim) => claim.verify(keys, &SecretKey::new(SECRET).unwrap()),
        Presented::Anonymous => panic!("{target} is not signed"),
    }
}
