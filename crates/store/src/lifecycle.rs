//! Lifecycle rules at work: what is due is removed by a task in the background, once for every day that begins and
//! whenever rules change.
//!
//! A pass reads pages of a bucket beside the writer and removes in small transactions what is due, provided that it is
//! still what was seen. It never holds anything up, and what a crash interrupts the next pass does again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use gatepass_protocol::s3::date::http_date;
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::lifecycle::{Candidate, Day, LifecycleConfiguration};
use gatepass_protocol::s3::names::{BucketName, ObjectKey};
use gatepass_protocol::s3::tagging::TagSet;
use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::index::{Failure, Index, ObjectRecord, SeenObject, SeenUpload, SeenVersion, Snapshot, Standing, Sweep};
use crate::ops::off_reactor;
use crate::store::Store;

/// How many rows a pass looks at before it lets others have their turn.
const PAGE_ROWS: usize = 1_000;
/// How many rows one transaction of a pass removes at most.
const ROWS_PER_COMMIT: usize = 100;
/// How long the task sleeps at most: a clock that somebody sets is noticed within this time.
const SLEEP_MAX: Duration = Duration::from_mins(1);
/// The shortest sleep, so that a clock that stands still at the end of a day does not keep a core busy.
const SLEEP_MIN: Duration = Duration::from_millis(100);

/// What one pass has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LifecycleReport {
    /// Objects that have expired.
    pub expired_objects: u64,
    /// Versions that something had taken the place of, and delete markers that hid nothing any more.
    pub expired_versions: u64,
    /// Uploads that were never completed.
    pub aborted_uploads: u64,
}

/// Why a pass ended early. What it has removed is gone; the next pass goes on.
#[derive(Debug, Error)]
#[error("the lifecycle rules could not be applied: {0}")]
pub struct LifecycleError(String);

/// The rules of all buckets, ready to be asked, and the state of the passes.
#[derive(Debug)]
pub(crate) struct Lifecycles {
    day: Day,
    rules: RwLock<HashMap<BucketName, Arc<LifecycleConfiguration>>>,
    /// Counts the changes of rules, and wakes the task.
    changes: watch::Sender<u64>,
    /// The day and the change that the last complete pass has seen. Held during a pass: there is one at a time.
    seen: Mutex<Option<(i64, u64)>>,
}

impl Lifecycles {
    pub(crate) fn open(index: &Index, day: Day) -> Result<Self, Failure> {
        let sweeps = index.snapshot()?.sweeps()?;
        let rules = sweeps.iter().filter_map(|sweep| Some((sweep.bucket().clone(), Arc::new(rules_of(sweep)?))));
        Ok(Self { day, rules: RwLock::new(rules.collect()), changes: watch::Sender::new(0), seen: Mutex::default() })
    }

    /// Takes notice of a commit that has changed the rules of a bucket. The lock is held while they are read, so that of
    /// two changes at once the later one is what stays.
    pub(crate) fn reload(&self, index: &Index, bucket: &BucketName) -> Result<(), Failure> {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        match index.snapshot()?.sweep(bucket)?.as_ref().and_then(rules_of) {
            Some(now) => drop(rules.insert(bucket.clone(), Arc::new(now))),
            None => drop(rules.remove(bucket)),
        }
        drop(rules);
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Tells in an answer when the object will expire.
    pub(crate) fn describe(&self, answer: &mut Answer, bucket: &BucketName, key: &ObjectKey, record: &ObjectRecord) {
        let Some(rules) = self.of(bucket) else { return };
        let candidate = Candidate::new(key, record.size, &record.tags);
        if let Some(due) = rules.expiration(candidate, record.modified, self.day) {
            answer.add("x-amz-expiration", due.to_header().as_bytes());
        }
    }

    /// Tells in an answer when the upload will be aborted.
    pub(crate) fn describe_upload(
        &self,
        answer: &mut Answer,
        bucket: &BucketName,
        key: &ObjectKey,
        initiated: Timestamp,
    ) {
        let Some(rules) = self.of(bucket) else { return };
        if let Some(due) = rules.abortion(key.as_str(), initiated, self.day) {
            answer.add("x-amz-abort-date", http_date(due.at).as_bytes());
            answer.add("x-amz-abort-rule-id", due.rule_id.as_bytes());
        }
    }

    fn of(&self, bucket: &BucketName) -> Option<Arc<LifecycleConfiguration>> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).get(bucket).map(Arc::clone)
    }
}

/// What was checked when it came in can be read again; rules that cannot remove nothing.
fn rules_of(sweep: &Sweep) -> Option<LifecycleConfiguration> {
    let rules = LifecycleConfiguration::parse(sweep.document().as_bytes(), String::new);
    rules.inspect_err(|error| tracing::error!(bucket = %sweep.bucket(), %error, "lifecycle rules cannot be read")).ok()
}

impl Store {
    /// Removes everything that lifecycle rules say is due, now. The task in the background does the same at the end of
    /// each day and after each change of rules; this is for whoever does not want to wait, above all for tests that have
    /// moved the clock.
    pub async fn run_lifecycle(&self) -> Result<LifecycleReport, LifecycleError> {
        let mut seen = self.lifecycles.seen.lock().await;
        self.pass(&mut seen, || false).await
    }

    async fn pass(
        &self,
        seen: &mut Option<(i64, u64)>,
        is_stopping: impl Fn() -> bool,
    ) -> Result<LifecycleReport, LifecycleError> {
        let failed = |failure: Failure| LifecycleError(S3Error::from(failure).to_string());
        let now = self.now();
        let state = self.lifecycles.state(now);
        let mut report = LifecycleReport::default();
        for sweep in self.index.snapshot().and_then(|snapshot| snapshot.sweeps()).map_err(failed)? {
            let Some(rules) = rules_of(&sweep) else { continue };
            let bucket = Bucket { store: self, sweep: Arc::new(sweep), rules: Arc::new(rules), now };
            let Some(expired) = bucket.expire_objects(&is_stopping).await.map_err(failed)? else { return Ok(report) };
            report.expired_objects += expired;
            let Some(expired) = bucket.expire_versions(&is_stopping).await.map_err(failed)? else { return Ok(report) };
            report.expired_versions += expired;
            let Some(aborted) = bucket.abort_uploads(&is_stopping).await.map_err(failed)? else { return Ok(report) };
            report.aborted_uploads += aborted;
        }
        *seen = Some(state);
        if report != LifecycleReport::default() {
            let LifecycleReport { expired_objects, expired_versions, aborted_uploads } = report;
            tracing::info!(expired_objects, expired_versions, aborted_uploads, "lifecycle rules were applied");
        }
        Ok(report)
    }

    /// Starts the task that applies the rules while the store serves.
    pub(crate) fn keep_lifecycle(self: &Arc<Self>) -> Keeper {
        let (stop, stopping) = watch::channel(false);
        let store = Arc::clone(self);
        Keeper { stop, task: tokio::spawn(async move { store.apply_rules(stopping).await }) }
    }

    async fn apply_rules(&self, mut stopping: watch::Receiver<bool>) {
        let mut changes = self.lifecycles.changes.subscribe();
        loop {
            changes.borrow_and_update();
            let mut seen = self.lifecycles.seen.lock().await;
            if *seen != Some(self.lifecycles.state(self.now()))
                && let Err(error) = self.pass(&mut seen, || *stopping.borrow()).await
            {
                tracing::warn!(%error, "a pass will be made again");
            }
            drop(seen);
            let now = self.now();
            let until_midnight = self.lifecycles.day.end(now).duration_since(now);
            let pause = Duration::try_from(until_midnight).unwrap_or_default().clamp(SLEEP_MIN, SLEEP_MAX);
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => return,
                _ = changes.changed() => {}
                () = sleep(pause) => {}
            }
        }
    }
}

impl Lifecycles {
    fn state(&self, now: Timestamp) -> (i64, u64) {
        (self.day.number(now), *self.changes.borrow())
    }
}

/// The task in the background. It ends when told to, between two pages.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Ends the task and waits for its end.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that applies lifecycle rules broke down");
        }
    }
}

/// A pass through one bucket. Its functions answer `None` where they were told to stop.
struct Bucket<'a> {
    store: &'a Store,
    sweep: Arc<Sweep>,
    rules: Arc<LifecycleConfiguration>,
    now: Timestamp,
}

impl Bucket<'_> {
    async fn expire_objects(&self, is_stopping: impl Fn() -> bool) -> Result<Option<u64>, Failure> {
        let mut expired = 0;
        let mut after: Option<String> = None;
        loop {
            if is_stopping() {
                return Ok(None);
            }
            let (rules, day, now) = (Arc::clone(&self.rules), self.store.lifecycles.day, self.now);
            let from = after.take();
            let is_due = move |object: &SeenObject| {
                let SeenObject { key, record } = object;
                let candidate = Candidate { key, size: record.size, tags: &record.tags };
                rules.expiration(candidate, record.modified, day).is_some_and(|due| due.at <= now)
            };
            let page = self.page(move |snapshot, sweep| {
                let rows = snapshot.objects_to_sweep(sweep, from.as_deref(), PAGE_ROWS)?;
                let last = rows.last().map(|object| object.key.clone());
                Ok((last, rows.into_iter().filter(is_due).collect::<Vec<_>>()))
            });
            let (last, due) = page.await?;
            for group in groups(due) {
                let sweep = Arc::clone(&self.sweep);
                let write = self.store.index.write(move |transaction| transaction.expire_objects(&sweep, &group, now));
                expired += write.await?;
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(Some(expired)),
            }
        }
    }

    async fn expire_versions(&self, is_stopping: impl Fn() -> bool) -> Result<Option<u64>, Failure> {
        let mut expired = 0;
        let mut after = None;
        loop {
            if is_stopping() {
                return Ok(None);
            }
            let (rules, day, now) = (Arc::clone(&self.rules), self.store.lifecycles.day, self.now);
            let from = after.take();
            let is_due = move |seen: &SeenVersion| {
                let SeenVersion { key, version, standing } = seen;
                let due = match *standing {
                    Standing::Noncurrent { replaced, newer } => {
                        let none = TagSet::default();
                        let (size, tags) = version.object().map_or((0, &none), |record| (record.size, &record.tags));
                        let due = rules.noncurrent_expiration(Candidate { key, size, tags }, replaced, newer, day);
                        due.map(|due| due.at)
                    }
                    Standing::LoneMarker => rules.marker_expiration(key, version.modified(), day).map(|due| due.at),
                    Standing::HidingMarker => None,
                };
                due.is_some_and(|due| due <= now)
            };
            let page = self.page(move |snapshot, sweep| {
                let (rows, end) = snapshot.versions_to_sweep(sweep, from.as_ref(), PAGE_ROWS)?;
                Ok((end, rows.into_iter().filter(is_due).collect::<Vec<_>>()))
            });
            let (end, due) = page.await?;
            for group in groups(due) {
                let sweep = Arc::clone(&self.sweep);
                let write = self.store.index.write(move |transaction| transaction.expire_versions(&sweep, &group));
                expired += write.await?;
            }
            match end {
                Some(end) => after = Some(end),
                None => return Ok(Some(expired)),
            }
        }
    }

    async fn abort_uploads(&self, is_stopping: impl Fn() -> bool) -> Result<Option<u64>, Failure> {
        let mut aborted = 0;
        let mut after: Option<(String, String)> = None;
        loop {
            if is_stopping() {
                return Ok(None);
            }
            let (rules, day, now) = (Arc::clone(&self.rules), self.store.lifecycles.day, self.now);
            let from = after.take();
            let is_due = move |upload: &SeenUpload| {
                let due = rules.abortion(&upload.key, upload.record.initiated, day);
                due.is_some_and(|due| due.at <= now)
            };
            let page = self.page(move |snapshot, sweep| {
                let from = from.as_ref().map(|(key, id)| (key.as_str(), id.as_str()));
                let rows = snapshot.uploads_to_sweep(sweep, from, PAGE_ROWS)?;
                let last = rows.last().map(|upload| (upload.key.clone(), upload.id.clone()));
                Ok((last, rows.into_iter().filter(is_due).collect::<Vec<_>>()))
            });
            let (last, due) = page.await?;
            for group in groups(due) {
                let sweep = Arc::clone(&self.sweep);
                let write = self.store.index.write(move |transaction| transaction.expire_uploads(&sweep, &group));
                aborted += write.await?;
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(Some(aborted)),
            }
        }
    }

    /// Reads a page from a snapshot of its own: a pass takes long, and must not keep old pages of the index alive.
    async fn page<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Snapshot, &Sweep) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (index, sweep) = (Arc::clone(&self.store.index), Arc::clone(&self.sweep));
        off_reactor(move || read(&index.snapshot()?, &sweep)).await.map_err(Failure::from)
    }
}

fn groups<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let group: Vec<T> = rows.by_ref().take(ROWS_PER_COMMIT).collect();
        (!group.is_empty()).then_some(group)
    })
}
