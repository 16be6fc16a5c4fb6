//! `gatepass config`.

use std::fs;

use serde_json::json;

use crate::program::{Run, gatepass, run};

#[test]
fn a_mistake_is_named_with_file_line_and_column() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("gatepass.toml"), "[store]\nregion = \"eu-west-1\"\nlisen = 1\n").expect("written");
    let mut command = gatepass(["config", "check"]);
    command.current_dir(directory.path());
    let Run { code, stdout, stderr } = run(command);
    assert_eq!((code, stderr.as_str()), (Some(1), "hint: did you mean `listen`?\n"));
    let finding = "gatepass.toml:3:1: unknown field `lisen`, expected one of `listen`, `data`, `region`, ";
    assert!(stdout.starts_with(finding), "{stdout}");
    let mut command = gatepass(["config", "check", "--json"]);
    command.current_dir(directory.path());
    let document = run(command).json();
    assert_eq!(document["valid"], json!(false));
    assert_eq!((&document["findings"][0]["line"], &document["findings"][0]["column"]), (&json!(3), &json!(1)));
}

#[test]
fn every_mistake_of_the_backend_is_named_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let reference = run(gatepass(["config", "reference"])).stdout;
    let broken = reference
        .replace("public_url = \"https://files.example.test\"", "public_url = \"files\"")
        .replace("bucket = \"app-files\"", "bucket = \"No\"");
    let path = directory.path().join("broken.toml");
    fs::write(&path, broken).expect("written");
    let run = run(gatepass(["config", "check", path.to_str().expect("a text")]));
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains(": backend.public_url: ") && run.stdout.contains(": collections.files.bucket: "),
        "{run:?}"
    );
}

#[test]
fn the_reference_is_valid() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("gatepass.toml");
    fs::write(&path, run(gatepass(["config", "reference"])).stdout).expect("written");
    let run = run(gatepass(["config", "check", path.to_str().expect("a text")]));
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn a_file_that_is_not_there_is_a_refusal() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = gatepass(["config", "check"]);
    command.current_dir(directory.path());
    assert_eq!(
        run(command),
        Run {
            code: Some(1),
            stdout: String::new(),
            stderr: "error: cannot read the configuration gatepass.toml\n  because: No such file or directory (os error 2)\n\
                hint: name another file with --config, or see `gatepass config reference`\n"
                .to_owned(),
        }
    );
}

#[test]
fn a_mistake_in_the_environment_refuses_the_start() {
    let mut command = gatepass(["store", "run", "--data", "/nonexistent"]);
    command.env("GATEPASS__STORE__FSYNC", "sometimes");
    let run = run(command);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .starts_with("error: GATEPASS__STORE__FSYNC: unknown variant `sometimes`, expected `always` or `never`"),
        "{run:?}"
    );
}
