//! Tags of objects and buckets: set with a write, set later, copied, counted, told and taken away.

mod support;

use support::{Reply, Server};

fn document(pairs: &[(&str, &str)]) -> String {
    let tags = pairs.iter().map(|(key, value)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"));
    format!("<Tagging><TagSet>{}</TagSet></Tagging>", tags.collect::<String>())
}

fn pairs(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.elements("Key").into_iter().zip(reply.elements("Value")).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn tags_come_with_a_write_and_are_counted() {
    let server = Server::with_bucket();
    let put = server.signed("PUT", "/bucket/key", &[("x-amz-tagging", "state=new&by=a%20b")], b"content");
    assert_eq!(put.status, 200, "{put:?}");
    let server = server.restart();
    assert_eq!(pairs(&server.get("/bucket/key?tagging")), owned(&[("by", "a b"), ("state", "new")]));
    for method in ["GET", "HEAD"] {
        assert_eq!(server.signed(method, "/bucket/key", &[], b"").header("x-amz-tagging-count"), Some("2"));
    }
    server.put("/bucket/key", b"overwritten");
    assert_eq!(pairs(&server.get("/bucket/key?tagging")), []);
    assert_eq!(server.get("/bucket/key").header("x-amz-tagging-count"), None);
}

#[test]
fn tags_are_set_and_removed_without_touching_the_object() {
    let server = Server::with_bucket();
    server.put("/bucket/key", &vec![7; 100_000]);
    let before = server.get("/bucket/key");
    server.move_clock(60);
    let set = document(&[("scan", "clean"), ("é", "")]);
    assert_eq!(server.signed("PUT", "/bucket/key?tagging", &[], set.as_bytes()).status, 200);
    let after = server.get("/bucket/key");
    assert_eq!(after.body, before.body);
    for header in ["etag", "last-modified"] {
        assert_eq!(after.header(header), before.header(header));
    }
    assert_eq!(pairs(&server.get("/bucket/key?tagging")), owned(&[("scan", "clean"), ("é", "")]));
    assert_eq!(server.signed("DELETE", "/bucket/key?tagging", &[], b"").status, 204);
    assert_eq!(pairs(&server.get("/bucket/key?tagging")), []);
    for method in ["GET", "DELETE"] {
        server.refuses(404, "NoSuchKey", |server| server.signed(method, "/bucket/absent?tagging", &[], b""));
    }
    server.refuses(404, "NoSuchKey", |server| server.signed("PUT", "/bucket/absent?tagging", &[], set.as_bytes()));
}

#[test]
fn an_object_takes_ten_tags_and_no_more() {
    let server = Server::with_bucket();
    let names: Vec<String> = (0..11).map(|index| format!("k{index}")).collect();
    let tags: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let header = |count: usize| names[..count].iter().map(|name| format!("{name}=v")).collect::<Vec<_>>().join("&");
    let put = |server: &Server, count: usize| {
        server.signed("PUT", "/bucket/key", &[("x-amz-tagging", &header(count))], b"content")
    };
    let retag = |server: &Server, count: usize| {
        server.signed("PUT", "/bucket/key?tagging", &[], document(&tags[..count]).as_bytes())
    };
    assert_eq!(put(&server, 10).status, 200);
    assert_eq!(retag(&server, 10).status, 200);
    for refused in
        [server.refuses(400, "BadRequest", |s| put(s, 11)), server.refuses(400, "BadRequest", |s| retag(s, 11))]
    {
        assert_eq!(refused.element("Message").as_deref(), Some("Object tags cannot be greater than 10"));
    }
    for (key, value) in
        [("k".repeat(129), String::new()), ("k".to_owned(), "v".repeat(257)), ("k?".to_owned(), String::new())]
    {
        server.refuses(400, "InvalidTag", |server| {
            server.signed("PUT", "/bucket/key?tagging", &[], document(&[(&key, &value)]).as_bytes())
        });
    }
    server.refuses(400, "InvalidArgument", |server| {
        server.signed("PUT", "/bucket/key", &[("x-amz-tagging", "a=1&a=2")], b"content")
    });
}

#[test]
fn tags_in_the_query_are_ignored_as_at_aws() {
    let server = Server::with_bucket();
    for name in ["x-amz-tagging", "X-Amz-Tagging"] {
        let target = format!("/bucket/key?{name}=a%3D1");
        assert_eq!(server.signed("PUT", &target, &[], b"content").status, 200);
    }
    assert_eq!(pairs(&server.get("/bucket/key?tagging")), []);
}

#[test]
fn a_copy_has_the_tags_of_its_source_or_its_own() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/bucket/source", &[("x-amz-tagging", "from=source")], b"content").status, 200);
    let copy = |headers: &[(&str, &str)]| {
        let headers = [&[("x-amz-copy-source", "bucket/source")], headers].concat();
        let reply = server.signed("PUT", "/bucket/copy", &headers, b"");
        assert_eq!(reply.status, 200, "{reply:?}");
        pairs(&server.get("/bucket/copy?tagging"))
    };
    let of_source = owned(&[("from", "source")]);
    assert_eq!(copy(&[]), of_source);
    assert_eq!(copy(&[("x-amz-tagging-directive", "COPY"), ("x-amz-tagging", "ignored=1")]), of_source);
    let replaced = copy(&[("x-amz-tagging-directive", "REPLACE"), ("x-amz-tagging", "own=1")]);
    assert_eq!(replaced, owned(&[("own", "1")]));
    assert_eq!(copy(&[("x-amz-tagging-directive", "REPLACE")]), []);
}

#[test]
fn an_upload_in_parts_keeps_the_tags_it_began_with() {
    let server = Server::with_bucket();
    let begun = server.signed("POST", "/bucket/key?uploads", &[("x-amz-tagging", "a=1")], b"");
    let id = begun.element("UploadId").unwrap();
    let part = server.signed("PUT", &format!("/bucket/key?partNumber=1&uploadId={id}"), &[], b"part");
    let etag = part.header("etag").unwrap();
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    assert_eq!(server.signed("POST", &format!("/bucket/key?uploadId={id}"), &[], body.as_bytes()).status, 200);
    assert_eq!(pairs(&server.get("/bucket/key?tagging")), owned(&[("a", "1")]));
}

#[test]
fn a_bucket_has_fifty_tags_and_is_told_to_have_none() {
    let server = Server::with_bucket();
    server.refuses(404, "NoSuchTagSet", |server| server.get("/bucket?tagging"));
    let names: Vec<String> = (0..51).map(|index| format!("k{index:02}")).collect();
    let tags: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let put = |server: &Server, count: usize| {
        server.signed("PUT", "/bucket?tagging", &[], document(&tags[..count]).as_bytes())
    };
    assert_eq!(put(&server, 50).status, 204);
    server.refuses(400, "BadRequest", |server| put(server, 51));
    let server = server.restart();
    assert_eq!(pairs(&server.get("/bucket?tagging")), owned(&tags[..50]));
    for _ in 0..2 {
        assert_eq!(server.signed("DELETE", "/bucket?tagging", &[], b"").status, 204);
    }
    server.refuses(404, "NoSuchTagSet", |server| server.get("/bucket?tagging"));
    let body =
        "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>1</Value></Tag></Tags></CreateBucketConfiguration>";
    assert_eq!(server.signed("PUT", "/tagged", &[], body.as_bytes()).status, 200);
    assert_eq!(pairs(&server.get("/tagged?tagging")), owned(&[("a", "1")]));
}
