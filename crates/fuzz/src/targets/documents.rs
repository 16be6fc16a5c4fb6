//! JSON and XML: policies of AWS IAM, and the bodies of S3's requests.

use gatepass_iam::{Context, PolicyDocument, Principal, Request, evaluate};
use gatepass_protocol::s3::cors::CorsConfiguration;
use gatepass_protocol::s3::error::ErrorCode;
use gatepass_protocol::s3::xml::requests::{CompleteRequest, CreateBucketConfiguration, DeleteRequest};

use super::{Target, Verdict, texts};

/// A document that was read can be evaluated.
pub(super) const IAM_POLICY: Target = Target {
    name: "iam_policy",
    check: |input| {
        let document = match PolicyDocument::parse(input) {
            Ok(document) => document,
            Err(error) => return Verdict::refused(&std::mem::discriminant(&error)),
        };
        let context = Context::new().with("aws:SourceIp", "203.0.113.7").with("s3:signatureAge", "12");
        let principal = Principal::root("000000000000");
        let request = Request {
            principal: &principal,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::b/key",
            context: &context,
        };
        Verdict::accepted_as(&evaluate(&request, &[], Some(&document)).is_allowed())
    },
    words: &[
        "\"Version\":\"2012-10-17\"",
        "\"Statement\":",
        "\"Effect\":\"Deny\"",
        "\"Effect\":\"Allow\"",
        "\"Principal\":\"*\"",
        "\"Action\":\"s3:*\"",
        "\"NotAction\":",
        "\"Resource\":",
        "\"NotResource\":",
        "\"Condition\":",
        "\"IpAddress\":",
        "\"NumericGreaterThan\":",
        "\"StringLikeIfExists\":",
        "\"ForAnyValue:StringEquals\":",
        "\"DateLessThan\":",
        "\"aws:SourceIp\":\"203.0.113.0/24\"",
        "\"s3:signatureAge\":\"600000\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        "null",
        "*",
        "?",
    ],
    seeds: || {
        texts(&[
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}}"#,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"000000000000"},"NotAction":["s3:GetObject"],"Resource":"*","Condition":{"NumericGreaterThan":{"s3:signatureAge":"600000"},"IpAddress":{"aws:SourceIp":["203.0.113.0/24"]}}}]}"#,
        ])
    },
};

macro_rules! xml_body {
    ($constant:ident, $name:literal, $parse:expr, $words:expr, $seeds:expr) => {
        /// A body is understood, or refused with an error that S3 has.
        pub(super) const $constant: Target = Target {
            name: $name,
            check: |input| {
                let parse = $parse;
                match parse(input) {
                    Ok(()) => Verdict::accepted(),
                    Err(code) => Verdict::refused(&code),
                }
            },
            words: $words,
            seeds: || texts($seeds),
        };
    };
}

xml_body!(
    XML_DELETE,
    "xml_delete",
    |body: &[u8]| DeleteRequest::parse(body).map(|_| ()).map_err(|error| error.code()),
    &[
        "<Delete>",
        "</Delete>",
        "<Object>",
        "</Object>",
        "<Key>",
        "</Key>",
        "<Quiet>true</Quiet>",
        "&amp;",
        "&#x0;",
        "<!DOCTYPE",
        "<![CDATA[",
        "]]>",
        "<VersionId>null</VersionId>",
        "<ETag>"
    ],
    &[
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a&amp;b</Key></Object><Quiet>true</Quiet></Delete>"
    ]
);
xml_body!(
    XML_COMPLETE,
    "xml_complete",
    |body: &[u8]| CompleteRequest::parse(body, "upload").map(|_| ()).map_err(|error| error.code()),
    &[
        "<CompleteMultipartUpload>",
        "</CompleteMultipartUpload>",
        "<Part>",
        "</Part>",
        "<PartNumber>",
        "</PartNumber>",
        "<ETag>",
        "</ETag>",
        "&quot;",
        "<ChecksumCRC32>NhCmhg==</ChecksumCRC32>"
    ],
    &[
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag></Part></CompleteMultipartUpload>"
    ]
);
xml_body!(
    XML_CREATE_BUCKET,
    "xml_create_bucket",
    |body: &[u8]| CreateBucketConfiguration::parse(body).map(|_| ()).map_err(|error| error.code()),
    &["<CreateBucketConfiguration>", "<LocationConstraint>", "</LocationConstraint>", "<Location>", "<Tags>"],
    &["<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>"]
);

/// A configuration that was read is written as one that reads the same, unless what had to be escaped has made it too long;
/// that is why the store reads what it has written before it keeps it.
pub(super) const XML_CORS: Target = Target {
    name: "xml_cors",
    check: |input| match CorsConfiguration::parse(input) {
        Ok(configuration) => {
            let written = configuration.to_xml();
            match CorsConfiguration::parse(written.as_bytes()) {
                Ok(again) => assert_eq!(again, configuration),
                Err(error) => {
                    assert!(written.len() > input.len() && error.code() == ErrorCode::MaxMessageLengthExceeded);
                }
            }
            Verdict::accepted()
        }
        Err(error) => Verdict::refused(&error.code()),
    },
    words: &[
        "<CORSRule>",
        "</CORSRule>",
        "<AllowedOrigin>",
        "</AllowedOrigin>",
        "<AllowedMethod>GET</AllowedMethod>",
        "<AllowedHeader>*</AllowedHeader>",
        "<ExposeHeader>ETag</ExposeHeader>",
        "<MaxAgeSeconds>",
        "</MaxAgeSeconds>",
        "<ID>",
        "</ID>",
        "*",
        "\r\n",
        "&#13;",
        "&lt;",
    ],
    seeds: || {
        texts(&[
            "<CORSConfiguration><CORSRule><ID>a</ID><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule></CORSConfiguration>",
        ])
    },
};
