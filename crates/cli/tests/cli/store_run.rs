//! `gatepass store run`: its flags, from the command line to the socket.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;

use super::program::{gatepass, run, signal, wait_for_end, wait_for_json};

/// A store that runs until it is dropped.
struct Running {
    child: Child,
    ready: Value,
    log: PathBuf,
    directory: tempfile::TempDir,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::start_in(directory, arguments)
    }

    fn start_in(directory: tempfile::TempDir, arguments: &[&str]) -> Self {
        let (ready_file, log) = (directory.path().join("ready"), directory.path().join("log"));
        let mut command = gatepass(["store", "run", "--listen", "127.0.0.1:0", "--fsync", "never", "--data"]);
        command.arg(directory.path().join("data")).arg("--ready-file").arg(&ready_file).args(arguments);
        command.stdout(Stdio::null()).stderr(fs::File::create(&log).expect("a file"));
        let mut child = command.spawn().expect("the program starts");
        let ready = wait_for_json(&ready_file, &mut child);
        Self { child, ready, log, directory }
    }

    fn url(&self) -> &str {
        self.ready["store"].as_str().expect("an address")
    }

    fn authority(&self) -> &str {
        self.url().split_once("://").expect("a URL").1
    }

    /// Waits until the program has said something on standard error.
    fn says(&self, what: &str) {
        let begun = Instant::now();
        while !fs::read_to_string(&self.log).expect("the log").contains(what) {
            assert!(begun.elapsed() < Duration::from_mins(1), "it never says {what:?}");
            std::thread::yield_now();
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one request and returns the whole answer.
fn ask(stream: &mut (impl std::io::Read + std::io::Write), head: &str) -> String {
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

/// Certificates for localhost, of an authority whose key is gone.
fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/tests/support/tls").join(name)
}

fn connect(authority: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate("ca.pem")).expect("a certificate")).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = TcpStream::connect(authority).expect("the store listens");
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).expect("TLS");
    }
    StreamOwned::new(connection, stream)
}

fn shown(authority: &str) -> Vec<u8> {
    connect(authority).conn.peer_certificates().expect("a chain")[0].as_ref().to_vec()
}

#[test]
fn a_store_speaks_https_and_reads_its_certificate_again_on_sighup() {
    let directory = tempfile::tempdir().expect("a directory");
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    let install = |name: &str| {
        fs::copy(certificate(&format!("{name}.pem")), &cert).expect("copied");
        fs::copy(certificate(&format!("{name}.key")), &key).expect("copied");
    };
    install("first");
    let (cert_path, key_path) = (cert.to_str().expect("UTF-8"), key.to_str().expect("UTF-8"));
    let mut store = Running::start(&["--tls-cert", cert_path, "--tls-key", key_path]);
    assert!(store.url().starts_with("https://127.0.0.1:"), "{}", store.url());
    let answer = ask(&mut connect(store.authority()), &format!("GET / HTTP/1.1\r\nHost: {}", store.authority()));
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let first = shown(store.authority());

    install("second");
    signal(store.child.id(), "HUP");
    store.says("the certificate was read again");
    let second = shown(store.authority());
    assert_ne!(first, second);

    fs::write(&key, "nonsense").expect("written");
    signal(store.child.id(), "HUP");
    store.says("the certificate stays the one that was read before: ");
    assert_eq!(shown(store.authority()), second);
    signal(store.child.id(), "TERM");
    assert_eq!(wait_for_end(&mut store.child).code(), Some(0));
}

#[test]
fn a_certificate_comes_from_the_file_too_and_half_of_one_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gatepass.toml");
    let (cert, key) = (certificate("first.pem"), certificate("first.key"));
    fs::write(&config, format!("[store.tls]\ncert = {cert:?}\nkey = {key:?}\n")).expect("written");
    let store = Running::start(&["--config", config.to_str().expect("UTF-8")]);
    assert!(store.url().starts_with("https://"));
    assert!(store.path().join("data").is_dir());

    let data = directory.path().join("data");
    let with = |arguments: &[&str]| {
        let mut command = gatepass(["store", "run", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(&data).args(arguments);
        run(command)
    };
    let half = with(&["--tls-cert", cert.to_str().expect("UTF-8")]);
    assert_eq!((half.code, half.stderr.as_str()), (Some(2), "error: --tls-cert and --tls-key go together\n"));
    let key = certificate("second.key");
    let other = with(&["--tls-cert", cert.to_str().expect("UTF-8"), "--tls-key", key.to_str().expect("UTF-8")]);
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("do not go together") && other.stderr.contains("hint: "), "{}", other.stderr);
    let missing = with(&["--tls-cert", "/nonexistent", "--tls-key", "/nonexistent"]);
    assert!(missing.stderr.contains("cannot read /nonexistent"), "{}", missing.stderr);
}

/// What a store says to somebody who signs nothing, asked at a host.
fn error_at(store: &Running, host: &str, target: &str) -> String {
    let port = store.authority().rsplit_once(':').expect("a port").1;
    let mut stream = TcpStream::connect(store.authority()).expect("the store listens");
    ask(&mut stream, &format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}"))
}

#[test]
fn a_day_of_lifecycle_rules_has_a_second_to_a_day() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gatepass.toml");
    fs::write(&config, "[store]\nlifecycle_day = \"10s\"\n").expect("written");
    let config = config.to_str().expect("UTF-8");
    for fine in [&["--lifecycle-day", "1s"][..], &["--lifecycle-day", "24h"], &["--config", config]] {
        drop(Running::start(fine));
    }
    for wrong in ["0s", "86401s"] {
        let refused = run(gatepass(["store", "run", "--data", "/nonexistent", "--lifecycle-day", wrong]));
        assert!(refused.stderr.contains("a day of lifecycle rules has 1 second to 24 hours"), "{}", refused.stderr);
    }
}

#[test]
fn further_regions_and_the_old_signature_are_flags_and_settings() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gatepass.toml");
    fs::write(&config, "[store]\nallow_sigv2 = true\n[store.regions.eu-central-1]\nhosts = [\"s3.eu.test\"]\n")
        .expect("written");
    let by_file = Running::start(&["--config", config.to_str().expect("UTF-8")]);
    let by_flags = Running::start(&["--region-host", "eu-central-1=s3.eu.test", "--allow-sigv2"]);
    let neither = Running::start(&[]);
    let scope = "20260601%2Feu-central-1%2Fs3%2Faws4_request";
    let signed = format!(
        "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDNOBODYNOBODYNOBO%2F{scope}&X-Amz-Date=20260601T000000Z\
         &X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={}",
        "0".repeat(64)
    );
    let old = "/b/k?AWSAccessKeyId=AKIDNOBODYNOBODYNOBO&Expires=4000000000&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D";
    for store in [&by_file, &by_flags] {
        assert!(error_at(store, "s3.eu.test", &signed).contains("Request has expired"), "the region is right there");
        assert!(error_at(store, "127.0.0.1", &signed).contains("<Region>us-east-1</Region>"));
        assert!(error_at(store, "127.0.0.1", old).contains("<Code>InvalidAccessKeyId</Code>"), "the form is known");
    }
    assert!(error_at(&neither, "s3.eu.test", &signed).contains("does not answer to the host s3.eu.test"));
    assert!(error_at(&neither, "127.0.0.1", old).contains("Please use AWS4-HMAC-SHA256"));

    fs::write(&config, "[store.regions.eu-central-1]\nhosts = [\"s3.eu.test:9000\"]\n").expect("written");
    let mut command = gatepass(["store", "run", "--data", "/nonexistent", "--config"]);
    command.arg(&config);
    let wrong = run(command);
    assert_eq!(wrong.stderr, "error: [store.regions.eu-central-1]: \"s3.eu.test:9000\" is no host name\n");
}

/// Sends a request to a store and returns the whole answer.
fn send(authority: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(authority).expect("somebody listens");
    let length = body.len();
    let request = format!("{head}\r\nHost: {authority}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn the_clock_of_a_store_for_tests_is_moved_by_whoever_is_no_page() {
    let store = Running::start(&["--now", "2030-01-01T00:00:00Z", "--test-clock"]);
    store.says("this store is for tests");
    let step = r#"{"advance": "48h"}"#;
    let json = "POST /_gatepass/clock HTTP/1.1\r\nContent-Type: application/json";
    let moved = send(store.authority(), json, step);
    assert!(moved.starts_with("HTTP/1.1 200") && moved.contains(r#"{"now":"2030-01-03T00:0"#), "{moved}");
    let asked = send(store.authority(), "GET / HTTP/1.1", "").to_ascii_lowercase();
    assert!(asked.contains("\r\ndate: thu, 03 jan 2030 "), "{asked}");
    let from_a_page = send(store.authority(), &format!("{json}\r\nOrigin: http://evil.test"), step);
    assert!(from_a_page.starts_with("HTTP/1.1 403"), "{from_a_page}");
    let simple = send(store.authority(), "POST /_gatepass/clock HTTP/1.1\r\nContent-Type: text/plain", step);
    assert!(simple.starts_with("HTTP/1.1 415"), "{simple}");
    let rebound = error_at(&store, "evil.test", "/_gatepass/clock");
    assert!(rebound.starts_with("HTTP/1.1 400"), "{rebound}");
    let got = send(store.authority(), "GET /_gatepass/clock HTTP/1.1", "");
    assert!(got.starts_with("HTTP/1.1 405"), "{got}");

    let usual = Running::start(&[]);
    let refused = send(usual.authority(), json, step);
    assert!(refused.starts_with("HTTP/1.1 4") && !refused.contains("now"), "{refused}");
}

#[test]
fn a_refusal_is_explained_where_it_says() {
    let store = Running::start(&["--explain"]);
    let refused = send(store.authority(), "GET /bucket/key HTTP/1.1", "");
    let (_, rest) = refused.split_once("x-gatepass-explain: http://").expect("the refusal names its page");
    let (authority, path) = rest.split_once("\r\n").expect("a line").0.split_once('/').expect("a path");
    assert_eq!(authority, store.authority());
    let page = send(authority, &format!("GET /{path} HTTP/1.1"), "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("<h1>403 AccessDenied</h1>"), "{page}");
}

#[test]
fn what_is_for_tests_is_refused_where_other_machines_come_in() {
    for (flags, name) in [
        (&["--test-clock"][..], "--test-clock"),
        (&["--fault", "slow-down=*:1"], "--fault"),
        (&["--fault", "clock-skew=1h"], "--fault"),
        (&["--explain"], "--explain"),
    ] {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9000"] {
            let mut command = gatepass(["store", "run", "--data", "/nonexistent", "--listen", address]);
            command.args(flags);
            let refused = run(command);
            assert_eq!(refused.code, Some(1));
            let expected =
                format!("error: {name} is for tests on this machine, and {address} lets other machines in\n");
            assert!(refused.stderr.starts_with(&expected), "{}", refused.stderr);
        }
    }
    let wrong = run(gatepass(["store", "run", "--data", "/nonexistent", "--fault", "slow-down=PutObjct:1"]));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("\"PutObjct\" is neither *, nor a method in capitals"), "{}", wrong.stderr);
}

#[test]
fn requests_are_written_down_and_counted_for_operators_elsewhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let (log, rotated) = (directory.path().join("access.log"), directory.path().join("access.log.1"));
    let log_path = log.to_str().expect("UTF-8");
    let mut store = Running::start(&["--access-log", log_path, "--metrics-listen", "127.0.0.1:0"]);
    let metrics = store.ready["metrics"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an address");
    let metrics = metrics.to_owned();
    let target = "/photos/a%20key?X-Amz-Signature=0123456789";
    assert!(send(store.authority(), &format!("GET {target} HTTP/1.1\r\nUser-Agent: \"me\""), "").contains("400"));
    fs::rename(&log, &rotated).expect("renamed");
    signal(store.child.id(), "HUP");
    let begun = Instant::now();
    while !log.exists() {
        assert!(begun.elapsed() < Duration::from_mins(1), "the log is not opened again");
        std::thread::yield_now();
    }
    assert!(send(store.authority(), "GET /photos HTTP/1.1", "").contains("403 Forbidden"));

    let text = send(&metrics, "GET /metrics HTTP/1.1", "");
    assert!(text.contains("gatepass_requests_total{operation=\"ListObjects\",status=\"403\"} 1"), "{text}");
    assert!(text.contains("gatepass_errors_total{code=\"AccessDenied\"} 1"), "{text}");
    assert!(send(&metrics, "GET /healthz HTTP/1.1", "").ends_with(r#"{"status":"ok"}"#));
    assert!(send(&metrics, "GET /readyz HTTP/1.1", "").contains(r#""status":"ready""#));
    assert!(send(store.authority(), "GET /metrics HTTP/1.1", "").contains("403 Forbidden"), "a bucket's name there");

    signal(store.child.id(), "TERM");
    assert_eq!(wait_for_end(&mut store.child).code(), Some(0));
    let first = fs::read_to_string(&rotated).expect("a log");
    assert!(first.contains("\"GET /photos/a%20key?X-Amz-Signature=REDACTED HTTP/1.1\" 400 "), "{first}");
    assert!(first.contains(" \"%22me%22\" "), "{first}");
    assert_eq!(first.lines().count(), 1);
    assert_eq!(fs::read_to_string(&log).expect("a log").lines().count(), 2);
}

#[test]
fn the_access_log_may_be_json_on_standard_output() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("gatepass.toml");
    fs::write(&config, "[store]\naccess_log = \"-\"\naccess_log_format = \"json\"\n").expect("written");
    let (ready_file, out) = (directory.path().join("ready"), directory.path().join("out"));
    let mut command = gatepass(["store", "run", "--listen", "127.0.0.1:0", "--json", "--config"]);
    command.arg(&config).arg("--data").arg(directory.path().join("data")).arg("--ready-file").arg(&ready_file);
    let mut child =
        command.stdout(fs::File::create(&out).expect("a file")).stderr(Stdio::null()).spawn().expect("it starts");
    let ready = wait_for_json(&ready_file, &mut child);
    let authority = ready["store"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an address");
    assert!(send(authority, "GET /photos HTTP/1.1", "").contains("403 Forbidden"));
    signal(child.id(), "TERM");
    assert_eq!(wait_for_end(&mut child).code(), Some(0));
    let text = fs::read_to_string(&out).expect("the output");
    let line: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!((line["operation"].as_str(), line["http_status"].as_u64()), (Some("REST.GET.BUCKET"), Some(403)));

    let half = run(gatepass(["store", "run", "--data", "/nonexistent", "--access-log-format", "json"]));
    assert_eq!(half.code, Some(2));
    let nowhere = run(gatepass(["store", "run", "--data", "/nonexistent", "--access-log", "/nonexistent/log"]));
    assert!(nowhere.stderr.contains("the access log /nonexistent/log cannot be opened"), "{}", nowhere.stderr);
}
