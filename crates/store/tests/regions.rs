//! Several regions behind one socket, and the old signature.

mod support;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use gatepass_store::{Config, OtherRegion, SignatureVersion2};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use support::{ACCESS_KEY, Reply, SECRET_KEY, Server, credentials};

const EU: &str = "eu-central-1";

/// A store in us-east-1 that serves eu-central-1 at `s3.eu.localhost`, with a bucket called `bucket` in the first.
fn server() -> Server {
    Server::configured(|config| Config {
        other_regions: vec![OtherRegion {
            region: Region::new(EU).unwrap(),
            hosts: vec!["s3.eu.localhost".to_owned()],
        }],
        ..config
    })
}

/// A request to a host, signed for a region.
fn ask(server: &Server, host: &str, region: &str, method: &str, target: &str, body: &[u8]) -> Reply {
    let host = format!("{host}:{}", server.address.port());
    let parts = RequestParts { method, host: &host, target, headers: &[] };
    let region = Region::new(region).unwrap();
    let keys = KeyCache::new();
    let signed = header::sign(&parts, Body::of(body), &credentials(), &region, ServiceName::S3, &keys, server.now());
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in signed.unwrap().iter() {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    server.raw(&[head.as_bytes(), body].concat(), method)
}

fn constraint(region: &str) -> Vec<u8> {
    format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    )
    .into_bytes()
}

#[test]
fn a_bucket_is_reached_at_the_endpoint_of_its_region_and_nowhere_else() {
    let server = server();
    let eu = |method: &str, target: &str, body: &[u8]| ask(&server, "s3.eu.localhost", EU, method, target, body);
    assert_eq!(eu("PUT", "/photos", &constraint(EU)).status, 200);
    assert_eq!(eu("PUT", "/photos/key", b"content").status, 200);
    assert_eq!(eu("GET", "/photos/key", b"").body, b"content");
    let virtual_host = ask(&server, "photos.s3.eu.localhost", EU, "GET", "/key", b"");
    assert_eq!(virtual_host.body, b"content", "{virtual_host:?}");
    assert_eq!(eu("HEAD", "/photos", b"").header("x-amz-bucket-region"), Some(EU));
    assert_eq!(eu("GET", "/photos?location", b"").element("LocationConstraint"), None);
    assert!(eu("GET", "/photos?location", b"").text().contains(&format!(">{EU}</LocationConstraint>")));

    let wrong = server.refuses(301, "PermanentRedirect", |server| server.get("/photos/key"));
    let endpoint = format!("photos.s3.eu.localhost:{}", server.address.port());
    assert_eq!(wrong.element("Endpoint"), Some(endpoint));
    assert_eq!(wrong.element("Bucket").as_deref(), Some("photos"));
    assert_eq!(wrong.header("x-amz-bucket-region"), Some(EU));
    assert_eq!(wrong.header("location"), None);
    let head = server.signed("HEAD", "/photos", &[], b"");
    assert_eq!((head.status, head.header("x-amz-bucket-region"), head.body.len()), (301, Some(EU), 0));
    server.refuses(301, "PermanentRedirect", |server| server.signed("PUT", "/photos/other", &[], b"x"));
    server.refuses(301, "PermanentRedirect", |server| server.signed("DELETE", "/photos/key", &[], b""));

    let back = eu("GET", "/bucket", b"");
    assert_eq!((back.status, back.header("x-amz-bucket-region")), (301, Some("us-east-1")));
    assert_eq!(back.element("Endpoint"), Some(format!("bucket.localhost:{}", server.address.port())));
    // What does not exist is in no other region.
    assert_eq!(eu("GET", "/nobody", b"").code(), "NoSuchBucket");
}

#[test]
fn who_signs_for_the_region_of_the_bucket_at_another_endpoint_is_to_ask_elsewhere() {
    let server = server();
    assert_eq!(ask(&server, "s3.eu.localhost", EU, "PUT", "/photos", &constraint(EU)).status, 200);
    assert_eq!(ask(&server, "127.0.0.1", EU, "GET", "/photos", b"").code(), "PermanentRedirect");
    let anonymous = server.send("GET", "/photos/key", &[], b"");
    assert_eq!((anonymous.status, anonymous.code().as_str()), (301, "PermanentRedirect"));
    let preflight = server.send(
        "OPTIONS",
        "/photos/key",
        &[("origin", "https://x"), ("access-control-request-method", "GET")],
        b"",
    );
    assert_eq!(preflight.status, 301);
    // A signature that is wrong in anything else is told nothing else.
    let forged = [("authorization", "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=00")];
    assert_eq!(server.send("GET", "/photos/key", &forged, b"").code(), "AuthorizationHeaderMalformed");
}

#[test]
fn a_signature_for_another_region_is_told_which_one_is_right() {
    let server = server();
    let reply = ask(&server, "127.0.0.1", EU, "GET", "/bucket", b"");
    assert_eq!((reply.status, reply.code().as_str()), (400, "AuthorizationHeaderMalformed"));
    assert_eq!(reply.element("Region").as_deref(), Some("us-east-1"));
    let message = "The authorization header is malformed; the region 'eu-central-1' is wrong; expecting 'us-east-1'";
    assert_eq!(reply.element("Message").as_deref(), Some(message));
    let url = server.presign(gatepass_signing::sigv4::presign::Method::Get, "key").replace("us-east-1", EU);
    let reply = server.send("GET", &url, &[], b"");
    assert_eq!((reply.status, reply.code().as_str()), (400, "AuthorizationQueryParametersError"));
    assert_eq!(reply.element("Region").as_deref(), Some("us-east-1"));
}

#[test]
fn the_first_region_makes_buckets_anywhere_and_others_at_home() {
    let server = server();
    assert_eq!(server.signed("PUT", "/photos", &[], &constraint(EU)).status, 200);
    assert_eq!(ask(&server, "s3.eu.localhost", EU, "HEAD", "/photos", b"").status, 200);
    assert_eq!(server.signed("PUT", "/photos", &[], b"").code(), "BucketAlreadyOwnedByYou");
    for (body, code) in [
        (constraint("us-west-2"), "IllegalLocationConstraintException"),
        (constraint("us-east-1"), "InvalidLocationConstraint"),
        (Vec::new(), "IllegalLocationConstraintException"),
    ] {
        assert_eq!(ask(&server, "s3.eu.localhost", EU, "PUT", "/other", &body).code(), code);
    }
    assert_eq!(
        server.signed("PUT", "/other", &[], &constraint("us-west-2")).code(),
        "IllegalLocationConstraintException"
    );

    let list = server.get("/");
    assert_eq!(list.elements("BucketRegion"), ["us-east-1", EU]);
    assert_eq!(server.get("/?bucket-region=eu-central-1").elements("Name"), ["photos"]);
}

#[test]
fn a_bucket_of_a_region_that_is_not_served_any_more_comes_home() {
    let server = server();
    assert_eq!(ask(&server, "s3.eu.localhost", EU, "PUT", "/photos", &constraint(EU)).status, 200);
    let server = server.restart();
    assert_eq!(server.signed("HEAD", "/photos", &[], b"").header("x-amz-bucket-region"), Some("us-east-1"));
}

#[test]
fn a_bucket_may_be_signed_with_a_slash_and_a_key_may_not() {
    let server = accepting();
    server.put("/bucket/key", b"content");
    let date = "Mon, 01 Jun 2026 12:00:00 GMT";
    let ask = |signed: &str, target: &str| {
        let authorization = format!("AWS {ACCESS_KEY}:{}", sign_v2(&format!("GET\n\n\n{date}\n{signed}")));
        server.send("GET", target, &[("authorization", &authorization), ("date", date)], b"").status
    };
    // As botocore does it.
    for (signed, target) in [("/bucket/", "/bucket"), ("/bucket/?location", "/bucket?location"), ("/bucket", "/bucket")]
    {
        assert_eq!(ask(signed, target), 200, "{signed} {target}");
    }
    for (signed, target) in
        [("/bucket", "/bucket/"), ("/bucket/key/", "/bucket/key"), ("/bucket/", "/bucket/key"), ("//", "/")]
    {
        assert_eq!(ask(signed, target), 403, "{signed} {target}");
    }
}

fn accepting() -> Server {
    Server::configured(|config| Config { signature_version_2: SignatureVersion2::Accepted, ..config })
}

/// "Signing and authenticating REST requests", Amazon S3 User Guide: HMAC-SHA1 over a text.
fn sign_v2(text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET_KEY.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[test]
fn signature_version_2_is_good_where_it_is_allowed_and_nowhere_else() {
    let date = "Mon, 01 Jun 2026 12:00:00 GMT";
    let put = format!("AWS {ACCESS_KEY}:{}", sign_v2(&format!("PUT\n\ntext/plain\n{date}\n/bucket/key")));
    let headers = [("authorization", put.as_str()), ("date", date), ("content-type", "text/plain")];
    let expires = "1780315500";
    let signature = sign_v2(&format!("GET\n\n\n{expires}\n/bucket/key"));
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let url = format!("/bucket/key?AWSAccessKeyId={ACCESS_KEY}&Expires={expires}&Signature={signature}");

    let server = accepting();
    assert_eq!(server.send("PUT", "/bucket/key", &headers, b"content").status, 200);
    assert_eq!(server.send("GET", &url, &[], b"").body, b"content");
    let host = format!("bucket.localhost:{}", server.address.port());
    let by_host = format!("GET {} HTTP/1.1\r\nHost: {host}\r\n\r\n", url.replacen("/bucket", "", 1));
    assert_eq!(server.raw(by_host.as_bytes(), "GET").body, b"content", "it signs the bucket and not the host");
    server.refuses(403, "SignatureDoesNotMatch", |server| server.send("GET", &url.replacen("key", "kez", 1), &[], b""));
    server.refuses(403, "SignatureDoesNotMatch", |server| server.send("PUT", "/bucket/other", &headers, b"content"));
    server.move_clock(300);
    assert_eq!(server.send("GET", &url, &[], b"").status, 200);
    server.move_clock(1);
    let expired = server.refuses(403, "AccessDenied", |server| server.send("GET", &url, &[], b""));
    assert_eq!(expired.element("Message").as_deref(), Some("Request has expired"));

    let server = Server::with_bucket();
    server.refuses(400, "InvalidRequest", |server| server.send("PUT", "/bucket/key", &headers, b"content"));
    server.refuses(400, "InvalidRequest", |server| server.send("GET", &url, &[], b""));
}
