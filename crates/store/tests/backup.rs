//! Backups of a store that goes on.

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use gatepass_store::{BackupError, Depth, Fsync, Repair, Store, backup, check};
use support::{Server, config, eventually};
use tempfile::TempDir;

fn go_on(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn findings(data: &std::path::Path) -> usize {
    check(data, Depth::Bodies, Repair::No, &mut |_, _| {}).unwrap().findings.len()
}

#[test]
fn a_backup_under_writers_holds_everything_that_was_acknowledged_before_and_is_sound() {
    const WRITERS: u64 = 4;
    let server = Server::with_bucket();
    let elsewhere = TempDir::new().unwrap();
    let to = elsewhere.path().join("backup");
    let stop = AtomicBool::new(false);
    // The number of the write that each writer had acknowledged last.
    let acknowledged: Vec<AtomicU64> = (0..WRITERS).map(|_| AtomicU64::new(0)).collect();
    let before = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (server, stop, acknowledged) = (&server, &stop, &acknowledged);
            scope.spawn(move || {
                for number in 1.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    // Both a key that is overwritten, whose old bodies go, and one for each write; small and large.
                    let body = vec![u8::try_from(number % 251).unwrap(); if number % 3 == 0 { 40_000 } else { 10 }];
                    server.put(&format!("/bucket/{writer}/{number:06}"), &body);
                    server.put(&format!("/bucket/{writer}/last"), &body);
                    acknowledged[usize::try_from(writer).unwrap()].store(number, Ordering::SeqCst);
                }
            });
        }
        eventually("every writer has written", || acknowledged.iter().all(|last| last.load(Ordering::SeqCst) > 12));
        *before.lock().unwrap() = acknowledged.iter().map(|last| last.load(Ordering::SeqCst)).collect();
        let made = server.store().backup(&to, &mut go_on);
        stop.store(true, Ordering::SeqCst);
        let report = made.unwrap();
        assert!(report.rows > 40 && report.linked + report.copied > 10, "{report:?}");
    });
    assert_eq!(findings(&to), 0);
    let restored = server.open_copy(&to);
    for (writer, last) in before.into_inner().unwrap().into_iter().enumerate() {
        for number in 1..=last {
            assert_eq!(restored.get(&format!("/bucket/{writer}/{number:06}")).status, 200, "{writer} {number}");
        }
        // Each writer asks for one thing after the other: what is there of it has no gap.
        let listed = restored.get(&format!("/bucket?list-type=2&prefix={writer}%2F0")).text();
        let count = listed.matches("<Key>").count() as u64;
        assert!(count >= last);
        if count > 0 && count < 1000 {
            assert!(listed.contains(&format!("<Key>{writer}/{count:06}</Key>")), "a gap before {count}");
        }
    }
}

#[test]
fn what_is_deleted_during_a_backup_is_in_it_and_goes_afterwards() {
    let server = Server::with_bucket();
    for number in 0..20 {
        server.put(&format!("/bucket/{number}"), &vec![number; 40_000]);
    }
    let elsewhere = TempDir::new().unwrap();
    let to = elsewhere.path().join("backup");
    let mut is_first = true;
    server
        .store()
        .backup(&to, &mut |_, _| {
            if std::mem::take(&mut is_first) {
                for number in 0..20 {
                    assert_eq!(server.signed("DELETE", &format!("/bucket/{number}"), &[], b"").status, 204);
                }
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(findings(&to), 0);
    eventually("the bodies are removed", || !server.state().keys().any(|path| path.contains("/blobs/")));
    assert_eq!(server.open_copy(&to).get("/bucket/7").body, vec![7; 40_000]);
}

#[test]
fn a_backup_overwrites_nothing_and_one_that_is_given_up_leaves_nothing() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"body");
    let elsewhere = TempDir::new().unwrap();
    let to = elsewhere.path().join("backup");
    let given_up = server.store().backup(&to, &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(given_up, Err(BackupError::GivenUp)));
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);

    fs::create_dir(&to).unwrap();
    assert!(matches!(server.store().backup(&to, &mut go_on), Err(BackupError::Exists(path)) if path == to));
    fs::remove_dir(&to).unwrap();
    fs::create_dir(elsewhere.path().join("backup.partial")).unwrap();
    assert!(matches!(server.store().backup(&to, &mut go_on), Err(BackupError::Exists(_))));
    assert!(!to.exists());
}

#[test]
fn a_store_that_nobody_serves_is_backed_up_directly_and_keeps_its_keys() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let mut made = config(&data, Fsync::Always, &Arc::default());
    made.root = gatepass_authority::RootSource::Kept;
    drop(Store::open(made).unwrap());
    let to = directory.path().join("backup");
    backup(&data, &to, &mut go_on).unwrap();
    let keys = |data: &std::path::Path| fs::read(data.join("root-credentials.json")).unwrap();
    assert_eq!(keys(&data), keys(&to));
    assert_eq!(fs::metadata(to.join("root-credentials.json")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o700);
    let nothing = TempDir::new().unwrap();
    let refused = backup(nothing.path(), &directory.path().join("other"), &mut go_on);
    assert!(matches!(refused, Err(BackupError::NoStore(_))));
}

#[test]
fn a_store_that_runs_is_asked_by_its_socket() {
    let directory = TempDir::new().unwrap();
    // Longer than the name of a socket may be.
    let data = directory.path().join("a".repeat(150));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = Store::open(config(&data, Fsync::Always, &Arc::default())).unwrap();
    store.load("bucket", (0..100).map(|number| (format!("{number}"), vec![1; 300]))).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = runtime.spawn(Arc::clone(&store).serve_control(async {
        let _ = stopped.await;
    }));
    let socket = data.join("control.sock");
    eventually("the socket is there", || fs::metadata(&socket).is_ok_and(|socket| socket.mode() & 0o777 == 0o600));
    let to = directory.path().join("backup");
    let report = backup(&data, &to, &mut go_on).unwrap();
    assert!(report.rows >= 200, "{report:?}");
    assert_eq!(findings(&to), 0);
    let refused = backup(&data, &to, &mut go_on).unwrap_err();
    assert!(matches!(&refused, BackupError::Refused(reason) if reason.contains("exists already")), "{refused:?}");
    drop(stop);
    runtime.block_on(serving).unwrap().unwrap();
    assert!(!socket.exists());
}
