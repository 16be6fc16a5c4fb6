//! `cargo xtask ci`: what a change must pass. The quick checks come first.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{generate, setup, shell, test, workspace};

pub(crate) fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    setup::run()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    shell::run(
        shell::cargo()
            .args(["doc", "--no-deps", "--workspace"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .current_dir(workspace::root()),
    )?;
    generated_files_are_current()?;
    dependencies()?;
    test::run()
}

fn cargo(arguments: &[&str]) -> Result<()> {
    shell::run(shell::cargo().args(arguments).current_dir(workspace::root()))
}

/// Generates, and compares what git sees before and after: this asks the same of a fresh clone as of a tree at work.
fn generated_files_are_current() -> Result<()> {
    let before = tree()?;
    generate::run()?;
    if tree()? == before {
        return Ok(());
    }
    shell::run(&mut git(&["status", "--short"]))?;
    shell::run(&mut git(&["--no-pager", "diff", "--stat"]))?;
    bail!("generated files were not current; they are now: look at them and commit them")
}

/// The tree as git sees it: changed and untracked files by name, and every changed line.
fn tree() -> Result<(String, String)> {
    let names = shell::read(&mut git(&["status", "--porcelain", "--untracked-files=all"]))?;
    let lines = shell::read(&mut git(&["--no-pager", "diff", "--binary", "HEAD"]))?;
    Ok((names, lines))
}

fn git(arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(workspace::root());
    git
}

/// Licences, banned crates and sources. Advisories need the network and are a scheduled job's concern, not a change's.
fn dependencies() -> Result<()> {
    if shell::find(&["cargo-deny"]).is_none() {
        println!("cargo-deny is not installed: licences and sources of dependencies were not checked");
        return Ok(());
    }
    cargo(&["deny", "check", "bans", "licenses", "sources"])
}
