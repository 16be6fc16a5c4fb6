//! Buckets that keep versions: writes that overwrite nothing, deletes that delete nothing, and both for good.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use gatepass_signing::sigv4::presign::Method;
use redb::{ReadableTable as _, TableDefinition};
use support::{Reply, Server};

fn versioned() -> Server {
    let server = Server::with_bucket();
    set(&server, "Enabled");
    server
}

fn set(server: &Server, state: &str) {
    let document = format!("<VersioningConfiguration><Status>{state}</Status></VersioningConfiguration>");
    assert_eq!(server.signed("PUT", "/bucket?versioning", &[], document.as_bytes()).status, 200);
}

fn put(server: &Server, key: &str, body: &str) -> String {
    let put = server.signed("PUT", &format!("/bucket/{key}"), &[], body.as_bytes());
    assert_eq!(put.status, 200, "{put:?}");
    put.header("x-amz-version-id").expect("the bucket keeps versions").to_owned()
}

fn version(reply: &Reply) -> &str {
    reply.header("x-amz-version-id").unwrap_or_default()
}

#[test]
fn a_bucket_says_whether_it_keeps_versions() {
    let server = Server::with_bucket();
    let asked = server.get("/bucket?versioning");
    assert!(asked.text().contains("<VersioningConfiguration xmlns"), "{asked:?}");
    assert_eq!(asked.element("Status"), None);
    for state in ["Enabled", "Suspended", "Enabled"] {
        set(&server, state);
        assert_eq!(server.get("/bucket?versioning").element("Status").as_deref(), Some(state));
    }
    let server = server.restart();
    assert_eq!(server.get("/bucket?versioning").element("Status").as_deref(), Some("Enabled"));
    for (inside, status, code) in [
        ("", 400, "IllegalVersioningConfigurationException"),
        ("<Status>Off</Status>", 400, "MalformedXML"),
        ("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", 501, "NotImplemented"),
    ] {
        let document = format!("<VersioningConfiguration>{inside}</VersioningConfiguration>");
        server.refuses(status, code, |server| server.signed("PUT", "/bucket?versioning", &[], document.as_bytes()));
    }
}

#[test]
fn what_is_overwritten_can_still_be_read() {
    let server = versioned();
    let first = put(&server, "key", "first");
    let second = put(&server, "key", &"second".repeat(10_000));
    assert_ne!(first, second);
    let server = server.restart();
    assert_eq!(version(&server.get("/bucket/key")), second);
    let old = server.get(&format!("/bucket/key?versionId={first}"));
    assert_eq!((old.text().as_str(), version(&old)), ("first", first.as_str()));
    let head = server.signed("HEAD", &format!("/bucket/key?versionId={second}"), &[], b"");
    assert_eq!(head.header("content-length"), Some("60000"));
    // A stranger may have a link to one version.
    let link = server.presign_with(Method::Get, "key", |presign| {
        presign.query("versionId", &first).expect("a parameter like any other")
    });
    assert_eq!(server.send("GET", &link, &[], b"").text(), "first");
}

#[test]
fn a_delete_marker_hides_an_object_and_taking_it_away_brings_it_back() {
    let server = versioned();
    let written = put(&server, "key", "content");
    let deleted = server.signed("DELETE", "/bucket/key", &[], b"");
    assert_eq!((deleted.status, deleted.header("x-amz-delete-marker")), (204, Some("true")));
    let marker = version(&deleted).to_owned();

    let gone = server.refuses(404, "NoSuchKey", |server| server.get("/bucket/key"));
    assert_eq!((gone.header("x-amz-delete-marker"), version(&gone)), (Some("true"), marker.as_str()));
    let read = server.refuses(405, "MethodNotAllowed", |server| server.get(&format!("/bucket/key?versionId={marker}")));
    assert_eq!((read.header("allow"), read.header("x-amz-delete-marker")), (Some("DELETE"), Some("true")));
    assert_eq!(server.get("/bucket?list-type=2").elements("Key"), Vec::<String>::new());
    assert_eq!(server.get(&format!("/bucket/key?versionId={written}")).text(), "content");

    let removed = server.signed("DELETE", &format!("/bucket/key?versionId={marker}"), &[], b"");
    assert_eq!((removed.status, removed.header("x-amz-delete-marker")), (204, Some("true")));
    assert_eq!(version(&removed), marker);
    assert_eq!(server.get("/bucket/key").text(), "content");
    assert_eq!(server.get("/bucket?list-type=2").elements("Key"), ["key"]);
}

#[test]
fn a_version_that_is_deleted_is_gone_and_the_one_before_it_is_the_object() {
    let server = versioned();
    let versions = ["one", "two", "three"].map(|body| put(&server, "key", body));
    server.signed("DELETE", &format!("/bucket/key?versionId={}", versions[2]), &[], b"");
    assert_eq!(server.get("/bucket/key").text(), "two");
    server.signed("DELETE", &format!("/bucket/key?versionId={}", versions[0]), &[], b"");
    assert_eq!(server.get("/bucket/key").text(), "two");
    let gone = format!("/bucket/key?versionId={}", versions[0]);
    let refused = server.refuses(404, "NoSuchVersion", |server| server.get(&gone));
    assert_eq!(refused.element("VersionId").as_deref(), Some(versions[0].as_str()));
    // What is not there is deleted already.
    assert_eq!(server.signed("DELETE", &gone, &[], b"").status, 204);
}

#[test]
fn versions_that_cannot_be_are_refused() {
    let server = versioned();
    let id = put(&server, "key", "content");
    let (sequence, random) = id.split_at(16);
    let guessed = format!("{sequence}{}", random.chars().rev().collect::<String>());
    server.refuses(404, "NoSuchVersion", |server| server.get(&format!("/bucket/key?versionId={guessed}")));
    server.refuses(404, "NoSuchVersion", |server| server.get("/bucket/key?versionId=null"));
    for wrong in ["3", "", "NULL", &id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A")] {
        let refused =
            server.refuses(400, "InvalidArgument", |server| server.get(&format!("/bucket/key?versionId={wrong}")));
        assert_eq!(refused.element("ArgumentName").as_deref(), Some("versionId"), "{wrong}");
    }
    server.refuses(400, "InvalidArgument", |server| {
        server.signed("PUT", &format!("/bucket/key?versionId={id}"), &[], b"other")
    });
}

#[test]
fn what_was_written_before_is_the_null_version() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"before");
    assert_eq!(server.get("/bucket/key").header("x-amz-version-id"), None);
    set(&server, "Enabled");
    put(&server, "key", "after");
    assert_eq!(server.get("/bucket/key?versionId=null").text(), "before");
    set(&server, "Suspended");
    assert_eq!(put(&server, "key", "suspended"), "null");
    assert_eq!(server.get("/bucket/key?versionId=null").text(), "suspended");
    let listed = server.get("/bucket?versions");
    assert_eq!(listed.elements("VersionId").iter().filter(|id| *id == "null").count(), 1, "{listed:?}");
    // A delete while versions are suspended takes the null version and leaves a null marker.
    let deleted = server.signed("DELETE", "/bucket/key", &[], b"");
    assert_eq!((version(&deleted), deleted.header("x-amz-delete-marker")), ("null", Some("true")));
    server.refuses(405, "MethodNotAllowed", |server| server.get("/bucket/key?versionId=null"));
    assert_eq!(server.signed("DELETE", "/bucket/key?versionId=null", &[], b"").status, 204);
    assert_eq!(server.get("/bucket/key").text(), "after");
}

#[test]
fn a_copy_reads_the_version_it_names_and_restores_it() {
    let server = versioned();
    let old = put(&server, "key", "old");
    put(&server, "key", "new");
    let copied =
        server.signed("PUT", "/bucket/key", &[("x-amz-copy-source", &format!("/bucket/key?versionId={old}"))], b"");
    assert_eq!((copied.status, copied.header("x-amz-copy-source-version-id")), (200, Some(old.as_str())), "{copied:?}");
    assert_eq!(server.get("/bucket/key").text(), "old");
    assert_eq!(version(&server.get("/bucket/key")), version(&copied));
    let marker = version(&server.signed("DELETE", "/bucket/key", &[], b"")).to_owned();
    server.refuses(400, "InvalidRequest", |server| {
        server.signed("PUT", "/bucket/other", &[("x-amz-copy-source", &format!("/bucket/key?versionId={marker}"))], b"")
    });
    server.refuses(404, "NoSuchKey", |server| {
        server.signed("PUT", "/bucket/other", &[("x-amz-copy-source", "/bucket/key")], b"")
    });
}

#[test]
fn conditions_look_at_the_object_and_a_delete_marker_is_none() {
    let server = versioned();
    put(&server, "key", "one");
    server.refuses(412, "PreconditionFailed", |server| {
        server.signed("PUT", "/bucket/key", &[("if-none-match", "*")], b"x")
    });
    server.signed("DELETE", "/bucket/key", &[], b"");
    assert_eq!(server.signed("PUT", "/bucket/key", &[("if-none-match", "*")], b"two").status, 200);
    server.refuses(412, "PreconditionFailed", |server| {
        server.signed("DELETE", "/bucket/key", &[("if-match", "\"0123456789abcdef0123456789abcdef\"")], b"")
    });
}

#[test]
fn many_versions_are_deleted_at_once() {
    let server = versioned();
    let (one, two) = (put(&server, "a", "1"), put(&server, "a", "2"));
    put(&server, "b", "3");
    let body = format!(
        "<Delete><Object><Key>a</Key><VersionId>{one}</VersionId></Object>\
         <Object><Key>b</Key></Object><Object><Key>a</Key><VersionId>3</VersionId></Object></Delete>"
    );
    let deleted = server.signed("POST", "/bucket?delete", &[("content-md5", &content_md5(&body))], body.as_bytes());
    assert_eq!(deleted.status, 200, "{deleted:?}");
    assert_eq!(deleted.elements("DeleteMarker"), ["true"]);
    assert_eq!(deleted.elements("Code"), ["NoSuchVersion"]);
    assert_eq!(version(&server.get("/bucket/a")), two);
    server.refuses(404, "NoSuchKey", |server| server.get("/bucket/b"));
}

fn content_md5(body: &str) -> String {
    use base64::Engine as _;
    use gatepass_protocol::s3::checksum::Md5Hasher;
    let mut md5 = Md5Hasher::new();
    md5.update(body.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(md5.finish())
}

#[test]
fn tags_and_parts_belong_to_a_version() {
    let server = versioned();
    let old = put(&server, "key", "old");
    put(&server, "key", "new");
    let tags = "<Tagging><TagSet><Tag><Key>state</Key><Value>kept</Value></Tag></TagSet></Tagging>";
    let target = format!("/bucket/key?tagging&versionId={old}");
    let set = server.signed("PUT", &target, &[], tags.as_bytes());
    assert_eq!((set.status, version(&set)), (200, old.as_str()), "{set:?}");
    assert_eq!(server.get(&target).elements("Value"), ["kept"]);
    assert_eq!(server.get("/bucket/key?tagging").elements("Value"), Vec::<String>::new());
    assert_eq!(server.signed("DELETE", &target, &[], b"").status, 204);
    assert_eq!(server.get(&target).elements("Value"), Vec::<String>::new());
}

#[test]
fn a_policy_may_be_about_one_version_wherever_it_is_named() {
    let server = versioned();
    let [old, new] = ["old", "new"].map(|body| put(&server, "key", body));
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Deny", "Principal": "*",
            "Action": ["s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:GetObjectVersionTagging"],
            "Resource": "arn:aws:s3:::bucket/*", "Condition": {{"StringEquals": {{"s3:VersionId": "{old}"}}}}}}]}}"#
    );
    assert_eq!(server.signed("PUT", "/bucket?policy", &[], policy.as_bytes()).status, 204);
    let source = format!("/bucket/key?versionId={old}");
    for (method, target, headers) in [
        ("GET", source.clone(), vec![]),
        ("DELETE", source.clone(), vec![]),
        ("GET", format!("{source}&tagging"), vec![]),
        ("PUT", "/bucket/copy".to_owned(), vec![("x-amz-copy-source", source.as_str())]),
    ] {
        server.refuses(403, "AccessDenied", |server| server.signed(method, &target, &headers, b""));
    }
    let body = format!("<Delete><Object><Key>key</Key><VersionId>{old}</VersionId></Object></Delete>");
    let deleted = server.signed("POST", "/bucket?delete", &[("content-md5", &content_md5(&body))], body.as_bytes());
    assert_eq!(deleted.elements("Code"), ["AccessDenied"]);
    assert_eq!(server.get(&format!("/bucket/key?versionId={new}")).text(), "new");
    assert_eq!(server.get("/bucket/key").text(), "new", "no version is named");
}

#[test]
fn a_bucket_with_versions_is_not_empty() {
    let server = versioned();
    let id = put(&server, "key", "content");
    let marker = version(&server.signed("DELETE", "/bucket/key", &[], b"")).to_owned();
    for version in [id, marker] {
        server.refuses(409, "BucketNotEmpty", |server| server.signed("DELETE", "/bucket", &[], b""));
        server.signed("DELETE", &format!("/bucket/key?versionId={version}"), &[], b"");
    }
    assert_eq!(server.signed("DELETE", "/bucket", &[], b"").status, 204);
}

#[test]
fn the_files_of_versions_stay_as_long_as_the_versions_and_no_longer() {
    let server = versioned();
    let empty = server.state().len();
    let body = "x".repeat(100_000);
    let ids = [put(&server, "key", &body), put(&server, "key", &body)];
    assert_eq!(server.state().len(), empty + 2);
    let marker = version(&server.signed("DELETE", "/bucket/key", &[], b"")).to_owned();
    assert_eq!(server.get(&format!("/bucket/key?versionId={}", ids[0])).body.len(), body.len());
    for id in ids.iter().chain([&marker]) {
        server.signed("DELETE", &format!("/bucket/key?versionId={id}"), &[], b"");
    }
    support::eventually("the files are gone", || server.state().len() == empty);
}

/// What a bucket should hold: for each key its versions, the newest first, and of delete markers no body.
#[derive(Default)]
struct Model {
    keys: BTreeMap<&'static str, Vec<(String, Option<String>)>>,
}

impl Model {
    fn write(&mut self, key: &'static str, id: String, body: Option<String>) {
        let versions = self.keys.entry(key).or_default();
        if id == "null" {
            versions.retain(|(other, _)| other != "null");
        }
        versions.insert(0, (id, body));
    }

    fn remove(&mut self, key: &'static str, id: &str) {
        self.keys.entry(key).or_default().retain(|(other, _)| other != id);
    }

    fn all(&self) -> Vec<(String, String, bool, bool)> {
        let versions = self.keys.iter().flat_map(|(key, versions)| {
            versions
                .iter()
                .enumerate()
                .map(|(place, (id, body))| ((*key).to_owned(), id.clone(), place == 0, body.is_some()))
        });
        versions.collect()
    }
}

/// Every page of the list, of `size` entries each.
fn pages(server: &Server, size: usize) -> Vec<(String, String, bool, bool)> {
    let mut all = Vec::new();
    let mut markers = String::new();
    loop {
        let page = server.get(&format!("/bucket?versions&max-keys={size}{markers}"));
        assert_eq!(page.status, 200, "{page:?}");
        let text = page.text();
        let mut entries = Vec::new();
        for (element, is_object) in [("Version", true), ("DeleteMarker", false)] {
            for (at, _) in text.match_indices(&format!("<{element}>")) {
                let rest = &text[at..];
                let field = |name: &str| {
                    let (_, value) = rest.split_once(&format!("<{name}>")).expect("the field is there");
                    value.split('<').next().unwrap_or_default().to_owned()
                };
                entries.push((at, (field("Key"), field("VersionId"), field("IsLatest") == "true", is_object)));
            }
        }
        entries.sort_by_key(|(at, _)| *at);
        assert!(entries.len() <= size);
        all.extend(entries.into_iter().map(|(_, entry)| entry));
        if page.element("IsTruncated").as_deref() != Some("true") {
            return all;
        }
        let next = |name: &str| page.element(name).expect("a truncated page says where it ends");
        markers = format!(
            "&key-marker={}&version-id-marker={}",
            next("NextKeyMarker").replace('/', "%2F"),
            next("NextVersionIdMarker")
        );
    }
}

#[test]
fn whatever_is_done_every_version_is_where_a_model_has_it() {
    const KEYS: [&str; 4] = ["a", "a/b", "a/c", "b"];
    let server = versioned();
    let mut model = Model::default();
    let mut state: u64 = 0x2026_1124;
    let mut chance = |below: usize| {
        // Knuth's linear congruence: enough to wander about.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % below
    };
    for step in 0..160 {
        let key = KEYS[chance(KEYS.len())];
        match chance(8) {
            0 => set(&server, ["Enabled", "Suspended"][chance(2)]),
            1 | 2 => {
                let deleted = server.signed("DELETE", &format!("/bucket/{key}"), &[], b"");
                model.write(key, version(&deleted).to_owned(), None);
            }
            3 | 4 => {
                let versions = model.keys.get(key).cloned().unwrap_or_default();
                if !versions.is_empty() {
                    let id = versions[chance(versions.len())].0.clone();
                    assert_eq!(server.signed("DELETE", &format!("/bucket/{key}?versionId={id}"), &[], b"").status, 204);
                    model.remove(key, &id);
                }
            }
            _ => {
                let body = format!("body {step}");
                let id = put(&server, key, &body);
                model.write(key, id, Some(body));
            }
        }
        assert_eq!(pages(&server, 1 + chance(7)), model.all(), "step {step}");
        let versions = model.keys.get(key).cloned().unwrap_or_default();
        let current = server.get(&format!("/bucket/{key}"));
        match versions.first() {
            Some((_, Some(body))) => assert_eq!(&current.text(), body, "step {step}"),
            _ => assert_eq!(current.status, 404, "step {step}"),
        }
        for (id, body) in &versions {
            let read = server.get(&format!("/bucket/{key}?versionId={id}"));
            match body {
                Some(body) => assert_eq!(&read.text(), body, "step {step}"),
                None => assert_eq!(read.status, 405, "step {step}"),
            }
        }
    }
    let visible: Vec<&str> =
        model.keys.iter().filter(|(_, v)| v.first().is_some_and(|v| v.1.is_some())).map(|(key, _)| *key).collect();
    assert_eq!(server.get("/bucket?list-type=2").elements("Key"), visible);
}

#[test]
fn a_list_of_versions_folds_what_a_delimiter_joins() {
    let server = versioned();
    for key in ["a/1", "a/2", "b", "c/1"] {
        put(&server, key, key);
        put(&server, key, "again");
    }
    let listed = server.get("/bucket?versions&delimiter=%2F");
    assert_eq!(listed.elements("Prefix"), ["", "a/", "c/"]);
    assert_eq!(listed.elements("Key"), ["b", "b"]);
    let first = server.get("/bucket?versions&delimiter=%2F&max-keys=1");
    assert_eq!(first.element("NextKeyMarker").as_deref(), Some("a/"));
    let second = server.get("/bucket?versions&delimiter=%2F&max-keys=1&key-marker=a%2F");
    assert_eq!(second.elements("Key"), ["b"]);
    let inside = server.get("/bucket?versions&prefix=a%2F&max-keys=3");
    assert_eq!(inside.elements("Key"), ["a/1", "a/1", "a/2"]);
    server.refuses(400, "InvalidArgument", |server| server.get("/bucket?versions&version-id-marker=null"));
    server.refuses(400, "InvalidArgument", |server| server.get("/bucket?versions&key-marker=a&version-id-marker=3"));
    assert_eq!(server.get("/bucket?versions&max-keys=0").element("IsTruncated").as_deref(), Some("false"));
}

#[test]
fn attack_41_a_key_of_very_many_versions_is_listed_in_pages() {
    const VERSIONS: usize = 20_000;
    let server = versioned();
    let keys = std::iter::repeat_n("key", VERSIONS).chain(["later"]).map(|key| (key.to_owned(), b"x".to_vec()));
    server.store().load("bucket", keys).unwrap();
    let (mut pages, mut ids, mut marker) = (0, BTreeSet::new(), String::new());
    loop {
        let page = server.get(&format!("/bucket?versions&max-keys=2147483647{marker}"));
        assert_eq!(page.status, 200, "{page:?}");
        pages += 1;
        let found = page.elements("VersionId");
        assert!(found.len() <= 1000, "{}", found.len());
        ids.extend(found);
        let (Some(key), Some(version)) = (page.element("NextKeyMarker"), page.element("NextVersionIdMarker")) else {
            break;
        };
        marker = format!("&key-marker={key}&version-id-marker={version}");
    }
    assert_eq!((pages, ids.len()), (VERSIONS / 1000 + 1, VERSIONS + 1), "every version once");
    let other = server.get("/bucket?versions&delimiter=e&max-keys=2");
    assert_eq!(other.elements("Prefix").iter().filter(|prefix| !prefix.is_empty()).count(), 2, "folded: {other:?}");
    assert_eq!(server.get("/bucket?list-type=2").elements("Key"), ["key", "later"], "and others look at none of them");
}

#[test]
fn attack_41_a_page_of_versions_does_not_read_those_of_the_pages_before() {
    const VERSIONS: TableDefinition<'_, (&str, &str, u64), &[u8]> = TableDefinition::new("versions");
    let server = versioned();
    for _ in 0..4 {
        server.put("/bucket/key", b"x");
    }
    let first = server.get("/bucket?versions&max-keys=3");
    let marker = first.element("NextVersionIdMarker").unwrap();
    let told = first.elements("VersionId");
    let server = server.restart_after(|data| {
        let database = redb::Database::open(data.join("index.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut table = transaction.open_table(VERSIONS).unwrap();
            let (bucket, key, rank) = {
                let (name, _) = table.first().unwrap().unwrap();
                let (bucket, key, rank) = name.value();
                (bucket.to_owned(), key.to_owned(), rank)
            };
            table.insert((bucket.as_str(), key.as_str(), rank), b"cannot be read".as_slice()).unwrap();
        }
        transaction.commit().unwrap();
    });
    let second = server.get(&format!("/bucket?versions&key-marker=key&version-id-marker={marker}"));
    assert_eq!(second.status, 200, "{second:?}");
    let rest = second.elements("VersionId");
    assert!(rest.len() == 1 && !told.contains(&rest[0]), "{told:?} {rest:?}");
    assert_eq!(second.elements("IsLatest"), ["false"]);
    assert_eq!(server.get("/bucket?versions").code(), "InternalError");
}
