//! What lifecycle rules do to the index.
//!
//! Rules act for the bucket, not for a caller, and no policy keeps them from it; so they need no grant. They have a
//! [`Sweep`] in its place: it stands for one bucket and the rules that it had, and a change is made only while it has
//! them still.

use gatepass_protocol::s3::names::BucketName;
use jiff::Timestamp;
use redb::ReadableTable;

use super::records::decode;
use super::{Failure, ObjectRecord, Snapshot, Transaction, UploadRecord, Version, tables};
use crate::grant::{Grant, PutLifecycleConfiguration};

/// The rules of one bucket, as they were read.
#[derive(Debug, Clone)]
pub(crate) struct Sweep {
    bucket: BucketName,
    document: String,
}

impl Sweep {
    pub(crate) fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// The rules as XML.
    pub(crate) fn document(&self) -> &str {
        &self.document
    }
}

/// An object as a sweep has seen it.
#[derive(Debug)]
pub(crate) struct SeenObject {
    pub(crate) key: String,
    pub(crate) record: ObjectRecord,
}

/// A version that is not the object, as a sweep has seen it.
#[derive(Debug)]
pub(crate) struct SeenVersion {
    pub(crate) key: String,
    pub(crate) version: Version,
    pub(crate) standing: Standing,
}

/// How a version stands to the others of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Something took its place at a moment, and so many versions that are not the current one are newer.
    Noncurrent { replaced: Timestamp, newer: u32 },
    /// A delete marker behind which no version is left.
    LoneMarker,
    /// A delete marker that hides versions.
    HidingMarker,
}

/// Where a page of versions ends, and what the next one has to know of it.
#[derive(Debug, Clone)]
pub(crate) struct VersionCursor {
    key: String,
    rank: u64,
    /// When the version was written that the page ends with.
    modified: Timestamp,
    /// How many versions of its key, this one among them, are not the current one.
    noncurrent: u32,
}

/// An upload as a sweep has seen it.
#[derive(Debug)]
pub(crate) struct SeenUpload {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) record: UploadRecord,
}

impl Snapshot {
    /// Every bucket that has rules.
    pub(crate) fn sweeps(&self) -> Result<Vec<Sweep>, Failure> {
        let table = self.transaction.open_table(tables::LIFECYCLES)?;
        let mut sweeps = Vec::new();
        for row in table.range::<&str>(..)? {
            let (bucket, document) = row?;
            let Ok(bucket) = BucketName::parse(bucket.value()) else { continue };
            sweeps.push(Sweep { bucket, document: document.value().to_owned() });
        }
        Ok(sweeps)
    }

    /// The rules of one bucket.
    pub(crate) fn sweep(&self, bucket: &BucketName) -> Result<Option<Sweep>, Failure> {
        let table = self.transaction.open_table(tables::LIFECYCLES)?;
        let document = table.get(bucket.as_str())?.map(|document| document.value().to_owned());
        Ok(document.map(|document| Sweep { bucket: bucket.clone(), document }))
    }

    /// Up to `limit` objects of the bucket with keys after `after`.
    pub(crate) fn objects_to_sweep(
        &self,
        sweep: &Sweep,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<SeenObject>, Failure> {
        let table = self.transaction.open_table(tables::OBJECTS)?;
        let bucket = sweep.bucket.as_str();
        let mut seen = Vec::new();
        for row in table.range((bucket, after.unwrap_or_default())..)? {
            let (name, record) = row?;
            let (of, key) = name.value();
            if of != bucket || seen.len() == limit {
                break;
            }
            if after != Some(key) {
                seen.push(SeenObject { key: key.to_owned(), record: decode(record.value())? });
            }
        }
        Ok(seen)
    }

    /// Up to `limit` versions of the bucket after a page, and where this one ends.
    pub(crate) fn versions_to_sweep(
        &self,
        sweep: &Sweep,
        after: Option<&VersionCursor>,
        limit: usize,
    ) -> Result<(Vec<SeenVersion>, Option<VersionCursor>), Failure> {
        let tables = self.version_tables()?;
        let bucket = sweep.bucket.as_str();
        let (from_key, from_rank) = after.map_or(("", 0), |after| (after.key.as_str(), after.rank + 1));
        let mut rows = tables.versions.range((bucket, from_key, from_rank)..)?.peekable();
        let mut seen = Vec::new();
        let mut before = after.cloned();
        while seen.len() < limit
            && let Some(row) = rows.next()
        {
            let (name, record) = row?;
            let (of, key, rank) = name.value();
            if of != bucket {
                break;
            }
            let version: Version = decode(record.value())?;
            let newest = if let Some(newer) = before.filter(|before| before.key == key) {
                Some((newer.modified, newer.noncurrent))
            } else {
                let current: Option<ObjectRecord> = self.read(tables::OBJECTS, (bucket, key))?;
                current.map(|current| (current.modified, 0))
            };
            let standing = match newest {
                Some((replaced, newer)) => Standing::Noncurrent { replaced, newer },
                None => match rows.peek() {
                    Some(Ok((next, _))) if (next.value().0, next.value().1) == (bucket, key) => Standing::HidingMarker,
                    _ => Standing::LoneMarker,
                },
            };
            let noncurrent = newest.map_or(0, |(_, newer)| newer.saturating_add(1));
            before = Some(VersionCursor { key: key.to_owned(), rank, modified: version.modified(), noncurrent });
            seen.push(SeenVersion { key: key.to_owned(), version, standing });
        }
        let end = if seen.is_empty() { None } else { before };
        Ok((seen, end))
    }

    /// Up to `limit` uploads of the bucket after this key and id.
    pub(crate) fn uploads_to_sweep(
        &self,
        sweep: &Sweep,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<SeenUpload>, Failure> {
        let table = self.transaction.open_table(tables::UPLOADS)?;
        let bucket = sweep.bucket.as_str();
        let (from_key, from_id) = after.unwrap_or_default();
        let mut seen = Vec::new();
        for row in table.range((bucket, from_key, from_id)..)? {
            let (name, record) = row?;
            let (of, key, id) = name.value();
            if of != bucket || seen.len() == limit {
                break;
            }
            if after != Some((key, id)) {
                seen.push(SeenUpload { key: key.to_owned(), id: id.to_owned(), record: decode(record.value())? });
            }
        }
        Ok(seen)
    }
}

impl Transaction<'_> {
    /// Gives a bucket other rules, or none.
    pub(crate) fn put_lifecycle(
        &mut self,
        grant: &Grant<PutLifecycleConfiguration>,
        document: Option<&str>,
    ) -> Result<(), Failure> {
        self.effects.changes += 1;
        match document {
            Some(document) => drop(self.lifecycles.insert(grant.bucket().as_str(), document)?),
            None => drop(self.lifecycles.remove(grant.bucket().as_str())?),
        }
        Ok(())
    }

    /// Removes those objects that are still what the sweep has seen, by a delete marker where the bucket keeps versions,
    /// and tells how many.
    pub(crate) fn expire_objects(
        &mut self,
        sweep: &Sweep,
        seen: &[SeenObject],
        now: Timestamp,
    ) -> Result<u64, Failure> {
        if !self.still_has(sweep)? {
            return Ok(0);
        }
        let bucket = sweep.bucket.as_str();
        let mut expired = 0;
        for SeenObject { key, record } in seen {
            let current: Option<ObjectRecord> =
                self.objects.get((bucket, key.as_str()))?.map(|bytes| decode(bytes.value())).transpose()?;
            if current.as_ref() != Some(record) {
                continue;
            }
            self.delete_current(bucket, key, now)?;
            expired += 1;
        }
        Ok(expired)
    }

    /// Removes those versions for good that are still there and still stand so, and tells how many.
    pub(crate) fn expire_versions(&mut self, sweep: &Sweep, seen: &[SeenVersion]) -> Result<u64, Failure> {
        if !self.still_has(sweep)? {
            return Ok(0);
        }
        let bucket = sweep.bucket.as_str();
        let mut expired = 0;
        for SeenVersion { key, version, standing } in seen {
            expired += u64::from(self.expire_version(bucket, key, version, *standing)?);
        }
        Ok(expired)
    }

    /// Aborts those uploads that are still there, and tells how many.
    pub(crate) fn expire_uploads(&mut self, sweep: &Sweep, seen: &[SeenUpload]) -> Result<u64, Failure> {
        if !self.still_has(sweep)? {
            return Ok(0);
        }
        let bucket = sweep.bucket.as_str();
        let mut aborted = 0;
        for SeenUpload { key, id, .. } in seen {
            if self.uploads.get((bucket, key.as_str(), id.as_str()))?.is_none() {
                continue;
            }
            self.remove_upload(bucket, key, id)?;
            aborted += 1;
        }
        Ok(aborted)
    }

    /// Rules that have been replaced since they were read decide nothing any more.
    fn still_has(&self, sweep: &Sweep) -> Result<bool, Failure> {
        let document = self.lifecycles.get(sweep.bucket.as_str())?;
        Ok(document.is_some_and(|document| document.value() == sweep.document))
    }
}
