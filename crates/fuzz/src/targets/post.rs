//! Browser forms: the policy and the fields under it.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::post_form::{Boundary, FieldReader};
use gatepass_signing::address::{AddressingStyle, Endpoint};
use gatepass_signing::post_policy::verify::{self, Form, PostPresented};
use gatepass_signing::post_policy::{KeyRule, PolicyText, PostPolicy, SizeRange, UploadTarget};
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::verify::{Expectations, Scheme, Schemes, Service};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use super::{Target, Verdict};
use crate::example::{credentials, now, region};

static KEYS: LazyLock<KeyCache> = LazyLock::new(KeyCache::new);
static EXPECTATIONS: LazyLock<Expectations> = LazyLock::new(|| {
    let mut expectations = Expectations::new(region(), Service::S3);
    expectations.schemes = Schemes::default().with(Scheme::SigV2);
    expectations
});

/// Any document may be signed: one is signed here as it is, so that everything behind the signature is reached. What gets
/// through lies in the bucket, and the sizes are in order.
pub(super) const POST_DOCUMENT: Target = Target {
    name: "post_document",
    check: |input| {
        let policy = STANDARD.encode(input);
        let mut form = Form::new("bucket");
        let mut fields = vec![("key", "users/7/a.png"), ("Content-Type", "image/png"), ("x-amz-meta-a", "b")];
        fields.extend([
            ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
            ("x-amz-credential", "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"),
            ("x-amz-date", "20130524T000000Z"),
        ]);
        let signature = SIGNER.sign(policy.as_bytes());
        fields.extend([("policy", policy.as_str()), ("x-amz-signature", signature.as_str())]);
        for (name, value) in fields {
            if let Err(refusal) = form.push(name, value) {
                return Verdict::refused(&refusal.reason());
            }
        }
        form.file(Some("cat.png"));
        check(&form, |upload_bucket| assert_eq!(upload_bucket, "bucket"))
    },
    words: DOCUMENT_WORDS,
    seeds: || form_seeds().into_iter().map(|form| policy_of(&form)).collect(),
};

/// `name: value` lines are fields. What gets through carries a policy that was signed, and its key is one that it allows.
pub(super) const POST_FORM: Target = Target {
    name: "post_form",
    check: |input| {
        let text = String::from_utf8_lossy(input);
        let mut form = Form::new("bucket");
        let mut policy = None;
        for (name, value) in text.split('\n').filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("policy") {
                policy = Some(value);
            }
            if let Err(refusal) = form.push(name, value) {
                return Verdict::refused(&refusal.reason());
            }
        }
        form.file(Some("cat.png"));
        check(&form, |_| assert!(SIGNED_POLICIES.iter().any(|signed| Some(signed.as_str()) == policy), "never signed"))
    },
    words: &[
        "key: ",
        "users/7/",
        "${filename}",
        "\nContent-Type: image/png",
        "\nContent-Type: image/png,text/html",
        "\nbucket: other",
        "\nx-ignore-me: 1",
        "\nacl: public-read",
        "\nsuccess_action_status: 201",
        "\nfile: ",
        "\nAWSAccessKeyId: AKIAIOSFODNN7EXAMPLE",
        "\nsignature: ",
        "\npolicy: ",
        "\nx-amz-signature: ",
        "\nx-amz-meta-a: b",
        "\nKEY: ",
        "\ntagging: <Tagging/>",
    ],
    seeds: form_seeds,
};

/// A body in pieces is the body: what is read of it does not depend on where it was cut.
pub(super) const MULTIPART_FORM: Target = Target {
    name: "multipart_form",
    check: |input| {
        let whole = read_body(std::iter::once(input));
        assert_eq!(read_body(input.chunks(1)), whole, "in single bytes");
        assert_eq!(read_body(input.chunks(7)), whole, "in pieces of seven");
        match whole {
            Ok((form, content)) => Verdict::accepted_as(&(form.len().min(400) / 20, content.len().min(3))),
            Err(code) => Verdict::refused(&code),
        }
    },
    words: &[
        "--b\r\n",
        "\r\n--b\r\n",
        "\r\n--b--",
        "\r\n--b",
        "\r\n",
        "\r",
        "Content-Disposition: form-data; name=\"",
        "\"; filename=\"",
        "\\\"",
        "\"\r\n\r\n",
        "Content-Type: a/b\r\n",
        "file",
        "key",
        ";",
    ],
    seeds: || {
        let field = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nvalue\r\n");
        let file =
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: a/b\r\n\r\n";
        let end = "content\r\n--b--\r\n";
        let forms = [
            format!("{}{file}{end}", field("key")),
            format!("preamble\r\n{}{}{file}\r\n--bb\r\n--b-{end}", field("key"), field("policy")),
            format!("{file}content\r\n{}--b--", field("key")),
            format!("{}--b--", field("key")),
        ];
        forms.map(String::into_bytes).to_vec()
    },
};

/// The form and its content, or the code of the refusal.
fn read_body<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Result<(String, Vec<u8>), ErrorCode> {
    let content_type = HeaderValue::from_static("multipart/form-data; boundary=b");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type)]);
    let boundary = Boundary::from_headers(&headers).expect("a boundary");
    let code = |error: S3Error| error.code();
    let mut fields = Some(FieldReader::new(&boundary, "bucket"));
    let mut open = None;
    let mut content = Vec::new();
    for mut piece in pieces {
        if let Some(mut reader) = fields.take() {
            let Some(before) = reader.push(piece).map_err(code)? else {
                fields = Some(reader);
                continue;
            };
            piece = &piece[before..];
            open = Some(reader.finish().map_err(code)?);
        }
        if let Some((_, file)) = &mut open {
            while let Some(bytes) = file.next(&mut piece).map_err(code)? {
                content.extend_from_slice(bytes);
            }
        }
    }
    match (fields, open) {
        (None, Some((form, file))) => file.finish().map_err(code).map(|()| (format!("{form:?}"), content)),
        (Some(reader), _) => Err(reader.finish().map(drop).map_or_else(code, |()| ErrorCode::InternalError)),
        (None, None) => Err(ErrorCode::InternalError),
    }
}

const DOCUMENT_WORDS: &[&str] = &[
    "{\"expiration\":\"2013-05-24T01:00:00Z\",",
    "\"conditions\":[",
    "]",
    "}",
    "{",
    "[",
    ",",
    "{\"bucket\":\"bucket\"}",
    "[\"eq\",\"$key\",",
    "[\"starts-with\",\"$key\",\"users/\"]",
    "[\"starts-with\",\"$Content-Type\",\"\"]",
    "[\"content-length-range\",1,1000]",
    "[\"content-length-range\",\"1\",\"1000\"]",
    "\"x-amz-date\":\"20130524T000000Z\"",
    "\\u0024",
    "\\$",
    "\\v",
    "\\ud800",
    "null",
    "true",
    "1e400",
    "\"",
    "\\\\",
    "[[[[[[[[",
    "{\"x-ignore-a\":\"\"}",
];

static SIGNED_POLICIES: LazyLock<Vec<String>> =
    LazyLock::new(|| form_seeds().iter().map(|form| STANDARD.encode(policy_of(form))).collect());

fn check(form: &Form, property: impl Fn(&str)) -> Verdict {
    let claim = match verify::parse(form, &EXPECTATIONS, now()) {
        Ok(PostPresented::Anonymous(_)) => return Verdict::refused(&"anonymous"),
        Ok(PostPresented::Signed(claim)) => claim,
        Err(refusal) => return Verdict::refused(&refusal.reason()),
    };
    match claim.verify(&KEYS, credentials().secret_key()) {
        Ok(verified) => {
            let upload = verified.upload();
            property(upload.bucket());
            assert!(!upload.key().is_empty());
            let size = upload.size_range();
            // A policy may ask for what no file can be; then none may be.
            let fits = |bytes| size.check(bytes).is_ok();
            assert!(size.min() <= size.max() || ![0, 1, size.min(), size.max()].into_iter().any(fits), "{size:?}");
            assert!(!upload.key().contains("${filename}"), "{}", upload.key());
            Verdict::accepted_as(&upload.size_range().min().min(1))
        }
        Err(refusal) => Verdict::refused(&refusal.reason()),
    }
}

fn form_seeds() -> Vec<Vec<u8>> {
    let endpoint = Endpoint::parse("http://store.test").expect("an endpoint");
    let credentials = credentials();
    let size = SizeRange::new(1, 1000).expect("a range");
    [PolicyText::Botocore, PolicyText::JavaScript]
        .map(|style| {
            let target = UploadTarget::new(&endpoint, AddressingStyle::VirtualHost, "bucket").expect("a bucket");
            let key = KeyRule::prefix("users/7/").expect("a prefix");
            let form = PostPolicy::new(&credentials, region(), target, key, size)
                .content_type("image/png", &["image/png"])
                .and_then(|policy| policy.field("x-amz-meta-a", "b"))
                .and_then(|policy| policy.text(style).sign(&KEYS, now()))
                .expect("the form can be signed");
            let lines: Vec<String> = form.expose_fields().map(|(name, value)| format!("{name}: {value}")).collect();
            lines.join("\n").into_bytes()
        })
        .to_vec()
}

fn policy_of(form: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(form);
    let policy = text.lines().find_map(|line| line.split_once("olicy: ")).expect("a form has a policy").1;
    STANDARD.decode(policy).expect("a policy is Base64")
}

static SIGNER: LazyLock<signer::Signer> = LazyLock::new(signer::Signer::new);

/// The straight chain of HMACs, since the library signs no policy that it did not write.
mod signer {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    pub(super) struct Signer(Hmac<Sha256>);

    impl Signer {
        pub(super) fn new() -> Self {
            let mut key = b"AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec();
            for part in ["20130524", "us-east-1", "s3", "aws4_request"] {
                key = hmac(&key).chain_update(part).finalize().into_bytes().to_vec();
            }
            Self(hmac(&key))
        }

        pub(super) fn sign(&self, policy: &[u8]) -> String {
            gatepass_signing::encode::hex(&self.0.clone().chain_update(policy).finalize().into_bytes())
        }
    }

    fn hmac(key: &[u8]) -> Hmac<Sha256> {
        Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
    }
}
