//! `cargo xtask faults`: kills the server and cuts its power, many times, and demands every acknowledged thing back.

#![expect(clippy::print_stdout, reason = "the outcome is what this program is for")]

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Parser;
use gatepass_e2e::faults::content::Chance;
use gatepass_e2e::faults::experiment::{Experiment, Outcome, Tally};
use gatepass_e2e::faults::machine::{Disk, Machine};

/// Crashes a server many times and compares what is left with what it acknowledged.
#[derive(Parser)]
struct Arguments {
    /// The `gatepass` program
    #[arg(long)]
    server: PathBuf,
    /// Where the data directories and disks go
    #[arg(long)]
    work: PathBuf,
    /// How many times the process is killed
    #[arg(long)]
    kills: u32,
    /// How many times the power is cut
    #[arg(long)]
    snapshots: u32,
    /// Where all random choices come from
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed} (the moments of the crashes also depend on the machine)");
    let mut chance = Chance::new(seed);
    kill(&arguments, chance.fork())?;
    cut_power(&arguments, chance)
}

fn kill(arguments: &Arguments, chance: Chance) -> Result<()> {
    let directory = tempfile::tempdir_in(&arguments.work)?;
    let machine = Machine::Process { data: directory.path().join("data") };
    let tally = expect_whole("kill", experiment(arguments, machine, arguments.kills, chance, &[]).run()?)?;
    report("killed", arguments.kills, &tally);
    Ok(())
}

fn cut_power(arguments: &Arguments, mut chance: Chance) -> Result<()> {
    let directory = tempfile::tempdir_in(&arguments.work)?;
    let disk = match new_disk(directory.path(), "always") {
        Ok(disk) => disk,
        Err(reason) => {
            println!("power loss NOT TESTED: file systems cannot be mounted here ({reason:#})");
            return Ok(());
        }
    };
    let rounds = arguments.snapshots;
    let careful = experiment(arguments, disk, rounds, chance.fork(), &[]);
    report("power cut", rounds, &expect_whole("power loss", careful.run()?)?);

    let never = ["--fsync".to_owned(), "never".to_owned()];
    let control = experiment(arguments, new_disk(directory.path(), "never")?, rounds, chance, &never);
    match control.run()? {
        Outcome::Lost { round, loss } => {
            println!("control run with fsync = \"never\": lost data in round {round}, as it must: {loss:#}");
            Ok(())
        }
        Outcome::Whole(_) => {
            bail!("the control run with fsync = \"never\" lost nothing: the experiment proves nothing")
        }
    }
}

fn new_disk(directory: &Path, name: &str) -> Result<Machine> {
    Ok(Machine::Disk(Disk::new(&directory.join(name))?))
}

fn experiment(arguments: &Arguments, machine: Machine, rounds: u32, chance: Chance, more: &[String]) -> Experiment {
    Experiment { machine, rounds, chance, server: arguments.server.clone(), arguments: more.to_vec() }
}

fn expect_whole(name: &str, outcome: Outcome) -> Result<Tally> {
    match outcome {
        Outcome::Whole(tally) => Ok(tally),
        Outcome::Lost { round, loss } => Err(loss.context(format!("{name}: after crash {round}"))),
    }
}

fn report(what: &str, rounds: u32, tally: &Tally) {
    println!(
        "{what} {rounds} times: {} acknowledged requests, {} comparisons, {} interrupted starts, nothing lost, nothing torn",
        tally.acknowledged, tally.checked, tally.interrupted_starts
    );
}
