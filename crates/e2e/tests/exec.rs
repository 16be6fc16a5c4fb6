//! `gatepass exec`: a store for the life of one command.

use std::process::{Command, Output};

use gatepass_e2e::programs;

fn exec(command: &[&str]) -> Output {
    let mut exec = Command::new(programs::gatepass());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            exec.env_remove(name);
        }
    }
    exec.arg("exec").arg("--").args(command).output().expect("gatepass starts")
}

#[test]
fn a_python_program_finds_a_store_in_its_environment() {
    let probe = programs::root().join("crates/e2e/python/exec_probe.py");
    let output = exec(&[&programs::python().display().to_string(), &probe.display().to_string()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "stored, read back, and fetched by a signed URL\n");
}

#[test]
fn the_exit_code_is_the_commands() {
    assert_eq!(exec(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(exec(&["true"]).status.code(), Some(0));
}

#[test]
fn standard_output_is_the_commands_alone() {
    assert_eq!(exec(&["echo", "only this"]).stdout, b"only this\n");
}
