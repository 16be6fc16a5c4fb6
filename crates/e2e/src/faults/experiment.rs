//! One experiment: many rounds of load, crash, start and comparison on one machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::content::Chance;
use super::load::{BUCKET, Objects, Verdict};
use super::machine::Machine;
use super::rows::Rows;
use crate::api::Api;
use crate::dev::{Dev, Options, Ready, Starting};
use crate::s3::S3;

const WRITERS: usize = 16;
const USERS: usize = 2;
/// The longest time that writers work before a crash.
const LONGEST_LOAD: u64 = 800;
/// One start of this many is itself interrupted.
const INTERRUPTED_STARTS: u64 = 8;
/// The longest time after which a start is interrupted.
const LONGEST_START: u64 = 150;

/// What is crashed, how often, and from which chance.
pub struct Experiment {
    /// What crashes.
    pub machine: Machine,
    /// How often.
    pub rounds: u32,
    /// The source of all random choices.
    pub chance: Chance,
    /// The program.
    pub server: PathBuf,
    /// More arguments of the server.
    pub arguments: Vec<String>,
}

/// How an experiment ended.
#[derive(Debug)]
pub enum Outcome {
    /// Everything acknowledged was there after every crash.
    Whole(Tally),
    /// After this many crashes something was not, or the server did not start on what was left.
    Lost {
        /// The last round.
        round: u32,
        /// What was missed.
        loss: anyhow::Error,
    },
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that the server acknowledged.
    pub acknowledged: u64,
    /// Comparisons made after crashes.
    pub checked: u64,
    /// Starts that were interrupted too.
    pub interrupted_starts: u64,
}

/// The writers' record, which outlives every crash.
#[derive(Default)]
struct Record {
    objects: Arc<Objects>,
    rows: Arc<Rows>,
}

impl Experiment {
    /// Runs all rounds, or until the first loss. An error says that the experiment itself could not go on.
    pub fn run(mut self) -> Result<Outcome> {
        let runtime = Runtime::new()?;
        let record = Record::default();
        let mut tally = Tally::default();
        let mut server = Dev::start(&self.machine.data(), &self.options(None))?;
        let ready = server.ready().clone();
        runtime.block_on(S3::new(&ready)?.create_bucket(BUCKET))?;
        for round in 1..=self.rounds {
            tally.acknowledged += self.load_and_crash(&runtime, &record, server)?;
            server = match self.start_and_compare(&runtime, &record, &ready, &mut tally) {
                Ok(server) => server,
                Err(loss) => return Ok(Outcome::Lost { round, loss }),
            };
        }
        Ok(Outcome::Whole(tally))
    }

    fn load_and_crash(&mut self, runtime: &Runtime, record: &Record, mut server: Dev) -> Result<u64> {
        let mut work = JoinSet::new();
        let client = Arc::new(S3::new(server.ready())?);
        for writer in 0..WRITERS {
            let writing = record.objects.clone().write(client.clone(), writer, self.chance.fork());
            work.spawn_on(writing, runtime.handle());
        }
        for _ in 0..USERS {
            let api = Api::new(&server.ready().backend, &server.ready().tokens.alice);
            let working = record.rows.clone().work(api, record.objects.clone(), self.chance.fork());
            work.spawn_on(working, runtime.handle());
        }
        // The moment of the crash is the one thing that no condition can name.
        std::thread::sleep(Duration::from_millis(self.chance.below(LONGEST_LOAD)));
        self.machine.crash(server.process())?;
        let mut acknowledged = 0;
        for writer in runtime.block_on(work.join_all()) {
            acknowledged += writer.context("a request was refused under load")?;
        }
        Ok(acknowledged)
    }

    fn start_and_compare(
        &mut self,
        runtime: &Runtime,
        record: &Record,
        ready: &Ready,
        tally: &mut Tally,
    ) -> Result<Dev> {
        let options = self.options(Some(ready.clone()));
        if self.chance.below(INTERRUPTED_STARTS) == 0 {
            let mut starting = Starting::spawn(&self.machine.data(), &options)?;
            std::thread::sleep(Duration::from_millis(self.chance.below(LONGEST_START)));
            starting.kill()?;
            tally.interrupted_starts += 1;
        }
        let server = Dev::start(&self.machine.data(), &options)?;
        for verdict in runtime.block_on(compare(record, &server))? {
            tally.checked += verdict.into_result()?;
        }
        Ok(server)
    }

    /// The first start takes free ports; every later one the same again, as after the restart of a machine.
    fn options(&self, again: Option<Ready>) -> Options {
        Options {
            program: Some(self.server.clone()),
            again,
            arguments: self.arguments.clone(),
            environment: Vec::new(),
        }
    }
}

async fn compare(record: &Record, server: &Dev) -> Result<[Verdict; 2]> {
    let client = S3::new(server.ready())?;
    let api = Api::new(&server.ready().backend, &server.ready().tokens.alice);
    Ok([record.objects.verify(&client).await?, record.rows.verify(&api).await?])
}
