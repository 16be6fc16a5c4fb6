//! Clients that others wrote, used as their users use them, against the store as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use gatepass_e2e::dev::{Dev, Options};
use gatepass_e2e::programs;

/// Runs a suite in a directory of its own and fails with what it printed. What the server left on disk must lie in its
/// data directory and nowhere else.
fn run(suite: &mut Command) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let server = Dev::start(&scratch.path().join("data"), &Options::default()).expect("the server starts");
    server.aws(suite);
    suite.env("GATEPASS_PROGRAM", programs::gatepass());
    suite.env("GATEPASS_AWS", programs::aws()).env("GATEPASS_S3CMD", programs::s3cmd());
    suite.env("PYTHONDONTWRITEBYTECODE", "1").env("TMPDIR", outside(&scratch));
    let output = suite.output().unwrap_or_else(|error| panic!("{suite:?} does not start: {error}"));
    assert!(
        output.status.success(),
        "{suite:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(entries(scratch.path()), BTreeSet::from(["data".into(), "tmp".into()]), "something was made outside");
    assert_eq!(entries(&scratch.path().join("tmp")), BTreeSet::new(), "something was made outside");
}

/// A place for the clients' own temporary files, which they remove.
fn outside(scratch: &tempfile::TempDir) -> PathBuf {
    let directory = scratch.path().join("tmp");
    std::fs::create_dir(&directory).expect("a directory for temporary files");
    directory
}

fn entries(directory: &Path) -> BTreeSet<PathBuf> {
    let listed = std::fs::read_dir(directory).expect("the directory is there");
    listed.flatten().map(|entry| PathBuf::from(entry.file_name())).collect()
}

fn python(file: &str) {
    let directory = programs::root().join("crates/e2e/python");
    run(Command::new(programs::python()).arg(directory.join(file)).current_dir(directory));
}

fn node(file: &str) {
    let directory = programs::root().join("crates/e2e/js");
    assert!(directory.join("node_modules").is_dir(), "run `cargo xtask setup` once: the packages are not installed");
    run(Command::new("node").args(["--test", file]).current_dir(directory));
}

#[test]
fn boto3_reads_and_writes_objects() {
    python("test_objects.py");
}

#[test]
fn boto3_configures_buckets() {
    python("test_settings.py");
}

#[test]
fn boto3_finds_every_key_distinct() {
    python("test_keys.py");
}

#[test]
fn urls_that_botocore_signed_are_honoured_and_changed_ones_refused() {
    python("test_presigned.py");
}

#[test]
fn forms_that_botocore_signed_and_gatepass_printed_upload() {
    python("test_forms.py");
}

#[test]
fn the_aws_command_line_works_unchanged_and_curl_fetches_what_it_presigned() {
    python("test_awscli.py");
}

#[test]
fn rclone_copies_a_tree_there_and_back() {
    python("test_rclone.py");
}

#[test]
fn s3cmd_does_all_that_it_has_commands_for() {
    python("test_s3cmd.py");
}

#[test]
fn the_sdk_for_javascript_works_with_its_defaults() {
    node("sdk.test.mjs");
}

#[test]
fn minio_js_works_with_its_defaults() {
    node("minio.test.mjs");
}
