//! Other signers as judges: the same parameters must give the same signature, over generated keys and parameters.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::request::{Query, RequestView};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Refusal, Scheme, Schemes, Service, Verified};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use gatepass_signing::time::{AmzDate, Lifetime};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusty_s3::S3Action;

const CASES: u32 = 10_000;

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) access_key_id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) region: String,
    pub(crate) host: String,
    pub(crate) style: AddressingStyle,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) method: Method,
    pub(crate) second: i64,
    pub(crate) expires: u64,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Case {
    pub(crate) fn credentials(&self) -> Credentials {
        let id = AccessKeyId::new(self.access_key_id.clone()).unwrap();
        let secret = SecretKey::new(self.secret.clone()).unwrap();
        match &self.token {
            None => Credentials::long_term(id, secret),
            Some(token) => Credentials::temporary(id, secret, SessionToken::new(token.clone()).unwrap(), None),
        }
    }

    pub(crate) fn region(&self) -> Region {
        Region::new(self.region.clone()).unwrap()
    }

    pub(crate) fn address(&self) -> Address {
        let endpoint = Endpoint::parse(&format!("https://{}", self.host)).unwrap();
        Address::object(&endpoint, self.style, &self.bucket, &self.key).unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.second).unwrap()
    }
}

fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "(versionId|partNumber|uploadId|response-content-type|a|a-b|Z|[a-zA-Z0-9 é/=&-]{1,6})";
    prop::collection::btree_map(name, "[ -~é€]{0,12}", 0..5).prop_map(|pairs| {
        let is_plain = |name: &str| !name.to_ascii_lowercase().starts_with("x-amz-") && name != "response-content-type";
        pairs.into_iter().filter(|(name, _)| is_plain(name)).collect()
    })
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "(content-type|range|if-match|x-amz-meta-[a-z]{1,4}|x-amz-acl|x-amz-storage-class)";
    // Blanks inside and around are for the canonical form to settle.
    prop::collection::btree_map(name, "[!-~]{1,6}( {1,2}[!-~]{1,6})?", 0..4)
        .prop_map(|pairs| pairs.into_iter().collect())
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let account = (
        "[A-Z0-9_+=]{1,20}",
        "[!-~]{1,50}",
        prop::option::of("[A-Za-z0-9/+=]{1,80}"),
        "(us-east-1|eu-central-1|garage|[a-z]{2}-[a-z]{3,9}-[0-9])",
    );
    let object = (
        "(s3[.]example[.]com|store[.]test:9000|h)",
        prop::sample::select(vec![AddressingStyle::VirtualHost, AddressingStyle::Path]),
        "[a-z0-9][a-z0-9-]{1,20}[a-z0-9]",
        "([a-zA-Z0-9/ .+%?#~é\u{301}\u{1f600}_-]|[!-~]){1,60}",
    );
    let methods = vec![Method::Get, Method::Head, Method::Put, Method::Delete, Method::Post];
    let request = (prop::sample::select(methods), 0..4_000_000_000_i64, 1..=604_800_u64, parameters(), headers());
    (account, object, request).prop_map(|(account, object, request)| {
        let (access_key_id, secret, token, region) = account;
        let (host, style, bucket, key) = object;
        let (method, second, expires, query, headers) = request;
        Case { access_key_id, secret, token, region, host, style, bucket, key, method, second, expires, query, headers }
    })
}

pub(crate) fn settings(location: SignatureLocation, expires: Option<u64>) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.signature_location = location;
    settings.expires_in = expires.map(Duration::from_secs);
    if location == SignatureLocation::Headers {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

/// What `aws-sigv4` adds to the request: query parameters or headers.
fn signed_by_aws(case: &Case, settings: SigningSettings, url: &str, body: SignableBody<'_>) -> Vec<(String, String)> {
    let identity =
        aws_credential_types::Credentials::new(&case.access_key_id, &case.secret, case.token.clone(), None, "test")
            .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&case.region)
        .name("s3")
        .time(UNIX_EPOCH + Duration::from_secs(case.second.try_into().unwrap()))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let headers = case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let request = SignableRequest::new(case.method.as_str(), url, headers, body).unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(request, &params).unwrap().into_parts();
    let (headers, parameters) = instructions.into_parts();
    let headers = headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned()));
    headers.chain(parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned()))).collect()
}

pub(crate) fn unsigned_url(case: &Case) -> String {
    let address = case.address();
    let mut url = format!("https://{}{}", address.host(), address.path());
    for (index, (name, value)) in case.query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        gatepass_signing::encode::component(name, &mut url);
        url.push('=');
        gatepass_signing::encode::component(value, &mut url);
    }
    url
}

fn presigned_here(case: &Case, keys: &KeyCache) -> Vec<(String, String)> {
    let credentials = case.credentials();
    let lifetime = Lifetime::from_secs(case.expires).unwrap();
    let presign = Presign::new(&credentials, case.region(), case.address(), case.method).expires(lifetime);
    let presign = case.query.iter().fold(presign, |presign, (name, value)| presign.query(name, value).unwrap());
    let presign = case.headers.iter().fold(presign, |presign, (name, value)| presign.header(name, value).unwrap());
    let url = presign.sign(keys, case.now()).unwrap();
    sorted_query(url.expose())
}

fn sorted_query(url: &str) -> Vec<(String, String)> {
    let query = Query::parse(url.split_once('?').unwrap().1).unwrap();
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    pairs.sort();
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_url_has_the_signature_that_aws_sigv4_makes(case in cases()) {
        let settings = settings(SignatureLocation::QueryParams, Some(case.expires));
        let mut theirs = signed_by_aws(&case, settings, &unsigned_url(&case), SignableBody::UnsignedPayload);
        theirs.extend(case.query.iter().cloned());
        theirs.sort();
        let keys = KeyCache::new();
        prop_assert_eq!(presigned_here(&case, &keys), theirs.clone());
        let verified = verified(&case, &target_with(&case, &theirs), &[], &keys);
        prop_assert!(verified.is_ok(), "{:?}", verified);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_request_has_the_signature_that_aws_sigv4_makes(
        case in cases(),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        body in 0..3,
    ) {
        let url = unsigned_url(&case);
        let settings = settings(SignatureLocation::Headers, None);
        let (their_body, body) = match body {
            0 => (SignableBody::Bytes(&bytes), Body::of(&bytes)),
            1 => (SignableBody::UnsignedPayload, Body::Unsigned),
            _ => (SignableBody::StreamingUnsignedPayloadTrailer, Body::UnsignedTrailer),
        };
        let theirs = signed_by_aws(&case, settings, &url, their_body);
        let find = |headers: &[(String, String)], wanted: &str| {
            headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };

        let address = case.address();
        let target = url.strip_prefix(&format!("https://{}", address.host())).unwrap();
        let headers: Vec<(&str, &str)> = case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let parts = RequestParts { method: case.method.as_str(), host: address.host(), target, headers: &headers };
        let ours = header::sign(
            &parts, body, &case.credentials(), &case.region(), ServiceName::S3, &KeyCache::new(), case.now(),
        ).unwrap();
        let ours: Vec<(String, String)> = ours.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        for name in ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"] {
            prop_assert_eq!(find(&ours, name), find(&theirs, name), "{}", name);
        }
        let verified = verified(&case, target, &theirs, &KeyCache::new());
        prop_assert!(verified.is_ok(), "{:?}", verified);
    }
}

/// What our verifier says to the request of a case, with these headers besides its own.
pub(crate) fn verified(
    case: &Case,
    target: &str,
    added: &[(String, String)],
    keys: &KeyCache,
) -> Result<Verified, Refusal> {
    let address = case.address();
    let host = ("host".to_owned(), address.host().to_owned());
    let headers: Vec<(&str, &[u8])> = std::iter::once(&host)
        .chain(&case.headers)
        .chain(added)
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let mut expectations = Expectations::new(case.region(), Service::S3);
    expectations.schemes = Schemes::default().with(Scheme::SigV4a);
    let request = RequestView { method: case.method.as_str(), target, headers: &headers };
    match verify::parse(&request, &expectations, case.now())? {
        Presented::Query(claim) | Presented::Header(claim) => claim.verify(keys, case.credentials().secret_key()),
        Presented::Anonymous => panic!("the request is signed"),
    }
}

/// The path of a case with these parameters.
pub(crate) fn target_with(case: &Case, parameters: &[(String, String)]) -> String {
    let mut target = case.address().path().to_owned();
    for (index, (name, value)) in parameters.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        gatepass_signing::encode::component(name, &mut target);
        target.push('=');
        gatepass_signing::encode::component(value, &mut target);
    }
    target
}

/// `rusty-s3` goes through a URL type, which collapses `.` and `..`, and drops the tab and the line feed: it gets keys that
/// such a type leaves alone. It reads the clock itself; we sign for the moment that it took.
#[test]
fn a_url_has_the_signature_that_rusty_s3_makes() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let style = prop::sample::select(vec![AddressingStyle::VirtualHost, AddressingStyle::Path]);
    let is_left_alone = |key: &String| !key.split('/').any(|segment| matches!(segment, "." | ".."));
    let key = "[a-zA-Z0-9 .+%?#&=!*'(),:;@$~é\u{301}\u{1f600}_-]{1,20}(/[ -~é]{1,20}){0,3}";
    let token = prop::option::of("[A-Za-z0-9/+=]{1,80}");
    let strategy = (style, key.prop_filter("a dot segment", is_left_alone), token, 0..4, 1..=604_800_u64);
    let keys = KeyCache::new();
    for _ in 0..CASES {
        let (style, key, token, method, expires) = strategy.new_tree(&mut runner).unwrap().current();
        let (theirs, method) = signed_by_rusty_s3(style, &key, token.as_deref(), method, Duration::from_secs(expires));
        let pairs = sorted_query(&theirs);
        let (_, date) = pairs.iter().find(|(name, _)| name == "X-Amz-Date").unwrap();
        let now = AmzDate::parse(date).unwrap().timestamp();
        let (id, secret) = (AccessKeyId::new("AKID").unwrap(), SecretKey::new("secret").unwrap());
        let credentials = match token {
            None => Credentials::long_term(id, secret),
            Some(token) => Credentials::temporary(id, secret, SessionToken::new(token).unwrap(), None),
        };
        let endpoint = Endpoint::parse("https://s3.example.com").unwrap();
        let address = Address::object(&endpoint, style, "bucket", &key).unwrap();
        let region = Region::new("eu-central-1").unwrap();
        let ours = Presign::new(&credentials, region.clone(), address.clone(), method)
            .expires(Lifetime::from_secs(expires).unwrap())
            .sign(&keys, now)
            .unwrap();
        assert_eq!(sorted_query(ours.expose()), pairs, "{method:?} {key}");
        let target = &theirs["https://".len() + address.host().len()..];
        let headers: &[(&str, &[u8])] = &[("host", address.host().as_bytes())];
        let request = RequestView { method: method.as_str(), target, headers };
        let presented = verify::parse(&request, &Expectations::new(region, Service::S3), now).unwrap();
        let Presented::Query(claim) = presented else { panic!("{theirs} is signed") };
        claim.verify(&keys, credentials.secret_key()).unwrap_or_else(|refusal| panic!("{refusal:?}: {theirs}"));
    }
}

/// A key with a dot segment goes to another object than the one that was named.
#[test]
fn rusty_s3_signs_another_key_where_one_has_dot_segments() {
    let (theirs, _) = signed_by_rusty_s3(AddressingStyle::Path, "a/../b", None, 0, Duration::from_mins(1));
    assert!(theirs.starts_with("https://s3.example.com/bucket/b?"), "{theirs}");
}

fn signed_by_rusty_s3(
    style: AddressingStyle,
    key: &str,
    token: Option<&str>,
    method: i32,
    lifetime: Duration,
) -> (String, Method) {
    let style = match style {
        AddressingStyle::VirtualHost => rusty_s3::UrlStyle::VirtualHost,
        AddressingStyle::Path => rusty_s3::UrlStyle::Path,
    };
    let endpoint = "https://s3.example.com".parse().unwrap();
    let bucket = rusty_s3::Bucket::new(endpoint, style, "bucket", "eu-central-1").unwrap();
    let credentials = match token {
        None => rusty_s3::Credentials::new("AKID", "secret"),
        Some(token) => rusty_s3::Credentials::new_with_token("AKID", "secret", token),
    };
    let (url, method) = match method {
        0 => (bucket.get_object(Some(&credentials), key).sign(lifetime), Method::Get),
        1 => (bucket.head_object(Some(&credentials), key).sign(lifetime), Method::Head),
        2 => (bucket.put_object(Some(&credentials), key).sign(lifetime), Method::Put),
        _ => (bucket.delete_object(Some(&credentials), key).sign(lifetime), Method::Delete),
    };
    (url.into(), method)
}
