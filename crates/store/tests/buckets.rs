//! Buckets, listings, bulk deletes and STS.

mod support;

use gatepass_signing::sigv4::ServiceName;
use gatepass_signing::sigv4::header::Body;
use support::{Server, borrowed};

#[test]
fn a_bucket_lives_from_create_to_delete() {
    let server = Server::start();
    assert_eq!(server.signed("HEAD", "/bucket", &[], b"").status, 404);
    assert_eq!(server.signed("PUT", "/bucket", &[], b"").header("location"), Some("/bucket"));
    assert_eq!(server.signed("PUT", "/bucket", &[], b"").status, 200);
    assert_eq!(server.signed("HEAD", "/bucket", &[], b"").header("x-amz-bucket-region"), Some("us-east-1"));
    assert_eq!(server.signed("GET", "/bucket?location", &[], b"").status, 200);
    assert_eq!(server.signed("GET", "/", &[], b"").elements("Name"), ["bucket"]);
    server.put("/bucket/key", b"content");
    server.refuses(409, "BucketNotEmpty", |server| server.signed("DELETE", "/bucket", &[], b""));
    assert_eq!(server.signed("DELETE", "/bucket/key", &[], b"").status, 204);
    assert_eq!(server.signed("DELETE", "/bucket", &[], b"").status, 204);
    assert_eq!(server.signed("DELETE", "/bucket", &[], b"").code(), "NoSuchBucket");
    assert!(server.signed("GET", "/", &[], b"").elements("Name").is_empty());
    server.refuses(400, "InvalidBucketName", |server| server.signed("PUT", "/Not_A_Name", &[], b""));
}

#[test]
fn a_bucket_is_made_in_the_region_of_its_endpoint_alone() {
    let server = Server::start();
    let document =
        b"<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    server.refuses(400, "IllegalLocationConstraintException", |server| server.signed("PUT", "/bucket", &[], document));
}

#[test]
fn listings_fold_skip_and_page() {
    let server = Server::with_bucket();
    for key in ["a", "b/1", "b/2", "b/c/3", "c", "d//x", "\u{e9}/1", "z"] {
        let mut target = String::from("/bucket/");
        gatepass_signing::encode::path(key, &mut target);
        server.put(&target, b"x");
    }
    let list = |query: &str| server.signed("GET", &format!("/bucket?list-type=2{query}"), &[], b"");
    let prefixes = |query: &str| {
        let reply = list(query);
        let text = reply.text();
        text.split("<CommonPrefixes><Prefix>")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list("").elements("Key"), ["a", "b/1", "b/2", "b/c/3", "c", "d//x", "z", "\u{e9}/1"]);
    assert_eq!(list("&delimiter=%2F").elements("Key"), ["a", "c", "z"]);
    assert_eq!(prefixes("&delimiter=%2F"), ["b/", "d/", "\u{e9}/"]);
    assert_eq!(prefixes("&delimiter=%2F&prefix=b%2F"), ["b/c/"]);
    assert_eq!(prefixes("&delimiter=%2F&prefix=d%2F"), ["d//"]);
    assert_eq!(list("&start-after=b%2F2").elements("Key"), ["b/c/3", "c", "d//x", "z", "\u{e9}/1"]);
    assert_eq!(list("&max-keys=0").element("IsTruncated").as_deref(), Some("false"));
    assert_eq!(list("&encoding-type=url&prefix=%C3%A9").elements("Key"), ["%C3%A9/1"]);

    for delimiter in ["", "&delimiter=%2F"] {
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("{delimiter}&max-keys=1{token}"));
            assert_eq!(page.element("KeyCount").as_deref(), Some("1"));
            names.extend(page.elements("Key"));
            match page.element("NextContinuationToken") {
                Some(next) => token = format!("&continuation-token={next}"),
                None => break,
            }
        }
        assert_eq!(names, list(delimiter).elements("Key"));
    }
    server.refuses(400, "InvalidArgument", |_| list("&continuation-token=%21"));
    server.refuses(400, "InvalidArgument", |_| list("&max-keys=2147483648"));

    let first = server.signed("GET", "/bucket?delimiter=%2F&max-keys=2", &[], b"");
    assert_eq!(first.element("NextMarker").as_deref(), Some("b/"));
    let second = server.signed("GET", "/bucket?delimiter=%2F&marker=b%2F", &[], b"");
    assert_eq!(second.elements("Key"), ["c", "z"]);
}

#[test]
fn attack_41_a_flood_of_delimiters_is_one_line_for_each() {
    let server = Server::with_bucket();
    // A hundred directories of a hundred, and a key that is nothing but delimiters.
    let keys = (0..10_000).map(|number| format!("{:02}/{:02}/x", number / 100, number % 100));
    let keys = keys.chain(["/".repeat(1024)]).map(|key| (key, b"x".to_vec()));
    server.store().load("bucket", keys).unwrap();
    let pages = |query: &str| {
        let (mut pages, mut found, mut token) = (0, Vec::new(), String::new());
        loop {
            let page = server.get(&format!("/bucket?list-type=2&{query}{token}"));
            assert_eq!(page.status, 200, "{page:?}");
            pages += 1;
            found.extend(page.elements("Prefix").into_iter().filter(|prefix| prefix.ends_with('/')));
            found.extend(page.elements("Key"));
            let Some(next) = page.element("NextContinuationToken") else { return (pages, found) };
            token = format!("&continuation-token={}", next.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
        }
    };
    let (count, directories) = pages("delimiter=%2F&max-keys=50");
    assert_eq!((count, directories.len()), (3, 101), "what lies in a directory is passed over, not read");
    let (count, all) = pages("delimiter=absent");
    assert_eq!((count, all.len()), (11, 10_001));
    for delimiter in ["x", "%2Fx", "0", "%2F%2F", "%00"] {
        let (_, found) = pages(&format!("delimiter={delimiter}"));
        assert!(!found.is_empty(), "{delimiter}");
    }
}

#[test]
fn bulk_deletes_answer_for_each_key() {
    let server = Server::with_bucket();
    for key in ["a", "b", "c"] {
        server.put(&format!("/bucket/{key}"), b"x");
    }
    let delete = |document: &str| {
        let crc = gatepass_protocol::s3::checksum::Checksum::of(
            gatepass_protocol::s3::checksum::ChecksumAlgorithm::Crc32,
            document.as_bytes(),
        );
        server.signed("POST", "/bucket?delete", &[("x-amz-checksum-crc32", &crc.to_text())], document.as_bytes())
    };
    let reply = delete(
        "<Delete><Object><Key>a</Key></Object><Object><Key>missing</Key></Object>\
         <Object><Key>b</Key><ETag>\"0\"</ETag></Object></Delete>",
    );
    assert_eq!(reply.elements("Deleted"), ["<Key>a</Key>", "<Key>missing</Key>"]);
    assert_eq!(reply.elements("Code"), ["PreconditionFailed"]);
    let quiet = delete("<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>");
    assert_eq!((quiet.status, quiet.elements("Key").len()), (200, 0));
    assert_eq!(server.signed("GET", "/bucket", &[], b"").elements("Key"), ["c"]);
    let document = b"<Delete><Object><Key>c</Key></Object></Delete>";
    server.refuses(400, "InvalidRequest", |server| server.signed("POST", "/bucket?delete", &[], document));
}

#[test]
fn hostile_documents_are_refused() {
    let server = Server::with_bucket();
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let laughs = "<!DOCTYPE lolz [<!ENTITY lol \"lol\">]><CORSConfiguration>&lol;</CORSConfiguration>";
    let external = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><CORSConfiguration>&e;</CORSConfiguration>";
    for document in
        [deep.as_bytes(), laughs.as_bytes(), external.as_bytes(), b"\xff\xfe<CORSConfiguration/>", b"", b"<x/>"]
    {
        let before = server.state();
        let reply = server.signed("PUT", "/bucket?cors", &[], document);
        assert_eq!(reply.status, 400, "{reply:?}");
        assert_eq!(before, server.state());
    }
    let million: String = (0..1_000_000).map(|_| "<Part/>").collect();
    let document = format!("<CompleteMultipartUpload>{million}</CompleteMultipartUpload>");
    assert_eq!(server.signed("POST", "/bucket/key?uploadId=0", &[], document.as_bytes()).status, 400);
}

#[test]
fn the_caller_can_ask_who_it_is() {
    let server = Server::start();
    let form = b"Action=GetCallerIdentity&Version=2011-06-15";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let signed = server.sign_for(ServiceName::Sts, "POST", "/", &headers, Body::of(form));
    let reply = server.send("POST", "/", &borrowed(&signed), form);
    assert_eq!(reply.element("Arn").as_deref(), Some("arn:aws:iam::000000000000:root"), "{reply:?}");
    assert_eq!(server.send("POST", "/", &headers, form).code(), "MissingAuthenticationToken");
    let other = b"Action=GetCallerIdentity&Version=2011-06-16";
    assert_eq!(server.send("POST", "/", &borrowed(&signed), other).code(), "SignatureDoesNotMatch");
}

#[test]
fn features_that_are_missing_are_named_and_not_ignored() {
    let server = Server::with_bucket();
    for target in ["/bucket?metadataTable", "/bucket?abac", "/bucket/key?torrent", "/bucket/key?annotations"] {
        server.refuses(501, "NotImplemented", |server| server.signed("GET", target, &[], b""));
    }
    for header in [
        ("x-amz-website-redirect-location", "/x"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-object-lock-mode", "GOVERNANCE"),
    ] {
        server.refuses(501, "NotImplemented", |server| server.signed("PUT", "/bucket/key", &[header], b"x"));
    }
    server.refuses(403, "AccessDenied", |server| {
        server.signed("GET", "/bucket", &[("x-amz-expected-bucket-owner", "999999999999")], b"")
    });
}
