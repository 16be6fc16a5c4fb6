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

use super::handle::Handle;
use super::{BucketRecord, Failure, Index};
use crate::authorize::Authorizer;
use crate::grant::{CreateBucket, Grant, ListBucket};

const PAGE: usize = 4096;

/// What becomes of pages that could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unwritten {
    StayInTheCache,
    Go,
}

#[derive(Debug)]
struct State {
    platter: Vec<u8>,
    cache: Vec<u8>,
    dirty: BTreeSet<usize>,
    /// Which sync from now on fails; none at zero.
    fails_in: u32,
    unwritten: Unwritten,
}

/// A disk behind a cache.
#[derive(Debug, Clone)]
struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn holding(platter: Vec<u8>, unwritten: Unwritten) -> Self {
        let cache = platter.clone();
        Self(Arc::new(Mutex::new(State { platter, cache, dirty: BTreeSet::new(), fails_in: 0, unwritten })))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the next start finds when the power goes now.
    fn after_a_power_cut(&self) -> Self {
        self.with(|state| Self::holding(state.platter.clone(), state.unwritten))
    }

    fn open(&self) -> Index {
        let path = PathBuf::from("index.redb");
        let disk = self.clone();
        let handle = Handle::open(path.clone(), move || Ok(disk.clone())).unwrap();
        Index::over(handle, path).unwrap().0
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.with(|state| Ok(state.cache.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        self.with(|state| out.copy_from_slice(&state.cache[offset..offset + out.len()]));
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        self.with(|state| {
            state.cache.resize(length, 0);
            state.platter.resize(length, 0);
        });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|state| {
            let fails = state.fails_in == 1;
            state.fails_in = state.fails_in.saturating_sub(1);
            for page in std::mem::take(&mut state.dirty) {
                let end = (page * PAGE + PAGE).min(state.cache.len());
                let Some(range) = (page * PAGE < end).then_some(page * PAGE..end) else { continue };
                match (fails, state.unwritten) {
                    (false, _) => state.platter[range.clone()].copy_from_slice(&state.cache[range]),
                    (true, Unwritten::Go) => state.cache[range.clone()].copy_from_slice(&state.platter[range]),
                    (true, Unwritten::StayInTheCache) => {}
                }
            }
            if fails { Err(io::Error::other("the disk did not take it")) } else { Ok(()) }
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        self.with(|state| {
            state.cache[offset..offset + data.len()].copy_from_slice(data);
            state.dirty.extend(offset / PAGE..=(offset + data.len().max(1) - 1) / PAGE);
        });
        Ok(())
    }
}

async fn create(index: &Index, name: &str) -> Result<(), Failure> {
    let grant: Grant<CreateBucket> = Authorizer::of_the_store().grant(BucketName::parse(name).unwrap()).unwrap();
    let record = BucketRecord::new(Timestamp::UNIX_EPOCH);
    index.write(move |transaction| transaction.create_bucket(&grant, &record)).await
}

fn exists(index: &Index, name: &str) -> bool {
    let grant: Grant<ListBucket> = Authorizer::of_the_store().grant(BucketName::parse(name).unwrap()).unwrap();
    index.snapshot().unwrap().bucket(&grant).unwrap().is_some()
}

/// Whether the `failing`th sync was one of the write that was to meet it.
async fn survives(unwritten: Unwritten, failing: u32) -> bool {
    let disk = Disk::holding(Vec::new(), unwritten);
    let index = disk.open();
    create(&index, "before").await.unwrap();
    disk.with(|state| state.fails_in = failing);
    let met = create(&index, "during").await.is_err();
    disk.with(|state| state.fails_in = 0);
    for name in ["after", "later"] {
        create(&index, name).await.unwrap();
        let started = disk.after_a_power_cut().open();
        assert!(exists(&started, "before") && exists(&started, name), "{unwritten:?} {failing}");
        assert!(met || exists(&started, "during"), "{unwritten:?} {failing}");
        assert_eq!(exists(&started, "during"), exists(&index, "during"), "{unwritten:?} {failing}");
    }
    met
}

#[tokio::test]
async fn nothing_acknowledged_depends_on_what_a_failed_sync_forgot() {
    for unwritten in [Unwritten::StayInTheCache, Unwritten::Go] {
        let mut failing = 1;
        while survives(unwritten, failing).await {
            failing += 1;
        }
        assert!(failing > 2, "a commit syncs its pages, and then what points to them");
    }
}

#[tokio::test]
async fn what_was_not_synced_is_lost_with_the_power() {
    let disk = Disk::holding(Vec::new(), Unwritten::Go);
    let index = disk.open();
    create(&index, "before").await.unwrap();
    let before = disk.after_a_power_cut();
    create(&index, "after").await.unwrap();
    let started = before.open();
    assert!(exists(&started, "before") && !exists(&started, "after"));
}
