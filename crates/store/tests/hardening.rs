//! HTTP as it should not be: what clients send that are confused, slow, greedy, or hostile.

mod support;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{Config, Limits, MAX_HEAD_BYTES, MAX_HEADERS};
use support::{Reply, Server, borrowed, eventually};

/// A limit that a test reaches.
const SHORT: Duration = Duration::from_millis(200);

fn impatient() -> Server {
    let limits = Limits { header_read: SHORT, write_stall: SHORT, ..Limits::default() };
    Server::configured(|config| Config { limits, ..config })
}

/// Everything that comes until the end.
fn rest(mut stream: &TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    let _ = stream.write_all(bytes);
    rest(&stream)
}

#[test]
fn two_lengths_are_refused_and_nothing_after_them_is_run() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let host = server.host();
    let hidden = format!("DELETE {} HTTP/1.1\r\nHost: {host}\r\n\r\n", server.presign(Method::Delete, "key"));
    for framing in
        ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5"]
    {
        let target = server.presign(Method::Put, "other");
        let raw = format!("PUT {target} HTTP/1.1\r\nHost: {host}\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
        let answers = exchange(&server, raw.as_bytes());
        assert!(answers.starts_with("HTTP/1.1 400 ") && answers.contains("framing"), "{answers}");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    }
    for framing in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: 5, 5",
        "Content-Length : 5",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "X: a\r\n folded",
        "X: nul\0",
    ] {
        let target = server.presign(Method::Put, "other");
        let raw = format!("PUT {target} HTTP/1.1\r\nHost: {host}\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
        let answers = exchange(&server, raw.as_bytes());
        assert!(answers.is_empty() || answers.starts_with("HTTP/1.1 400 "), "{framing:?}: {answers}");
        assert!(answers.matches("HTTP/1.1 ").count() <= 1, "{framing:?}: {answers}");
    }
    assert_eq!(server.get("/bucket/key").body, b"content", "nothing hidden was run");
}

/// pingora: chunks in HTTP/1.0, which has none, were read by one side and passed over by the other.
#[test]
fn adv_cve_2026_2835_http_1_0_knows_no_chunks() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let host = server.host();
    let hidden = format!("DELETE {} HTTP/1.1\r\nHost: {host}\r\n\r\n", server.presign(Method::Delete, "key"));
    for keep in ["", "Connection: keep-alive\r\n"] {
        let target = server.presign(Method::Put, "other");
        let head = format!("PUT {target} HTTP/1.0\r\nHost: {host}\r\n{keep}Transfer-Encoding: chunked\r\n\r\n");
        let answers = exchange(&server, format!("{head}0\r\n\r\n{hidden}").as_bytes());
        assert!(answers.is_empty() || answers.contains(" 400 "), "{answers}");
        assert!(answers.matches("HTTP/1.").count() <= 1, "{answers}");
    }
    assert_eq!(server.get("/bucket/key").body, b"content", "nothing hidden was run");
}

/// pingora: what followed a request to upgrade was passed on before anybody had agreed to it. Nothing is upgraded here, and what
/// follows is a request that is checked as any other.
#[test]
fn adv_cve_2026_2833_requests_behind_an_upgrade_are_requests() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let host = server.host();
    let get = format!("GET {} HTTP/1.1\r\nHost: {host}\r\n", server.presign(Method::Get, "key"));
    let unsigned = format!("DELETE /bucket/key HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for upgrade in ["websocket", "h2c", "anything"] {
        let head = format!("{get}Connection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n");
        let answers = exchange(&server, format!("{head}{unsigned}").as_bytes());
        let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert_eq!(statuses, ["200", "403"], "{upgrade}: {answers}");
    }
    assert_eq!(server.get("/bucket/key").body, b"content");
}

#[test]
fn a_line_ends_in_cr_and_lf() {
    let server = Server::with_bucket();
    let host = server.host();
    for raw in [
        format!("GET / HTTP/1.1\nHost: {host}\n\n"),
        format!("GET / HTTP/1.1\r\nHost: {host}\nX: y\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\n\n"),
    ] {
        let answer = exchange(&server, raw.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("without CR"), "{raw:?}: {answer}");
    }
}

#[test]
fn one_host_is_named_and_it_is_ours() {
    let server = Server::with_bucket();
    let host = server.host();
    for head in [
        "GET / HTTP/1.1".to_owned(),
        "GET / HTTP/1.0".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}"),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.test"),
        "GET / HTTP/1.1\r\nHost:".to_owned(),
        "GET / HTTP/1.1\r\nHost: a b".to_owned(),
        format!("GET http://evil.test/ HTTP/1.1\r\nHost: {host}"),
        format!("GET http://{host}@evil.test/ HTTP/1.1\r\nHost: {host}"),
        format!("CONNECT {host} HTTP/1.1\r\nHost: {host}"),
        format!("OPTIONS * HTTP/1.1\r\nHost: {host}"),
    ] {
        let answer = exchange(&server, format!("{head}\r\n\r\n").as_bytes());
        assert!(answer.get(8..13) == Some(" 400 "), "{head:?}: {answer}");
    }
}

#[test]
fn requests_in_a_row_are_answered_in_their_order_and_a_flaw_ends_the_row() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let get = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", server.presign(Method::Get, "key"), server.host());
    let last = format!("{get}Connection: close\r\n\r\n");
    let answers = exchange(&server, format!("{get}\r\n{get}Upgrade: h2c\r\n\r\n{last}").as_bytes());
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    assert!(!answers.to_ascii_lowercase().contains("\r\nupgrade:"), "{answers}");
    let answers = exchange(&server, format!("{get}\r\n{}\r\n{last}", get.replace("\r\nHost", "\nHost")).as_bytes());
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "400"], "{answers}");
}

#[test]
fn attack_35_a_head_that_does_not_come_ends_the_connection() {
    let server = impatient();
    let silent = server.connect();
    let mut half = server.connect();
    half.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ").unwrap();
    let mut between = server.connect();
    let whole = server.request("GET", "/", &[("connection", "keep-alive")], b"");
    between.write_all(&whole).unwrap();
    assert_eq!(Reply::read(&mut between, "GET").status, 403);
    let begun = Instant::now();
    for stream in [&silent, &half, &between] {
        let answer = rest(stream);
        assert!(answer.is_empty() || answer.contains(" 408 "), "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn attack_35_who_sends_a_head_byte_by_byte_gets_no_more_time() {
    let server = impatient();
    let stream = server.connect();
    let (mut writer, reader) = (stream.try_clone().unwrap(), stream);
    let dripping = thread::spawn(move || {
        let begun = Instant::now();
        for byte in b"GET / HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x')) {
            if writer.write_all(&[*byte]).is_err() || begun.elapsed() > Duration::from_secs(15) {
                return begun.elapsed();
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        unreachable!("the bytes do not end")
    });
    rest(&reader);
    drop(reader);
    assert!(dripping.join().unwrap() < Duration::from_secs(15));
}

#[test]
fn attack_35_who_takes_nothing_of_an_answer_is_given_up_and_others_are_served() {
    let server = impatient();
    server.put("/bucket/large", &vec![7; 32 * 1024 * 1024]);
    let target = server.presign(Method::Get, "large");
    let readers: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(&server.request("GET", &target, &[], b"")).unwrap();
            stream
        })
        .collect();
    server.put("/bucket/small", b"content");
    assert_eq!(server.get("/bucket/small").body, b"content");
    eventually("all are given up", || server.connections() == 0);
    for reader in readers {
        assert!(rest(&reader).len() < 32 * 1024 * 1024, "it did not get all of it");
    }
}

#[test]
fn attack_35_idle_connections_do_not_keep_others_out() {
    let server = Server::with_bucket();
    let idle: Vec<TcpStream> = (0..500).map(|_| server.connect()).collect();
    server.put("/bucket/key", b"content");
    assert_eq!(server.get("/bucket/key").body, b"content");
    drop(idle);
}

fn signed_post(server: &Server, target: &str, body: &[u8]) -> Reply {
    server.signed("POST", target, &[], body)
}

/// Held by what measures the memory of this process, and by what takes much of it for its own part.
static MEMORY: Mutex<()> = Mutex::new(());

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn attack_37_documents_that_explode_are_malformed() {
    let _alone = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::with_bucket();
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\">]>\
                  <Delete><Object><Key>&b;</Key></Object></Delete>";
    let external = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\
                    <Delete><Object><Key>&x;</Key></Object></Delete>";
    let doctype = "<!DOCTYPE x><Delete><Object><Key>k</Key></Object></Delete>";
    let deep = format!("{}{}", "<Delete>".repeat(100_000), "</Delete>".repeat(100_000));
    let before = resident_bytes();
    for document in
        [laughs.as_bytes(), external.as_bytes(), doctype.as_bytes(), deep.as_bytes(), b"<Delete>\xff</Delete>"]
    {
        let reply = server.refuses(400, "MalformedXML", |server| {
            let md5 = base64_md5(document);
            server.signed("POST", "/bucket?delete", &[("content-md5", &md5)], document)
        });
        assert!(!reply.text().contains("root:"), "{reply:?}");
    }
    // A hundred megabytes are refused from the head: they need not come.
    let headers = server.sign("POST", "/bucket?delete", &[], Body::of(b""));
    let mut head = format!("POST /bucket?delete HTTP/1.1\r\nHost: {}\r\nContent-Length: 104857600\r\n", server.host());
    for (name, value) in borrowed(&headers) {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    let reply = server.raw(format!("{head}\r\n").as_bytes(), "POST");
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(resident_bytes().saturating_sub(before) < 50 * 1024 * 1024);
}

#[test]
fn attack_37_a_million_parts_are_too_many() {
    let _alone = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::with_bucket();
    let upload = signed_post(&server, "/bucket/key?uploads", b"").element("UploadId").unwrap();
    let part = "<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>";
    let document = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", part.repeat(1_000_000));
    let reply = server.raw(&completion(&server, &upload, document.as_bytes()), "POST");
    assert!(matches!(reply.status, 400), "{reply:?}");
}

fn completion(server: &Server, upload: &str, document: &[u8]) -> Vec<u8> {
    let target = format!("/bucket/key?uploadId={upload}");
    let headers = server.sign("POST", &target, &[], Body::of(document));
    server.request("POST", &target, &borrowed(&headers), document)
}

fn base64_md5(bytes: &[u8]) -> String {
    use base64::Engine as _;
    use md5::Digest as _;
    base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(bytes))
}

#[test]
fn attack_39_nothing_is_unpacked() {
    let server = Server::with_bucket();
    // Ten bytes of gzip that say they are more; a store keeps them as they are.
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let reply = server.signed("PUT", "/bucket/key", &[("content-encoding", "gzip")], &packed);
    assert_eq!(reply.status, 200);
    let got = server.get("/bucket/key");
    assert_eq!((got.body.as_slice(), got.header("content-encoding")), (&packed[..], Some("gzip")));
    let headers = [("x-amz-meta-snowball-auto-extract", "true")];
    assert_eq!(server.signed("PUT", "/bucket/a.tar", &headers, b"tar").status, 200);
    let listed = server.get("/bucket?list-type=2");
    assert_eq!(listed.elements("Key"), ["a.tar", "key"], "an archive is one object");
    let reply = server.signed("POST", "/bucket?delete", &[("content-encoding", "gzip"), ("content-md5", "x")], &packed);
    assert_eq!(reply.status, 400, "documents are not unpacked, either: {reply:?}");
}

#[test]
fn attack_40_ten_thousand_ranges_are_one_answer() {
    let server = Server::with_bucket();
    server.put("/bucket/key", &vec![7; 100_000]);
    let before = resident_bytes();
    let ranges: Vec<String> = (0..10_000).map(|at| format!("{at}-{at}")).collect();
    let header = format!("bytes={}", ranges.join(","));
    assert!(header.len() > MAX_HEAD_BYTES);
    let target = server.presign(Method::Get, "key");
    assert_eq!(server.send("GET", &target, &[("range", &header)], b"").status, 431, "it does not even fit");
    let header = format!("bytes={}", ranges[..5000].join(","));
    let got = server.send("GET", &target, &[("range", &header)], b"");
    assert_eq!((got.status, got.body.len()), (200, 100_000), "several ranges are none");
    let got = server.send("GET", &target, &[("range", "bytes=100000-")], b"");
    assert_eq!((got.status, got.code().as_str()), (416, "InvalidRange"));
    assert!(resident_bytes().saturating_sub(before) < 50 * 1024 * 1024);
}

#[test]
fn attack_41_listings_have_a_page_whatever_is_asked() {
    let server = Server::with_bucket();
    for number in 0..3 {
        server.put(&format!("/bucket/{number}"), b"");
    }
    let huge = server.get("/bucket?list-type=2&max-keys=2147483647");
    assert_eq!((huge.status, huge.element("MaxKeys").as_deref()), (200, Some("1000")), "{huge:?}");
    for wrong in ["2147483648", "-1", "x", "99999999999999999999"] {
        server.refuses(400, "InvalidArgument", |server| server.get(&format!("/bucket?list-type=2&max-keys={wrong}")));
    }
    let delimiter = "a".repeat(1024);
    let listed = server.get(&format!("/bucket?list-type=2&delimiter={delimiter}&prefix={delimiter}"));
    assert_eq!(listed.status, 200);
}

#[test]
fn a_head_has_so_many_lines_and_bytes_and_no_more() {
    let server = Server::with_bucket();
    let host = server.host();
    let with = |lines: usize, bytes: usize| {
        let mut head = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        head.push_str(&"h: x\r\n".repeat(lines - 2));
        let filler = bytes.saturating_sub(head.len() + "X: \r\n\r\n".len());
        if filler > 0 {
            write!(head, "X: {}\r\n", "x".repeat(filler)).unwrap();
        }
        server.raw(format!("{head}\r\n").as_bytes(), "GET").status
    };
    assert_eq!(with(MAX_HEADERS, 0), 403);
    assert_eq!(with(MAX_HEADERS + 1, 0), 431);
    assert_eq!(with(2, MAX_HEAD_BYTES - 1024), 403);
    assert_eq!(with(2, MAX_HEAD_BYTES + 1024), 431);
}
