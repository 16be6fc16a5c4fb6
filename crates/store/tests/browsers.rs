//! What browsers need: preflights, and headers that let a page read its answers, as the handbook's chapter on pages tells it.

mod support;

use gatepass_signing::sigv4::presign::Method;
use support::{Reply, Server};

const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>http://app.example</AllowedOrigin>\
    <AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>content-*</AllowedHeader>\
    <ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>";

fn with_rules() -> Server {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/bucket?cors", &[], RULES.as_bytes()).status, 200);
    server
}

const CHAPTER: &str = "<CORSConfiguration>\
    <CORSRule><AllowedOrigin>https://app.example</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
    <AllowedMethod>PUT</AllowedMethod><AllowedHeader>content-*</AllowedHeader><AllowedHeader>X-Amz-Meta-*</AllowedHeader>\
    <ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds></CORSRule>\
    <CORSRule><AllowedOrigin>https://*.example</AllowedOrigin><AllowedMethod>PUT</AllowedMethod>\
    <AllowedMethod>DELETE</AllowedMethod></CORSRule>\
    <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule></CORSConfiguration>";

fn asking<'h>(origin: &'h str, method: &'h str, headers: &'h str) -> Vec<(&'h str, &'h str)> {
    let asked =
        [("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", headers)];
    asked.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// The headers of CORS in an answer.
fn told(reply: &Reply) -> Vec<(&str, &str)> {
    let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    headers.filter(|(name, _)| name.starts_with("access-control-") || *name == "vary").collect()
}

const VARY: (&str, &str) = ("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");

#[test]
fn the_first_rule_that_matches_answers_a_preflight() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/bucket?cors", &[], CHAPTER.as_bytes()).status, 200);
    let url = server.presign(Method::Put, "key");
    let ask = |asked: &[(&str, &str)]| server.send("OPTIONS", &url, asked, b"");
    let reply = ask(&asking("https://app.example", "PUT", "Content-Type, x-amz-meta-a"));
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(
        told(&reply),
        [
            ("access-control-allow-origin", "https://app.example"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET, PUT"),
            ("access-control-allow-headers", "content-type, x-amz-meta-a"),
            ("access-control-expose-headers", "ETag"),
            ("access-control-max-age", "600"),
            VARY,
        ]
    );
    // The second rule matches this origin as well, and is asked where the first has no such method.
    let reply = ask(&asking("https://app.example", "DELETE", ""));
    assert_eq!(
        told(&reply),
        [
            ("access-control-allow-origin", "https://app.example"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "PUT, DELETE"),
            VARY,
        ]
    );
    let reply = ask(&asking("null", "HEAD", ""));
    assert_eq!(told(&reply), [("access-control-allow-origin", "*"), ("access-control-allow-methods", "HEAD"), VARY]);
    let wrong = url.replace("X-Amz-Signature=", "X-Amz-Signature=0");
    let reply = server.send("OPTIONS", &wrong, &asking("https://app.example", "PUT", ""), b"");
    assert_eq!(reply.status, 200, "nobody looks at the signature");
    server.move_clock(301);
    assert_eq!(ask(&asking("https://app.example", "PUT", "")).status, 200, "nor at its end");
}

#[test]
fn a_preflight_that_is_refused_hears_why() {
    let server = Server::with_bucket();
    let ask = |target: &str, asked: &[(&str, &str)]| server.send("OPTIONS", target, asked, b"");
    let shut = ask("/bucket/key", &asking("https://app.example", "PUT", ""));
    assert_eq!((shut.status, shut.code().as_str()), (403, "AccessForbidden"));
    assert_eq!(shut.element("Message").as_deref(), Some("CORSResponse: CORS is not enabled for this bucket."));
    assert_eq!(
        (shut.element("Method").as_deref(), shut.element("ResourceType").as_deref()),
        (Some("PUT"), Some("BUCKET"))
    );

    assert_eq!(server.signed("PUT", "/bucket?cors", &[], CHAPTER.as_bytes()).status, 200);
    for (asked, message) in [
        (asking("", "PUT", ""), "Insufficient information. Origin request header needed."),
        (asking("https://app.example", "", ""), "Invalid Access-Control-Request-Method: null"),
        (asking("https://app.example", "put", ""), "Invalid Access-Control-Request-Method: put"),
        (asking("https://app.example", "PATCH", ""), "Invalid Access-Control-Request-Method: PATCH"),
        (
            asking("https://app.example", "PUT", "a b"),
            "Access-Control-Request-Headers &quot;a b&quot; contains invalid character.",
        ),
    ] {
        let reply = ask("/bucket/key", &asked);
        assert_eq!((reply.status, reply.code().as_str()), (400, "BadRequest"), "{asked:?}");
        assert_eq!(reply.element("Message").as_deref(), Some(message));
        assert_eq!(told(&reply), []);
    }
    for (target, resource) in [("/bucket/key", "OBJECT"), ("/bucket", "BUCKET")] {
        for asked in [
            asking("https://evil.test", "PUT", ""),
            asking("https://app.example.evil.test", "PUT", ""),
            asking("HTTPS://APP.EXAMPLE", "PUT", ""),
            asking("http://app.example", "PUT", ""),
            asking("null", "PUT", ""),
            asking("https://app.example", "POST", ""),
            asking("https://app.example", "PUT", "content-type, authorization"),
        ] {
            let reply = ask(target, &asked);
            assert_eq!((reply.status, reply.code().as_str()), (403, "AccessForbidden"), "{asked:?}");
            assert!(reply.text().contains("usually because the evalution of Origin"), "{reply:?}");
            assert_eq!(reply.element("ResourceType").as_deref(), Some(resource));
            assert_eq!(told(&reply), []);
        }
    }
}

#[test]
fn the_request_itself_is_served_with_or_without() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/bucket?cors", &[], CHAPTER.as_bytes()).status, 200);
    server.put("/bucket/key", b"content");
    let url = server.presign(Method::Get, "key");
    let get = |headers: &[(&str, &str)]| server.send("GET", &url, headers, b"");
    let ours = get(&[("origin", "https://app.example")]);
    assert_eq!((ours.status, ours.header("access-control-expose-headers")), (200, Some("ETag")));
    for headers in [&[("origin", "https://evil.test")][..], &[("origin", "null")], &[]] {
        let other = get(headers);
        assert_eq!((other.status, other.text().as_str()), (200, "content"), "{headers:?}");
        assert_eq!(told(&other), []);
    }
    // The method of a preflight counts on other requests, too.
    let other = get(&[("origin", "https://app.example"), ("access-control-request-method", "POST")]);
    assert_eq!((other.status, told(&other)), (200, vec![]));
    server.move_clock(301);
    let expired = get(&[("origin", "https://app.example")]);
    assert_eq!((expired.status, expired.header("access-control-allow-origin")), (403, Some("https://app.example")));
}

#[test]
fn rules_that_no_browser_understands_are_refused_when_they_are_set() {
    let server = Server::with_bucket();
    let rule = |inside: &str| format!("<CORSRule>{inside}</CORSRule>");
    let plain = "<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>";
    let put = |rules: &str| {
        let document = format!("<CORSConfiguration>{rules}</CORSConfiguration>");
        server.signed("PUT", "/bucket?cors", &[], document.as_bytes())
    };
    assert_eq!(put(&rule(plain).repeat(100)).status, 200);
    for (rules, code) in [
        (rule(plain).repeat(101), "InvalidRequest"),
        (String::new(), "MalformedXML"),
        (rule(&plain.replace('*', "https://*.*")), "InvalidRequest"),
        (rule(&plain.replace("GET", "PATCH")), "InvalidRequest"),
        (rule(&plain.replace("GET", "OPTIONS")), "InvalidRequest"),
        (rule(&format!("{plain}<AllowedHeader>*-*</AllowedHeader>")), "InvalidRequest"),
        (rule(&format!("{plain}<ExposeHeader>x-amz-*</ExposeHeader>")), "InvalidRequest"),
    ] {
        server.refuses(400, code, |_| put(&rules));
    }
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
