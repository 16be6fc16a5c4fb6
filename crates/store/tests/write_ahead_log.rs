//! What only the write-ahead log has: after a crash, for those who look, and where the log itself has been damaged.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use gatepass_store::{Depth, Fsync, Repair, Store, backup, check};
use support::{Server, config, copy};
use tempfile::TempDir;

const BLOCK: usize = 4096;

/// One change of every kind that the store makes, so that each table is written and rows are removed.
fn change_everything(server: &Server) {
    server.put("/bucket/replaced", b"first");
    server.put("/bucket/replaced", &[2; 2000]);
    server.put("/bucket/inline", b"short");
    server.put("/bucket/small", &[3; 9000]);
    server.put("/bucket/blob", &vec![4; 50_000]);
    server.put("/bucket/deleted", &vec![5; 50_000]);
    let ok = |method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]| {
        let reply = server.signed(method, target, headers, body);
        assert!((200..300).contains(&reply.status), "{method} {target}: {reply:?}");
        reply
    };
    ok("DELETE", "/bucket/deleted", &[], b"");
    ok("PUT", "/bucket/copied", &[("x-amz-copy-source", "/bucket/blob")], b"");
    ok(
        "PUT",
        "/bucket/inline?tagging=",
        &[],
        b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
    );
    let rules = "<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix>x/</Prefix></Filter><Status>Enabled</Status>\
                 <Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>";
    ok("PUT", "/bucket?lifecycle=", &[("content-md5", &support::content_md5(rules.as_bytes()))], rules.as_bytes());
    for (key, ends) in [("completed", true), ("aborted", false), ("open", true)] {
        let created = ok("POST", &format!("/bucket/{key}?uploads="), &[], b"");
        let upload = created.element("UploadId").unwrap();
        let part = ok("PUT", &format!("/bucket/{key}?partNumber=1&uploadId={upload}"), &[], &vec![6; 20_000]);
        let etag = part.header("etag").unwrap();
        let manifest = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
        );
        match key {
            "open" => {}
            _ if ends => drop(ok("POST", &format!("/bucket/{key}?uploadId={upload}"), &[], manifest.as_bytes())),
            _ => drop(ok("DELETE", &format!("/bucket/{key}?uploadId={upload}"), &[], b"")),
        }
    }
    ok("PUT", "/versioned", &[], b"");
    let enabled = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    ok("PUT", "/versioned?versioning=", &[], enabled);
    ok("PUT", "/versioned/key", &[], b"one");
    ok("PUT", "/versioned/key", &[], b"two");
    ok("DELETE", "/versioned/key", &[], b"");
    ok("PUT", "/emptied", &[], b"");
    ok("DELETE", "/emptied", &[], b"");
}

/// What a client sees of it.
fn seen(server: &Server) -> BTreeMap<String, (u16, String)> {
    let mut seen = BTreeMap::new();
    for target in [
        "/",
        "/bucket?list-type=2",
        "/bucket?uploads=",
        "/bucket?lifecycle=",
        "/bucket/replaced",
        "/bucket/inline",
        "/bucket/inline?tagging=",
        "/bucket/small",
        "/bucket/blob",
        "/bucket/copied",
        "/bucket/deleted",
        "/bucket/completed",
        "/bucket/completed?attributes=",
        "/bucket/aborted",
        "/versioned?versions=",
        "/versioned/key",
        "/emptied",
    ] {
        let reply = server.signed("GET", target, &[("x-amz-object-attributes", "ETag,ObjectParts,ObjectSize")], b"");
        let text = reply.text();
        // An error names its request; of a body the beginning is enough.
        let text = text.split("<RequestId>").next().unwrap_or_default().chars().take(2000).collect();
        seen.insert(target.to_owned(), (reply.status, text));
    }
    seen
}

fn same(one: &BTreeMap<String, (u16, String)>, other: &BTreeMap<String, (u16, String)>) {
    for (target, reply) in one {
        assert_eq!(reply, &other[target], "{target}");
    }
}

/// The files of a store as they are now, as a crash would leave them.
fn image(of: &Path) -> (TempDir, PathBuf) {
    let to = TempDir::new().unwrap();
    let data = to.path().join("data");
    copy(of, &data);
    (to, data)
}

fn files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    ["index.redb", "index.wal"].map(|name| (data.join(name), fs::read(data.join(name)).unwrap())).into()
}

fn findings(data: &Path, repair: Repair) -> usize {
    check(data, Depth::Bodies, repair, &mut |_, _| {}).unwrap().findings.len()
}

fn first_record(data: &Path) -> Vec<u8> {
    fs::read(data.join("index.wal")).unwrap()[..BLOCK].to_vec()
}

#[test]
fn what_only_the_log_has_is_there_after_a_crash() {
    let server = Server::with_bucket();
    change_everything(&server);
    let expected = seen(&server);
    let (_directory, data) = image(&server.data());
    let restarted = server.open_copy(&data);
    same(&seen(&restarted), &expected);
    // A second crash, before anything was written and after.
    let (_again, data) = image(&data);
    let restarted = server.open_copy(&data);
    same(&seen(&restarted), &expected);
    restarted.put("/bucket/replaced", b"after");
    let expected = seen(&restarted);
    let (_once_more, data) = image(&data);
    same(&seen(&server.open_copy(&data)), &expected);
}

#[test]
fn without_its_log_a_store_lacks_what_only_the_log_had() {
    let server = Server::with_bucket();
    change_everything(&server);
    let (_directory, data) = image(&server.data());
    fs::remove_file(data.join("index.wal")).unwrap();
    assert_eq!(server.open_copy(&data).get("/bucket/inline").status, 404);
}

#[test]
fn a_store_that_was_closed_needs_no_log() {
    let server = Server::with_bucket();
    change_everything(&server);
    let expected = seen(&server);
    let server = server.restart_after(|data| fs::remove_file(data.join("index.wal")).unwrap());
    same(&seen(&server), &expected);
}

#[test]
fn who_only_looks_sees_what_the_log_has_and_changes_nothing() {
    let server = Server::with_bucket();
    change_everything(&server);
    let expected = seen(&server);
    let (directory, data) = image(&server.data());
    let before = files(&data);
    assert_eq!(findings(&data, Repair::No), 0);
    let to = directory.path().join("backup");
    backup(&data, &to, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(files(&data), before);
    same(&seen(&server.open_copy(&to)), &expected);
}

#[test]
fn a_repair_is_not_undone_by_the_log() {
    let server = Server::with_bucket();
    change_everything(&server);
    let (_directory, data) = image(&server.data());
    // A row that no record names.
    {
        let database = redb::Database::open(data.join("index.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        let blobs: redb::TableDefinition<'_, u128, u64> = redb::TableDefinition::new("blobs");
        transaction.open_table(blobs).unwrap().insert(7, 1).unwrap();
        transaction.commit().unwrap();
    }
    assert!(findings(&data, Repair::Provable) > 0);
    assert_eq!(findings(&data, Repair::No), 0);
    same(&seen(&server.open_copy(&data)), &seen(&server));
    assert_eq!(findings(&data, Repair::No), 0);
}

#[test]
fn a_log_that_has_lost_something_is_an_error_and_not_a_loss() {
    let server = Server::with_bucket();
    change_everything(&server);
    let (_directory, data) = image(&server.data());
    let log = data.join("index.wal");
    let mut bytes = fs::read(&log).unwrap();
    bytes[40] ^= 1;
    fs::write(&log, bytes).unwrap();
    let clock = Arc::new(AtomicI64::new(support::noon().as_second()));
    let error = Store::open(config(&data, Fsync::Always, &clock)).unwrap_err();
    let text = chain(&error);
    assert!(text.contains("index.wal") && text.contains("later groups follow"), "{text}");
    let error = check(&data, Depth::Metadata, Repair::No, &mut |_, _| {}).unwrap_err();
    assert!(chain(&error).contains("later groups follow"), "{}", chain(&error));
}

#[test]
fn the_log_of_another_store_is_not_taken_up() {
    let (one, other) = (Server::with_bucket(), Server::with_bucket());
    change_everything(&one);
    other.put("/bucket/other", b"other");
    let (_directory, data) = image(&other.data());
    fs::copy(one.data().join("index.wal"), data.join("index.wal")).unwrap();
    let started = other.open_copy(&data);
    // What only its own log had is gone with that, and nothing else has come.
    assert_eq!(started.get("/bucket/inline").status, 404);
    assert_eq!(started.get("/bucket/other").status, 404);
}

#[test]
fn a_backup_has_a_log_of_its_own() {
    let server = Server::with_bucket();
    server.put("/bucket/before", b"before");
    let elsewhere = TempDir::new().unwrap();
    let to = elsewhere.path().join("backup");
    server.store().backup(&to, &mut |_, _| ControlFlow::Continue(())).unwrap();
    server.put("/bucket/after", b"after");
    // The log of the store, in which this stands, says nothing beside the index of the backup.
    fs::copy(server.data().join("index.wal"), to.join("index.wal")).unwrap();
    let restored = server.open_copy(&to);
    assert_eq!(restored.get("/bucket/before").status, 200);
    assert_eq!(restored.get("/bucket/after").status, 404);
    restored.put("/bucket/restored", b"restored");
    assert_ne!(first_record(&to), first_record(&server.data()));
}

#[test]
fn a_write_too_large_for_the_log_takes_all_before_it_into_the_database() {
    let server = Server::with_bucket();
    for number in 0..400 {
        server.put(&format!("/bucket/{number:04}"), &[7; 16_000]);
    }
    let listed = server.get("/bucket?list-type=2").text();
    let (_directory, data) = image(&server.data());
    let restarted = server.open_copy(&data);
    assert_eq!(restarted.get("/bucket?list-type=2").text(), listed);
    assert_eq!(fs::metadata(data.join("index.wal")).unwrap().len(), 2 * 1024 * 1024);
    for number in [0, 200, 399] {
        assert_eq!(restarted.get(&format!("/bucket/{number:04}")).body, [7; 16_000]);
    }
}

/// What an error and all below it say.
fn chain(error: &dyn std::error::Error) -> String {
    let below = std::iter::successors(Some(error), |error| error.source());
    below.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
