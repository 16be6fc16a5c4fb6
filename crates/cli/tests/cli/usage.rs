//! What every command has in common.

use serde_json::Value;

use crate::program::{gatepass, run, with_keys};

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
