//! What stands in the head of a request to S3 and STS.

use gatepass_protocol::s3::checksum::BodyIntegrity;
use gatepass_protocol::s3::conditional::{DeleteCondition, IfRange, Preconditions, WriteCondition};
use gatepass_protocol::s3::date::{http_date, parse_condition_date};
use gatepass_protocol::s3::names::Etag;
use gatepass_protocol::s3::object_headers::ObjectHeaders;
use gatepass_protocol::s3::operation::{Operation, Request, Target as S3Target};
use gatepass_protocol::s3::range::ByteRange;
use gatepass_protocol::sts::Action;
use gatepass_signing::request::Query;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{Target, Verdict, texts};

/// `METHOD /path?query` and headers become an operation or a named error, and an operation has a resource and an action.
pub(super) const OPERATION: Target = Target {
    name: "operation",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        let (line, headers) = text.split_once('\n').unwrap_or((&text, ""));
        let (method, target) = line.split_once(' ').unwrap_or((line, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Ok(method) = Method::from_bytes(method.as_bytes()) else { return Verdict::refused(&"method") };
        let Ok(query) = Query::parse(query) else { return Verdict::refused(&"query") };
        let headers = header_map(headers);
        let target = match S3Target::from_path(None, path) {
            Ok(target) => target,
            Err(error) => return Verdict::refused(&error.code()),
        };
        match Operation::parse(&Request { method: &method, target, query: &query, headers: &headers }) {
            Ok(operation) => {
                assert!(operation.action().starts_with("s3:"), "{operation:?}");
                let _ = (operation.resource().to_string(), operation.condition_keys());
                let _ = ObjectHeaders::from_request(&headers, &query);
                Verdict::accepted_as(&operation.name())
            }
            Err(error) => Verdict::refused(&error.code()),
        }
    },
    words: &[
        "GET ",
        "PUT ",
        "POST ",
        "DELETE ",
        "HEAD ",
        "/bucket",
        "/bucket/key",
        "?cors",
        "?location",
        "?uploads",
        "?delete",
        "&uploadId=abc",
        "&partNumber=1",
        "&list-type=2",
        "&prefix=a",
        "&delimiter=/",
        "&max-keys=1000",
        "&versionId=null",
        "&encoding-type=url",
        "&acl",
        "&tagging",
        "&policy",
        "\nx-amz-copy-source: /b/k",
        "\nrange: bytes=0-1",
        "\nif-none-match: *",
        "\nx-amz-acl: private",
        "\nx-amz-tagging: a=b",
        "\nx-amz-storage-class: STANDARD",
    ],
    seeds: || {
        texts(&[
            "GET /",
            "GET /bucket?list-type=2&prefix=a",
            "GET /bucket/key?partNumber=1\nrange: bytes=0-1",
            "PUT /bucket/key\nx-amz-copy-source: /bucket/other%20key",
            "PUT /bucket/key?partNumber=1&uploadId=0123456789abcdef",
            "POST /bucket?delete",
            "POST /bucket/key?uploads",
            "DELETE /bucket/key\nif-match: \"x\"",
            "PUT /bucket?cors",
        ])
    },
};

/// A range that resolves lies within the object.
pub(super) const RANGE: Target = Target {
    name: "range",
    check: |input| {
        let Some(range) = ByteRange::parse(&String::from_utf8_lossy(input)) else {
            return Verdict::refused(&"ignored");
        };
        for size in [0, 1, 2, 5, 1000, u64::MAX] {
            if let Ok(resolved) = range.resolve(size) {
                assert!(resolved.first() <= resolved.last() && resolved.last() < size, "{range:?} of {size}");
                assert!(resolved.len() >= 1 && resolved.len() <= size);
            }
        }
        Verdict::accepted_as(&std::mem::discriminant(&range))
    },
    words: &["bytes=", "-", "0-0", ",", " ", "items="],
    seeds: || texts(&["bytes=0-4", "bytes=5-", "bytes=-5", "Bytes = 0 - 18446744073709551616"]),
};

/// A moment that was read is written as HTTP writes it, and read again as the same second.
pub(super) const DATE: Target = Target {
    name: "date",
    check: |input| {
        let Some(at) = parse_condition_date(&String::from_utf8_lossy(input)) else {
            return Verdict::refused(&"no date");
        };
        // RFC 9110's form has years of four digits.
        let written = http_date(at);
        if (0..=253_402_300_799).contains(&at.as_second()) {
            let again = parse_condition_date(&written).expect("what was written can be read");
            assert_eq!(again.as_second(), at.as_second() - i64::from(at.subsec_nanosecond() < 0), "{written}");
        }
        Verdict::accepted()
    },
    words: &[
        "Wed, ",
        "21 Oct 2015",
        "07:28:00",
        " GMT",
        "Sunday, ",
        "06-Nov-94",
        "Nov  6",
        "T",
        "Z",
        "+01:00",
        "23:59:60",
    ],
    seeds: || {
        texts(&[
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "2015-10-21T07:28:00Z",
            "2015-10-21T07:28:00.5+02:00",
        ])
    },
};

/// Conditions never panic, and an entity tag that was read is written the same.
pub(super) const CONDITIONS: Target = Target {
    name: "conditions",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        let headers = header_map(&text);
        if let Some(etag) = Etag::parse(&text) {
            assert_eq!(Etag::parse(&etag.quoted()), Some(etag));
        }
        let reads = Preconditions::from_headers(&headers);
        let _ =
            (reads.is_empty(), IfRange::from_headers(&headers), Preconditions::for_copy_source(&headers).is_empty());
        match (WriteCondition::from_headers(&headers), DeleteCondition::from_headers(&headers)) {
            (Ok(_), Ok(_)) => Verdict::accepted_as(&reads.is_empty()),
            (Err(error), _) | (_, Err(error)) => Verdict::refused(&error.code()),
        }
    },
    words: &[
        "if-match: ",
        "if-none-match: ",
        "if-modified-since: ",
        "if-unmodified-since: ",
        "if-range: ",
        "*",
        "\"",
        "W/",
        ", ",
        "\n",
    ],
    seeds: || {
        texts(&[
            "if-match: \"d41d8cd98f00b204e9800998ecf8427e\"\nif-modified-since: Wed, 21 Oct 2015 07:28:00 GMT",
            "if-none-match: *",
            "if-none-match: W/\"a\", \"b\"\nif-range: \"c\"",
            "if-match: \"a\"\nif-none-match: \"a\"",
        ])
    },
};

/// Checksum headers are one checksum, none, or an error.
pub(super) const CHECKSUM_HEADERS: Target = Target {
    name: "checksum_headers",
    check: |input| match BodyIntegrity::from_headers(&header_map(&String::from_utf8_lossy(input))) {
        Ok(integrity) => {
            let _ = integrity.check_body(b"hello");
            Verdict::accepted_as(&(
                integrity.content_md5.is_some(),
                integrity.checksum.map(|declared| declared.algorithm()),
            ))
        }
        Err(error) => Verdict::refused(&error.code()),
    },
    words: &[
        "x-amz-checksum-crc32: ",
        "x-amz-checksum-crc32c: ",
        "x-amz-checksum-crc64nvme: ",
        "x-amz-checksum-sha1: ",
        "x-amz-checksum-sha256: ",
        "x-amz-sdk-checksum-algorithm: ",
        "x-amz-trailer: ",
        "content-md5: ",
        "CRC32",
        "SHA256",
        "NhCmhg==",
        "-2",
        "\n",
    ],
    seeds: || {
        texts(&[
            "x-amz-checksum-crc32: NhCmhg==\nx-amz-sdk-checksum-algorithm: CRC32",
            "x-amz-trailer: x-amz-checksum-crc64nvme",
            "content-md5: XUFAKrxLKna5cZ2REBfFkg==",
            "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ])
    },
};

/// A form of STS names a known action or is refused.
pub(super) const STS_FORM: Target = Target {
    name: "sts_form",
    check: |input| match Action::parse(&String::from_utf8_lossy(input)) {
        Ok(_) => Verdict::accepted(),
        Err(error) => {
            let document = error.to_xml("request");
            assert!(!document.contains("<script") && document.starts_with('<'), "{document}");
            Verdict::refused(&error.code())
        }
    },
    words: &["Action=", "GetCallerIdentity", "&Version=", "2011-06-15", "%3D", "+", "<script>", "&amp;", "]]>"],
    seeds: || texts(&["Action=GetCallerIdentity&Version=2011-06-15", "Version=2011-06-15&Action=%3Cscript%3E"]),
};

/// `name: value` lines as the map that an HTTP server makes; what no server lets through is left out.
fn header_map(lines: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines.split('\n').filter_map(|line| line.split_once(": ")).take(100) {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            headers.append(name, value);
        }
    }
    headers
}
