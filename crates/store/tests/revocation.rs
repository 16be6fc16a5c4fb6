//! A signed URL has left the house. Three ways to take it back, as the handbook's chapter tells them.

mod support;

use gatepass_signing::sigv4::presign::Method;
use gatepass_signing::time::Lifetime;
use support::{Reply, Server};

const WEEK: u64 = 7 * 24 * 60 * 60;

fn server_with_a_report() -> Server {
    let server = Server::with_bucket();
    server.put("/bucket/report.pdf", b"a report");
    server
}

fn url_for_a_week(server: &Server) -> String {
    server.presign_with(Method::Get, "report.pdf", |presign| presign.expires(Lifetime::from_secs(WEEK).unwrap()))
}

fn open(server: &Server, url: &str) -> Reply {
    server.send("GET", url, &[], b"")
}

fn put_policy(server: &Server, statement: &str) {
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
    let put = server.signed("PUT", "/bucket?policy", &[], policy.as_bytes());
    assert_eq!(put.status, 204, "{put:?}");
}

#[test]
fn deleting_the_object_ends_every_url_to_it() {
    let server = server_with_a_report();
    let url = url_for_a_week(&server);
    assert_eq!(open(&server, &url).status, 200);

    assert_eq!(server.signed("DELETE", "/bucket/report.pdf", &[], b"").status, 204);
    assert_eq!(open(&server, &url).code(), "NoSuchKey");

    // The URL is for the name: what is put there next, it opens again.
    server.put("/bucket/report.pdf", b"another report");
    assert_eq!(open(&server, &url).text(), "another report");
    // Moved to a name that no URL has, it is out of reach.
    let moved = server.signed("PUT", "/bucket/report-2.pdf", &[("x-amz-copy-source", "/bucket/report.pdf")], b"");
    assert_eq!(moved.status, 200);
    assert_eq!(server.signed("DELETE", "/bucket/report.pdf", &[], b"").status, 204);
    assert_eq!(open(&server, &url).code(), "NoSuchKey");
    assert_eq!(server.get("/bucket/report-2.pdf").status, 200);
}

#[test]
fn a_bucket_policy_ends_the_urls_to_one_object_and_gives_them_back() {
    let server = server_with_a_report();
    server.put("/bucket/other.pdf", b"another");
    let (url, other) = (url_for_a_week(&server), server.presign(Method::Get, "other.pdf"));
    put_policy(
        &server,
        r#"{"Sid": "Revoked", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::bucket/report.pdf",
            "Condition": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}}"#,
    );
    let refused = open(&server, &url);
    assert_eq!((refused.status, refused.code().as_str()), (403, "AccessDenied"));
    assert!(refused.text().contains("with an explicit deny in a resource-based policy"));
    assert_eq!(open(&server, &other).status, 200, "URLs to other objects go on");
    assert_eq!(server.get("/bucket/report.pdf").status, 200, "and so does the owner");

    assert_eq!(server.signed("DELETE", "/bucket?policy", &[], b"").status, 204);
    assert_eq!(open(&server, &url).status, 200, "what was signed is good again");
}

#[test]
fn a_bucket_policy_ends_the_urls_that_are_older_than_an_age() {
    let server = server_with_a_report();
    let url = url_for_a_week(&server);
    put_policy(
        &server,
        r#"{"Sid": "TenMinutes", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*",
            "Condition": {"NumericGreaterThan": {"s3:signatureAge": "600000"}}}"#,
    );
    assert_eq!(open(&server, &url).status, 200);
    server.move_clock(600);
    assert_eq!(open(&server, &url).status, 200, "ten minutes are not more than ten minutes");
    server.move_clock(1);
    let refused = open(&server, &url);
    assert_eq!((refused.status, refused.code().as_str()), (403, "AccessDenied"));
    assert_eq!(open(&server, &url_for_a_week(&server)).status, 200, "whoever may sign, may sign again");
    assert_eq!(server.get("/bucket/report.pdf").status, 200, "a header is signed when it is sent");
}

#[test]
fn a_bucket_policy_ends_everything_signed_before_a_moment() {
    let server = server_with_a_report();
    let url = url_for_a_week(&server);
    server.move_clock(3600);
    // The age of what was signed at 13:00 grows with the clock: the condition is renewed, or the key replaced.
    put_policy(
        &server,
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*",
            "Condition": {"NumericGreaterThanEquals": {"s3:signatureAge": "3600000"}}}"#,
    );
    assert_eq!(open(&server, &url).status, 403);
    assert_eq!(open(&server, &url_for_a_week(&server)).status, 200);
}
