//! Whatever arrives becomes an operation on what it names, or an error: never a panic.

use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::{Operation, Request, Target};
use gatepass_signing::request::Query;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::collection::vec;
use proptest::prelude::*;

/// Methods of HTTP, and any other token.
fn method() -> impl Strategy<Value = Method> {
    "GET|HEAD|PUT|POST|DELETE|OPTIONS|PATCH|[A-Za-z!#$%&'*+.^_`|~-]{1,12}"
        .prop_map(|text| Method::from_bytes(text.as_bytes()).unwrap())
}

/// Parameters that mean something, others, and text that is no query at all.
fn query() -> impl Strategy<Value = String> {
    let name = "uploadId|partNumber|uploads|delete|cors|location|list-type|max-(keys|parts|uploads|buckets)|versionId\
                |key-marker|upload-id-marker|encoding-type|response-[a-z-]{4,19}|[a-zA-Z-]{0,12}";
    let value = "[0-9]{1,20}|-1|2|url|null|(%[0-9a-fA-F]{2}){0,4}|[ -~]{0,8}";
    let pairs = vec((name, value), 0..4).prop_map(|pairs| {
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    });
    prop_oneof![3 => pairs, 1 => any::<String>()]
}

/// Up to five lines, of any bytes that HTTP lets through; names may repeat.
fn headers() -> impl Strategy<Value = HeaderMap> {
    let name = "range|if-(match|none-match|modified-since|unmodified-since|range)|content-(md5|type|encoding)|expires\
                |x-amz-(copy-source|trailer|acl|storage-class|metadata-directive|mp-object-size|checksum-mode)\
                |x-amz-(sdk-)?checksum-(algorithm|type|crc32|sha256)|x-amz-copy-source-if-match|x-amz-[a-z0-9-]{1,24}";
    let text =
        "bytes=[0-9]{0,20}-[0-9]{0,20}|[*]|\"[a-z]{0,4}\"|CRC32|COPY|REPLACE|/?[a-z]{3,8}/[ -~]{0,8}|[ -~]{0,24}";
    let value = prop_oneof![text.prop_map(String::into_bytes), vec(any::<u8>(), 0..24)];
    vec((name, value), 0..6).prop_map(|lines| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::try_from(name).unwrap(), value);
            }
        }
        headers
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_request_panics(
        method in method(),
        host_bucket in proptest::option::of("[a-z]{3,8}"),
        path in prop_oneof!["/[a-z]{3,8}(/[ -~]{0,24})?", "/[ -~]{0,24}", any::<String>()],
        query in query(),
        headers in headers(),
    ) {
        let host_bucket = host_bucket.map(|name| BucketName::parse(&name).unwrap());
        if let (Ok(query), Ok(target)) = (Query::parse(&query), Target::from_path(host_bucket, &path)) {
            let request = Request { method: &method, target: target.clone(), query: &query, headers: &headers };
            match Operation::parse(&request) {
                Ok(operation) => {
                    prop_assert_eq!(operation.resource().bucket(), target.bucket());
                    prop_assert_eq!(operation.resource().key(), target.key());
                    prop_assert!(operation.action().starts_with("s3:"));
                }
                Err(error) => prop_assert!(matches!(error.status(), 400..=501), "{}", error.status()),
            }
        }
    }
}
