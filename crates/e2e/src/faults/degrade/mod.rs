//! P12: what runs out is refused, what is there is served, and what comes back is taken again, without a restart. What
//! runs out is the `disk` or the `descriptors` of the process; and the `clock` may go back.

mod clock;
mod descriptors;
mod disk;

use anyhow::Result;
use tokio::runtime::Runtime;

use super::content::Chance;
use super::promises::Trial;
use super::report::{Control, Report};

const BUCKET: &str = "degrade";
/// A body that is kept in the index, and one in a file of its own, which takes a descriptor.
const SMALL: usize = 1_000;
const LARGE: usize = 300_000;

/// The disk, the descriptors, the clock.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let runtime = Runtime::new()?;
    let parts = [
        disk::run(trial, &runtime, &directory.path().join("disk"), &mut chance)?,
        descriptors::run(trial, &runtime, &directory.path().join("descriptors"), &mut chance)?,
        clock::run(trial, &runtime, &directory.path().join("clock"), &mut chance)?,
    ];
    let mut whole = Report { figures: Vec::new(), broken: Vec::new(), control: Control::all([]) };
    let mut controls = Vec::new();
    for part in parts {
        whole.figures.extend(part.figures);
        whole.broken.extend(part.broken);
        controls.push(part.control);
    }
    Ok(Report { control: Control::all(controls), ..whole })
}
