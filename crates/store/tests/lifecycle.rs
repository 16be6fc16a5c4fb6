//! Starting, stopping, and starting again over what a crash has left.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use gatepass_authority::RootSource;
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{Config, Fsync, OpenError, Store};
use redb::TableDefinition;
use support::{Reply, Server, config, eventually, noon};

fn clock() -> Arc<AtomicI64> {
    Arc::new(AtomicI64::new(noon().as_second()))
}

#[test]
fn what_a_crash_left_behind_goes_and_what_was_acknowledged_stays() {
    let server = Server::with_bucket();
    server.put("/bucket/small", b"small");
    server.put("/bucket/large", &vec![1; 100_000]);
    let data = server.data();
    let staging = data.join("staging/00000001");
    fs::write(staging.join("00000001000000000000000000000001"), b"half a body").unwrap();
    let unnamed = data.join("blobs/01/00000001000000000000000000000001");
    fs::write(&unnamed, b"persisted, never committed").unwrap();
    let foreign = data.join("blobs/01/notes.txt");
    fs::write(&foreign, b"somebody's notes").unwrap();

    let server = server.restart();
    assert_eq!(server.get("/bucket/small").body, b"small");
    assert_eq!(server.get("/bucket/large").body, vec![1; 100_000]);
    eventually("leftovers are removed", || !staging.exists() && !unnamed.exists());
    assert!(foreign.exists());
    assert_eq!(server.get("/bucket/large").body, vec![1; 100_000]);
}

#[test]
fn a_first_start_that_was_killed_half_way_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("index.redb.new"), b"torn").unwrap();
    drop(Store::open(config(directory.path(), Fsync::Always, &clock())).unwrap());
    assert!(!directory.path().join("index.redb.new").exists());
}

#[test]
fn a_full_disk_refuses_what_adds_and_goes_on_with_everything_else() {
    let free = Arc::new(AtomicU64::new(1_000_000));
    let server = Server::on_a_disk(&free, 500_000);
    server.put("/bucket/kept", b"kept");
    assert_eq!(server.signed("PUT", "/bucket/fits", &[], &vec![1; 500_000]).status, 200);
    assert_eq!(server.signed("PUT", "/bucket/one-too-many", &[], &vec![1; 500_001]).status, 503);

    free.store(499_999, Ordering::SeqCst);
    for (method, target) in [("PUT", "/bucket/empty"), ("POST", "/bucket/upload?uploads"), ("PUT", "/another")] {
        let refused = server.signed(method, target, &[], b"");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("30")), "{method} {target}");
        assert!(refused.text().contains("<Code>ServiceUnavailable</Code>"), "{}", refused.text());
    }
    assert_eq!(server.get("/bucket/kept").body, b"kept");
    assert_eq!(server.signed("DELETE", "/bucket/fits", &[], b"").status, 204);

    free.store(500_000, Ordering::SeqCst);
    assert_eq!(server.signed("PUT", "/bucket/empty", &[], b"").status, 200);
}

#[test]
fn one_process_at_a_time_has_a_data_directory_open() {
    let directory = tempfile::tempdir().unwrap();
    let first = Store::open(config(directory.path(), Fsync::Always, &clock())).unwrap();
    let second = Store::open(config(directory.path(), Fsync::Always, &clock()));
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    drop(first);
    Store::open(config(directory.path(), Fsync::Always, &clock())).unwrap();
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"not a directory").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = Store::open(config(&path, Fsync::Always, &clock())).unwrap_err();
        assert!(matches!(error, OpenError::Directory { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn an_index_that_is_none_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index.redb");
    fs::write(&index, b"something else entirely").unwrap();
    let error = Store::open(config(directory.path(), Fsync::Always, &clock())).unwrap_err();
    assert!(matches!(error, OpenError::Index(_)), "{error:?}");
    assert_eq!(fs::read(&index).unwrap(), b"something else entirely");
}

#[test]
fn a_data_directory_that_is_made_is_its_owners_alone() {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("above/data");
    drop(Store::open(config(&data, Fsync::Always, &clock())).unwrap());
    assert_eq!((mode(&data), mode(data.parent().unwrap())), (0o700, 0o700));
    let given = directory.path().join("given");
    fs::create_dir(&given).unwrap();
    fs::set_permissions(&given, fs::Permissions::from_mode(0o750)).unwrap();
    drop(Store::open(config(&given, Fsync::Always, &clock())).unwrap());
    assert_eq!(mode(&given), 0o750);
}

#[test]
fn no_new_key_is_made_over_old_data() {
    let directory = tempfile::tempdir().unwrap();
    let kept = || Config { root: RootSource::Kept, ..config(directory.path(), Fsync::Always, &clock()) };
    let first = Store::open(kept()).unwrap();
    let key = first.root_credentials().access_key_id().clone();
    drop(first);
    let second = Store::open(kept()).unwrap();
    assert_eq!(*second.root_credentials().access_key_id(), key);
    drop(second);
    fs::remove_file(directory.path().join("root-credentials.json")).unwrap();
    let error = Store::open(kept()).unwrap_err();
    assert!(matches!(error, OpenError::Authority(_)), "{error:?}");
}

#[test]
fn writes_at_once_are_all_there_after_a_restart() {
    let server = Server::with_bucket();
    std::thread::scope(|scope| {
        for writer in 0..16 {
            let server = &server;
            scope.spawn(move || {
                for object in 0..8 {
                    server.put(&format!("/bucket/{writer}/{object}"), format!("{writer} {object}").as_bytes());
                }
            });
        }
    });
    let server = server.restart();
    for writer in 0..16 {
        for object in 0..8 {
            assert_eq!(server.get(&format!("/bucket/{writer}/{object}")).text(), format!("{writer} {object}"));
        }
    }
}

#[test]
fn a_stop_lets_the_request_in_progress_end() {
    let server = Server::with_bucket();
    let target = server.presign(Method::Put, "key");
    let mut stream = server.connect();
    let headers = "Content-Length: 6\r\nExpect: 100-continue";
    write!(stream, "PUT {target} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n\r\n", server.host()).unwrap();
    // Who asks for the body has begun; a connection on which nothing has is closed at once.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").unwrap();
    let restarting = std::thread::spawn(move || server.restart());
    stream.write_all(b"def").unwrap();
    assert_eq!(Reply::read(&mut stream, "PUT").status, 200);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(restarting.join().unwrap().get("/bucket/key").body, b"abcdef");
}

#[test]
fn an_object_that_has_lost_its_row_is_an_error_and_not_empty() {
    const SMALL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("small");
    const LAYOUTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("layouts");
    let server = Server::with_bucket();
    server.put("/bucket/small", &[7; 300]);
    let begun = server.signed("POST", "/bucket/parts?uploads", &[], b"");
    let upload = format!("/bucket/parts?uploadId={}", begun.element("UploadId").unwrap());
    let part = server.signed("PUT", &format!("{upload}&partNumber=1"), &[], &vec![1; 100_000]);
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        part.header("etag").unwrap()
    );
    assert_eq!(server.signed("POST", &upload, &[], list.as_bytes()).status, 200);

    let server = server.restart_after(|data| {
        let database = redb::Database::open(data.join("index.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        for table in [SMALL, LAYOUTS] {
            transaction.open_table(table).unwrap().retain(|_, _| false).unwrap();
        }
        transaction.commit().unwrap();
    });
    for key in ["small", "parts"] {
        assert_eq!(server.get(&format!("/bucket/{key}")).code(), "InternalError", "{key}");
        let source = format!("/bucket/{key}");
        let copy = server.signed("PUT", "/bucket/copy", &[("x-amz-copy-source", &source)], b"");
        assert_eq!(copy.code(), "InternalError", "{key}");
    }
    assert_eq!(server.get("/bucket/copy").code(), "NoSuchKey");
    server.put("/bucket/other", b"other");
}
