//! Signing a form, from bucket and prefix, as a backend does it for each upload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_signing::address::{AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::post_policy::{KeyRule, PostPolicy, SignedForm, SizeRange, UploadTarget};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::harness::{interleaved, record};

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const PREFIX: &str = "users/7/";
const CONTENT_TYPE: &str = "image/png";
const MAX_BYTES: u64 = 5 * 1024 * 1024;

pub(crate) fn run() {
    let (endpoint, region) = (endpoint(), region());
    let credentials = credentials();
    let keys = KeyCache::new();
    let sign = || form(&endpoint, &region, &credentials, &keys);
    let floor = floor();
    let theirs: Vec<(String, String)> =
        sign().expose_fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let ours: Vec<(String, String)> = floor().map(|(name, value)| (name.to_owned(), value)).into();
    assert_eq!(theirs, ours, "the floor makes the same form");

    let mut sign = || sign().expose_fields().count();
    let mut floor = || floor().len();
    let figures = interleaved("post_policy", &mut [("sign", &mut sign), ("floor", &mut floor)]);
    record("post_policy_over_floor", figures.ratio("sign", "floor"));
}

fn endpoint() -> Endpoint {
    Endpoint::parse("https://s3.eu-central-1.amazonaws.com").expect("an endpoint")
}

fn region() -> Region {
    Region::new("eu-central-1").expect("a region")
}

fn credentials() -> Credentials {
    Credentials::long_term(AccessKeyId::new(ID).expect("an id"), SecretKey::new(SECRET).expect("a secret"))
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a second of this century")
}

fn form(endpoint: &Endpoint, region: &Region, credentials: &Credentials, keys: &KeyCache) -> SignedForm {
    let target = UploadTarget::new(endpoint, AddressingStyle::VirtualHost, "photos").expect("a bucket");
    let key = KeyRule::prefix(PREFIX).expect("a prefix");
    let size = SizeRange::new(1, MAX_BYTES).expect("a range");
    PostPolicy::new(credentials, region.clone(), target, key, size)
        .content_type(CONTENT_TYPE, &["image/jpeg", CONTENT_TYPE])
        .expect("an allowed type")
        .expires(Lifetime::from_secs(600).expect("ten minutes"))
        .sign(keys, now())
        .expect("the credentials do not expire")
}

/// The least that signing a form can be: dates and credential laid out beforehand, the policy written in one go, its
/// base64, one HMAC with a prepared key, and the fields as fresh strings.
fn floor() -> impl Fn() -> [(&'static str, String); 7] {
    let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    let date = gatepass_signing::time::AmzDate::new(now());
    let scope = [date.date(), "eu-central-1", "s3", "aws4_request"];
    let credential = format!("{ID}/{}", scope.join("/"));
    let key = scope.iter().fold(keyed(format!("AWS4{SECRET}").as_bytes()), |key, part| {
        keyed(&key.chain_update(part).finalize().into_bytes())
    });
    let expires = Timestamp::from_second(now().as_second() + 600).expect("a second of this century").to_string();
    let date = date.to_string();
    move || {
        let policy = format!(
            "{{\"expiration\": \"{expires}\", \"conditions\": [[\"content-length-range\", 1, {MAX_BYTES}], \
             {{\"Content-Type\": \"{CONTENT_TYPE}\"}}, {{\"bucket\": \"photos\"}}, \
             [\"starts-with\", \"$key\", \"{PREFIX}\"], {{\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"}}, \
             {{\"x-amz-credential\": \"{credential}\"}}, {{\"x-amz-date\": \"{date}\"}}]}}"
        );
        let policy = STANDARD.encode(policy);
        let signature = key.clone().chain_update(&policy).finalize().into_bytes();
        [
            ("key", format!("{PREFIX}${{filename}}")),
            ("Content-Type", CONTENT_TYPE.to_owned()),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", credential.clone()),
            ("x-amz-date", date.clone()),
            ("policy", policy),
            ("x-amz-signature", gatepass_signing::encode::hex(&signature)),
        ]
    }
}
