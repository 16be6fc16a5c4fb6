//! Requests and the operations they become.

use gatepass_protocol::s3::checksum::{ChecksumAlgorithm, ChecksumType, DeclaredChecksum};
use gatepass_protocol::s3::conditional::{DeleteCondition, WriteCondition};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::operation::{
    MetadataDirective, Operation, PAGE_MAX, PartOrRange, Request, StorageClass, Target,
};
use gatepass_signing::request::Query;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

fn parse(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Operation, S3Error> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    let method = Method::try_from(method).unwrap();
    let query = Query::parse(query).unwrap();
    Operation::parse(&Request { method: &method, target: Target::from_path(None, path)?, query: &query, headers: &map })
}

fn code(method: &str, target: &str, headers: &[(&str, &str)]) -> &'static str {
    parse(method, target, headers).unwrap_err().code().as_str()
}

#[test]
fn method_target_and_sub_resource_choose_the_operation() {
    let table = [
        ("GET", "/", "ListBuckets", "s3:ListAllMyBuckets", "arn:aws:s3:::*"),
        ("PUT", "/bkt", "CreateBucket", "s3:CreateBucket", "arn:aws:s3:::bkt"),
        ("HEAD", "/bkt", "HeadBucket", "s3:ListBucket", "arn:aws:s3:::bkt"),
        ("DELETE", "/bkt", "DeleteBucket", "s3:DeleteBucket", "arn:aws:s3:::bkt"),
        ("GET", "/bkt?location", "GetBucketLocation", "s3:GetBucketLocation", "arn:aws:s3:::bkt"),
        ("PUT", "/bkt?cors", "PutBucketCors", "s3:PutBucketCORS", "arn:aws:s3:::bkt"),
        ("GET", "/bkt?cors", "GetBucketCors", "s3:GetBucketCORS", "arn:aws:s3:::bkt"),
        ("DELETE", "/bkt?cors", "DeleteBucketCors", "s3:PutBucketCORS", "arn:aws:s3:::bkt"),
        ("GET", "/bkt", "ListObjects", "s3:ListBucket", "arn:aws:s3:::bkt"),
        ("GET", "/bkt/?list-type=2", "ListObjectsV2", "s3:ListBucket", "arn:aws:s3:::bkt"),
        ("GET", "/bkt?uploads", "ListMultipartUploads", "s3:ListBucketMultipartUploads", "arn:aws:s3:::bkt"),
        ("POST", "/bkt?delete", "DeleteObjects", "s3:DeleteObject", "arn:aws:s3:::bkt"),
        ("GET", "/bkt/k?x-id=GetObject", "GetObject", "s3:GetObject", "arn:aws:s3:::bkt/k"),
        ("HEAD", "/bkt/k", "HeadObject", "s3:GetObject", "arn:aws:s3:::bkt/k"),
        ("PUT", "/bkt/k", "PutObject", "s3:PutObject", "arn:aws:s3:::bkt/k"),
        ("DELETE", "/bkt/k", "DeleteObject", "s3:DeleteObject", "arn:aws:s3:::bkt/k"),
        ("POST", "/bkt/k?uploads=", "CreateMultipartUpload", "s3:PutObject", "arn:aws:s3:::bkt/k"),
        ("PUT", "/bkt/k?uploadId=u&partNumber=1", "UploadPart", "s3:PutObject", "arn:aws:s3:::bkt/k"),
        ("POST", "/bkt/k?uploadId=u", "CompleteMultipartUpload", "s3:PutObject", "arn:aws:s3:::bkt/k"),
        ("DELETE", "/bkt/k?uploadId=u", "AbortMultipartUpload", "s3:AbortMultipartUpload", "arn:aws:s3:::bkt/k"),
        ("GET", "/bkt/k?uploadId=u", "ListParts", "s3:ListMultipartUploadParts", "arn:aws:s3:::bkt/k"),
    ];
    for (method, target, name, action, resource) in table {
        let operation = parse(method, target, &[]).unwrap();
        let found = (operation.name(), operation.action(), operation.resource().to_string());
        assert_eq!(found, (name, action, resource.to_owned()), "{method} {target}");
    }
    let copy = parse("PUT", "/bkt/k", &[("x-amz-copy-source", "/src/a%20b")]).unwrap();
    assert_eq!(copy.name(), "CopyObject");
    assert!(copy.condition_keys().contains(&("s3:x-amz-copy-source".into(), "src/a b".to_owned())));
}

#[test]
fn other_methods_are_refused_with_what_is_allowed() {
    for (method, target, resource) in [
        ("PUT", "/", "SERVICE"),
        ("POST", "/bkt", "BUCKET"),
        ("PATCH", "/bkt/k", "OBJECT"),
        ("POST", "/bkt/k", "OBJECT"),
        ("PUT", "/bkt/k?cors", "OBJECT"),
        ("GET", "/bkt/k?uploads", "OBJECT"),
        ("PUT", "/bkt?uploads", "BUCKET"),
        ("HEAD", "/bkt/k?uploadId=u", "UPLOAD"),
        ("DELETE", "/bkt?acl", "BUCKET"),
        ("PUT", "/bkt?policyStatus", "BUCKET"),
        ("PUT", "/bkt/k?policy", "OBJECT"),
        ("DELETE", "/bkt/k?retention", "OBJECT"),
    ] {
        let error = parse(method, target, &[]).unwrap_err();
        assert_eq!((error.status(), error.code().as_str()), (405, "MethodNotAllowed"), "{method} {target}");
        assert_eq!(error.elements(), [("Method", method.to_owned()), ("ResourceType", resource.to_owned())]);
        assert!(error.headers().iter().any(|(name, _)| *name == "allow"));
    }
}

#[test]
fn what_s3_has_and_this_store_has_not_is_501_and_never_ignored() {
    for target in ["/bkt?website", "/bkt?encryption", "/bkt/k?select&select-type=2"] {
        let error = parse("PUT", target, &[]).unwrap_err();
        assert_eq!((error.status(), error.code().as_str()), (501, "NotImplemented"), "{target}");
    }
    for (name, value) in [
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        ("x-amz-website-redirect-location", "/x"),
        ("x-amz-write-offset-bytes", "1"),
        ("x-amz-storage-class", "GLACIER"),
    ] {
        let error = parse("PUT", "/bkt/k", &[(name, value)]).unwrap_err();
        assert_eq!(error.status(), 501, "{name}");
        assert_eq!(error.message(), "A header you provided implies functionality that is not implemented");
        assert_eq!(error.element("Header"), Some(name));
    }
    assert_eq!(code("POST", "/bkt", &[("content-type", "multipart/form-data; boundary=x")]), "MethodNotAllowed");
}

#[test]
fn a_copy_source_in_the_query_writes_nothing() {
    assert_eq!(code("PUT", "/bkt/k?X-Amz-Copy-Source=a%2Fb", &[]), "NotImplemented");
}

#[test]
fn ambiguous_requests_are_refused() {
    assert_eq!(code("GET", "/bkt?prefix=a&prefix=b", &[]), "InvalidArgument");
    assert_eq!(code("GET", "/bkt?cors&location", &[]), "InvalidArgument");
    assert_eq!(code("GET", "/bkt/k", &[("range", "bytes=0-1"), ("range", "bytes=2-3")]), "InvalidArgument");
    assert_eq!(code("PUT", "/bkt/k?partNumber=1", &[]), "InvalidArgument");
    assert_eq!(code("PUT", "/bkt/k?versionId=null", &[]), "InvalidArgument");
    assert_eq!(code("GET", "/bkt/k?versionId=3", &[]), "InvalidArgument");
    assert!(parse("GET", "/bkt/k?versionId=null", &[]).is_ok());
}

#[test]
fn a_second_line_of_a_header_that_decides_a_write_is_refused() {
    let complete = "/bkt/k?uploadId=u";
    for (method, target, name, lines) in [
        ("PUT", "/bkt/k", "if-none-match", ["*", "*"]),
        ("PUT", "/bkt/k", "if-match", ["\"a\"", "\"b\""]),
        ("POST", complete, "if-match", ["\"a\"", "\"b\""]),
        ("DELETE", "/bkt/k", "if-match", ["*", "\"b\""]),
        ("PUT", "/bkt/k", "content-md5", ["1B2M2Y8AsgTpgAmY7PhCfg==", "AAAAAAAAAAAAAAAAAAAAAA=="]),
        ("PUT", "/bkt/k", "x-amz-trailer", ["x-amz-checksum-crc32", "x-amz-checksum-crc32c"]),
        ("PUT", "/bkt/k", "x-amz-sdk-checksum-algorithm", ["CRC32", "CRC32C"]),
    ] {
        let crc = ("x-amz-checksum-crc32", "AAAAAA==");
        let mut headers = vec![(name, lines[0]), (name, lines[1])];
        headers.extend((name == "x-amz-sdk-checksum-algorithm").then_some(crc));
        let error = parse(method, target, &headers).unwrap_err();
        let found = (error.code().as_str(), error.element("ArgumentName"));
        assert_eq!(found, ("InvalidArgument", Some(name)), "{method} {target}");
    }
}

#[test]
fn pages_are_bounded_and_their_lengths_checked() {
    let length = |max: &str| match parse("GET", &format!("/bkt?max-keys={max}"), &[]) {
        Ok(Operation::ListObjects(list)) => list.max_keys,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (length(""), length("0"), length("999"), length("1000"), length("1001")),
        (PAGE_MAX, 0, 999, 1000, 1000)
    );
    for bad in ["a", "-1", "2147483648", "1.5"] {
        assert_eq!(code("GET", &format!("/bkt?max-keys={bad}"), &[]), "InvalidArgument", "{bad}");
    }
    for (max, good) in [("0", false), ("1", true), ("10000", true), ("10001", false)] {
        assert_eq!(parse("GET", &format!("/?max-buckets={max}"), &[]).is_ok(), good, "{max}");
    }
    assert_eq!(code("GET", "/bkt?encoding-type=x", &[]), "InvalidArgument");
    assert_eq!(code("GET", "/bkt?list-type=3", &[]), "InvalidArgument");
    assert_eq!(code("GET", "/bkt?list-type=2&continuation-token=", &[]), "InvalidArgument");
}

#[test]
fn an_upload_marker_is_an_id_of_an_upload() {
    let marker = |target: &str| {
        parse("GET", target, &[]).map(|operation| match operation {
            Operation::ListMultipartUploads(list) => list.upload_id_marker,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(marker("/bkt?uploads&key-marker=k&upload-id-marker=abc"), Ok(Some("abc".to_owned())));
    assert_eq!(marker("/bkt?uploads&key-marker=k&upload-id-marker="), Ok(None));
    let error = marker("/bkt?uploads&key-marker=k&upload-id-marker=!!!").unwrap_err();
    assert_eq!((error.status(), error.message()), (400, "Invalid uploadId marker"));
    assert_eq!(
        error.elements(),
        [("ArgumentName", "upload-id-marker".to_owned()), ("ArgumentValue", "!!!".to_owned())]
    );
    // Without a key marker it is ignored, whatever it is.
    assert_eq!(marker("/bkt?uploads&upload-id-marker=!!!"), Ok(None));
}

#[test]
fn lists_take_their_parameters_decoded() {
    let Ok(Operation::ListObjectsV2(list)) = parse(
        "GET",
        "/bkt?list-type=2&prefix=a%2Bb+c&delimiter=%2F&start-after=x&encoding-type=url&fetch-owner=true",
        &[],
    ) else {
        panic!("no list")
    };
    assert_eq!(
        (list.prefix.as_str(), list.delimiter.as_deref(), list.start_after.as_deref()),
        ("a+b c", Some("/"), Some("x"))
    );
    let keys = Operation::ListObjectsV2(list).condition_keys();
    assert!(
        keys.contains(&("s3:prefix".into(), "a+b c".to_owned()))
            && keys.contains(&("s3:delimiter".into(), "/".to_owned()))
    );
}

#[test]
fn a_part_and_a_range_exclude_each_other() {
    let piece = |target: &str, headers: &[(&str, &str)]| match parse("GET", target, headers) {
        Ok(Operation::GetObject(get)) => get.piece,
        other => panic!("{other:?}"),
    };
    assert_eq!(piece("/bkt/k", &[]), PartOrRange::Whole);
    assert_eq!(piece("/bkt/k", &[("range", "bytes=0-1,5-6")]), PartOrRange::Whole);
    assert!(matches!(piece("/bkt/k", &[("range", "bytes=0-1")]), PartOrRange::Range { .. }));
    assert!(matches!(piece("/bkt/k?partNumber=2", &[]), PartOrRange::Part(part) if part.get() == 2));
    assert_eq!(code("GET", "/bkt/k?partNumber=2", &[("range", "bytes=0-1")]), "InvalidRequest");
    assert_eq!(code("GET", "/bkt/k?partNumber=0", &[]), "InvalidArgument");
}

#[test]
fn access_control_lists_are_off() {
    for good in ["private", "bucket-owner-full-control"] {
        assert!(parse("PUT", "/bkt/k", &[("x-amz-acl", good)]).is_ok());
    }
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-acl", "public-read")]), "AccessControlListNotSupported");
    assert_eq!(code("PUT", "/bkt/k?x-amz-acl=public-read", &[]), "AccessControlListNotSupported");
    for (name, value) in [("x-amz-acl", "public-read"), ("x-amz-grant-read", "id=1")] {
        assert_eq!(code("PUT", "/bkt", &[(name, value)]), "InvalidBucketAclWithObjectOwnership");
    }
    assert_eq!(code("PUT", "/bkt", &[("x-amz-acl", "mine")]), "InvalidArgument");
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-grant-read", "id=1")]), "AccessControlListNotSupported");
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-acl", "mine")]), "InvalidArgument");
}

fn put(target: &str, headers: &[(&str, &str)]) -> gatepass_protocol::s3::operation::PutObject {
    match parse("PUT", target, headers) {
        Ok(Operation::PutObject(put)) => put,
        other => panic!("{other:?}"),
    }
}

#[test]
fn metadata_may_stand_in_the_query_and_the_header_wins() {
    let put = put(
        "/bkt/k?X-Amz-Meta-A=query&x-amz-meta-b=both&x-amz-storage-class=STANDARD_IA",
        &[("x-amz-meta-b", "header"), ("content-encoding", "aws-chunked,gzip"), ("content-type", "text/plain")],
    );
    assert_eq!(put.headers.metadata["a"], "query");
    assert_eq!(put.headers.metadata["b"], "header");
    assert_eq!(put.headers.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(put.storage_class, StorageClass::StandardIa);
    assert_eq!(code("PUT", "/bkt/k?x-amz-meta-a=x%0D%0Ay:z", &[]), "InvalidArgument");
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-storage-class", "TAPE")]), "InvalidStorageClass");
}

#[test]
fn user_metadata_has_2_kib() {
    let with = |bytes: usize| parse("PUT", "/bkt/k", &[("x-amz-meta-a", &"v".repeat(bytes - 1))]);
    assert!(with(2048).is_ok());
    let error = with(2049).unwrap_err();
    assert_eq!(
        (error.code().as_str(), error.element("Size"), error.element("MaxSizeAllowed")),
        ("MetadataTooLarge", Some("2049"), Some("2048"))
    );
}

#[test]
fn response_overrides_cannot_split_a_header() {
    assert!(parse("GET", "/bkt/k?response-content-disposition=attachment%3B%20filename%3D%22%C3%A9%22", &[]).is_ok());
    for bad in ["a%0D%0Ax:y", "a%00", "%E2%82%AC"] {
        let error = parse("GET", &format!("/bkt/k?response-content-type={bad}"), &[]).unwrap_err();
        assert_eq!(error.element("ArgumentName"), Some("response-content-type"), "{bad}");
    }
}

#[test]
fn writes_have_one_of_two_conditions() {
    let condition = |headers: &[(&str, &str)]| {
        parse("PUT", "/bkt/k", headers).map(|operation| match operation {
            Operation::PutObject(put) => put.condition,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(condition(&[("if-none-match", "*")]), Ok(WriteCondition::IfAbsent));
    assert!(matches!(condition(&[("if-match", "\"abc\"")]), Ok(WriteCondition::IfMatches(_))));
    for (headers, element) in [
        (&[("if-none-match", "\"abc\"")][..], "If-None-Match"),
        (&[("if-match", "*")], "If-Match"),
        (&[("if-match", "a"), ("if-none-match", "*")], "If-Match,If-None-Match"),
    ] {
        let error = condition(headers).unwrap_err();
        assert_eq!((error.status(), error.element("Header")), (501, Some(element)));
        assert!(error.element("additionalMessage").is_some());
    }
    let delete = parse("DELETE", "/bkt/k", &[("if-match", "*")]).unwrap();
    assert!(matches!(delete, Operation::DeleteObject(delete) if delete.condition == DeleteCondition::IfPresent));
}

#[test]
fn a_copy_needs_a_change_where_it_copies_onto_itself() {
    let onto_itself = ("x-amz-copy-source", "bkt/k");
    assert_eq!(code("PUT", "/bkt/k", &[onto_itself]), "InvalidRequest");
    assert_eq!(code("PUT", "/bkt/k", &[onto_itself, ("x-amz-metadata-directive", "MOVE")]), "InvalidArgument");
    for change in [("x-amz-storage-class", "STANDARD"), ("x-amz-checksum-algorithm", "SHA256")] {
        assert!(parse("PUT", "/bkt/k", &[onto_itself, change]).is_ok(), "{change:?}");
    }
    let Ok(Operation::CopyObject(copy)) = parse(
        "PUT",
        "/bkt/k",
        &[
            onto_itself,
            ("x-amz-metadata-directive", "REPLACE"),
            ("content-type", "a/b"),
            ("x-amz-copy-source-if-match", "\"e\""),
        ],
    ) else {
        panic!("no copy")
    };
    assert!(
        matches!(copy.metadata, MetadataDirective::Replace(headers) if headers.content_type.as_deref() == Some("a/b"))
    );
    assert!(!copy.source.preconditions.is_empty());
}

#[test]
fn checksums_are_declared_once_and_legibly() {
    let crc = ("x-amz-checksum-crc32", "AAAAAA==");
    let value = put("/bkt/k", &[crc, ("x-amz-sdk-checksum-algorithm", "CRC32")]).integrity.checksum;
    assert_eq!(value.map(|checksum| checksum.algorithm()), Some(ChecksumAlgorithm::Crc32));
    let trailer = put("/bkt/k", &[("x-amz-trailer", "x-amz-checksum-crc64nvme")]).integrity.checksum;
    assert_eq!(trailer, Some(DeclaredChecksum::Trailer(ChecksumAlgorithm::Crc64Nvme)));
    // A checksum that a presigner moved into the query has no effect, wrong as it is.
    assert_eq!(
        put("/bkt/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32", &[]).integrity.checksum,
        None
    );
    let message = |headers: &[(&str, &str)]| {
        let error = parse("PUT", "/bkt/k", headers).unwrap_err();
        format!("{} {}", error.status(), error.message())
    };
    for headers in [
        &[crc, ("x-amz-checksum-sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")][..],
        &[crc, ("x-amz-trailer", "x-amz-checksum-crc32")],
    ] {
        assert_eq!(
            message(headers),
            "400 Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        );
    }
    for bad in ["", "AAAA", "AAAAAAA=", "%%", "AAAAAA==-2"] {
        assert_eq!(
            message(&[("x-amz-checksum-crc32", bad)]),
            "400 Value for x-amz-checksum-crc32 header is invalid.",
            "{bad}"
        );
    }
    assert_eq!(
        message(&[("x-amz-trailer", "x-amz-meta-a")]),
        "400 The value specified in the x-amz-trailer header is not supported"
    );
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-sdk-checksum-algorithm", "CRC32")]), "InvalidRequest");
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-checksum-sha512", "AA==")]), "InvalidRequest");
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-checksum-rot13", "AA==")]), "InvalidRequest");
    let error = parse("PUT", "/bkt/k", &[("content-md5", "AAAA")]).unwrap_err();
    assert_eq!((error.code().as_str(), error.element("Content-MD5")), ("InvalidDigest", Some("AAAA")));
}

#[test]
fn multipart_checksums_have_a_type_that_fits() {
    let checksum = |headers: &[(&str, &str)]| {
        parse("POST", "/bkt/k?uploads", headers).map(|operation| match operation {
            Operation::CreateMultipartUpload(create) => create.checksum,
            other => panic!("{other:?}"),
        })
    };
    let algorithm = |name| ("x-amz-checksum-algorithm", name);
    let of = |name| ("x-amz-checksum-type", name);
    assert_eq!(checksum(&[]), Ok(None));
    assert_eq!(checksum(&[algorithm("CRC32")]), Ok(Some((ChecksumAlgorithm::Crc32, ChecksumType::Composite))));
    assert_eq!(checksum(&[algorithm("CRC64NVME")]), Ok(Some((ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject))));
    assert_eq!(
        checksum(&[algorithm("CRC32C"), of("FULL_OBJECT")]),
        Ok(Some((ChecksumAlgorithm::Crc32c, ChecksumType::FullObject)))
    );
    for bad in [
        &[of("COMPOSITE")][..],
        &[algorithm("SHA256"), of("FULL_OBJECT")],
        &[algorithm("CRC64NVME"), of("COMPOSITE")],
        &[algorithm("CRC32"), of("X")],
    ] {
        assert_eq!(checksum(bad).unwrap_err().code().as_str(), "InvalidRequest", "{bad:?}");
    }
}

#[test]
fn another_expected_owner_is_denied() {
    let query = Query::default();
    for name in ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"] {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("000000000000"));
        let request = Request { method: &Method::GET, target: Target::Service, query: &query, headers: &headers };
        assert_eq!(request.check_expected_bucket_owner("000000000000"), Ok(()));
        assert_eq!(request.check_expected_bucket_owner("111111111111").unwrap_err().status(), 403);
    }
}

#[test]
fn settings_have_the_names_and_actions_of_aws() {
    for (method, target, name, action) in [
        ("PUT", "/bkt?policy", "PutBucketPolicy", "s3:PutBucketPolicy"),
        ("DELETE", "/bkt?policy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy"),
        ("GET", "/bkt?policyStatus", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus"),
        ("DELETE", "/bkt?publicAccessBlock", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
        ("GET", "/bkt?metrics", "ListBucketMetricsConfigurations", "s3:GetMetricsConfiguration"),
        ("GET", "/bkt?metrics&id=a", "GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration"),
        ("GET", "/bkt?object-lock", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
        ("DELETE", "/bkt?lifecycle=", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
        ("DELETE", "/bkt?tagging", "DeleteBucketTagging", "s3:PutBucketTagging"),
        ("DELETE", "/bkt/k?tagging", "DeleteObjectTagging", "s3:DeleteObjectTagging"),
        ("GET", "/bkt/k?acl", "GetObjectAcl", "s3:GetObjectAcl"),
        ("PUT", "/bkt/k?legal-hold", "PutObjectLegalHold", "s3:PutObjectLegalHold"),
    ] {
        let operation = parse(method, target, &[]).unwrap();
        assert_eq!((operation.name(), operation.action()), (name, action), "{method} {target}");
        let resource = if target.starts_with("/bkt/k") { "arn:aws:s3:::bkt/k" } else { "arn:aws:s3:::bkt" };
        assert_eq!(operation.resource().to_string(), resource);
    }
}

#[test]
fn tags_of_a_request_are_condition_keys_and_count_in_headers_alone() {
    let keys = |target: &str, headers: &[(&str, &str)]| {
        let keys = parse("PUT", target, headers).unwrap().condition_keys();
        keys.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    let expected =
        ["s3:RequestObjectTag/a=1", "s3:RequestObjectTag/b=", "s3:RequestObjectTagKeys=a", "s3:RequestObjectTagKeys=b"];
    assert_eq!(keys("/bkt/k", &[("x-amz-tagging", "b&a=1")]), expected);
    let copy = [("x-amz-copy-source", "bkt/s"), ("x-amz-tagging-directive", "REPLACE"), ("x-amz-tagging", "b&a=1")];
    assert_eq!(keys("/bkt/k", &copy)[2..], expected);
    assert_eq!(keys("/bkt/k?x-amz-tagging=a%3D1", &[]), [""; 0]);
    assert_eq!(code("PUT", "/bkt/k", &[("x-amz-tagging", "a=1&a=2")]), "InvalidArgument");
    assert_eq!(code("PUT", "/bkt/k", &[copy[0], ("x-amz-tagging-directive", "MERGE")]), "InvalidArgument");
}

#[test]
fn a_part_may_be_copied_from_a_range_that_names_both_its_ends() {
    let range = |range: &str| {
        let headers = [("x-amz-copy-source", "src-bkt/a%20b"), ("x-amz-copy-source-range", range)];
        parse("PUT", "/bkt/k?uploadId=u&partNumber=7", &headers)
    };
    let Ok(Operation::UploadPartCopy(copy)) = range("bytes=3-9") else { panic!("not a copy of a part") };
    assert_eq!((copy.source.key.as_str(), copy.part_number.get()), ("a b", 7));
    assert_eq!(copy.range.as_ref().unwrap().within(10), Ok((3, 7)));
    let error = copy.range.unwrap().within(9).unwrap_err();
    assert_eq!(error.message(), "Range specified is not valid for source object of size: 9");
    for malformed in ["bytes=3-", "bytes=-3", "bytes=9-3", "bytes=3-9,11-12", "3-9", "bytes=a-b", "bytes=+3-9", ""] {
        let error = range(malformed).unwrap_err();
        assert_eq!(error.element("ArgumentName"), Some("x-amz-copy-source-range"), "{malformed}");
    }
    let alone = parse("PUT", "/bkt/k?uploadId=u&partNumber=7", &[("x-amz-copy-source-range", "bytes=0-1")]);
    assert_eq!(alone.unwrap_err().code().as_str(), "InvalidArgument");
}

#[test]
fn attributes_are_a_list_of_names() {
    let ask = |headers: &[(&str, &str)]| match parse("GET", "/bkt/k?attributes", headers) {
        Ok(Operation::GetObjectAttributes(asked)) => Ok(asked),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err((error.code().as_str(), error.element("ArgumentValue").map(str::to_owned))),
    };
    let asked =
        ask(&[("x-amz-object-attributes", "ETag, ObjectParts,Checksum"), ("x-amz-object-attributes", "ObjectSize")]);
    assert_eq!(asked.unwrap().attributes.len(), 4);
    assert_eq!(ask(&[]), Err(("InvalidRequest", None)));
    assert_eq!(ask(&[("x-amz-object-attributes", "ETag,etag")]), Err(("InvalidArgument", Some("etag".to_owned()))));
    let paged = |max: &str, marker: &str| {
        let page = [("x-amz-max-parts", max), ("x-amz-part-number-marker", marker)];
        ask(&[&[("x-amz-object-attributes", "ObjectParts")], page.as_slice()].concat())
    };
    let page = paged("2000", "3").unwrap();
    assert_eq!((page.max_parts, page.part_number_marker), (1000, 3));
    assert!(paged("-1", "0").is_err() && paged("1", "x").is_err());
}
