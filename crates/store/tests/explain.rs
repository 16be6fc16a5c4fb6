//! Pages that say why a request was refused: to this machine alone, without a secret, and without a way in.

mod support;

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{Config, EXPLAINED_HEAD_MAX_BYTES, REMEMBERED_REFUSALS};
use support::{Reply, SECRET_KEY, Server, borrowed};

/// Where the pages are is the listener's business; here it is a name that tests cut off again.
const AT: &str = "http://explained.test";

fn explaining() -> Server {
    Server::configured(|config| Config { explain_at: Some(AT.to_owned()), ..config })
}

fn path(refused: &Reply) -> String {
    let address = refused.header("x-gatepass-explain").unwrap_or_else(|| panic!("not explained: {refused:?}"));
    address.strip_prefix(AT).unwrap().to_owned()
}

fn page(server: &Server, refused: &Reply) -> Reply {
    server.send("GET", &path(refused), &[], b"")
}

fn json(server: &Server, refused: &Reply) -> serde_json::Value {
    let reply = server.send("GET", &path(refused), &[("accept", "application/json")], b"");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    serde_json::from_slice(&reply.body).unwrap()
}

/// The stage that refused.
fn stage(explanation: &serde_json::Value) -> String {
    let stages = explanation["stages"].as_array().unwrap();
    let refused: Vec<_> = stages.iter().filter(|stage| stage[1] == "refused").collect();
    assert_eq!(refused.len(), 1, "{stages:?}");
    refused[0][0].as_str().unwrap().to_owned()
}

#[test]
fn a_refusal_names_its_page_and_success_none() {
    let server = explaining();
    let put = server.signed("PUT", "/bucket/key", &[], b"body");
    assert_eq!((put.status, put.header("x-gatepass-explain")), (200, None));
    let refused = server.get("/bucket/absent");
    let page = page(&server, &refused);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("<h1>404 NoSuchKey</h1>"), "{page:?}");
    let head = server.signed("HEAD", "/bucket/absent", &[], b"");
    assert_eq!(json(&server, &head)["answer"]["code"], "NoSuchKey");
}

#[test]
fn without_the_switch_nothing_is_explained() {
    let server = Server::with_bucket();
    assert_eq!(server.get("/bucket/absent").header("x-gatepass-explain"), None);
    let asked = server.send("GET", "/_gatepass/explain/00000000000000000000000000000000", &[], b"");
    assert_eq!(asked.code(), "InvalidBucketName");
}

#[test]
fn each_stage_of_the_road_refuses_under_its_name() {
    let server = explaining();
    server.put("/bucket/key", b"body");
    let two_hosts = server.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", "GET");
    let url = server.presign(Method::Get, "key");
    let table = [
        (two_hosts, "arrival"),
        (server.send("GET", &url.replace("/key?", "/kay?"), &[], b""), "authenticate"),
        (server.get("/bucket?max-keys=x"), "operation"),
        (server.send("GET", "/bucket/key", &[], b""), "authorize"),
        (server.get("/bucket/absent"), "data"),
    ];
    for (refused, expected) in table {
        assert_eq!(stage(&json(&server, &refused)), expected, "{refused:?}");
    }
}

#[test]
fn a_wrong_signature_is_explained_by_what_was_signed_instead() {
    let server = explaining();
    let url = server.presign(Method::Get, "key");
    let refused = server.send("PUT", &url, &[], b"");
    assert_eq!(refused.code(), "SignatureDoesNotMatch");
    let explanation = json(&server, &refused);
    let first = &explanation["signature"]["findings"][0];
    assert!(first["evidence"].as_str().unwrap().contains("GET"), "{first}");
    assert!(!first["fix"].as_str().unwrap().is_empty());
    assert!(
        explanation["signature"]["signed"]["canonical_request"].as_str().unwrap().starts_with("PUT\n/bucket/key\n")
    );
    assert!(page(&server, &refused).text().contains("The canonical request"));
}

#[test]
fn a_policy_is_explained_statement_by_statement() {
    let server = explaining();
    server.put("/bucket/key", b"body");
    let policy = br#"{"Version": "2012-10-17", "Statement": [
        {"Sid": "Old", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*",
         "Condition": {"NumericGreaterThan": {"s3:signatureAge": "600000"}}},
        {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*"}]}"#;
    assert_eq!(server.signed("PUT", "/bucket?policy", &[], policy).status, 204);
    let refused = server.get("/bucket/key");
    let decision = json(&server, &refused)["decision"].clone();
    assert_eq!(
        (decision["action"].as_str(), decision["resource"].as_str()),
        (Some("s3:GetObject"), Some("arn:aws:s3:::bucket/key"))
    );
    assert_eq!(decision["because"], "Statement 1 of the bucket's policy denies it, which binds the root user too.");
    let outcomes: Vec<_> = (0..3).map(|index| decision["statements"][index]["outcome"].as_str().unwrap()).collect();
    assert_eq!(
        outcomes,
        [
            "Its condition NumericGreaterThan on s3:signatureAge (600000) does not hold: it is 0.",
            "It is about this request.",
            "It is about other actions.",
        ]
    );
    let html = page(&server, &refused).text();
    assert!(html.contains("1 \u{201c}Closed\u{201d}, Deny") && html.contains("put-bucket-policy"), "{html}");

    let anonymous = json(&server, &server.send("GET", "/bucket", &[], b""))["decision"].clone();
    assert_eq!(anonymous["principal"], "anonymous");
    assert!(
        anonymous["because"].as_str().unwrap().contains("no statement of the bucket's policy allows it"),
        "{anonymous}"
    );
}

#[test]
fn a_public_access_block_is_named() {
    let server = explaining();
    assert_eq!(server.signed("DELETE", "/bucket?publicAccessBlock", &[], b"").status, 204);
    let policy = br#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}}"#;
    assert_eq!(server.signed("PUT", "/bucket?policy", &[], policy).status, 204);
    let body = b"<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    let md5 = support::content_md5(body);
    assert_eq!(server.signed("PUT", "/bucket?publicAccessBlock", &[("content-md5", &md5)], body).status, 200);
    let refused = server.send("GET", "/bucket/key", &[], b"");
    assert!(json(&server, &refused)["decision"]["because"].as_str().unwrap().contains("RestrictPublicBuckets"));
}

#[test]
fn no_page_holds_a_secret() {
    const TOKEN: &str = "a-session-token-that-nobody-may-see";
    let server = explaining();
    let url = server.presign(Method::Get, "absent");
    let (_, signature) = url.split_once("X-Amz-Signature=").unwrap();
    let signed = server.sign("GET", "/bucket/absent", &[], Body::of(b""));
    let in_header = signed.iter().find(|(name, _)| name == "authorization").unwrap().1.clone();
    let (_, header_signature) = in_header.split_once("Signature=").unwrap();
    let mut with_referer = borrowed(&signed);
    let referer = format!("http://127.0.0.1{url}");
    with_referer.push(("referer", &referer));
    with_referer.push(("cookie", "session=a-cookie"));
    for refused in [
        server.send("GET", &url, &[], b""),
        server.send("GET", &format!("{url}&X-Amz-Security-Token={TOKEN}"), &[], b""),
        server.send("GET", &url.replace("absent", "absant"), &[], b""),
        server.send("GET", "/bucket/absent", &with_referer, b""),
    ] {
        for shown in [page(&server, &refused).text(), json(&server, &refused).to_string()] {
            for secret in [signature, header_signature, SECRET_KEY, TOKEN, "a-cookie"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    }
}

#[test]
fn what_a_request_says_never_becomes_markup() {
    let server = explaining();
    let url = server.presign(Method::Get, "%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    let refused = server.send("GET", &url, &[("user-agent", "<img src=x onerror=alert(1)>\"'")], b"");
    let page = page(&server, &refused);
    let html = page.text();
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;"), "{html}");
    assert!(!html.contains("<img") && !html.contains("<script"), "{html}");
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none';"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("access-control-allow-origin"), None);
}

#[test]
fn pages_are_for_the_hosts_of_the_store_and_cannot_be_guessed() {
    let server = explaining();
    let path = path(&server.get("/bucket/absent"));
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(id.len(), 32);
    let other = format!("{}{}", &path[..path.len() - 1], if path.ends_with('0') { '1' } else { '0' });
    assert_eq!(server.send("GET", &other, &[], b"").status, 404);
    for host in ["evil.example", "bucket.localhost"] {
        let asked = server.raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), "GET");
        assert!(!asked.text().contains("How far it came") && asked.status >= 400, "{host}: {asked:?}");
    }
    for method in ["PUT", "POST", "DELETE"] {
        let refused = server.send(method, &path, &[], b"");
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn the_last_refusals_are_remembered_and_no_more() {
    let server = explaining();
    let first = server.get("/bucket/first");
    for _ in 1..REMEMBERED_REFUSALS {
        server.send("GET", "/bucket/key", &[], b"");
    }
    assert_eq!(page(&server, &first).status, 200);
    server.send("GET", "/bucket/key", &[], b"");
    assert_eq!(page(&server, &first).status, 404);
}

#[test]
fn a_head_that_is_too_long_is_not_remembered() {
    let server = explaining();
    let long = "x".repeat(EXPLAINED_HEAD_MAX_BYTES);
    let refused = server.send("GET", "/bucket/key", &[("x-long", &long)], b"");
    assert_eq!((refused.status, refused.header("x-gatepass-explain")), (403, None));
    let shorter = &long[..EXPLAINED_HEAD_MAX_BYTES - 1024];
    assert!(server.send("GET", "/bucket/key", &[("x-long", shorter)], b"").header("x-gatepass-explain").is_some());
}
