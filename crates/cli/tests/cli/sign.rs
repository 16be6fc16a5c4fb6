//! `gatepass sign`.

use serde_json::json;

use crate::program::{ACCESS_KEY, Run, SECRET_KEY, answer_once, gatepass, run, with_keys};

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
            "limited_by": "url",
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
fn what_the_credentials_would_end_too_soon_can_be_refused() {
    let with_ending = |arguments: &[&str]| {
        let mut command = with_keys(["sign", "get", "s3://bucket/key", "--now", NOW].iter().chain(arguments));
        command.env("AWS_SESSION_TOKEN", "a-token").env("AWS_CREDENTIAL_EXPIRATION", "2013-05-24T00:10:00Z");
        run(command)
    };
    assert_eq!(
        with_ending(&["--min-validity", "15m"]),
        Run {
            code: Some(1),
            stdout: String::new(),
            stderr: "error: it would work for 10m only, until 2013-05-24T00:10:00Z, and not for 15m: limited by the \
                credentials\nhint: renew them, or sign in again\n"
                .to_owned(),
        }
    );
    assert_eq!(with_ending(&["--min-validity", "10m"]).code, Some(0));
    assert_eq!(
        with_ending(&[]).stderr,
        "hint: the credentials end at 2013-05-24T00:10:00Z, and what they signed with them\n",
        "never shorter without a word"
    );
}

#[test]
fn the_age_limit_of_a_bucket_is_told() {
    let document = sign(&["get", "s3://bucket/key", "--json", "--expires=1h", "--signature-age=10m"]).json();
    assert_eq!(document["limited_by"], "age_limit");
    assert_eq!(document["expires_at"], "2013-05-24T01:00:00Z");
    assert_eq!(document["effective_expires_at"], "2013-05-24T00:10:00Z");
}

#[test]
fn encryption_is_a_signed_header() {
    let run = sign(&["put", "s3://bucket/key", "--json", "--sse", "aws:kms", "--sse-kms-key-id", "alias/a"]);
    assert_eq!(
        run.json()["headers"],
        json!({ "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "alias/a" })
    );
    assert!(run.stdout.contains(
        "X-Amz-SignedHeaders=host%3Bx-amz-server-side-encryption%3Bx-amz-server-side-encryption-aws-kms-key-id&"
    ));
}

const SESSION: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/reader/gatepass</Arn>\
    <AssumedRoleId>AROAEXAMPLE:gatepass</AssumedRoleId></AssumedRoleUser>\
    <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>session-secret</SecretAccessKey>\
    <SessionToken>session/token</SessionToken><Expiration>2013-05-24T00:10:00Z</Expiration></Credentials>\
    </AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>";

#[test]
fn a_role_is_assumed_before_signing() {
    let (sts, asked) = answer_once("200 OK", SESSION);
    let mut command = with_keys(["sign", "get", "s3://bucket/key", "--json", "--now", NOW]);
    command.args(["--role-arn", "arn:aws:iam::123456789012:role/reader", "--session-policy", "{\"Statement\": []}"]);
    command.env("AWS_ENDPOINT_URL_STS", &sts);
    let document = run(command).json();
    let url = document["url"].as_str().expect("a URL");
    assert!(url.contains("X-Amz-Credential=ASIAEXAMPLE%2F20130524%2F"), "{url}");
    assert!(url.contains("X-Amz-Security-Token=session%2Ftoken&"), "{url}");
    assert_eq!(document["limited_by"], "credentials");

    let request = asked.join().expect("a request");
    let body = request.rsplit("\r\n\r\n").next().expect("a body");
    for part in [
        "Action=AssumeRole&",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Freader",
        "RoleSessionName=gatepass",
        "Policy=%7B%22Statement%22%3A%20%5B%5D%7D",
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert!(request.contains(&format!("Credential={ACCESS_KEY}/")), "it is asked for with one's own keys");
}

#[test]
fn a_store_of_ones_own_is_asked_for_its_roles() {
    let (store, asked) = answer_once("200 OK", SESSION);
    let run = sign(&["get", "s3://bucket/key", "--endpoint", &store, "--role-arn", "arn:aws:iam::1:role/reader"]);
    assert!(run.stdout.starts_with(&format!("{store}/bucket/key?")), "{run:?}");
    assert!(asked.join().expect("a request").contains("Action=AssumeRole"));
}

#[test]
fn a_role_that_is_refused_is_said_with_its_reason() {
    let refusal = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
        <Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error>\
        <RequestId>1</RequestId></ErrorResponse>";
    let (sts, asked) = answer_once("403 Forbidden", refusal);
    let run = sign(&["get", "s3://bucket/key", "--endpoint", &sts, "--role-arn", "arn:aws:iam::1:role/reader"]);
    asked.join().expect("a request");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.starts_with("error: the role arn:aws:iam::1:role/reader cannot be assumed\n"), "{run:?}");
    assert!(run.stderr.contains("not authorized to perform: sts:AssumeRole"), "{run:?}");
    assert!(!run.stderr.contains(SECRET_KEY), "{run:?}");
}

#[test]
fn a_session_policy_is_a_file_or_json() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("policy.json");
    let path = path.to_str().expect("UTF-8");
    let with_policy = |policy: &str| {
        sign(&["get", "s3://bucket/key", "--role-arn", "arn:aws:iam::1:role/a", "--session-policy", policy])
    };
    assert_eq!(with_policy(path).code, Some(1), "there is no such file");
    std::fs::write(path, "[]").expect("written");
    assert_eq!(with_policy(path).stderr, "error: the session policy is no JSON object\n");
    let broken = with_policy("{");
    assert_eq!(broken.code, Some(2));
    assert!(broken.stderr.starts_with("error: the session policy is no JSON: "), "{broken:?}");
}

#[test]
fn the_host_of_amazon_tells_the_region() {
    let mut command = gatepass(["sign", "get", "s3://bucket/key", "--now", NOW]);
    command.args(["--endpoint", "https://s3.eu-west-1.amazonaws.com"]);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    let run = run(command);
    assert!(run.stdout.contains("X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Feu-west-1%2F"), "{run:?}");
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
    let run = run(gatepass(["sign", "get", "s3://bucket/key", "--region", "us-east-1"]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.starts_with("error: no AWS credentials were found\n"), "{run:?}");
    assert!(run.stderr.contains("\nhint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{run:?}");
}

#[test]
fn what_s3_would_refuse_is_wrong_usage() {
    let wrong: [&[&str]; 15] = [
        &["get", "s3://bucket/key", "--expires", "0"],
        &["get", "s3://bucket/key", "--expires", "604801"],
        &["get", "s3://bucket/key", "--expires", "15m", "--round", "15m"],
        &["get", "s3://bucket"],
        &["get", "s3://bucket/key", "--response-header", "set-cookie=a"],
        &["get", "s3://bucket/key", "--endpoint", "http://h/path"],
        &["get", "s3://bucket/key", "--endpoint", "http://127.0.0.1", "--virtual-host"],
        &["put", "s3://bucket/key", "--filename", "x"],
        &["put", "s3://bucket/key", "--content-type", "a/b", "--header", "content-type=c/d"],
        &["put", "s3://bucket/key", "--sse", "rot13"],
        &["put", "s3://bucket/key", "--sse-kms-key-id", "alias/key"],
        &["get", "s3://bucket/key", "--signature-age", "0"],
        &["get", "s3://bucket/key", "--round", "5m", "--signature-age", "5m"],
        &["get", "s3://bucket/key", "--min-validity", "16m"],
        &["get", "s3://bucket/key", "--session-policy", "{}"],
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
