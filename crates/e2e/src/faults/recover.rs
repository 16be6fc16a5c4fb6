//! P4: whatever a change had come to when the process ended, and whatever the start after it had come to when that ended
//! too, the next start finds the state before the change or after it, at once, and nothing to repair.
//!
//! The instants are the system calls that change something: the process is killed at the n-th of each kind, for n = 1, 2, …
//! until the change succeeds.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use gatepass_authority::RootSource;
use gatepass_store::{Config, Store};
use tokio::runtime::Runtime;

use super::changes::{BUCKET, CHANGES, Change, KEYS, Outcome, Prepared};
use super::content::Chance;
use super::observe::State;
use super::promises::Trial;
use super::report::{Control, Report};
use super::tracer::{self, Happens, Injection, Tracer, When};
use crate::alone::{Alone, Launch, Started, check};
use crate::bench::urls::now;
use crate::s3::S3;

/// Every call by which a change or a start leaves something on the disk.
const CALLS: [&str; 9] =
    ["openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "unlink", "mkdir"];
/// More calls of one kind than any change makes.
const MOST_CALLS: u32 = 400;
/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(5);
/// How often it is timed.
const STARTS: u32 = 7;

/// What was counted.
#[derive(Default)]
struct Tally {
    instants: u64,
    second_crashes: u64,
    checks: u64,
    acknowledged: u64,
    broken: Vec<String>,
}

/// Kills at every instant of every change, then at every instant of a start, then times starts of a large store.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let runtime = Runtime::new()?;
    let mut tally = Tally::default();
    let mut controls = Vec::new();
    match tracer::is_possible() {
        Ok(()) => {
            let mut crashes =
                Crashes { trial, runtime: &runtime, data: directory.path().join("data"), tally: &mut tally };
            crashes.in_changes(&mut chance)?;
            crashes.in_starts(&mut chance)?;
            controls.push(crashes.control(&mut chance)?);
        }
        Err(reason) => {
            controls.push(Control::Impossible(format!("processes cannot be ended at a call here ({reason:#})")));
        }
    }
    let objects = trial.effort.pick(10_000, 1_000_000);
    let slowest = starts(trial, &runtime, &directory.path().join("many"), objects, &mut chance)?;
    if slowest > START_LIMIT {
        tally.broken.push(format!("a start with {objects} objects took {} ms", slowest.as_millis()));
    }
    Ok(Report {
        figures: vec![
            ("instants of changes at which it was killed", tally.instants),
            ("changes acknowledged before that", tally.acknowledged),
            ("instants of starts at which it was killed", tally.second_crashes),
            ("checks of what was left", tally.checks),
            ("objects in the store whose start was timed", objects),
            ("slowest of its starts after a kill, ms", u64::try_from(slowest.as_millis())?),
        ],
        broken: tally.broken,
        control: Control::all(controls),
    })
}

struct Crashes<'a> {
    trial: &'a Trial,
    runtime: &'a Runtime,
    data: PathBuf,
    tally: &'a mut Tally,
}

impl Crashes<'_> {
    fn launch(&self) -> Launch {
        Launch::new(&self.trial.server, &self.data)
    }

    fn start(&self) -> Result<(Alone, S3)> {
        let server = self.launch().start()?;
        let client = server.client()?;
        self.runtime.block_on(client.create_bucket(BUCKET))?;
        Ok((server, client))
    }

    fn see(&self, client: &S3) -> Result<State> {
        self.runtime.block_on(State::of(client, BUCKET, &KEYS))
    }

    /// Each change, until no call of a kind is left at which to kill it.
    fn in_changes(&mut self, chance: &mut Chance) -> Result<()> {
        let changes = self.trial.effort.pick(&[Change::PutLarge][..], &CHANGES);
        let calls = self.trial.effort.pick(&["fsync", "rename", "fdatasync"][..], &CALLS);
        let mut running = self.start()?;
        for (change, call) in changes.iter().flat_map(|change| calls.iter().map(move |call| (*change, *call))) {
            for number in 1..=MOST_CALLS {
                let at = format!("{change:?} killed at {call} {number}");
                let (prepared, outcome, was_killed) = self.crash(running, change, call, number, chance)?;
                self.look(&at)?;
                running = self.start()?;
                self.judge(&at, &prepared, &outcome, &running.1)?;
                if !was_killed {
                    break;
                }
                self.tally.instants += 1;
                self.tally.acknowledged += u64::from(outcome == Outcome::Acknowledged);
                ensure!(number < MOST_CALLS, "{change:?} makes {call} for ever");
            }
        }
        Ok(())
    }

    /// Lets a change be killed, or, where it is not, ends the server in the proper way: what is done after the answer is
    /// done by then. Answers whether it was killed.
    fn crash(
        &self,
        (mut server, client): (Alone, S3),
        change: Change,
        call: &str,
        number: u32,
        chance: &mut Chance,
    ) -> Result<(Prepared, Outcome, bool)> {
        let prepared = self.runtime.block_on(change.prepare(&client, chance))?;
        let injection = Injection { calls: call.to_owned(), what: Happens::Kills, when: When::At(number) };
        let tracer = Tracer::attach(server.process.id(), &injection)?;
        let outcome = self.runtime.block_on(prepared.ask(&client))?;
        if server.process.ended()?.is_none() {
            // It may end by the call in the same moment.
            let _ = server.process.signal("TERM");
        }
        let status = server.process.wait()?;
        tracer.detach()?;
        Ok((prepared, outcome, status.signal().is_some()))
    }

    /// Each call of a start over what a crash has left, likewise.
    fn in_starts(&mut self, chance: &mut Chance) -> Result<()> {
        let calls = self.trial.effort.pick(&["fdatasync"][..], &CALLS);
        for call in calls {
            for number in 1..=self.trial.effort.pick(2, MOST_CALLS) {
                let change = CHANGES[usize::try_from(chance.below(CHANGES.len() as u64))?];
                let at = format!("a start after {change:?} killed at {call} {number}");
                let running = self.start()?;
                // Somewhere in the midst of the change.
                let (prepared, outcome, _) = self.crash(running, change, "pwrite64", 2, chance)?;
                let injection = Injection { calls: (*call).to_owned(), what: Happens::Kills, when: When::At(number) };
                let words = injection.words();
                let mut by = vec!["strace", "-D", "-f", "-o", "/dev/null"];
                by.extend(words.iter().map(String::as_str));
                let status = match self.launch().by(&by).try_start()? {
                    Started::Ended(status, _) => status,
                    // What earlier starts have left is cleared away after the start.
                    Started::Ready(server) => server.terminate()?,
                };
                self.look(&at)?;
                let (server, client) = self.start()?;
                self.judge(&at, &prepared, &outcome, &client)?;
                let found = self.see(&client)?;
                drop(server);
                let (_server, client) = self.start()?;
                if self.see(&client)? != found {
                    self.tally.broken.push(format!("{at}: the next start finds something else"));
                }
                if status.signal().is_none() {
                    break;
                }
                self.tally.second_crashes += 1;
                ensure!(number < MOST_CALLS, "a start makes {call} for ever");
            }
        }
        Ok(())
    }

    fn look(&mut self, at: &str) -> Result<()> {
        self.tally.checks += 1;
        if let Some(wrong) = check(&self.trial.server, &self.data)?.wrong {
            self.tally.broken.push(format!("{at}: the check says {wrong}"));
        }
        Ok(())
    }

    fn judge(&mut self, at: &str, prepared: &Prepared, outcome: &Outcome, client: &S3) -> Result<()> {
        if let Err(wrong) = prepared.judge(outcome, &self.see(client)?) {
            self.tally.broken.push(format!("{at}: {wrong}"));
        }
        Ok(())
    }

    /// The same judges, where something was lost: a file of a body that was acknowledged is taken away.
    fn control(&mut self, chance: &mut Chance) -> Result<Control> {
        let (server, client) = self.start()?;
        let prepared = self.runtime.block_on(Change::PutLarge.prepare(&client, chance))?;
        let before = files(&self.data.join("blobs"))?;
        let outcome = self.runtime.block_on(prepared.ask(&client))?;
        ensure!(outcome == Outcome::Acknowledged, "the store takes no object: {outcome:?}");
        let after = files(&self.data.join("blobs"))?;
        let body = after.iter().find(|file| !before.contains(file)).context("a large body has a file")?;
        server.terminate()?;
        fs::remove_file(body)?;
        let is_checked = check(&self.trial.server, &self.data)?.wrong.is_some();
        let (_server, client) = self.start()?;
        let is_judged = prepared.judge(&outcome, &self.see(&client)?).is_err();
        let noticed = u64::from(is_checked && is_judged);
        Ok(Control::of(noticed, "object whose file was taken away was noticed by the check and by the judge"))
    }
}

/// Kills a store with so many objects while it is written to, and times the next start. The slowest.
fn starts(trial: &Trial, runtime: &Runtime, data: &Path, objects: u64, chance: &mut Chance) -> Result<Duration> {
    // The first start makes the keys.
    Launch::new(&trial.server, data).start()?.terminate()?;
    let store = Store::open(Config::new(data, RootSource::Kept, std::sync::Arc::new(now)))?;
    store.load(BUCKET, (0..objects).map(|number| (format!("{:04}/{number:09}", number / 10_000), vec![7; 64])))?;
    drop(store);
    let mut slowest = Duration::ZERO;
    let mut server = Launch::new(&trial.server, data).start()?;
    for start in 0..STARTS {
        let client = server.client()?;
        let body = Bytes::from(vec![1; usize::try_from(1 + chance.below(100_000))?]);
        runtime.block_on(client.put(BUCKET, &format!("new-{start}"), body))?;
        server.process.kill()?;
        drop(server);
        let begun = Instant::now();
        server = Launch::new(&trial.server, data).start()?;
        slowest = slowest.max(begun.elapsed());
    }
    Ok(slowest)
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}
