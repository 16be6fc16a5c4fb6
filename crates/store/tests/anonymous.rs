//! Requests without credentials: what a policy may open to everybody, and what stays shut.

mod support;

use support::{Reply, Server};

const READ: &str =
    r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/public/*"}"#;

/// With two objects, and a policy, in a bucket that no public access block guards.
fn open(statements: &str) -> Server {
    let server = Server::with_bucket();
    server.put("/bucket/public/a", b"public");
    server.put("/bucket/private", b"private");
    assert_eq!(server.signed("DELETE", "/bucket?publicAccessBlock", &[], b"").status, 204);
    set(&server, statements);
    server
}

fn set(server: &Server, statements: &str) {
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let put = server.signed("PUT", "/bucket?policy", &[], policy.as_bytes());
    assert_eq!(put.status, 204, "{put:?}");
}

fn ask(server: &Server, method: &str, target: &str, body: &[u8]) -> Reply {
    server.send(method, target, &[], body)
}

/// The bare message tells nothing about anybody.
fn refuses(server: &Server, method: &str, target: &str) {
    let refused = server.refuses(403, "AccessDenied", |server| ask(server, method, target, b""));
    assert_eq!(refused.element("Message").as_deref(), Some("Access Denied"), "{method} {target}");
}

#[test]
fn a_statement_opens_what_it_names_and_nothing_else() {
    let server = open(READ);
    let reply = ask(&server, "GET", "/bucket/public/a", b"");
    assert_eq!((reply.status, reply.text().as_str()), (200, "public"));
    assert_eq!(ask(&server, "HEAD", "/bucket/public/a", b"").status, 200);
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/bucket"),
        ("GET", "/bucket?list-type=2&prefix=public"),
        ("GET", "/bucket?uploads"),
        ("GET", "/bucket?policy"),
        ("GET", "/bucket?policyStatus"),
        ("GET", "/bucket?cors"),
        ("GET", "/bucket?location"),
        ("GET", "/bucket/private"),
        ("GET", "/bucket/public"),
        ("GET", "/bucket/public/a?tagging"),
        ("PUT", "/bucket/public/b"),
        ("DELETE", "/bucket/public/a"),
        ("POST", "/bucket/public/b?uploads"),
        ("PUT", "/bucket?policy"),
        ("DELETE", "/bucket?policy"),
        ("DELETE", "/bucket"),
        ("PUT", "/another"),
        ("GET", "/another/key"),
    ] {
        refuses(&server, method, target);
    }
    for target in ["/bucket/private", "/bucket"] {
        assert_eq!(ask(&server, "HEAD", target, b"").status, 403);
    }
}

#[test]
fn everybody_has_two_spellings_and_an_account_is_not_everybody() {
    for (principal, status) in [
        (r#""*""#, 200),
        (r#"{"AWS": "*"}"#, 200),
        (r#"{"AWS": "000000000000"}"#, 403),
        (r#"{"CanonicalUser": "*"}"#, 403),
        (r#"{"Service": "*"}"#, 403),
    ] {
        let server = open(&READ.replace(r#""*""#, principal));
        assert_eq!(ask(&server, "GET", "/bucket/public/a", b"").status, status, "{principal}");
    }
}

#[test]
fn a_deny_wins_over_what_is_open() {
    let deny =
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/public/a"}"#;
    for statements in [format!("{READ},{deny}"), format!("{deny},{READ}")] {
        refuses(&open(&statements), "GET", "/bucket/public/a");
    }
    let others = r#"{"Effect": "Deny", "NotPrincipal": {"AWS": "000000000000"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}"#;
    let server = open(&format!("{READ},{others}"));
    refuses(&server, "GET", "/bucket/public/a");
    assert_eq!(server.get("/bucket/public/a").status, 200);
}

#[test]
fn a_public_access_block_shuts_what_a_policy_opened() {
    let server = open(READ);
    let block = |switch: &str| {
        let body =
            format!("<PublicAccessBlockConfiguration><{switch}>true</{switch}></PublicAccessBlockConfiguration>");
        let md5 = support::content_md5(body.as_bytes());
        let put = server.signed("PUT", "/bucket?publicAccessBlock", &[("content-md5", &md5)], body.as_bytes());
        assert_eq!(put.status, 200, "{put:?}");
    };
    block("BlockPublicPolicy");
    assert_eq!(ask(&server, "GET", "/bucket/public/a", b"").status, 200, "it is about policies to come");
    block("RestrictPublicBuckets");
    refuses(&server, "GET", "/bucket/public/a");
    assert_eq!(server.get("/bucket/public/a").status, 200, "the account itself still may");
    block("IgnorePublicAcls");
    assert_eq!(ask(&server, "GET", "/bucket/public/a", b"").status, 200);
}

#[test]
fn a_restricted_bucket_still_serves_a_policy_that_is_not_public() {
    let server =
        open(&READ.replace(r#""Action""#, r#""Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, "Action""#));
    assert_eq!(server.get("/bucket?policyStatus").element("IsPublic").as_deref(), Some("false"));
    let body = b"<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    let md5 = support::content_md5(body);
    assert_eq!(server.signed("PUT", "/bucket?publicAccessBlock", &[("content-md5", &md5)], body).status, 200);
    assert_eq!(ask(&server, "GET", "/bucket/public/a", b"").status, 200);
}

#[test]
fn conditions_on_signatures_never_hold_for_nobody() {
    for (condition, status) in [
        (r#"{"StringLike": {"s3:authType": "*"}}"#, 403),
        (r#"{"NumericLessThan": {"s3:signatureAge": "1000"}}"#, 403),
        (r#"{"StringLike": {"aws:PrincipalArn": "*"}}"#, 403),
        (r#"{"Null": {"s3:signatureversion": "true"}}"#, 200),
        (r#"{"StringEquals": {"aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"}}"#, 200),
    ] {
        let server = open(&READ.replace(r#""Action""#, &format!(r#""Condition": {condition}, "Action""#)));
        assert_eq!(ask(&server, "GET", "/bucket/public/a", b"").status, status, "{condition}");
    }
}

#[test]
fn attack_14_absent_objects_and_buckets_look_alike_to_those_who_may_not_list() {
    let server = open(READ);
    let bare = |target: &str| {
        let reply = ask(&server, "GET", target, b"");
        let body = reply.text();
        let body = body.split("<RequestId>").next().unwrap().to_owned();
        (reply.status, body)
    };
    let absent = bare("/bucket/public/absent");
    assert_eq!(absent.0, 403);
    for target in ["/bucket/private", "/bucket/absent", "/absent/key", "/bucket/private?versionId=null"] {
        let other = bare(target);
        assert!(other == absent || other.0 == 501, "{target}: {other:?}");
    }
    let list = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::bucket"}"#;
    set(&server, &format!("{READ},{list}"));
    assert_eq!(bare("/bucket/public/absent").0, 404, "who may list may know");
    assert_eq!(bare("/bucket/absent").0, 403, "and yet not read");
}

#[test]
fn attack_23_nobody_changes_the_headers_of_an_open_object() {
    let server = open(READ);
    for parameter in ["response-content-type=text/html", "response-content-disposition=inline", "response-expires=x"] {
        let target = format!("/bucket/public/a?{parameter}");
        let reply = server.refuses(400, "InvalidRequest", |server| ask(server, "GET", &target, b""));
        assert!(reply.text().contains("Request specific response headers cannot be used for anonymous GET requests"));
    }
    assert_eq!(ask(&server, "GET", "/bucket/public/a?response-content-type=", b"").status, 400);
}

#[test]
fn a_bucket_may_take_writes_of_everybody_into_one_place() {
    let write = r#"{"Effect": "Allow", "Principal": "*", "Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": "arn:aws:s3:::bucket/inbox/*"}"#;
    let server = open(write);
    assert_eq!(ask(&server, "PUT", "/bucket/inbox/a", b"hello").status, 200);
    assert_eq!(server.get("/bucket/inbox/a").text(), "hello");
    refuses(&server, "PUT", "/bucket/outbox/a");
    refuses(&server, "GET", "/bucket/inbox/a");
    let copy = server.refuses(403, "AccessDenied", |server| {
        server.send("PUT", "/bucket/inbox/copy", &[("x-amz-copy-source", "/bucket/private")], b"")
    });
    assert_eq!(copy.element("Message").as_deref(), Some("Access Denied"));
    let body = b"<Delete><Object><Key>inbox/a</Key></Object><Object><Key>private</Key></Object></Delete>";
    let md5 = support::content_md5(body);
    let deleted = server.send("POST", "/bucket?delete", &[("content-md5", &md5)], body);
    assert_eq!(deleted.status, 200, "{deleted:?}");
    assert_eq!(deleted.element("Code").as_deref(), Some("AccessDenied"));
    assert_eq!((server.get("/bucket/inbox/a").status, server.get("/bucket/private").status), (404, 200));
}

#[test]
fn without_a_policy_everything_is_shut_and_bodies_are_not_read() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"body");
    assert_eq!(server.signed("DELETE", "/bucket?publicAccessBlock", &[], b"").status, 204);
    for (method, target) in
        [("GET", "/bucket/key"), ("GET", "/bucket"), ("PUT", "/bucket/key"), ("POST", "/bucket?delete")]
    {
        let refused = server.refuses(403, "AccessDenied", |server| {
            server.send(method, target, &[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")], b"")
        });
        assert_eq!(refused.element("Message").as_deref(), Some("Access Denied"));
    }
}
