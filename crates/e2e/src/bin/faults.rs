//! `cargo xtask faults`: measures each promise of the store, and shows by a control that a broken one would be noticed.

#![expect(clippy::print_stdout, reason = "the outcome is what this program is for")]

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use gatepass_e2e::faults::promises::{Effort, PROMISES, Promise, Trial};

/// Torments a server and compares what it does with what it promises.
#[derive(Parser)]
struct Arguments {
    /// The `gatepass` program
    #[arg(long)]
    server: PathBuf,
    /// Where the data directories and disks go
    #[arg(long)]
    work: PathBuf,
    /// How many times the process is killed [default: 200, or 6 of the short form]
    #[arg(long)]
    kills: Option<u32>,
    /// How many times the power is cut, and at most as many times again in the control [default: 50, or 3 of the short form]
    #[arg(long)]
    snapshots: Option<u32>,
    /// Where all random choices come from; the one that is taken is printed
    #[arg(long)]
    seed: Option<u64>,
    /// Only this promise; may be repeated
    #[arg(long = "promise", value_name = "NAME")]
    promises: Vec<String>,
    /// Print the promises and measure nothing
    #[arg(long)]
    list: bool,
    /// Print one JSON document for each promise
    #[arg(long)]
    json: bool,
    /// The form that runs with every test: seconds in place of minutes
    #[arg(long)]
    short: bool,
    /// Fail where this machine does not let an experiment run, as CI does
    #[arg(long)]
    require_all: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.list {
        for promise in PROMISES {
            println!("{:<8} {}", promise.name, promise.says);
        }
        return Ok(());
    }
    let chosen = chosen(&arguments.promises)?;
    let seed = arguments.seed.unwrap_or_else(|| u64::from(std::process::id()));
    if !arguments.json {
        println!("seed {seed} (the moments of crashes and races also depend on the machine)");
    }
    let effort = if arguments.short { Effort::Short } else { Effort::Full };
    let trial = Trial {
        server: arguments.server,
        work: arguments.work,
        effort,
        kills: arguments.kills.unwrap_or(effort.pick(6, 200)),
        snapshots: arguments.snapshots.unwrap_or(effort.pick(3, 50)),
    };
    let mut bad = Vec::new();
    for promise in chosen {
        let begun = Instant::now();
        let report = promise.measure(&trial, seed)?;
        let seconds = begun.elapsed().as_secs_f64();
        if arguments.json {
            println!("{}", report.json(promise.name, seed, seconds));
        } else {
            println!("{}  {} ({seconds:.0} s)\n{}", promise.name, promise.says, report.text(promise.name));
        }
        if !report.is_good() || (arguments.require_all && !report.is_whole()) {
            bad.push(promise.name);
        }
    }
    ensure!(bad.is_empty(), "not kept, or not proved: {}", bad.join(", "));
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Promise>> {
    if names.is_empty() {
        return Ok(PROMISES.iter().collect());
    }
    names
        .iter()
        .map(|name| match PROMISES.iter().find(|promise| promise.name.eq_ignore_ascii_case(name)) {
            Some(promise) => Ok(promise),
            None => bail!("no promise is called {name}; --list prints them"),
        })
        .collect()
}
