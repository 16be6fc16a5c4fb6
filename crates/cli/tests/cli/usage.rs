//! What every command has in common.

use std::{ffi::OsStr, fs};

use serde_json::Value;

use crate::program::{Run, gatepass, run, with_keys};

#[test]
fn wrong_usage_is_2_and_prints_nothing_on_standard_output() {
    for arguments in [&["nonsense"][..], &[], &["sign"], &["sign", "get"], &["dev", "token", "mallory"], &["exec"]] {
        let run = run(gatepass(arguments));
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!run.stderr.is_empty());
    }
}

#[test]
fn help_is_a_result() {
    for arguments in [&["help"][..], &["help", "dev"], &["sign", "get", "--help"], &["--version"]] {
        let run = run(gatepass(arguments));
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!run.stdout.is_empty());
    }
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let run = run(with_keys(["--json", "sign", "get", "s3://bucket/key", "--expires", "604801"]));
    let document: Value = serde_json::from_str(&run.stderr).expect("one document");
    assert_eq!(document["error"], "a lifetime of 604801 seconds exceeds the 604800 that S3 accepts");
    assert_eq!(run.stdout, "");
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let errors = |arguments: &[&str]| run(gatepass(["env", "--data", "/nonexistent"].iter().chain(arguments))).stderr;
    assert!(errors(&["--color", "always"]).contains("\u{1b}["));
    assert!(!errors(&["--color", "never"]).contains("\u{1b}["));
    assert!(!errors(&[]).contains("\u{1b}["), "standard error is no terminal here");
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = run(gatepass(["completions", shell]));
        assert_eq!(run.code, Some(0), "{shell}");
        assert!(run.stdout.contains("gatepass"), "{shell}");
    }
}

#[test]
fn every_command_gets_its_manual_page() {
    let directory = tempfile::tempdir().expect("a directory");
    let pages = directory.path().join("man1");
    let written = run(gatepass([OsStr::new("man"), pages.as_os_str()]));
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), ""), "{written:?}");
    for (name, option) in
        [("gatepass.1", "color"), ("gatepass-sign-get.1", "expires"), ("gatepass-dev-token.1", "data")]
    {
        let page = fs::read_to_string(pages.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(".TH gatepass") && page.contains(&format!(r"\-\-{option}")), "{name}: {page}");
    }
    let first = fs::read_to_string(pages.join("gatepass.1")).expect("written");
    assert_eq!(run(gatepass(["man"])), Run { code: Some(0), stdout: first, stderr: String::new() });
}
