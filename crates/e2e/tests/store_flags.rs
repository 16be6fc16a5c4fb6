//! `gatepass store run` with its flags, against boto3 and s3cmd as their users use them.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gatepass_e2e::programs;
use serde_json::Value;

/// A store alone, until it is dropped.
struct Store {
    child: Child,
    ready: Value,
}

impl Store {
    fn start(directory: &tempfile::TempDir, flags: &[&str]) -> Self {
        let (data, ready_file) = (directory.path().join("data"), directory.path().join("ready"));
        let mut command = Command::new(programs::gatepass());
        command.args(["store", "run", "--listen", "127.0.0.1:0", "--fsync", "never", "--data"]).arg(data);
        command.arg("--ready-file").arg(&ready_file).args(flags);
        command.stdout(Stdio::null()).stderr(File::create(directory.path().join("log")).expect("a file"));
        let mut child = command.spawn().expect("the store starts");
        let begun = Instant::now();
        loop {
            if let Ok(text) = fs::read(&ready_file) {
                return Self { child, ready: serde_json::from_slice(&text).expect("a whole document") };
            }
            assert!(child.try_wait().expect("asked").is_none(), "the store has ended");
            assert!(begun.elapsed() < Duration::from_mins(1), "the store does not become ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("a text")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the class of tests that is about these flags.
fn run(class: &str, flags: &[&str]) {
    let scratch = tempfile::tempdir().expect("a directory");
    let store = Store::start(&scratch, flags);
    let directory = programs::root().join("crates/e2e/python");
    let mut suite = Command::new(programs::python());
    suite.arg(directory.join("test_store_flags.py")).arg(class).current_dir(&directory);
    // The store's certificate is for the name; its address is as good.
    let url = store.text("store").replace("127.0.0.1", if class == "Https" { "localhost" } else { "127.0.0.1" });
    suite.env("AWS_ENDPOINT_URL", url).env("AWS_REGION", store.text("region"));
    suite.env("AWS_DEFAULT_REGION", store.text("region")).env("AWS_CA_BUNDLE", certificate("ca.pem"));
    suite.env("AWS_ACCESS_KEY_ID", store.text("access_key")).env("AWS_SECRET_ACCESS_KEY", store.text("secret_key"));
    suite.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    suite.env("AWS_EC2_METADATA_DISABLED", "true").env("PYTHONDONTWRITEBYTECODE", "1");
    suite.env("GATEPASS_S3CMD", programs::s3cmd());
    let output = suite.output().unwrap_or_else(|error| panic!("{suite:?} does not start: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{class}: {said}");
    assert!(!said.contains("Ran 0 tests"), "{class}: {said}");
}

fn certificate(name: &str) -> PathBuf {
    programs::root().join("crates/store/tests/support/tls").join(name)
}

#[test]
fn boto3_retries_through_faults_that_are_meant() {
    run(
        "Faults",
        &[
            "--fault",
            "slow-down=PutObject:2",
            "--fault",
            "drop-reply=PutObject:1",
            "--fault",
            "slow-down=DeleteBucket:1.0",
        ],
    );
}

#[test]
fn boto3_and_s3cmd_are_understood_with_the_old_signature_where_that_is_allowed() {
    run("OldSignature", &["--allow-sigv2"]);
}

#[test]
fn boto3_speaks_https_to_a_store_with_a_certificate() {
    let (cert, key) = (certificate("first.pem"), certificate("first.key"));
    let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
    run("Https", &["--tls-cert", &text(&cert), "--tls-key", &text(&key)]);
}
