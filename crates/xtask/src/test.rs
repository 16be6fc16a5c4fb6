//! `cargo xtask test`: the one command that runs every test.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{self, Profile, Programs};
use crate::{experiments, setup, shell};

pub(crate) fn run() -> Result<()> {
    let environment = setup::run()?;
    web()?;
    let programs = workspace::build(Profile::Dev)?;
    let mut tests = runner();
    environment.apply(&mut tests);
    tests.env("GATEPASS_BIN", programs.path("gatepass")?);
    shell::run(&mut tests)?;
    shell::run(shell::cargo().args(["test", "--quiet", "--workspace", "--doc"]).current_dir(workspace::root()))?;
    short_experiments(&programs)
}

/// The console's own tests, which need no server.
fn web() -> Result<()> {
    for script in ["typecheck", "test"] {
        shell::run(Command::new("npm").args(["run", "--silent", script]).current_dir(workspace::root().join("web")))?;
    }
    Ok(())
}

/// nextest where it is installed, for its clear report; otherwise cargo's own runner runs the same tests.
fn runner() -> Command {
    let mut cargo = shell::cargo();
    cargo.current_dir(workspace::root());
    if shell::find(&["cargo-nextest"]).is_some() {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        println!("cargo-nextest is not installed: cargo's own runner runs the same tests");
        cargo.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    cargo
}

/// The long experiments have a short form, so that they cannot rot between the times somebody runs them in full.
fn short_experiments(programs: &Programs) -> Result<()> {
    experiments::run_faults(programs, &experiments::Faults::short())?;
    experiments::run_memory(programs, &experiments::Memory::short())
}
