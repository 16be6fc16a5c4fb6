//! `cargo xtask fuzz` and `cargo xtask timing`: programs of the `fuzz` crate, which depends on the pure crates alone and so
//! builds by itself in seconds.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::{shell, workspace};

/// Which parsers get how many inputs.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// The targets; all where none is named
    targets: Vec<String>,
    /// How many inputs each target gets
    #[arg(long, default_value_t = 1_000_000)]
    runs: u64,
    /// Where all choices come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep inputs that brought about something new in the corpus
    #[arg(long)]
    grow: bool,
}

/// How long to measure.
#[derive(Args)]
pub(crate) struct Timing {
    /// How many measurements of each class
    #[arg(long, default_value_t = 200_000)]
    measurements: usize,
    /// Where the order of the measurements comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(options: &Fuzz) -> Result<()> {
    let mut command = program("gatepass-fuzz")?;
    command.args(&options.targets);
    command.arg("--runs").arg(options.runs.to_string());
    command.arg("--seed").arg(options.seed.to_string());
    command.arg("--failures").arg(workspace::target()?.join("xtask/fuzz"));
    if options.grow {
        command.arg("--grow");
    }
    shell::run(&mut command)
}

pub(crate) fn timing(options: &Timing) -> Result<()> {
    let mut command = program("gatepass-timing")?;
    command.arg("--measurements").arg(options.measurements.to_string());
    command.arg("--seed").arg(options.seed.to_string());
    shell::run(&mut command)
}

/// Builds the crate alone, optimised.
fn program(name: &str) -> Result<Command> {
    let mut build = shell::cargo();
    shell::run(build.args(["build", "--release", "--package", "gatepass-fuzz"]).current_dir(workspace::root()))?;
    Ok(Command::new(workspace::target()?.join("release").join(name)))
}
