//! Looking through a store that nobody serves: does everything that a record names exist, is everything that exists named,
//! and are the bytes those that were written?
//!
//! Without [`Repair::Provable`] nothing is written at all. With it goes what nothing can need, and counts are corrected; no
//! object is ever removed or changed.

mod bodies;
mod report;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use report::{CheckReport, Finding, FindingKind, MAX_FINDINGS};

use crate::blobs::{BlobId, Blobs};
use crate::index::{Access, Audited, Count, Failure, Index, Mend, Offline, Place, Row, Snapshot};
use crate::store::{OpenError, lock};
use bodies::Bodies;

/// How many rows one commit of a repair changes.
const MENDS_PER_COMMIT: usize = 10_000;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Records and rows, and that files are there and as long as they should be.
    Metadata,
    /// Every byte besides.
    Bodies,
}

/// What is done about what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// Nothing.
    No,
    /// What is provably right: rows and files that nothing names go, counts are corrected.
    Provable,
}

/// Why a store could not be looked through.
#[derive(Debug, Error)]
pub enum CheckError {
    /// There is no store in the directory.
    #[error("there is no store in {}", .0.display())]
    NoStore(PathBuf),
    /// It does not open.
    #[error("the store does not open")]
    Open(#[from] OpenError),
    /// It could not be read to its end, or not be repaired.
    #[error("the store could not be read: {0}")]
    Failed(String),
}

impl From<Failure> for CheckError {
    fn from(failure: Failure) -> Self {
        Self::Failed(format!("{failure:?}"))
    }
}

impl From<std::io::Error> for CheckError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Looks through the store in `data`, which no process may have open. `progress` hears how many bytes of how many have
/// been read.
pub fn check(
    data: &Path,
    depth: Depth,
    repair: Repair,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CheckReport, CheckError> {
    if !Index::exists_in(data) {
        return Err(CheckError::NoStore(data.to_owned()));
    }
    let _lock = lock(data)?;
    let mut report = CheckReport::default();
    let Some(offline) = Offline::open_intact(data).map_err(OpenError::Index)? else {
        // What else such an index says proves nothing.
        report.find(Finding::of_store(FindingKind::IndexDamaged, "pages of the index are not what was written"));
        return Ok(report);
    };
    let snapshot = offline.snapshot()?;
    let mut mends = look_at_records(&snapshot, &mut report)?;
    mends.extend(look_at_rows(&snapshot, &mut report)?);
    Bodies::new(data, &snapshot, depth)?.look(&mut report, progress)?;
    let unnamed = unnamed_files(data, &snapshot)?;
    report.leftovers = unnamed.len() as u64;
    drop(snapshot);
    drop(offline);
    if repair == Repair::Provable {
        mend(data, &mends, &unnamed, &mut report)?;
    }
    Ok(report)
}

/// Every record: whether it can be read, and whether what it belongs to is there.
fn look_at_records(snapshot: &Snapshot, report: &mut CheckReport) -> Result<Vec<Mend>, CheckError> {
    let mut mends = Vec::new();
    let mut uploads = HashSet::new();
    let mut failed = None;
    snapshot.audit(&mut |place, audited| {
        if let Audited::Unreadable(failure) = audited {
            report.find(Finding::at(FindingKind::RecordUnreadable, &place, format!("{failure:?}")));
            return;
        }
        let holds_bucket = |bucket: &str| snapshot.holds_bucket(bucket);
        let looked: Result<(), Failure> = (|| {
            match &place {
                Place::Bucket(_) => report.buckets += 1,
                Place::Object { bucket, .. } | Place::Version { bucket, .. } => {
                    report.objects += 1;
                    if !holds_bucket(bucket)? {
                        report.find(Finding::at(FindingKind::ObjectWithoutBucket, &place, ""));
                    }
                }
                Place::Upload { bucket, key, upload } => {
                    report.uploads += 1;
                    if holds_bucket(bucket)? {
                        uploads.insert(upload.clone());
                    } else {
                        report.find(Finding::at(FindingKind::UploadWithoutBucket, &place, ""));
                        let (bucket, key, upload) = (bucket.clone(), key.clone(), upload.clone());
                        mends.push(Mend::RemoveUpload { bucket, key, upload });
                    }
                }
                Place::Part { upload, number } => {
                    report.parts += 1;
                    if !uploads.contains(upload) {
                        report.find(Finding::at(FindingKind::PartWithoutUpload, &place, ""));
                        mends.push(Mend::RemovePart { upload: upload.clone(), number: *number });
                    }
                }
                Place::Layout(_) => {}
            }
            if let Audited::Body(body) = &audited {
                report.bytes += body.size;
            }
            Ok(())
        })();
        failed = failed.take().or(looked.err());
    })?;
    failed.map_or(Ok(mends), |failure| Err(failure.into()))
}

/// Every row: whether it is named as often as it should be.
fn look_at_rows(snapshot: &Snapshot, report: &mut CheckReport) -> Result<Vec<Mend>, CheckError> {
    let mut mends = Vec::new();
    snapshot.count_rows(&mut |Count { row, recorded, found }| {
        if found == recorded {
            return;
        }
        let (kind, mend) = match row {
            _ if found == 0 => (FindingKind::RowUnnamed, Some(Mend::Remove(row))),
            Row::Blob(id) => (FindingKind::WrongCount, Some(Mend::Recount(id, found))),
            Row::Small(_) | Row::Layout(_) => (FindingKind::RowShared, None),
        };
        report.find(Finding::of_row(kind, row, format!("named {found} times, and should be {recorded} times")));
        mends.extend(mend);
    })?;
    Ok(mends)
}

/// The files that no row names. A crash leaves some, and the next start clears them away.
fn unnamed_files(data: &Path, snapshot: &Snapshot) -> Result<Vec<PathBuf>, CheckError> {
    let mut unnamed = Vec::new();
    let Ok(directories) = fs::read_dir(Blobs::directory(data)) else { return Ok(unnamed) };
    for directory in directories {
        let directory = directory?;
        if !directory.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(directory.path())? {
            let file = file?;
            if let Some(id) = file.file_name().to_str().and_then(BlobId::parse)
                && !snapshot.holds_blob_row(id)?
            {
                unnamed.push(file.path());
            }
        }
    }
    Ok(unnamed)
}

/// Carries out what was found to be right. Where a record cannot be read nobody knows what it names, and nothing goes.
fn mend(data: &Path, mends: &[Mend], unnamed: &[PathBuf], report: &mut CheckReport) -> Result<(), CheckError> {
    if report.has(FindingKind::RecordUnreadable) {
        return Ok(());
    }
    let mut mends = mends.to_vec();
    while !mends.is_empty() {
        let mut offline = Offline::open(data, Access::Repair).map_err(OpenError::Index)?;
        for group in mends.chunks(MENDS_PER_COMMIT) {
            offline.mend(group)?;
            report.repaired += group.len() as u64;
        }
        // What parts and layouts named that have gone is named no more.
        mends = look_at_rows(&offline.snapshot()?, &mut CheckReport::default())?;
    }
    let offline = Offline::open(data, Access::ReadOnly).map_err(OpenError::Index)?;
    let mut files = unnamed.to_vec();
    files.extend(unnamed_files(data, &offline.snapshot()?)?);
    files.sort();
    files.dedup();
    for file in files {
        fs::remove_file(file)?;
        report.repaired += 1;
    }
    Ok(())
}
