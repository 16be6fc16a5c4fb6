//! The tasks of this workspace, one command for each habit. CI runs these same commands and nothing else.
//!
//! This crate starts other programs and reads what they say; it holds no logic of Gatepass and depends on none of its
//! crates, so that it builds in seconds and a broken crate never breaks the tool that reports it.

#![expect(clippy::print_stdout, reason = "a task tells a person at a terminal what it does")]

mod checks;
mod conformance;
mod experiments;
mod fuzz;
mod generate;
mod packages;
mod setup;
mod shell;
mod test;
mod workspace;

use clap::{Parser, Subcommand};

/// The tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Find or install what the tests need, and say what was found and what was installed
    Setup,
    /// Set up, then run every test: unit, whole-stack, foreign clients, browser, documentation, short fault runs
    Test,
    /// Everything that CI demands: formatting, lints, documentation, generated files, dependencies, tests
    Ci,
    /// Rewrite what is derived from the code: web pages, OpenAPI document, command line and configuration reference
    Generate,
    /// Run the benches and print their `ratio` lines
    Bench(experiments::Bench),
    /// Kill the store under load and cut its power, and demand every acknowledged object back
    Faults(experiments::Faults),
    /// Try random inputs on every parser, or on those named, on the stable toolchain
    Fuzz(fuzz::Fuzz),
    /// Measure whether the time of a refusal tells how much of a signature was right; by hand, on a quiet machine
    Timing(fuzz::Timing),
    /// Run suites that others wrote against S3, from a checkout of theirs
    Conformance(conformance::Conformance),
    /// Move one large file up and down and measure the resident memory of the server
    Memory(experiments::Memory),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Setup => setup::run().map(|_| ()),
        Task::Test => test::run(),
        Task::Ci => checks::run(),
        Task::Generate => generate::run(),
        Task::Bench(options) => experiments::bench(&options),
        Task::Faults(options) => experiments::faults(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Timing(options) => fuzz::timing(&options),
        Task::Conformance(options) => conformance::run(&options),
        Task::Memory(options) => experiments::memory(&options),
    }
}
