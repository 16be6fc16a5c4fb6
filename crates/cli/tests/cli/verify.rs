//! `gatepass verify`.

use std::process::Command;

use serde_json::json;

use crate::program::{ACCESS_KEY, Run, SECRET_KEY, gatepass, run, run_with_input, with_keys};

const NOW: &str = "2013-05-24T00:00:00Z";

fn signed(arguments: &[&str]) -> String {
    run(with_keys(["sign"].iter().chain(arguments).chain(&["--now", NOW]))).stdout.trim().to_owned()
}

fn verify(url: &str, arguments: &[&str]) -> Run {
    run(with_keys(["verify", url].iter().chain(arguments)))
}

#[test]
fn a_url_is_valid_until_its_last_second() {
    let url = signed(&["get", "s3://bucket/a b?"]);
    let valid = Run { code: Some(0), stdout: "valid until 2013-05-24T00:15:00Z\n".to_owned(), stderr: String::new() };
    assert_eq!(verify(&url, &["--now", "2013-05-24T00:15:00Z"]), valid);
    let late = verify(&url, &["--now", "2013-05-24T00:15:01Z"]);
    assert_eq!((late.code, late.stdout.as_str()), (Some(1), "AccessDenied (403): Request has expired\n"));
}

#[test]
fn a_changed_url_another_method_and_a_missing_header_are_found() {
    let url = signed(&["put", "s3://bucket/key", "--content-type", "text/plain"]);
    let put = ["--method", "PUT", "--header", "content-type=text/plain", "--now", NOW];
    assert_eq!(verify(&url, &put).code, Some(0));
    for (url, arguments) in [
        (url.replace("/key?", "/kez?"), put.to_vec()),
        (url.clone(), ["--method", "GET", "--header", "content-type=text/plain", "--now", NOW].to_vec()),
        (url.clone(), ["--method", "PUT", "--header", "content-type=text/html", "--now", NOW].to_vec()),
    ] {
        let run = verify(&url, &arguments);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stdout.starts_with("SignatureDoesNotMatch (403): "), "{run:?}");
    }
    let unsigned = verify(&url, &[&put[..], &["--header", "x-amz-acl=public-read"]].concat());
    assert!(unsigned.stdout.starts_with("AccessDenied (403): There were headers present"), "{unsigned:?}");
}

#[test]
fn another_region_and_another_key_are_found() {
    let url = signed(&["get", "s3://bucket/key"]);
    let elsewhere = verify(&url, &["--region", "eu-west-1", "--now", NOW, "--json"]);
    assert_eq!((elsewhere.code, &elsewhere.json()["code"]), (Some(1), &json!("AuthorizationQueryParametersError")));
    let foreign = verify(&url.replace(ACCESS_KEY, "AKIAOTHER"), &["--now", NOW, "--json"]);
    assert_eq!((foreign.code, &foreign.json()["code"]), (Some(1), &json!("InvalidAccessKeyId")));
}

#[test]
fn the_host_of_amazon_tells_the_region() {
    let url = signed(&["get", "s3://bucket/key", "--region", "eu-west-1"]);
    assert!(url.starts_with("https://bucket.s3.eu-west-1.amazonaws.com/"), "{url}");
    assert_eq!(verify(&url, &["--now", NOW, "--json"]).json()["region"], "eu-west-1");
}

#[test]
fn json_says_what_was_checked() {
    let run = verify(&signed(&["get", "s3://bucket/key"]), &["--now", NOW, "--json"]);
    assert_eq!(
        run.json(),
        json!({
            "valid": true,
            "scheme": "AWS4-HMAC-SHA256",
            "method": "GET",
            "access_key_id": ACCESS_KEY,
            "region": "us-east-1",
            "signed_headers": ["host"],
            "signed_at": NOW,
            "expires_at": "2013-05-24T00:15:00Z",
        })
    );
}

#[test]
fn a_session_token_must_be_the_one_at_hand() {
    let session = |command: &mut Command, token: &str| {
        command.env("AWS_SESSION_TOKEN", token);
    };
    let mut sign = with_keys(["sign", "get", "s3://bucket/key", "--now", NOW]);
    session(&mut sign, "one");
    let url = run(sign).stdout.trim().to_owned();
    for (token, code) in [("one", 0), ("two", 1)] {
        let mut verify = with_keys(["verify", &url, "--now", NOW]);
        session(&mut verify, token);
        let run = run(verify);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(!run.stdout.contains("one") && !run.stderr.contains("one"), "tokens are never printed: {run:?}");
    }
    assert!(verify(&url, &["--now", NOW]).stdout.starts_with("InvalidToken (400): "));
}

#[test]
fn a_url_is_read_from_standard_input() {
    let url = signed(&["get", "s3://bucket/key"]);
    let run = run_with_input(with_keys(["verify", "-", "--now", NOW]), &format!("{url}\n"));
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn no_finding_shows_a_secret() {
    let url = signed(&["get", "s3://bucket/key"]);
    let signature = url.rsplit('=').next().expect("a signature");
    for arguments in [["--now", "2014-01-01T00:00:00Z"], ["--method", "PUT"], ["--region", "eu-west-1"]] {
        let run = run(with_keys(["verify", &url, "-vvv", "--json"].iter().chain(&arguments)));
        let printed = format!("{}{}", run.stdout, run.stderr);
        assert!(!printed.contains(SECRET_KEY) && !printed.contains(signature), "{printed}");
    }
}

#[test]
fn what_is_no_url_is_wrong_usage() {
    let run = run(gatepass(["verify", "bucket/key"]));
    assert_eq!(
        run,
        Run {
            code: Some(2),
            stdout: String::new(),
            stderr: "error: that is no http or https URL\nhint: quote it: shells take `&` and `?` for themselves\n"
                .to_owned(),
        }
    );
}

#[test]
fn an_old_signature_is_refused_unless_it_is_allowed() {
    // "Signing and authenticating REST requests", Amazon S3 API Reference: the query string example, with its keys, for the
    // bucket that its signature is of.
    let url = "https://johnsmith.s3.us-west-1.amazonaws.com/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE\
        &Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
    let at = ["--now", "2007-03-29T03:40:00Z"];
    let refused = verify(url, &at);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stdout.starts_with("InvalidRequest (400): "), "{refused:?}");
    let allowed = [&at[..], &["--allow-sigv2", "--json"]].concat();
    let valid = verify(url, &allowed);
    assert_eq!((valid.code, &valid.json()["scheme"]), (Some(0), &json!("AWS")), "{valid:?}");
    let own = url.replace("johnsmith.s3.us-west-1.amazonaws.com", "johnsmith.store.example");
    assert_eq!(verify(&own, &allowed).code, Some(1), "another host may hold any bucket");
    assert_eq!(verify(&own, &[&allowed[..], &["--bucket", "johnsmith"]].concat()).code, Some(0));
}

#[test]
fn a_signature_for_several_regions_is_good_in_each_of_them() {
    let url =
        signed(&["get", "s3://bucket/key", "--endpoint=http://127.0.0.1:9000", "--region-set=us-east-1,eu-west-1"]);
    assert!(url.contains("X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&"), "{url}");
    for region in ["us-east-1", "eu-west-1"] {
        let valid = verify(&url, &["--region", region, "--now", NOW, "--json"]);
        assert_eq!((valid.code, &valid.json()["scheme"]), (Some(0), &json!("AWS4-ECDSA-P256-SHA256")), "{valid:?}");
    }
    assert_eq!(verify(&url, &["--region", "eu-central-1", "--now", NOW]).code, Some(1));
    let wrong = run(with_keys(["sign", "get", "s3://bucket/key", "--region-set", "us-east-1,,"]));
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[test]
fn a_life_beyond_seven_days_is_found_in_a_crafted_url() {
    let url = signed(&["get", "s3://bucket/key"]).replace("X-Amz-Expires=900", "X-Amz-Expires=604801");
    let run = verify(&url, &["--now", NOW, "--json"]);
    assert_eq!((run.code, &run.json()["code"]), (Some(1), &json!("AuthorizationQueryParametersError")));
    assert_eq!(run.json()["status"], 400);
}
