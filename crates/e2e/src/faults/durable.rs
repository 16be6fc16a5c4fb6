//! P1: what was acknowledged is there after the process was killed and after the power was cut. The control does not
//! synchronise, and must lose something when the power is cut.

use std::path::Path;

use anyhow::Result;

use super::content::Chance;
use super::experiment::{Experiment, Outcome, Tally};
use super::machine::{DISK_SIZE, Disk, Machine};
use super::promises::Trial;
use super::report::{Control, Report};

/// Kills, then cuts power, then cuts the power of the control.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let mut report = Report { figures: Vec::new(), broken: Vec::new(), control: Control::Impossible(String::new()) };
    let process = Machine::Process { data: directory.path().join("data") };
    let killed = experiment(trial, process, trial.kills, chance.fork(), &[]).run()?;
    let names = ["kills", "acknowledged before kills", "compared after kills", "starts killed too"];
    count(&mut report, names, trial.kills, killed);

    let disk = match new_disk(directory.path(), "always") {
        Ok(disk) => disk,
        Err(reason) => {
            report.control = Control::Impossible(format!("file systems cannot be mounted here ({reason:#})"));
            return Ok(report);
        }
    };
    let careful = experiment(trial, disk, trial.snapshots, chance.fork(), &[]).run()?;
    let names = ["power cuts", "acknowledged before power cuts", "compared after power cuts", "starts cut too"];
    count(&mut report, names, trial.snapshots, careful);

    let never = ["--fsync".to_owned(), "never".to_owned()];
    let control = experiment(trial, new_disk(directory.path(), "never")?, trial.snapshots, chance, &never);
    report.control = match control.run()? {
        Outcome::Lost { round, loss } => {
            let what: String = format!("{loss:#}").chars().take(200).collect();
            Control::Caught(format!("with fsync = \"never\", power cut {round} lost something ({what}…)"))
        }
        Outcome::Whole(_) => Control::Passed("with fsync = \"never\" nothing was lost".to_owned()),
    };
    Ok(report)
}

fn count(report: &mut Report, names: [&'static str; 4], rounds: u32, outcome: Outcome) {
    match outcome {
        Outcome::Whole(Tally { acknowledged, checked, interrupted_starts }) => {
            let numbers = [u64::from(rounds), acknowledged, checked, interrupted_starts];
            report.figures.extend(names.into_iter().zip(numbers));
        }
        Outcome::Lost { round, loss } => report.broken.push(format!("{}: after {round} of them: {loss:#}", names[0])),
    }
}

fn new_disk(directory: &Path, name: &str) -> Result<Machine> {
    Ok(Machine::Disk(Disk::new(&directory.join(name), DISK_SIZE)?))
}

fn experiment(trial: &Trial, machine: Machine, rounds: u32, chance: Chance, more: &[String]) -> Experiment {
    Experiment { machine, rounds, chance, server: trial.server.clone(), arguments: more.to_vec() }
}
