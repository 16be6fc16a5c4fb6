//! What a bucket's policy does to requests: the root identity's signed ones, and what they say about themselves.

mod support;

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use support::{Reply, Server, borrowed};

fn set(server: &Server, statements: &str) {
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let put = server.signed("PUT", "/bucket?policy", &[], policy.as_bytes());
    assert_eq!(put.status, 204, "{put:?}");
}

/// With an object, and a policy that denies reading it under a condition.
fn denying_reads(condition: &str) -> Server {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"body");
    set(&server, &deny("s3:GetObject", condition));
    server
}

fn deny(action: &str, condition: &str) -> String {
    format!(
        r#"{{"Sid": "No", "Effect": "Deny", "Principal": "*", "Action": "{action}", "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"],
            "Condition": {condition}}}"#
    )
    .replace(r#"["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]"#, match action {
        "s3:ListBucket" => r#""arn:aws:s3:::bucket""#,
        _ => r#""arn:aws:s3:::bucket/*""#,
    })
}

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Reply {
    server.send("GET", target, headers, b"")
}

#[test]
fn an_explicit_deny_binds_the_root_user_and_says_so() {
    let server = denying_reads("{}");
    let refused = server.refuses(403, "AccessDenied", |server| server.get("/bucket/key"));
    assert_eq!(
        refused.element("Message").as_deref().map(|message| message.replace("&quot;", "\"")),
        Some(
            "User: arn:aws:iam::000000000000:root is not authorized to perform: s3:GetObject on resource: \
             \"arn:aws:s3:::bucket/key\" with an explicit deny in a resource-based policy"
                .to_owned()
        )
    );
    assert_eq!(server.signed("HEAD", "/bucket/key", &[], b"").status, 403);
    assert_eq!(server.get("/bucket?list-type=2").status, 200, "another action");
    assert_eq!(server.signed("DELETE", "/bucket/key", &[], b"").status, 204);
}

#[test]
fn the_root_user_cannot_lock_itself_out_of_the_policy() {
    let server = Server::with_bucket();
    set(
        &server,
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]}"#,
    );
    server.refuses(403, "AccessDenied", |server| server.get("/bucket?list-type=2"));
    server.refuses(403, "AccessDenied", |server| server.get("/bucket?publicAccessBlock"));
    assert_eq!(server.get("/bucket?policy").status, 200);
    set(&server, &deny("s3:DeleteObject", "{}"));
    assert_eq!(server.get("/bucket?list-type=2").status, 200);
    assert_eq!(server.signed("DELETE", "/bucket?policy", &[], b"").status, 204);
}

#[test]
fn a_policy_takes_effect_on_the_next_request_and_after_a_restart() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"body");
    for _ in 0..3 {
        assert_eq!(server.get("/bucket/key").status, 200);
        set(&server, &deny("s3:GetObject", "{}"));
        assert_eq!(server.get("/bucket/key").status, 403);
        assert_eq!(server.signed("DELETE", "/bucket?policy", &[], b"").status, 204);
    }
    set(&server, &deny("s3:GetObject", "{}"));
    let server = server.restart();
    assert_eq!(server.get("/bucket/key").status, 403);
    // Another bucket of the same name is another bucket.
    assert_eq!(server.signed("DELETE", "/bucket/key", &[], b"").status, 204);
    assert_eq!(server.signed("DELETE", "/bucket", &[], b"").status, 204);
    assert_eq!(server.signed("PUT", "/bucket", &[], b"").status, 200);
    server.put("/bucket/key", b"body");
    assert_eq!(server.get("/bucket/key").status, 200);
}

#[test]
fn the_way_of_signing_is_a_condition() {
    let server = denying_reads(r#"{"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}"#);
    assert_eq!(server.get("/bucket/key").status, 200);
    let url = server.presign(Method::Get, "key");
    server.refuses(403, "AccessDenied", |server| get(server, &url, &[]));

    let server = denying_reads(r#"{"StringNotEquals": {"s3:authType": "REST-QUERY-STRING"}}"#);
    assert_eq!(server.get("/bucket/key").status, 403);
    let url = server.presign(Method::Get, "key");
    assert_eq!(get(&server, &url, &[]).status, 200);

    let server = denying_reads(r#"{"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}"#);
    assert_eq!(server.get("/bucket/key").status, 403);
    let server = denying_reads(r#"{"StringEquals": {"s3:signatureversion": "AWS"}}"#);
    assert_eq!(server.get("/bucket/key").status, 200);
}

#[test]
fn a_policy_sees_the_connection_and_believes_no_header_about_it() {
    let server = denying_reads(r#"{"Bool": {"aws:SecureTransport": "false"}}"#);
    assert_eq!(server.get("/bucket/key").status, 403);
    let server = denying_reads(r#"{"Null": {"s3:TlsVersion": "true"}}"#);
    assert_eq!(server.get("/bucket/key").status, 403, "no TLS, no version of it");

    let server = denying_reads(r#"{"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}"#);
    assert_eq!(server.get("/bucket/key").status, 200);
    let server = denying_reads(r#"{"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#);
    for forwarded in ["x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip"] {
        let url = server.presign(Method::Get, "key");
        assert_eq!(get(&server, &url, &[(forwarded, "203.0.113.7")]).status, 403, "{forwarded}");
    }
}

#[test]
fn a_policy_sees_the_time() {
    let server = denying_reads(r#"{"DateGreaterThan": {"aws:CurrentTime": "2026-06-01T12:00:10Z"}}"#);
    for (seconds, status) in [(0, 200), (10, 200), (1, 403)] {
        server.move_clock(seconds);
        assert_eq!(server.get("/bucket/key").status, status);
    }
    let server = denying_reads(r#"{"NumericGreaterThan": {"aws:EpochTime": "1780315200"}}"#);
    assert_eq!(server.get("/bucket/key").status, 200);
    server.move_clock(1);
    assert_eq!(server.get("/bucket/key").status, 403);
}

#[test]
fn a_policy_sees_referer_and_user_agent() {
    let server = denying_reads(r#"{"StringNotLike": {"aws:Referer": "https://www.example.com/*"}}"#);
    let url = server.presign(Method::Get, "key");
    for (headers, status) in [
        (&[("referer", "https://www.example.com/page")][..], 200),
        (&[("referer", "https://evil.example/www.example.com/")][..], 403),
        (&[][..], 403),
    ] {
        assert_eq!(get(&server, &url, headers).status, status, "{headers:?}");
    }
    let server = denying_reads(r#"{"StringLike": {"aws:UserAgent": "*bot*"}}"#);
    let url = server.presign(Method::Get, "key");
    assert_eq!(get(&server, &url, &[("user-agent", "a bot")]).status, 403);
    assert_eq!(get(&server, &url, &[("user-agent", "a browser")]).status, 200);
}

#[test]
fn a_policy_sees_the_caller() {
    for (condition, status) in [
        (r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::000000000000:root"}}"#, 403),
        (r#"{"StringEquals": {"aws:PrincipalAccount": "000000000000"}}"#, 403),
        (r#"{"StringEquals": {"aws:PrincipalType": "Account"}}"#, 403),
        (r#"{"StringEquals": {"aws:userid": "000000000000"}}"#, 403),
        (r#"{"Null": {"aws:username": "true"}}"#, 403),
        (r#"{"StringEquals": {"s3:ResourceAccount": "000000000000"}}"#, 403),
        (r#"{"StringNotEquals": {"aws:PrincipalAccount": "${s3:ResourceAccount}"}}"#, 200),
        (r#"{"Null": {"aws:SourceVpc": "false"}}"#, 200),
        (r#"{"Null": {"s3:DataAccessPointArn": "false"}}"#, 200),
        (r#"{"Null": {"aws:TokenIssueTime": "false"}}"#, 200),
    ] {
        assert_eq!(denying_reads(condition).get("/bucket/key").status, status, "{condition}");
    }
}

#[test]
fn a_policy_sees_the_headers_of_a_write() {
    let denying = |condition: &str| {
        let server = Server::with_bucket();
        set(&server, &deny("s3:PutObject", condition));
        server
    };
    let put = |server: &Server, headers: &[(&str, &str)]| server.signed("PUT", "/bucket/key", headers, b"body").status;
    let server = denying(r#"{"StringNotEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}"#);
    assert_eq!(put(&server, &[("x-amz-storage-class", "STANDARD_IA")]), 200);
    assert_eq!(put(&server, &[]), 403);

    let server = denying(r#"{"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}"#);
    assert_eq!(put(&server, &[("if-none-match", "*")]), 200);
    assert_eq!(put(&server, &[]), 403);
    assert_eq!(server.signed("POST", "/bucket/parts?uploads", &[], b"").status, 200, "it creates no object yet");

    let server = denying(r#"{"StringNotEquals": {"s3:RequestObjectTag/scan": "clean"}}"#);
    assert_eq!(put(&server, &[("x-amz-tagging", "scan=clean&a=b")]), 200);
    assert_eq!(put(&server, &[("x-amz-tagging", "scan=not")]), 403);
    let server = denying(r#"{"ForAnyValue:StringNotEquals": {"s3:RequestObjectTagKeys": ["a", "b"]}}"#);
    assert_eq!(put(&server, &[("x-amz-tagging", "a=1&b=2")]), 200);
    assert_eq!(put(&server, &[("x-amz-tagging", "a=1&c=2")]), 403);

    let server = denying(r#"{"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}"#);
    assert_eq!(put(&server, &[]), 200);
    let signed = server.sign("PUT", "/bucket/key", &[], Body::Unsigned);
    assert_eq!(server.send("PUT", "/bucket/key", &borrowed(&signed), b"body").status, 403);
    let url = server.presign(Method::Put, "key");
    assert_eq!(server.send("PUT", &url, &[], b"body").status, 200, "a URL says it in its query, if at all");
}

#[test]
fn a_policy_sees_what_a_list_asks_for_and_not_what_it_gets_by_default() {
    let denying = |condition: &str| {
        let server = Server::with_bucket();
        set(&server, &deny("s3:ListBucket", condition));
        server
    };
    let server = denying(r#"{"StringNotLike": {"s3:prefix": "public/*"}}"#);
    assert_eq!(server.get("/bucket?list-type=2&prefix=public%2Fa").status, 200);
    assert_eq!(server.get("/bucket?prefix=private").status, 403);
    assert_eq!(server.get("/bucket").status, 403, "an absent key is not like it");
    let server = denying(r#"{"NumericGreaterThan": {"s3:max-keys": "10"}}"#);
    assert_eq!(server.get("/bucket?max-keys=11").status, 403);
    assert_eq!(server.get("/bucket?max-keys=10").status, 200);
    assert_eq!(server.get("/bucket").status, 200, "an absent number is not greater");
    let server = denying(r#"{"Null": {"s3:delimiter": "true"}}"#);
    assert_eq!(server.get("/bucket?delimiter=%2F").status, 200);
    assert_eq!(server.get("/bucket").status, 403);
}

#[test]
fn a_copy_needs_to_read_its_source_and_to_write_its_target() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/other", &[], b"").status, 200);
    server.put("/other/secret", b"secret");
    server.put("/other/public/a", b"open");
    let copy = |source: &str| server.signed("PUT", "/bucket/copy", &[("x-amz-copy-source", source)], b"");
    let policy = |bucket: &str, statement: &str| {
        let policy = format!(r#"{{"Statement": {statement}}}"#);
        assert_eq!(server.signed("PUT", &format!("/{bucket}?policy"), &[], policy.as_bytes()).status, 204);
    };
    assert_eq!(copy("other/secret").status, 200);
    policy(
        "other",
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/secret"}"#,
    );
    let refused = copy("other/secret");
    assert_eq!((refused.status, refused.code().as_str()), (403, "AccessDenied"));
    assert!(refused.text().contains("s3:GetObject") && refused.text().contains("arn:aws:s3:::other/secret"));
    policy(
        "bucket",
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*",
            "Condition": {"StringNotLike": {"s3:x-amz-copy-source": "other/public/*"}}}"#,
    );
    assert_eq!(copy("other/public/a").status, 200);
    assert_eq!(copy("/other/public%2Fa").status, 200);
    assert_eq!(server.signed("PUT", "/bucket/key", &[], b"body").status, 403, "a plain write has no source");
}

#[test]
fn a_copied_part_needs_to_read_its_source_in_whatever_bucket() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/other", &[], b"").status, 200);
    server.put("/other/secret", b"secret");
    let created = server.signed("POST", "/bucket/parts?uploads", &[], b"");
    let target = format!("/bucket/parts?partNumber=1&uploadId={}", created.element("UploadId").unwrap());
    let copy = || server.signed("PUT", &target, &[("x-amz-copy-source", "other/secret")], b"");
    assert_eq!(copy().status, 200);
    let policy = br#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::other/secret"}}"#;
    assert_eq!(server.signed("PUT", "/other?policy", &[], policy).status, 204);
    assert_eq!(copy().code(), "AccessDenied");
}

#[test]
fn the_tags_of_an_object_decide_who_reads_it() {
    let server = denying_reads(r#"{"StringNotEquals": {"s3:ExistingObjectTag/scan": "clean"}}"#);
    assert_eq!(server.get("/bucket/key").status, 403);
    let tag = |value: &str| {
        let body = format!("<Tagging><TagSet><Tag><Key>scan</Key><Value>{value}</Value></Tag></TagSet></Tagging>");
        let md5 = support::content_md5(body.as_bytes());
        server.signed("PUT", "/bucket/key?tagging", &[("content-md5", &md5)], body.as_bytes()).status
    };
    assert_eq!(tag("clean"), 200);
    assert_eq!(server.get("/bucket/key").status, 200);
    let url = server.presign(Method::Get, "key");
    assert_eq!(get(&server, &url, &[]).status, 200);
    assert_eq!(tag("infected"), 200);
    assert_eq!(get(&server, &url, &[]).status, 403);
    server.put("/bucket/other", b"body");
    assert_eq!(server.get("/bucket/other").status, 403, "tags are those of the object that is asked for");
}

#[test]
fn each_key_of_a_bulk_delete_has_its_own_answer() {
    let server = Server::with_bucket();
    server.put("/bucket/keep/a", b"a");
    server.put("/bucket/go/b", b"b");
    set(
        &server,
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::bucket/keep/*"}"#,
    );
    let body = b"<Delete><Object><Key>keep/a</Key></Object><Object><Key>go/b</Key></Object></Delete>";
    let md5 = support::content_md5(body);
    let reply = server.signed("POST", "/bucket?delete", &[("content-md5", &md5)], body);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.elements("Key"), ["keep/a", "go/b"]);
    assert_eq!(reply.element("Code").as_deref(), Some("AccessDenied"));
    assert_eq!(server.get("/bucket/keep/a").status, 200);
    assert_eq!(server.get("/bucket/go/b").status, 404);
}

#[test]
fn who_may_not_list_learns_nothing_of_keys_that_are_absent() {
    let server = Server::with_bucket();
    assert_eq!(server.get("/bucket/absent").code(), "NoSuchKey");
    set(&server, &deny("s3:ListBucket", "{}"));
    let refused = server.refuses(403, "AccessDenied", |server| server.get("/bucket/absent"));
    assert!(refused.text().contains("s3:ListBucket"), "as at AWS, the message names what is missing: {refused:?}");
    assert_eq!(server.signed("HEAD", "/bucket/absent", &[], b"").status, 403);
}

#[test]
fn not_principal_and_not_action_exclude() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"body");
    set(
        &server,
        r#"{"Effect": "Deny", "NotPrincipal": {"AWS": "000000000000"}, "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*"}"#,
    );
    assert_eq!(server.get("/bucket/key").status, 200);
    set(
        &server,
        r#"{"Effect": "Deny", "Principal": {"CanonicalUser": "0000000000000000000000000000000000000000000000000000000000000000"},
            "NotAction": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}"#,
    );
    assert_eq!(server.get("/bucket/key").status, 200);
    assert_eq!(server.signed("PUT", "/bucket/key", &[], b"x").status, 403);
}
