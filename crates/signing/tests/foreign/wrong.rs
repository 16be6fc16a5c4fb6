//! Where other signers are wrong: what they sign says something else than they were asked for. `docs/compatibility.md` lists
//! them.

use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::verify::Reason;
use serde_json::{Value, json};

use crate::oracle::{self, Question};
use crate::{Account, at, split, verified};

const NOW: i64 = 1_800_000_000;

fn account() -> Account {
    let style = gatepass_signing::address::AddressingStyle::Path;
    Account { endpoint: "https://s3.example.com", region: "us-east-1", style, token: None }
}

fn one_url(answers: &[Value]) -> String {
    answers[0].as_str().unwrap().to_owned()
}

fn botocore(version: &str, operation: &str, parameters: &Value, expires: u64) -> String {
    let with = json!({
        "account": account().to_json(), "version": version, "operation": operation, "bucket": "abc", "key": "k",
        "params": parameters, "expires": expires,
    });
    one_url(&oracle::botocore(&[Question { kind: "presign", second: NOW, with }]))
}

#[test]
fn botocore_signs_urls_that_no_store_takes_for_living_too_long() {
    let url = botocore("s3v4", "get_object", &json!({}), 604_801);
    let (host, target) = split(&url);
    let keys = KeyCache::new();
    let refused = verified("GET", target, &[("host", host)], &account().expectations(), &keys, at(NOW)).unwrap_err();
    assert_eq!(refused.reason(), Reason::ExpiresTooLong);
}

#[test]
fn botocore_drops_range_and_conditions_from_urls_of_signature_version_2() {
    let ranged = botocore("s3", "get_object", &json!({ "Range": "bytes=0-9" }), 300);
    let conditional = botocore("s3", "put_object", &json!({ "IfNoneMatch": "*" }), 300);
    for url in [ranged, conditional] {
        let query = url.split_once('?').unwrap().1;
        let names: Vec<&str> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert!(names.iter().all(|name| ["AWSAccessKeyId", "Signature", "Expires"].contains(name)), "{names:?}");
    }
}

#[test]
fn the_sdk_for_javascript_moves_tags_to_where_s3_ignores_them() {
    let with = json!({
        "account": account().to_json(), "command": "PutObjectCommand", "expires": 300, "signed": [],
        "input": { "Bucket": "abc", "Key": "k", "Tagging": "a=b" },
    });
    let url = one_url(&oracle::javascript(&[Question { kind: "presign", second: NOW, with }]));
    assert!(url.contains("&x-amz-tagging=a%3Db"), "the URL stores no tag, and does not say so: {url}");
}

#[test]
fn the_sdk_for_javascript_signs_another_cloudfront_url_than_it_is_given() {
    let with = json!({
        "url": "https://cdn.example.com/a+b@c.jpg", "keyPairId": "K2JCJMDEHXQW5F",
        "privateKey": include_str!("../keys/rsa2048.pkcs8.pem"), "dateLessThan": "2030-01-01T00:00:00Z",
    });
    let url = one_url(&oracle::javascript(&[Question { kind: "cloudfront_url", second: NOW, with }]));
    assert!(url.starts_with("https://cdn.example.com/a%2Bb%40c.jpg?"), "{url}");
}
