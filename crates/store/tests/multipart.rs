//! Multipart uploads.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumType, Md5Hasher};
use support::{Reply, Server};

const MEBIBYTE: usize = 1024 * 1024;
const SMALLEST_PART: usize = 5 * MEBIBYTE;

fn begin(server: &Server, target: &str, headers: &[(&str, &str)]) -> String {
    let reply = server.signed("POST", &format!("{target}?uploads"), headers, b"");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.element("UploadId").unwrap()
}

fn upload(server: &Server, target: &str, id: &str, number: u16, body: &[u8]) -> String {
    let reply = server.signed("PUT", &format!("{target}?partNumber={number}&uploadId={id}"), &[], body);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header("etag").unwrap().to_owned()
}

fn complete(server: &Server, target: &str, id: &str, parts: &[(u16, &str)]) -> Reply {
    complete_with(server, target, id, &[], parts)
}

fn complete_with(server: &Server, target: &str, id: &str, headers: &[(&str, &str)], parts: &[(u16, &str)]) -> Reply {
    server.signed("POST", &format!("{target}?uploadId={id}"), headers, list(parts).as_bytes())
}

fn list(parts: &[(u16, &str)]) -> String {
    let part =
        |(number, etag): &(u16, &str)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    let parts = parts.iter().map(part).collect::<Vec<_>>().concat();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

#[test]
fn parts_become_an_object_whatever_their_numbers_and_order_of_arrival() {
    let server = Server::with_bucket();
    let id = begin(&server, "/bucket/key", &[("content-type", "text/plain"), ("x-amz-meta-a", "b")]);
    let (first, last) = (vec![1_u8; SMALLEST_PART], b"the end".to_vec());
    let late = upload(&server, "/bucket/key", &id, 7, &last);
    let early = upload(&server, "/bucket/key", &id, 2, &first);
    assert_eq!(server.get("/bucket/key").code(), "NoSuchKey");

    let reply = complete(&server, "/bucket/key", &id, &[(2, &early), (7, &late)]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.element("ETag").unwrap().ends_with("-2&quot;"));
    let object = server.get("/bucket/key");
    assert_eq!(object.body, [first.clone(), last.clone()].concat());
    assert_eq!(object.header("content-type"), Some("text/plain"));
    assert_eq!(object.header("x-amz-meta-a"), Some("b"));

    let across = format!("bytes={}-{}", SMALLEST_PART - 2, SMALLEST_PART + 2);
    assert_eq!(server.signed("GET", "/bucket/key", &[("range", &across)], b"").body, b"\x01\x01the");
    let part = server.signed("GET", "/bucket/key?partNumber=7", &[], b"");
    assert_eq!((part.status, &part.body), (206, &last));
    assert_eq!(part.header("x-amz-mp-parts-count"), Some("2"));
    assert_eq!(server.signed("GET", "/bucket/key?partNumber=3", &[], b"").status, 416);
}

#[test]
fn a_completion_can_be_repeated_until_the_object_is_replaced() {
    let server = Server::with_bucket();
    let id = begin(&server, "/bucket/key", &[]);
    let etag = upload(&server, "/bucket/key", &id, 1, b"only");
    let first = complete(&server, "/bucket/key", &id, &[(1, &etag)]);
    let again = complete(&server, "/bucket/key", &id, &[(1, &etag)]);
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.element("ETag"), again.element("ETag"));
    server.put("/bucket/key", b"replaced");
    assert_eq!(complete(&server, "/bucket/key", &id, &[(1, &etag)]).code(), "NoSuchUpload");
    assert_eq!(server.get("/bucket/key").body, b"replaced");
}

#[test]
fn what_does_not_fit_is_refused_and_the_upload_stays() {
    let server = Server::with_bucket();
    let id = begin(&server, "/bucket/key", &[]);
    let small = upload(&server, "/bucket/key", &id, 1, &vec![0; SMALLEST_PART - 1]);
    let last = upload(&server, "/bucket/key", &id, 2, b"end");
    let refuse = |code: &str, parts: &[(u16, &str)]| {
        server.refuses(400, code, |server| complete(server, "/bucket/key", &id, parts))
    };
    let reply = refuse("EntityTooSmall", &[(1, &small), (2, &last)]);
    assert_eq!(reply.element("MinSizeAllowed"), Some(SMALLEST_PART.to_string()));
    refuse("InvalidPart", &[(1, &last)]);
    refuse("InvalidPart", &[(3, &last)]);
    refuse("InvalidPartOrder", &[(2, &last), (1, &small)]);
    refuse("MalformedXML", &[]);
    let exact = upload(&server, "/bucket/key", &id, 1, &vec![0; SMALLEST_PART]);
    assert_eq!(complete(&server, "/bucket/key", &id, &[(1, &exact), (2, &last)]).status, 200);
}

#[test]
fn an_aborted_upload_is_gone_with_its_bytes() {
    let server = Server::with_bucket();
    let id = begin(&server, "/bucket/key", &[]);
    let target = format!("/bucket/key?uploadId={id}");
    upload(&server, "/bucket/key", &id, 1, &vec![0; 100_000]);
    assert_eq!(server.signed("GET", &target, &[], b"").elements("PartNumber"), ["1"]);
    assert_eq!(server.signed("DELETE", &target, &[], b"").status, 204);
    assert_eq!(server.signed("DELETE", &target, &[], b"").code(), "NoSuchUpload");
    assert_eq!(server.signed("GET", &target, &[], b"").code(), "NoSuchUpload");
    let late = server.signed("PUT", &format!("/bucket/key?partNumber=2&uploadId={id}"), &[], b"late");
    assert_eq!(late.code(), "NoSuchUpload");
    support::eventually("the part is removed", || !server.state().keys().any(|path| path.contains("/blobs/")));
}

#[test]
fn an_upload_belongs_to_its_key() {
    let server = Server::with_bucket();
    let id = begin(&server, "/bucket/key", &[]);
    let etag = upload(&server, "/bucket/key", &id, 1, b"part");
    server.refuses(404, "NoSuchUpload", |server| complete(server, "/bucket/other", &id, &[(1, &etag)]));
    let other = format!("/bucket/other?partNumber=1&uploadId={id}");
    server.refuses(404, "NoSuchUpload", |server| server.signed("PUT", &other, &[], b"part"));
}

#[test]
fn uploads_and_parts_are_listed_in_pages() {
    let server = Server::with_bucket();
    let mut ids = Vec::new();
    for key in ["a/1", "a/2", "b", "b"] {
        server.move_clock(1);
        ids.push(begin(&server, &format!("/bucket/{key}"), &[]));
    }
    let list = |query: &str| server.signed("GET", &format!("/bucket?uploads{query}"), &[], b"");
    assert_eq!(list("").elements("Key"), ["a/1", "a/2", "b", "b"]);
    assert_eq!(list("").elements("UploadId"), ids);
    let grouped = list("&delimiter=%2F");
    assert_eq!(
        (grouped.elements("Key"), grouped.element("Prefix")),
        (vec!["b".into(), "b".into()], Some(String::new()))
    );
    assert!(grouped.text().contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"));
    let page = list("&max-uploads=3");
    assert_eq!(page.element("IsTruncated").as_deref(), Some("true"));
    let (key, upload) = (page.element("NextKeyMarker").unwrap(), page.element("NextUploadIdMarker").unwrap());
    let rest = list(&format!("&key-marker={key}&upload-id-marker={upload}"));
    assert_eq!(rest.elements("UploadId"), [ids[3].clone()]);

    for number in [1, 2, 10] {
        self::upload(&server, "/bucket/b", &ids[3], number, b"part");
    }
    let parts = |query: &str| server.signed("GET", &format!("/bucket/b?uploadId={}{query}", ids[3]), &[], b"");
    assert_eq!(parts("").elements("PartNumber"), ["1", "2", "10"]);
    let page = parts("&max-parts=2");
    assert_eq!(page.element("NextPartNumberMarker").as_deref(), Some("2"));
    assert_eq!(parts("&part-number-marker=2").elements("PartNumber"), ["10"]);
}

#[test]
fn a_copy_has_the_bytes_after_its_source_is_gone() {
    let server = Server::with_bucket();
    for (name, body) in [("small", vec![1; 10]), ("large", vec![2; 100_000])] {
        server.put(&format!("/bucket/{name}"), &body);
        let source = format!("/bucket/{name}");
        let copy = [("x-amz-copy-source", source.as_str())];
        assert_eq!(server.signed("PUT", "/bucket/copy", &copy, b"").status, 200);
        assert_eq!(server.signed("DELETE", &source, &[], b"").status, 204);
        assert_eq!(server.get("/bucket/copy").body, body);
    }
    let server = server.restart();
    assert_eq!(server.get("/bucket/copy").body, vec![2; 100_000]);
    assert_eq!(server.signed("DELETE", "/bucket/copy", &[], b"").status, 204);
    support::eventually("the blob is removed", || !server.state().keys().any(|path| path.contains("/blobs/")));
}

#[test]
fn copies_obey_conditions_and_directives() {
    let server = Server::with_bucket();
    assert_eq!(
        server.signed("PUT", "/bucket/a", &[("x-amz-meta-x", "1"), ("content-type", "a/b")], b"body").status,
        200
    );
    let etag = server.get("/bucket/a").header("etag").unwrap().to_owned();
    let copy = |headers: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> =
            [("x-amz-copy-source", "bucket/a")].into_iter().chain(headers.iter().copied()).collect();
        server.signed("PUT", "/bucket/b", &all, b"")
    };
    server.refuses(412, "PreconditionFailed", |_| copy(&[("x-amz-copy-source-if-none-match", &etag)]));
    server.refuses(412, "PreconditionFailed", |_| copy(&[("x-amz-copy-source-if-match", "\"0\"")]));
    assert_eq!(copy(&[]).status, 200);
    assert_eq!(server.get("/bucket/b").header("x-amz-meta-x"), Some("1"));
    assert_eq!(copy(&[("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-y", "2")]).status, 200);
    let replaced = server.get("/bucket/b");
    assert_eq!((replaced.header("x-amz-meta-x"), replaced.header("x-amz-meta-y")), (None, Some("2")));
    server.refuses(400, "InvalidRequest", |server| {
        server.signed("PUT", "/bucket/a", &[("x-amz-copy-source", "/bucket/a")], b"")
    });
    server.refuses(404, "NoSuchKey", |server| {
        server.signed("PUT", "/bucket/b", &[("x-amz-copy-source", "/bucket/missing")], b"")
    });
    server.refuses(404, "NoSuchBucket", |server| {
        server.signed("PUT", "/bucket/b", &[("x-amz-copy-source", "/absent-bucket/a")], b"")
    });
    let with_checksum = copy(&[("x-amz-checksum-algorithm", "CRC32")]);
    assert!(with_checksum.element("ChecksumCRC32").is_some(), "{with_checksum:?}");
}

fn content_md5(body: &str) -> String {
    let mut hasher = Md5Hasher::new();
    hasher.update(body.as_bytes());
    STANDARD.encode(hasher.finish())
}

#[test]
fn the_digest_of_a_list_of_parts_is_verified() {
    let server = Server::with_bucket();
    let id = begin(&server, "/bucket/key", &[]);
    let etag = upload(&server, "/bucket/key", &id, 1, b"only");
    let with = |md5: &str| complete_with(&server, "/bucket/key", &id, &[("content-md5", md5)], &[(1, &etag)]);
    server.refuses(400, "BadDigest", |_| with(&content_md5("another list")));
    server.refuses(400, "InvalidDigest", |_| with("no digest"));
    assert_eq!(with(&content_md5(&list(&[(1, &etag)]))).status, 200);
}

#[test]
fn a_completion_on_condition_sees_writes_since_the_upload_began() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let seen = server.get("/bucket/key").header("etag").unwrap().to_owned();
    let id = begin(&server, "/bucket/key", &[]);
    let etag = upload(&server, "/bucket/key", &id, 1, b"only");
    let on = |id: &str, header: (&str, &str)| complete_with(&server, "/bucket/key", id, &[header], &[(1, &etag)]);

    server.move_clock(1);
    server.put("/bucket/key", b"content");
    let reply = server.refuses(409, "ConditionalRequestConflict", |_| on(&id, ("if-match", &seen)));
    assert_eq!(reply.element("Condition").as_deref(), Some("If-Match"));
    server.refuses(412, "PreconditionFailed", |_| on(&id, ("if-none-match", "*")));

    let id = begin(&server, "/bucket/key", &[]);
    upload(&server, "/bucket/key", &id, 1, b"only");
    assert_eq!(on(&id, ("if-match", &seen)).status, 200);
}

fn in_two_parts(server: &Server, target: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let id = begin(server, target, headers);
    let content: Vec<u8> = (0..SMALLEST_PART + 7).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1]).collect();
    let algorithm =
        headers.iter().find_map(|(_, name)| ChecksumAlgorithm::parse(name)).unwrap_or(ChecksumAlgorithm::Crc64Nvme);
    let (first, last) = content.split_at(SMALLEST_PART);
    let part = |number, body: &[u8]| {
        let etag = upload(server, target, &id, number, body);
        let (element, checksum) = (algorithm.element(), Checksum::of(algorithm, body).to_text());
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><{element}>{checksum}</{element}></Part>")
    };
    let list = format!("<CompleteMultipartUpload>{}{}</CompleteMultipartUpload>", part(1, first), part(2, last));
    let reply = server.signed("POST", &format!("{target}?uploadId={id}"), &[], list.as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    content
}

#[test]
fn a_part_has_its_own_checksum_and_the_type_of_the_objects() {
    let server = Server::with_bucket();
    let content = in_two_parts(&server, "/bucket/key", &[("x-amz-checksum-algorithm", "SHA256")]);
    let (first, last) = content.split_at(SMALLEST_PART);
    for (number, part) in [(1, first), (2, last)] {
        let target = format!("/bucket/key?partNumber={number}");
        let told = server.signed("GET", &target, &[("x-amz-checksum-mode", "ENABLED")], b"");
        let checksum = Checksum::of(ChecksumAlgorithm::Sha256, part).to_text();
        assert_eq!(told.header("x-amz-checksum-sha256"), Some(checksum.as_str()));
        assert_eq!(told.header("x-amz-checksum-type"), Some("COMPOSITE"));
    }
}

#[test]
fn a_copy_of_an_object_in_parts_is_one_piece() {
    let server = Server::with_bucket();
    for headers in [[].as_slice(), &[("x-amz-checksum-algorithm", "CRC32")]] {
        let content = in_two_parts(&server, "/bucket/key", headers);
        let reply = server.signed("PUT", "/bucket/copy", &[("x-amz-copy-source", "/bucket/key")], b"");
        assert_eq!(reply.status, 200, "{reply:?}");
        let mut md5 = Md5Hasher::new();
        md5.update(&content);
        let etag = format!("\"{}\"", gatepass_signing::encode::hex(&md5.finish()));
        let copy = server.signed("GET", "/bucket/copy?partNumber=1", &[("x-amz-checksum-mode", "ENABLED")], b"");
        assert_eq!((copy.header("etag"), &copy.body), (Some(etag.as_str()), &content));
        assert_eq!(copy.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        let algorithm = if headers.is_empty() { ChecksumAlgorithm::Crc64Nvme } else { ChecksumAlgorithm::Crc32 };
        let checksum = Checksum::of(algorithm, &content).to_text();
        assert_eq!(copy.header(algorithm.header()), Some(checksum.as_str()));
        assert_eq!(copy.header("x-amz-mp-parts-count"), None);
        let second = server.signed("GET", "/bucket/copy?partNumber=2", &[], b"");
        assert_eq!((second.status, second.code().as_str()), (416, "InvalidPartNumber"));
    }
}

#[test]
fn a_copy_of_an_object_in_parts_outlives_it() {
    let server = Server::with_bucket();
    let content = in_two_parts(&server, "/bucket/key", &[]);
    assert_eq!(server.signed("PUT", "/bucket/copy", &[("x-amz-copy-source", "/bucket/key")], b"").status, 200);
    assert_eq!(server.signed("DELETE", "/bucket/key", &[], b"").status, 204);
    assert_eq!(server.get("/bucket/copy").body, content);
    let server = server.restart();
    let range = server.signed("GET", "/bucket/copy", &[("range", "bytes=5242878-5242881")], b"");
    assert_eq!(range.body, content[5_242_878..=5_242_881]);
}

fn copy_part(server: &Server, target: &str, id: &str, number: u16, headers: &[(&str, &str)]) -> Reply {
    server.signed("PUT", &format!("{target}?partNumber={number}&uploadId={id}"), headers, b"")
}

#[test]
fn a_part_is_copied_whole_or_in_a_range() {
    let server = Server::with_bucket();
    let content = in_two_parts(&server, "/bucket/source", &[]);
    server.put("/bucket/small", b"0123456789");
    let id = begin(&server, "/bucket/key", &[("x-amz-checksum-algorithm", "SHA256")]);
    let copy = |number, source: &str, range: Option<&str>| {
        let mut headers = vec![("x-amz-copy-source", source)];
        headers.extend(range.map(|range| ("x-amz-copy-source-range", range)));
        copy_part(&server, "/bucket/key", &id, number, &headers)
    };
    let whole = copy(1, "/bucket/source", None);
    assert_eq!(whole.status, 200, "{whole:?}");
    let expected = Checksum::of(ChecksumAlgorithm::Sha256, &content).to_text();
    assert_eq!(whole.element("ChecksumSHA256"), Some(expected.clone()));
    assert!(whole.element("LastModified").is_some());
    // A range across the border of two parts, and one of a small object.
    let across = copy(2, "bucket/source", Some("bytes=7-5242885"));
    let small = copy(3, "bucket%2Fsmall", Some("bytes=2-9"));
    assert_eq!((across.status, small.status), (200, 200), "{across:?} {small:?}");

    let listed = server.signed("GET", &format!("/bucket/key?uploadId={id}"), &[], b"");
    assert_eq!(listed.elements("Size"), ["5242887", "5242879", "8"]);
    // A piece that is too small between two others is refused as for any part, so take one that is large enough.
    let parts = [(1, &whole), (2, &across), (3, &small)].map(|(number, reply)| {
        let (etag, checksum) = (reply.element("ETag").unwrap(), reply.element("ChecksumSHA256").unwrap());
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><ChecksumSHA256>{checksum}</ChecksumSHA256></Part>")
    });
    let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat());
    let reply = server.signed("POST", &format!("/bucket/key?uploadId={id}"), &[], body.as_bytes());
    assert_eq!(reply.code(), "EntityTooSmall", "{reply:?}");
    let body = format!("<CompleteMultipartUpload>{}{}</CompleteMultipartUpload>", parts[0], parts[2]);
    let reply = server.signed("POST", &format!("/bucket/key?uploadId={id}"), &[], body.as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(server.get("/bucket/key").body, [&content, b"23456789".as_slice()].concat());
    assert_eq!(server.signed("DELETE", "/bucket/source", &[], b"").status, 204);
    assert_eq!(server.get("/bucket/key").body.len(), content.len() + 8);
}

#[test]
fn a_copy_of_a_part_is_refused_where_its_source_is_not_as_it_should_be() {
    let server = Server::with_bucket();
    server.put("/bucket/source", b"0123456789");
    let id = begin(&server, "/bucket/key", &[]);
    let copy = |headers: &[(&str, &str)]| copy_part(&server, "/bucket/key", &id, 1, headers);
    for (status, code, headers) in [
        (400, "InvalidArgument", [("x-amz-copy-source", "/bucket/source"), ("x-amz-copy-source-range", "bytes=0-10")]),
        (400, "InvalidArgument", [("x-amz-copy-source", "/bucket/source"), ("x-amz-copy-source-range", "bytes=0-")]),
        (404, "NoSuchKey", [("x-amz-copy-source", "/bucket/nothing"), ("x-amz-copy-source-range", "bytes=0-1")]),
        (404, "NoSuchBucket", [("x-amz-copy-source", "/nowhere/key"), ("x-amz-copy-source-range", "bytes=0-1")]),
        (412, "PreconditionFailed", [("x-amz-copy-source", "/bucket/source"), ("x-amz-copy-source-if-match", "a")]),
        (
            412,
            "PreconditionFailed",
            [("x-amz-copy-source", "/bucket/source"), ("x-amz-copy-source-if-none-match", "*")],
        ),
    ] {
        server.refuses(status, code, |_| copy(&headers));
    }
    let other = copy_part(&server, "/bucket/key", "nothing", 1, &[("x-amz-copy-source", "/bucket/source")]);
    assert_eq!(other.code(), "NoSuchUpload");
    let none = server.signed("GET", &format!("/bucket/key?uploadId={id}"), &[], b"");
    assert_eq!(none.elements("PartNumber"), [""; 0]);
    let target = server.presign(gatepass_signing::sigv4::presign::Method::Put, "key");
    let attack = [("x-amz-copy-source", "/bucket/source")];
    server.refuses(403, "AccessDenied", |server| server.send("PUT", &target, &attack, b""));
}

#[test]
fn attributes_tell_what_is_asked_for() {
    let server = Server::with_bucket();
    let ask = |key: &str, wanted: &str, more: &[(&str, &str)]| {
        let headers = [[("x-amz-object-attributes", wanted)].as_slice(), more].concat();
        server.signed("GET", &format!("/bucket/{key}?attributes"), &headers, b"")
    };
    server.put("/bucket/one", b"content");
    let one = ask("one", "ETag,Checksum,ObjectParts,StorageClass,ObjectSize", &[]);
    assert_eq!(one.status, 200, "{one:?}");
    assert_eq!(one.element("ETag").as_deref(), Some("9a0364b9e99bb480dd25e1f0284c8555"), "no quotation marks here");
    assert_eq!(
        (one.element("ObjectSize").as_deref(), one.element("StorageClass").as_deref()),
        (Some("7"), Some("STANDARD"))
    );
    assert_eq!(one.element("ChecksumType").as_deref(), Some("FULL_OBJECT"));
    assert!(one.element("ChecksumCRC64NVME").is_some() && one.element("ObjectParts").is_none());
    assert!(one.header("last-modified").is_some());
    let size = ask("one", "ObjectSize", &[]);
    assert_eq!((size.element("ObjectSize").as_deref(), size.element("ETag")), (Some("7"), None));

    in_two_parts(&server, "/bucket/two", &[("x-amz-checksum-algorithm", "CRC32C")]);
    let two = ask("two", "ObjectParts,Checksum", &[]);
    assert_eq!(two.element("PartsCount").as_deref(), Some("2"));
    assert_eq!(two.elements("Size"), ["5242880", "7"]);
    assert_eq!(two.elements("ChecksumCRC32C").len(), 3);
    assert_eq!(two.element("ChecksumType").as_deref(), Some("COMPOSITE"));
    let first = ask("two", "ObjectParts", &[("x-amz-max-parts", "1")]);
    assert_eq!(
        (first.element("IsTruncated").as_deref(), first.elements("PartNumber")),
        (Some("true"), vec!["1".to_owned()])
    );
    let next = first.element("NextPartNumberMarker").unwrap();
    let second = ask("two", "ObjectParts", &[("x-amz-part-number-marker", &next)]);
    assert_eq!(
        (second.element("IsTruncated").as_deref(), second.elements("PartNumber")),
        (Some("false"), vec!["2".to_owned()])
    );

    assert_eq!(ask("nothing", "ETag", &[]).code(), "NoSuchKey");
    assert_eq!(ask("one", "Etag", &[]).code(), "InvalidArgument");
    assert_eq!(server.signed("GET", "/bucket/one?attributes", &[], b"").code(), "InvalidRequest");
    let stranger = server.send("GET", "/bucket/one?attributes", &[("x-amz-object-attributes", "ETag")], b"");
    assert_eq!(stranger.code(), "AccessDenied");
}

#[test]
fn every_algorithm_is_verified_stored_and_told_for_pieces_and_parts() {
    let server = Server::with_bucket();
    for algorithm in ChecksumAlgorithm::ALL {
        let checksum = Checksum::of(algorithm, b"content").to_text();
        let wrong = Checksum::of(algorithm, b"other").to_text();
        let put = |value: &str| server.signed("PUT", "/bucket/key", &[(algorithm.header(), value)], b"content");
        assert_eq!(put(&wrong).code(), "BadDigest", "{algorithm:?}");
        let reply = put(&checksum);
        assert_eq!((reply.status, reply.header(algorithm.header())), (200, Some(checksum.as_str())));
        let mode = [("x-amz-checksum-mode", "ENABLED")];
        let head = server.signed("HEAD", "/bucket/key", &mode, b"");
        assert_eq!(head.header(algorithm.header()), Some(checksum.as_str()));
        let listed = server.signed("GET", "/bucket?list-type=2&prefix=key", &[], b"");
        assert_eq!(listed.element("ChecksumAlgorithm").as_deref(), Some(algorithm.as_str()));
        let wanted = [("x-amz-copy-source", "/bucket/key"), ("x-amz-checksum-algorithm", algorithm.as_str())];
        let copied = server.signed("PUT", "/bucket/copy", &wanted, b"");
        assert_eq!(copied.element(algorithm.element()), Some(checksum.clone()));

        for kind in [ChecksumType::Composite, ChecksumType::FullObject] {
            let headers = [("x-amz-checksum-algorithm", algorithm.as_str()), ("x-amz-checksum-type", kind.as_str())];
            if !algorithm.allows(kind) {
                let reply = server.signed("POST", "/bucket/parts?uploads", &headers, b"");
                assert_eq!(reply.code(), "InvalidRequest", "{algorithm:?} {kind:?}");
                continue;
            }
            let id = begin(&server, "/bucket/parts", &headers);
            let etag = upload(&server, "/bucket/parts", &id, 1, b"content");
            let listed = server.signed("GET", &format!("/bucket/parts?uploadId={id}"), &[], b"");
            assert_eq!(listed.element(algorithm.element()), Some(checksum.clone()));
            assert_eq!(listed.element("ChecksumType").as_deref(), Some(kind.as_str()));
            let element = algorithm.element();
            let body = format!(
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag><{element}>{checksum}</{element}></Part></CompleteMultipartUpload>"
            );
            let reply = server.signed("POST", &format!("/bucket/parts?uploadId={id}"), &[], body.as_bytes());
            assert_eq!(
                (reply.status, reply.element("ChecksumType").as_deref()),
                (200, Some(kind.as_str())),
                "{reply:?}"
            );
            let part = server.signed("HEAD", "/bucket/parts?partNumber=1", &mode, b"");
            assert_eq!(part.header(algorithm.header()), Some(checksum.as_str()));
        }
    }
}
