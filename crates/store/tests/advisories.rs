//! Public advisories about servers like this one, each as the request that it was about. `docs/threat-model.md` has them in a
//! table, which a test compares with the sources; those about forms are in `post.rs`, about HTTP/2 in `tls.rs`.

mod support;

use std::fs;

use gatepass_authority::RootSource;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_store::{Config, Listener};
use support::{REGION, Reply, SECRET_KEY, Server, borrowed, content_md5};

/// Lets everybody do what these statements say.
fn open_to_all(server: &Server, bucket: &str, statements: &str) {
    assert_eq!(server.signed("DELETE", &format!("/{bucket}?publicAccessBlock"), &[], b"").status, 204);
    set_policy(server, bucket, statements);
}

fn set_policy(server: &Server, bucket: &str, statements: &str) {
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let put = server.signed("PUT", &format!("/{bucket}?policy"), &[], policy.as_bytes());
    assert_eq!(put.status, 204, "{put:?}");
}

fn allow(action: &str, resource: &str) -> String {
    let resource = format!("arn:aws:s3:::{resource}");
    format!(r#"{{"Effect": "Allow", "Principal": "*", "Action": "{action}", "Resource": "{resource}"}}"#)
}

/// What somebody without credentials gets.
fn nobody(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
    server.send(method, target, headers, b"")
}

fn begin_upload(server: &Server, target: &str) -> String {
    server.signed("POST", &format!("{target}?uploads"), &[], b"").element("UploadId").unwrap()
}

/// Ceph RGW, s3s, s3proxy, and most who began as MinIO: a write-only URL read other objects, because routing believed a header
/// that nobody had signed.
#[test]
fn adv_cve_2026_54330_a_write_only_url_does_not_copy() {
    let server = Server::with_bucket();
    server.put("/bucket/secret", b"secret");
    let url = server.presign(Method::Put, "up/1");
    server.refuses(403, "AccessDenied", |server| {
        server.send("PUT", &url, &[("x-amz-copy-source", "/bucket/secret")], b"")
    });
}

/// RustFS: the same in the URL of a part.
#[test]
fn adv_ghsa_g8w9_qw9q_fghr_nor_does_one_for_a_part() {
    let server = Server::with_bucket();
    server.put("/bucket/secret", b"secret");
    let upload = begin_upload(&server, "/bucket/up/1");
    let url = server.presign_with(Method::Put, "up/1", |presign| {
        presign.query("partNumber", "1").unwrap().query("uploadId", &upload).unwrap()
    });
    for header in ["x-amz-copy-source", "X-Amz-Copy-Source", "x-amz-copy-source-range"] {
        server.refuses(403, "AccessDenied", |server| server.send("PUT", &url, &[(header, "/bucket/secret")], b""));
    }
    assert_eq!(server.send("PUT", &url, &[], b"part").status, 200);
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

/// Ceph: a line feed in a CORS configuration became a header of the answer.
#[test]
fn adv_cve_2020_10753_no_line_feed_ends_a_stored_header() {
    stored_headers_do_not_end_in(&["&#10;", "\n"]);
}

/// Ceph, once more: so did a carriage return.
#[test]
fn adv_cve_2021_3524_nor_does_a_carriage_return() {
    stored_headers_do_not_end_in(&["&#13;", "&#13;&#10;"]);
}

fn stored_headers_do_not_end_in(endings: &[&str]) {
    let server = Server::with_bucket();
    for ending in endings {
        let document = format!(
            "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
             <ExposeHeader>x{ending}Set-Cookie: evil</ExposeHeader></CORSRule></CORSConfiguration>"
        );
        let digest = content_md5(document.as_bytes());
        let stored = server.signed("PUT", "/bucket?cors", &[("content-md5", &digest)], document.as_bytes());
        assert_eq!(stored.status, 400, "{ending:?}: {stored:?}");
        let reply = server.signed("GET", "/bucket/key", &[("origin", "https://x.test")], b"");
        assert!(reply.header("set-cookie").is_none(), "{ending:?}: {reply:?}");
    }
}

/// RustFS: a key with `..` reached another bucket's files.
#[test]
fn adv_ghsa_8r6f_hmq2_28rg_keys_do_not_reach_other_buckets() {
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
fn adv_ghsa_x5xv_223c_8vm7_no_origin_is_allowed_before_somebody_says_so() {
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

/// RustFS: what one node said to another was signed with a word that stood in the source; so did the keys of the root, in
/// other advisories.
#[test]
fn adv_cve_2025_68926_no_secret_stands_in_the_program() {
    let made = || {
        let keep = |config| Config { root: RootSource::Kept, ..config };
        let server = Server::behind(keep, Listener::from);
        let key = server.state().into_iter().find(|(name, _)| name.contains("root")).expect("a file of the root key");
        (key.1, server)
    };
    let ((first, server), (second, _)) = (made(), made());
    assert_ne!(first, second, "every data directory has a root key of its own");
    for (name, value) in [
        ("authorization", "rustfs rpc"),
        ("authorization", "Bearer rustfs rpc"),
        ("x-minio-internal", "1"),
        ("x-rustfs-signature", "0"),
    ] {
        let reply = nobody(&server, "GET", "/", &[(name, value)]);
        assert!(matches!(reply.status, 400 | 403), "{name}: {value}: {reply:?}");
    }
}

/// RustFS: UploadPartCopy looked at nobody's right to read the source.
#[test]
fn adv_ghsa_mx42_j6wv_px98_a_part_is_not_copied_from_what_may_not_be_read() {
    let server = Server::with_bucket();
    assert_eq!(server.signed("PUT", "/inbox", &[], b"").status, 200);
    server.put("/bucket/secret", b"secret");
    server.put("/bucket/open", b"open");
    open_to_all(&server, "inbox", &allow("s3:PutObject", "inbox/*"));
    open_to_all(&server, "bucket", &allow("s3:GetObject", "bucket/open"));
    let begun = nobody(&server, "POST", "/inbox/a?uploads", &[]);
    let part = format!("/inbox/a?partNumber=1&uploadId={}", begun.element("UploadId").unwrap());
    let copy = |target: &str, source: &str| nobody(&server, "PUT", target, &[("x-amz-copy-source", source)]);
    server.refuses(403, "AccessDenied", |_| copy(&part, "/bucket/secret"));
    server.refuses(403, "AccessDenied", |_| copy("/inbox/b", "/bucket/secret"));
    assert_eq!(copy(&part, "/bucket/open").status, 200);
}

/// RustFS: nor at what the policy of the target says about sources.
#[test]
fn adv_ghsa_wfxj_ph3v_7mjf_a_policy_about_sources_holds_for_parts() {
    let server = Server::with_bucket();
    server.put("/bucket/public/a", b"open");
    server.put("/bucket/secret", b"secret");
    let upload = begin_upload(&server, "/bucket/parts");
    set_policy(
        &server,
        "bucket",
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bucket/*",
            "Condition": {"StringNotLike": {"s3:x-amz-copy-source": "bucket/public/*"}}}"#,
    );
    let part = format!("/bucket/parts?partNumber=1&uploadId={upload}");
    let copy = |source: &str| server.signed("PUT", &part, &[("x-amz-copy-source", source)], b"");
    server.refuses(403, "AccessDenied", |_| copy("bucket/secret"));
    assert_eq!(copy("bucket/public/a").status, 200);
}

/// RustFS: who may read an object read its past versions, too.
#[test]
fn adv_ghsa_3ppv_fx5m_m749_a_version_is_read_by_the_right_to_versions() {
    let server = Server::with_bucket();
    let enable = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(server.signed("PUT", "/bucket?versioning", &[], enable).status, 200);
    let put = |body: &[u8]| {
        let put = server.signed("PUT", "/bucket/key", &[], body);
        put.header("x-amz-version-id").unwrap().to_owned()
    };
    let [old, _] = [&b"taken back"[..], b"told to all"].map(put);
    open_to_all(
        &server,
        "bucket",
        &[
            allow("s3:GetObject", "bucket/*"),
            allow("s3:PutObject", "bucket/copies/*"),
            allow("s3:DeleteObject", "bucket/*"),
        ]
        .join(","),
    );
    let target = format!("/bucket/key?versionId={old}");
    assert_eq!(nobody(&server, "GET", "/bucket/key", &[]).text(), "told to all");
    for method in ["GET", "DELETE"] {
        server.refuses(403, "AccessDenied", |server| nobody(server, method, &target, &[]));
    }
    assert_eq!(nobody(&server, "HEAD", &target, &[]).status, 403);
    server.refuses(403, "AccessDenied", |server| nobody(server, "GET", &format!("{target}&tagging"), &[]));
    let copy = |source: &str| nobody(&server, "PUT", "/bucket/copies/a", &[("x-amz-copy-source", source)]);
    server.refuses(403, "AccessDenied", |_| copy(&target));
    assert_eq!(copy("/bucket/key").status, 200);
}

/// RustFS: the right to list objects let everybody list versions, whatever a public access block said.
#[test]
fn adv_ghsa_x298_9x87_fvjq_versions_are_listed_by_their_own_right_and_behind_the_block() {
    let server = Server::with_bucket();
    open_to_all(&server, "bucket", &allow("s3:ListBucket", "bucket"));
    assert_eq!(nobody(&server, "GET", "/bucket?list-type=2", &[]).status, 200);
    server.refuses(403, "AccessDenied", |server| nobody(server, "GET", "/bucket?versions", &[]));
    set_policy(&server, "bucket", &allow("s3:ListBucketVersions", "bucket"));
    assert_eq!(nobody(&server, "GET", "/bucket?versions", &[]).status, 200);
    let block = b"<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    assert_eq!(server.signed("PUT", "/bucket?publicAccessBlock", &[], block).status, 200);
    server.refuses(403, "AccessDenied", |server| nobody(server, "GET", "/bucket?versions", &[]));
}

/// RustFS: the address in a policy was the one that the client wrote into a header.
#[test]
fn adv_ghsa_fc6g_2gcp_2qrq_an_address_is_the_connections() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let within = |range: &str| {
        allow("s3:GetObject", "bucket/*")
            .replace('}', &format!(r#", "Condition": {{"IpAddress": {{"aws:SourceIp": "{range}"}}}}}}"#))
    };
    open_to_all(&server, "bucket", &within("203.0.113.0/24"));
    for name in ["x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip"] {
        for value in ["203.0.113.7", "203.0.113.7, 127.0.0.1", "for=203.0.113.7"] {
            server.refuses(403, "AccessDenied", |server| nobody(server, "GET", "/bucket/key", &[(name, value)]));
        }
    }
    set_policy(&server, "bucket", &within("127.0.0.0/8"));
    assert_eq!(nobody(&server, "GET", "/bucket/key", &[("x-forwarded-for", "203.0.113.7")]).status, 200);
}

/// RustFS: headers of a request became what policies know of the caller.
#[test]
fn adv_ghsa_6r96_hmgc_726c_no_header_says_who_somebody_is() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let claims = [
        ("aws:userid", "userid"),
        ("aws:username", "username"),
        ("aws:PrincipalArn", "principalarn"),
        ("aws:PrincipalAccount", "principalaccount"),
        ("aws:PrincipalType", "principaltype"),
        ("aws:SecureTransport", "securetransport"),
        ("s3:ExistingObjectTag/team", "existingobjecttag/team"),
        ("s3:VersionId", "versionid"),
        ("s3:authType", "authtype"),
    ];
    for (key, header) in claims {
        let condition = format!(r#", "Condition": {{"StringEquals": {{"{key}": "true"}}}}}}"#);
        open_to_all(&server, "bucket", &allow("s3:GetObject", "bucket/*").replace('}', &condition));
        let whole = key.replace(':', "-");
        for name in [header, &whole] {
            if !name.contains('/') {
                server.refuses(403, "AccessDenied", |server| nobody(server, "GET", "/bucket/key", &[(name, "true")]));
            }
        }
    }
}

/// RustFS: in a list of values, a negation was made of the whole in place of each.
#[test]
fn adv_ghsa_v9cp_qfw9_9pfp_a_negation_is_of_each_value() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let tag = |names: [&str; 2]| {
        let tags = names.map(|name| format!("<Tag><Key>{name}</Key><Value>1</Value></Tag>")).concat();
        let document = format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
        let digest = content_md5(document.as_bytes());
        server.send("PUT", "/bucket/key?tagging", &[("content-md5", &digest)], document.as_bytes()).status
    };
    for (quantifier, both, others) in [("ForAllValues", 403, 200), ("ForAnyValue", 200, 200)] {
        let condition = format!(
            r#", "Condition": {{"{quantifier}:StringNotEquals": {{"s3:RequestObjectTagKeys": ["a", "b"]}}}}}}"#
        );
        open_to_all(&server, "bucket", &allow("s3:PutObjectTagging", "bucket/*").replace('}', &condition));
        assert_eq!(tag(["a", "c"]), both, "{quantifier}");
        assert_eq!(tag(["c", "d"]), others, "{quantifier}");
        assert_eq!(tag(["a", "b"]), 403, "{quantifier}");
    }
}

/// RustFS: entries of an archive with `..` in their names were unpacked into other buckets.
#[test]
fn adv_ghsa_f4vq_9ffr_m8m3_an_archive_is_one_object() {
    let server = Server::with_bucket();
    let headers = [("x-amz-meta-snowball-auto-extract", "true"), ("x-amz-meta-rustfs-snowball-auto-extract", "true")];
    // The header of a tar entry begins with its name.
    let mut archive = b"../other/key".to_vec();
    archive.resize(1024, 0);
    assert_eq!(server.signed("PUT", "/bucket/a.tar", &headers, &archive).status, 200);
    assert_eq!(server.get("/bucket?list-type=2").elements("Key"), ["a.tar"]);
    assert_eq!(server.get("/bucket/a.tar").body, archive);
}

/// RustFS: an object said that it was encrypted and lay there in the clear. What is not done is not said.
#[test]
fn adv_ghsa_xrrf_67jm_3c2r_nothing_is_said_to_be_encrypted() {
    let server = Server::with_bucket();
    for (name, value) in [
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
    ] {
        server.refuses(501, "NotImplemented", |server| server.signed("PUT", "/bucket/key", &[(name, value)], b"x"));
    }
    server.put("/bucket/key", b"x");
    let got = server.get("/bucket/key");
    assert!(!got.headers.iter().any(|(name, _)| name.contains("encryption")), "{got:?}");
}

/// RustFS: a lock that could not be read was none, and what it held could be deleted. What cannot be kept is not promised.
#[test]
fn adv_ghsa_j548_9grx_fh4f_a_lock_is_refused_and_not_forgotten() {
    let server = Server::with_bucket();
    for headers in [
        &[("x-amz-object-lock-legal-hold", "ON")][..],
        &[("x-amz-object-lock-mode", "COMPLIANCE"), ("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z")],
    ] {
        let before = server.state();
        let reply = server.signed("PUT", "/bucket/key", headers, b"x");
        assert!(matches!(reply.status, 400 | 501), "{reply:?}");
        assert_eq!(before, server.state());
    }
    let locked = server.signed("PUT", "/locked", &[("x-amz-bucket-object-lock-enabled", "true")], b"");
    assert_eq!((locked.status, locked.code().as_str()), (501, "NotImplemented"));
}

/// MinIO: a header that passes over retention passed over a Deny as well.
#[test]
fn adv_cve_2023_25812_a_deny_holds_whatever_is_to_be_bypassed() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    set_policy(
        &server,
        "bucket",
        r#"{"Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"], "Resource": "arn:aws:s3:::bucket/*"}"#,
    );
    let bypass = [("x-amz-bypass-governance-retention", "true")];
    for target in ["/bucket/key", "/bucket/key?versionId=null"] {
        server.refuses(403, "AccessDenied", |server| server.signed("DELETE", target, &bypass, b""));
    }
    let document = b"<Delete><Object><Key>key</Key></Object></Delete>";
    let headers = [bypass[0], ("content-md5", &content_md5(document))];
    assert_eq!(server.signed("POST", "/bucket?delete", &headers, document).elements("Code"), ["AccessDenied"]);
    assert_eq!(server.get("/bucket/key").body, b"content");
}

/// Ceph #52673, #59977: a preflight was checked as a request of its own method, so that no page could use a signed URL.
#[test]
fn adv_ceph_59977_a_preflight_is_about_the_method_that_it_names() {
    let server = Server::with_bucket();
    let rules = "<CORSConfiguration><CORSRule><AllowedOrigin>https://app.test</AllowedOrigin>\
                 <AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>";
    assert_eq!(server.signed("PUT", "/bucket?cors", &[], rules.as_bytes()).status, 200);
    let url = server.presign(Method::Put, "key");
    let ask = |url: &str, method: &str| {
        server.send("OPTIONS", url, &[("origin", "https://app.test"), ("access-control-request-method", method)], b"")
    };
    assert_eq!(ask(&url, "PUT").status, 200);
    assert_eq!(ask(&url, "GET").status, 403);
    // It has no signature of its own, and is answered alike with a wrong one and where there is no object.
    let forged = url.replace("X-Amz-Signature=", "X-Amz-Signature=0");
    for other in [forged.as_str(), "/bucket/absent"] {
        assert_eq!((ask(other, "PUT").status, ask(other, "GET").status), (200, 403), "{other}");
    }
}

/// rust-doctor's scan of RustFS (#3520): a signature in the header had no time.
#[test]
fn adv_rustfs_3520_a_signed_request_grows_old() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let signed = server.sign("DELETE", "/bucket/key", &[], Body::of(b""));
    for seconds in [15 * 60 + 1, -(15 * 60 + 1)] {
        server.set_clock(support::noon());
        server.move_clock(seconds);
        let replayed = |server: &Server| server.send("DELETE", "/bucket/key", &borrowed(&signed), b"");
        server.refuses(403, "RequestTimeTooSkewed", replayed);
    }
}

/// SeaweedFS #8878: URLs were signed with a digest that no key went into.
#[test]
fn adv_seaweedfs_8878_another_secret_makes_another_url() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let endpoint = Endpoint::parse(&format!("http://{}", server.address)).unwrap();
    let sign = |secret: &str| {
        let credentials =
            Credentials::long_term(AccessKeyId::new(support::ACCESS_KEY).unwrap(), SecretKey::new(secret).unwrap());
        let address = Address::object(&endpoint, AddressingStyle::Path, "bucket", "key").unwrap();
        let presign = Presign::new(&credentials, Region::new(REGION).unwrap(), address, Method::Get);
        let url = presign.sign(&KeyCache::new(), server.now()).unwrap();
        url.expose().strip_prefix(&format!("http://{}", server.address)).unwrap().to_owned()
    };
    let (ours, other) = (sign(SECRET_KEY), sign(&SECRET_KEY.replace('0', "1")));
    let signature = |url: &str| url.split_once("X-Amz-Signature=").unwrap().1.to_owned();
    assert_ne!(signature(&ours), signature(&other));
    assert_eq!(server.send("GET", &ours, &[], b"").status, 200);
    server.refuses(403, "SignatureDoesNotMatch", |server| server.send("GET", &other, &[], b""));
}

/// aws-cli #10663: `aws s3 presign` signed with Version 2, which covers neither the host nor what is added to the query.
#[test]
fn adv_aws_cli_10663_the_old_version_is_off() {
    let server = Server::with_bucket();
    server.put("/bucket/key", b"content");
    let url = format!(
        "/bucket/key?AWSAccessKeyId={}&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D&Expires=1900000000",
        support::ACCESS_KEY
    );
    server.refuses(400, "InvalidRequest", |server| server.send("GET", &url, &[], b""));
}
