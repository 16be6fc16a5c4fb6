//! Faults on purpose, as a client meets them.

mod support;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use gatepass_signing::sigv4::header::Body;
use gatepass_store::{Config, Faults};
use support::{Server, borrowed};

fn server(rules: &[&str]) -> Server {
    let faults = Faults::new(rules.iter().map(|rule| rule.parse().unwrap()).collect(), 0);
    Server::configured(|config| Config { faults: Some(faults), ..config })
}

#[test]
fn slow_down_refuses_so_often_and_carries_nothing_out() {
    let server = server(&["slow-down=PutObject:2"]);
    for _ in 0..2 {
        let reply = server.refuses(503, "SlowDown", |server| server.signed("PUT", "/bucket/key", &[], b"content"));
        assert_eq!(reply.element("Message").as_deref(), Some("Please reduce your request rate."));
    }
    assert_eq!(server.get("/bucket/key").code(), "NoSuchKey", "other operations are not struck");
    server.put("/bucket/key", b"content");
    assert_eq!(server.get("/bucket/key").body, b"content");
}

#[test]
fn what_s3_refuses_is_refused_before_any_fault() {
    let server = server(&["slow-down=GET:1.0"]);
    assert_eq!(server.send("GET", "/bucket/key", &[], b"").status, 503, "nobody in particular is somebody, too");
    let target = server.presign(gatepass_signing::sigv4::presign::Method::Get, "key").replacen("key", "kez", 1);
    server.refuses(403, "SignatureDoesNotMatch", |server| server.send("GET", &target, &[], b""));
}

#[test]
fn a_dropped_reply_is_one_whose_request_was_carried_out() {
    let server = server(&["drop-reply=PutObject:1"]);
    let signed = server.sign("PUT", "/bucket/key", &[], Body::of(b"content"));
    let mut stream = server.connect();
    stream.write_all(&server.request("PUT", "/bucket/key", &borrowed(&signed), b"content")).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{:?}", String::from_utf8_lossy(&answer));
    assert_eq!(server.get("/bucket/key").body, b"content");
    server.put("/bucket/key", b"again");
}

#[test]
fn a_slow_body_takes_its_time_and_comes_whole() {
    let server = server(&["slow-body=GET:10KiB/s"]);
    server.put("/bucket/key", &[7; 4096]);
    let begun = Instant::now();
    assert_eq!(server.get("/bucket/key").body, [7; 4096]);
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    assert_eq!(server.signed("HEAD", "/bucket/key", &[], b"").header("content-length"), Some("4096"));
}

#[test]
fn a_skewed_clock_refuses_clients_whose_clock_is_right() {
    let server = Server::behind(
        |config| {
            let rules = vec!["clock-skew=20m".parse().unwrap()];
            Config { faults: Some(Faults::new(rules, 0)), ..config }
        },
        gatepass_store::Listener::from,
    );
    let reply = server.signed("PUT", "/bucket", &[], b"");
    assert_eq!((reply.status, reply.code().as_str()), (403, "RequestTimeTooSkewed"));
    assert_eq!(reply.element("ServerTime").as_deref(), Some("2026-06-01T12:20:00Z"));
    assert_eq!(reply.header("date"), Some("Mon, 01 Jun 2026 12:20:00 GMT"), "by which a client may correct itself");
}
