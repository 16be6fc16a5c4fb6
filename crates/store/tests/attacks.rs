//! Requests that must be refused, one test for each way of getting round a signature. Every one of
//! them also asserts that the data directory is byte for byte what it was.

mod support;

use std::fmt::Write as _;
use std::io::{Read, Write};

use gatepass_protocol::sts::MAX_FORM_BYTES;
use gatepass_signing::sigv4::ServiceName;
use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::{Method, ResponseOverride};
use support::{ACCESS_KEY, Reply, Server, borrowed, noon};

fn put(server: &Server, target: &str, headers: &[(&str, &str)]) -> Reply {
    server.send("PUT", target, headers, b"attack")
}

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Reply {
    server.send("GET", target, headers, b"")
}

/// Replaces the value of a query parameter.
fn with_parameter(target: &str, name: &str, value: &str) -> String {
    let (path, query) = target.split_once('?').unwrap();
    let parameters: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((other, _)) if other == name => format!("{name}={value}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", parameters.join("&"))
}

fn without_parameter(target: &str, name: &str) -> String {
    let (path, query) = target.split_once('?').unwrap();
    let kept: Vec<&str> = query.split('&').filter(|pair| pair.split('=').next() != Some(name)).collect();
    format!("{path}?{}", kept.join("&"))
}

#[test]
fn attack_01_an_unsigned_copy_source_does_not_read_another_object() {
    let server = Server::with_bucket();
    server.put("/bucket/secret", b"secret");
    let target = server.presign(Method::Put, "up/1");
    let reply =
        server.refuses(403, "AccessDenied", |server| put(server, &target, &[("x-amz-copy-source", "/bucket/secret")]));
    assert_eq!(reply.element("HeadersNotSigned").as_deref(), Some("x-amz-copy-source"));
    assert_eq!(server.get("/bucket/up/1").code(), "NoSuchKey");
}

#[test]
fn attack_02_no_x_amz_header_takes_effect_unsigned() {
    let server = Server::with_bucket();
    for header in [
        "x-amz-acl",
        "x-amz-tagging",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
        "x-amz-meta-x",
        "X-AMZ-META-X",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-server-side-encryption-customer-key-MD5",
        "x-amz-object-lock-mode",
        "x-amz-object-lock-retain-until-date",
        "x-amz-object-lock-legal-hold",
        "x-amz-expected-bucket-owner",
        "x-amz-grant-full-control",
        "x-amz-checksum-crc32",
        "x-amz-security-token",
        "x-amz-meta-snowball-auto-extract",
        "x-amz-anything-at-all",
    ] {
        let by_url = server.presign(Method::Put, "key");
        server.refuses(403, "AccessDenied", |server| put(server, &by_url, &[(header, "x")]));
        let signed = server.sign("PUT", "/bucket/key", &[], Body::of(b"attack"));
        let mut headers = borrowed(&signed);
        headers.push((header, "x"));
        server.refuses(403, "AccessDenied", |server| put(server, "/bucket/key", &headers));
    }
}

#[test]
fn a_trace_id_is_no_x_amz_header() {
    let server = Server::with_bucket();
    let target = server.presign(Method::Put, "key");
    assert_eq!(put(&server, &target, &[("x-amzn-trace-id", "Root=1")]).status, 200);
}

#[test]
fn attack_03_unsigned_ordinary_headers_take_effect_and_signed_ones_cannot_be_changed() {
    let server = Server::with_bucket();
    let target = server.presign(Method::Put, "key");
    assert_eq!(put(&server, &target, &[("content-type", "text/html"), ("cache-control", "no-store")]).status, 200);
    assert_eq!(server.get("/bucket/key").header("content-type"), Some("text/html"));

    let target =
        server.presign_with(Method::Put, "key", |presign| presign.header("content-type", "image/png").unwrap());
    assert_eq!(put(&server, &target, &[("content-type", "image/png")]).status, 200);
    server.refuses(403, "SignatureDoesNotMatch", |server| put(server, &target, &[("content-type", "text/html")]));
    server.refuses(403, "SignatureDoesNotMatch", |server| put(server, &target, &[]));

    let target = server.presign(Method::Get, "key");
    assert_eq!(get(&server, &target, &[("range", "bytes=0-0")]).status, 206);
}

#[test]
fn attack_04_a_streaming_body_cannot_be_smuggled_past_a_signature() {
    const STREAMING: (&str, &str) = ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    let server = Server::with_bucket();
    let target = server.presign(Method::Put, "key");
    server.refuses(403, "AccessDenied", |server| put(server, &target, &[STREAMING]));
    server.refuses(403, "AccessDenied", |server| {
        put(server, &target, &[STREAMING, ("x-amz-meta-snowball-auto-extract", "true")])
    });
    server.refuses(403, "AccessDenied", |server| put(server, "/bucket/key", &[STREAMING]));
    let mut signed = server.sign("PUT", "/bucket/key", &[], Body::UnsignedTrailer);
    for (name, value) in &mut signed {
        if name == "authorization" {
            let length = value.len();
            value.replace_range(length - 64.., &"0".repeat(64));
        }
    }
    server.refuses(403, "SignatureDoesNotMatch", |server| put(server, "/bucket/key", &borrowed(&signed)));
}

#[test]
fn attack_05_two_mechanisms_are_one_too_many() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    let signed = server.sign("GET", "/bucket/key", &[], Body::of(b""));
    server.refuses(400, "InvalidArgument", |server| get(server, &target, &borrowed(&signed)));
    server.refuses(400, "InvalidArgument", |server| get(server, &target, &[("authorization", "")]));
}

#[test]
fn attack_05_other_algorithms_are_refused() {
    let server = Server::with_bucket();
    let signed = server.sign("GET", "/bucket/key", &[], Body::of(b""));
    for algorithm in ["AWS4-HMAC-SHA512", "AWS4-ECDSA-P256-SHA256", "Basic", "Bearer"] {
        let changed: Vec<(String, String)> =
            signed.iter().map(|(name, value)| (name.clone(), value.replace("AWS4-HMAC-SHA256", algorithm))).collect();
        let reply = get(&server, "/bucket/key", &borrowed(&changed));
        assert_eq!(reply.status, 400, "{algorithm}: {reply:?}");
    }
    let target = with_parameter(&server.presign(Method::Get, "key"), "X-Amz-Algorithm", "AWS4-HMAC-SHA512");
    server.refuses(400, "AuthorizationQueryParametersError", |server| get(server, &target, &[]));
}

#[test]
fn signature_version_2_is_refused_with_the_setting_that_helps() {
    let server = Server::with_bucket();
    let target =
        format!("/bucket/key?AWSAccessKeyId={ACCESS_KEY}&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&Expires=1900000000");
    let reply = server.refuses(400, "InvalidRequest", |server| get(server, &target, &[]));
    assert_eq!(
        reply.element("Message").unwrap(),
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    );
    assert!(reply.text().contains("signature_version"), "{reply:?}");
    let header = [("authorization", "AWS AKID:AAAAAAAAAAAAAAAAAAAAAAAAAAA=")];
    server.refuses(400, "InvalidRequest", |server| get(server, "/bucket/key", &header));
}

#[test]
fn attack_06_the_list_of_signed_headers_must_hold_the_host_in_good_form() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    for list in ["", "range", "range%3Bhost", "host%3Bhost", "Host", "host%3Bx-amz-absent"] {
        let changed = with_parameter(&target, "X-Amz-SignedHeaders", list);
        let before = server.state();
        let reply = get(&server, &changed, &[]);
        assert!(matches!(reply.status, 400 | 403), "{list}: {reply:?}");
        assert_eq!(before, server.state());
    }
}

#[test]
fn attack_07_a_url_is_good_for_its_method_alone() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let for_get = server.presign(Method::Get, "key");
    let for_put = server.presign(Method::Put, "key");
    let head = server.send("HEAD", &for_get, &[], b"");
    assert_eq!((head.status, head.body.len()), (403, 0));
    server.refuses(403, "SignatureDoesNotMatch", |server| put(server, &for_get, &[]));
    server.refuses(403, "SignatureDoesNotMatch", |server| server.send("DELETE", &for_get, &[], b""));
    server.refuses(403, "SignatureDoesNotMatch", |server| get(server, &for_put, &[]));
    let uploads = for_put.replace('?', "?uploads=&");
    server.refuses(403, "SignatureDoesNotMatch", |server| server.send("POST", &uploads, &[], b""));
}

#[test]
fn attack_08_a_url_lives_exactly_as_long_as_it_says() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    server.move_clock(299);
    assert_eq!(get(&server, &target, &[]).status, 200);
    server.move_clock(1);
    assert_eq!(get(&server, &target, &[]).status, 200);
    server.move_clock(1);
    let reply = server.refuses(403, "AccessDenied", |server| get(server, &target, &[]));
    assert_eq!(reply.element("Message").as_deref(), Some("Request has expired"));
    assert_eq!(reply.element("X-Amz-Expires").as_deref(), Some("300"));
    assert_eq!(reply.element("Expires").as_deref(), Some("2026-06-01T12:05:00Z"));
    assert_eq!(reply.element("ServerTime").as_deref(), Some("2026-06-01T12:05:01Z"));
}

#[test]
fn attack_08_a_url_from_the_future_is_not_yet_valid() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    server.move_clock(16 * 60);
    let target = server.presign(Method::Get, "key");
    server.set_clock(noon());
    let reply = server.refuses(403, "AccessDenied", |server| get(server, &target, &[]));
    assert_eq!(reply.element("Message").as_deref(), Some("Request is not yet valid"));
    server.move_clock(60);
    assert_eq!(get(&server, &target, &[]).status, 200);
}

#[test]
fn a_header_signature_is_good_for_fifteen_minutes_either_way() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let signed = server.sign("GET", "/bucket/key", &[], Body::of(b""));
    for (offset, status) in [(15 * 60, 200), (15 * 60 + 1, 403), (-15 * 60, 200), (-15 * 60 - 1, 403)] {
        server.set_clock(noon());
        server.move_clock(offset);
        let reply = get(&server, "/bucket/key", &borrowed(&signed));
        assert_eq!(reply.status, status, "{offset}");
        if status == 403 {
            assert_eq!(reply.code(), "RequestTimeTooSkewed");
        }
    }
}

#[test]
fn attack_08_lifetimes_out_of_range_are_refused() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    for lifetime in ["-1", "604801", "1e20", "5.0", "%2B5", "undefined", ""] {
        let changed = with_parameter(&target, "X-Amz-Expires", lifetime);
        server.refuses(400, "AuthorizationQueryParametersError", |server| get(server, &changed, &[]));
    }
    let none = with_parameter(&target, "X-Amz-Expires", "0");
    server.refuses(403, "SignatureDoesNotMatch", |server| get(server, &none, &[]));
    let missing = without_parameter(&target, "X-Amz-Expires");
    server.refuses(400, "AuthorizationQueryParametersError", |server| get(server, &missing, &[]));
    let longer = with_parameter(&target, "X-Amz-Expires", "604800");
    server.refuses(403, "SignatureDoesNotMatch", |server| get(server, &longer, &[]));
    let other_day = with_parameter(&target, "X-Amz-Date", "20260531T120000Z");
    server.refuses(400, "AuthorizationQueryParametersError", |server| get(server, &other_day, &[]));
}

#[test]
fn attack_09_repeated_and_added_parameters_are_refused() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    let (_, signature) = target.split_once("X-Amz-Signature=").unwrap();
    for added in [
        format!("X-Amz-Signature={signature}"),
        format!("X-Amz-Signature={}", "0".repeat(64)),
        "X-Amz-Expires=604800".to_owned(),
        "X-Amz-Expires=300".to_owned(),
        "response-content-type=text%2Fhtml".to_owned(),
        "versionId=a".to_owned(),
        "x=y".to_owned(),
        "%58-Amz-Expires=604800".to_owned(),
    ] {
        let before = server.state();
        let reply = get(&server, &format!("{target}&{added}"), &[]);
        assert!(matches!(reply.status, 400 | 403), "{added}: {reply:?}");
        assert_eq!(before, server.state());
    }
}

#[test]
fn attack_10_equal_canonical_bytes_are_no_change() {
    let server = Server::with_bucket();
    server.put("/bucket/%C3%A9~", b"content");
    let target = server.presign(Method::Get, "\u{e9}~");
    for spelled in [
        target.replacen("%C3%A9", "%c3%a9", 1),
        target.replacen('~', "%7E", 1),
        target.replacen("X-Amz-Date", "%58-Amz-Date", 1),
        target.replacen('?', "?&&", 1),
    ] {
        assert_eq!(get(&server, &spelled, &[]).body, b"content", "{spelled}");
    }
    // A semicolon separates nothing, and a name that is empty is a name.
    for changed in [target.replacen('&', ";", 1), format!("{target};x=y"), format!("{target}&=")] {
        let before = server.state();
        let reply = get(&server, &changed, &[]);
        assert!(matches!(reply.status, 400 | 403), "{changed}: {reply:?}");
        assert_eq!(before, server.state());
    }
}

#[test]
fn attack_10_parameter_names_are_case_sensitive() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key").replace("X-Amz-Expires", "x-amz-expires");
    server.refuses(400, "AuthorizationQueryParametersError", |server| get(server, &target, &[]));
}

#[test]
fn attack_11_no_spelling_of_a_path_reaches_another_object() {
    let server = Server::with_bucket();
    server.put("/bucket/secret", b"secret");
    server.put("/bucket/a/b", b"public");
    let target = server.presign(Method::Get, "a/b");
    for path in [
        "/bucket/secret",
        "/bucket/a/../secret",
        "/bucket/a/%2e%2e/secret",
        "/bucket/a//b",
        "/bucket/a/./b",
        "/bucket//a/b",
        "//bucket/a/b",
        "/bucket/a/b/",
        "/bucket/a%252fb",
        "/bucket/a%5cb",
        "/bucket/A/b",
        "/bucket/a/b%00",
    ] {
        let changed = target.replacen("/bucket/a/b", path, 1);
        server.refuses(403, "SignatureDoesNotMatch", |server| get(server, &changed, &[]));
    }
    // An escaped slash is the same key, and the same signature.
    assert_eq!(get(&server, &target.replacen("a/b", "a%2Fb", 1), &[]).status, 200);
    for broken in ["/bucket/%", "/bucket/%zz", "/bucket/%c3", "/bucket/%c0%ae%c0%ae"] {
        let changed = target.replacen("/bucket/a/b", broken, 1);
        server.refuses(400, "InvalidURI", |server| get(server, &changed, &[]));
    }
}

#[test]
fn attack_13_a_changed_byte_anywhere_in_the_signature_is_refused() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    let (rest, signature) = target.split_once("X-Amz-Signature=").unwrap();
    for position in 0..signature.len() {
        let mut changed = signature.to_owned();
        let other = if &changed[position..=position] == "0" { "1" } else { "0" };
        changed.replace_range(position..=position, other);
        let reply = get(&server, &format!("{rest}X-Amz-Signature={changed}"), &[]);
        assert_eq!(reply.code(), "SignatureDoesNotMatch");
    }
    for forged in [String::new(), signature[..63].to_owned(), format!("{signature}0"), "z".repeat(64)] {
        let reply = get(&server, &format!("{rest}X-Amz-Signature={forged}"), &[]);
        assert!(matches!(reply.status, 400 | 403), "{forged}");
    }
}

#[test]
fn a_mismatch_tells_what_was_expected_in_s3s_elements() {
    let server = Server::with_bucket();
    let target = server.presign(Method::Get, "key").replacen("/key", "/kez", 1);
    let reply = server.refuses(403, "SignatureDoesNotMatch", |server| get(server, &target, &[]));
    assert_eq!(reply.element("AWSAccessKeyId").as_deref(), Some(ACCESS_KEY));
    assert!(reply.element("StringToSign").unwrap().starts_with("AWS4-HMAC-SHA256\n20260601T120000Z\n"));
    assert!(reply.element("StringToSignBytes").unwrap().starts_with("41 57 53 34 "));
    assert!(reply.element("CanonicalRequest").unwrap().starts_with("GET\n/bucket/kez\n"));
    assert!(reply.element("CanonicalRequestBytes").unwrap().starts_with("47 45 54 0a "));
}

#[test]
fn attack_12_a_scope_of_another_region_service_or_key_is_refused() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    let region = target.replace("us-east-1", "eu-central-1");
    let reply = server.refuses(400, "AuthorizationQueryParametersError", |server| get(server, &region, &[]));
    assert!(reply.text().contains("us-east-1"), "{reply:?}");
    let service = target.replace("%2Fs3%2F", "%2Fsts%2F");
    server.refuses(400, "AuthorizationQueryParametersError", |server| get(server, &service, &[]));
    let key = target.replace(ACCESS_KEY, "AKIDNOBODYNOBODYNOBO");
    server.refuses(403, "InvalidAccessKeyId", |server| get(server, &key, &[]));
}

#[test]
fn attack_12_the_host_is_part_of_what_is_signed() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign(Method::Get, "key");
    let ask = |host: &str, extra: &str| {
        server.raw(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n").as_bytes(), "GET")
    };
    assert_eq!(ask(&server.host(), "").status, 200);
    assert_eq!(ask("127.0.0.1", "").code(), "SignatureDoesNotMatch");
    assert_eq!(ask("bucket.localhost", "").code(), "SignatureDoesNotMatch");
    assert_eq!(ask("evil.example", "").status, 400);
    assert_eq!(ask("", "").status, 400);
    assert_eq!(ask(&server.host(), "X-Forwarded-Host: evil.example\r\n").status, 200);
    assert_eq!(ask(&server.host(), &format!("Host: {}\r\n", server.host())).status, 400);
    let absolute = format!("GET http://evil.example{target} HTTP/1.1\r\nHost: {}\r\n\r\n", server.host());
    assert_eq!(server.raw(absolute.as_bytes(), "GET").status, 400);
    let missing = format!("GET {target} HTTP/1.0\r\n\r\n");
    assert_eq!(server.raw(missing.as_bytes(), "GET").status, 400);
}

#[test]
fn virtual_host_style_serves_the_same_object_under_its_own_signature() {
    use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
    use gatepass_signing::sigv4::presign::Presign;
    use gatepass_signing::sigv4::{KeyCache, Region};
    let server = Server::with_bucket();
    server.put("/bucket/a%20key", b"content");
    let host = format!("localhost:{}", server.address.port());
    let endpoint = Endpoint::parse(&format!("http://{host}")).unwrap();
    let address = Address::object(&endpoint, AddressingStyle::VirtualHost, "bucket", "a key").unwrap();
    let credentials = support::credentials();
    let presign = Presign::new(&credentials, Region::new(support::REGION).unwrap(), address, Method::Get);
    let url = presign.sign(&KeyCache::new(), server.now()).unwrap();
    let target = url.expose().strip_prefix(&format!("http://bucket.{host}")).unwrap();
    let ask = |host: &str| server.raw(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), "GET");
    assert_eq!(ask(&format!("bucket.{host}")).body, b"content");
    assert_eq!(ask(&format!("other.{host}")).code(), "SignatureDoesNotMatch");
}

#[test]
fn attack_14_who_is_nobody_learns_nothing() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    for target in ["/", "/bucket", "/bucket/key", "/bucket/missing", "/absent-bucket", "/absent-bucket/key"] {
        for method in if target == "/" { &["GET"][..] } else { &["GET", "PUT", "DELETE"] } {
            server.refuses(403, "AccessDenied", |server| server.send(method, target, &[], b""));
        }
        if target != "/" {
            let head = server.send("HEAD", target, &[], b"");
            assert_eq!((head.status, head.body.len()), (403, 0), "{target}");
        }
    }
    server.refuses(400, "InvalidRequest", |server| get(server, "/bucket/key?response-content-type=text/html", &[]));
}

#[test]
fn attack_23_overrides_carry_no_further_headers() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    // The signer refuses to make it, so the attack is signed in the header.
    let target = "/bucket/key?response-content-disposition=inline%0D%0ASet-Cookie%3A%20x";
    server.refuses(400, "InvalidArgument", |server| server.signed("GET", target, &[], b""));
    let target = "/bucket/key?response-content-type=text%2Fhtml%00";
    server.refuses(400, "InvalidArgument", |server| server.signed("GET", target, &[], b""));
    let url = server.presign_with(Method::Get, "key", |presign| {
        presign.response(ResponseOverride::ContentDisposition, "inline; filename=\"a b.txt\"").unwrap()
    });
    assert_eq!(get(&server, &url, &[]).header("content-disposition"), Some("inline; filename=\"a b.txt\""));
    // A plus in a query is a space; what was signed as %20 may arrive as either.
    let plus = url.replace("inline%3B%20filename%3D%22a%20b.txt%22", "inline%3B+filename%3D%22a+b.txt%22");
    assert_ne!(plus, url);
    assert_eq!(get(&server, &plus, &[]).header("content-disposition"), Some("inline; filename=\"a b.txt\""));
}

#[test]
fn a_body_is_not_asked_for_before_the_signature_is_checked() {
    let server = Server::with_bucket();
    let ask = |target: &str| {
        let mut stream = server.connect();
        write!(
            stream,
            "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
            server.host()
        )
        .unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        String::from_utf8(first.to_vec()).unwrap()
    };
    assert_eq!(ask(&server.presign(Method::Put, "key")), "HTTP/1.1 100");
    assert_eq!(ask(&server.presign(Method::Get, "key")), "HTTP/1.1 403");
}

#[test]
fn ambiguous_framing_never_runs_a_second_request() {
    let server = Server::with_bucket();
    let hidden =
        format!("DELETE {} HTTP/1.1\r\nHost: {}\r\n\r\n", server.presign(Method::Delete, "key"), server.host());
    server.put("/bucket/key", b"content");
    for framing in [
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", hidden.len() + 5),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", hidden.len() + 5),
        "Transfer-Encoding: identity, chunked\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".to_owned(),
    ] {
        let target = server.presign(Method::Put, "other");
        let raw = format!("PUT {target} HTTP/1.1\r\nHost: {}\r\n{framing}\r\n0\r\n\r\n{hidden}", server.host());
        let mut stream = server.connect();
        stream.write_all(raw.as_bytes()).unwrap();
        let mut answers = String::new();
        let _ = stream.read_to_string(&mut answers);
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        assert!(answers.starts_with("HTTP/1.1 4"), "{answers}");
        assert_eq!(server.get("/bucket/key").status, 200);
    }
}

#[test]
fn too_many_and_too_long_headers_are_refused() {
    let server = Server::with_bucket();
    let target = server.presign(Method::Get, "key");
    let many = "h: x\r\n".repeat(200);
    let long = format!("h: {}\r\n", "x".repeat(128 * 1024));
    for headers in [many, long] {
        let raw = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", server.host());
        let reply = server.raw(raw.as_bytes(), "GET");
        assert_eq!(reply.status, 431);
    }
}

#[test]
fn a_form_is_read_for_those_alone_who_name_a_key_that_exists() {
    let server = Server::start();
    let form = b"Action=GetCallerIdentity&Version=2011-06-15";
    let ask = |headers: &[(String, String)], length: usize| {
        let mut head = format!("POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n", server.host());
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        // The form itself never comes.
        server.raw(format!("{head}\r\n").as_bytes(), "POST").code()
    };
    let signed = server.sign_for(ServiceName::Sts, "POST", "/", &[], Body::of(form));
    let stranger: Vec<(String, String)> =
        signed.iter().map(|(name, value)| (name.clone(), value.replace(ACCESS_KEY, "AKIDNOBODYNOBODYNOBO"))).collect();
    assert_eq!(ask(&[], form.len()), "MissingAuthenticationToken");
    assert_eq!(ask(&stranger, form.len()), "InvalidClientTokenId");
    assert_eq!(ask(&signed, MAX_FORM_BYTES + 1), "MalformedQueryString");
}

#[test]
fn a_refusal_before_the_body_says_that_the_connection_ends() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"first");
    let headers = [("if-none-match", "*"), ("expect", "100-continue")];
    let signed = server.sign("PUT", "/bucket/key", &headers, Body::of(b"again"));
    let mut head = format!("PUT /bucket/key HTTP/1.1\r\nhost: {}\r\ncontent-length: 5\r\n", server.host());
    for (name, value) in borrowed(&signed) {
        write!(head, "{name}: {value}\r\n").expect("writing to a String cannot fail");
    }
    let reply = server.raw(format!("{head}\r\n").as_bytes(), "PUT");
    assert_eq!((reply.status, reply.header("connection")), (412, Some("close")), "{reply:?}");
}
