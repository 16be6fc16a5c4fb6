//! `gatepass dev`: its whole life, and what it refuses.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use gatepass_signing::{
    address::{Address, AddressingStyle, Endpoint},
    credentials::{AccessKeyId, Credentials, SecretKey},
    sigv4::{
        KeyCache, Region,
        presign::{Method, Presign},
    },
};
use serde_json::Value;

use crate::program::{ACCESS_KEY, Run, SECRET_KEY, gatepass, half_a_request, run, signal, wait_for_end, wait_for_json};

/// A running one, killed when dropped.
struct Dev {
    child: Child,
    ready: Value,
    ready_file: PathBuf,
}

impl Dev {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let ready_file = data.with_extension("ready");
        let mut command = gatepass(["dev", "--port", "0", "--data"]);
        command.arg(data).arg("--ready-file").arg(&ready_file).args(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let ready = wait_for_json(&ready_file, &mut child);
        assert_eq!(fs::metadata(&ready_file).expect("the file").permissions().mode() & 0o777, 0o600);
        Self { child, ready, ready_file }
    }

    fn stop(mut self, name: &str) -> Option<i32> {
        signal(self.child.id(), name);
        let code = wait_for_end(&mut self.child).code();
        assert!(!self.ready_file.exists(), "nothing is ready any more");
        code
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().expect("a text")
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with_data(data: &Path, arguments: &[&str]) -> Command {
    let mut command = gatepass(arguments);
    command.env("GATEPASS_DATA", data);
    command
}

fn refusal(data: &Path, arguments: &[&str]) -> Run {
    let run = run(with_data(data, &[&["dev", "--port", "0"], arguments].concat()));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.stderr.starts_with("error: ") && !run.stderr.contains("panicked"), "{run:?}");
    run
}

#[test]
fn it_stops_when_told_and_comes_back_with_its_keys() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let first = Dev::start(&data, &[]);
    let keys = (first.text("access_key").to_owned(), first.text("secret_key").to_owned());
    assert_eq!(first.ready["edge"], Value::Null);
    assert_eq!(first.text("region"), "us-east-1");
    assert!(first.text("backend").starts_with("http://localhost:"));
    assert!(first.text("store").starts_with("http://127.0.0.1:"));
    for user in ["alice", "bob", "admin"] {
        assert_eq!(first.ready["tokens"][user].as_str().expect("a token").split('.').count(), 3);
    }
    assert_eq!(first.stop("TERM"), Some(0));

    let second = Dev::start(&data, &[]);
    assert_eq!((second.text("access_key"), second.text("secret_key")), (keys.0.as_str(), keys.1.as_str()));
    assert_eq!(second.stop("INT"), Some(0));
}

#[test]
fn a_client_that_never_ends_its_request_does_not_keep_it_from_stopping() {
    let directory = tempfile::tempdir().expect("a directory");
    let dev = Dev::start(&directory.path().join("data"), &[]);
    let _stalled = half_a_request(dev.text("issuer"));
    assert_eq!(dev.stop("TERM"), Some(0));
}

#[test]
fn the_other_commands_find_it_while_it_runs_and_not_after() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let dev = Dev::start(&data, &[]);
    let mode = fs::metadata(data.join("dev.json")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let variables = run(with_data(&data, &["env", "--json"])).json();
    assert_eq!(variables["AWS_ENDPOINT_URL"], dev.ready["store"]);
    assert_eq!(variables["AWS_SECRET_ACCESS_KEY"], dev.ready["secret_key"]);
    let token = run(with_data(&data, &["dev", "token", "bob"]));
    assert_eq!(token.stdout.trim().split('.').count(), 3, "{token:?}");

    assert_eq!(dev.stop("TERM"), Some(0));
    let after = run(with_data(&data, &["env"]));
    assert_eq!(after.code, Some(1));
    assert!(after.stderr.starts_with("error: no `gatepass dev` is running on "), "{after:?}");
    assert!(after.stderr.contains("\nhint: start it with `gatepass dev --data "), "{after:?}");
}

#[test]
fn a_file_goes_up_comes_down_and_is_shared() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let dev = Dev::start(&data, &[]);
    let file = directory.path().join("hello world.txt");
    fs::write(&file, "hello from gatepass\n").expect("written");

    let mut upload = with_data(&data, &["upload"]);
    upload.arg(&file);
    let uploaded = run(upload);
    assert_eq!((uploaded.code, uploaded.stderr.as_str()), (Some(0), ""), "{uploaded:?}");
    let id = uploaded.stdout.split_whitespace().next().expect("an id").to_owned();

    let by_name = run(with_data(&data, &["download", "--output", "-", "hello world.txt"]));
    assert_eq!(by_name.stdout, "hello from gatepass\n", "{by_name:?}");
    let target = directory.path().join("copy.txt");
    let mut by_id = with_data(&data, &["download", &id, "--output"]);
    by_id.arg(&target);
    assert_eq!(run(by_id).code, Some(0));
    assert_eq!(fs::read_to_string(&target).expect("the copy"), "hello from gatepass\n");
    let mut again = with_data(&data, &["download", &id, "--output"]);
    again.arg(&target);
    assert_eq!(run(again).code, Some(1), "what is there is not replaced");

    let foreign = run(with_data(&data, &["download", "--as", "bob", "--output", "-", &id]));
    assert_eq!((foreign.code, foreign.stdout.as_str()), (Some(1), ""), "{foreign:?}");

    let link = run(with_data(&data, &["link", "create", &id, "--label", "for Bob"]));
    assert_eq!(link.code, Some(0), "{link:?}");
    assert!(link.stdout.starts_with(&format!("{}/l/", dev.text("backend"))), "{link:?}");
    let listed = run(with_data(&data, &["link", "list", "--json", &id])).json();
    let link_id = listed["data"][0]["id"].as_str().expect("an id").to_owned();
    let revoked = run(with_data(&data, &["link", "revoke", &link_id]));
    assert_eq!(revoked.stdout, format!("{link_id} is revoked\n"), "{revoked:?}");
}

#[test]
fn a_name_that_begins_like_an_id_is_a_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let _dev = Dev::start(&data, &[]);
    let file = directory.path().join("file_report.txt");
    fs::write(&file, "a report\n").expect("written");
    let mut upload = with_data(&data, &["upload"]);
    upload.arg(&file);
    assert_eq!(run(upload).code, Some(0));
    let downloaded = run(with_data(&data, &["download", "--output", "-", "file_report.txt"]));
    assert_eq!(downloaded.stdout, "a report\n", "{downloaded:?}");
    let link = run(with_data(&data, &["link", "create", "file_report.txt"]));
    assert_eq!(link.code, Some(0), "{link:?}");
    let stranger = run(with_data(&data, &["download", "file_a/../b?c#d"]));
    assert!(stranger.stderr.starts_with("error: there is no file `file_a/../b?c#d`\n"), "{stranger:?}");
}

#[test]
fn a_ready_file_of_an_earlier_run_is_gone_before_anything_listens() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let (data, ready) = (directory.path().join("data"), directory.path().join("ready"));
    let config = directory.path().join("gatepass.toml");
    fs::write(&config, run(gatepass(["config", "reference"])).stdout).expect("written");
    let texts = [&data, &ready, &config].map(|path| path.to_str().expect("UTF-8"));
    let [data, ready_path, config] = texts;
    for service in [
        &["dev", "--port", "0", "--data", data, "--store-listen", &address][..],
        &["store", "run", "--data", data, "--listen", &address],
        &["backend", "run", "--config", config, "--listen", &address],
    ] {
        fs::write(&ready, "{}").expect("written");
        let run = run(gatepass([service, &["--ready-file", ready_path]].concat()));
        assert!(run.stderr.contains("the port is in use"), "{run:?}");
        assert!(!ready.exists(), "{service:?}");
    }
}

#[test]
fn files_are_still_their_owners_after_a_restart_on_other_ports() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let file = directory.path().join("hello.txt");
    fs::write(&file, "hello\n").expect("written");
    let first = Dev::start(&data, &[]);
    let mut upload = with_data(&data, &["upload"]);
    upload.arg(&file);
    assert_eq!(run(upload).code, Some(0));
    assert_eq!(first.stop("TERM"), Some(0));
    let _second = Dev::start(&data, &[]);
    let downloaded = run(with_data(&data, &["download", "--output", "-", "hello.txt"]));
    assert_eq!(downloaded.stdout, "hello\n", "{downloaded:?}");
}

#[test]
fn a_clock_starts_where_it_is_told_and_can_be_moved() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let dev = Dev::start(&data, &["--now", "2030-01-01T00:00:00Z", "--test-clock"]);
    let file = directory.path().join("hello.txt");
    fs::write(&file, "hello\n").expect("written");
    let mut upload = with_data(&data, &["upload", "--json"]);
    upload.arg(&file);
    let uploaded = run(upload);
    assert_eq!(uploaded.code, Some(0), "{uploaded:?}");
    assert!(uploaded.stdout.contains("\"2030-01-01T00:0"), "{uploaded:?}");

    let authority = dev.text("backend").strip_prefix("http://").expect("an address");
    let ask = |head: &str| {
        let mut stream = TcpStream::connect(authority).expect("the backend listens");
        let body = r#"{"advance": "48h"}"#;
        let request = format!(
            "POST /_gatepass/clock HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    };
    let from_a_page = ask(&format!("Host: {authority}\r\nOrigin: http://evil.test\r\n"));
    assert!(from_a_page.starts_with("HTTP/1.1 403"), "{from_a_page}");
    let rebound = ask("Host: evil.test\r\n");
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    let moved = ask(&format!("Host: {authority}\r\n"));
    assert!(moved.starts_with("HTTP/1.1 200") && moved.contains("2030-01-03T00:0"), "{moved}");

    // Tokens that are made now begin at the new time, or the backend would refuse them.
    let download = run(with_data(&data, &["download", "--output", "-", "hello.txt"]));
    assert_eq!(download.stdout, "hello\n", "{download:?}");
}

#[test]
fn a_port_in_use_is_a_refusal_that_names_the_flag() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    for flag in ["--backend-listen", "--store-listen", "--idp-listen"] {
        let run = refusal(&directory.path().join("data"), &[flag, &address]);
        assert!(run.stderr.contains(&format!("cannot listen on {address}: the port is in use\nhint: ")), "{run:?}");
        assert!(run.stderr.contains(flag), "{run:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_used_is_a_refusal() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("written");
    let run = refusal(&file.join("data"), &[]);
    assert!(run.stderr.contains("\nhint: choose a directory that you may write to with --data\n"), "{run:?}");
}

#[test]
fn missing_root_keys_over_old_data_are_a_refusal() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    assert_eq!(Dev::start(&data, &[]).stop("TERM"), Some(0));
    fs::remove_file(data.join("store/root-credentials.json")).expect("removed");
    let run = refusal(&data, &[]);
    assert!(run.stderr.contains("no new key is made over old data"), "{run:?}");
    assert!(run.stderr.contains("\nhint: put root-credentials.json back from a backup"), "{run:?}");
    assert!(!data.join("store/root-credentials.json").exists());
}

#[test]
fn two_at_once_on_one_directory_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let _first = Dev::start(&data, &[]);
    let run = refusal(&data, &[]);
    assert!(run.stderr.starts_with("error: another `gatepass dev` is running on "), "{run:?}");
}

#[test]
fn it_lets_no_other_machine_in() {
    let directory = tempfile::tempdir().expect("a directory");
    for flag in ["--backend-listen", "--store-listen", "--idp-listen"] {
        let run = refusal(&directory.path().join("data"), &[flag, "0.0.0.0:0"]);
        assert!(run.stderr.contains("would let other machines in\nhint: "), "{run:?}");
    }
    assert!(!directory.path().join("data").exists(), "nothing was made");
}

#[test]
fn root_keys_are_taken_from_the_environment() {
    let directory = tempfile::tempdir().expect("a directory");
    let names = [("GATEPASS_ROOT_ACCESS_KEY", "GATEPASS_ROOT_SECRET_KEY"), ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")];
    for (user, password) in names {
        let mut command = gatepass(["exec", "--", "sh", "-c", "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY"]);
        command.env(user, "chosen-user").env(password, "chosen-password");
        assert_eq!(run(command).stdout, "chosen-user chosen-password\n");
        let mut half = with_data(&directory.path().join("data"), &["dev", "--port", "0"]);
        half.env(user, "chosen-user");
        let run = run(half);
        assert_eq!(run.code, Some(1));
        assert_eq!(run.stderr, format!("error: {user} is set and {password} is not\n"));
    }
}

#[test]
fn a_store_alone_starts_and_stops() {
    let directory = tempfile::tempdir().expect("a directory");
    let ready_file = directory.path().join("ready");
    let mut command = gatepass(["store", "run", "--listen", "127.0.0.1:0", "--fsync", "never", "--data"]);
    command.arg(directory.path().join("data")).arg("--ready-file").arg(&ready_file);
    let log_path = directory.path().join("log");
    let log = fs::File::create(&log_path).expect("a file");
    let mut child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the program starts");
    let ready = wait_for_json(&ready_file, &mut child);
    let authority = ready["store"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an address");
    let mut stream = TcpStream::connect(authority).expect("the store listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    signal(child.id(), "TERM");
    assert_eq!(wait_for_end(&mut child).code(), Some(0));
    assert!(!ready_file.exists(), "nothing is ready any more");
    let log = fs::read_to_string(&log_path).expect("the log");
    assert!(log.contains(" INFO ") && log.contains("403"), "a service logs its decisions unasked: {log}");
}

/// When the clock of a store starts that is asked for something signed.
const NOON: &str = "2026-06-01T12:00:00Z";

/// Asks a store for a bucket at noon, and returns the answer.
fn create_bucket(store: &str) -> String {
    let id = AccessKeyId::new(ACCESS_KEY).expect("an access key id");
    let credentials = Credentials::long_term(id, SecretKey::new(SECRET_KEY).expect("a secret"));
    let endpoint = Endpoint::parse(store).expect("an endpoint");
    let bucket = Address::bucket(&endpoint, AddressingStyle::Path, "bucket").expect("a bucket");
    let region = Region::new("us-east-1").expect("a region");
    let presign = Presign::new(&credentials, region, bucket, Method::Put);
    let url = presign.sign(&KeyCache::new(), NOON.parse().expect("a time")).expect("a URL").into_exposed();
    let target = url.strip_prefix(store).expect("the store's own URL");
    let mut stream = TcpStream::connect(endpoint.authority()).expect("the store listens");
    let head = format!("PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n", endpoint.authority());
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn what_a_store_leaves_free_is_said_by_a_flag_or_the_file() {
    let scratch = tempfile::tempdir().expect("a directory");
    let config = scratch.path().join("gatepass.toml");
    fs::write(&config, "[store]\nreserve = \"8388607TiB\"\n").expect("the configuration is written");
    let config = config.to_str().expect("a path in UTF-8");
    let too_much: [&[&str]; 2] = [&["--reserve", "8388607TiB"], &["--config", config]];
    let nothing: &[&str] = &["--config", config, "--reserve", "0"];
    for (arguments, expected) in [(too_much[0], "503"), (too_much[1], "503"), (nothing, "200")] {
        let data = tempfile::tempdir().expect("a directory");
        let ready_file = data.path().join("ready.json");
        let mut command = gatepass(["store", "run", "--listen", "127.0.0.1:0", "--fsync", "never", "--data"]);
        command.arg(data.path()).args(arguments).args(["--now", NOON]).arg("--ready-file").arg(&ready_file);
        command.env("GATEPASS_ROOT_ACCESS_KEY", ACCESS_KEY).env("GATEPASS_ROOT_SECRET_KEY", SECRET_KEY);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let ready = wait_for_json(&ready_file, &mut child);
        let store = ready["store"].as_str().expect("an address");

        let answer = create_bucket(store);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{arguments:?}: {answer}");
        signal(child.id(), "TERM");
        assert!(wait_for_end(&mut child).success());
    }
}
