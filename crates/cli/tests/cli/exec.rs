//! `gatepass exec`.

use std::process::Stdio;

use crate::program::{gatepass, half_a_request, run, signal, wait_for_end, wait_for_json};

#[test]
fn the_command_gets_a_store_and_gives_its_exit_code() {
    let script = r#"test -n "$AWS_ACCESS_KEY_ID" && test -n "$AWS_SECRET_ACCESS_KEY" && test "$AWS_REGION" = eu-west-1 \
        && test "$AWS_DEFAULT_REGION" = eu-west-1 && test "$AWS_ENDPOINT_URL" = "$GATEPASS_STORE" \
        && test "$AWS_ENDPOINT_URL_S3" = "$GATEPASS_STORE" && test "$AWS_ENDPOINT_URL_STS" = "$GATEPASS_STORE" \
        && test -z "$AWS_PROFILE$AWS_SESSION_TOKEN" && exit 42"#;
    let mut command = gatepass(["exec", "--region", "eu-west-1", "--bucket", "made-first", "--", "sh", "-c", script]);
    command.env("AWS_PROFILE", "foreign").env("AWS_SESSION_TOKEN", "foreign");
    let run = run(command);
    assert_eq!((run.code, run.stderr.as_str()), (Some(42), ""), "{run:?}");
}

#[test]
fn standard_output_is_the_command_s_own() {
    let run = run(gatepass(["exec", "--", "echo", "hello"]));
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "hello\n", ""));
}

#[test]
fn nothing_is_left_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = gatepass(["exec", "--bucket", "bucket", "--", "true"]);
    command.env("TMPDIR", directory.path());
    assert_eq!(run(command).code, Some(0));
    assert_eq!(std::fs::read_dir(directory.path()).expect("entries").count(), 0);
}

#[test]
fn a_command_that_is_not_there_is_a_refusal() {
    let run = run(gatepass(["exec", "--", "no-such-command-anywhere"]));
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), "error: there is no command `no-such-command-anywhere`\n"));
}

#[test]
fn a_signal_is_handed_on_and_the_command_has_the_last_word() {
    let directory = tempfile::tempdir().expect("a directory");
    let ready = directory.path().join("ready");
    let temporary = directory.path().join("temporary");
    // Written beside and renamed, so that it is whole when it is seen.
    let script = "trap 'exit 9' TERM; echo 1 > \"$0\"; mv \"$0\" \"$1\"; while :; do sleep 0.01; done";
    let mut command = gatepass(["exec", "--", "sh", "-c", script]);
    let mut child = command.arg(&temporary).arg(&ready).stderr(Stdio::inherit()).spawn().expect("the program starts");
    wait_for_json(&ready, &mut child);
    signal(child.id(), "TERM");
    assert_eq!(child.wait().expect("the program ends").code(), Some(9));
}

#[test]
fn a_client_that_never_ends_its_request_does_not_keep_it_from_ending() {
    let directory = tempfile::tempdir().expect("a directory");
    let (ready, temporary) = (directory.path().join("ready"), directory.path().join("temporary"));
    let script =
        "echo \"\\\"$GATEPASS_ISSUER\\\"\" > \"$0\"; mv \"$0\" \"$1\"; while test -e \"$1\"; do sleep 0.01; done";
    let mut command = gatepass(["exec", "--", "sh", "-c", script]);
    let mut child = command.arg(&temporary).arg(&ready).stderr(Stdio::inherit()).spawn().expect("the program starts");
    let issuer = wait_for_json(&ready, &mut child);
    let _stalled = half_a_request(issuer.as_str().expect("an address"));
    std::fs::remove_file(&ready).expect("removed");
    assert_eq!(wait_for_end(&mut child).code(), Some(0));
}

#[test]
fn a_command_that_a_signal_ended_is_told_as_shells_tell_it() {
    assert_eq!(run(gatepass(["exec", "--", "sh", "-c", "kill -KILL $$"])).code, Some(137));
}

#[test]
fn a_seed_file_makes_buckets_with_their_cors_rules() {
    let directory = tempfile::tempdir().expect("a directory");
    let seed = directory.path().join("seed.toml");
    std::fs::write(
        &seed,
        r#"
            [[buckets]]
            name = "plain"

            [[buckets]]
            name = "shared"

            [[buckets.cors]]
            allowed_origins = ["https://app.example.test"]
            allowed_methods = ["GET", "PUT"]
            allowed_headers = ["*"]
            max_age_seconds = 600
        "#,
    )
    .expect("the file is written");
    let preflight = r#"
        ask() { curl -s -o /dev/null -w '%{http_code} ' -X OPTIONS -H 'Origin: https://app.example.test' \
            -H 'Access-Control-Request-Method: PUT' "$GATEPASS_STORE/$1/key"; }
        ask shared; ask plain"#;
    let run = run(gatepass(["exec", "--seed", seed.to_str().expect("UTF-8"), "--", "sh", "-c", preflight]));
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "200 403 ", ""));
}

#[test]
fn a_seed_file_that_asks_for_something_unknown_is_refused_with_its_place() {
    let directory = tempfile::tempdir().expect("a directory");
    let seed = directory.path().join("seed.toml");
    for (text, complaint) in [
        ("[[buckets]]\nname = \"plain\"\npolicy = {}\n", "line 3"),
        ("[[buckets]]\nname = \"plain\"\ncors = [{ allowed_origins = [\"*\"], allowed_methods = [\"get\"] }]\n", "get"),
    ] {
        std::fs::write(&seed, text).expect("the file is written");
        let run = run(gatepass(["exec", "--seed", seed.to_str().expect("UTF-8"), "--", "true"]));
        assert_eq!(run.code, Some(1));
        assert!(run.stderr.contains(complaint), "{}", run.stderr);
    }
}
