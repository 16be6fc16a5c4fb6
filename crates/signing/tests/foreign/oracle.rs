//! Asking a foreign signer: one process, a JSON question on each line, an answer on each line.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// What is asked: the kind of signature, the second of the clock, and the parameters.
pub(crate) struct Question {
    pub(crate) kind: &'static str,
    pub(crate) second: i64,
    pub(crate) with: Value,
}

pub(crate) fn botocore(questions: &[Question]) -> Vec<Value> {
    let python = std::env::var_os("GATEPASS_PYTHON")
        .expect("run `cargo xtask test`, or set GATEPASS_PYTHON to a Python interpreter that has botocore");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/botocore_oracle.py");
    ask(Command::new(python).arg(script), questions)
}

pub(crate) fn javascript(questions: &[Question]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/js/oracle.mjs");
    ask(Command::new("node").arg(script), questions)
}

fn ask(command: &mut Command, questions: &[Question]) -> Vec<Value> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}; run `cargo xtask setup`"));
    let mut stdin = child.stdin.take().unwrap();
    let line = |question: &Question| {
        format!("{}\n", json!({ "kind": question.kind, "second": question.second, "with": question.with }))
    };
    let lines: String = questions.iter().map(line).collect();
    // In a thread of its own: both pipes would fill up otherwise.
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let written = writer.join().unwrap();
    assert!(output.status.success(), "{command:?} failed; `cargo xtask setup` installs what it needs");
    written.expect("the signer reads every question");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}
