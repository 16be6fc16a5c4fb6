//! Public advisories about servers like this one, each as the request that it was about.

mod support;

use std::fs;

use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use support::{SECRET_KEY, Server, borrowed};

/// Ceph RGW, RustFS (GHSA-g8w9-qw9q-fghr), s3s, s3proxy: a write-only URL read other objects, because routing believed a
/// header that nobody had signed.
#[test]
fn adv_cve_2026_54330_a_write_only_url_does_not_copy() {
    let server = Server::with_bucket();
    server.put("/bucket/secret", b"secret");
    let url = server.presign(Method::Put, "up/1");
    server.refuses(403, "AccessDenied", |server| {
        server.send("PUT", &url, &[("x-amz-copy-source", "/bucket/secret")], b"")
    });
}

/// RustFS: the same with a signature in the header.
#[test]
fn adv_ghsa_xm99_m3gq_83g8_nor_does_a_signed_request_with_an_unsigned_header() {
    let server = Server::with_bucket();
    server.put("/bucket/secret", b"secret");
    let signed = server.sign("PUT", "/bucket/up/1", &[], Body::of(b""));
    let mut headers = borrowed(&signed);
    headers.push(("x-amz-copy-source", "/bucket/secret"));
    server.refuses(403, "AccessDenied", |server| server.send("PUT", "/bucket/up/1", &headers, b""));
}

const UNSIGNED_TRAILER: (&str, &str) = ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
const CHUNKS: &[u8] = b"3\r\nabc\r\n0\r\n\r\n";

/// MinIO: a body with an unsigned trailer was taken without its request's signature being checked.
#[test]
fn adv_cve_2025_31489_an_unsigned_trailer_does_not_excuse_the_signature() {
    let server = Server::with_bucket();
    let signed = server.sign("PUT", "/bucket/key", &[("x-amz-decoded-content-length", "3")], Body::UnsignedTrailer);
    let forged: Vec<(String, String)> = signed
        .into_iter()
        .map(|(name, value)| match value.split_once("Signature=") {
            Some((rest, _)) => (name, format!("{rest}Signature={}", "0".repeat(64))),
            None => (name, value),
        })
        .collect();
    server
        .refuses(403, "SignatureDoesNotMatch", |server| server.send("PUT", "/bucket/key", &borrowed(&forged), CHUNKS));
}

/// MinIO: the handler that unpacks archives never got that check.
#[test]
fn adv_cve_2026_40344_an_archive_to_unpack_does_not_excuse_it_either() {
    let server = Server::with_bucket();
    let headers =
        [UNSIGNED_TRAILER, ("x-amz-meta-snowball-auto-extract", "true"), ("x-amz-decoded-content-length", "3")];
    server.refuses(403, "AccessDenied", |server| server.send("PUT", "/bucket/a.tar", &headers, CHUNKS));
}

/// MinIO: credentials in the query went round the check, which looked for an `Authorization` header alone.
#[test]
fn adv_cve_2026_41145_nor_do_credentials_in_the_query() {
    let server = Server::with_bucket();
    let url = server.presign(Method::Put, "key");
    let (rest, _) = url.split_once("X-Amz-Signature=").unwrap();
    let forged = format!("{rest}X-Amz-Signature={}", "0".repeat(64));
    let headers = [UNSIGNED_TRAILER, ("x-amz-decoded-content-length", "3")];
    server.refuses(403, "AccessDenied", |server| server.send("PUT", &url, &headers, CHUNKS));
    server.refuses(403, "AccessDenied", |server| server.send("PUT", &forged, &headers, CHUNKS));
    server.refuses(403, "SignatureDoesNotMatch", |server| server.send("PUT", &forged, &[], b"abc"));
}

/// MinIO: an address for the cluster's own use told the environment, and with it the root's secret.
#[test]
fn adv_cve_2023_28432_no_address_tells_the_configuration() {
    let server = Server::with_bucket();
    for path in ["/minio/bootstrap/v1/verify", "/minio/health/live", "/_gatepass/config", "/debug/pprof", "/env"] {
        for method in ["GET", "PUT"] {
            let reply = server.send(method, path, &[], b"");
            assert!(matches!(reply.status, 400 | 403), "{method} {path}: {reply:?}");
            assert!(!reply.text().contains(SECRET_KEY));
        }
    }
}

/// MinIO on Windows: `\` in a key was a separator of paths.
#[test]
fn adv_cve_2023_28433_a_backslash_is_a_character() {
    let server = Server::with_bucket();
    let outside = || fs::read_dir(server.outside()).unwrap().count();
    let before = outside();
    for key in ["..%5c..%5cescaped", "%5cabsolute", "a%5c..%5cb"] {
        server.put(&format!("/bucket/{key}"), b"content");
        assert_eq!(server.get(&format!("/bucket/{key}")).body, b"content");
    }
    let mut keys = server.get("/bucket?list-type=2").elements("Key");
    keys.sort();
    assert_eq!(keys, ["..\\..\\escaped", "\\absolute", "a\\..\\b"]);
    assert_eq!(outside(), before);
}

/// MinIO: routing and the check of reserved buckets disagreed about a path, and clients wrote into the system's bucket.
#[test]
fn adv_cve_2023_28434_no_spelling_of_a_path_is_a_bucket_of_the_store_itself() {
    let server = Server::with_bucket();
    for path in ["/.index/key", "/_gatepass/key", "/%2e%2e/index.redb", "/%2e/key", "//bucket/key", "/.minio.sys/key"] {
        server.refuses(400, "InvalidBucketName", |server| server.signed("PUT", path, &[], b"content"));
    }
    assert_eq!(server.signed("PUT", "/bucket/../.index", &[], b"content").status, 200, "a key like any other");
    assert_eq!(server.get("/bucket?list-type=2").elements("Key"), ["../.index"]);
}

/// MinIO: headers of its own, for replication, came from clients and became the metadata of encryption.
#[test]
fn adv_cve_2026_34204_no_header_of_a_client_is_the_stores_own() {
    let server = Server::with_bucket();
    let headers = [
        ("x-minio-internal-server-side-encryption-sealed-key", "x"),
        ("x-minio-replication-server-side-encryption-iv", "x"),
        ("x-gatepass-internal", "x"),
    ];
    assert_eq!(server.signed("PUT", "/bucket/key", &headers, b"content").status, 200);
    let got = server.get("/bucket/key");
    let is_kept = |name: &str| name.contains("minio") || name.contains("gatepass");
    assert!(!got.headers.iter().any(|(name, _)| is_kept(name)), "{got:?}");
    assert_eq!(got.body, b"content");
}

/// Ceph, twice (CVE-2020-10753 with LF, CVE-2021-3524 with CR): a line break in a CORS configuration became a header of the
/// answer.
#[test]
fn adv_cve_2021_3524_no_stored_header_breaks_its_line() {
    let server = Server::with_bucket();
    for ending in ["&#10;", "&#13;", "\n", "&#13;&#10;"] {
        let document = format!(
            "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
             <ExposeHeader>x{ending}Set-Cookie: evil</ExposeHeader></CORSRule></CORSConfiguration>"
        );
        let digest = base64_md5(document.as_bytes());
        let stored = server.signed("PUT", "/bucket?cors", &[("content-md5", &digest)], document.as_bytes());
        assert_eq!(stored.status, 400, "{ending:?}: {stored:?}");
        let reply = server.signed("GET", "/bucket/key", &[("origin", "https://x.test")], b"");
        assert!(reply.header("set-cookie").is_none(), "{ending:?}: {reply:?}");
    }
}

fn base64_md5(bytes: &[u8]) -> String {
    use base64::Engine as _;
    use md5::Digest as _;
    base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(bytes))
}

/// RustFS: a key with `..` reached another bucket's files.
#[test]
fn adv_ghsa_8r6f_keys_do_not_reach_other_buckets() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/other", &[], b"").status, 200);
    server.put("/other/secret", b"secret");
    for key in ["../other/secret", "..%2fother%2fsecret", "%2e%2e/other/secret", "a/../../other/secret"] {
        let reply = server.get(&format!("/bucket/{key}"));
        assert_eq!((reply.status, reply.code().as_str()), (404, "NoSuchKey"), "{key}");
    }
}

/// RustFS: whoever asked from another site got its origin allowed, with credentials.
#[test]
fn adv_ghsa_x5xv_no_origin_is_allowed_before_somebody_says_so() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let reply = server.signed("GET", "/bucket/key", &[("origin", "https://evil.test")], b"");
    assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{reply:?}");
    let preflight = [("origin", "https://evil.test"), ("access-control-request-method", "GET")];
    let reply = server.send("OPTIONS", "/bucket/key", &preflight, b"");
    assert_eq!(reply.status, 403);
    assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control-allow")), "{reply:?}");
}

/// RustFS #3374: the server added a header of its own to the request, and no signature was right any more. What is verified
/// is what was received.
#[test]
fn adv_rustfs_3374_the_signature_is_checked_over_what_was_received() {
    let server = Server::with_bucket();
    let headers = [("x-amz-request-id", "mine"), ("x-amz-meta-a", "b")];
    let signed = server.sign("PUT", "/bucket/key", &headers, Body::of(b"x"));
    assert_eq!(server.send("PUT", "/bucket/key", &borrowed(&signed), b"x").status, 200);
}
