//! What browsers need: preflights, and headers that let a page read its answers.

mod support;

use gatepass_signing::sigv4::presign::Method;
use support::Server;

const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>http://app.example</AllowedOrigin>\
    <AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>content-*</AllowedHeader>\
    <ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>";

fn with_rules() -> Server {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/bucket?cors", &[], RULES.as_bytes()).status, 200);
    server
}

#[test]
fn a_preflight_needs_no_signature() {
    let server = with_rules();
    let target = server.presign(Method::Put, "key");
    let ask = |origin: &str, method: &str, headers: &str| {
        server.send(
            "OPTIONS",
            &target,
            &[
                ("origin", origin),
                ("access-control-request-method", method),
                ("access-control-request-headers", headers),
            ],
            b"",
        )
    };
    let reply = ask("http://app.example", "PUT", "content-type");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some("http://app.example")));
    assert_eq!(reply.header("access-control-allow-methods"), Some("PUT, GET"));
    assert_eq!(reply.header("access-control-max-age"), Some("60"));
    assert!(reply.header("vary").unwrap().contains("Origin"));
    for (origin, method, headers) in [
        ("http://evil.example", "PUT", "content-type"),
        ("http://app.example", "DELETE", ""),
        ("http://app.example", "PUT", "x-amz-acl"),
        ("null", "PUT", ""),
    ] {
        let reply = ask(origin, method, headers);
        assert_eq!((reply.status, reply.code().as_str()), (403, "AccessForbidden"));
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    assert_eq!(server.send("OPTIONS", &target, &[], b"").status, 400);
}

#[test]
fn a_preflight_does_not_tell_whether_a_bucket_exists() {
    let server = Server::with_bucket();
    let ask = |target: &str| {
        server.send("OPTIONS", target, &[("origin", "http://a"), ("access-control-request-method", "GET")], b"")
    };
    let (missing, unconfigured) = (ask("/absent-bucket/key"), ask("/bucket/key"));
    assert_eq!((missing.status, missing.code()), (unconfigured.status, unconfigured.code()));
    assert_eq!(missing.element("Message"), unconfigured.element("Message"));
}

#[test]
fn answers_and_errors_can_be_read_by_the_page_they_are_for() {
    let server = with_rules();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    let ask = |origin: &str| server.send("GET", &target, &[("origin", origin)], b"");
    let reply = ask("http://app.example");
    assert_eq!(reply.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(reply.header("access-control-expose-headers"), Some("ETag"));
    let other = ask("http://evil.example");
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, None));
    server.move_clock(301);
    let expired = ask("http://app.example");
    assert_eq!((expired.status, expired.header("access-control-allow-origin")), (403, Some("http://app.example")));
    assert_eq!(server.send("GET", &target, &[], b"").header("vary"), None);
}

#[test]
fn the_rules_come_back_and_go() {
    let server = with_rules();
    assert_eq!(server.signed("GET", "/bucket?cors", &[], b"").element("MaxAgeSeconds").as_deref(), Some("60"));
    assert_eq!(server.signed("DELETE", "/bucket?cors", &[], b"").status, 204);
    assert_eq!(server.signed("GET", "/bucket?cors", &[], b"").code(), "NoSuchCORSConfiguration");
}

#[test]
fn a_refused_upload_is_told_so_even_while_it_is_being_sent() {
    let server = with_rules();
    let target = server.presign(Method::Put, "key");
    server.move_clock(301);
    let before = server.state();
    let reply = server.send("PUT", &target, &[("origin", "http://app.example")], &vec![0; 8 * 1024 * 1024]);
    assert_eq!((reply.status, reply.code().as_str()), (403, "AccessDenied"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("http://app.example"));
    assert_eq!(before, server.state());
}

#[test]
fn a_configuration_that_could_not_be_read_back_is_refused() {
    let server = Server::with_bucket();
    let put = |quotes: usize| {
        let origin = "\"".repeat(quotes);
        let document = format!(
            "<CORSConfiguration><CORSRule><AllowedOrigin>{origin}</AllowedOrigin><AllowedOrigin>*</AllowedOrigin>\
             <AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>"
        );
        server.signed("PUT", "/bucket?cors", &[], document.as_bytes())
    };
    let preflight = || {
        let headers = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
        server.send("OPTIONS", "/bucket/key", &headers, b"").status
    };
    assert_eq!(put(1000).status, 200);
    assert_eq!(preflight(), 200);
    server.refuses(400, "MaxMessageLengthExceeded", |_| put(60_000));
    assert_eq!(preflight(), 200);
}
