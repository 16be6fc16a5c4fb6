//! `gatepass explain`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::program::{Run, SECRET_KEY, gatepass, run, with_keys};

const NOW: &str = "2026-01-15T12:00:00Z";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../doctor/tests/fixtures").join(name)
}

fn url(name: &str) -> String {
    fs::read_to_string(fixture(name).join("url.txt")).expect("a URL").trim().to_owned()
}

fn error(name: &str) -> String {
    fixture(name).join("error.xml").to_str().expect("a path").to_owned()
}

fn first_finding(run: &Run) -> String {
    run.json()["findings"][0]["id"].as_str().unwrap_or_default().to_owned()
}

fn with_stdin(mut command: Command, text: &str) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    child.wait_with_output().expect("the program ends").into()
}

#[test]
fn a_url_is_explained_from_the_argument_and_from_standard_input() {
    let url = url("expired.no_answer");
    let typed = run(gatepass(["explain", &url, "--now", NOW, "--json"]));
    assert_eq!((typed.code, first_finding(&typed).as_str()), (Some(0), "expired"), "{typed:?}");
    assert_eq!(with_stdin(gatepass(["explain", "-", "--now", NOW, "--json"]), &url), typed);
    let document = typed.json();
    assert_eq!(document["kind"], "sigv4_query");
    assert_eq!(document["url"]["key"], "cat.jpg");
    assert!(document["signed"]["canonical_request"].as_str().expect("it is there").starts_with("GET\n/cat.jpg\n"));
    assert!(document["signed"]["string_to_sign"].as_str().expect("it is there").starts_with("AWS4-HMAC-SHA256\n"));
    for member in ["id", "severity", "evidence", "fix"] {
        assert!(document["findings"][0][member].is_string(), "{member}");
    }
}

#[test]
fn the_error_document_shows_the_differing_byte() {
    let run = run(gatepass(["explain", &url("host_mismatch"), "--error", &error("host_mismatch"), "--now", NOW]));
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("1. host_mismatch (it fails by this)"), "{run:?}");
    assert!(run.stdout.contains("line 4, column 6 (the header host)"), "{run:?}");
    assert!(run.stdout.lines().any(|line| line.trim() == "^"), "{run:?}");
}

#[test]
fn method_header_and_status_come_from_the_command_line() {
    let put = url("method_mismatch");
    let found = |arguments: &[&str]| {
        first_finding(&run(with_keys(["explain", &put, "--json", "--now", NOW].iter().chain(arguments))))
    };
    assert_eq!(found(&["--method", "get"]), "method_mismatch");
    assert_eq!(found(&["--method", "PUT"]), "");
    assert_eq!(found(&["--method", "PUT", "--header", "x-amz-acl=private"]), "unsigned_header");
    assert_eq!(found(&["--method", "PUT", "--status", "404"]), "no_such_key");
}

#[test]
fn credentials_at_hand_are_used_to_compute_the_signature_again() {
    let url = url("plus_for_space.with_credentials");
    let explain = |command: Command| first_evidence(&run(command));
    let arguments = ["explain", &url, "--json", "--now", NOW];
    assert!(explain(with_keys(arguments)).starts_with("the signature was computed again"));
    assert!(explain(gatepass(arguments)).starts_with("the path has a +"));
}

fn first_evidence(run: &Run) -> String {
    run.json()["findings"][0]["evidence"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_endpoint_is_one_more_place_that_may_have_been_signed_for() {
    let url = url("public_endpoint");
    let given = with_keys(["explain", &url, "--json", "--now", NOW, "--endpoint", "http://gatepass.internal:9000"]);
    assert_eq!(first_finding(&run(given)), "public_endpoint");
    let mut written = with_keys(["explain", &url, "--json", "--now", NOW]);
    written.env("AWS_ENDPOINT_URL", "http://minio:9000");
    assert_eq!(first_finding(&run(written)), "public_endpoint");
}

#[test]
fn nothing_found_says_what_was_checked_and_is_1() {
    let get = url("no_such_key");
    let nothing = run(with_keys(["explain", &get, "--now", NOW, "--method", "GET"]));
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(
        nothing.stdout.contains("nothing was found that makes it fail. Checked:\n  the URL as a whole"),
        "{nothing:?}"
    );
    let document = run(with_keys(["explain", &get, "--now", NOW, "--method", "GET", "--json"]));
    assert_eq!((document.code, &document.json()["findings"]), (Some(1), &json!([])));
}

#[test]
fn a_curl_command_and_a_har_file_are_read() {
    let curl = fs::read_to_string(fixture("unsigned_header").join("curl.txt")).expect("a command");
    let explained = with_stdin(gatepass(["explain", "-", "--json", "--now", NOW]), &curl);
    assert_eq!(first_finding(&explained), "unsigned_header");
    let har = fixture("expired.har").join("request.har");
    let by_name = run(gatepass(["explain", har.to_str().expect("a path"), "--json", "--now", NOW]));
    assert_eq!(first_finding(&by_name), "expired");
}

#[test]
fn a_har_file_gives_one_document_for_each_signed_request() {
    let entry = |url: &str, status: u16| json!({ "request": { "method": "GET", "url": url }, "response": { "status": status } });
    let url = url("expired.no_answer");
    let har =
        json!({ "log": { "entries": [entry(&url, 200), entry("https://h/", 200), entry(&url, 403)] } }).to_string();
    let explained = with_stdin(gatepass(["explain", "-", "--json", "--now", NOW]), &har);
    assert_eq!((explained.code, explained.stdout.lines().count()), (Some(0), 2), "{explained:?}");
    let described = with_stdin(gatepass(["explain", "-", "--status", "403"]), &har);
    assert_eq!(described.code, Some(2), "{described:?}");
}

#[test]
fn no_explanation_prints_a_secret() {
    let directory = fixture("");
    for entry in fs::read_dir(directory).expect("fixtures") {
        let path = entry.expect("a fixture").path().join("url.txt");
        let Ok(url) = fs::read_to_string(&path) else { continue };
        let signature =
            url.split("Signature=").nth(1).and_then(|rest| rest.trim().split('&').next()).expect("a signature");
        let mut explain = with_keys(["explain", "-", "-vv", "--now", NOW]);
        explain.env("AWS_SESSION_TOKEN", "a-token-of-nobody");
        let run = with_stdin(explain, &url);
        let printed = format!("{}{}", run.stdout, run.stderr);
        for secret in [signature, SECRET_KEY, "a-token-of-nobody"] {
            assert!(!printed.contains(secret), "{}: {printed}", path.display());
        }
    }
}

#[test]
fn what_cannot_be_read_is_wrong_usage() {
    for (input, arguments) in [
        ("bucket/key", &[][..]),
        ("http://h/", &["--endpoint", "h"]),
        ("http://h/", &["--error", "/dev/null"]),
        ("http://h/", &["--status", "99"]),
    ] {
        let run = run(gatepass(["explain", input].iter().chain(arguments)));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{input} {arguments:?} {run:?}");
    }
}

#[test]
fn a_text_from_elsewhere_does_not_steer_the_terminal() {
    let shown =
        run(gatepass(["explain", "https://h/a%1B%5B31mb?Signature=x&Expires=1&AWSAccessKeyId=k", "--now", NOW]));
    assert!(!shown.stdout.contains('\u{1b}'), "{shown:?}");
    let coloured = run(gatepass(["explain", "https://h/?X-Amz-Date=1", "--now", NOW, "--color", "always"]));
    assert!(coloured.stdout.contains("\u{1b}["), "{coloured:?}");
}
