//! `gatepass sign post`, and `gatepass verify --form`.

use serde_json::json;

use crate::program::{ACCESS_KEY, Run, SECRET_KEY, run, run_with_input, with_keys};

const NOW: &str = "2026-01-01T00:00:00Z";
const ENDPOINT: &str = "http://127.0.0.1:9000";

fn post(arguments: &[&str]) -> Run {
    run(with_keys(["sign", "post", "--endpoint", ENDPOINT, "--now", NOW].iter().chain(arguments)))
}

fn verify(form: &str, arguments: &[&str]) -> Run {
    run_with_input(with_keys(["verify", "--form", "-", "--now", NOW].iter().chain(arguments)), form)
}

#[test]
fn a_form_is_an_address_and_fields() {
    let run = post(&["s3://bucket/users/7/", "--max-size", "5MiB", "--field", "x-amz-meta-user=7"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines[..6],
        [
            "http://127.0.0.1:9000/bucket",
            "key=users/7/${filename}",
            "x-amz-meta-user=7",
            "x-amz-algorithm=AWS4-HMAC-SHA256",
            "x-amz-credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request",
            "x-amz-date=20260101T000000Z",
        ]
    );
    assert!(lines[6].starts_with("policy=") && lines[7].starts_with("x-amz-signature="), "{run:?}");
    assert_eq!(run.stderr, "send the file as the last field, named file, in multipart/form-data\n");
}

#[test]
fn json_has_what_boto_and_the_javascript_sdk_give() {
    let mut document =
        post(&["s3://bucket/a.png", "--max-size=10", "--min-size=2", "--content-type=image/png", "--json"]).json();
    let fields = document["fields"].take();
    assert_eq!((&fields["key"], &fields["Content-Type"]), (&json!("a.png"), &json!("image/png")));
    assert_eq!(
        document,
        json!({
            "url": "http://127.0.0.1:9000/bucket",
            "fields": null,
            "open_fields": {},
            "min_size": 2,
            "max_size": 10,
            "signed_at": NOW,
            "expires_at": "2026-01-01T00:15:00Z",
            "effective_expires_at": "2026-01-01T00:15:00Z",
            "limited_by": "url",
        })
    );
}

#[test]
fn a_form_is_valid_for_what_it_allows_and_for_nothing_else() {
    let form = post(&[
        "s3://bucket/users/7/",
        "--max-size=5MiB",
        "--min-size=1",
        "--content-type=image/*",
        "--starts-with=x-amz-meta-tag=a",
        "--success-status=201",
        "--json",
    ]);
    let filled = ["--field", "content-type=image/png", "--field", "x-amz-meta-tag=ab", "--filename", "cat.png"];
    let verified = verify(&form.stdout, &[&filled[..], &["--size=5MiB", "--json"]].concat());
    assert_eq!(
        verified.json(),
        json!({
            "valid": true,
            "scheme": "AWS4-HMAC-SHA256",
            "method": "POST",
            "access_key_id": ACCESS_KEY,
            "region": "us-east-1",
            "bucket": "bucket",
            "key": "users/7/cat.png",
            "min_size": 1,
            "max_size": 5_242_880,
            "signed_at": NOW,
            "expires_at": "2026-01-01T00:15:00Z",
        })
    );
    let refused = |arguments: &[&str]| {
        let run = verify(&form.stdout, &[&filled[..], arguments].concat());
        assert_eq!(run.code, Some(1), "{arguments:?}: {run:?}");
        run.stdout
    };
    let too_large = "EntityTooLarge (400): Your proposed upload exceeds the maximum allowed size\n";
    assert_eq!(refused(&["--size", "5242881"]), too_large);
    assert!(refused(&["--size", "0"]).starts_with("EntityTooSmall (400): "));
    let failed = "AccessDenied (403): Invalid according to Policy: Policy Condition failed: ";
    assert!(refused(&["--field", "key=users/8/a"]).starts_with(failed));
    assert!(refused(&["--field", "content-type=text/html"]).starts_with(failed));
    assert!(refused(&["--field", "x-amz-meta-tag=b"]).starts_with(failed));
    let extra = "AccessDenied (403): Invalid according to Policy: Extra input fields: acl\n";
    assert_eq!(refused(&["--field", "acl=public-read"]), extra);
    assert!(refused(&["--field", "policy=e30="]).starts_with("SignatureDoesNotMatch (403): "));
    assert!(refused(&["--bucket", "other"]).starts_with(failed));
    let late = with_keys(["verify", "--form", "-", "--now", "2026-01-01T00:15:01Z"].iter().chain(&filled));
    let late = run_with_input(late, &form.stdout);
    assert_eq!(late.stdout, "AccessDenied (403): Invalid according to Policy: Policy expired.\n");
}

#[test]
fn a_form_of_another_key_is_found() {
    let form = post(&["s3://bucket/a", "--max-size=10", "--json"]).stdout;
    let mut command = with_keys(["verify", "--form", "-", "--now", NOW]);
    command.env("AWS_ACCESS_KEY_ID", "AKIAOTHER");
    let foreign = run_with_input(command, &form);
    assert_eq!(foreign.code, Some(1));
    assert!(foreign.stdout.starts_with("InvalidAccessKeyId (403): "), "{foreign:?}");
}

#[test]
fn several_types_make_several_forms() {
    let run =
        post(&["s3://bucket/in/", "--max-size=10", "--content-type=image/png", "--content-type=image/jpeg", "--json"]);
    let types: Vec<String> = run
        .stdout
        .lines()
        .map(|line| {
            let form: serde_json::Value = serde_json::from_str(line).expect("one document on a line");
            form["fields"]["Content-Type"].as_str().expect("a type").to_owned()
        })
        .collect();
    assert_eq!(types, ["image/png", "image/jpeg"]);
    for line in run.stdout.lines() {
        assert_eq!(verify(line, &[]).code, Some(0), "each is valid");
    }
}

#[test]
fn a_curl_command_is_quoted_for_a_shell() {
    let run = post(&["s3://bucket/it's $HOME/", "--max-size=10", "--starts-with=x-amz-meta-a=", "--curl"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], r"curl http://127.0.0.1:9000/bucket \");
    assert_eq!(lines[1], r"  --form-string 'key=it'\''s $HOME/${filename}' \");
    assert_eq!(lines[lines.len() - 2], r"  --form-string x-amz-meta-a= \");
    assert_eq!(lines[lines.len() - 1], "  -F file=@FILE");
    assert_eq!(run.stderr, "send the field x-amz-meta-a too, with any value\n");
}

#[test]
fn a_page_gets_a_form_that_no_text_breaks_out_of() {
    let run = post(&["s3://bucket/<a \"b\"> & /", "--max-size=10", "--content-type=image/*", "--html"]);
    assert!(run.stdout.starts_with(
        "<form action=\"http://127.0.0.1:9000/bucket\" method=\"post\" enctype=\"multipart/form-data\">\n  \
        <input type=\"hidden\" name=\"key\" value=\"&lt;a &quot;b&quot;&gt; &amp; /${filename}\">\n"
    ));
    assert!(run.stdout.contains("<input type=\"text\" name=\"Content-Type\" value=\"image/\">"), "{run:?}");
    assert!(
        run.stdout.ends_with("  <input type=\"file\" name=\"file\" required>\n  <button>Upload</button>\n</form>\n")
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn what_is_too_wide_or_makes_no_sense_is_wrong_usage() {
    let wrong: [&[&str]; 12] = [
        &["s3://bucket/a/"],
        &["s3://bucket", "--max-size=10"],
        &["s3://bucket//", "--max-size=10"],
        &["s3://bucket/a", "--key=b", "--max-size=10"],
        &["s3://bucket/a", "--max-size=10", "--min-size=11"],
        &["s3://bucket/a", "--max-size=6GiB"],
        &["s3://bucket/a", "--max-size=10", "--content-type=*/*"],
        &["s3://bucket/a", "--max-size=10", "--content-type=text/*"],
        &["s3://bucket/a", "--max-size=10", "--starts-with=acl="],
        &["s3://bucket/a", "--max-size=10", "--field=policy=x"],
        &["s3://bucket/a", "--max-size=10", "--success-redirect=javascript:alert(1)"],
        &["s3://bucket/a", "--max-size=10", "--json", "--html"],
    ];
    for arguments in wrong {
        let run = post(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}: {run:?}");
        assert!(!run.stderr.is_empty());
    }
    assert_eq!(post(&["s3://bucket", "--key=a b/?#", "--max-size=10"]).code, Some(0));
    assert_eq!(
        post(&["s3://bucket", "--max-size=10"]).stderr,
        "error: a form for any key of a bucket lets its holder overwrite everything\n\
        hint: name a folder that ends in a slash, s3://BUCKET/FOLDER/, or one key\n"
    );
}

#[test]
fn what_is_no_form_is_said_without_repeating_it() {
    for text in ["", "{}", "secret-text", "{\"url\": \"http://h/b\", \"fields\": {\"policy\": 7}}"] {
        let run = verify(text, &[]);
        assert_eq!(
            run.stderr,
            "error: that is no upload form\n\
            hint: it is {\"url\": …, \"fields\": {…}}, as `sign post --json` prints it\n",
            "{text}"
        );
        assert_eq!(run.code, Some(2));
    }
}

#[test]
fn no_finding_about_a_form_shows_a_secret() {
    let form = post(&["s3://bucket/a/", "--max-size=10", "--json"]);
    let fields = form.json()["fields"].clone();
    for arguments in [["--now", "2027-01-01T00:00:00Z"], ["--field", "acl=private"], ["--region", "eu-west-1"]] {
        let mut command = with_keys(["verify", "--form", "-", "-vvv", "--json"].iter().chain(&arguments));
        if arguments[0] != "--now" {
            command.args(["--now", NOW]);
        }
        let run = run_with_input(command, &form.stdout);
        assert_eq!(run.code, Some(1), "{run:?}");
        let printed = format!("{}{}", run.stdout, run.stderr);
        for secret in [SECRET_KEY, fields["x-amz-signature"].as_str().unwrap(), fields["policy"].as_str().unwrap()] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
