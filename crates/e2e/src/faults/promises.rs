//! The promises by name, and the experiment of each.

use std::path::PathBuf;

use anyhow::Result;

use super::content::Chance;
use super::report::Report;
use super::{bounded, crowd, degrade, durable, expiry, limits, partial, publish, recover, rot};
use crate::dev::Options;

/// What every experiment is given.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The `gatepass` program.
    pub server: PathBuf,
    /// Where the data directories and disks go.
    pub work: PathBuf,
    /// How long the experiment may take.
    pub effort: Effort,
    /// How many times a process is killed.
    pub kills: u32,
    /// How many times the power is cut.
    pub snapshots: u32,
}

impl Trial {
    /// How a server of an experiment is started, with these arguments besides.
    pub fn options(&self, arguments: &[&str]) -> Options {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Options { program: Some(self.server.clone()), arguments, ..Options::default() }
    }
}

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Seconds: the form that runs with every test.
    Short,
    /// As much as the figures of the documents are made of.
    Full,
}

impl Effort {
    /// One number or the other.
    pub fn pick<T>(self, short: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Full => full,
        }
    }
}

/// A promise of the store that an experiment measures.
pub struct Promise {
    /// What it is selected by.
    pub name: &'static str,
    /// What it says.
    pub says: &'static str,
    run: fn(&Trial, Chance) -> Result<Report>,
}

/// All that can be measured, in the order in which they run.
pub const PROMISES: &[Promise] = &[
    Promise { name: "P1", says: "what was acknowledged survives SIGKILL and the loss of power", run: durable::run },
    Promise { name: "P2", says: "a reader sees the old object or the new one, whole", run: publish::run },
    Promise { name: "P3", says: "of an upload that did not succeed nothing is seen", run: partial::run },
    Promise { name: "P4", says: "whatever a crash leaves, the next start has it whole, at once", run: recover::run },
    Promise { name: "P6", says: "memory is bounded by the number of connections", run: bounded::run },
    Promise { name: "P7", says: "limits are kept to the last one, before the work", run: limits::run },
    Promise { name: "P8", says: "a URL is good until its last moment, and what began in time ends", run: expiry::run },
    Promise { name: "P10", says: "bytes that the disk has changed are never sent as right ones", run: rot::run },
    Promise { name: "P12", says: "what runs out is refused, and taken again when it returns", run: degrade::run },
    Promise {
        name: "A35",
        says: "who holds on without using it is hung up on, and keeps nobody waiting",
        run: crowd::run,
    },
];

impl Promise {
    /// Runs the experiment. One promise makes the same choices whether it runs alone or among others.
    pub fn measure(&self, trial: &Trial, seed: u64) -> Result<Report> {
        let own = self.name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        (self.run)(trial, Chance::new(own))
    }
}

#[cfg(test)]
mod tests {
    use super::PROMISES;

    #[test]
    fn no_two_promises_have_one_name() {
        for (place, promise) in PROMISES.iter().enumerate() {
            assert!(PROMISES[..place].iter().all(|other| other.name != promise.name), "{}", promise.name);
        }
    }
}
