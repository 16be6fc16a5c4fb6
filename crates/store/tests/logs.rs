//! What the store writes into its log, and what never.

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use support::{ACCESS_KEY, SECRET_KEY, Server};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn attack_45_one_line_for_each_request_and_no_secret_in_any() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::TRACE).with_ansi(false);
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let server = Server::with_bucket();

    let target = server.presign(Method::Put, "a-key-in-the-path");
    let signature = target.split_once("X-Amz-Signature=").unwrap().1.to_owned();
    let put = server.send("PUT", &target, &[], b"content");
    assert_eq!(put.status, 200);
    assert_eq!(server.send("GET", &target, &[], b"").status, 403);
    let signed = server.sign("GET", "/bucket/a-key-in-the-path", &[], Body::of(b""));
    let authorization = &signed.iter().find(|(name, _)| name == "authorization").unwrap().1;
    let by_header = authorization.split_once("Signature=").unwrap().1;
    assert_eq!(server.get("/bucket/a-key-in-the-path").status, 200);
    assert_eq!(server.send("GET", "/bucket/k?X-Amz-Security-Token=tokentokentoken", &[], b"").status, 403);
    let of_others = [
        ("cookie", "session=cookiecookie; CloudFront-Signature=cloudcloud"),
        ("x-amz-server-side-encryption-customer-key", "customercustomer"),
        ("x-amz-security-token", "tokentokentoken"),
        ("authorization", "AWS AKID:oldoldoldold"),
    ];
    for header in of_others {
        server.send("PUT", "/bucket/k", &[header], b"content");
        server.signed("PUT", "/bucket/k", &[header], b"content");
    }
    server.send("GET", "/bucket/k?Signature=cloudcloud&Key-Pair-Id=K&Expires=1", &[], b"");
    drop(server);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let sent = ["tokentokentoken", "cookiecookie", "cloudcloud", "customercustomer", "oldoldoldold"];
    for secret in [signature.as_str(), by_header, SECRET_KEY, "X-Amz-", "content\n"].into_iter().chain(sent) {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
    let id = put.header("x-amz-request-id").unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(id)).collect();
    let [line] = lines[..] else { panic!("{} lines about one request", lines.len()) };
    for part in ["PUT", "PutObject", "200", ACCESS_KEY] {
        assert!(line.contains(part), "no {part} in {line}");
    }
}
