//! `gatepass sign`.

use serde_json::json;

use crate::program::{ACCESS_KEY, Run, SECRET_KEY, gatepass, run, with_keys};

const NOW: &str = "2013-05-24T00:00:00Z";

fn sign(arguments: &[&str]) -> Run {
    run(with_keys(["sign"].iter().chain(arguments).chain(&["--now", NOW])))
}

#[test]
fn the_url_of_the_aws_documentation_is_made_byte_for_byte() {
    // "Authenticating Requests: Using Query Parameters", Amazon S3 API Reference, with its example keys.
    let run = sign(&[
        "get",
        "s3://examplebucket/test.txt",
        "--expires",
        "86400",
        "--endpoint",
        "https://s3.amazonaws.com",
        "--virtual-host",
    ]);
    assert_eq!(
        run,
        Run {
            code: Some(0),
            stdout: "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
                &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
                &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404\n"
                .to_owned(),
            stderr: String::new(),
        }
    );
}

#[test]
fn a_key_is_literal() {
    let run = sign(&["get", "s3://bucket/a b//?x=1#f%2F/../é", "--endpoint", "http://127.0.0.1:9000"]);
    assert!(
        run.stdout.starts_with("http://127.0.0.1:9000/bucket/a%20b//%3Fx%3D1%23f%252F/../%C3%A9?X-Amz-Algorithm="),
        "{run:?}"
    );
}

#[test]
fn json_says_what_must_be_sent_and_until_when() {
    let run = sign(&[
        "put",
        "s3://bucket/key",
        "--json",
        "--content-type=text/plain",
        "--content-length=5MiB",
        "--if-none-match",
        "--checksum=crc32:00000000",
        "--header=x-amz-meta-a=b",
    ]);
    let mut document = run.json();
    let url = document["url"].take();
    assert!(url.as_str().is_some_and(|url| url.contains(
        "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-checksum-crc32%3Bx-amz-meta-a"
    )));
    assert_eq!(
        document,
        json!({
            "url": null,
            "method": "PUT",
            "headers": {
                "content-length": "5242880",
                "content-type": "text/plain",
                "if-none-match": "*",
                "x-amz-checksum-crc32": "AAAAAA==",
                "x-amz-meta-a": "b",
            },
            "signed_at": NOW,
            "expires_at": "2013-05-24T00:15:00Z",
            "effective_expires_at": "2013-05-24T00:15:00Z",
            "limited_by": "request",
        })
    );
}

#[test]
fn without_json_the_headers_to_send_are_on_standard_error() {
    let run = sign(&["put", "s3://bucket/key", "--content-type", "text/plain"]);
    assert_eq!(run.stderr, "send this header: content-type: text/plain\n");
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn a_session_that_ends_first_is_said() {
    let mut command = with_keys(["sign", "get", "s3://bucket/key", "--json", "--expires", "1h", "--now", NOW]);
    command.env("AWS_SESSION_TOKEN", "a/token+").env("AWS_CREDENTIAL_EXPIRATION", "2013-05-24T00:20:00Z");
    let document = run(command).json();
    assert_eq!(document["limited_by"], "credentials");
    assert_eq!(document["expires_at"], "2013-05-24T01:00:00Z");
    assert_eq!(document["effective_expires_at"], "2013-05-24T00:20:00Z");
    assert!(document["url"].as_str().is_some_and(|url| url.contains("X-Amz-Security-Token=a%2Ftoken%2B&")));
}

#[test]
fn dialects_add_what_their_owners_add() {
    let javascript = sign(&["get", "s3://bucket/key", "--dialect", "js"]).stdout;
    assert!(javascript.contains("&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&") && javascript.contains("&x-id=GetObject&"));
    assert_eq!(sign(&["get", "s3://bucket/key", "--dialect", "boto"]).stdout, sign(&["get", "s3://bucket/key"]).stdout);
}

#[test]
fn a_filename_of_any_letters_becomes_a_header() {
    let run = sign(&["get", "s3://bucket/key", "--filename", "Bär\"\r\nx.pdf", "--disposition", "inline"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("response-content-disposition=inline%3B%20filename%3D%22"), "{run:?}");
    assert!(!run.stdout.contains("%0D") && !run.stdout.contains("%0A"), "no line break gets through: {run:?}");
}

#[test]
fn rounding_makes_equal_urls() {
    let at = |now: &str| {
        run(with_keys(["sign", "get", "s3://bucket/key", "--expires=15m", "--round=5m", "--now", now])).stdout
    };
    assert_eq!(at("2013-05-24T00:01:00Z"), at("2013-05-24T00:04:59Z"));
    assert_ne!(at("2013-05-24T00:04:59Z"), at("2013-05-24T00:05:00Z"));
}

#[test]
fn a_profile_is_read_from_the_shared_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let (config, credentials) = (directory.path().join("config"), directory.path().join("credentials"));
    std::fs::write(&config, "[profile work]\nregion = eu-central-1\n").expect("written");
    let keys = format!("[work]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n");
    std::fs::write(&credentials, keys).expect("written");
    let mut command = gatepass(["sign", "get", "s3://bucket/key", "--profile", "work", "--now", NOW]);
    command.env("AWS_CONFIG_FILE", config).env("AWS_SHARED_CREDENTIALS_FILE", credentials);
    let run = run(command);
    assert!(run.stdout.starts_with("https://bucket.s3.eu-central-1.amazonaws.com/key?"), "{run:?}");
    assert!(run.stdout.contains("X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-central-1%2F"), "{run:?}");
}

#[test]
fn missing_credentials_are_a_refusal_with_a_hint() {
    let run = run(gatepass(["sign", "get", "s3://bucket/key"]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.starts_with("error: no AWS credentials were found\n"), "{run:?}");
    assert!(run.stderr.contains("\nhint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{run:?}");
}

#[test]
fn what_s3_would_refuse_is_wrong_usage() {
    let wrong: [&[&str]; 9] = [
        &["get", "s3://bucket/key", "--expires", "0"],
        &["get", "s3://bucket/key", "--expires", "604801"],
        &["get", "s3://bucket/key", "--expires", "15m", "--round", "8m"],
        &["get", "s3://bucket"],
        &["get", "s3://bucket/key", "--response-header", "set-cookie=a"],
        &["get", "s3://bucket/key", "--endpoint", "http://h/path"],
        &["get", "s3://bucket/key", "--endpoint", "http://127.0.0.1", "--virtual-host"],
        &["put", "s3://bucket/key", "--filename", "x"],
        &["put", "s3://bucket/key", "--content-type", "a/b", "--header", "content-type=c/d"],
    ];
    for arguments in wrong {
        let run = sign(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {run:?}");
    }
    assert_eq!(sign(&["get", "s3://bucket/key", "--expires", "604800"]).code, Some(0));
    assert_eq!(
        sign(&["get", "s3://bucket/key", "--expires", "604801"]).stderr,
        "error: a lifetime of 604801 seconds exceeds the 604800 that S3 accepts\n"
    );
}
