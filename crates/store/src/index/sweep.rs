//! What lifecycle rules do to the index.
//!
//! Rules act for the bucket, not for a caller, and no policy keeps them from it; so they need no grant. They have a
//! [`Sweep`] in its place: it stands for one bucket and the rules that it had, and a change is made only while it has
//! them still.

use gatepass_protocol::s3::names::BucketName;
use jiff::Timestamp;
use redb::ReadableTable;

use super::records::decode;
use super::{Failure, ObjectRecord, Snapshot, Transaction, UploadRecord, tables};
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
