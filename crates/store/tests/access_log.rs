//! The access log and the metrics, of requests as they come.

mod support;
#[path = "support/tls.rs"]
mod tls;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{AccessLog, AccessLogFormat, AccessLogTarget, Config};
use serde_json::Value;
use support::{SECRET_KEY, Server};

fn open(path: &Path, format: AccessLogFormat) -> AccessLog {
    AccessLog::open(AccessLogTarget::File(path.to_owned()), format).unwrap()
}

fn lines(log: &AccessLog, path: &Path) -> Vec<Value> {
    log.close();
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_request_has_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let log = open(&path, AccessLogFormat::Json);
    let server = Server::configured(|config| Config { access_log: Some(log.clone()), ..config });
    server.put("/bucket/a%20key", &[7; 1000]);
    let part = server.signed("GET", "/bucket/a%20key", &[("range", "bytes=0-9"), ("user-agent", "me")], b"");
    assert_eq!(part.status, 206);
    let url = server.presign(Method::Get, "missing");
    let missing = server.send("GET", &url, &[("referer", &format!("http://x/{url}"))], b"");
    assert_eq!(missing.status, 404);
    assert_eq!(server.raw(b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "GET").status, 400);
    let id = part.header("x-amz-request-id").unwrap().to_owned();
    drop(server);

    let lines = lines(&log, &path);
    let operations: Vec<&str> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    let expected = ["REST.PUT.BUCKET", "REST.PUT.OBJECT", "REST.GET.OBJECT", "REST.GET.OBJECT", "REST.GET.SERVICE"];
    assert_eq!(operations, expected);
    let get = &lines[2];
    assert_eq!(get["bytes_sent"], 10);
    assert_eq!(get["object_size"], 1000);
    assert_eq!((get["bucket"].as_str(), get["key"].as_str()), (Some("bucket"), Some("a key")));
    assert_eq!((get["request_id"].as_str(), get["user_agent"].as_str()), (Some(id.as_str()), Some("me")));
    assert_eq!(get["request_uri"], "GET /bucket/a%20key HTTP/1.1");
    assert_eq!(
        (get["signature_version"].as_str(), get["authentication_type"].as_str()),
        (Some("SigV4"), Some("AuthHeader"))
    );
    assert_eq!(get["time"], "2026-06-01T12:00:00Z");
    assert_eq!(get["requester"], get["bucket_owner"]);
    assert_eq!(lines[1]["object_size"], 1000);
    assert_eq!((lines[3]["error_code"].as_str(), lines[3]["http_status"].as_u64()), (Some("NoSuchKey"), Some(404)));
    assert_eq!(lines[3]["authentication_type"], "QueryString");
    assert_eq!((lines[4]["requester"].as_str(), lines[4]["host_header"].as_str()), (None, Some("evil.test")));
}

#[test]
fn tls_and_http_2_stand_in_the_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let log = open(&path, AccessLogFormat::Json);
    let server = tls::server(|config| Config { access_log: Some(log.clone()), ..config });
    let host = server.host();
    let mut client = tls::Http2::connect(server.address);
    let url = format!("https://{host}{}", server.presign(Method::Get, "key"));
    client.send(http::Request::get(url).body(http_body_util::Full::default()).unwrap());
    drop((client, server));
    let lines = lines(&log, &path);
    let get = lines.last().unwrap();
    assert_eq!((get["tls_version"].as_str(), get["host_header"].as_str()), (Some("TLSv1.3"), Some(host.as_str())));
    assert!(get["cipher_suite"].as_str().unwrap().starts_with("TLS_"), "{get}");
    assert!(get["request_uri"].as_str().unwrap().ends_with(" HTTP/2.0"), "{get}");
}

#[test]
fn attack_45_no_secret_is_in_the_access_log() {
    for format in [AccessLogFormat::S3, AccessLogFormat::Json] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let log = open(&path, format);
        let server = Server::configured(|config| Config { access_log: Some(log.clone()), ..config });
        let url = server.presign(Method::Put, "key");
        let signature = url.split_once("X-Amz-Signature=").unwrap().1.to_owned();
        assert_eq!(server.send("PUT", &url, &[("referer", &url)], b"content").status, 200);
        server.send("PUT", &url.replace("X-Amz-Signature", "%58-Amz-Signature"), &[], b"content");
        server.send("PUT", &url.replace('&', "&amp;"), &[], b"content");
        let signed = server.sign("GET", "/bucket/key", &[], Body::of(b""));
        let authorization = signed.iter().find(|(name, _)| name == "authorization").unwrap().1.clone();
        let by_header = authorization.split_once("Signature=").unwrap().1.to_owned();
        server.get("/bucket/key");
        server.send("GET", "/bucket/key?X-Amz-Security-Token=tokentokentoken", &[], b"");
        server.send("GET", "/bucket/key?Signature=oldoldold&Expires=1&AWSAccessKeyId=A", &[], b"");
        let customer =
            [("x-amz-server-side-encryption-customer-key", "customerkey"), ("cookie", "session=cookiecookie")];
        server.send("GET", "/bucket/key", &customer, b"");
        drop(server);
        log.close();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 8);
        let secrets =
            [&signature, &by_header, SECRET_KEY, "tokentokentoken", "oldoldold", "customerkey", "cookiecookie"];
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
        }
    }
}

/// What operators read at a path.
fn operator(server: &Server, path: &str) -> (u16, String) {
    let reply = server.ask_operators(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
    (reply.status, reply.text())
}

#[test]
fn operators_see_what_is_counted_and_whether_the_store_is_ready() {
    let free = Arc::new(AtomicU64::new(1 << 30));
    let server = Server::on_a_disk(&free, 1 << 20);
    server.put("/bucket/key", &[7; 1000]);
    server.get("/bucket/key");
    server.get("/bucket/missing");
    support::eventually("every exchange is over", || {
        operator(&server, "/metrics").1.contains("gatepass_requests_total{operation=\"GetObject\",status=\"404\"} 1")
    });
    let (_, text) = operator(&server, "/metrics");
    for line in [
        "gatepass_requests_total{operation=\"PutObject\",status=\"200\"} 1",
        "gatepass_requests_total{operation=\"GetObject\",status=\"200\"} 1",
        "gatepass_errors_total{code=\"NoSuchKey\"} 1",
        "gatepass_request_duration_seconds_count{operation=\"GetObject\"} 2",
        "gatepass_received_bytes_total 1000",
        "gatepass_disk_free_bytes 1073741824",
        "gatepass_disk_reserve_bytes 1048576",
        "gatepass_index_commit_duration_seconds_count 2",
        "gatepass_connections_total 4",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    // Every line is a comment, or a name with a number (prometheus.io, "Exposition formats").
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }

    let ready = |status: u16, disk: &str, said: &str| {
        let (answered, text) = operator(&server, "/readyz");
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((answered, document), (status, serde_json::json!({ "disk": disk, "index": "ok", "status": said })));
    };
    ready(200, "ok", "ready");
    free.store(1000, std::sync::atomic::Ordering::SeqCst);
    ready(503, "full", "not ready");
    assert_eq!(operator(&server, "/healthz").0, 200, "full is not dead");
    assert_eq!(operator(&server, "/").0, 404);
}

#[test]
fn attack_44_metrics_are_not_on_the_listener_of_s3() {
    let server = Server::with_bucket();
    for path in ["/metrics", "/healthz", "/readyz", "/_gatepass/metrics"] {
        let reply = server.send("GET", path, &[], b"");
        assert_eq!(reply.status, if path.starts_with("/_") { 400 } else { 403 }, "{path}");
        assert!(!reply.text().contains("gatepass_"), "{path}");
    }
}
