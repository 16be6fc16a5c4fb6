//! Bytes that the disk gives back otherwise than it was given them are never served.

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use support::{Server, borrowed};

const BLOCK: usize = 64 * 1024;

fn body(length: usize) -> Vec<u8> {
    (0_u8..251).cycle().take(length).collect()
}

fn only_blob(data: &Path) -> PathBuf {
    let directories = fs::read_dir(data.join("blobs")).unwrap().map(|entry| entry.unwrap().path());
    let mut files =
        directories.flat_map(|directory| fs::read_dir(directory).unwrap()).map(|entry| entry.unwrap().path());
    let only = files.next().unwrap();
    assert_eq!(files.next(), None);
    only
}

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 4;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_in_the_first_block_is_an_error_before_the_head() {
    let server = Server::with_bucket();
    server.put("/bucket/key", &body(3 * BLOCK));
    flip(&only_blob(&server.data()), BLOCK - 1);
    let reply = server.get("/bucket/key");
    assert_eq!((reply.status, reply.code().as_str()), (500, "InternalError"));
    let reply = server.signed("GET", "/bucket/key", &[("range", "bytes=5-6")], b"");
    assert_eq!(reply.status, 500, "{reply:?}");
}

#[test]
fn a_flipped_bit_further_on_breaks_the_connection_before_it_is_sent() {
    let server = Server::with_bucket();
    let body = body(3 * BLOCK);
    server.put("/bucket/key", &body);
    flip(&only_blob(&server.data()), 2 * BLOCK + 9);
    let signed = server.sign("GET", "/bucket/key", &[], gatepass_signing::sigv4::header::Body::of(b""));
    let mut stream = server.connect();
    stream.write_all(&server.request("GET", "/bucket/key", &borrowed(&signed), b"")).unwrap();
    let mut answer = Vec::new();
    // A reset is as good an end as a close.
    let _ = stream.read_to_end(&mut answer);
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(answer.len() - head <= 2 * BLOCK, "{} bytes of the body came", answer.len() - head);
    assert_eq!(answer[head..], body[..answer.len() - head]);
}

#[test]
fn what_lies_beside_a_damaged_block_is_still_served() {
    let server = Server::with_bucket();
    let body = body(3 * BLOCK + 10);
    server.put("/bucket/key", &body);
    flip(&only_blob(&server.data()), BLOCK + 9);
    let first = server.signed("GET", "/bucket/key", &[("range", "bytes=1-65535")], b"");
    assert_eq!((first.status, &first.body[..]), (206, &body[1..BLOCK]));
    let last = server.signed("GET", "/bucket/key", &[("range", "bytes=131072-")], b"");
    assert_eq!((last.status, &last.body[..]), (206, &body[2 * BLOCK..]));
    let across = server.signed("GET", "/bucket/key", &[("range", "bytes=131071-131072")], b"");
    assert_eq!(across.status, 500, "{across:?}");
}

#[test]
fn a_damaged_part_is_never_served() {
    let server = Server::with_bucket();
    let begun = server.signed("POST", "/bucket/key?uploads=", &[], b"").text();
    let upload = begun.split("<UploadId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let part = body(5 * 1024 * 1024);
    let target = format!("/bucket/key?partNumber=1&uploadId={upload}");
    let etag = server.signed("PUT", &target, &[], &part).header("etag").unwrap().to_owned();
    let manifest = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let completed = server.signed("POST", &format!("/bucket/key?uploadId={upload}"), &[], manifest.as_bytes());
    assert_eq!(completed.status, 200, "{completed:?}");
    assert_eq!(server.get("/bucket/key").body, part);
    flip(&only_blob(&server.data()), 0);
    assert_eq!(server.get("/bucket/key").status, 500);
    assert_eq!(server.signed("GET", "/bucket/key?partNumber=1", &[], b"").status, 500);
}

#[test]
fn a_copy_with_another_checksum_does_not_hide_damage() {
    let server = Server::with_bucket();
    server.put("/bucket/key", &body(2 * BLOCK));
    flip(&only_blob(&server.data()), BLOCK);
    let headers = [("x-amz-copy-source", "/bucket/key"), ("x-amz-checksum-algorithm", "SHA256")];
    assert_eq!(server.signed("PUT", "/bucket/copy", &headers, b"").status, 500);
    assert_eq!(server.get("/bucket/copy").status, 404);
}

#[test]
fn a_truncated_blob_is_an_error() {
    let server = Server::with_bucket();
    server.put("/bucket/key", &body(2 * BLOCK));
    let blob = only_blob(&server.data());
    let bytes = fs::read(&blob).unwrap();
    for length in [0, BLOCK, 2 * BLOCK, bytes.len() - 1] {
        fs::write(&blob, &bytes[..length]).unwrap();
        assert_eq!(server.get("/bucket/key").status, 500, "{length}");
    }
}

#[test]
fn a_flipped_bit_in_a_small_body_is_an_error() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"a body that is kept in the index and found by this text");
    let server = server.restart_after(|data| {
        let path = data.join("index.redb");
        let mut bytes = fs::read(&path).unwrap();
        let text = b"found by this text";
        let places: Vec<usize> = bytes
            .windows(text.len())
            .enumerate()
            .filter(|(_, window)| window == text)
            .map(|(place, _)| place)
            .collect();
        assert!(!places.is_empty());
        for place in places {
            bytes[place] ^= 1;
        }
        fs::write(&path, bytes).unwrap();
    });
    let reply = server.get("/bucket/key");
    assert_eq!((reply.status, reply.code().as_str()), (500, "InternalError"));
}
