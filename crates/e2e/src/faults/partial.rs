//! P3: of an upload that did not succeed nothing is seen, wherever it broke off and whatever was wrong with it, and the
//! space that it took comes back. What was wrong may also be the disk: it is full at any page, or does not synchronise.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use tokio::runtime::Runtime;

use super::changes::{BUCKET, CHANGES, Change, KEYS, Outcome};
use super::content::{Chance, Content};
use super::machine::Disk;
use super::observe::State;
use super::promises::{Effort, Trial};
use super::report::{Control, Report};
use super::spoiled::{End, FORMS, LIES, Target, Upload};
use super::tmpfs::Tmpfs;
use super::tracer::{self, Happens, Injection, Tracer, When};
use crate::alone::{self, Alone, Launch, check};
use crate::s3::S3;

/// One body that is kept in the index, and one in a file, of several chunks.
const LENGTHS: [usize; 2] = [2_000, 200_000];
/// A disk for what changes write, and for an index that grows.
const FULL_DISK_MIB: u64 = 64;
/// The same, where power is cut.
const SYNCED_DISK: &str = "256M";
/// More pages than any change writes.
const PAGES: u64 = 2_000;
/// More synchronisations than any change makes.
const SYNCS: u32 = 50;

/// What was counted.
#[derive(Default)]
struct Tally {
    aborted: u64,
    lies: u64,
    full: u64,
    syncs_failed: u64,
    power_cuts: u64,
    broken: Vec<String>,
}

/// Uploads that break off or lie; then a full disk; then one that does not synchronise.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let runtime = Runtime::new()?;
    let mut tally = Tally::default();
    let mut controls = vec![spoiled(trial, &runtime, directory.path(), &mut chance, &mut tally)?];
    match Tmpfs::new(&directory.path().join("full"), FULL_DISK_MIB) {
        Ok(disk) => full(trial, &runtime, &disk, &mut chance, &mut tally)?,
        Err(reason) => controls.push(Control::Impossible(format!("file systems cannot be mounted here ({reason:#})"))),
    }
    controls.push(match tracer::is_possible() {
        Ok(()) => unsynced(trial, &runtime, directory.path(), &mut chance, &mut tally)?,
        Err(reason) => Control::Impossible(format!("system calls cannot be made to fail here ({reason:#})")),
    });
    Ok(Report {
        figures: vec![
            ("uploads broken off", tally.aborted),
            ("uploads that lied", tally.lies),
            ("changes on a disk that was full at some page", tally.full),
            ("synchronisations that failed", tally.syncs_failed),
            ("power cuts after such a failure", tally.power_cuts),
        ],
        broken: tally.broken,
        control: Control::all(controls),
    })
}

fn see(runtime: &Runtime, client: &S3) -> Result<State> {
    runtime.block_on(State::of(client, BUCKET, &KEYS))
}

/// Uploads to a new key, over an object, as a new part and over a part. The control is one that is sent whole, which must
/// be seen.
fn spoiled(trial: &Trial, runtime: &Runtime, work: &Path, chance: &mut Chance, tally: &mut Tally) -> Result<Control> {
    let data = work.join("spoiled");
    let server = Launch::new(&trial.server, &data).start()?;
    let client = server.client()?;
    runtime.block_on(client.create_bucket(BUCKET))?;
    let mut content = |length| Content { serial: chance.draw(), length }.bytes();
    runtime.block_on(client.put(BUCKET, "large", content(LENGTHS[1])))?;
    let id = runtime.block_on(client.begin_upload(BUCKET, "joined"))?;
    runtime.block_on(client.upload_part(BUCKET, "joined", &id, 1, content(LENGTHS[1] - 1)))?;
    let target = |key, query| Target { bucket: BUCKET, key, query };
    let part = |number| format!("partNumber={number}&uploadId={id}");
    let targets = [
        target("copied", String::new()),
        target("large", String::new()),
        target("joined", part(2)),
        target("joined", part(1)),
    ];
    let before = see(runtime, &client)?;
    ensure!(before.flaws.is_empty(), "before any fault: {:?}", before.flaws);
    let steps = trial.effort.pick(31, 1);
    let lengths = trial.effort.pick(&LENGTHS[1..], &LENGTHS);
    for (to, length) in targets.iter().flat_map(|to| lengths.iter().map(move |length| (to, *length))) {
        let body = content(length);
        for form in FORMS {
            let upload = Upload::honest(&client, to, form, &body)?;
            for part in (0..64).step_by(steps) {
                let end = if part % 2 == 0 { End::Listens } else { End::IsGone };
                let status = upload.send(&server.place, part, end)?;
                tally.aborted += 1;
                let what = format!("{form:?} of {length} bytes to {}?{} until {part}/64", to.key, to.query);
                tally.judge(&what, status, &see(runtime, &client)?, &before);
            }
        }
        for lie in LIES {
            let status = Upload::lying(&client, to, lie, &body)?.send(&server.place, 64, End::Listens)?;
            tally.lies += 1;
            tally.judge(&format!("{lie:?} to {}?{}", to.key, to.query), status, &see(runtime, &client)?, &before);
            if !(400..500).contains(&status) {
                tally
                    .broken
                    .push(format!("{lie:?} of {length} bytes to {}?{} was answered {status}", to.key, to.query));
            }
        }
    }
    let mut seen = 0;
    for form in FORMS {
        Upload::honest(&client, &targets[0], form, &content(LENGTHS[1]))?.send(&server.place, 64, End::Listens)?;
        seen += u64::from(see(runtime, &client)? != before);
        runtime.block_on(client.delete(BUCKET, targets[0].key))?;
    }
    ensure!(seen == 0 || seen == FORMS.len() as u64, "only {seen} of {} whole uploads are seen", FORMS.len());
    tally.nothing_is_left(trial, server, &data)?;
    Ok(Control::of(seen, "uploads that were sent whole were noticed"))
}

/// Every change, with every number of free pages until it succeeds. The store keeps no reserve here: with one, the disk is
/// never full to its last page.
fn full(trial: &Trial, runtime: &Runtime, disk: &Tmpfs, chance: &mut Chance, tally: &mut Tally) -> Result<()> {
    let server = Launch::new(&trial.server, &disk.data()).with(&["--reserve", "0"]).start()?;
    let client = server.client()?;
    runtime.block_on(client.create_bucket(BUCKET))?;
    for change in chosen(trial.effort) {
        for pages in (0..PAGES).step_by(trial.effort.pick(23, 1)) {
            let prepared = runtime.block_on(change.prepare(&client, chance))?;
            disk.leave(pages)?;
            let outcome = runtime.block_on(prepared.ask(&client))?;
            let what = format!("{change:?} with {pages} free pages");
            tally.full += 1;
            match outcome {
                Outcome::Acknowledged | Outcome::Refused { status: 503, says_when: true } => {}
                _ => tally.broken.push(format!("{what}: {outcome:?}")),
            }
            // Reading goes on, and sees the same as when there is space again.
            for when in ["while it is full", "after it was full"] {
                let found = see(runtime, &client)?;
                if let Err(wrong) = prepared.judge(&outcome, &found) {
                    tally.broken.push(format!("{what}, {when}: {wrong}"));
                }
                if when == "while it is full" {
                    disk.relieve()?;
                }
            }
            if outcome == Outcome::Acknowledged {
                break;
            }
        }
    }
    tally.nothing_is_left(trial, server, &disk.data())
}

fn chosen(effort: Effort) -> &'static [Change] {
    effort.pick(&[Change::PutLarge, Change::Complete, Change::Delete], &CHANGES)
}

/// Every change, with each of its synchronisations failing, alone or with all that follow; then the change once more, and
/// then the power is cut. What was acknowledged must be there.
///
/// The control is a disk that says to have synchronised and has not.
fn unsynced(trial: &Trial, runtime: &Runtime, work: &Path, chance: &mut Chance, tally: &mut Tally) -> Result<Control> {
    let mut disk = match Disk::new(&work.join("synced"), SYNCED_DISK) {
        Ok(disk) => disk,
        Err(reason) => return Ok(Control::Impossible(format!("file systems cannot be mounted here ({reason:#})"))),
    };
    let mut machine = Unsynced { trial, runtime, disk: &mut disk, tally };
    for change in chosen(trial.effort) {
        for number in 1..=trial.effort.pick(1, SYNCS) {
            let alone = machine.fail(*change, When::At(number), chance)?;
            machine.fail(*change, When::From(number), chance)?;
            if alone == 0 {
                break;
            }
            ensure!(number < SYNCS, "{change:?} synchronises for ever");
        }
    }
    machine.control(chance)
}

struct Unsynced<'a> {
    trial: &'a Trial,
    runtime: &'a Runtime,
    disk: &'a mut Disk,
    tally: &'a mut Tally,
}

impl Unsynced<'_> {
    fn start(&self) -> Result<(Alone, S3)> {
        let server = Launch::new(&self.trial.server, &self.disk.mount_point().join("data")).start()?;
        let client = server.client()?;
        self.runtime.block_on(client.create_bucket(BUCKET))?;
        Ok((server, client))
    }

    /// Answers how many synchronisations failed.
    fn fail(&mut self, change: Change, when: When, chance: &mut Chance) -> Result<u64> {
        let (mut server, client) = self.start()?;
        let prepared = self.runtime.block_on(change.prepare(&client, chance))?;
        let calls = "fsync,fdatasync".to_owned();
        let injection = Injection { calls, what: Happens::Fails("EIO"), when };
        let tracer = Tracer::attach(server.process.id(), &injection)?;
        let first = self.runtime.block_on(prepared.ask(&client))?;
        let again = if matches!(when, When::From(_)) && first != Outcome::Acknowledged {
            // Nothing can be made durable, so nothing may be acknowledged.
            self.runtime.block_on(prepared.ask(&client))?
        } else {
            Outcome::Unanswered
        };
        let failed = tracer.detach()?;
        self.tally.syncs_failed += failed;
        let what = format!("{change:?} with EIO {when:?}");
        if failed == 0 && first != Outcome::Acknowledged {
            bail!("{what}: refused without a fault: {first:?}");
        }
        if again == Outcome::Acknowledged {
            self.tally.broken.push(format!("{what}: acknowledged although nothing is synchronised"));
        }
        let now = see(self.runtime, &client)?;
        if let Err(wrong) = prepared.judge(&first, &now) {
            self.tally.broken.push(format!("{what}: {wrong}"));
        }
        // The disk is well again: who repeats the change and is told that it holds relies on it.
        let mut last = first;
        if last != Outcome::Acknowledged {
            last = self.runtime.block_on(prepared.ask(&client))?;
        }
        self.disk.cut(&mut server.process)?;
        self.tally.power_cuts += 1;
        drop(server);
        let checked = alone::check(&self.trial.server, &self.disk.mount_point().join("data"))?;
        if let Some(wrong) = checked.wrong {
            self.tally.broken.push(format!("{what}: the check says {wrong}"));
        }
        let (_server, client) = self.start()?;
        let found = see(self.runtime, &client)?;
        if let Err(wrong) = prepared.judge(&last, &found) {
            self.tally.broken.push(format!("{what}, after the power cut: {wrong}"));
        }
        Ok(failed)
    }

    /// The same judge, on synchronisations that are said to have happened.
    fn control(&mut self, chance: &mut Chance) -> Result<Control> {
        let (mut noticed, changes) = (0, [Change::PutSmall, Change::PutLarge, Change::Delete]);
        for change in changes {
            let (mut server, client) = self.start()?;
            let prepared = self.runtime.block_on(change.prepare(&client, chance))?;
            let calls = "fsync,fdatasync".to_owned();
            let injection = Injection { calls, what: Happens::IsForgotten, when: When::From(1) };
            let tracer = Tracer::attach(server.process.id(), &injection)?;
            let outcome = self.runtime.block_on(prepared.ask(&client))?;
            ensure!(outcome == Outcome::Acknowledged, "a disk that lies is believed: {outcome:?}");
            tracer.detach()?;
            self.disk.cut(&mut server.process)?;
            drop(server);
            let is_kept = match self.start() {
                Ok((_server, client)) => prepared.judge(&outcome, &see(self.runtime, &client)?).is_ok(),
                Err(_) => false,
            };
            noticed += u64::from(!is_kept);
        }
        if noticed < changes.len() as u64 {
            return Ok(Control::Passed(format!(
                "of {} changes on a disk that lies {noticed} were noticed",
                changes.len()
            )));
        }
        Ok(Control::Caught(format!("{noticed} changes that a lying disk had forgotten were noticed")))
    }
}

impl Tally {
    fn judge(&mut self, what: &str, status: u16, found: &State, before: &State) {
        if found != before {
            self.broken.push(format!("{what}, answered {status}:{}", found.difference(before)));
        }
    }

    /// Ends the server and looks for files that nothing names.
    fn nothing_is_left(&mut self, trial: &Trial, server: Alone, data: &Path) -> Result<()> {
        server.terminate()?;
        let checked = check(&trial.server, data)?;
        if let Some(wrong) = checked.wrong {
            self.broken.push(format!("the check says {wrong}"));
        }
        if checked.leftovers > 0 {
            self.broken.push(format!("{} files of uploads that did not succeed have stayed", checked.leftovers));
        }
        Ok(())
    }
}
