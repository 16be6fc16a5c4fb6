//! `cargo xtask fuzz`: tries many inputs on the parsers that are named, or on all.

#![expect(clippy::print_stdout, reason = "the outcome is what this program is for")]

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use gatepass_fuzz::targets::{self, Target};
use gatepass_fuzz::{campaign, corpus};

/// Tries random inputs on parsers.
#[derive(Parser)]
struct Arguments {
    /// The targets; all where none is named
    targets: Vec<String>,
    /// How many inputs each target gets
    #[arg(long, default_value_t = 1_000_000)]
    runs: u64,
    /// Where all choices come from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where an input goes for which a property does not hold
    #[arg(long)]
    failures: PathBuf,
    /// Keep inputs that brought about something new in the corpus
    #[arg(long)]
    grow: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let chosen = match arguments.targets.as_slice() {
        [] => targets::ALL.iter().collect(),
        names => names.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?,
    };
    println!("seed {}, {} executions of each target", arguments.seed, arguments.runs);
    let failures: Vec<String> =
        chosen.into_iter().filter_map(|target| fuzz(target, &arguments).err()).map(|error| error.to_string()).collect();
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Target> {
    let names = || targets::ALL.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
    targets::ALL
        .iter()
        .find(|target| target.name == name)
        .with_context(|| format!("no target {name}; there are {}", names()))
}

fn fuzz(target: &Target, arguments: &Arguments) -> Result<()> {
    let inputs = corpus::load(target)?;
    let start = Instant::now();
    match campaign::run(target, inputs, arguments.runs, arguments.seed) {
        Ok(report) => {
            let took = start.elapsed();
            let each = took / u32::try_from(report.executions).unwrap_or(u32::MAX).max(1);
            println!(
                "{:<20} {} executions, {} accepted, {} outcomes, {:.1} s ({each:?} each, slowest {:?})",
                target.name,
                report.executions,
                report.accepted,
                report.outcomes,
                took.as_secs_f64(),
                report.slowest
            );
            if arguments.grow {
                for input in &report.new {
                    corpus::save(&corpus::directory().join(target.name), input)?;
                }
            }
            Ok(())
        }
        Err(failure) => {
            let path = corpus::save(&arguments.failures.join(target.name), &failure.input)?;
            bail!(
                "{}: {} at execution {}; the input is {}",
                target.name,
                failure.message,
                failure.execution,
                path.display()
            )
        }
    }
}
