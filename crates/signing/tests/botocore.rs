//! botocore as a judge: the URLs of boto3 and the AWS CLI carry the signatures that this crate makes.
//!
//! The Python interpreter, with boto3 installed, comes from `GATEPASS_PYTHON`, which `cargo xtask test` sets.

use std::io::Write as _;
use std::process::{Command, Stdio};

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::request::Query;
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;
use jiff::Timestamp;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

const CASES: usize = 1_000;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[derive(Clone, Debug)]
struct Case {
    endpoint: &'static str,
    region: &'static str,
    style: AddressingStyle,
    token: Option<&'static str>,
    bucket: String,
    key: String,
    operation: Operation,
    second: i64,
    expires: u64,
}

#[derive(Clone, Debug)]
enum Operation {
    Get { version: Option<String>, disposition: Option<String> },
    Head,
    Put { content_type: Option<String>, color: Option<String> },
    Delete,
    UploadPart { part: u16, upload: String },
}

impl Case {
    fn for_botocore(&self) -> serde_json::Value {
        let (operation, params) = match &self.operation {
            Operation::Get { version, disposition } => {
                let mut params = json!({});
                if let Some(version) = version {
                    params["VersionId"] = json!(version);
                }
                if let Some(disposition) = disposition {
                    params["ResponseContentDisposition"] = json!(disposition);
                }
                ("get_object", params)
            }
            Operation::Head => ("head_object", json!({})),
            Operation::Put { content_type, color } => {
                let mut params = json!({});
                if let Some(content_type) = content_type {
                    params["ContentType"] = json!(content_type);
                }
                if let Some(color) = color {
                    params["Metadata"] = json!({ "color": color });
                }
                ("put_object", params)
            }
            Operation::Delete => ("delete_object", json!({})),
            Operation::UploadPart { part, upload } => {
                ("upload_part", json!({ "PartNumber": part, "UploadId": upload }))
            }
        };
        json!({
            "endpoint": self.endpoint,
            "region": self.region,
            "style": match self.style { AddressingStyle::Path => "path", AddressingStyle::VirtualHost => "virtual" },
            "access_key_id": "AKIAIOSFODNN7EXAMPLE",
            "secret": SECRET,
            "token": self.token,
            "bucket": self.bucket,
            "key": self.key,
            "operation": operation,
            "params": params,
            "second": self.second,
            "expires": self.expires,
        })
    }

    fn presign(&self, keys: &KeyCache) -> String {
        let id = AccessKeyId::new("AKIAIOSFODNN7EXAMPLE").unwrap();
        let secret = SecretKey::new(SECRET).unwrap();
        let credentials = match self.token {
            None => Credentials::long_term(id, secret),
            Some(token) => Credentials::temporary(id, secret, SessionToken::new(token).unwrap(), None),
        };
        let endpoint = Endpoint::parse(self.endpoint).unwrap();
        let address = Address::object(&endpoint, self.style, &self.bucket, &self.key).unwrap();
        let presign = |method| {
            Presign::new(&credentials, Region::new(self.region).unwrap(), address.clone(), method)
                .expires(Lifetime::from_secs(self.expires).unwrap())
        };
        let presign = match &self.operation {
            Operation::Get { version, disposition } => {
                let versioned = query(presign(Method::Get), "versionId", version.as_ref());
                query(versioned, "response-content-disposition", disposition.as_ref())
            }
            Operation::Head => presign(Method::Head),
            Operation::Put { content_type, color } => {
                let typed = header(presign(Method::Put), "content-type", content_type.as_ref());
                header(typed, "x-amz-meta-color", color.as_ref())
            }
            Operation::Delete => presign(Method::Delete),
            Operation::UploadPart { part, upload } => {
                presign(Method::Put).query("partNumber", &part.to_string()).unwrap().query("uploadId", upload).unwrap()
            }
        };
        presign.sign(keys, Timestamp::from_second(self.second).unwrap()).unwrap().into_exposed()
    }
}

fn cases() -> impl Strategy<Value = Case> {
    use proptest::prelude::*;
    let operation = prop_oneof![
        (prop::option::of("[A-Za-z0-9._]{1,32}"), prop::option::of("(inline|attachment; filename=\"[a-z %+é]{1,9}\")"))
            .prop_map(|(version, disposition)| Operation::Get { version, disposition }),
        Just(Operation::Head),
        (prop::option::of("(image/png|text/plain; charset=utf-8)"), prop::option::of("[!-~]{1,9}( [!-~]{1,9})?"))
            .prop_map(|(content_type, color)| Operation::Put { content_type, color }),
        Just(Operation::Delete),
        (1..=10_000_u16, "[A-Za-z0-9._+/=]{1,40}").prop_map(|(part, upload)| Operation::UploadPart { part, upload }),
    ];
    let account = (
        prop::sample::select(vec!["https://s3.example.com", "http://store.test:9000"]),
        prop::sample::select(vec!["us-east-1", "eu-central-1"]),
        prop::sample::select(vec![AddressingStyle::Path, AddressingStyle::VirtualHost]),
        prop::sample::select(vec![None, Some("FwoGZXIvYXdzE+token/=="), Some("t")]),
    );
    let object = ("[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", "([a-zA-Z0-9/ .+%?#~é\u{301}\u{1f600}_-]|[!-~]){1,60}");
    (account, object, operation, 0..4_000_000_000_i64, 1..=604_800_u64).prop_map(
        |((endpoint, region, style, token), (bucket, key), operation, second, expires)| Case {
            endpoint,
            region,
            style,
            token,
            bucket,
            key,
            operation,
            second,
            expires,
        },
    )
}

fn query<'a>(presign: Presign<'a>, name: &str, value: Option<&String>) -> Presign<'a> {
    match value {
        Some(value) => presign.query(name, value).unwrap(),
        None => presign,
    }
}

fn header<'a>(presign: Presign<'a>, name: &str, value: Option<&String>) -> Presign<'a> {
    match value {
        Some(value) => presign.header(name, value).unwrap(),
        None => presign,
    }
}

/// Scheme, host and path as they are; the query as sorted pairs.
fn parts(url: &str) -> (String, Vec<(String, String)>) {
    let (address, query) = url.split_once('?').unwrap();
    let query = Query::parse(query).unwrap();
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    pairs.sort();
    (address.to_owned(), pairs)
}

#[test]
fn a_url_is_the_one_that_botocore_makes() {
    let python = std::env::var_os("GATEPASS_PYTHON")
        .expect("run `cargo xtask test`, or set GATEPASS_PYTHON to a Python interpreter that has boto3");
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let strategy = cases();
    let cases: Vec<Case> = (0..CASES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();

    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/botocore_presign.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("GATEPASS_PYTHON names an interpreter");
    let mut stdin = child.stdin.take().unwrap();
    let lines = cases.iter().map(|case| format!("{}\n", case.for_botocore())).collect::<Vec<_>>().concat();
    // In a thread of its own: both pipes would fill up otherwise.
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().expect("botocore reads every case");
    assert!(output.status.success(), "the Python script failed; is boto3 installed for GATEPASS_PYTHON?");

    let stdout = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<&str> = stdout.lines().collect();
    assert_eq!(theirs.len(), CASES);
    let keys = KeyCache::new();
    for (case, theirs) in cases.iter().zip(theirs) {
        assert_eq!(parts(&case.presign(&keys)), parts(theirs), "{case:?}");
    }
}
