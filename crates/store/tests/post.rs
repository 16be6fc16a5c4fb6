//! Browser uploads: forms on a socket, and what must be refused about them.

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::Shutdown;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, Md5Hasher};
use gatepass_signing::address::{AddressingStyle, Endpoint};
use gatepass_signing::encode::hex;
use gatepass_signing::post_policy::{KeyRule, PostPolicy, SignedForm, SizeRange, SuccessStatus, UploadTarget};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::AmzDate;
use gatepass_store::{Config, SignatureVersion2};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use support::{ACCESS_KEY, REGION, Reply, SECRET_KEY, Server, credentials, eventually};

const BOUNDARY: &str = "----a-boundary-of-these-tests";
const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=----a-boundary-of-these-tests");

/// Fields, in the order in which they are sent, and the file.
#[derive(Clone)]
struct Form {
    fields: Vec<(String, String)>,
    file_name: Option<String>,
    content: Vec<u8>,
}

impl Form {
    /// One that uploads `content` to `k/cat.png`, signed by its policy.
    fn signed(server: &Server, content: &[u8]) -> Self {
        Self::of(&policy(server, KeyRule::prefix("k/").unwrap(), |policy| policy), content)
    }

    fn of(form: &SignedForm, content: &[u8]) -> Self {
        let fields = form.expose_fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { fields, file_name: Some("cat.png".to_owned()), content: content.to_vec() }
    }

    /// One whose policy is written by hand.
    fn with_policy(server: &Server, policy: &str, content: &[u8]) -> Self {
        let date = AmzDate::new(server.now()).as_str().to_owned();
        let day = &date[..8];
        let credential = format!("{ACCESS_KEY}/{day}/{REGION}/s3/aws4_request");
        let policy = STANDARD.encode(policy.replace("CREDENTIAL", &credential).replace("DATE", &date));
        let secret = format!("AWS4{SECRET_KEY}").into_bytes();
        let key = [day, REGION, "s3", "aws4_request"].iter().fold(secret, |key, part| hmac_sha256(&key, part));
        let signature = hex(&hmac_sha256(&key, &policy));
        let fields = [
            ("key", "k/cat.png"),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
            ("x-amz-credential", &credential),
            ("x-amz-date", &date),
            ("policy", &policy),
            ("x-amz-signature", &signature),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { fields, file_name: Some("cat.png".to_owned()), content: content.to_vec() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self.and(name, value)
    }

    fn and(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self
    }

    fn named(self, file_name: &str) -> Self {
        Self { file_name: Some(file_name.to_owned()), ..self }
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
        }
        let file_name = self.file_name.as_ref().map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"{file_name}\r\n").unwrap();
        body.extend_from_slice(b"Content-Type: application/octet-stream\r\n\r\n");
        body.extend_from_slice(&self.content);
        write!(body, "\r\n--{BOUNDARY}--\r\n").unwrap();
        body
    }

    fn send(&self, server: &Server) -> Reply {
        post(server, &self.body())
    }
}

fn post(server: &Server, body: &[u8]) -> Reply {
    server.send("POST", "/bucket", &[FORM], body)
}

fn policy(server: &Server, key: KeyRule, with: impl Fn(PostPolicy<'_>) -> PostPolicy<'_>) -> SignedForm {
    let endpoint = Endpoint::parse(&format!("http://{}", server.address)).unwrap();
    let target = UploadTarget::new(&endpoint, AddressingStyle::Path, "bucket").unwrap();
    let credentials = credentials();
    let size = SizeRange::new(0, 64 * 1024 * 1024).unwrap();
    let policy = PostPolicy::new(&credentials, Region::new(REGION).unwrap(), target, key, size);
    with(policy).sign(&KeyCache::new(), server.now()).unwrap()
}

fn hmac_sha256(key: &[u8], message: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// A policy that covers what [`Form::with_policy`] sends, and more.
fn document(more: &str) -> String {
    format!(
        r#"{{"expiration":"2026-06-01T13:00:00Z","conditions":[{more}{{"bucket":"bucket"}},["starts-with","$key","k/"],
        {{"x-amz-algorithm":"AWS4-HMAC-SHA256"}},{{"x-amz-credential":"CREDENTIAL"}},{{"x-amz-date":"DATE"}}]}}"#
    )
}

fn md5(content: &[u8]) -> [u8; 16] {
    let mut hasher = Md5Hasher::new();
    hasher.update(content);
    hasher.finish()
}

#[test]
fn a_form_uploads_its_file() {
    let server = Server::with_bucket();
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for content in [b"".as_slice(), b"small", b"\r\n--", &large] {
        let reply = Form::signed(&server, content).send(&server);
        assert_eq!((reply.status, reply.body.as_slice()), (204, b"".as_slice()), "{reply:?}");
        let location = format!("http://{}/bucket/k%2Fcat.png", server.address);
        assert_eq!(reply.header("location"), Some(location.as_str()));
        let object = server.get("/bucket/k/cat.png");
        assert_eq!(object.body, content);
        assert_eq!(object.header("etag"), reply.header("etag"));
    }
}

#[test]
fn the_answer_is_the_one_that_the_form_asks_for() {
    let server = Server::with_bucket();
    let form = |status| {
        let form =
            policy(&server, KeyRule::exact("a b/é.png").unwrap(), |policy| policy.success_status(status).unwrap());
        Form::of(&form, b"content").send(&server)
    };
    let ok = form(SuccessStatus::Ok);
    assert_eq!((ok.status, ok.text().as_str()), (200, ""));
    assert_eq!(form(SuccessStatus::NoContent).status, 204);
    let created = form(SuccessStatus::Created);
    assert_eq!((created.status, created.header("content-type")), (201, Some("application/xml")));
    let location = format!("http://{}/bucket/a%20b%2F%C3%A9.png", server.address);
    assert_eq!(created.element("Location"), Some(location.clone()));
    assert_eq!(created.header("location"), Some(location.as_str()));
    assert_eq!(created.element("Bucket").as_deref(), Some("bucket"));
    assert_eq!(created.element("Key").as_deref(), Some("a b/é.png"));
    assert_eq!(created.element("ETag"), created.header("etag").map(|etag| etag.replace('"', "&quot;")));

    let form = Form::with_policy(&server, &document("[\"eq\",\"$success_action_status\",\"404\"],"), b"x");
    assert_eq!(form.with("success_action_status", "404").send(&server).status, 204);
}

#[test]
fn a_redirect_wins_over_a_status_and_names_the_object() {
    let server = Server::with_bucket();
    let both = policy(&server, KeyRule::exact("k").unwrap(), |policy| {
        let policy = policy.success_status(SuccessStatus::Created).unwrap();
        policy.success_redirect("https://app.example/done?a=b#c").unwrap()
    });
    let reply = Form::of(&both, b"content").send(&server);
    let etag = reply.header("etag").unwrap().trim_matches('"').to_owned();
    let expected = format!("https://app.example/done?a=b&bucket=bucket&key=k&etag=%22{etag}%22#c");
    assert_eq!((reply.status, reply.header("location")), (303, Some(expected.as_str())));

    let open = document("[\"starts-with\",\"$redirect\",\"\"],");
    let old = Form::with_policy(&server, &open, b"content").with("redirect", "http://app.example/");
    assert_eq!(old.send(&server).status, 303);
    let wrong = Form::of(&both, b"content").with("x-amz-signature", &"0".repeat(64)).send(&server);
    assert_eq!((wrong.status, wrong.header("location")), (403, None), "no redirect on failure");
}

#[test]
fn fields_say_what_the_object_is_and_headers_of_the_request_do_not() {
    let server = Server::with_bucket();
    let content = b"a page";
    let checksum = Checksum::of(ChecksumAlgorithm::Crc32c, content).to_text();
    let md5 = STANDARD.encode(md5(content));
    let fields = [
        ("Content-Type", "text/plain"),
        ("Cache-Control", "no-store"),
        ("Content-Disposition", "attachment"),
        ("content-language", "de"),
        ("Content-Encoding", "identity"),
        ("Expires", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("Content-MD5", &md5),
        ("x-amz-meta-a", "1"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-checksum-crc32c", &checksum),
        ("acl", "private"),
        ("x-ignore-me", "whatever"),
    ];
    let covered: Vec<String> = fields.iter().map(|(name, _)| format!("[\"starts-with\",\"${name}\",\"\"],")).collect();
    let form = Form::with_policy(&server, &document(&covered.concat()), content);
    let form = fields.iter().fold(form, |form, (name, value)| form.with(name, value)).and("X-Amz-Meta-A", "2");
    let headers = [FORM, ("x-amz-meta-b", "unsigned"), ("x-amz-acl", "public-read"), ("cache-control", "max-age=0")];
    let reply = server.send("POST", "/bucket", &headers, &form.body());
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_eq!(reply.header("x-amz-checksum-crc32c"), Some(checksum.as_str()));

    let object = server.signed("HEAD", "/bucket/k/cat.png", &[("x-amz-checksum-mode", "ENABLED")], b"");
    for (name, value) in [
        ("content-type", "text/plain"),
        ("cache-control", "no-store"),
        ("content-disposition", "attachment"),
        ("content-language", "de"),
        ("content-encoding", "identity"),
        ("expires", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("x-amz-meta-a", "1,2"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-checksum-crc32c", &checksum),
    ] {
        assert_eq!(object.header(name), Some(value), "{name}");
    }
    assert_eq!(object.header("x-amz-meta-b"), None);

    let wrong = form.clone().with("x-amz-checksum-crc32c", "AAAAAA==");
    server.refuses(400, "BadDigest", |server| wrong.send(server));
    let wrong = form.with("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==");
    server.refuses(400, "BadDigest", |server| wrong.send(server));
}

#[test]
fn a_form_has_tags_as_a_document() {
    let server = Server::with_bucket();
    let covered = document("[\"starts-with\",\"$tagging\",\"\"],");
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>";
    let form = Form::with_policy(&server, &covered, b"x");
    assert_eq!(form.clone().with("tagging", tags).send(&server).status, 204);
    let found = server.signed("GET", "/bucket/k/cat.png?tagging", &[], b"");
    assert_eq!((found.element("Key").as_deref(), found.element("Value").as_deref()), (Some("a"), Some("b c")));
    server.refuses(400, "MalformedXML", |server| form.with("tagging", "a=b").send(server));
}

#[test]
fn the_answer_to_a_form_says_when_its_object_will_expire() {
    let server = Server::with_bucket();
    let rules = "<LifecycleConfiguration><Rule><ID>tmp</ID><Prefix>k/</Prefix><Status>Enabled</Status>\
                 <Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
    assert_eq!(server.signed("PUT", "/bucket?lifecycle", &[], rules.as_bytes()).status, 200);
    let uploaded = Form::signed(&server, b"x").send(&server);
    assert_eq!(uploaded.status, 204, "{uploaded:?}");
    let told = uploaded.header("x-amz-expiration").expect("there is a rule");
    assert_eq!(Some(told), server.get("/bucket/k/cat.png").header("x-amz-expiration"));
}

#[test]
fn what_a_form_asks_for_and_is_not_done_is_named() {
    let server = Server::with_bucket();
    for (name, code) in [
        ("x-amz-server-side-encryption", "NotImplemented"),
        ("x-amz-object-lock-mode", "NotImplemented"),
        ("x-amz-website-redirect-location", "NotImplemented"),
        ("x-amz-tagging", "NotImplemented"),
        ("if-none-match", "NotImplemented"),
        ("x-amz-storage-class", "InvalidStorageClass"),
        ("x-amz-checksum-nonsense", "InvalidRequest"),
        ("acl", "InvalidArgument"),
    ] {
        let covered = document(&format!("[\"starts-with\",\"${name}\",\"\"],"));
        let form = Form::with_policy(&server, &covered, b"x").with(name, "*");
        let status = if code == "NotImplemented" { 501 } else { 400 };
        server.refuses(status, code, |server| form.send(server));
    }
    let covered = document("[\"starts-with\",\"$acl\",\"\"],");
    let public = Form::with_policy(&server, &covered, b"x").with("acl", "public-read");
    server.refuses(400, "AccessControlListNotSupported", |server| public.send(server));
}

#[test]
fn a_post_that_is_no_form_hears_so_before_anything_is_checked() {
    let server = Server::with_bucket();
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "multipart/mixed; boundary=b"] {
        let reply = server.refuses(412, "PreconditionFailed", |server| {
            server.send("POST", "/bucket", &[("content-type", content_type)], b"key=k")
        });
        let condition = "Bucket POST must be of the enclosure-type multipart/form-data";
        assert_eq!(reply.element("Condition").as_deref(), Some(condition));
    }
    let chunked = format!("POST /bucket HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n", server.host());
    let chunked = format!("{chunked}{}: {}\r\n\r\n0\r\n\r\n", FORM.0, FORM.1);
    server.refuses(411, "MissingContentLength", |server| server.raw(chunked.as_bytes(), "POST"));
    let form = Form::signed(&server, b"x");
    let by_query = server.presign(gatepass_signing::sigv4::presign::Method::Put, "k");
    let query = by_query.split_once('?').unwrap().1;
    let reply = server.refuses(400, "InvalidArgument", |server| {
        server.send("POST", &format!("/bucket?{query}"), &[FORM], &form.body())
    });
    assert_eq!(reply.element("Message").as_deref(), Some("Query String Parameters not allowed on POST requests."));
    server.refuses(400, "InvalidArgument", |server| {
        server.send("POST", "/bucket", &[FORM, ("authorization", "AWS4-HMAC-SHA256 x")], &form.body())
    });
    server.refuses(405, "MethodNotAllowed", |server| server.signed("POST", "/bucket/key", &[FORM], &form.body()));
}

#[test]
fn a_bucket_may_stand_in_the_host() {
    let server = Server::with_bucket();
    let form = Form::signed(&server, b"content");
    let body = form.body();
    let port = server.address.port();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: bucket.localhost:{port}\r\n{}: {}\r\nContent-Length: {}\r\n\r\n",
        FORM.0,
        FORM.1,
        body.len()
    );
    let reply = server.raw(&[head.as_bytes(), &body].concat(), "POST");
    let location = format!("http://bucket.localhost:{port}/k%2Fcat.png");
    assert_eq!((reply.status, reply.header("location")), (204, Some(location.as_str())), "{reply:?}");
    assert_eq!(server.get("/bucket/k/cat.png").body, b"content");
}

#[test]
fn a_form_for_a_bucket_that_is_not_there_is_404() {
    let server = Server::with_bucket();
    let other = document("").replace("\"bucket\":\"bucket\"", "\"bucket\":\"other\"");
    let form = Form::with_policy(&server, &other, b"x");
    server.refuses(404, "NoSuchBucket", |server| server.send("POST", "/other", &[FORM], &form.body()));
}

#[test]
fn nobody_uploads_without_a_signature() {
    let server = Server::with_bucket();
    let bare = Form { fields: vec![("key".into(), "k".into())], file_name: None, content: b"x".to_vec() };
    server.refuses(403, "AccessDenied", |server| bare.send(server));
    let forged = Form::signed(&server, b"x").with("x-amz-signature", &"0".repeat(64));
    let reply = server.refuses(403, "SignatureDoesNotMatch", |server| forged.send(server));
    assert_eq!(reply.element("CanonicalRequest"), None);
    assert!(reply.element("StringToSign").is_some());
    let foreign = Form::signed(&server, b"x").with("x-amz-credential", "AKIDNOBODY/20260601/us-east-1/s3/aws4_request");
    server.refuses(403, "InvalidAccessKeyId", |server| foreign.send(server));
    let token = Form::signed(&server, b"x").with("x-amz-security-token", "token");
    server.refuses(403, "AccessDenied", |server| token.send(server));
}

#[test]
fn a_form_lives_until_its_policy_ends() {
    let server = Server::with_bucket();
    let form = Form::signed(&server, b"x");
    server.move_clock(900);
    assert_eq!(form.send(&server).status, 204);
    server.move_clock(1);
    let reply = server.refuses(403, "AccessDenied", |server| form.send(server));
    assert_eq!(reply.element("Message").as_deref(), Some("Invalid according to Policy: Policy expired."));
}

#[test]
fn the_old_signature_is_taken_where_it_is_switched_on() {
    let policy = r#"{"expiration":"2026-06-01T13:00:00Z","conditions":[{"bucket":"bucket"},{"key":"k"}]}"#;
    let policy = STANDARD.encode(policy);
    let mac = Hmac::<sha1::Sha1>::new_from_slice(SECRET_KEY.as_bytes()).unwrap();
    let signature = STANDARD.encode(mac.chain_update(&policy).finalize().into_bytes());
    let fields = [("key", "k"), ("AWSAccessKeyId", ACCESS_KEY), ("policy", &policy), ("signature", &signature)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let form = Form { fields, file_name: None, content: b"x".to_vec() };
    let server = Server::with_bucket();
    let reply = server.refuses(400, "InvalidRequest", |server| form.send(server));
    assert!(reply.element("Message").unwrap().contains("AWS4-HMAC-SHA256"), "{reply:?}");
    let server = Server::configured(|config| Config { signature_version_2: SignatureVersion2::Accepted, ..config });
    assert_eq!(form.send(&server).status, 204);
}

#[test]
fn a_page_may_read_the_answer_where_the_bucket_allows_it() {
    let server = Server::with_bucket();
    let cors = "<CORSConfiguration><CORSRule><AllowedMethod>POST</AllowedMethod><AllowedOrigin>https://app.example</AllowedOrigin><ExposeHeader>ETag</ExposeHeader></CORSRule></CORSConfiguration>";
    let checksum = STANDARD.encode(md5(cors.as_bytes()));
    assert_eq!(server.signed("PUT", "/bucket?cors", &[("content-md5", &checksum)], cors.as_bytes()).status, 200);
    let form = Form::signed(&server, b"x");
    let allowed = |form: &Form, origin: &str| {
        let reply = server.send("POST", "/bucket", &[FORM, ("Origin", origin)], &form.body());
        (reply.status, reply.header("access-control-allow-origin").map(str::to_owned))
    };
    assert_eq!(allowed(&form, "https://app.example"), (204, Some("https://app.example".to_owned())));
    assert_eq!(allowed(&form, "https://evil.example"), (204, None));
    let refused = form.without("policy");
    assert_eq!(allowed(&refused, "https://app.example"), (400, Some("https://app.example".to_owned())));
}

#[test]
fn a_body_that_breaks_off_anywhere_stores_nothing() {
    let server = Server::with_bucket();
    let content: Vec<u8> = (0..40_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let body = Form::signed(&server, &content).body();
    let before = server.state();
    let raw = server.request("POST", "/bucket", &[FORM], &body);
    let head = raw.len() - body.len();
    let ends = (head..head + 2_600).step_by(97).chain((head + 2_600..raw.len()).step_by(7_919)).chain([raw.len() - 5]);
    for end in ends {
        let mut stream = server.connect();
        stream.write_all(&raw[..end]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        drop(stream);
    }
    // The last of them may still be on its way.
    assert_eq!(server.get("/bucket/k/cat.png").code(), "NoSuchKey");
    eventually("what was begun is removed", || server.state() == before);

    for cut in [10, 300, body.len() - 40_100, body.len() - 3] {
        server.refuses(400, "MalformedPOSTRequest", |server| post(server, &body[..cut]));
    }
}

#[test]
fn attack_16_a_form_cannot_name_another_bucket() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/other-bucket", &[], b"").status, 200);
    let form = Form::signed(&server, b"attack").with("bucket", "other-bucket");
    server.refuses(403, "AccessDenied", |server| form.send(server));
    let form = Form::signed(&server, b"attack");
    server.refuses(403, "AccessDenied", |server| server.send("POST", "/other-bucket", &[FORM], &form.body()));
}

#[test]
fn attack_17_a_form_has_no_field_that_its_policy_does_not_name() {
    let server = Server::with_bucket();
    for name in ["x-amz-meta-a", "acl", "Content-Type", "tagging", "success_action_redirect", "anything"] {
        let form = Form::signed(&server, b"attack").with(name, "text/html");
        let reply = server.refuses(403, "AccessDenied", |server| form.send(server));
        let message = format!("Invalid according to Policy: Extra input fields: {name}");
        assert_eq!(reply.element("Message"), Some(message));
    }
    assert_eq!(Form::signed(&server, b"x").with("x-ignore-me", "1").send(&server).status, 204);
}

#[test]
fn attack_18_repeated_and_misplaced_fields() {
    let server = Server::with_bucket();
    for name in ["key", "policy", "x-amz-signature", "Policy", "KEY"] {
        let form = Form::signed(&server, b"attack").and(name, "k/other");
        server.refuses(400, "InvalidArgument", |server| form.send(server));
    }
    let form = Form::signed(&server, b"attack");
    let body = form.body();
    let place = |needle: &[u8]| body.windows(needle.len()).position(|window| window == needle).unwrap();
    let file = place(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"").as_bytes());
    let end = body.len() - format!("--{BOUNDARY}--\r\n").len();
    let first = [&body[file..end], &body[..file], &body[end..]].concat();
    let reply = server.refuses(400, "InvalidArgument", |server| post(server, &first));
    let message =
        "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.";
    assert_eq!(reply.element("Message").as_deref(), Some(message));

    let late = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"acl\"\r\n\r\npublic-read\r\n");
    let late = [&body[..end], late.as_bytes(), &body[end..]].concat();
    assert_eq!(post(&server, &late).status, 204, "a field after the file is ignored");
    let none = [&body[..file], format!("--{BOUNDARY}--\r\n").as_bytes()].concat();
    let reply = server.refuses(400, "InvalidArgument", |server| post(server, &none));
    assert_eq!(reply.element("Message").as_deref(), Some("POST requires exactly one file upload per request."));
    assert_eq!(
        (reply.element("ArgumentName").as_deref(), reply.element("ArgumentValue").as_deref()),
        (Some("file"), Some("0"))
    );
}

#[test]
fn attack_19_a_file_is_held_to_its_size_while_it_streams() {
    let server = Server::with_bucket();
    let range = document("[\"content-length-range\",5,100000],");
    let form = |bytes: usize| Form::with_policy(&server, &range, &vec![b'x'; bytes]);
    for bytes in [5, 100_000] {
        assert_eq!(form(bytes).send(&server).status, 204);
    }
    let small = server.refuses(400, "EntityTooSmall", |_| form(4).send(&server));
    let sizes = |reply: &Reply, limit| (reply.element("ProposedSize").unwrap(), reply.element(limit).unwrap());
    assert_eq!(sizes(&small, "MinSizeAllowed"), ("4".to_owned(), "5".to_owned()));
    let large = server.refuses(400, "EntityTooLarge", |_| form(100_001).send(&server));
    assert_eq!(sizes(&large, "MaxSizeAllowed"), ("100001".to_owned(), "100000".to_owned()));

    // Of another signer's policy no file may fit.
    let none = document("[\"content-length-range\",10,5],");
    for (bytes, code) in [(4, "EntityTooSmall"), (7, "EntityTooLarge"), (11, "EntityTooLarge")] {
        server.refuses(400, code, |server| Form::with_policy(server, &none, &vec![b'x'; bytes]).send(server));
    }

    // The answer comes although most of what was promised never does.
    let body = form(1_000_000).body();
    let mut stream = server.connect();
    let head = format!(
        "POST /bucket HTTP/1.1\r\nHost: {}\r\n{}: {}\r\nContent-Length: 5000000000\r\n\r\n",
        server.host(),
        FORM.0,
        FORM.1
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body[..body.len() - 10]).unwrap();
    assert_eq!(Reply::read(&mut stream, "POST").code(), "EntityTooLarge");
    let chunked = head.replace("Content-Length: 5000000000", "Transfer-Encoding: chunked");
    let no_length = server.raw(format!("{chunked}1\r\nx\r\n0\r\n\r\n").as_bytes(), "POST");
    assert_eq!((no_length.status, no_length.code().as_str()), (411, "MissingContentLength"));
    let huge = head.replace("5000000000", &(5 * (1_u64 << 30) + 64 * 1024).to_string());
    server.refuses(400, "EntityTooLarge", |server| server.raw(huge.as_bytes(), "POST"));
}

#[test]
fn attack_20_redirects_and_file_names_carry_nothing_in() {
    let server = Server::with_bucket();
    let open = document("[\"starts-with\",\"$success_action_redirect\",\"\"],");
    for redirect in ["javascript:alert(1)", "//evil.example", "data:text/html,x", "https://good@evil.example/"] {
        let form = Form::with_policy(&server, &open, b"x").with("success_action_redirect", redirect);
        assert_eq!(form.send(&server).status, 204, "{redirect}");
    }
    let form = Form::with_policy(&server, &open, b"x").with("success_action_redirect", "http://a/\r\nSet-Cookie: b=c");
    let reply = form.send(&server);
    assert_eq!((reply.status, reply.header("set-cookie")), (204, None));

    let key = |name: &str| {
        let reply = Form::signed(&server, b"x").named(name).send(&server);
        (reply.status, reply.header("location").map(str::to_owned))
    };
    let location = |key: &str| Some(format!("http://{}/bucket/k%2F{key}", server.address));
    assert_eq!(key("../../x"), (204, location("x")));
    assert_eq!(key("C:\\a\\..\\y"), (204, location("y")));
    assert_eq!(key(".."), (204, location("..")));
    for name in ["a\r\nb", "a\u{0}b"] {
        server.refuses(400, "MalformedPOSTRequest", |server| Form::signed(server, b"x").named(name).send(server));
    }
    server.refuses(400, "InvalidArgument", |server| Form::signed(server, b"x").named(&"n".repeat(10_240)).send(server));
    assert!(!server.outside().join("x").exists());
}

#[test]
fn attack_21_a_prefix_of_types_covers_every_type_of_a_list() {
    let server = Server::with_bucket();
    let images = document("[\"starts-with\",\"$Content-Type\",\"image/\"],");
    let form = |value: &str| Form::with_policy(&server, &images, b"x").with("Content-Type", value);
    for value in ["text/html", "image/png,text/html", "IMAGE/png;text/html", ""] {
        server.refuses(403, "AccessDenied", |server| form(value).send(server));
    }
    // As S3 has it; `PostPolicy::any_content_type_of` says what it means.
    assert_eq!(form("image/svg+xml").send(&server).status, 204);
}

#[test]
fn attack_22_a_policy_that_no_two_readers_agree_on_is_none() {
    let server = Server::with_bucket();
    let conditions = "{\"bucket\":\"bucket\"},".repeat(200);
    for (policy, code) in [
        (document("").replace("\"conditions\"", "\"conditions\":[],\"conditions\""), "InvalidPolicyDocument"),
        (document("").replace("00Z", "00"), "InvalidPolicyDocument"),
        (document(&"[".repeat(10_000)), "InvalidPolicyDocument"),
        (format!("{}x", document("")), "InvalidPolicyDocument"),
        (document(&conditions.repeat(10)), "MaxPostPreDataLengthExceeded"),
    ] {
        let form = Form::with_policy(&server, &policy, b"x");
        server.refuses(400, code, |server| form.send(server));
    }
    assert_eq!(Form::with_policy(&server, &document(&conditions), b"x").send(&server).status, 204);
}

#[test]
fn attack_15_a_wide_policy_is_as_wide_as_it_says() {
    let server = Server::with_bucket();
    let wide = document("").replace("\"k/\"", "\"\"");
    let form = Form::with_policy(&server, &wide, b"x").with("key", "anywhere/at/all");
    assert_eq!(
        form.send(&server).status,
        204,
        "as S3 does; our own signer makes no such form without danger in its name"
    );
}

#[test]
fn attack_23_no_field_carries_a_line_break_into_a_header() {
    let server = Server::with_bucket();
    for name in ["x-amz-meta-a", "Content-Type", "Content-Disposition", "Cache-Control", "Expires"] {
        let open = document(&format!("[\"starts-with\",\"${name}\",\"\"],"));
        for value in ["a\r\nSet-Cookie: b=c", "a\nb", "a\u{0}b", "a\u{7f}b"] {
            let form = Form::with_policy(&server, &open, b"x").with(name, value);
            server.refuses(400, "InvalidArgument", |server| form.send(server));
        }
    }
}

#[test]
fn attack_37_a_field_of_xml_is_read_as_strictly_as_a_body() {
    let server = Server::with_bucket();
    let open = document("[\"starts-with\",\"$tagging\",\"\"],");
    let depth = "<a>".repeat(2_000);
    for value in [
        "<!DOCTYPE a [<!ENTITY b \"c\">]><Tagging><TagSet><Tag><Key>&b;</Key><Value>1</Value></Tag></TagSet></Tagging>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><Tagging><TagSet/></Tagging>",
        "<Tagging><TagSet><Tag>",
        &depth,
    ] {
        let form = Form::with_policy(&server, &open, b"x").with("tagging", value);
        server.refuses(400, "MalformedXML", |server| form.send(server));
    }
}

#[test]
fn attack_38_no_shape_of_a_form_takes_more_than_its_share() {
    let server = Server::with_bucket();
    let field = |name: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n\r\n");
    for body in [
        field("x-ignore-a").repeat(1_000_000 / 80),
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}", "n".repeat(10_000_000)),
        format!("\r\n--{BOUNDARY}").repeat(20_000),
        format!("\r\n--{}", &BOUNDARY[..10]).repeat(20_000),
    ] {
        server.refuses(400, "MaxPostPreDataLengthExceeded", |server| post(server, body.as_bytes()));
    }
    let form = Form::signed(&server, b"x");
    for boundary in ["", "; boundary=", "; boundary=\"", &format!("; boundary={}", "b".repeat(71))] {
        let content_type = format!("multipart/form-data{boundary}");
        server.refuses(400, "MalformedPOSTRequest", |server| {
            server.send("POST", "/bucket", &[("content-type", &content_type)], &form.body())
        });
    }
    let body = form.body();
    let longest = "b".repeat(70);
    let content_type = format!("multipart/form-data; boundary={longest}");
    let text = String::from_utf8(body.clone()).unwrap().replace(BOUNDARY, &longest);
    let sent = server.send("POST", "/bucket", &[("content-type", &content_type)], text.as_bytes());
    assert_eq!(sent.status, 204, "{sent:?}");
    // A name is a name, whatever libraries make of its brackets.
    let nested = format!("x-ignore-{}", "[a]".repeat(1_000));
    assert_eq!(form.clone().with(&nested, "x").send(&server).status, 204);
    let open = &body[..body.len() - 4];
    server.refuses(400, "MalformedPOSTRequest", |server| post(server, open));
    // A file of nothing but beginnings of boundaries is a file.
    let flood = format!("\r\n--{}", &BOUNDARY[..BOUNDARY.len() - 1]).repeat(20_000);
    assert_eq!(Form::signed(&server, flood.as_bytes()).send(&server).status, 204);
    assert_eq!(server.get("/bucket/k/cat.png").body, flood.as_bytes());
}

#[test]
fn no_way_of_cutting_a_body_changes_what_is_stored() {
    let server = Server::with_bucket();
    let content = b"\r\n--\r\n------a-boundary-of-these-test\r\n".repeat(3);
    let body = Form::signed(&server, &content).body();
    let raw = server.request("POST", "/bucket", &[FORM], &body);
    let mut outcomes = BTreeMap::new();
    for cut in (raw.len() - body.len()..raw.len()).step_by(53) {
        let mut stream = server.connect();
        stream.set_nodelay(true).unwrap();
        stream.write_all(&raw[..cut]).unwrap();
        stream.write_all(&raw[cut..]).unwrap();
        let reply = Reply::read(&mut stream, "POST");
        *outcomes.entry((reply.status, server.get("/bucket/k/cat.png").body)).or_insert(0) += 1;
    }
    assert_eq!(outcomes.into_keys().collect::<Vec<_>>(), [(204, content)]);
}

#[test]
fn a_buckets_policy_binds_forms_too() {
    let server = Server::with_bucket();
    let deny = |condition: &str| {
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                "Resource": "arn:aws:s3:::bucket/*", "Condition": {condition}}}}}"#
        );
        assert_eq!(server.signed("PUT", "/bucket?policy", &[], policy.as_bytes()).status, 204);
    };
    let form = Form::signed(&server, b"a cat");
    deny(r#"{"StringEquals": {"s3:authType": "POST"}}"#);
    let refused = server.refuses(403, "AccessDenied", |server| form.send(server));
    assert!(refused.text().contains("with an explicit deny in a resource-based policy"), "{refused:?}");
    deny(r#"{"NumericGreaterThan": {"s3:signatureAge": "60000"}}"#);
    server.move_clock(60);
    assert_eq!(form.send(&server).status, 204);
    server.move_clock(1);
    assert_eq!(form.send(&server).status, 403);
}

/// Ceph: the field `bucket` of a form took the place of the bucket that it was sent to, where its policy was evaluated.
#[test]
fn adv_cve_2023_43040_a_field_is_not_the_bucket() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/other-bucket", &[], b"").status, 200);
    let form = Form::signed(&server, b"attack");
    for body in [form.body(), form.clone().with("bucket", "bucket").body()] {
        server.refuses(403, "AccessDenied", |server| server.send("POST", "/other-bucket", &[FORM], &body));
    }
}

/// MinIO: the road of forms had its own idea of which buckets are the system's.
#[test]
fn adv_cve_2023_28434_no_form_reaches_a_bucket_of_the_store_itself() {
    let server = Server::with_bucket();
    let form = Form::signed(&server, b"attack");
    for path in ["/.minio.sys", "/.index", "/_gatepass", "/%2e%2e", "/bucket/../.index", "//bucket"] {
        let before = server.state();
        let reply = server.send("POST", path, &[FORM], &form.body());
        assert!(matches!(reply.status, 400 | 403 | 405), "{path}: {reply:?}");
        assert_eq!(before, server.state(), "{path}");
    }
}

/// RustFS: forms were taken whatever their policies said.
#[test]
fn adv_ghsa_w5fh_f8xh_5x3p_every_condition_of_a_policy_holds() {
    let server = Server::with_bucket();
    let narrow = document("[\"content-length-range\",1,5],[\"eq\",\"$Content-Type\",\"image/png\"],");
    let form = |content: &[u8]| Form::with_policy(&server, &narrow, content).with("Content-Type", "image/png");
    for (form, status, code) in [
        (form(b"123456"), 400, "EntityTooLarge"),
        (form(b""), 400, "EntityTooSmall"),
        (form(b"1").with("Content-Type", "text/html"), 403, "AccessDenied"),
        (form(b"1").without("Content-Type"), 403, "AccessDenied"),
        (form(b"1").with("key", "elsewhere"), 403, "AccessDenied"),
        (form(b"1").with("x-amz-meta-a", "1"), 403, "AccessDenied"),
        (form(b"1").with("x-amz-date", "20260601T120001Z"), 403, "AccessDenied"),
    ] {
        server.refuses(status, code, |server| form.send(server));
    }
    assert_eq!(form(b"12345").send(&server).status, 204);
}

/// minio-java #1174: policies were put together from strings, and a quotation mark in a name added conditions to them.
#[test]
fn adv_minio_java_1174_a_name_adds_no_condition() {
    let server = Server::with_bucket();
    let name = r#"a"],["starts-with","$key",""#;
    let form = policy(&server, KeyRule::exact(name).unwrap(), |policy| policy.field("x-amz-meta-a", name).unwrap());
    let form = Form::of(&form, b"content");
    server.refuses(403, "AccessDenied", |server| form.clone().with("key", "elsewhere").send(server));
    assert_eq!(form.send(&server).status, 204);
    assert_eq!(server.get("/bucket?list-type=2").elements("Key").len(), 1);
}

/// Google's libraries, 2020: forms without a condition on the bucket were good for every bucket of the signer.
#[test]
fn adv_google_storage_2020_a_form_is_for_one_bucket() {
    let server = Server::with_bucket();
    let signed = policy(&server, KeyRule::prefix("k/").unwrap(), |policy| policy);
    let (_, encoded) = signed.expose_fields().find(|(name, _)| *name == "policy").unwrap();
    let text = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    assert!(text.contains("\"bucket\""), "our signer says which: {text}");
}

/// Shopify and others (HackerOne 764243, 93691, 94087): application and store understood a key or a prefix differently, and
/// forms reached what belongs to others.
#[test]
fn adv_hackerone_764243_a_prefix_ends_where_it_says() {
    for open in ["", "users", "users/7"] {
        assert!(KeyRule::prefix(open).is_err(), "{open}");
    }
    let server = Server::with_bucket();
    let form = Form::of(&policy(&server, KeyRule::prefix("users/7/").unwrap(), |policy| policy), b"x");
    for key in ["users/77/a", "users/8/a", "users/7", "USERS/7/a", "/users/7/a"] {
        server.refuses(403, "AccessDenied", |server| form.clone().with("key", key).send(server));
    }
    // Nothing resolves it: it is a key like any other, below the prefix.
    assert_eq!(form.with("key", "users/7/../8/a").send(&server).status, 204);
    assert_eq!(server.get("/bucket?list-type=2").elements("Key"), ["users/7/../8/a"]);
}
