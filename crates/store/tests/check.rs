//! What `check` finds in a store, what it repairs, and what it leaves alone.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gatepass_store::{CheckError, CheckReport, Depth, FindingKind, OpenError, Repair, check};
use redb::{Database, TableDefinition};
use support::{Server, copy};
use tempfile::TempDir;

const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
const BLOCK: usize = 64 * 1024;
const PART: usize = 5 * 1024 * 1024;

fn looked(data: &Path, depth: Depth, repair: Repair) -> CheckReport {
    check(data, depth, repair, &mut |_, _| {}).unwrap()
}

fn kinds(report: &CheckReport) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

/// Ten times this is too large to stand within a record, and too small for a file.
const SMALL_BODY: &[u8] = b"a small body that stands in the index";

/// A store with objects of all forms, as it is after a proper end, in a directory of its own.
fn store() -> TempDir {
    let server = Server::with_bucket();
    server.put("/bucket/empty", b"");
    server.put("/bucket/inline", b"a body that stands within its record");
    server.put("/bucket/small", &SMALL_BODY.repeat(10));
    server.put("/bucket/large", &vec![7; 3 * BLOCK + 1]);
    for (target, source) in [
        ("/bucket/copied", "/bucket/large"),
        ("/bucket/copied-small", "/bucket/small"),
        ("/bucket/copied-inline", "/bucket/inline"),
    ] {
        assert_eq!(server.signed("PUT", target, &[("x-amz-copy-source", source)], b"").status, 200);
    }
    for algorithm in ["CRC64NVME", "SHA256"] {
        let target = format!("/bucket/parts-{algorithm}");
        let created =
            server.signed("POST", &format!("{target}?uploads="), &[("x-amz-checksum-algorithm", algorithm)], b"");
        let upload = element(&created.text(), "UploadId");
        let mut manifest = String::new();
        for (number, body) in [(1, vec![1; PART]), (2, vec![2; 100])] {
            let put = server.signed(
                "PUT",
                &format!("{target}?partNumber={number}&uploadId={upload}"),
                &[("x-amz-sdk-checksum-algorithm", algorithm), (&header(algorithm), &checksum(algorithm, &body))],
                &body,
            );
            assert_eq!(put.status, 200, "{put:?}");
            let name = format!("Checksum{algorithm}");
            let (etag, sum) = (put.header("etag").unwrap(), checksum(algorithm, &body));
            let part =
                format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><{name}>{sum}</{name}></Part>");
            manifest += &part;
        }
        let manifest = format!("<CompleteMultipartUpload>{manifest}</CompleteMultipartUpload>");
        let completed = server.signed("POST", &format!("{target}?uploadId={upload}"), &[], manifest.as_bytes());
        assert_eq!(completed.status, 200, "{completed:?}");
    }
    let created = server.signed("POST", "/bucket/unfinished?uploads=", &[], b"");
    let upload = element(&created.text(), "UploadId");
    let put =
        server.signed("PUT", &format!("/bucket/unfinished?partNumber=1&uploadId={upload}"), &[], &vec![3; 2 * BLOCK]);
    assert_eq!(put.status, 200);
    let to = TempDir::new().unwrap();
    let copied = to.path().join("data");
    let server = server.restart_after(|data| copy(data, &copied));
    drop(server);
    to
}

fn header(algorithm: &str) -> String {
    format!("x-amz-checksum-{}", algorithm.to_lowercase())
}

fn checksum(algorithm: &str, body: &[u8]) -> String {
    use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm};
    Checksum::of(ChecksumAlgorithm::parse(algorithm).unwrap(), body).to_text()
}

fn element(text: &str, name: &str) -> String {
    text.split(&format!("<{name}>")).nth(1).unwrap().split('<').next().unwrap().to_owned()
}

fn files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

fn blobs(data: &Path) -> Vec<PathBuf> {
    files(&data.join("blobs")).into_keys().collect()
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn change(data: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(data.join("index.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
}

const SMALL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("small");
const BLOBS: TableDefinition<'_, u128, u64> = TableDefinition::new("blobs");
const BUCKETS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("buckets");
const OBJECTS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("objects");

#[test]
fn a_sound_store_has_no_findings_and_is_not_touched() {
    let store = store();
    let data = store.path().join("data");
    let before = files(&data);
    let report = looked(&data, Depth::Bodies, Repair::No);
    assert_eq!(kinds(&report), [], "{:?}", report.findings);
    assert_eq!((report.buckets, report.objects, report.uploads, report.parts), (1, 9, 1, 1));
    assert_eq!((report.unsummed, report.leftovers), (0, 0));
    assert_eq!(before, files(&data));
}

#[test]
fn a_store_that_somebody_serves_is_refused() {
    let server = Server::with_bucket();
    let refused = check(&server.data(), Depth::Metadata, Repair::No, &mut |_, _| {});
    assert!(matches!(refused, Err(CheckError::Open(OpenError::InUse { .. }))), "{refused:?}");
    let empty = TempDir::new().unwrap();
    let refused = check(empty.path(), Depth::Metadata, Repair::No, &mut |_, _| {});
    assert!(matches!(refused, Err(CheckError::NoStore(_))));
    assert_eq!(files(empty.path()).len(), 0);
}

#[test]
fn what_a_crash_left_is_sound() {
    let server = Server::with_bucket();
    server.put("/bucket/small", b"small");
    server.put("/bucket/large", &vec![7; BLOCK]);
    let crashed = TempDir::new().unwrap();
    let data = crashed.path().join("data");
    copy(&server.data(), &data);
    let report = looked(&data, Depth::Bodies, Repair::No);
    assert_eq!(kinds(&report), [], "{:?}", report.findings);
    assert_eq!(report.objects, 2);
}

#[test]
fn every_flipped_bit_in_a_file_is_found_by_name_and_never_repaired() {
    let store = store();
    let data = store.path().join("data");
    for blob in blobs(&data) {
        let length = usize::try_from(fs::metadata(&blob).unwrap().len()).unwrap();
        // A large body takes its time in a debug build.
        let places = if length > PART { &[length / 2][..] } else { &[0, length / 2, length - 1] };
        for place in places.iter().copied() {
            flip(&blob, place);
            let report = looked(&data, Depth::Bodies, Repair::Provable);
            assert!(!report.findings.is_empty(), "{} {place}", blob.display());
            assert!(report.findings.iter().all(|finding| finding.kind == FindingKind::BodyDamaged), "{report:?}");
            assert!(report.findings.iter().all(|finding| finding.key.is_some() || finding.upload.is_some()));
            assert_eq!(report.repaired, 0);
            assert_eq!(kinds(&looked(&data, Depth::Metadata, Repair::No)), []);
            flip(&blob, place);
        }
    }
}

#[test]
fn a_missing_file_is_found_without_reading_bodies() {
    let store = store();
    let data = store.path().join("data");
    for blob in blobs(&data) {
        let kept = fs::read(&blob).unwrap();
        fs::remove_file(&blob).unwrap();
        let report = looked(&data, Depth::Metadata, Repair::No);
        assert!(report.has(FindingKind::BlobMissing), "{report:?}");
        fs::write(&blob, &kept[..kept.len() - 1]).unwrap();
        assert!(looked(&data, Depth::Metadata, Repair::No).has(FindingKind::BodyDamaged));
        fs::write(&blob, kept).unwrap();
    }
}

#[test]
fn pages_that_are_damaged_are_found_and_nothing_is_repaired() {
    let store = store();
    let data = store.path().join("data");
    let index = data.join("index.redb");
    let bytes = fs::read(&index).unwrap();
    for (place, window) in bytes.windows(SMALL_BODY.len()).enumerate() {
        if window == SMALL_BODY {
            flip(&index, place);
        }
    }
    let before = files(&data);
    let report = looked(&data, Depth::Metadata, Repair::Provable);
    assert_eq!(kinds(&report), [FindingKind::IndexDamaged]);
    assert_eq!(before, files(&data));
}

#[test]
fn what_nothing_names_is_repaired_and_objects_stay() {
    let store = store();
    let data = store.path().join("data");
    let blob = blobs(&data).remove(0);
    let id = u128::from_str_radix(blob.file_name().unwrap().to_str().unwrap(), 16).unwrap();
    let stray = data.join("blobs/ab/000000010000000000000000000000ab");
    fs::write(&stray, "named by nothing").unwrap();
    change(&data, |transaction| {
        transaction.open_table(SMALL).unwrap().insert(1 << 40, b"nobody's".as_slice()).unwrap();
        let mut table = transaction.open_table(BLOBS).unwrap();
        table.insert(id, 9).unwrap();
        table.insert(id + 1, 1).unwrap();
    });
    let report = looked(&data, Depth::Metadata, Repair::No);
    let mut found = kinds(&report);
    found.sort_by_key(|kind| format!("{kind:?}"));
    assert_eq!(found, [FindingKind::RowUnnamed, FindingKind::RowUnnamed, FindingKind::WrongCount]);
    assert_eq!(report.leftovers, 1);
    assert_eq!(looked(&data, Depth::Metadata, Repair::Provable).repaired, 4);
    let report = looked(&data, Depth::Bodies, Repair::No);
    assert_eq!((kinds(&report), report.objects, report.leftovers), (vec![], 9, 0));
    assert!(!stray.exists());
}

#[test]
fn an_upload_whose_bucket_is_gone_goes_and_an_object_never_does() {
    let store = store();
    let data = store.path().join("data");
    change(&data, |transaction| {
        transaction.open_table(BUCKETS).unwrap().remove("bucket").unwrap();
    });
    let report = looked(&data, Depth::Metadata, Repair::Provable);
    assert!(report.has(FindingKind::UploadWithoutBucket) && report.has(FindingKind::PartWithoutUpload));
    let report = looked(&data, Depth::Bodies, Repair::No);
    assert_eq!(kinds(&report), [FindingKind::ObjectWithoutBucket; 9]);
    assert_eq!((report.uploads, report.parts, report.leftovers), (0, 0, 0));
}

#[test]
fn where_a_record_cannot_be_read_nothing_is_removed() {
    let store = store();
    let data = store.path().join("data");
    change(&data, |transaction| {
        transaction.open_table(OBJECTS).unwrap().insert(("bucket", "small"), b"{}".as_slice()).unwrap();
    });
    let before = files(&data.join("blobs"));
    let report = looked(&data, Depth::Metadata, Repair::Provable);
    assert!(report.has(FindingKind::RecordUnreadable) && report.has(FindingKind::RowUnnamed));
    assert_eq!(report.repaired, 0);
    assert_eq!(before, files(&data.join("blobs")));
    assert!(looked(&data, Depth::Metadata, Repair::No).has(FindingKind::RowUnnamed));
}

#[test]
fn a_body_from_before_there_were_sums_is_compared_with_its_entity_tag() {
    let server = Server::with_bucket();
    server.put("/bucket/large", &vec![7; BLOCK]);
    let old = TempDir::new().unwrap();
    let data = old.path().join("data");
    drop(server.restart_after(|from| copy(from, &data)));
    change(&data, |transaction| {
        transaction.open_table(COUNTERS).unwrap().insert("first-summing-boot", 2).unwrap();
    });
    let blob = blobs(&data).remove(0);
    fs::write(&blob, vec![7; BLOCK]).unwrap();
    let report = looked(&data, Depth::Bodies, Repair::No);
    assert_eq!((kinds(&report), report.unsummed), (vec![], 1));
    flip(&blob, 5);
    assert_eq!(kinds(&looked(&data, Depth::Bodies, Repair::No)), [FindingKind::WrongEtag]);
}
