//! Forms for browsers: AWS's example, the texts of other signers, every rule of the verifier, and forms that somebody
//! sends who should not get through.

use gatepass_signing::address::{AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey, SessionToken};
use gatepass_signing::post_policy::verify::{
    self, AfterUpload, Details, Form, PostPresented, PostVerified, Reason, Refusal,
};
use gatepass_signing::post_policy::{
    KeyRule, MAX_FIELDS, MAX_FORM_BYTES, MAX_OBJECT_BYTES, PolicyText, PostPolicy, PostPolicyError, SignedForm,
    SizeRange, SuccessStatus, UploadTarget,
};
use gatepass_signing::sigv4::verify::{Expectations, Scheme, Schemes, Service};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::{Lifetime, LimitedBy, SigningWindow};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::support::{ACCESS_KEY_ID, SECRET_KEY, at, credentials, expectations, region, secret};

/// When the forms of these tests are signed and sent.
fn noon() -> Timestamp {
    at("2026-01-01T12:00:00Z")
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn decoded(base64: &str) -> String {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(base64).unwrap()).unwrap()
}

/// The signature of SigV4 over a policy in base64, for any policy at all.
fn signature(policy: &str) -> String {
    let hmac = |key: &[u8], message: &str| -> Vec<u8> {
        Hmac::<sha2::Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().to_vec()
    };
    let key = ["20260101", "us-east-1", "s3", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, part| hmac(&key, part));
    gatepass_signing::encode::hex(&hmac(&key, policy))
}

/// A form as a browser sends it, whose parts a test can change.
#[derive(Clone, Debug)]
struct Sent {
    bucket: &'static str,
    fields: Vec<(String, String)>,
    file: Option<String>,
}

impl Sent {
    fn of(form: &SignedForm) -> Self {
        let fields = form.expose_fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { bucket: "bucket", fields, file: Some("cat.png".to_owned()) }
    }

    /// Signed, with this policy, which may be anything; and whatever the policy needs to cover is for the test to add.
    fn with_policy(policy: &str) -> Self {
        Self::with_encoded(&base64(policy.as_bytes()))
    }

    fn with_encoded(policy: &str) -> Self {
        let fields = [
            ("key", "k"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request"),
            ("X-Amz-Date", "20260101T120000Z"),
            ("Policy", policy),
            ("X-Amz-Signature", &signature(policy)),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { bucket: "bucket", fields, file: Some("cat.png".to_owned()) }
    }

    /// As [`with_policy`](Self::with_policy), with these conditions beside those that every form needs.
    fn with_conditions(conditions: &str) -> Self {
        Self::with_policy(&policy(conditions))
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    fn set(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    fn file(mut self, name: &str) -> Self {
        self.file = Some(name.to_owned());
        self
    }

    fn form(&self) -> Result<Form, Refusal> {
        let mut form = Form::new(self.bucket);
        for (name, value) in &self.fields {
            form.push(name, value)?;
        }
        form.file(self.file.as_deref());
        Ok(form)
    }

    fn parse(&self, expectations: &Expectations) -> Result<PostPresented, Refusal> {
        verify::parse(&self.form()?, expectations, noon())
    }

    fn verify_for(&self, expectations: &Expectations) -> Result<PostVerified, Refusal> {
        match self.parse(expectations)? {
            PostPresented::Signed(claim) => claim.verify(&KeyCache::new(), &secret()),
            PostPresented::Anonymous(_) => panic!("the form presents nothing"),
        }
    }

    fn verify(&self) -> Result<PostVerified, Refusal> {
        self.verify_for(&expectations())
    }

    fn refusal(&self) -> Refusal {
        self.verify().expect_err("the form should have been refused")
    }

    fn reason(&self) -> Reason {
        self.refusal().reason()
    }

    /// The piece of policy or form that the refusal names.
    fn refused_text(&self) -> (Reason, String) {
        let refusal = self.refusal();
        match refusal.details() {
            Details::Text(text) => (refusal.reason(), text.expose().to_owned()),
            other => panic!("{refusal} {other:?}"),
        }
    }
}

fn policy(conditions: &str) -> String {
    let comma = if conditions.is_empty() { "" } else { "," };
    format!(
        r#"{{"expiration": "2026-01-01T13:00:00Z", "conditions": [{conditions}{comma} {{"bucket": "bucket"}},
        ["starts-with", "$key", ""], {{"x-amz-algorithm": "AWS4-HMAC-SHA256"}},
        ["starts-with", "$x-amz-credential", ""], ["starts-with", "$x-amz-date", ""]]}}"#
    )
}

fn target() -> UploadTarget {
    let endpoint = Endpoint::parse("http://127.0.0.1:9000").unwrap();
    UploadTarget::new(&endpoint, AddressingStyle::Path, "bucket").unwrap()
}

fn builder(credentials: &Credentials) -> PostPolicy<'_> {
    let size = SizeRange::new(1, 100).unwrap();
    PostPolicy::new(credentials, region(), target(), KeyRule::prefix("up/").unwrap(), size)
}

fn signed(policy: &PostPolicy<'_>) -> SignedForm {
    policy.sign(&KeyCache::new(), noon()).unwrap()
}

// What others sign.

const AWS_POLICY: &str = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7\
ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6\
ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3Mu\
Y29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFt\
ei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJz\
dGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAx\
NTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7Ingt\
YW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";

/// AWS: "Example: Browser-Based Upload using HTTP POST (Using AWS Signature Version 4)".
#[test]
fn the_example_of_aws_verifies() {
    let mut form = Form::new("sigv4examplebucket");
    for (name, value) in [
        ("key", "user/user1/${filename}"),
        ("acl", "public-read"),
        ("success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"),
        ("Content-Type", "image/jpeg"),
        ("x-amz-meta-uuid", "14365123651274"),
        ("x-amz-server-side-encryption", "AES256"),
        ("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Date", "20151229T000000Z"),
        ("x-amz-meta-tag", ""),
        ("Policy", AWS_POLICY),
        ("X-Amz-Signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
    ] {
        form.push(name, value).unwrap();
    }
    form.file(Some("photo.jpg"));
    form.push("submit", "Upload to Amazon S3").unwrap();
    let claimed = verify::parse(&form, &expectations(), at("2015-12-30T12:00:00Z")).unwrap();
    let PostPresented::Signed(claim) = claimed else { panic!("{claimed:?}") };
    assert_eq!((claim.access_key_id().as_str(), claim.scheme()), (ACCESS_KEY_ID, Scheme::SigV4));
    let verified = claim.verify(&KeyCache::new(), &secret()).unwrap();
    assert_eq!(verified.expires_at(), at("2015-12-30T12:00:00Z"));
    assert_eq!(verified.signed_at(), Some(at("2015-12-29T00:00:00Z")));
    let upload = verified.upload();
    assert_eq!((upload.bucket(), upload.key()), ("sigv4examplebucket", "user/user1/photo.jpg"));
    assert_eq!(upload.size_range(), SizeRange::new(0, MAX_OBJECT_BYTES).unwrap());
    let redirect = "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html";
    assert_eq!(*upload.after(), AfterUpload::Redirect(redirect.to_owned()));
    let fields: Vec<(&str, &str)> = upload.fields().collect();
    let expected = [
        ("acl", "public-read"),
        ("content-type", "image/jpeg"),
        ("x-amz-meta-uuid", "14365123651274"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-meta-tag", ""),
    ];
    assert_eq!(fields, expected);

    let late = verify::parse(&form, &expectations(), at("2015-12-30T12:00:00.001Z")).unwrap();
    let PostPresented::Signed(claim) = late else { panic!("{late:?}") };
    assert_eq!(claim.verify(&KeyCache::new(), &secret()).unwrap_err().reason(), Reason::Expired);
}

/// The signatures are those of botocore 1.43 and of `@aws-sdk/s3-presigned-post` 3.1164 for these parameters.
#[test]
fn the_policies_of_botocore_and_javascript_are_made_byte_for_byte() {
    let region = Region::new("eu-central-1").unwrap();
    let endpoint = Endpoint::parse("https://s3.eu-central-1.amazonaws.com").unwrap();
    let target = UploadTarget::new(&endpoint, AddressingStyle::VirtualHost, "photos").unwrap();
    let now = at("2026-01-02T03:04:05.9Z");
    let lifetime = Lifetime::from_secs(600).unwrap();
    let (long_term, session) = (credentials(), session("a+token/=="));
    let prefix = PostPolicy::new(
        &long_term,
        region.clone(),
        target.clone(),
        KeyRule::prefix("users/7/").unwrap(),
        SizeRange::new(1, 1_048_576).unwrap(),
    )
    .content_type("image/png", &["image/jpeg", "image/png"])
    .unwrap()
    .field("x-amz-meta-title", "é \"x\" \\")
    .unwrap()
    .starts_with("x-amz-meta-tag", "")
    .unwrap()
    .expires(lifetime);
    let exact = PostPolicy::new(
        &session,
        region,
        target,
        KeyRule::exact("users/7/cat.png").unwrap(),
        SizeRange::new(0, 10).unwrap(),
    )
    .expires(lifetime);
    for (policy, style, signature) in [
        (&prefix, PolicyText::Botocore, "42f36619219be1bb4a8dd5be8cc31f19178aebece4aaf6dc13be49ecd29f540b"),
        (&exact, PolicyText::Botocore, "675fa4d852fdc7417e390dce6c73784929a44811342d0ea718037719987695a6"),
        (&prefix, PolicyText::JavaScript, "261c789f5cf31d4bae7e10245fdb142daf68d628fdd2b939bc24f1fa0f601025"),
        (&exact, PolicyText::JavaScript, "5fb8642d4d0a412844a170d2c3f3ae5b0e7a1ca8dfe61725c589d32d4d513ae1"),
    ] {
        let form = policy.clone().text(style).sign(&KeyCache::new(), now).unwrap();
        let (name, found) = form.expose_fields().last().unwrap();
        assert!(name.eq_ignore_ascii_case("x-amz-signature"));
        let policy = form.expose_fields().find(|(name, _)| name.eq_ignore_ascii_case("policy")).unwrap().1;
        assert_eq!(found, signature, "{style:?} {}", decoded(policy));
        assert_eq!(form.url(), "https://photos.s3.eu-central-1.amazonaws.com/");
    }
}

fn session(token: &str) -> Credentials {
    let token = SessionToken::new(token).unwrap();
    Credentials::temporary(AccessKeyId::new(ACCESS_KEY_ID).unwrap(), secret(), token, Some(at("2026-01-03T00:00:00Z")))
}

// What is signed here.

#[test]
fn a_form_says_what_to_send_and_until_when() {
    let credentials = session("token");
    let form = builder(&credentials)
        .any_content_type_of("image")
        .unwrap()
        .field("Cache-Control", "no-store")
        .unwrap()
        .success_status(SuccessStatus::Created)
        .unwrap()
        .expires(SigningWindow::new(Lifetime::from_secs(604_800).unwrap(), 3_600).unwrap())
        .sign(&KeyCache::new(), at("2026-01-01T12:59:59Z"))
        .unwrap();
    let names: Vec<&str> = form.expose_fields().map(|(name, _)| name).collect();
    let expected = "key Cache-Control success_action_status x-amz-algorithm x-amz-credential x-amz-date \
                    x-amz-security-token policy x-amz-signature";
    assert_eq!(names.join(" "), expected);
    assert_eq!(form.expose_fields().next(), Some(("key", "up/${filename}")));
    assert_eq!(form.open_fields().collect::<Vec<_>>(), [("Content-Type", "image/")]);
    assert_eq!((form.url(), form.size_range()), ("http://127.0.0.1:9000/bucket", SizeRange::new(1, 100).unwrap()));
    assert_eq!((form.signed_at(), form.expires_at()), (noon(), at("2026-01-08T12:00:00Z")));
    assert_eq!((form.effective_expires_at(), form.limited_by()), (at("2026-01-03T00:00:00Z"), LimitedBy::Credentials));
    let printed = format!("{form:?} {:?}", builder(&credentials).field("x-amz-meta-a", "hidden").unwrap());
    for (name, value) in form.expose_fields().filter(|(name, _)| name.contains("policy") || name.contains("sig")) {
        assert!(!printed.contains(value), "{name} prints");
    }
    assert!(!printed.contains("\"token\"") && !printed.contains("hidden"), "{printed}");

    let sent = Sent::of(&form).with("content-type", "image/png");
    let verified = sent.verify().unwrap();
    assert_eq!(verified.upload().key(), "up/cat.png");
    assert_eq!(*verified.upload().after(), AfterUpload::Status(SuccessStatus::Created));
    assert_eq!(sent.without("content-type").reason(), Reason::ConditionFailed, "open fields must be sent");
}

#[test]
fn no_form_is_made_that_is_wide_by_accident() {
    let credentials = credentials();
    let refused = |result: Result<PostPolicy<'_>, PostPolicyError>| result.map(|_| ()).unwrap_err();
    let reserved = |name: &str| PostPolicyError::ReservedField { name: name.to_owned() };
    for name in [
        "bucket",
        "Key",
        "file",
        "policy",
        "Content-Type",
        "X-Amz-Signature",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-security-token",
        "AWSAccessKeyId",
        "signature",
    ] {
        assert_eq!(refused(builder(&credentials).field(name, "v")), reserved(name));
        assert_eq!(refused(builder(&credentials).dangerously_starts_with(name, "")), reserved(name));
    }
    let status = "success_action_status";
    assert_eq!(refused(builder(&credentials).dangerously_starts_with(status, "2")), reserved(status));
    for name in [
        "acl",
        "success_action_redirect",
        "redirect",
        "Tagging",
        "x-amz-acl",
        "x-amz-grant-read",
        "x-amz-website-redirect-location",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-object-lock-mode",
    ] {
        let dangerous = PostPolicyError::DangerousField { name: name.to_owned() };
        assert_eq!(refused(builder(&credentials).starts_with(name, "p")), dangerous);
        assert!(builder(&credentials).dangerously_starts_with(name, "p").is_ok(), "{name}");
        assert!(builder(&credentials).field(name, "p").is_ok(), "{name}");
    }
    for (value, allowed) in [
        ("text/html", &["image/png"][..]),
        ("image/png", &[]),
        ("image", &["image"]),
        ("image/", &["image/"]),
        ("image/png,text/html", &["image/png,text/html"]),
        ("", &[""]),
    ] {
        assert_eq!(refused(builder(&credentials).content_type(value, allowed)), PostPolicyError::ContentType);
    }
    assert!(builder(&credentials).content_type("text/plain; charset=utf-8", &["text/plain; charset=utf-8"]).is_ok());
    for media in ["text", "application", "", "image/", "*"] {
        assert_eq!(refused(builder(&credentials).any_content_type_of(media)), PostPolicyError::ContentType);
    }
    for name in ["", "a b", "a\"", "a\r\n", "é", "$key"] {
        let error = PostPolicyError::FieldName { name: name.to_owned() };
        assert_eq!(refused(builder(&credentials).field(name, "v")), error);
    }
    let value = PostPolicyError::FieldValue { name: "acl".to_owned() };
    assert_eq!(refused(builder(&credentials).field("acl", "a\nb")), value);
    assert_eq!(refused(builder(&credentials).field("acl", "${filename}")), PostPolicyError::Filename);
    let twice = builder(&credentials).field("acl", "a").unwrap().field("ACL", "b");
    assert_eq!(refused(twice), PostPolicyError::Repeated { name: "ACL".to_owned() });
}

#[test]
fn a_form_fits_into_what_a_store_takes() {
    let credentials = credentials();
    let sign = |bytes: usize| {
        builder(&credentials).field("x-amz-meta-a", &"a".repeat(bytes)).unwrap().sign(&KeyCache::new(), noon())
    };
    let size = |form: &SignedForm| form.expose_fields().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    // The field itself, and four thirds of it in the policy.
    let most = (1..MAX_FORM_BYTES).map(|bytes| bytes * 3).find(|bytes| sign(bytes + 3).is_err()).unwrap();
    let form = sign(most).unwrap();
    assert!(size(&form) <= MAX_FORM_BYTES && size(&form) + 7 > MAX_FORM_BYTES, "{}", size(&form));
    assert!(Sent::of(&form).verify().is_ok());
    assert_eq!(sign(most + 3).unwrap_err(), PostPolicyError::TooLarge);

    let ended = Credentials::temporary(
        AccessKeyId::new(ACCESS_KEY_ID).unwrap(),
        secret(),
        SessionToken::new("t").unwrap(),
        Some(noon()),
    );
    let refused = builder(&ended).sign(&KeyCache::new(), noon());
    assert_eq!(refused.unwrap_err(), PostPolicyError::CredentialsExpired);
}

// The rules of the verifier.

#[test]
fn a_form_without_policy_and_signature_is_anonymous() {
    let sent = Sent { bucket: "bucket", fields: Vec::new(), file: Some("a/b\\c.txt".to_owned()) };
    let sent = sent.with("KEY", "in/${filename}").with("success_action_status", "201").with("x-ignore-a", "1");
    let PostPresented::Anonymous(upload) = sent.parse(&expectations()).unwrap() else { panic!("it is not signed") };
    assert_eq!((upload.bucket(), upload.key()), ("bucket", "in/c.txt"));
    assert_eq!((upload.size_range().min(), upload.size_range().max()), (0, MAX_OBJECT_BYTES));
    assert_eq!(upload.fields().count(), 0);
    let alone = sent.with("policy", "e30=");
    assert_eq!(alone.parse(&expectations()).unwrap_err().reason(), Reason::FieldMissing, "a policy alone");
}

#[test]
fn any_field_of_the_signature_needs_all_of_them() {
    let form = Sent::with_conditions("");
    assert!(form.verify().is_ok());
    for (name, spelling) in [
        ("x-amz-algorithm", "X-Amz-Algorithm"),
        ("x-amz-credential", "X-Amz-Credential"),
        ("x-amz-date", "X-Amz-Date"),
        ("x-amz-signature", "X-Amz-Signature"),
        ("policy", "policy"),
        ("key", "key"),
    ] {
        let refusal = form.clone().without(name).refusal();
        assert_eq!(refusal.reason(), Reason::FieldMissing, "{name}");
        assert!(matches!(refusal.details(), Details::Field(found) if *found == spelling), "{name}");
    }
    for (name, value, reason) in [
        ("x-amz-algorithm", "aws4-hmac-sha256", Reason::Algorithm),
        ("x-amz-credential", "A/20260101/us-east-1/s3", Reason::CredentialMalformed),
        ("x-amz-credential", "A/20260101/us-east-1/s3/aws4_request/", Reason::CredentialMalformed),
        ("x-amz-credential", "/20260101/us-east-1/s3/aws4_request", Reason::CredentialMalformed),
        ("x-amz-credential", "A/2026010/us-east-1/s3/aws4_request", Reason::CredentialDate),
        ("x-amz-credential", "A/20260132/us-east-1/s3/aws4_request", Reason::CredentialDate),
        ("x-amz-credential", "A/20260101/eu-west-1/s3/aws4_request", Reason::CredentialRegion),
        ("x-amz-credential", "A/20260101/us-east-1/sts/aws4_request", Reason::CredentialService),
        ("x-amz-credential", "A/20260101/us-east-1/s3/aws4", Reason::CredentialTerminal),
        ("x-amz-date", "2026-01-01T12:00:00Z", Reason::DateMalformed),
        ("x-amz-security-token", "a b", Reason::SessionTokenMalformed),
        ("key", "", Reason::KeyEmpty),
    ] {
        assert_eq!(form.clone().set(name, value).reason(), reason, "{name} {value}");
    }
}

#[test]
fn a_wrong_signature_is_seen_before_the_policy_is_read() {
    let broken = Sent::with_encoded("not a policy").set("x-amz-signature", &"0".repeat(64));
    assert_eq!(broken.reason(), Reason::SignatureMismatch);
    let form = Sent::with_conditions("");
    for signature in ["", "x", &signature("e30=").to_uppercase()] {
        let refusal = form.clone().set("x-amz-signature", signature).refusal();
        let Details::Mismatch(mismatch) = refusal.details() else { panic!("{refusal:?}") };
        let sent = &form.fields.iter().find(|(name, _)| name == "Policy").unwrap().1;
        assert_eq!(mismatch.string_to_sign(), Some(sent.as_str()));
        assert_eq!((mismatch.access_key_id(), mismatch.signature_provided()), (ACCESS_KEY_ID, signature));
        assert!(!format!("{refusal:?}").contains(sent.as_str()), "{refusal:?}");
    }
}

#[test]
fn a_session_token_needs_a_condition_and_is_shown_to_nobody() {
    let form = Sent::of(&signed(&builder(&session("very-secret"))));
    assert!(form.verify().is_ok());
    let PostPresented::Signed(claim) = form.parse(&expectations()).unwrap() else { panic!("it is signed") };
    assert_eq!(claim.session_token(), Some("very-secret"));
    assert!(!format!("{claim:?}").contains("very-secret"));
    let wrong = Sent::with_conditions(r#"{"x-amz-security-token": "very-secret"}"#).with("x-amz-security-token", "b");
    let shown = r#"["eq", "$x-amz-security-token", "[redacted]"]"#;
    assert_eq!(wrong.refused_text(), (Reason::ConditionFailed, shown.to_owned()));
    assert_eq!(form.clone().without("x-amz-security-token").reason(), Reason::ConditionFailed);
    let refusal = form.set("x-amz-signature", "0").refusal();
    let Details::Mismatch(mismatch) = refusal.details() else { panic!("{refusal:?}") };
    assert_eq!(mismatch.string_to_sign(), None);
    assert_eq!(Sent::with_conditions("").with("x-amz-security-token", "t").reason(), Reason::FieldNotCovered);
}

#[test]
fn signature_version_4_is_refused_where_it_is_off() {
    for schemes in [Schemes::NONE, Schemes::NONE.with(Scheme::SigV2), Schemes::NONE.with(Scheme::SigV4a)] {
        let expectations = Expectations { schemes, ..expectations() };
        let refusal = Sent::with_conditions("").verify_for(&expectations).unwrap_err();
        assert_eq!(refusal.reason(), Reason::Algorithm, "{schemes:?}");
    }
}

#[test]
fn signature_version_2_is_off_until_it_is_asked_for() {
    let policy =
        base64(br#"{"expiration": "2026-01-01T13:00:00Z", "conditions": [{"bucket": "bucket"}, {"key": "k"}]}"#);
    let hmac = Hmac::<sha1::Sha1>::new_from_slice(SECRET_KEY.as_bytes()).unwrap().chain_update(&policy);
    let signature = base64(&hmac.finalize().into_bytes());
    let form = Sent { bucket: "bucket", fields: Vec::new(), file: Some(String::new()) }
        .with("key", "k")
        .with("AwsAccessKeyId", ACCESS_KEY_ID)
        .with("policy", &policy)
        .with("Signature", &signature);
    assert_eq!(form.reason(), Reason::SigV2);
    let expectations = Expectations { schemes: Schemes::default().with(Scheme::SigV2), ..expectations() };
    let verified = form.verify_for(&expectations).unwrap();
    assert_eq!((verified.scheme(), verified.signed_at(), verified.scope()), (Scheme::SigV2, None, None));
    let reason = |form: Sent| form.verify_for(&expectations).unwrap_err().reason();
    assert_eq!(reason(form.clone().set("signature", &signature.replace('=', ""))), Reason::SignatureMismatch);
    assert_eq!(reason(form.clone().set("policy", &format!("{policy}="))), Reason::SignatureMismatch);
    assert_eq!(reason(form.clone().without("signature")), Reason::FieldMissing);
    assert_eq!(reason(form.clone().without("policy")), Reason::FieldMissing);
    assert_eq!(reason(form.clone().set("AWSAccessKeyId", "a/b")), Reason::CredentialMalformed);
    assert_eq!(reason(form.set("key", "k2")), Reason::ConditionFailed);
    let v4 = Sent::with_conditions("").with("AWSAccessKeyId", "a").with("signature", "b");
    assert_eq!(v4.refused_text(), (Reason::FieldNotCovered, "AWSAccessKeyId".to_owned()), "they are v4's to ignore");
}

#[test]
fn conditions_hold_for_values_and_not_for_case_of_names() {
    let form = Sent::with_conditions(
        r#"["eq", "$ACL", "private"], ["starts-with", "$x-amz-meta-A", "p"], {"X-AMZ-Meta-b": ""}"#,
    )
    .with("acl", "private")
    .with("X-Amz-Meta-a", "prefix")
    .with("x-amz-meta-B", "");
    let verified = form.verify().unwrap();
    assert_eq!(verified.upload().field("x-amz-meta-a"), Some("prefix"));
    for (name, value, shown) in [
        ("acl", "Private", r#"["eq", "$ACL", "private"]"#),
        ("x-amz-meta-a", "Prefix", r#"["starts-with", "$x-amz-meta-A", "p"]"#),
        ("x-amz-meta-b", " ", r#"["eq", "$X-AMZ-Meta-b", ""]"#),
    ] {
        let failed = (Reason::ConditionFailed, shown.to_owned());
        assert_eq!(form.clone().set(name, value).refused_text(), failed);
        assert_eq!(form.clone().without(name).refused_text(), failed, "a field that is not there");
    }
    let both = r#"["starts-with", "$acl", "p"], ["starts-with", "$acl", "public"]"#;
    assert_eq!(Sent::with_conditions(both).with("acl", "private").reason(), Reason::ConditionFailed, "all must hold");
    let escaped = Sent::with_conditions(r#"{"x-amz-meta-a": "\$\v\u00e9\\\""}"#);
    assert!(escaped.clone().with("x-amz-meta-a", "$\u{b}é\\\"").verify().is_ok());
    let shown = r#"["eq", "$x-amz-meta-a", "$\u000bé\\\""]"#;
    assert_eq!(escaped.with("x-amz-meta-a", "").refused_text().1, shown);
}

#[test]
fn some_conditions_can_never_hold() {
    for (condition, shown) in [
        (r#"["eq", "acl", "a"]"#, r#"["eq", "acl", "a"]"#),
        (r#"["starts-with", "$", ""]"#, r#"["starts-with", "$", ""]"#),
        (r#"["eq", "", ""]"#, r#"["eq", "", ""]"#),
        (r#"["starts-with", "$Success_Action_Status", ""]"#, r#"["starts-with", "$Success_Action_Status", ""]"#),
        (r#"["content-length-range", "test", "10"]"#, r#"["content-length-range", "test", "10"]"#),
        (r#"["content-length-range","1", "1.5"]"#, r#"["content-length-range", "1", "1.5"]"#),
        (r#"["content-length-range", -2, -1]"#, r#"["content-length-range", -2, -1]"#),
    ] {
        let form = Sent::with_conditions(condition).with("acl", "a").with("success_action_status", "200");
        assert_eq!(form.refused_text(), (Reason::ConditionFailed, shown.to_owned()));
    }
}

#[test]
fn size_ranges_narrow_each_other() {
    let range = |conditions: &str| {
        let range = Sent::with_conditions(conditions).verify().unwrap().upload().size_range();
        (range.min(), range.max())
    };
    assert_eq!(range(r#"["content-length-range", 5, 10]"#), (5, 10));
    assert_eq!(range(r#"["content-length-range", "5", "10"]"#), (5, 10));
    assert_eq!(range(r#"["content-length-range", -5, 10]"#), (0, 10));
    assert_eq!(range(r#"["content-length-range", 0, 10], ["content-length-range", 5, 20]"#), (5, 10));
    assert_eq!(range(r#"["content-length-range", 0, 9223372036854775807]"#), (0, MAX_OBJECT_BYTES));
}

/// The signer refuses such a range ([`SizeRange::new`]); other signers do not look.
#[test]
fn no_file_fits_a_range_whose_bounds_are_the_wrong_way_round() {
    let error = SizeRange::new(10, 5).unwrap_err();
    assert_eq!(error.to_string(), "no file has at least 10 and at most 5 bytes");
    for conditions in [
        r#"["content-length-range", 10, 5]"#,
        r#"["content-length-range", "10", "5"]"#,
        r#"["content-length-range", 0, 5], ["content-length-range", 10, 20]"#,
    ] {
        let range = Sent::with_conditions(conditions).verify().unwrap().upload().size_range();
        for bytes in 0..=30 {
            // Above the lower bound a file is above the upper one, too.
            let expected = if bytes > 5 { Reason::TooLarge } else { Reason::TooSmall };
            assert_eq!(range.check(bytes).unwrap_err().reason(), expected, "{conditions}: {bytes}");
        }
        assert_eq!(range.check_so_far(6).unwrap_err().reason(), Reason::TooLarge, "no more is read than need be");
    }
}

#[test]
fn every_structural_fault_has_its_reason() {
    let conditions = |list: &str| format!(r#"{{"expiration": "2026-01-01T13:00:00Z", "conditions": {list}}}"#);
    for (policy, reason) in [
        (String::new(), Reason::PolicyEmpty),
        ("\r\n\t ".to_owned(), Reason::PolicyEmpty),
        ("[]".to_owned(), Reason::PolicyJson),
        ("{".to_owned(), Reason::PolicyJson),
        ("{}".to_owned(), Reason::ExpirationMissing),
        ("{} {}".to_owned(), Reason::PolicyJson),
        (r#"{"Expiration": 1}"#.to_owned(), Reason::MemberUnexpected),
        (r#"{"conditions": [{"a": "b"}], "version": "1"}"#.to_owned(), Reason::MemberUnexpected),
        (r#"{"conditions": [{"a": "b"}]}"#.to_owned(), Reason::ExpirationMissing),
        (r#"{"expiration": "2026-01-01T13:00:00Z"}"#.to_owned(), Reason::ConditionsMissing),
        (r#"{"expiration": 1}"#.to_owned(), Reason::PolicyJson),
        (r#"{"expiration": "2026-01-01T13:00:00Z",}"#.to_owned(), Reason::PolicyJson),
        (r#"{"expiration" "2026-01-01T13:00:00Z"}"#.to_owned(), Reason::PolicyJson),
        (conditions("[]"), Reason::ConditionsMissing),
        (conditions("{}"), Reason::ConditionsNotAList),
        (conditions("null"), Reason::ConditionsNotAList),
        (conditions("[null]"), Reason::ConditionShape),
        (conditions(r#"["eq"]"#), Reason::ConditionShape),
        (conditions("[,]"), Reason::PolicyJson),
        (conditions(r#"[{"a": "b"},]"#), Reason::PolicyJson),
        (conditions("[[]]"), Reason::OperationMissing),
        (conditions("[[1]]"), Reason::PolicyJson),
        (conditions(r#"[["Eq", "$a", "b"]]"#), Reason::OperationUnknown),
        (conditions(r#"[["eq"]]"#), Reason::ArgumentCount),
        (conditions(r#"[["eq", "$a"]]"#), Reason::ArgumentCount),
        (conditions(r#"[["starts-with", "$a", "b", "c"]]"#), Reason::ArgumentCount),
        (conditions(r#"[["content-length-range", 1]]"#), Reason::ArgumentCount),
        (conditions(r#"[["eq", "$a", 1]]"#), Reason::PolicyJson),
        (conditions(r#"[["eq", false, "b"]]"#), Reason::PolicyJson),
        (conditions(r#"[["eq", "$a", ["b"]]]"#), Reason::PolicyJson),
        (conditions(r#"[["content-length-range", 1, 2.0]]"#), Reason::PolicyJson),
        (conditions(r#"[["content-length-range", 1, 1e3]]"#), Reason::PolicyJson),
        (conditions(r#"[["content-length-range", 1, 9223372036854775808]]"#), Reason::PolicyJson),
        (conditions("[{}]"), Reason::SimpleConditionCount),
        (conditions(r#"[{"a": "b", "c": "d"}]"#), Reason::SimpleConditionCount),
        (conditions(r#"[{"a": "b", "a": "b"}]"#), Reason::SimpleConditionCount),
        (conditions(r#"[{"a": 1}]"#), Reason::SimpleConditionValue),
        (conditions(r#"[{"a": ["b"]}]"#), Reason::SimpleConditionValue),
        (conditions(r#"[{"a": null}]"#), Reason::PolicyJson),
        (conditions(r#"[{"a"}]"#), Reason::PolicyJson),
    ] {
        assert_eq!(Sent::with_policy(&policy).reason(), reason, "{policy}");
    }
}

#[test]
fn padding_of_the_policy_is_optional() {
    for spaces in 0..3 {
        let policy = policy("") + &" ".repeat(spaces);
        let padded = base64(policy.as_bytes());
        assert!(Sent::with_encoded(&padded).verify().is_ok());
        assert!(Sent::with_encoded(padded.trim_end_matches('=')).verify().is_ok());
    }
    assert_eq!(Sent::with_encoded("").reason(), Reason::PolicyEmpty);
    assert_eq!(Sent::with_encoded("/w==").reason(), Reason::PolicyJson, "not UTF-8");
}

#[test]
fn a_repeated_field_is_one_with_both_values() {
    let form = Sent::with_conditions(r#"["starts-with", "$x-amz-meta-a", "1"]"#).with("x-amz-meta-a", "1");
    let verified = form.with("X-Amz-Meta-A", "2").verify().unwrap();
    assert_eq!(verified.upload().field("x-amz-meta-a"), Some("1,2"));
}

#[test]
fn the_file_name_is_what_follows_its_last_slash() {
    let form = Sent::with_conditions(r#"["starts-with", "$x-amz-meta-name", ""]"#)
        .set("key", "a/${filename}/${filename}")
        .with("x-amz-meta-name", "<${filename}>");
    for (file, name) in
        [("cat.png", "cat.png"), ("C:\\pics\\cat.png", "cat.png"), ("/a/b\\c/", ""), ("${filename}", "${filename}")]
    {
        let verified = form.clone().file(file).verify().unwrap();
        assert_eq!(verified.upload().key(), format!("a/{name}/{name}"));
        assert_eq!(verified.upload().field("x-amz-meta-name"), Some(format!("<{name}>").as_str()));
    }
    let unnamed = Sent { file: None, ..form };
    assert_eq!(unnamed.verify().unwrap().upload().key(), "a//");
}

#[test]
fn what_comes_after_the_upload_is_a_status_or_a_redirect() {
    let after = |fields: &[(&str, &str)]| {
        let conditions: Vec<String> =
            fields.iter().map(|(name, value)| format!(r#"{{"{name}": "{value}"}}"#)).collect();
        let form = Sent::with_conditions(&conditions.join(","));
        let form = fields.iter().fold(form, |form, (name, value)| form.with(name, value));
        form.verify().unwrap().upload().after().clone()
    };
    let status = |text: &str| after(&[("success_action_status", text)]);
    assert_eq!(after(&[]), AfterUpload::Status(SuccessStatus::NoContent));
    assert_eq!(status("200"), AfterUpload::Status(SuccessStatus::Ok));
    assert_eq!(status("201"), AfterUpload::Status(SuccessStatus::Created));
    for other in ["204", "404", "", "abc"] {
        assert_eq!(status(other), AfterUpload::Status(SuccessStatus::NoContent), "{other}");
    }
    let redirect = AfterUpload::Redirect("https://h/a?b=c".to_owned());
    assert_eq!(after(&[("success_action_status", "201"), ("success_action_redirect", "https://h/a?b=c")]), redirect);
    assert_eq!(after(&[("redirect", "https://h/a?b=c")]), redirect);
}

#[test]
fn the_limits_of_a_form_hold_on_both_sides() {
    let mut form = Form::new("bucket");
    form.push("k", "v".repeat(MAX_FORM_BYTES - 1)).unwrap();
    assert_eq!(form.remaining_bytes(), 0);
    assert_eq!(form.push("k", "").unwrap_err().reason(), Reason::FormTooLarge);
    assert!(form.push("", "").is_ok());

    let mut form = Form::new("bucket");
    for _ in 0..MAX_FIELDS {
        form.push("", "").unwrap();
    }
    assert_eq!(form.push("", "").unwrap_err().reason(), Reason::FormTooLarge);
    assert_eq!(Form::new("bucket").push(b"\xff", "").unwrap_err().reason(), Reason::FieldNotText);
    assert!(!format!("{form:?}").contains("vvv"));

    let key = |bytes: usize| Sent::with_conditions("").set("key", &"k".repeat(bytes));
    assert!(key(1024).verify().is_ok());
    assert_eq!(key(1025).reason(), Reason::KeyTooLong);
}

// Attacks on forms.

#[test]
fn attack_15_an_open_prefix_is_never_signed_by_accident_and_obeyed_when_it_was() {
    for prefix in ["", "/", "users/7"] {
        assert_eq!(KeyRule::prefix(prefix), Err(PostPolicyError::OpenPrefix));
    }
    let credentials = credentials();
    let size = SizeRange::new(0, 1).unwrap();
    let open = KeyRule::dangerously_any_prefix("").unwrap();
    let form = signed(&PostPolicy::new(&credentials, region(), target(), open, size));
    let verified = Sent::of(&form).set("key", "any/thing").verify().unwrap();
    assert_eq!(verified.upload().key(), "any/thing");
}

#[test]
fn attack_16_a_form_for_one_bucket_does_not_write_into_another() {
    let form = Sent::of(&signed(&builder(&credentials())));
    assert!(form.clone().with("bucket", "bucket").verify().is_ok(), "as the JavaScript SDK sends it");
    assert_eq!(form.clone().with("bucket", "other").reason(), Reason::BucketField);
    let elsewhere = Sent { bucket: "other", ..form.clone() };
    assert_eq!(elsewhere.refused_text(), (Reason::ConditionFailed, r#"["eq", "$bucket", "bucket"]"#.to_owned()));
    assert_eq!(elsewhere.with("bucket", "bucket").reason(), Reason::BucketField, "the request decides");
    let nowhere = policy("").replace(r#"{"bucket": "bucket"},"#, "");
    assert_eq!(Sent::with_policy(&nowhere).refused_text(), (Reason::FieldNotCovered, "bucket".to_owned()));
}

#[test]
fn attack_17_no_field_gets_in_that_the_policy_does_not_know() {
    let form = Sent::of(&signed(&builder(&credentials())));
    for name in ["acl", "x-amz-meta-a", "StorageClass", "content-type", "success_action_redirect", "", "x-ignore"] {
        let refused = (Reason::FieldNotCovered, name.to_owned());
        assert_eq!(form.clone().with(name, "v").refused_text(), refused);
    }
    assert!(form.clone().with("X-Ignore-Me", "v").with("x-ignore-", "v").verify().is_ok());
    for name in ["x-amz-algorithm", "x-amz-credential", "x-amz-date"] {
        let uncovered: String =
            policy("").replace(&format!("\"{name}\""), "\"acl\"").replace(&format!("\"${name}\""), "\"$acl\"");
        let form = Sent::with_policy(&uncovered).with("acl", "AWS4-HMAC-SHA256");
        assert_eq!(form.reason(), Reason::FieldNotCovered, "{name} is not exempt");
    }
}

#[test]
fn attack_18_fields_count_once_and_before_the_file() {
    let form = Sent::of(&signed(&builder(&credentials())));
    for name in ["key", "KEY", "policy", "x-amz-signature", "X-Amz-Credential", "x-amz-date", "x-amz-algorithm"] {
        let refusal = form.clone().with(name, "up/b").refusal();
        assert_eq!(refusal.reason(), Reason::FieldRepeated, "{name}");
    }
    for name in ["bucket", "success_action_status", "success_action_redirect", "redirect", "x-amz-security-token"] {
        assert_eq!(form.clone().with(name, "a").with(name, "a").reason(), Reason::FieldRepeated, "{name}");
    }
    for split in 0..form.fields.len() {
        let mut early = Form::new("bucket");
        for (index, (name, value)) in form.fields.iter().enumerate() {
            if index == split {
                early.push("File", "content").unwrap();
            }
            early.push(name, value).unwrap();
        }
        match verify::parse(&early, &expectations(), noon()) {
            // What is left of the form is a key, and who sent it is nobody.
            Ok(PostPresented::Anonymous(_)) => assert_eq!(split, 1),
            other => assert_eq!(other.unwrap_err().reason(), Reason::FieldMissing, "the file before field {split}"),
        }
    }
    let mut late = form.form().unwrap();
    late.push("acl", "public-read-write").unwrap();
    late.push("key", "elsewhere").unwrap();
    late.file(Some("second.txt"));
    let PostPresented::Signed(claim) = verify::parse(&late, &expectations(), noon()).unwrap() else { panic!("signed") };
    let verified = claim.verify(&KeyCache::new(), &secret()).unwrap();
    assert_eq!((verified.upload().key(), verified.upload().field("acl")), ("up/cat.png", None));

    let no_file = Form::new("bucket");
    assert_eq!(verify::parse(&no_file, &expectations(), noon()).unwrap_err().reason(), Reason::FileMissing);
}

#[test]
fn attack_19_a_file_that_lies_about_its_size_is_stopped_at_the_limit() {
    let verified = Sent::of(&signed(&builder(&credentials()))).verify().unwrap();
    let range = verified.upload().size_range();
    let (mut stored, mut pieces) = (0, std::iter::repeat_n(7, 1_000_000));
    let refusal = loop {
        let piece: u64 = pieces.next().expect("it is stopped before it ends");
        match range.check_so_far(stored + piece) {
            Ok(()) => stored += piece,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!((refusal.reason(), stored), (Reason::TooLarge, 98));
    assert!(matches!(refusal.details(), Details::Size { proposed: 105, limit: 100 }));
    assert!(range.check(100).is_ok());
    assert_eq!(range.check(101).unwrap_err().reason(), Reason::TooLarge);
    assert_eq!(range.check(0).unwrap_err().reason(), Reason::TooSmall);
}

#[test]
fn attack_20_neither_redirects_nor_file_names_carry_anything_in() {
    let open = r#"["starts-with", "$success_action_redirect", ""]"#;
    for url in ["javascript:alert(1)", "https://h\r\nSet-Cookie: a=b", "//evil", "data:text/html,x", "https://h@evil"] {
        let form = Sent::with_conditions(open).with("success_action_redirect", url);
        let verified = form.verify().unwrap();
        assert_eq!(*verified.upload().after(), AfterUpload::Status(SuccessStatus::NoContent), "{url:?}");
        let refused = builder(&credentials()).success_redirect(url).map(|_| ());
        assert_eq!(refused, Err(PostPolicyError::Redirect), "{url:?}");
    }
    let credentials = credentials();
    let ours = Sent::of(&signed(&builder(&credentials).success_redirect("https://h/done").unwrap()));
    assert!(ours.verify().is_ok());
    assert_eq!(ours.set("success_action_redirect", "https://other/").reason(), Reason::ConditionFailed);

    let form = Sent::of(&signed(&builder(&credentials)));
    for (file, key) in
        [("../../x", "up/x"), ("..\\..\\x", "up/x"), ("..", "up/.."), ("", "up/"), ("%2e%2e%2fx", "up/%2e%2e%2fx")]
    {
        assert_eq!(form.clone().file(file).verify().unwrap().upload().key(), key, "a name is never a path");
    }
    for file in ["a\r\nb", "a\0b", &"n".repeat(10 * 1024)] {
        assert_eq!(form.clone().file(file).reason(), Reason::FileName);
    }
    assert_eq!(form.clone().file(&"n".repeat(1024)).reason(), Reason::KeyTooLong);
    assert_eq!(form.file(&"n".repeat(1021)).verify().unwrap().upload().key().len(), 1024);
    let many = Sent::with_conditions(r#"["starts-with", "$x-amz-meta-a", ""]"#)
        .with("x-amz-meta-a", &"${filename}".repeat(1_000))
        .file(&"n".repeat(1_000));
    assert_eq!(many.reason(), Reason::FormTooLarge, "a megabyte out of one field");
}

#[test]
fn attack_21_a_list_of_types_is_no_way_around_the_type() {
    let credentials = credentials();
    let images = Sent::of(&signed(&builder(&credentials).any_content_type_of("image").unwrap()));
    for value in ["text/html", "image/png,text/html", "image/png, text/html", "IMAGE/png;text/html", "", " image/png,"]
    {
        let refused = (Reason::ConditionFailed, r#"["starts-with", "$Content-Type", "image/"]"#.to_owned());
        assert_eq!(images.clone().with("Content-Type", value).refused_text(), refused, "{value}");
    }
    let twice = images.clone().with("content-type", "image/png").with("Content-Type", "text/html");
    assert_eq!(twice.reason(), Reason::ConditionFailed);
    // As on AWS: a prefix is no more than a prefix.
    for value in ["image/png", "image/svg+xml", "image/png,image/gif", "image/png;text/html"] {
        assert!(images.clone().with("Content-Type", value).verify().is_ok(), "{value}");
    }
    let allowed = ["image/png", "image/gif"];
    let fixed = Sent::of(&signed(&builder(&credentials).content_type("image/png", &allowed).unwrap()));
    assert_eq!(fixed.clone().verify().unwrap().upload().field("content-type"), Some("image/png"));
    for value in ["image/gif", "image/svg+xml", "image/PNG", "image/png,image/png"] {
        assert_eq!(fixed.clone().set("Content-Type", value).reason(), Reason::ConditionFailed, "{value}");
    }
    // Only a list of types is a list.
    let listed = Sent::with_conditions(r#"["starts-with", "$x-amz-meta-a", "a"]"#).with("x-amz-meta-a", "a,b");
    assert!(listed.verify().is_ok());
}

#[test]
fn attack_22_no_policy_means_two_things_or_takes_long() {
    let twice =
        r#"{"expiration": "2026-01-01T13:00:00Z", "expiration": "2099-01-01T00:00:00Z", "conditions": [{"a": "b"}]}"#;
    assert_eq!(Sent::with_policy(twice).reason(), Reason::MemberRepeated);
    let twice = r#"{"conditions": [{"a": "b"}], "conditions": [["starts-with", "$key", ""]]}"#;
    assert_eq!(Sent::with_policy(twice).reason(), Reason::MemberRepeated);

    let ten_thousand = policy(&vec![r#"["starts-with", "$key", ""]"#; 10_000].join(","));
    assert_eq!(Sent::with_policy(&ten_thousand).reason(), Reason::FormTooLarge);
    let most = policy(&vec![r#"["eq","$key","k"]"#; 800].join(","));
    assert!(Sent::with_policy(&most).verify().is_ok(), "as many as a form holds");

    for nested in ["[".repeat(10_000), r#"{"a":"#.repeat(2_500), r#"{"expiration":["#.to_owned() + &"[".repeat(9_000)] {
        assert!(matches!(Sent::with_policy(&nested).reason(), Reason::PolicyJson | Reason::MemberUnexpected));
        let inside = format!(r#"{{"conditions": [{nested}"#);
        let reason = Sent::with_policy(&inside).reason();
        assert!(matches!(reason, Reason::PolicyJson | Reason::SimpleConditionValue), "{reason:?}");
    }

    for expiration in [
        "2026-01-01T13:00:00",
        "2026-01-01T13:00:00+00:00",
        "2026-01-01 13:00:00Z",
        "2026-01-01T13:00:00z",
        "2026-01-01t13:00:00Z",
        "20260101T130000Z",
        "2026-01-01T13:00Z",
        "2026-02-30T13:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T13:00:00.Z",
        "2026-01-01T13:00:00.1234567890Z",
        "2026-01-01T13:00:00,5Z",
        "+026-01-01T13:00:00Z",
        "",
        "Z",
        "tomorrow",
        "２026-01-01T13:00:00Z",
    ] {
        let policy = policy("").replace("2026-01-01T13:00:00Z", expiration);
        let refused = (Reason::ExpirationInvalid, expiration.to_owned());
        assert_eq!(Sent::with_policy(&policy).refused_text(), refused);
    }
    for (expiration, expected) in [
        ("2026-01-01T12:00:00Z", None),
        ("2026-01-01T12:00:00.000Z", None),
        ("2026-01-01T11:59:59.999999999Z", Some(Reason::Expired)),
        ("0000-01-01T00:00:00Z", Some(Reason::Expired)),
        ("9999-12-30T00:00:00.5Z", None),
    ] {
        let policy = policy("").replace("2026-01-01T13:00:00Z", expiration);
        assert_eq!(Sent::with_policy(&policy).verify().err().map(|refusal| refusal.reason()), expected, "{expiration}");
    }

    let encoded = base64(policy("").as_bytes());
    let (head, tail) = encoded.split_at(8);
    for broken in
        [format!("{head} {tail}"), format!(" {encoded}"), format!("{encoded}\n"), head.to_owned() + "*" + tail]
    {
        assert_eq!(Sent::with_encoded(&broken).reason(), Reason::PolicyBase64);
    }
}

// Any form.

fn rules() -> impl Strategy<Value = Vec<(String, String)>> {
    let rule = ("x-amz-meta-[a-z]{1,6}", "[^\\p{C}]{0,12}");
    prop::collection::btree_map(rule.0, rule.1, 0..5)
        .prop_map(|rules| rules.into_iter().filter(|(_, value)| !value.contains("${filename}")).collect())
}

fn styles() -> impl Strategy<Value = PolicyText> {
    prop_oneof![Just(PolicyText::Botocore), Just(PolicyText::JavaScript)]
}

proptest! {
    #[test]
    fn a_form_that_was_signed_verifies(
        rules in rules(),
        style in styles(),
        key in "[^\\p{C}$]{1,40}",
        token in proptest::option::of("[!-~]{1,80}"),
        max in 0..=MAX_OBJECT_BYTES,
    ) {
        let credentials = token.map_or_else(credentials, |token| session(&token));
        let size = SizeRange::new(max / 2, max).unwrap();
        let key_rule = KeyRule::exact(key.clone()).unwrap();
        let mut policy = PostPolicy::new(&credentials, region(), target(), key_rule, size).text(style);
        for (name, value) in &rules {
            policy = policy.field(name, value).unwrap();
        }
        let verified = Sent::of(&signed(&policy)).verify().unwrap();
        prop_assert_eq!(verified.upload().key(), key.as_str());
        prop_assert_eq!(verified.upload().size_range(), size);
        let fields: Vec<(String, String)> =
            verified.upload().fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        prop_assert_eq!(fields, rules);
    }

    /// Names have no case; nothing else can change.
    #[test]
    fn no_byte_of_a_form_can_change(
        style in styles(),
        field in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        in_name in any::<bool>(),
        byte in 0x20..0x7f_u8,
    ) {
        let credentials = session("token");
        let key = KeyRule::exact("a/key").unwrap();
        let policy = PostPolicy::new(&credentials, region(), target(), key, SizeRange::new(0, 9).unwrap())
            .content_type("image/png", &["image/png"]).unwrap()
            .field("x-amz-meta-a", "value").unwrap()
            .text(style);
        let original = Sent::of(&signed(&policy));
        let mut changed = original.clone();
        let (name, value) = field.get(&original.fields);
        let place = field.index(original.fields.len());
        let text = if in_name { name } else { value };
        let mut bytes = text.clone().into_bytes();
        bytes[at.index(text.len())] = byte;
        let new = String::from_utf8(bytes).unwrap();
        let same = if in_name { new.eq_ignore_ascii_case(text) } else { new == *text };
        let part = &mut changed.fields[place];
        if in_name { part.0 = new } else { part.1 = new }
        prop_assert_eq!(changed.verify().is_ok(), same, "{:?}", changed.fields[place]);
    }

    #[test]
    fn a_field_cannot_be_left_out_or_added(place in 0..9_usize, name in "[a-z-]{1,12}") {
        let form = Sent::of(&signed(&builder(&session("token"))));
        let mut less = form.clone();
        less.fields.remove(place % less.fields.len());
        prop_assert!(less.verify().is_err());
        prop_assume!(!name.starts_with("x-ignore-") && name != "bucket" && name != "file");
        prop_assert!(form.with(&name, "v").verify().is_err());
    }

    #[test]
    fn any_signed_policy_is_read_without_a_panic(policy in r#"[\[\]{}:,"\\$a-zA-Z0-9 .é\-]{0,200}"#) {
        let _ = Sent::with_policy(&policy).verify();
        let _ = Sent::with_conditions(&policy).verify();
        let _ = Sent::with_encoded(&policy).verify();
    }

    #[test]
    fn any_form_is_read_without_a_panic(
        fields in prop::collection::vec(("(key|policy|x-amz-[a-z]{1,9}|AWSAccessKeyId|file|.{0,9})", ".{0,40}"), 0..9),
        file in proptest::option::of(".{0,40}"),
    ) {
        let expectations = Expectations { schemes: Schemes::default().with(Scheme::SigV2), ..Expectations::new(region(), Service::S3) };
        let sent = Sent { bucket: "bucket", fields, file };
        if let Ok(PostPresented::Signed(claim)) = sent.parse(&expectations) {
            prop_assert!(claim.verify(&KeyCache::new(), &SecretKey::new("another").unwrap()).is_err());
        }
    }
}
