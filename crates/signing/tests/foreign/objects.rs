//! Signed URLs and signed requests.

use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{Scheme, Schemes};
use gatepass_signing::sigv4::{KeyCache, ServiceName};
use gatepass_signing::time::Lifetime;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::oracle::{self, Question};
use crate::{Account, CASES, accounts, at, buckets, generate, parts, split, verified};

#[derive(Clone, Debug)]
struct Case {
    account: Account,
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

/// Which signer's habits our URL takes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Botocore,
    JavaScript,
}

impl Operation {
    /// botocore's name, the SDK's, and the method.
    fn names(&self) -> (&'static str, &'static str, Method) {
        match self {
            Operation::Get { .. } => ("get_object", "GetObject", Method::Get),
            Operation::Head => ("head_object", "HeadObject", Method::Head),
            Operation::Put { .. } => ("put_object", "PutObject", Method::Put),
            Operation::Delete => ("delete_object", "DeleteObject", Method::Delete),
            Operation::UploadPart { .. } => ("upload_part", "UploadPart", Method::Put),
        }
    }

    fn parameters(&self) -> Value {
        let mut parameters = serde_json::Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                parameters.insert(name.to_owned(), value);
            }
        };
        match self {
            Operation::Get { version, disposition } => {
                set("VersionId", version.as_ref().map(|value| json!(value)));
                set("ResponseContentDisposition", disposition.as_ref().map(|value| json!(value)));
            }
            Operation::Put { content_type, color } => {
                set("ContentType", content_type.as_ref().map(|value| json!(value)));
                set("Metadata", color.as_ref().map(|value| json!({ "color": value })));
            }
            Operation::UploadPart { part, upload } => {
                set("PartNumber", Some(json!(part)));
                set("UploadId", Some(json!(upload)));
            }
            Operation::Head | Operation::Delete => {}
        }
        parameters.into()
    }
}

impl Case {
    fn for_botocore(&self, version: &str) -> Question {
        let with = json!({
            "account": self.account.to_json(), "version": version, "operation": self.operation.names().0,
            "bucket": self.bucket, "key": self.key, "params": self.operation.parameters(), "expires": self.expires,
        });
        Question { kind: "presign", second: self.second, with }
    }

    fn for_javascript(&self) -> Question {
        let mut input = self.operation.parameters();
        input["Bucket"] = json!(self.bucket);
        input["Key"] = json!(self.key);
        // Without one it puts a type of its own into the request.
        let typed = matches!(self.operation, Operation::Put { content_type: Some(_), .. });
        let signed = if typed { ["content-type", "x-amz-meta-color"].as_slice() } else { &["x-amz-meta-color"] };
        let with = json!({
            "account": self.account.to_json(), "command": format!("{}Command", self.operation.names().1), "input": input,
            "expires": self.expires, "signed": signed,
        });
        Question { kind: "presign", second: self.second, with }
    }

    fn address(&self) -> Address {
        let endpoint = Endpoint::parse(self.account.endpoint).unwrap();
        Address::object(&endpoint, self.account.style, &self.bucket, &self.key).unwrap()
    }

    fn presign(&self, dialect: Dialect, keys: &KeyCache) -> String {
        let credentials = self.account.credentials();
        let (_, name, method) = self.operation.names();
        let mut presign = Presign::new(&credentials, self.account.region(), self.address(), method)
            .expires(Lifetime::from_secs(self.expires).unwrap());
        if dialect == Dialect::JavaScript {
            presign = presign.unsigned_payload_in_query();
            if !matches!(self.operation, Operation::Head) {
                presign = presign.query("x-id", name).unwrap();
            }
        }
        let presign = match &self.operation {
            Operation::Get { version, disposition } => {
                let versioned = query(presign, "versionId", version.as_ref());
                query(versioned, "response-content-disposition", disposition.as_ref())
            }
            Operation::Put { content_type, color } => {
                let typed = header(presign, "content-type", content_type.as_ref());
                header(typed, "x-amz-meta-color", color.as_ref())
            }
            Operation::UploadPart { part, upload } => {
                presign.query("partNumber", &part.to_string()).unwrap().query("uploadId", upload).unwrap()
            }
            Operation::Head | Operation::Delete => presign,
        };
        presign.sign(keys, at(self.second)).unwrap().into_exposed()
    }

    /// The headers that the URL demands.
    fn headers<'a>(&'a self, host: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut headers = vec![("host", host)];
        if let Operation::Put { content_type, color } = &self.operation {
            headers.extend(content_type.as_deref().map(|value| ("content-type", value)));
            headers.extend(color.as_deref().map(|value| ("x-amz-meta-color", value)));
        }
        headers
    }

    /// Panics where our verifier refuses their URL.
    fn check_accepted(&self, url: &str, keys: &KeyCache) {
        let (host, target) = split(url);
        let method = self.operation.names().2.as_str();
        let expectations = self.account.expectations();
        verified(method, target, &self.headers(host), &expectations, keys, at(self.second))
            .unwrap_or_else(|refusal| panic!("{refusal:?}: {self:?} {url}"));
    }
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

fn operations() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (prop::option::of("[A-Za-z0-9._]{1,32}"), prop::option::of("(inline|attachment; filename=\"[a-z %+é]{1,9}\")"))
            .prop_map(|(version, disposition)| Operation::Get { version, disposition }),
        Just(Operation::Head),
        (prop::option::of("(image/png|text/plain; charset=utf-8)"), prop::option::of("[!-~]{1,9}( [!-~]{1,9})?"))
            .prop_map(|(content_type, color)| Operation::Put { content_type, color }),
        Just(Operation::Delete),
        (1..=10_000_u16, "[A-Za-z0-9._+/=]{1,40}").prop_map(|(part, upload)| Operation::UploadPart { part, upload }),
    ]
}

const ANY_KEY: &str = "([a-zA-Z0-9/ .+%?#~é\u{301}\u{1f600}_-]|[!-~]){1,60}";

fn cases(key: &'static str) -> impl Strategy<Value = Case> {
    (accounts(), buckets(), key, operations(), 0..4_000_000_000_i64, 1..=604_800_u64).prop_map(
        |(account, bucket, key, operation, second, expires)| Case {
            account,
            bucket: bucket.to_owned(),
            key,
            operation,
            second,
            expires,
        },
    )
}

#[test]
fn a_url_is_the_one_that_botocore_makes() {
    let cases = generate(&cases(ANY_KEY), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.for_botocore("s3v4")).collect();
    let keys = KeyCache::new();
    for (case, theirs) in cases.iter().zip(oracle::botocore(&questions)) {
        let theirs = theirs.as_str().unwrap();
        assert_eq!(parts(&case.presign(Dialect::Botocore, &keys)), parts(theirs), "{case:?}");
        case.check_accepted(theirs, &keys);
    }
}

#[test]
fn a_url_is_the_one_that_the_sdk_for_javascript_makes() {
    let cases = generate(&cases(ANY_KEY), CASES);
    let questions: Vec<Question> = cases.iter().map(Case::for_javascript).collect();
    let keys = KeyCache::new();
    for (case, theirs) in cases.iter().zip(oracle::javascript(&questions)) {
        let theirs = theirs.as_str().unwrap();
        assert_eq!(parts(&case.presign(Dialect::JavaScript, &keys)), parts(theirs), "{case:?}");
        case.check_accepted(theirs, &keys);
    }
}

/// botocore moves what SigV4 would sign as headers into the query; the client sends no header but its `Host`.
#[test]
fn urls_that_botocore_signs_with_signature_version_2_are_accepted_when_it_is_on() {
    let cases = generate(&cases(ANY_KEY), CASES);
    let questions: Vec<Question> = cases.iter().map(|case| case.for_botocore("s3")).collect();
    let keys = KeyCache::new();
    for (case, url) in cases.iter().zip(oracle::botocore(&questions)) {
        let url = url.as_str().unwrap();
        let (host, target) = split(url);
        let mut expectations = case.account.expectations();
        expectations.schemes = Schemes::default().with(Scheme::SigV2);
        expectations.bucket_of_host = (case.account.style == AddressingStyle::VirtualHost).then(|| case.bucket.clone());
        let mut headers = vec![("host", host)];
        if let Operation::Put { content_type: Some(content_type), .. } = &case.operation
            && !target.contains("content-type=")
        {
            headers.push(("content-type", content_type));
        }
        let method = case.operation.names().2.as_str();
        let verify = |target: &str| verified(method, target, &headers, &expectations, &keys, at(case.second));
        let verified = verify(target).unwrap_or_else(|refusal| panic!("{refusal:?}: {case:?} {url}"));
        assert_eq!(verified.scheme(), Scheme::SigV2);
        assert!(verify(&target.replace("Expires=", "Expires=1")).is_err(), "{case:?}");
    }
}

#[derive(Clone, Debug)]
struct Signed {
    account: Account,
    method: &'static str,
    key: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: String,
    second: i64,
}

impl Signed {
    fn path(&self) -> String {
        let endpoint = Endpoint::parse("https://s3.example.com").unwrap();
        Address::object(&endpoint, AddressingStyle::Path, "bucket", &self.key).unwrap().path().to_owned()
    }

    fn target(&self) -> String {
        let mut target = self.path();
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            gatepass_signing::encode::component(name, &mut target);
            target.push('=');
            gatepass_signing::encode::component(value, &mut target);
        }
        target
    }

    fn named_headers(&self) -> serde_json::Map<String, Value> {
        self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
    }

    fn for_botocore(&self) -> Question {
        let with = json!({
            "account": self.account.to_json(), "method": self.method, "body": self.body, "headers": self.named_headers(),
            "url": format!("https://s3.example.com{}", self.target()),
        });
        Question { kind: "header", second: self.second, with }
    }

    fn for_javascript(&self) -> Question {
        let query: serde_json::Map<String, Value> =
            self.query.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let with = json!({
            "account": self.account.to_json(), "method": self.method, "body": self.body, "headers": self.named_headers(),
            "host": "s3.example.com", "path": self.path(), "query": query,
        });
        Question { kind: "header", second: self.second, with }
    }

    /// Panics where they sign another request than we do, or one that we refuse.
    fn check(&self, theirs: &Value, keys: &KeyCache) {
        let theirs: Vec<(String, &str)> = theirs
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().unwrap()))
            .collect();
        let target = self.target();
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let parts = RequestParts { method: self.method, host: "s3.example.com", target: &target, headers: &headers };
        let ours = header::sign(
            &parts,
            Body::of(self.body.as_bytes()),
            &self.account.credentials(),
            &self.account.region(),
            ServiceName::S3,
            keys,
            at(self.second),
        )
        .unwrap();
        for (name, value) in ours.iter() {
            let their = theirs.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
            assert_eq!(their, Some(value), "{name}: {self:?}");
        }
        let mut sent: Vec<(&str, &str)> = theirs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        if !sent.iter().any(|(name, _)| *name == "host") {
            sent.push(("host", "s3.example.com"));
        }
        verified(self.method, &target, &sent, &self.account.expectations(), keys, at(self.second))
            .unwrap_or_else(|refusal| panic!("{refusal:?}: {self:?}"));
    }
}

fn signed_requests() -> impl Strategy<Value = Signed> {
    let names = "(versionId|uploadId|a|a-b|Z|[a-zA-Z0-9 é/=&-]{1,6})";
    let queries = prop::collection::btree_map(names, "[ -~é€]{0,12}", 0..4);
    let header = "(content-type|range|if-match|x-amz-meta-[a-z]{1,4}|x-amz-acl|x-amz-storage-class)";
    let headers = prop::collection::btree_map(header, "[!-~]{1,6}( {1,2}[!-~]{1,6})?", 0..4);
    let methods = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD"]);
    (accounts(), methods, ANY_KEY, queries, headers, "[ -~é]{0,40}", 0..4_000_000_000_i64).prop_map(
        |(account, method, key, query, headers, body, second)| Signed {
            account,
            method,
            key,
            query: query.into_iter().filter(|(name, _)| !name.starts_with("x-amz-")).collect(),
            headers: headers.into_iter().collect(),
            body,
            second,
        },
    )
}

#[test]
fn a_request_is_signed_as_botocore_signs_it() {
    let cases = generate(&signed_requests(), CASES);
    let questions: Vec<Question> = cases.iter().map(Signed::for_botocore).collect();
    let keys = KeyCache::new();
    for (case, theirs) in cases.iter().zip(oracle::botocore(&questions)) {
        case.check(&theirs, &keys);
    }
}

#[test]
fn a_request_is_signed_as_the_sdk_for_javascript_signs_it() {
    let cases = generate(&signed_requests(), CASES);
    let questions: Vec<Question> = cases.iter().map(Signed::for_javascript).collect();
    let keys = KeyCache::new();
    for (case, theirs) in cases.iter().zip(oracle::javascript(&questions)) {
        case.check(&theirs, &keys);
    }
}
