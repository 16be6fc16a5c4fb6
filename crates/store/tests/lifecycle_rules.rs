//! Lifecycle rules: kept as documents, told in headers, and carried out.
//!
//! The task in the background may come first, so that what a pass has removed is told by what is left, not by its report.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gatepass_store::{Config, Fsync, LifecycleDay, LifecycleReport, Store};
use support::{Reply, Server, config, eventually};
use tokio::runtime::Runtime;

const DAY: i64 = 24 * 60 * 60;

fn rule(id: &str, filter: &str, action: &str) -> String {
    format!("<Rule><ID>{id}</ID><Filter>{filter}</Filter><Status>Enabled</Status>{action}</Rule>")
}

fn days(days: u32) -> String {
    format!("<Expiration><Days>{days}</Days></Expiration>")
}

fn abort(days: u32) -> String {
    format!(
        "<AbortIncompleteMultipartUpload><DaysAfterInitiation>{days}</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
    )
}

fn put(server: &Server, rules: &str) -> Reply {
    let document = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
    server.signed("PUT", "/bucket?lifecycle", &[], document.as_bytes())
}

fn exists(server: &Server, key: &str) -> bool {
    server.signed("HEAD", &format!("/bucket/{key}"), &[], b"").status == 200
}

#[test]
fn rules_come_back_and_go() {
    let server = Server::with_bucket();
    server.refuses(404, "NoSuchLifecycleConfiguration", |server| server.get("/bucket?lifecycle"));
    let taken = put(&server, &rule("tmp", "<Prefix>tmp/</Prefix>", &days(1)));
    assert_eq!(taken.status, 200, "{taken:?}");
    let server = server.restart();
    let told = server.get("/bucket?lifecycle");
    assert_eq!((told.element("ID").as_deref(), told.element("Prefix").as_deref()), (Some("tmp"), Some("tmp/")));
    for reply in [&taken, &told] {
        let header = reply.header("x-amz-transition-default-minimum-object-size");
        assert_eq!(header, Some("all_storage_classes_128K"));
    }
    for _ in 0..2 {
        assert_eq!(server.signed("DELETE", "/bucket?lifecycle", &[], b"").status, 204);
    }
    server.refuses(404, "NoSuchLifecycleConfiguration", |server| server.get("/bucket?lifecycle"));
    server.refuses(404, "NoSuchBucket", |server| server.get("/absent?lifecycle"));
}

#[test]
fn a_rule_without_an_id_gets_one_and_one_that_is_none_changes_nothing() {
    let server = Server::with_bucket();
    let unnamed = format!("<Rule><Prefix/><Status>Enabled</Status>{}</Rule>", days(1));
    assert_eq!(put(&server, &unnamed.repeat(2)).status, 200);
    let ids = server.get("/bucket?lifecycle").elements("ID");
    assert!(ids.len() == 2 && ids[0] != ids[1] && !ids[0].is_empty(), "{ids:?}");
    for (rules, code) in [
        (rule("a", "", &days(0)), "InvalidArgument"),
        (rule("a", "", ""), "InvalidRequest"),
        (rule("a", "", &days(1)).repeat(2), "InvalidArgument"),
        (String::new(), "MalformedXML"),
    ] {
        server.refuses(400, code, |server| put(server, &rules));
    }
    let transition = "<Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition>";
    server.refuses(501, "NotImplemented", |server| put(server, &rule("a", "", transition)));
    assert_eq!(server.get("/bucket?lifecycle").elements("ID"), ids);
}

#[test]
fn objects_go_at_the_midnight_after_their_days_and_say_so_before() {
    let server = Server::with_bucket();
    assert_eq!(put(&server, &rule("two days", "<Prefix>tmp/</Prefix>", &days(2))).status, 200);
    let written = server.signed("PUT", "/bucket/tmp/a", &[], b"content");
    server.put("/bucket/kept", b"content");
    // Written at noon of 1 June.
    let expected = "expiry-date=\"Thu, 04 Jun 2026 00:00:00 GMT\", rule-id=\"two%20days\"";
    assert_eq!(written.header("x-amz-expiration"), Some(expected));
    for method in ["GET", "HEAD"] {
        assert_eq!(server.signed(method, "/bucket/tmp/a", &[], b"").header("x-amz-expiration"), Some(expected));
    }
    assert_eq!(server.get("/bucket/kept").header("x-amz-expiration"), None);

    server.set_clock("2026-06-03T23:59:59Z".parse().unwrap());
    assert_eq!(server.run_lifecycle(), LifecycleReport::default());
    assert!(exists(&server, "tmp/a"));
    server.move_clock(1);
    server.run_lifecycle();
    assert!(!exists(&server, "tmp/a") && exists(&server, "kept"));
    let server = server.restart();
    assert!(!exists(&server, "tmp/a") && exists(&server, "kept"));
}

#[test]
fn an_object_goes_only_where_every_condition_holds() {
    let server = Server::with_bucket();
    let filter = "<And><Prefix>p/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag>\
                  <ObjectSizeGreaterThan>3</ObjectSizeGreaterThan><ObjectSizeLessThan>6</ObjectSizeLessThan></And>";
    assert_eq!(put(&server, &rule("all", filter, &days(1))).status, 200);
    let put = |key: &str, tags: &str, body: &[u8]| {
        assert_eq!(server.signed("PUT", &format!("/bucket/{key}"), &[("x-amz-tagging", tags)], body).status, 200);
    };
    put("p/goes", "a=1&b=2&c=3", b"1234");
    put("p/goes-too", "a=1&b=2", b"12345");
    put("p/too-small", "a=1&b=2", b"123");
    put("p/too-large", "a=1&b=2", b"123456");
    put("p/one-tag", "a=1", b"1234");
    put("p/other-tag", "a=1&b=3", b"1234");
    put("elsewhere", "a=1&b=2", b"1234");
    server.move_clock(2 * DAY);
    server.run_lifecycle();
    assert_eq!(
        server.get("/bucket").elements("Key"),
        ["elsewhere", "p/one-tag", "p/other-tag", "p/too-large", "p/too-small"]
    );
}

#[test]
fn from_its_date_on_a_rule_is_about_whatever_is_there() {
    let server = Server::with_bucket();
    server.put("/bucket/a", b"content");
    let dated = rule("dated", "", "<Expiration><Date>2026-07-01T00:00:00Z</Date></Expiration>");
    assert_eq!(put(&server, &dated).status, 200);
    server.set_clock("2026-06-30T23:59:59Z".parse().unwrap());
    assert_eq!(server.run_lifecycle(), LifecycleReport::default());
    assert!(exists(&server, "a"));
    server.move_clock(1);
    server.run_lifecycle();
    assert!(!exists(&server, "a"));
}

#[test]
fn a_rule_that_is_disabled_removed_or_for_another_bucket_removes_nothing() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/other", &[], b"").status, 200);
    server.put("/bucket/a", b"content");
    server.put("/other/a", b"content");
    let disabled = rule("a", "", &days(1)).replace("Enabled", "Disabled");
    assert_eq!(put(&server, &disabled).status, 200);
    server.move_clock(10 * DAY);
    assert_eq!(server.run_lifecycle(), LifecycleReport::default());
    assert_eq!(server.get("/bucket/a").header("x-amz-expiration"), None);
    server.put("/bucket/a", b"fresh");
    assert_eq!(put(&server, &rule("a", "", &days(1))).status, 200);
    assert_eq!(server.signed("DELETE", "/bucket?lifecycle", &[], b"").status, 204);
    server.move_clock(10 * DAY);
    assert_eq!(server.run_lifecycle(), LifecycleReport::default());
    assert!(exists(&server, "a"));
    assert_eq!(server.get("/other/a").status, 200);
}

#[test]
fn uploads_that_nobody_completes_are_aborted() {
    let server = Server::with_bucket();
    assert_eq!(put(&server, &rule("left behind", "<Prefix>in/</Prefix>", &abort(1))).status, 200);
    let begin = |key: &str| server.signed("POST", &format!("/bucket/{key}?uploads"), &[], b"");
    let begun = begin("in/a");
    let date = "Wed, 03 Jun 2026 00:00:00 GMT";
    assert_eq!(begun.header("x-amz-abort-date"), Some(date));
    assert_eq!(begun.header("x-amz-abort-rule-id"), Some("left behind"));
    let id = begun.element("UploadId").unwrap();
    let part = format!("/bucket/in/a?partNumber=1&uploadId={id}");
    assert_eq!(server.signed("PUT", &part, &[], &vec![1; 100_000]).status, 200);
    let parts = format!("/bucket/in/a?uploadId={id}");
    assert_eq!(server.get(&parts).header("x-amz-abort-date"), Some(date));
    let other = begin("elsewhere").element("UploadId").unwrap();

    server.set_clock("2026-06-02T23:59:59Z".parse().unwrap());
    assert_eq!(server.run_lifecycle(), LifecycleReport::default());
    server.move_clock(1);
    server.run_lifecycle();
    assert_eq!(server.get(&parts).code(), "NoSuchUpload");
    assert_eq!(server.signed("PUT", &part, &[], b"late").code(), "NoSuchUpload");
    assert_eq!(server.get("/bucket?uploads").elements("UploadId"), [other]);
    let blobs = || server.state().keys().filter(|name| name.contains("/blobs/")).count();
    eventually("the bytes of the upload are gone", || blobs() == 0);
}

#[test]
fn more_objects_than_a_page_all_go() {
    let server = Server::with_bucket();
    for index in 0..1_050 {
        server.put(&format!("/bucket/{index:04}"), b"");
    }
    server.move_clock(DAY);
    server.put("/bucket/0500", b"written again");
    assert_eq!(put(&server, &rule("a", "", &days(1))).status, 200);
    server.move_clock(DAY / 2);
    server.run_lifecycle();
    assert_eq!(server.get("/bucket").elements("Key"), ["0500"]);
}

#[test]
fn the_store_applies_its_rules_by_itself() {
    let day = LifecycleDay::of(Duration::from_secs(1)).unwrap();
    let server = Server::configured(|config| Config { lifecycle_day: day, ..config });
    server.put("/bucket/a", b"content");
    assert_eq!(put(&server, &rule("a", "", &days(10))).status, 200);
    assert!(exists(&server, "a"));
    server.move_clock(10);
    eventually("the object expires", || !exists(&server, "a"));
    server.put("/bucket/b", b"content");
    assert!(exists(&server, "b"), "only what is due goes");
}

#[test]
fn a_bucket_that_is_made_again_has_no_rules() {
    let server = Server::with_bucket();
    assert_eq!(put(&server, &rule("a", "", &days(1))).status, 200);
    assert_eq!(server.signed("DELETE", "/bucket", &[], b"").status, 204);
    assert_eq!(server.signed("PUT", "/bucket", &[], b"").status, 200);
    server.refuses(404, "NoSuchLifecycleConfiguration", |server| server.get("/bucket?lifecycle"));
    server.put("/bucket/a", b"content");
    assert_eq!(server.get("/bucket/a").header("x-amz-expiration"), None);
    server.move_clock(10 * DAY);
    assert_eq!(server.run_lifecycle(), LifecycleReport::default());
}

#[test]
fn a_pass_tells_what_it_has_removed() {
    let server = Server::with_bucket();
    assert_eq!(put(&server, &(rule("a", "", &days(1)) + &rule("b", "", &abort(1)))).status, 200);
    for key in ["a", "b", "c"] {
        server.put(&format!("/bucket/{key}"), b"content");
    }
    assert_eq!(server.signed("POST", "/bucket/d?uploads", &[], b"").status, 200);
    let clock = Arc::new(AtomicI64::new(server.now().as_second()));
    // Nobody serves in between, and so nobody else applies the rules.
    let server = server.restart_after(|data| {
        let store = Store::open(config(data, Fsync::Always, &clock)).unwrap();
        let run = || Runtime::new().unwrap().block_on(store.run_lifecycle()).unwrap();
        assert_eq!(run(), LifecycleReport::default());
        clock.fetch_add(2 * DAY, Ordering::SeqCst);
        assert_eq!(run(), LifecycleReport { expired_objects: 3, expired_versions: 0, aborted_uploads: 1 });
        assert_eq!(run(), LifecycleReport::default());
    });
    assert_eq!(server.get("/bucket").elements("Key"), [""; 0]);
}

fn versioned() -> Server {
    let server = Server::with_bucket();
    let document = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(server.signed("PUT", "/bucket?versioning", &[], document.as_bytes()).status, 200);
    server
}

/// The bodies of all versions, the newest of each key first; of a delete marker a dash.
fn versions(server: &Server, key: &str) -> Vec<String> {
    let listed = server.get(&format!("/bucket?versions&prefix={key}"));
    let ids = listed.elements("VersionId");
    let read = |id: &String| {
        let read = server.get(&format!("/bucket/{key}?versionId={id}"));
        if read.status == 405 { "-".to_owned() } else { read.text() }
    };
    ids.iter().map(read).collect()
}

fn overwrite(server: &Server, key: &str, bodies: &[&str]) {
    for body in bodies {
        server.put(&format!("/bucket/{key}"), body.as_bytes());
        server.move_clock(1);
    }
}

fn noncurrent(days: u32, keep: &str) -> String {
    format!("<NoncurrentVersionExpiration><NoncurrentDays>{days}</NoncurrentDays>{keep}</NoncurrentVersionExpiration>")
}

#[test]
fn past_versions_go_so_many_days_after_something_took_their_place() {
    let server = versioned();
    overwrite(&server, "key", &["one", "two", "three"]);
    assert_eq!(put(&server, &rule("past", "", &noncurrent(2, ""))).status, 200);
    server.move_clock(DAY);
    overwrite(&server, "key", &["four"]);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["four", "three", "two", "one"]);
    // At noon of the first day two were replaced, at noon of the second one; days end at midnight.
    server.move_clock(2 * DAY - DAY / 2);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["four", "three"]);
    server.move_clock(DAY);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["four"]);
    server.move_clock(100 * DAY);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["four"], "the object itself is no past version");
}

#[test]
fn so_many_newer_versions_are_kept_however_old_they_are() {
    let server = versioned();
    overwrite(&server, "key", &["one", "two", "three", "four"]);
    overwrite(&server, "other", &["one", "two"]);
    let keep = "<NewerNoncurrentVersions>2</NewerNoncurrentVersions>";
    assert_eq!(put(&server, &rule("past", "", &noncurrent(1, keep))).status, 200);
    server.move_clock(100 * DAY);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["four", "three", "two"]);
    assert_eq!(versions(&server, "other"), ["two", "one"]);
}

#[test]
fn rules_about_past_versions_look_at_each_version_by_itself() {
    let server = versioned();
    overwrite(&server, "kept/key", &["one", "two"]);
    overwrite(&server, "tmp/key", &["short", "a longer body", "new"]);
    let filter = "<And><Prefix>tmp/</Prefix><ObjectSizeGreaterThan>10</ObjectSizeGreaterThan></And>";
    assert_eq!(put(&server, &rule("past", filter, &noncurrent(1, ""))).status, 200);
    server.move_clock(3 * DAY);
    server.run_lifecycle();
    assert_eq!(versions(&server, "tmp/key"), ["new", "short"]);
    assert_eq!(versions(&server, "kept/key"), ["two", "one"]);
}

#[test]
fn an_object_that_expires_leaves_a_marker_which_goes_when_it_hides_nothing() {
    let server = versioned();
    overwrite(&server, "key", &["one"]);
    let rules = rule("all", "", &format!("{}{}", days(1), noncurrent(1, "")));
    assert_eq!(put(&server, &rules).status, 200);
    server.move_clock(2 * DAY);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["-", "one"], "the marker hides what can be brought back");
    server.move_clock(2 * DAY);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["-"]);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), Vec::<String>::new());
    assert_eq!(server.signed("DELETE", "/bucket", &[], b"").status, 204);
}

#[test]
fn a_marker_that_hides_nothing_goes_at_once_where_a_rule_says_so() {
    let server = versioned();
    server.put("/bucket/hidden", b"one");
    for key in ["hidden", "alone"] {
        assert_eq!(server.signed("DELETE", &format!("/bucket/{key}"), &[], b"").status, 204);
    }
    let markers = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
    assert_eq!(put(&server, &rule("markers", "", markers)).status, 200);
    server.run_lifecycle();
    assert_eq!(versions(&server, "alone"), Vec::<String>::new());
    assert_eq!(versions(&server, "hidden"), ["-", "one"]);
}

#[test]
fn the_versions_of_a_key_are_counted_over_the_ends_of_pages() {
    // Pages have a thousand rows.
    let server = versioned();
    for number in 0..1_010 {
        server.put("/bucket/key", number.to_string().as_bytes());
    }
    let keep = "<NewerNoncurrentVersions>5</NewerNoncurrentVersions>";
    assert_eq!(put(&server, &rule("past", "", &noncurrent(1, keep))).status, 200);
    server.move_clock(3 * DAY);
    server.run_lifecycle();
    assert_eq!(versions(&server, "key"), ["1009", "1008", "1007", "1006", "1005", "1004"]);
}
