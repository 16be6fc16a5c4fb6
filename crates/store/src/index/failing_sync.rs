//! Syncs that fail, on a disk that forgets what it could not write: "fsyncgate".
//!
//! After a failed fsync Linux takes the pages for written. They may stay in its cache, where reads see them though no
//! later fsync will write them, or go. Either way nothing that was acknowledged before or after may depend on them.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use gatepass_protocol::s3::names::BucketName;
use jiff::Timestamp;
use redb::StorageBackend;

use super::handle::{Files, Handle};
use super::wal::LARGEST_REDO;
use super::{BucketRecord, Failure, Index};
use crate::authorize::Authorizer;
use crate::grant::{CreateBucket, Grant, ListBucket, PutLifecycleConfiguration};

const PAGE: usize = 4096;

/// What becomes of pages that could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unwritten {
    StayInTheCache,
    Go,
}

/// A file and what the disk has of it.
#[derive(Debug, Default)]
struct Content {
    platter: Vec<u8>,
    cache: Vec<u8>,
    dirty: BTreeSet<usize>,
}

#[derive(Debug)]
struct State {
    database: Content,
    log: Content,
    /// Which sync from now on fails; none at zero.
    fails_in: u32,
    unwritten: Unwritten,
    /// How many groups were acknowledged.
    acknowledged: u32,
    /// What power cuts in the middle of syncs have left, and how many groups were acknowledged then.
    cuts: Option<Vec<(u32, Disk)>>,
}

impl Content {
    /// Some of what was on its way has arrived.
    fn torn(&self, chance: &mut fastrand::Rng) -> Vec<u8> {
        let mut platter = self.platter.clone();
        for page in &self.dirty {
            let range = page * PAGE..(page * PAGE + PAGE).min(platter.len());
            if chance.bool() && !range.is_empty() {
                platter[range.clone()].copy_from_slice(&self.cache[range]);
            }
        }
        platter
    }
}

/// A disk behind a cache.
#[derive(Debug, Clone)]
struct Disk(Arc<Mutex<State>>);

/// One of its two files.
#[derive(Debug, Clone)]
struct OnDisk {
    disk: Disk,
    content: fn(&mut State) -> &mut Content,
}

impl Disk {
    fn holding(database: Vec<u8>, log: Vec<u8>, unwritten: Unwritten) -> Self {
        let content = |platter: Vec<u8>| Content { cache: platter.clone(), platter, dirty: BTreeSet::new() };
        let (database, log) = (content(database), content(log));
        Self(Arc::new(Mutex::new(State { database, log, fails_in: 0, unwritten, acknowledged: 0, cuts: None })))
    }

    fn empty(unwritten: Unwritten) -> Self {
        Self::holding(Vec::new(), Vec::new(), unwritten)
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the next start finds when the power goes now.
    fn after_a_power_cut(&self) -> Self {
        self.with(|state| Self::holding(state.database.platter.clone(), state.log.platter.clone(), state.unwritten))
    }

    fn open(&self) -> Index {
        let path = PathBuf::from("index.redb");
        let disk = self.clone();
        let files = move || {
            let database = OnDisk { disk: disk.clone(), content: |state| &mut state.database };
            Ok(Files { database, log: OnDisk { disk: disk.clone(), content: |state| &mut state.log } })
        };
        let handle = Handle::open(path.clone(), files).unwrap();
        Index::over(handle, path).unwrap().0
    }
}

impl OnDisk {
    fn with<T>(&self, act: impl FnOnce(&mut Content) -> T) -> T {
        self.disk.with(|state| act((self.content)(state)))
    }
}

impl StorageBackend for OnDisk {
    fn len(&self) -> io::Result<u64> {
        self.with(|content| Ok(content.cache.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        self.with(|content| out.copy_from_slice(&content.cache[offset..offset + out.len()]));
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        self.with(|content| {
            content.cache.resize(length, 0);
            content.platter.resize(length, 0);
        });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let (fails, unwritten) = self.disk.with(|state| {
            if let Some(cuts) = &mut state.cuts {
                let mut chance = fastrand::Rng::with_seed(cuts.len() as u64);
                let (database, log) = (state.database.torn(&mut chance), state.log.torn(&mut chance));
                cuts.push((state.acknowledged, Disk::holding(database, log, state.unwritten)));
            }
            let fails = state.fails_in == 1;
            state.fails_in = state.fails_in.saturating_sub(1);
            (fails, state.unwritten)
        });
        self.with(|Content { platter, cache, dirty }| {
            for page in std::mem::take(dirty) {
                let end = (page * PAGE + PAGE).min(cache.len());
                let Some(range) = (page * PAGE < end).then_some(page * PAGE..end) else { continue };
                match (fails, unwritten) {
                    (false, _) => platter[range.clone()].copy_from_slice(&cache[range]),
                    (true, Unwritten::Go) => cache[range.clone()].copy_from_slice(&platter[range]),
                    (true, Unwritten::StayInTheCache) => {}
                }
            }
        });
        if fails { Err(io::Error::other("the disk did not take it")) } else { Ok(()) }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        self.with(|content| {
            content.cache[offset..offset + data.len()].copy_from_slice(data);
            content.dirty.extend(offset / PAGE..=(offset + data.len().max(1) - 1) / PAGE);
        });
        Ok(())
    }
}

async fn create(index: &Index, name: &str) -> Result<(), Failure> {
    let grant: Grant<CreateBucket> = Authorizer::of_the_store().grant(BucketName::parse(name).unwrap()).unwrap();
    let record = BucketRecord::new(Timestamp::UNIX_EPOCH);
    index.write(move |transaction| transaction.create_bucket(&grant, &record)).await
}

/// Makes a bucket if there is none, as many changes do that find things as they want them.
async fn ensure(index: &Index, name: &str) {
    let grant: Grant<CreateBucket> = Authorizer::of_the_store().grant(BucketName::parse(name).unwrap()).unwrap();
    let record = BucketRecord::new(Timestamp::UNIX_EPOCH);
    let ensured = index.write(move |transaction| match transaction.bucket(&grant)? {
        Some(_) => Ok(()),
        None => transaction.create_bucket(&grant, &record),
    });
    ensured.await.unwrap();
}

fn exists(index: &Index, name: &str) -> bool {
    let grant: Grant<ListBucket> = Authorizer::of_the_store().grant(BucketName::parse(name).unwrap()).unwrap();
    index.snapshot().unwrap().bucket(&grant).unwrap().is_some()
}

/// Where a group of writes becomes durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Log,
    Database,
}

/// Makes a bucket, in a group that takes this way.
async fn create_by(by: By, index: &Index, name: &str) -> Result<(), Failure> {
    if by == By::Log {
        return create(index, name).await;
    }
    let bucket = BucketName::parse(name).unwrap();
    let authorizer = Authorizer::of_the_store();
    let create: Grant<CreateBucket> = authorizer.grant(bucket.clone()).unwrap();
    let put: Grant<PutLifecycleConfiguration> = authorizer.grant(bucket).unwrap();
    let record = BucketRecord::new(Timestamp::UNIX_EPOCH);
    let too_much = "x".repeat(LARGEST_REDO);
    index
        .write(move |transaction| {
            transaction.create_bucket(&create, &record)?;
            transaction.put_lifecycle(&put, Some(&too_much))
        })
        .await
}

/// Whether the `failing`th sync was one of the write that was to meet it.
async fn survives(unwritten: Unwritten, by: By, failing: u32) -> bool {
    let disk = Disk::empty(unwritten);
    let index = disk.open();
    create(&index, "before").await.unwrap();
    disk.with(|state| state.fails_in = failing);
    let met = create_by(by, &index, "during").await.is_err();
    disk.with(|state| state.fails_in = 0);
    for name in ["after", "later", "last"] {
        create(&index, name).await.unwrap();
        let started = disk.after_a_power_cut().open();
        assert!(exists(&started, "before") && exists(&started, name), "{unwritten:?} {by:?} {failing}");
        assert!(met || exists(&started, "during"), "{unwritten:?} {by:?} {failing}");
        assert_eq!(exists(&started, "during"), exists(&index, "during"), "{unwritten:?} {by:?} {failing}");
    }
    met
}

#[tokio::test]
async fn nothing_acknowledged_depends_on_what_a_failed_sync_forgot() {
    for unwritten in [Unwritten::StayInTheCache, Unwritten::Go] {
        // The log is synced once; the database syncs its pages, and then what points to them.
        for (by, least) in [(By::Log, 1), (By::Database, 2)] {
            let mut met = 0;
            while survives(unwritten, by, met + 1).await {
                met += 1;
            }
            assert!(met >= least, "{unwritten:?} {by:?} {met}");
        }
    }
}

#[tokio::test]
async fn a_change_that_failed_and_is_found_done_is_on_the_disk() {
    for unwritten in [Unwritten::StayInTheCache, Unwritten::Go] {
        for (by, failing) in [(By::Log, 1), (By::Database, 1), (By::Database, 2), (By::Database, 3)] {
            let disk = Disk::empty(unwritten);
            let index = disk.open();
            create(&index, "before").await.unwrap();
            disk.with(|state| state.fails_in = failing);
            let _ = create_by(by, &index, "during").await;
            disk.with(|state| state.fails_in = 0);
            let seen = exists(&index, "during");
            assert_eq!(seen, exists(&disk.after_a_power_cut().open(), "during"), "{unwritten:?} {by:?} {failing}");
            ensure(&index, "during").await;
            let started = disk.after_a_power_cut().open();
            assert!(exists(&started, "before") && exists(&started, "during"), "{unwritten:?} {by:?} {failing}");
        }
    }
}

#[tokio::test]
async fn two_syncs_in_a_row_may_fail() {
    for unwritten in [Unwritten::StayInTheCache, Unwritten::Go] {
        let disk = Disk::empty(unwritten);
        let index = disk.open();
        create(&index, "before").await.unwrap();
        for name in ["first", "second"] {
            disk.with(|state| state.fails_in = 1);
            assert!(create(&index, name).await.is_err());
            let started = disk.after_a_power_cut().open();
            for name in ["before", "first", "second"] {
                assert_eq!(exists(&started, name), exists(&index, name), "{unwritten:?} {name}");
            }
        }
        create(&index, "after").await.unwrap();
        let started = disk.after_a_power_cut().open();
        assert!(exists(&started, "before") && exists(&started, "after"));
        for name in ["first", "second"] {
            assert_eq!(exists(&started, name), exists(&index, name), "{unwritten:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_power_cut_in_the_middle_of_any_sync_takes_nothing_acknowledged() {
    const GROUPS: u32 = 12;
    let name = |group: u32| format!("group-{group}");
    let disk = Disk::empty(Unwritten::Go);
    let index = disk.open();
    disk.with(|state| state.cuts = Some(Vec::new()));
    for group in 0..GROUPS {
        let by = if group % 5 == 4 { By::Database } else { By::Log };
        create_by(by, &index, &name(group)).await.unwrap();
        disk.with(|state| state.acknowledged = group + 1);
    }
    let cuts = disk.with(|state| state.cuts.take()).unwrap();
    assert!(cuts.len() > GROUPS as usize);
    for (at, (acknowledged, disk)) in cuts.into_iter().enumerate() {
        let index = disk.open();
        for group in 0..acknowledged {
            assert!(exists(&index, &name(group)), "group {group}, of {acknowledged} at sync {at}");
        }
        let on_its_way = exists(&index, &name(acknowledged));
        assert!(!exists(&index, &name(acknowledged + 1)));
        // And it goes on from there.
        create(&index, "after").await.unwrap();
        create(&index, "later").await.unwrap();
        let started = disk.after_a_power_cut().open();
        assert!(
            exists(&started, "after")
                && exists(&started, "later")
                && exists(&started, &name(0)) == (acknowledged > 0 || on_its_way)
        );
        assert_eq!(exists(&started, &name(acknowledged)), on_its_way);
    }
}

#[tokio::test]
async fn what_was_not_synced_is_lost_with_the_power() {
    let disk = Disk::empty(Unwritten::Go);
    let index = disk.open();
    create(&index, "before").await.unwrap();
    let before = disk.after_a_power_cut();
    create(&index, "after").await.unwrap();
    let started = before.open();
    assert!(exists(&started, "before") && !exists(&started, "after"));
}
