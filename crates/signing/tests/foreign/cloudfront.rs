//! CloudFront's URLs and cookies.

use gatepass_signing::cloudfront::verify::{KeyGroup, Request, verify};
use gatepass_signing::cloudfront::{
    ContentUrl, CustomPolicy, EpochTime, HashAlgorithm, IpRange, KeyPairId, Policy, PrivateKey, Resource, Scheme,
    Signer,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::oracle::{self, Question};
use crate::{CASES, at, generate, split};

const RSA: &str = include_str!("../keys/rsa2048.pkcs8.pem");
const P256: &str = include_str!("../keys/p256.sec1.pem");
const KEY_PAIR_ID: &str = "K2JCJMDEHXQW5F";

#[derive(Clone, Debug)]
struct Case {
    url: String,
    policy: Conditions,
    now: i64,
    hash: HashAlgorithm,
}

#[derive(Clone, Debug)]
enum Conditions {
    Canned { expires: u64 },
    Custom { resource: String, expires: u64, starts: Option<u64>, viewers: Option<String> },
}

impl Case {
    fn policy(&self) -> Policy {
        let epoch = |seconds| EpochTime::from_secs(seconds).unwrap();
        match &self.policy {
            Conditions::Canned { expires } => {
                Policy::canned(&ContentUrl::parse(&self.url).unwrap(), epoch(*expires)).unwrap()
            }
            Conditions::Custom { resource, expires, starts, viewers } => {
                let mut policy = CustomPolicy::new(Resource::parse(resource).unwrap(), epoch(*expires));
                if let Some(starts) = starts {
                    policy = policy.not_before(epoch(*starts)).unwrap();
                }
                if let Some(viewers) = viewers {
                    policy = policy.ip_range(IpRange::parse(viewers).unwrap());
                }
                policy.into()
            }
        }
    }

    fn for_botocore(&self) -> Question {
        let with = match &self.policy {
            Conditions::Canned { expires } => json!({ "resource": null, "expires": expires }),
            Conditions::Custom { resource, expires, starts, viewers } => {
                json!({ "resource": resource, "expires": expires, "starts": starts, "viewers": viewers })
            }
        };
        let mut with = with;
        with["url"] = json!(self.url);
        with["key"] = json!(RSA);
        with["key_pair_id"] = json!(KEY_PAIR_ID);
        Question { kind: "cloudfront", second: self.now, with }
    }

    /// A custom policy goes as text: the SDK puts the conditions of one that it builds into another order than botocore.
    fn for_javascript(&self, kind: &'static str, key: &str) -> Question {
        let mut with = json!({ "url": self.url, "keyPairId": KEY_PAIR_ID, "privateKey": key });
        match &self.policy {
            Conditions::Canned { expires } => {
                with["dateLessThan"] = json!(at((*expires).try_into().unwrap()).to_string());
            }
            Conditions::Custom { .. } => with["policy"] = json!(self.policy().to_json()),
        }
        if let Some(name) = self.hash.wire_name() {
            with["algorithm"] = json!(name);
        }
        Question { kind, second: self.now, with }
    }

    fn check_accepted(&self, url: &str, cookies: &[&str], group: &KeyGroup) {
        let (host, target) = split(url);
        let viewer = "192.0.2.7".parse().unwrap();
        let request = Request { scheme: Scheme::Https, host, target, cookies, viewer };
        verify(&request, &[group], at(self.now)).unwrap_or_else(|refusal| panic!("{refusal:?}: {self:?} {url}"));
    }
}

fn cases(hash: impl Strategy<Value = HashAlgorithm>) -> impl Strategy<Value = Case> {
    // A URL with `.` or `..` for a segment is refused under a custom policy, whoever signed it.
    let is_plain = |path: &String| !path.split('/').any(|segment| matches!(segment, "." | ".."));
    let path = "/([a-zA-Z0-9._~-]|%20|%C3%A9|/){0,30}".prop_filter("a dot segment", is_plain);
    let query =
        "([?][a-z]{1,4}=[a-zA-Z0-9.%-]{0,6}(&[a-z]{1,3}=[a-z]{1,3})?)?".prop_map(|text| text.replace('%', "%2B"));
    let conditions = (1..2_000_000_u64, prop::option::of(1..1_000_u64), any::<bool>(), any::<bool>());
    (path, query, conditions, 1_000_000_000..2_100_000_000_i64, hash).prop_map(
        |(path, query, conditions, now, hash)| {
            let url = format!("https://cdn.example.com{path}{query}");
            let (later, earlier, custom, limited) = conditions;
            let second = u64::try_from(now).unwrap();
            let policy = if custom {
                let section = path.rfind('/').map_or("/", |end| &path[..=end]);
                Conditions::Custom {
                    resource: format!("https://cdn.example.com{section}*"),
                    expires: second + later,
                    starts: earlier.map(|earlier| second - earlier),
                    viewers: limited.then(|| "192.0.2.0/24".to_owned()),
                }
            } else {
                Conditions::Canned { expires: second + later }
            };
            Case { url, policy, now, hash }
        },
    )
}

fn any_hash() -> impl Strategy<Value = HashAlgorithm> {
    prop::sample::select(vec![HashAlgorithm::Sha1, HashAlgorithm::Sha256])
}

fn id() -> KeyPairId {
    KeyPairId::new(KEY_PAIR_ID).unwrap()
}

fn group(key: &PrivateKey) -> KeyGroup {
    KeyGroup::new().with(id(), key.public_key())
}

#[test]
fn a_cloudfront_url_is_the_one_that_botocore_makes() {
    let key = PrivateKey::from_pem(RSA).unwrap();
    let (id, group) = (id(), group(&key));
    let cases = generate(&cases(Just(HashAlgorithm::Sha1)), CASES);
    let questions: Vec<Question> = cases.iter().map(Case::for_botocore).collect();
    let signer = Signer::new(&key, &id).hash_algorithm(HashAlgorithm::Sha1);
    for (case, theirs) in cases.iter().zip(oracle::botocore(&questions)) {
        let theirs = theirs.as_str().unwrap();
        let ours = signer.sign_url(&ContentUrl::parse(&case.url).unwrap(), &case.policy()).unwrap();
        assert_eq!(ours.expose(), theirs, "{case:?}");
        case.check_accepted(theirs, &[], &group);
    }
}

#[test]
fn a_cloudfront_url_is_the_one_that_the_sdk_for_javascript_makes() {
    let key = PrivateKey::from_pem(RSA).unwrap();
    let (id, group) = (id(), group(&key));
    let cases = generate(&cases(any_hash()), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.for_javascript("cloudfront_url", RSA)).collect();
    for (case, theirs) in cases.iter().zip(oracle::javascript(&questions)) {
        let theirs = theirs.as_str().unwrap();
        let signer = Signer::new(&key, &id).hash_algorithm(case.hash);
        let ours = signer.sign_url(&ContentUrl::parse(&case.url).unwrap(), &case.policy()).unwrap();
        assert_eq!(by_parameter(ours.expose()), by_parameter(theirs), "{case:?}");
        case.check_accepted(theirs, &[], &group);
    }
}

#[test]
fn cloudfront_cookies_are_those_that_the_sdk_for_javascript_makes() {
    let key = PrivateKey::from_pem(RSA).unwrap();
    let (id, group) = (id(), group(&key));
    let cases = generate(&cases(any_hash()), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.for_javascript("cloudfront_cookies", RSA)).collect();
    for (case, theirs) in cases.iter().zip(oracle::javascript(&questions)) {
        let signer = Signer::new(&key, &id).hash_algorithm(case.hash);
        let ours: Vec<(String, String)> = signer
            .sign_cookies(&case.policy())
            .unwrap()
            .expose()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        assert_eq!(sorted(ours), sorted(cookies(&theirs)), "{case:?}");
        let header: Vec<String> = cookies(&theirs).iter().map(|(name, value)| format!("{name}={value}")).collect();
        case.check_accepted(&case.url, &[&header.join("; ")], &group);
    }
}

/// ECDSA signs differently every time, so theirs cannot be compared with ours; it is accepted.
#[test]
fn ecdsa_signatures_of_the_sdk_for_javascript_are_accepted() {
    let key = PrivateKey::from_pem(P256).unwrap();
    let group = group(&key);
    let cases = generate(&cases(any_hash()), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.for_javascript("cloudfront_url", P256)).collect();
    for (case, url) in cases.iter().zip(oracle::javascript(&questions)) {
        case.check_accepted(url.as_str().unwrap(), &[], &group);
    }
}

fn cookies(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    answer.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The address, and the parameters in any order.
fn by_parameter(url: &str) -> (String, Vec<String>) {
    let (address, query) = url.split_once('?').unwrap();
    let mut parameters: Vec<String> = query.split('&').map(str::to_owned).collect();
    parameters.sort();
    (address.to_owned(), parameters)
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}
