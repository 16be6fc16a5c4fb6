//! The index as `store check` sees it: every record and every row, without a grant, for nobody is served from here.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use gatepass_protocol::s3::checksum::Checksum;
use gatepass_protocol::s3::names::Etag;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTableMetadata, StorageBackend};
use serde::de::DeserializeOwned;

use super::disk::Disk;
use super::handle::CACHE_BYTES;
use super::journal::Journal;
use super::overlay::Overlay;
use super::records::{BodyRecord, LayoutPart, decode};
use super::{
    BucketRecord, FILE_NAME, Failure, IndexError, ObjectRecord, PartRecord, Piece, Snapshot, UploadRecord, Version,
    tables, wal,
};
use crate::blobs::{BlobId, Boot};
use crate::config::Fsync;

/// How many rows are counted at a time: some 100 MiB.
const WINDOW_ROWS: usize = 4 * 1024 * 1024;

/// Whether the file may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadOnly,
    Repair,
}

/// An index that no store serves.
pub(crate) struct Offline {
    database: Database,
    journal: Journal,
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Bucket(String),
    Object {
        bucket: String,
        key: String,
    },
    /// A version that is no longer the object, or a delete marker.
    Version {
        bucket: String,
        key: String,
        rank: u64,
    },
    Upload {
        bucket: String,
        key: String,
        upload: String,
    },
    Part {
        upload: String,
        number: u16,
    },
    Layout(u64),
}

/// What a record says, as far as it can be read.
pub(crate) enum Audited {
    Bucket,
    Upload,
    DeleteMarker,
    /// A body, and what is known of it.
    Body(AuditedBody),
    /// The record cannot be read; it may name anything.
    Unreadable(Failure),
}

/// A body that a record names.
pub(crate) struct AuditedBody {
    pub(crate) size: u64,
    pub(crate) etag: Etag,
    pub(crate) checksum: Option<Checksum>,
    pub(super) body: BodyRecord,
}

/// A row that records name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    Small(u64),
    Layout(u64),
    Blob(BlobId),
}

/// A row and how often it is named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) row: Row,
    /// What the index says, where it counts.
    pub(crate) recorded: u64,
    pub(crate) found: u64,
}

/// What repairs a row.
#[derive(Debug, Clone)]
pub(crate) enum Mend {
    Remove(Row),
    Recount(BlobId, u64),
    RemoveUpload { bucket: String, key: String, upload: String },
    RemovePart { upload: String, number: u16 },
}

impl Offline {
    /// Opens the index in `data`, which must exist.
    pub(crate) fn open(data: &Path, access: Access) -> Result<Self, IndexError> {
        let path = data.join(FILE_NAME);
        let database = open_database(&path, access).map_err(|source| at(path, source))?;
        Self::with_log(database, data, access)
    }

    /// Opens the index in `data` to look at it; `None` where a page of it is not what was written.
    pub(crate) fn open_intact(data: &Path) -> Result<Option<Self>, IndexError> {
        let path = data.join(FILE_NAME);
        let mut database = open_database(&path, Access::ReadOnly).map_err(|source| at(path, source))?;
        // Where not, redb may have gone back to an earlier commit.
        if !database.check_integrity().unwrap_or(false) {
            return Ok(None);
        }
        Self::with_log(database, data, Access::ReadOnly).map(Some)
    }

    fn with_log(database: Database, data: &Path, access: Access) -> Result<Self, IndexError> {
        let path = data.join(wal::FILE_NAME);
        let journal = open_log(&path, access).and_then(|log| Journal::open(&database, log, u64::MAX));
        let journal = journal.map_err(|source| at(path, source))?;
        Ok(Self { database, journal })
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot, Failure> {
        Ok(Snapshot::new(self.database.begin_read()?))
    }

    /// Changes rows in one commit.
    pub(crate) fn mend(&mut self, mends: &[Mend]) -> Result<(), Failure> {
        let transaction = self.database.begin_write()?;
        for mend in mends {
            match mend {
                Mend::Remove(Row::Small(id)) => drop(transaction.open_table(tables::SMALL)?.remove(id)?),
                Mend::Remove(Row::Layout(id)) => drop(transaction.open_table(tables::LAYOUTS)?.remove(id)?),
                Mend::Remove(Row::Blob(id)) => drop(transaction.open_table(tables::BLOBS)?.remove(id.to_bits())?),
                Mend::Recount(id, count) => {
                    drop(transaction.open_table(tables::BLOBS)?.insert(id.to_bits(), count)?);
                }
                Mend::RemoveUpload { bucket, key, upload } => {
                    let name = (bucket.as_str(), key.as_str(), upload.as_str());
                    drop(transaction.open_table(tables::UPLOADS)?.remove(name)?);
                }
                Mend::RemovePart { upload, number } => {
                    drop(transaction.open_table(tables::PARTS)?.remove((upload.as_str(), *number))?);
                }
            }
        }
        self.journal.commit(transaction, None).map_err(Failure::Storage)
    }
}

fn open_database(path: &Path, access: Access) -> Result<Database, redb::Error> {
    fs::metadata(path)?;
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    Ok(match access {
        Access::ReadOnly => builder.create_with_backend(Overlay::open(path)?)?,
        Access::Repair => builder.create_with_backend(Disk::open(path, Fsync::Always)?)?,
    })
}

fn open_log(path: &Path, access: Access) -> Result<Box<dyn StorageBackend>, redb::Error> {
    Ok(match access {
        // A backup has none, nor has the directory of an earlier version.
        Access::ReadOnly if !path.exists() => Box::new(InMemoryBackend::new()),
        Access::ReadOnly => Box::new(Overlay::open(path)?),
        Access::Repair => Box::new(Disk::open(path, Fsync::Always)?),
    })
}

fn at(path: PathBuf, source: redb::Error) -> IndexError {
    IndexError::Database { path, source: Box::new(source) }
}

impl Snapshot {
    /// The first start whose blobs carry sums.
    pub(crate) fn first_summing(&self) -> Result<Boot, Failure> {
        let counters = self.transaction.open_table(tables::COUNTERS)?;
        let number = counters.get(tables::FIRST_SUMMING_BOOT)?.map_or(u64::from(u32::MAX), |guard| guard.value());
        Ok(Boot(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// How many rows there are, and how many blobs.
    pub(crate) fn sizes(&self) -> Result<(u64, u64), Failure> {
        let objects = self.transaction.open_table(tables::OBJECTS)?.len()?;
        let small = self.transaction.open_table(tables::SMALL)?.len()?;
        let blobs = self.transaction.open_table(tables::BLOBS)?.len()?;
        let parts = self.transaction.open_table(tables::PARTS)?.len()?;
        Ok((objects + small + blobs + parts, blobs))
    }

    /// Every blob, as long as `visit` wants more.
    pub(crate) fn each_blob(&self, visit: &mut dyn FnMut(BlobId) -> ControlFlow<()>) -> Result<(), Failure> {
        let table = self.transaction.open_table(tables::BLOBS)?;
        for row in table.range::<u128>(..)? {
            if visit(BlobId::from_bits(row?.0.value())).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Writes this state into a new index in `directory`, and syncs it.
    pub(crate) fn copy_to(
        &self,
        directory: &Path,
        row: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Failure> {
        let disk = Disk::open(&directory.join(FILE_NAME), Fsync::Always).map_err(redb::Error::Io);
        let mut builder = redb::Builder::new();
        let database = disk
            .and_then(|disk| Ok(builder.set_cache_size(CACHE_BYTES).create_with_backend(disk)?))
            .map_err(Failure::Storage)?;
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        let copied = tables::copy(&self.transaction, &transaction, row).map_err(Failure::Storage)?;
        {
            // The copy goes its own way, with a log of its own.
            let mut counters = transaction.open_table(tables::COUNTERS)?;
            counters.remove(tables::LOG)?;
            counters.remove(tables::GROUP)?;
        }
        transaction.commit()?;
        Ok(copied)
    }

    /// Visits every record.
    pub(crate) fn audit(&self, visit: &mut dyn FnMut(Place, Audited)) -> Result<(), Failure> {
        let table = self.transaction.open_table(tables::BUCKETS)?;
        for row in table.range::<&str>(..)? {
            let (name, record) = row?;
            let read = read::<BucketRecord>(record.value(), |_| Audited::Bucket);
            visit(Place::Bucket(name.value().to_owned()), read);
        }
        let table = self.transaction.open_table(tables::OBJECTS)?;
        for row in table.range::<(&str, &str)>(..)? {
            let (name, record) = row?;
            let (bucket, key) = name.value();
            let place = Place::Object { bucket: bucket.to_owned(), key: key.to_owned() };
            visit(place, read(record.value(), of_object));
        }
        let table = self.transaction.open_table(tables::VERSIONS)?;
        for row in table.range::<(&str, &str, u64)>(..)? {
            let (name, record) = row?;
            let (bucket, key, rank) = name.value();
            let place = Place::Version { bucket: bucket.to_owned(), key: key.to_owned(), rank };
            visit(place, read(record.value(), of_version));
        }
        let table = self.transaction.open_table(tables::UPLOADS)?;
        for row in table.range::<(&str, &str, &str)>(..)? {
            let (name, record) = row?;
            let (bucket, key, upload) = name.value();
            let place = Place::Upload { bucket: bucket.to_owned(), key: key.to_owned(), upload: upload.to_owned() };
            visit(place, read::<UploadRecord>(record.value(), |_| Audited::Upload));
        }
        let table = self.transaction.open_table(tables::PARTS)?;
        for row in table.range::<(&str, u16)>(..)? {
            let (name, record) = row?;
            let (upload, number) = name.value();
            visit(Place::Part { upload: upload.to_owned(), number }, read(record.value(), of_part));
        }
        let table = self.transaction.open_table(tables::LAYOUTS)?;
        for row in table.range::<u64>(..)? {
            let (id, record) = row?;
            if let Err(failure) = decode::<Vec<LayoutPart>>(record.value()) {
                visit(Place::Layout(id.value()), Audited::Unreadable(failure));
            }
        }
        Ok(())
    }

    /// The pieces of a body, read as a request would read them.
    pub(crate) fn pieces_of(&self, body: &AuditedBody) -> Result<Vec<Piece>, Failure> {
        self.pieces(body.size, body.checksum.as_ref(), &body.body)
    }

    pub(crate) fn holds_bucket(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.transaction.open_table(tables::BUCKETS)?.get(name)?.is_some())
    }

    pub(crate) fn holds_blob_row(&self, id: BlobId) -> Result<bool, Failure> {
        self.names_blob(id)
    }

    /// Every row of a kind with how often records name it, in windows, so that memory is bounded: for each the records
    /// are read through once.
    pub(crate) fn count_rows(&self, visit: &mut dyn FnMut(Count)) -> Result<(), Failure> {
        self.count_in(
            &mut |after| {
                let table = self.transaction.open_table(tables::SMALL)?;
                let first = after.map_or(0, |id| u64::try_from(id).unwrap_or(u64::MAX).saturating_add(1));
                let rows = table.range(first..)?.take(WINDOW_ROWS);
                rows.map(|row| Ok((u128::from(row?.0.value()), 1))).collect()
            },
            |id| Row::Small(u64::try_from(id).unwrap_or(u64::MAX)),
            |row| if let Row::Small(id) = row { Some(u128::from(id)) } else { None },
            visit,
        )?;
        self.count_in(
            &mut |after| {
                let table = self.transaction.open_table(tables::LAYOUTS)?;
                let first = after.map_or(0, |id| u64::try_from(id).unwrap_or(u64::MAX).saturating_add(1));
                let rows = table.range(first..)?.take(WINDOW_ROWS);
                rows.map(|row| Ok((u128::from(row?.0.value()), 1))).collect()
            },
            |id| Row::Layout(u64::try_from(id).unwrap_or(u64::MAX)),
            |row| if let Row::Layout(id) = row { Some(u128::from(id)) } else { None },
            visit,
        )?;
        self.count_in(
            &mut |after| {
                let table = self.transaction.open_table(tables::BLOBS)?;
                let rows = table.range(after.map_or(0, |id| id.saturating_add(1))..)?.take(WINDOW_ROWS);
                rows.map(|row| {
                    let (id, users) = row?;
                    Ok((id.value(), users.value()))
                })
                .collect()
            },
            |id| Row::Blob(BlobId::from_bits(id)),
            |row| if let Row::Blob(id) = row { Some(id.to_bits()) } else { None },
            visit,
        )
    }

    fn count_in(
        &self,
        window: &mut dyn FnMut(Option<u128>) -> Result<Vec<(u128, u64)>, Failure>,
        row: impl Fn(u128) -> Row,
        id: impl Fn(Row) -> Option<u128>,
        visit: &mut dyn FnMut(Count),
    ) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let rows = window(after)?;
            let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else { return Ok(()) };
            let range = *first..=*last;
            let mut counts = vec![0_u32; rows.len()];
            self.rows_named(&mut |named| {
                if let Some(named) = id(named)
                    && range.contains(&named)
                    && let Ok(place) = rows.binary_search_by_key(&named, |(id, _)| *id)
                {
                    counts[place] = counts[place].saturating_add(1);
                }
            })?;
            for ((id, recorded), found) in rows.iter().zip(counts) {
                visit(Count { row: row(*id), recorded: *recorded, found: u64::from(found) });
            }
            if rows.len() < WINDOW_ROWS {
                return Ok(());
            }
            after = Some(*range.end());
        }
    }

    /// Calls for every row that a record names, once for each time. Records that cannot be read name nothing.
    fn rows_named(&self, visit: &mut dyn FnMut(Row)) -> Result<(), Failure> {
        let mut failed = None;
        self.audit(&mut |_, audited| {
            if let Audited::Body(AuditedBody { body, .. }) = audited
                && let Err(failure) = self.rows_of(&body, visit)
            {
                failed = Some(failure);
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn rows_of(&self, body: &BodyRecord, visit: &mut dyn FnMut(Row)) -> Result<(), Failure> {
        match body {
            BodyRecord::Empty | BodyRecord::Inline(_) => {}
            BodyRecord::Small(id) | BodyRecord::Summed(id, _) => visit(Row::Small(*id)),
            BodyRecord::Blob(name) => visit(Row::Blob(name.0)),
            BodyRecord::Layout(id) => {
                visit(Row::Layout(*id));
                let table = self.transaction.open_table(tables::LAYOUTS)?;
                let layout = table.get(id)?.map(|guard| decode::<Vec<LayoutPart>>(guard.value()));
                // What is missing or unreadable is a finding elsewhere.
                for part in layout.and_then(Result::ok).unwrap_or_default() {
                    self.rows_of(&part.body, visit)?;
                }
            }
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8], audited: impl FnOnce(T) -> Audited) -> Audited {
    decode(bytes).map_or_else(Audited::Unreadable, audited)
}

fn of_object(record: ObjectRecord) -> Audited {
    let ObjectRecord { etag, size, checksum, body, .. } = record;
    Audited::Body(AuditedBody { size, etag, checksum, body })
}

fn of_version(version: Version) -> Audited {
    match version {
        Version::Object(record) => of_object(record),
        Version::DeleteMarker(_) => Audited::DeleteMarker,
    }
}

fn of_part(record: PartRecord) -> Audited {
    let PartRecord { etag, size, checksum, body, .. } = record;
    Audited::Body(AuditedBody { size, etag, checksum, body })
}
