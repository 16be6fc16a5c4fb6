//! What is pasted into `gatepass explain`.

use gatepass_doctor::error_document::ErrorDocument;
use gatepass_doctor::input;
use gatepass_doctor::url::{Input, explain};

use super::{Target, Verdict, texts};
use crate::example::now;

const SECRET: &str = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

/// Whatever is pasted, it is explained or refused by name; a signature that was pasted whole is not shown again.
pub(super) const EXPLAIN_INPUT: Target = Target {
    name: "explain_input",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        match input::read(&text) {
            Ok(exchanges) => {
                for exchange in exchanges.iter().take(2) {
                    let report = explain(&Input::new(exchange, now()));
                    let url = &exchange.request.url;
                    let query = url.split_once('?').map_or("", |(_, query)| query);
                    // Under another name, or in a path, nobody knows it for a signature.
                    if query.contains(&format!("&X-Amz-Signature={SECRET}")) && url.matches(SECRET).count() == 1 {
                        assert!(!format!("{report:?}").contains(SECRET), "a signature is shown");
                    }
                }
                Verdict::accepted_as(&exchanges.len().min(3))
            }
            Err(error) => Verdict::refused(&error),
        }
    },
    words: &[
        "curl ",
        "-X PUT ",
        "-H 'x-amz-acl: private' ",
        "--data-binary @f ",
        "-F key=a ",
        "'",
        "\"",
        "$'\\x41'",
        "\\\n",
        "-I ",
        "--url ",
        "https://bucket.s3.amazonaws.com/",
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "&amp;",
        "&X-Amz-Date=20130524T000000Z",
        "&X-Amz-Expires=86400",
        "&X-Amz-SignedHeaders=host",
        "&X-Amz-Signature=",
        "?AWSAccessKeyId=a&Expires=1&Signature=b",
        "?Expires=1&Signature=a~&Key-Pair-Id=K",
        "{\"log\":{\"entries\":[",
        "{\"request\":{\"method\":\"GET\",\"url\":\"",
        "\"headers\":[]}",
        "\"response\":{\"status\":403,\"content\":{\"text\":\"",
        "]}}",
    ],
    seeds: || {
        let url = format!(
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature={SECRET}"
        );
        texts(&[
            &url,
            &format!("curl -X PUT -H 'Content-Type: text/plain' --data-binary @a.txt \\\n  \"{url}\""),
            "https://d111111abcdef8.cloudfront.net/a.jpg?Expires=1357034400&Signature=nitfHRCrtziwO2HwPfWw~yYDhUF5EwRunQA-j19DzZr&Key-Pair-Id=K2JCJMDEHXQW5F",
            "https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D",
            &format!(
                "{{\"log\":{{\"entries\":[{{\"request\":{{\"method\":\"GET\",\"url\":\"{url}\",\"headers\":[{{\"name\":\"Host\",\"value\":\"h\"}}]}},\"response\":{{\"status\":403,\"headers\":[],\"content\":{{\"text\":\"<Error><Code>AccessDenied</Code></Error>\"}}}}}}]}}}}"
            ),
        ])
    },
};

/// An error document has a code, or is refused by name.
pub(super) const ERROR_DOCUMENT: Target = Target {
    name: "error_document",
    check: |input| {
        ErrorDocument::parse(&String::from_utf8_lossy(input))
            .map(|document| assert!(!document.code().is_empty()))
            .into()
    },
    words: &[
        "<?xml version=\"1.0\"?>",
        "<Error>",
        "</Error>",
        "<Code>",
        "</Code>",
        "<Message>",
        "</Message>",
        "SignatureDoesNotMatch",
        "<CanonicalRequest>",
        "</CanonicalRequest>",
        "<StringToSignBytes>41 57 53",
        "&amp;",
        "&#10;",
        "&#0;",
        "<!DOCTYPE a>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
    ],
    seeds: || {
        texts(&[
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><CanonicalRequest>GET\n/</CanonicalRequest><RequestId>1</RequestId></Error>",
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message><Expires>2017-07-20T04:18:45Z</Expires></Error>",
        ])
    },
};
