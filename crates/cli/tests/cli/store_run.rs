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
