//! Versions: where they are, how one takes the place of another, and how they are listed.
//!
//! The object that a read without a version finds is alone in the table of objects, whatever lies behind it: reading and
//! listing cost what they cost in a bucket that keeps no versions. All other versions, and every delete marker, stand in a
//! table of their own, the newest of a key first.

use std::ops::Bound;

use gatepass_protocol::s3::names::VersionId;
use gatepass_protocol::s3::tagging::TagSet;
use gatepass_protocol::s3::xml::settings::Versioning;
use jiff::Timestamp;
use redb::{ReadOnlyTable, ReadableTable, Table};
use serde::{Deserialize, Serialize};

use super::listing::{Listed, Position, Scan};
use super::records::{VersionStamp, decode, encode};
use super::sweep::Standing;
use super::{BucketRecord, Failure, ObjectRecord, Snapshot, Transaction, serial, tables};
use crate::grant::{
    Action, DeleteObject, DeleteObjectVersion, Grant, ListBucketVersions, ObjectName, ObjectVersion, Reading,
    RetagsVersion,
};

/// Where a version stands among those of its key: the newest lowest.
type Rank = u64;

fn rank_of(sequence: u64) -> Rank {
    Rank::MAX - sequence
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly every version is an object, and none is kept for long")]
pub(crate) enum Version {
    Object(ObjectRecord),
    DeleteMarker(MarkerRecord),
}

/// That an object was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MarkerRecord {
    #[serde(rename = "v", alias = "version")]
    pub(crate) version: VersionStamp,
    #[serde(rename = "m", alias = "modified", with = "serial::timestamp")]
    pub(crate) modified: Timestamp,
}

impl ObjectRecord {
    fn stamp(&self) -> VersionStamp {
        self.version.unwrap_or(VersionStamp::UNVERSIONED)
    }
}

impl Version {
    fn stamp(&self) -> VersionStamp {
        match self {
            Self::Object(record) => record.stamp(),
            Self::DeleteMarker(marker) => marker.version,
        }
    }

    pub(crate) fn id(&self) -> VersionId {
        self.stamp().id()
    }

    pub(crate) fn modified(&self) -> Timestamp {
        match self {
            Self::Object(record) => record.modified,
            Self::DeleteMarker(marker) => marker.modified,
        }
    }

    pub(crate) fn into_object(self) -> Option<ObjectRecord> {
        match self {
            Self::Object(record) => Some(record),
            Self::DeleteMarker(_) => None,
        }
    }

    pub(crate) fn object(&self) -> Option<&ObjectRecord> {
        match self {
            Self::Object(record) => Some(record),
            Self::DeleteMarker(_) => None,
        }
    }
}

/// What a delete did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Deleted {
    /// The delete marker that was made, or that was the version which is gone now.
    pub(crate) marker: Option<VersionId>,
}

/// A page of versions and delete markers, each with whether it is the latest of its key.
#[derive(Debug)]
pub(crate) struct VersionPage {
    pub(crate) entries: Vec<Listed<(Version, bool)>>,
    /// The last entry's key (or common prefix) and version, when more follow.
    pub(crate) next: Option<(String, Option<VersionId>)>,
}

/// The tables that versions are looked for in, of a snapshot or of a transaction.
pub(super) struct Tables<O, V, N> {
    pub(super) objects: O,
    pub(super) versions: V,
    nulls: N,
}

pub(super) type SnapshotTables = Tables<
    ReadOnlyTable<(&'static str, &'static str), &'static [u8]>,
    ReadOnlyTable<(&'static str, &'static str, u64), &'static [u8]>,
    ReadOnlyTable<(&'static str, &'static str), u64>,
>;

impl<O, V, N> Tables<O, V, N> {
    fn borrowed(&self) -> Tables<&O, &V, &N> {
        Tables { objects: &self.objects, versions: &self.versions, nulls: &self.nulls }
    }
}

impl<O, V, N> Tables<&O, &V, &N>
where
    O: ReadableTable<(&'static str, &'static str), &'static [u8]>,
    V: ReadableTable<(&'static str, &'static str, u64), &'static [u8]>,
    N: ReadableTable<(&'static str, &'static str), u64>,
{
    fn current(&self, bucket: &str, key: &str) -> Result<Option<ObjectRecord>, Failure> {
        self.objects.get((bucket, key))?.map(|bytes| decode(bytes.value())).transpose()
    }

    /// The newest version that is not the object.
    fn newest_past(&self, bucket: &str, key: &str) -> Result<Option<Version>, Failure> {
        let first = self.versions.range((bucket, key, Rank::MIN)..=(bucket, key, Rank::MAX))?.next();
        first.map(|row| decode(row?.1.value())).transpose()
    }

    fn find(&self, bucket: &str, key: &str, id: VersionId) -> Result<Option<Version>, Failure> {
        if let Some(current) = self.current(bucket, key)?
            && current.stamp().id() == id
        {
            return Ok(Some(Version::Object(current)));
        }
        let rank = match id {
            VersionId::Of { sequence, .. } => Some(rank_of(sequence)),
            VersionId::Null => self.nulls.get((bucket, key))?.map(|rank| rank.value()),
        };
        let Some(rank) = rank else { return Ok(None) };
        let found: Option<Version> =
            self.versions.get((bucket, key, rank))?.map(|bytes| decode(bytes.value())).transpose()?;
        // The random half of an id counts, too.
        Ok(found.filter(|version| version.id() == id))
    }
}

impl Snapshot {
    /// What a read finds: the object or the version that was asked for, or the delete marker that is in its place.
    pub(crate) fn readable(&self, reading: &Reading) -> Result<Option<Version>, Failure> {
        let (bucket, key) = (reading.bucket().as_str(), reading.key().as_str());
        if reading.version().is_none()
            && let Some(current) = self.current(bucket, key)?
        {
            // Nearly every read ends here, and opens one table.
            return Ok(Some(Version::Object(current)));
        }
        let tables = self.version_tables()?;
        match reading.version() {
            None => tables.borrowed().newest_past(bucket, key),
            Some(id) => tables.borrowed().find(bucket, key, id),
        }
    }

    fn current(&self, bucket: &str, key: &str) -> Result<Option<ObjectRecord>, Failure> {
        self.read(tables::OBJECTS, (bucket, key))
    }

    pub(super) fn version_tables(&self) -> Result<SnapshotTables, Failure> {
        Ok(Tables {
            objects: self.transaction.open_table(tables::OBJECTS)?,
            versions: self.transaction.open_table(tables::VERSIONS)?,
            nulls: self.transaction.open_table(tables::NULLS)?,
        })
    }

    pub(crate) fn version<A: Action<Resource = ObjectVersion>>(
        &self,
        grant: &Grant<A>,
    ) -> Result<Option<Version>, Failure> {
        let tables = self.version_tables()?;
        tables.borrowed().find(grant.bucket().as_str(), grant.key().as_str(), grant.version())
    }

    /// The tags of an object or of one version of it, for those who decide on grants.
    pub(crate) fn tags_for_policies(&self, name: &ObjectName, version: Option<VersionId>) -> Result<TagSet, Failure> {
        let (bucket, key) = (name.bucket.as_str(), name.key.as_str());
        let found = match version {
            None => self.current(bucket, key)?,
            Some(id) => self.version_tables()?.borrowed().find(bucket, key, id)?.and_then(Version::into_object),
        };
        Ok(found.map(|record| record.tags).unwrap_or_default())
    }

    /// Versions by key, the newest first. `scan.after` alone leaves out all versions of that key; with `after_version` it
    /// leaves out those up to and including this one.
    pub(crate) fn list_versions(
        &self,
        grant: &Grant<ListBucketVersions>,
        scan: Scan<'_>,
        after_version: Option<VersionId>,
    ) -> Result<VersionPage, Failure> {
        let bucket = grant.bucket().as_str();
        let tables = self.version_tables()?;
        let tables = tables.borrowed();
        let mut page = VersionPage { entries: Vec::new(), next: None };
        let mut position = Position::start(scan);
        loop {
            let Some(from) = position.from() else { return Ok(page) };
            let Some(key) = tables.next_key(bucket, from)?.filter(|key| key.starts_with(scan.prefix)) else {
                return Ok(page);
            };
            let is_marker = scan.after == Some(key.as_str());
            if position.skips(&key) && !(is_marker && after_version.is_some()) {
                position = Position::after(&key);
                continue;
            }
            if let Some(common) = scan.common_prefix(&key) {
                if page.entries.len() == scan.limit {
                    page.next = page.last();
                    return Ok(page);
                }
                page.entries.push(Listed::CommonPrefix(common.to_owned()));
                position = Position::behind(common);
                continue;
            }
            let after = if is_marker { after_version } else { None };
            if tables.list_key(bucket, &key, after, scan.limit, &mut page)? {
                page.next = page.last();
                return Ok(page);
            }
            position = Position::after(&key);
        }
    }
}

impl VersionPage {
    fn last(&self) -> Option<(String, Option<VersionId>)> {
        self.entries.last().map(|entry| match entry {
            Listed::Entry(key, (version, _)) => (key.clone(), Some(version.id())),
            Listed::CommonPrefix(common) => (common.clone(), None),
        })
    }
}

impl<O, V, N> Tables<&O, &V, &N>
where
    O: ReadableTable<(&'static str, &'static str), &'static [u8]>,
    V: ReadableTable<(&'static str, &'static str, u64), &'static [u8]>,
    N: ReadableTable<(&'static str, &'static str), u64>,
{
    /// The first key from `from` on of which there is any version.
    fn next_key(&self, bucket: &str, from: &str) -> Result<Option<String>, Failure> {
        let mut next: Option<String> = None;
        if let Some(row) = self.objects.range((bucket, from)..)?.next() {
            let row = row?.0;
            let (of, key) = row.value();
            next = (of == bucket).then(|| key.to_owned());
        }
        if let Some(row) = self.versions.range((bucket, from, Rank::MIN)..)?.next() {
            let row = row?.0;
            let (of, key, _) = row.value();
            if of == bucket && next.as_deref().is_none_or(|next| key < next) {
                next = Some(key.to_owned());
            }
        }
        Ok(next)
    }

    /// Adds the versions of one key that are older than `after`, and says whether there was one that found no room.
    fn list_key(
        &self,
        bucket: &str,
        key: &str,
        after: Option<VersionId>,
        limit: usize,
        page: &mut VersionPage,
    ) -> Result<bool, Failure> {
        let after = match after {
            None => None,
            Some(VersionId::Of { sequence, .. }) => Some(sequence),
            // A null version that is gone was the oldest or not: nothing can be said to come after it.
            Some(VersionId::Null) => {
                Some(self.find(bucket, key, VersionId::Null)?.map_or(0, |null| null.stamp().sequence))
            }
        };
        let is_older = |stamp: VersionStamp| after.is_none_or(|after| stamp.sequence < after);
        let mut push = |version: Version, is_latest: bool| {
            if page.entries.len() == limit {
                return true;
            }
            page.entries.push(Listed::Entry(key.to_owned(), (version, is_latest)));
            false
        };
        let current = self.current(bucket, key)?;
        let mut is_latest = current.is_none();
        if let Some(current) = current
            && is_older(current.stamp())
            && push(Version::Object(current), true)
        {
            return Ok(true);
        }
        // What earlier pages told is passed over by its rank, and not read again for each page.
        let from = match after {
            None => Bound::Included((bucket, key, Rank::MIN)),
            Some(after) => {
                let told = (bucket, key, rank_of(after));
                is_latest &= self.versions.range((bucket, key, Rank::MIN)..=told)?.next().is_none();
                Bound::Excluded(told)
            }
        };
        for row in self.versions.range((from, Bound::Included((bucket, key, Rank::MAX))))? {
            let version: Version = decode(row?.1.value())?;
            if push(version, is_latest) {
                return Ok(true);
            }
            is_latest = false;
        }
        Ok(false)
    }
}

type ObjectTable<'t> = Table<'t, (&'static str, &'static str), &'static [u8]>;
type VersionTable<'t> = Table<'t, (&'static str, &'static str, u64), &'static [u8]>;
type NullTable<'t> = Table<'t, (&'static str, &'static str), u64>;

impl<'t> Transaction<'t> {
    fn version_tables(&self) -> Tables<&ObjectTable<'t>, &VersionTable<'t>, &NullTable<'t>> {
        Tables { objects: &*self.objects, versions: &*self.versions, nulls: &*self.nulls }
    }

    /// What a copy reads.
    pub(crate) fn readable(&self, reading: &Reading) -> Result<Option<Version>, Failure> {
        let (bucket, key) = (reading.bucket().as_str(), reading.key().as_str());
        match reading.version() {
            Some(id) => self.version_tables().find(bucket, key, id),
            None => match self.version_tables().current(bucket, key)? {
                Some(record) => Ok(Some(Version::Object(record))),
                None => self.version_tables().newest_past(bucket, key),
            },
        }
    }

    pub(crate) fn version<A: Action<Resource = ObjectVersion>>(
        &self,
        grant: &Grant<A>,
    ) -> Result<Option<Version>, Failure> {
        self.version_tables().find(grant.bucket().as_str(), grant.key().as_str(), grant.version())
    }

    /// Deletes an object; where its bucket keeps versions, by a marker that says so.
    pub(crate) fn delete_object(&mut self, grant: &Grant<DeleteObject>, now: Timestamp) -> Result<Deleted, Failure> {
        self.delete_current(grant.bucket().as_str(), grant.key().as_str(), now)
    }

    pub(super) fn delete_current(&mut self, bucket: &str, key: &str, now: Timestamp) -> Result<Deleted, Failure> {
        let Some(state) = self.versioning(bucket)? else {
            if let Some(record) = self.take_current(bucket, key)? {
                self.release_body(&record.body)?;
            }
            return Ok(Deleted::default());
        };
        let version = self.retire(bucket, key, state)?;
        self.insert_past(bucket, key, &Version::DeleteMarker(MarkerRecord { version, modified: now }))?;
        Ok(Deleted { marker: Some(version.id()) })
    }

    /// Deletes one version for good. One that is not there is deleted already. What was written before it becomes the
    /// object again, if it was the latest.
    pub(crate) fn delete_version(&mut self, grant: &Grant<DeleteObjectVersion>) -> Result<Deleted, Failure> {
        let (bucket, key) = (grant.bucket().as_str(), grant.key().as_str());
        let Some(version) = self.version(grant)? else { return Ok(Deleted::default()) };
        let is_current =
            self.version_tables().current(bucket, key)?.is_some_and(|record| record.stamp() == version.stamp());
        if is_current {
            self.take_current(bucket, key)?;
        } else {
            self.remove_past(bucket, key, version.stamp())?;
        }
        let marker = match &version {
            Version::Object(record) => {
                self.release_body(&record.body)?;
                None
            }
            Version::DeleteMarker(marker) => Some(marker.version.id()),
        };
        self.promote(bucket, key)?;
        Ok(Deleted { marker })
    }

    /// Removes a version that a sweep has seen, provided that it is as it was and does not stand for its key: one that has
    /// become the object again stays, and so does a delete marker that hides something.
    pub(super) fn expire_version(
        &mut self,
        bucket: &str,
        key: &str,
        version: &Version,
        standing: Standing,
    ) -> Result<bool, Failure> {
        let rank = rank_of(version.stamp().sequence);
        let now: Option<Version> =
            self.versions.get((bucket, key, rank))?.map(|bytes| decode(bytes.value())).transpose()?;
        let newer = (bucket, key, Rank::MIN)..(bucket, key, rank);
        let older = (Bound::Excluded((bucket, key, rank)), Bound::Included((bucket, key, Rank::MAX)));
        let is_newest =
            self.version_tables().current(bucket, key)?.is_none() && self.versions.range(newer)?.next().is_none();
        let stands_so = match standing {
            Standing::Noncurrent { .. } => !is_newest,
            Standing::LoneMarker => is_newest && self.versions.range(older)?.next().is_none(),
            Standing::HidingMarker => false,
        };
        if !stands_so || now.as_ref() != Some(version) {
            return Ok(false);
        }
        self.remove_past(bucket, key, version.stamp())?;
        if let Version::Object(record) = version {
            self.release_body(&record.body)?;
        }
        Ok(true)
    }

    /// Gives one version, where there is one that is no delete marker, other tags.
    pub(crate) fn tag_version<A: RetagsVersion>(&mut self, grant: &Grant<A>, tags: TagSet) -> Result<(), Failure> {
        let (bucket, key) = (grant.bucket().as_str(), grant.key().as_str());
        let Some(Version::Object(record)) = self.version(grant)? else { return Ok(()) };
        let is_current = self.version_tables().current(bucket, key)?.as_ref() == Some(&record);
        let record = ObjectRecord { tags, ..record };
        self.effects.changes += 1;
        if is_current {
            self.objects.insert((bucket, key), encode(&record).as_slice())?;
        } else {
            let rank = rank_of(record.stamp().sequence);
            self.versions.insert((bucket, key, rank), encode(&Version::Object(record)).as_slice())?;
        }
        Ok(())
    }

    /// Whether a bucket has anything in the table of versions.
    pub(super) fn holds_versions(&self, bucket: &str) -> Result<bool, Failure> {
        match self.versions.range((bucket, "", Rank::MIN)..)?.next() {
            Some(first) => Ok(first?.0.value().0 == bucket),
            None => Ok(false),
        }
    }

    /// Makes room for a new version, and says which one it is; `None` where the bucket keeps no versions, and the new
    /// object takes the place of the old one.
    pub(super) fn make_room(&mut self, bucket: &str, key: &str) -> Result<Option<VersionStamp>, Failure> {
        match self.versioning(bucket)? {
            None => Ok(None),
            Some(state) => self.retire(bucket, key, state).map(Some),
        }
    }

    fn versioning(&self, bucket: &str) -> Result<Option<Versioning>, Failure> {
        let record: Option<BucketRecord> = self.buckets.get(bucket)?.map(|bytes| decode(bytes.value())).transpose()?;
        Ok(record.and_then(|record| record.versioning))
    }

    /// Moves the object among the past versions. While versions are suspended there is one null version at most, and what
    /// comes next is it.
    fn retire(&mut self, bucket: &str, key: &str, state: Versioning) -> Result<VersionStamp, Failure> {
        if state == Versioning::Suspended {
            self.remove_past_null(bucket, key)?;
        }
        if let Some(current) = self.take_current(bucket, key)? {
            if state == Versioning::Suspended && current.stamp().random.is_none() {
                self.release_body(&current.body)?;
            } else {
                self.insert_past(bucket, key, &Version::Object(current))?;
            }
        }
        self.next_stamp(state)
    }

    fn next_stamp(&mut self, state: Versioning) -> Result<VersionStamp, Failure> {
        let before = self.counters.get(tables::VERSION)?.map_or(0, |last| last.value());
        let sequence = before + 1;
        self.counters.insert(tables::VERSION, sequence)?;
        let random = match state {
            Versioning::Suspended => None,
            Versioning::Enabled => Some(getrandom::u64().map_err(|_| Failure::NoRandomness)?),
        };
        Ok(VersionStamp { sequence, random })
    }

    fn take_current(&mut self, bucket: &str, key: &str) -> Result<Option<ObjectRecord>, Failure> {
        let record: Option<ObjectRecord> =
            self.objects.remove((bucket, key))?.map(|bytes| decode(bytes.value())).transpose()?;
        self.effects.changes += u64::from(record.is_some());
        Ok(record)
    }

    fn insert_past(&mut self, bucket: &str, key: &str, version: &Version) -> Result<(), Failure> {
        let stamp = version.stamp();
        let rank = rank_of(stamp.sequence);
        self.effects.changes += 1;
        self.versions.insert((bucket, key, rank), encode(version).as_slice())?;
        if stamp.random.is_none() {
            self.nulls.insert((bucket, key), rank)?;
        }
        Ok(())
    }

    fn remove_past(&mut self, bucket: &str, key: &str, stamp: VersionStamp) -> Result<(), Failure> {
        self.effects.changes += 1;
        self.versions.remove((bucket, key, rank_of(stamp.sequence)))?;
        if stamp.random.is_none() {
            self.nulls.remove((bucket, key))?;
        }
        Ok(())
    }

    fn remove_past_null(&mut self, bucket: &str, key: &str) -> Result<(), Failure> {
        let Some(rank) = self.nulls.get((bucket, key))?.map(|rank| rank.value()) else { return Ok(()) };
        let null: Option<Version> =
            self.versions.get((bucket, key, rank))?.map(|bytes| decode(bytes.value())).transpose()?;
        let Some(null) = null else { return Err(Failure::MissingRow("versions")) };
        self.remove_past(bucket, key, null.stamp())?;
        match null {
            Version::Object(record) => self.release_body(&record.body),
            Version::DeleteMarker(_) => Ok(()),
        }
    }

    /// Where a key has no object and its newest version is one, it is the object again.
    fn promote(&mut self, bucket: &str, key: &str) -> Result<(), Failure> {
        if self.version_tables().current(bucket, key)?.is_some() {
            return Ok(());
        }
        let Some(Version::Object(record)) = self.version_tables().newest_past(bucket, key)? else { return Ok(()) };
        self.remove_past(bucket, key, record.stamp())?;
        self.objects.insert((bucket, key), encode(&record).as_slice())?;
        Ok(())
    }
}
