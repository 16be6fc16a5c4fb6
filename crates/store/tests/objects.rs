//! Objects over a socket: what goes in comes out, whole, and nothing else.

mod support;

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use support::{Reply, Server, borrowed, eventually};

/// Up to here a body stands in the record of its object, and up to there in a row of the index.
const INLINE: usize = 256;
const SMALL: usize = 16 * 1024;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|position| u8::try_from((position * 31 + position / 251) % 256).unwrap()).collect()
}

#[test]
fn an_object_comes_back_as_it_went_in_whatever_its_size() {
    let server = Server::with_bucket();
    for size in [0, 1, INLINE, INLINE + 1, SMALL - 1, SMALL, SMALL + 1, 256 * 1024, 3 * 1024 * 1024 + 7] {
        let content = pattern(size);
        server.put("/bucket/key", &content);
        let reply = server.get("/bucket/key");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.body, content, "{size}");
        let head = server.signed("HEAD", "/bucket/key", &[], b"");
        assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(head.header("etag"), reply.header("etag"));
    }
}

#[test]
fn objects_outlive_a_restart() {
    let server = Server::with_bucket();
    server.put("/bucket/small", b"small");
    server.put("/bucket/large", &pattern(100_000));
    let server = server.restart();
    assert_eq!(server.get("/bucket/small").body, b"small");
    assert_eq!(server.get("/bucket/large").body, pattern(100_000));
}

#[test]
fn headers_and_metadata_come_back_and_a_missing_type_is_binary() {
    let server = Server::with_bucket();
    let headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "max-age=60"),
        ("content-disposition", "attachment; filename=\"a.html\""),
        ("x-amz-meta-colour", "blue"),
    ];
    assert_eq!(server.signed("PUT", "/bucket/key", &headers, b"<p>").status, 200);
    let reply = server.get("/bucket/key");
    for (name, value) in headers {
        assert_eq!(reply.header(name), Some(value));
    }
    server.put("/bucket/key", b"replaced");
    let reply = server.get("/bucket/key");
    assert_eq!(reply.header("content-type"), Some("binary/octet-stream"));
    assert_eq!(reply.header("x-amz-meta-colour"), None);
}

#[test]
fn every_answer_carries_its_ids_and_its_date() {
    let server = Server::with_bucket();
    let replies: [Reply; 3] = [
        server.get("/bucket/missing"),
        server.send("GET", "/bucket", &[], b""),
        server.signed("HEAD", "/bucket", &[], b""),
    ];
    let mut ids = Vec::new();
    for reply in replies {
        assert_eq!(reply.header("server"), Some("gatepass"));
        assert_eq!(reply.header("date"), Some("Mon, 01 Jun 2026 12:00:00 GMT"));
        assert!(reply.header("x-amz-id-2").is_some());
        let id = reply.header("x-amz-request-id").unwrap().to_owned();
        assert_eq!(id.len(), 16);
        if reply.status >= 400 {
            assert_eq!(reply.element("RequestId").as_deref(), Some(id.as_str()));
        }
        assert!(!ids.contains(&id));
        ids.push(id);
    }
}

#[test]
fn ranges_are_served_from_memory_and_from_disk() {
    let server = Server::with_bucket();
    for size in [1000_usize, 1_000_000] {
        let content = pattern(size);
        server.put("/bucket/key", &content);
        let range = |header: &str| server.signed("GET", "/bucket/key", &[("range", header)], b"");
        let reply = range("bytes=10-19");
        assert_eq!((reply.status, &reply.body[..]), (206, &content[10..20]));
        assert_eq!(reply.header("content-range"), Some(format!("bytes 10-19/{size}").as_str()));
        assert_eq!(range("bytes=-5").body, content[size - 5..]);
        assert_eq!(range("bytes=990-").body, content[990..]);
        assert_eq!(range("bytes=0-18446744073709551615").body, content);
        assert_eq!(range("bytes=0-1,5-6").status, 200);
        assert_eq!(range("bytes=9-5").status, 200);
        let reply = range(&format!("bytes={size}-"));
        assert_eq!((reply.status, reply.code().as_str()), (416, "InvalidRange"));
        assert_eq!(reply.element("ActualObjectSize"), Some(size.to_string()));
        assert_eq!(reply.header("content-range"), Some(format!("bytes */{size}").as_str()));
    }
}

#[test]
fn a_range_of_an_empty_object_cannot_be_satisfied() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"");
    assert_eq!(server.signed("GET", "/bucket/key", &[("range", "bytes=0-0")], b"").status, 416);
    assert_eq!(server.get("/bucket/key").status, 200);
}

#[test]
fn a_range_of_ten_thousand_pieces_is_the_whole_object() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"0123456789");
    let pieces: Vec<String> = (0..10_000).map(|piece| format!("{piece}-{piece}")).collect();
    let header = format!("bytes={}", pieces[..5000].join(","));
    let reply = server.signed("GET", "/bucket/key", &[("range", &header)], b"");
    assert_eq!((reply.status, &reply.body[..]), (200, &b"0123456789"[..]));
}

#[test]
fn reads_obey_conditions() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let etag = server.get("/bucket/key").header("etag").unwrap().to_owned();
    let with = |name: &str, value: &str| server.signed("GET", "/bucket/key", &[(name, value)], b"");
    assert_eq!(with("if-match", &etag).status, 200);
    let failed = with("if-match", "\"0123\"");
    assert_eq!((failed.status, failed.element("Condition").as_deref()), (412, Some("If-Match")));
    let unmodified = with("if-none-match", &etag);
    assert_eq!((unmodified.status, unmodified.body.len()), (304, 0));
    assert_eq!(unmodified.header("etag"), Some(etag.as_str()));
    assert_eq!(unmodified.header("content-type"), None);
    assert_eq!(with("if-modified-since", "Mon, 01 Jun 2026 12:00:00 GMT").status, 304);
    assert_eq!(with("if-unmodified-since", "Mon, 01 Jun 2026 11:59:59 GMT").status, 412);
}

#[test]
fn writes_obey_conditions() {
    let server = Server::with_bucket();
    let put = |name: &str, value: &str| server.signed("PUT", "/bucket/key", &[(name, value)], b"content");
    assert_eq!(put("if-match", "\"00000000000000000000000000000000\"").code(), "NoSuchKey");
    assert_eq!(put("if-none-match", "*").status, 200);
    server.refuses(412, "PreconditionFailed", |_| put("if-none-match", "*"));
    server.refuses(412, "PreconditionFailed", |_| put("if-match", "\"0123\""));
    let etag = server.get("/bucket/key").header("etag").unwrap().to_owned();
    assert_eq!(put("if-match", &etag).status, 200);
    server.refuses(501, "NotImplemented", |_| put("if-none-match", &etag));
}

#[test]
fn of_many_conditional_writes_at_once_one_wins() {
    let server = Server::with_bucket();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let put = |writer: usize| {
            let body = format!("writer {writer}");
            server.signed("PUT", "/bucket/key", &[("if-none-match", "*")], body.as_bytes()).status
        };
        let writers: Vec<_> = (0..16).map(|writer| scope.spawn(move || put(writer))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 15, "{statuses:?}");
}

#[test]
fn a_reader_finishes_the_object_it_began_while_it_is_overwritten_and_deleted() {
    use std::io::{Read, Write};
    let server = Server::with_bucket();
    let content = pattern(32 * 1024 * 1024);
    server.put("/bucket/key", &content);
    let mut stream = server.connect();
    let target = server.presign(Method::Get, "key");
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", server.host()).unwrap();
    let mut begun = vec![0; 1024];
    stream.read_exact(&mut begun).unwrap();

    server.put("/bucket/key", b"new content");
    assert_eq!(server.signed("DELETE", "/bucket/key", &[], b"").status, 204);

    let head = begun.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let mut read = begun.split_off(head);
    let begun = read.len();
    read.resize(content.len(), 0);
    stream.read_exact(&mut read[begun..]).unwrap();
    assert!(read == content, "the reader has got something else");
    drop(stream);
    eventually("the old blob is removed", || !server.state().keys().any(|path| path.contains("/blobs/")));
}

#[test]
fn concurrent_overwrites_leave_one_of_the_bodies_whole() {
    let server = Server::with_bucket();
    let bodies: Vec<Vec<u8>> = (0..8_u8).map(|writer| vec![writer; 40_000 + usize::from(writer)]).collect();
    server.put("/bucket/key", &bodies[0]);
    std::thread::scope(|scope| {
        for body in &bodies {
            scope.spawn(|| {
                for _ in 0..5 {
                    server.put("/bucket/key", body);
                    let seen = server.get("/bucket/key").body;
                    assert!(bodies.contains(&seen), "a mixture of {} bytes", seen.len());
                }
            });
        }
    });
    eventually("one blob is left", || server.state().keys().filter(|path| path.contains("/blobs/")).count() == 1);
}

#[test]
fn unusual_keys_are_each_an_object_of_their_own_and_nothing_leaves_the_data_directory() {
    let server = Server::with_bucket();
    let long = "k".repeat(1024);
    let keys = [
        "a b",
        "a+b",
        "a%20b",
        "a%2520b",
        "a/../b",
        "../../../../etc/passwd",
        "..",
        ".",
        "a/./b",
        "a//b",
        "//",
        "/",
        "/a",
        "a?b",
        "a#b",
        "a&b=c",
        "a\\..\\b",
        "\u{e9}",
        "e\u{301}",
        "日本",
        "a/",
        "a",
        "%2e%2e/",
        "~",
        "a;b",
        "a\"<>'b",
        &long,
        "a\u{1}b",
        "blobs/../index.redb",
        "\u{10ffff}",
    ];
    let before = std::fs::read_dir(server.outside()).unwrap().count();
    let target = |key: &str| {
        let mut target = String::from("/bucket/");
        gatepass_signing::encode::path(key, &mut target);
        target
    };
    for key in keys {
        server.put(&target(key), format!("content of {key}").as_bytes());
    }
    for key in keys {
        let reply = server.get(&target(key));
        assert_eq!(reply.text(), format!("content of {key}"));
    }
    assert_eq!(std::fs::read_dir(server.outside()).unwrap().count(), before);
    let files = server.state();
    assert!(files.keys().all(|path| !path.contains("passwd")), "{:?}", files.keys());
    let too_long = format!("/bucket/{long}k");
    server.refuses(400, "KeyTooLongError", |server| server.signed("PUT", &too_long, &[], b"x"));
}

#[test]
fn a_body_that_ends_early_leaves_nothing() {
    use std::io::Write;
    let server = Server::with_bucket();
    for (declared, sent) in [(100, 50), (1_000_000, 600_000)] {
        let before = server.state();
        let target = server.presign(Method::Put, "key");
        let mut stream = server.connect();
        write!(stream, "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: {declared}\r\n\r\n", server.host())
            .unwrap();
        stream.write_all(&vec![7; sent]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let reply = Reply::read(&mut stream, "PUT");
        assert_eq!(reply.code(), "IncompleteBody");
        eventually("the staging file is removed", || server.state() == before);
        assert_eq!(server.get("/bucket/key").code(), "NoSuchKey");
    }
}

#[test]
fn a_body_with_another_hash_leaves_nothing() {
    let server = Server::with_bucket();
    for length in [5_usize, 500_000] {
        let body = pattern(length);
        let signed = server.sign("PUT", "/bucket/key", &[], Body::of(b"something else"));
        server.refuses(400, "XAmzContentSHA256Mismatch", |server| {
            server.send("PUT", "/bucket/key", &borrowed(&signed), &body)
        });
    }
}

#[test]
fn declared_checksums_are_verified_and_told() {
    let server = Server::with_bucket();
    let put = |headers: &[(&str, &str)]| server.signed("PUT", "/bucket/key", headers, b"123456789");
    server.refuses(400, "BadDigest", |_| put(&[("x-amz-checksum-crc32", "AAAAAA==")]));
    server.refuses(400, "BadDigest", |_| put(&[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")]));
    server.refuses(400, "InvalidDigest", |_| put(&[("content-md5", "short")]));
    let crc32 = ("x-amz-checksum-crc32", "y/Q5Jg==");
    assert_eq!(put(&[crc32, ("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")]).header(crc32.0), Some(crc32.1));
    let reply = server.signed("GET", "/bucket/key", &[("x-amz-checksum-mode", "ENABLED")], b"");
    assert_eq!(reply.header(crc32.0), Some(crc32.1));
    assert_eq!(reply.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(server.get("/bucket/key").header(crc32.0), None);

    // Where the client says nothing the store computes CRC64NVME, as S3 does.
    assert_eq!(put(&[]).header("x-amz-checksum-crc64nvme"), Some("rosUhgp5mIg="));
}

#[test]
fn a_body_needs_a_length_and_not_too_much_of_it() {
    let server = Server::with_bucket();
    let target = server.presign(Method::Put, "key");
    let host = server.host();
    server.refuses(411, "MissingContentLength", |server| {
        server.raw(format!("PUT {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(), "PUT")
    });
    let with_length = |length: u64| {
        server.raw(
            format!(
                "PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
            )
            .as_bytes(),
            "PUT",
        )
    };
    let most = 5 * 1024 * 1024 * 1024;
    let reply = server.refuses(400, "EntityTooLarge", |_| with_length(most + 1));
    assert_eq!(reply.element("MaxSizeAllowed"), Some(most.to_string()));
}

#[test]
fn a_delete_is_repeatable_and_its_bucket_must_exist() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    for _ in 0..2 {
        assert_eq!(server.signed("DELETE", "/bucket/key", &[], b"").status, 204);
    }
    assert_eq!(server.get("/bucket/key").code(), "NoSuchKey");
    assert_eq!(server.signed("DELETE", "/absent-bucket/key", &[], b"").code(), "NoSuchBucket");
    assert_eq!(server.signed("PUT", "/absent-bucket/key", &[], b"x").code(), "NoSuchBucket");
    assert_eq!(server.signed("GET", "/absent-bucket/key", &[], b"").code(), "NoSuchBucket");
}

#[test]
fn overrides_replace_stored_headers_in_one_answer() {
    use gatepass_signing::sigv4::presign::ResponseOverride;
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let target = server.presign_with(Method::Get, "key", |presign| {
        presign.response(ResponseOverride::ContentType, "text/plain").unwrap()
    });
    assert_eq!(server.send("GET", &target, &[], b"").header("content-type"), Some("text/plain"));
    assert_eq!(server.get("/bucket/key").header("content-type"), Some("binary/octet-stream"));
}
