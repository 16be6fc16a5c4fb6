//! Forms that a browser posts.

use gatepass_signing::address::Endpoint;
use gatepass_signing::credentials::SecretKey;
use gatepass_signing::post_policy::verify::{self, Form, PostPresented, PostVerified};
use gatepass_signing::post_policy::{KeyRule, PolicyText, PostPolicy, SizeRange, UploadTarget};
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::verify::{Scheme, Schemes};
use gatepass_signing::time::Lifetime;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::oracle::{self, Question};
use crate::{Account, CASES, SECRET, accounts, at, buckets, generate};

#[derive(Clone, Debug)]
struct Case {
    account: Account,
    bucket: String,
    key: Key,
    fields: Vec<(String, String)>,
    size: (u64, u64),
    second: i64,
    expires: u64,
}

#[derive(Clone, Debug)]
enum Key {
    Exact(String),
    Prefix(String),
}

impl Case {
    fn question(&self, version: &str) -> Question {
        let key = match &self.key {
            Key::Exact(key) => key.clone(),
            Key::Prefix(prefix) => format!("{prefix}${{filename}}"),
        };
        let fields: serde_json::Map<String, Value> =
            self.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut conditions = vec![json!(["content-length-range", self.size.0, self.size.1])];
        conditions.extend(self.fields.iter().map(|(name, value)| json!({ name: value })));
        let with = json!({
            "account": self.account.to_json(), "version": version, "bucket": self.bucket, "key": key, "fields": fields,
            "conditions": conditions, "expires": self.expires,
        });
        Question { kind: "post", second: self.second, with }
    }

    /// Name and value of each field of ours.
    fn sign(&self, style: PolicyText, keys: &KeyCache) -> (String, Vec<(String, String)>) {
        let endpoint = Endpoint::parse(self.account.endpoint).unwrap();
        let target = UploadTarget::new(&endpoint, self.account.style, &self.bucket).unwrap();
        let key = match &self.key {
            Key::Exact(key) => KeyRule::exact(key.as_str()).unwrap(),
            Key::Prefix(prefix) => KeyRule::prefix(prefix.as_str()).unwrap(),
        };
        let size = SizeRange::new(self.size.0, self.size.1).unwrap();
        let credentials = self.account.credentials();
        let mut policy = PostPolicy::new(&credentials, self.account.region(), target, key, size)
            .expires(Lifetime::from_secs(self.expires).unwrap())
            .text(style);
        for (name, value) in &self.fields {
            policy = match name.as_str() {
                "Content-Type" => policy.content_type(value, &[value]).unwrap(),
                _ => policy.field(name, value).unwrap(),
            };
        }
        let form = policy.sign(keys, at(self.second)).unwrap();
        let fields = form.expose_fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        (form.url().to_owned(), sorted(fields))
    }

    fn verify(&self, fields: &[(String, String)], keys: &KeyCache) -> PostVerified {
        let mut form = Form::new(self.bucket.as_str());
        for (name, value) in fields {
            form.push(name, value).unwrap();
        }
        form.file(Some("a cat.png"));
        let mut expectations = self.account.expectations();
        expectations.schemes = Schemes::default().with(Scheme::SigV2);
        match verify::parse(&form, &expectations, at(self.second)) {
            Ok(PostPresented::Signed(claim)) => claim
                .verify(keys, &SecretKey::new(SECRET).unwrap())
                .unwrap_or_else(|refusal| panic!("{refusal:?}: {self:?} {fields:?}")),
            Ok(PostPresented::Anonymous(_)) => panic!("{fields:?} is signed"),
            Err(refusal) => panic!("{refusal:?}: {self:?} {fields:?}"),
        }
    }

    fn check_upload(&self, verified: &PostVerified) {
        let key = match &self.key {
            Key::Exact(key) => key.clone(),
            Key::Prefix(prefix) => format!("{prefix}a cat.png"),
        };
        assert_eq!(verified.upload().key(), key);
        assert_eq!((verified.upload().size_range().min(), verified.upload().size_range().max()), self.size);
    }
}

fn sorted(mut fields: Vec<(String, String)>) -> Vec<(String, String)> {
    fields.sort();
    fields
}

fn cases() -> impl Strategy<Value = Case> {
    // What stands in a key or a field is any text: a policy escapes it.
    let key = prop_oneof![
        "[ -#%-~é€\u{1f600}]{1,40}".prop_map(Key::Exact),
        "([a-zA-Z0-9 \"\\\\é\u{1f600}-]{1,9}/){1,3}".prop_map(Key::Prefix),
    ];
    let names = "(acl|Cache-Control|Content-Disposition|Content-Type|x-amz-meta-[a-z]{1,5}|x-amz-storage-class)";
    let fields =
        prop::collection::btree_map(names, "[!-#%-~é€]{1,9}( [!-#%-~\"\\\\]{1,9})?", 0..4).prop_map(|fields| {
            let typed = |(name, value): (String, String)| {
                let value = if name == "Content-Type" { "image/png".to_owned() } else { value };
                (name, value)
            };
            fields.into_iter().map(typed).collect()
        });
    let size = (0..1_000_u64, 0..5_000_000_u64).prop_map(|(min, more)| (min, min + more));
    let when = (1_000_000_000..4_000_000_000_i64, 1..=604_800_u64);
    (accounts(), buckets(), key, fields, size, when).prop_map(
        |(account, bucket, key, fields, size, (second, expires))| Case {
            account,
            bucket: bucket.to_owned(),
            key,
            fields,
            size,
            second,
            expires,
        },
    )
}

fn fields_of(answer: &Value) -> Vec<(String, String)> {
    let fields = answer["fields"].as_object().unwrap();
    sorted(fields.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect())
}

fn without_slash(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}

#[test]
fn a_form_is_the_one_that_botocore_makes() {
    let cases = generate(&cases(), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.question("s3v4")).collect();
    let keys = KeyCache::new();
    for (case, answer) in cases.iter().zip(oracle::botocore(&questions)) {
        let theirs = fields_of(&answer);
        let (url, ours) = case.sign(PolicyText::Botocore, &keys);
        assert_eq!(ours, theirs, "{case:?}");
        assert_eq!(without_slash(&url), without_slash(answer["url"].as_str().unwrap()));
        case.check_upload(&case.verify(&theirs, &keys));
    }
}

#[test]
fn a_form_is_the_one_that_the_sdk_for_javascript_makes() {
    let cases = generate(&cases(), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.question("")).collect();
    let keys = KeyCache::new();
    for (case, answer) in cases.iter().zip(oracle::javascript(&questions)) {
        let mut theirs = fields_of(&answer);
        case.check_upload(&case.verify(&theirs, &keys));
        // The SDK repeats the bucket as a field, which says nothing that the address does not say.
        theirs.retain(|(name, _)| name != "bucket");
        let (url, ours) = case.sign(PolicyText::JavaScript, &keys);
        assert_eq!(ours, theirs, "{case:?}");
        assert_eq!(without_slash(&url), without_slash(answer["url"].as_str().unwrap()));
    }
}

#[test]
fn forms_that_botocore_signs_with_signature_version_2_are_accepted_when_it_is_on() {
    let cases = generate(&cases(), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.question("s3")).collect();
    let keys = KeyCache::new();
    for (case, answer) in cases.iter().zip(oracle::botocore(&questions)) {
        let verified = case.verify(&fields_of(&answer), &keys);
        assert_eq!(verified.scheme(), Scheme::SigV2);
        case.check_upload(&verified);
    }
}
