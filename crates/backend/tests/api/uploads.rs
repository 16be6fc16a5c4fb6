//! Uploads: what is promised, what is checked, and what a crash at each step leaves behind.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    store::Fault,
    support::{World, request, staging_key, text},
};

async fn declare(world: &World, edit: impl FnOnce(&mut Value)) -> crate::support::Answer {
    let mut body = json!({ "collection": "files", "filename": "a.txt", "size": 5, "content_type": "text/plain" });
    edit(&mut body);
    world.call("alice", "POST", "/v1/uploads", Some(body)).await
}

async fn state(world: &World, upload: &Value) -> String {
    let path = format!("/v1/uploads/{}", text(&upload["id"]));
    text(&world.call("alice", "GET", &path, None).await.expect(200).json()["state"]).to_owned()
}

#[tokio::test]
async fn the_instructions_name_everything_that_is_signed() {
    let world = World::new().await;
    let answer = declare(&world, |body| {
        body["checksum"] = json!({ "algorithm": "crc32", "value": "NhCmhg==" });
        body["expires_in"] = 60.into();
    })
    .await
    .expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let upload = answer.json();
    assert_eq!(answer.header("location"), format!("/v1/uploads/{}", text(&upload["id"])));
    let instructions = &upload["instructions"];
    let headers = instructions["headers"].as_object().expect("headers");
    assert_eq!(headers["content-length"], "5");
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(headers["x-amz-checksum-crc32"], "NhCmhg==");
    assert_eq!(text(&headers["x-amz-meta-upload"]).len(), 32);
    assert_eq!(instructions["browser_sets"], json!(["content-length"]));
    let url = text(&instructions["url"]);
    assert!(url.starts_with("https://s3.example.test/app-files/"), "the public endpoint is signed: {url}");
    for signed in headers.keys() {
        assert!(url.contains(signed.as_str()), "{signed} is signed in {url}");
    }
    assert!(url.contains("X-Amz-Expires=60&"), "{url}");
    assert_eq!(
        (&upload["state"], &upload["strategy"], &upload["limited_by"]),
        (&json!("pending"), &json!("put"), &json!("request"))
    );
    assert_eq!(upload["expires_at"], "2026-11-01T12:01:00Z");
    let key = staging_key(&upload);
    assert!(key.starts_with(&format!("staging/demo/{}/", text(&upload["id"]))), "{key}");
    assert!(text(&upload["snippets"]["curl"]).starts_with("curl --fail-with-body --globoff -T './a.txt'"));
}

#[tokio::test]
async fn an_upload_becomes_a_file_under_a_key_and_headers_of_the_servers() {
    let world = World::new().await;
    let upload = world.upload("alice", "page.html", "text/html").await;
    world.follow(&upload, "hello");
    let done = world.complete("alice", &upload).await.expect(200).json();
    assert_eq!(done["state"], "available");
    assert_eq!(done["id"], upload["file_id"]);
    assert_eq!((&done["size"], &done["filename"]), (&json!(5), &json!("page.html")));
    let keys = world.store.keys("");
    assert_eq!(keys.len(), 1, "staging is empty: {keys:?}");
    assert!(keys[0].starts_with(&format!("files/demo/{}/", text(&upload["file_id"]))), "{keys:?}");
    let object = world.store.object(&keys[0]).expect("the object");
    assert_eq!(object.headers["content-type"], "text/html");
    assert!(object.headers["content-disposition"].starts_with("attachment"), "HTML is never shown in place");
    assert!(!object.headers.contains_key("x-amz-meta-upload"));
}

#[tokio::test]
async fn completing_twice_or_at_once_makes_one_file() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello");
    let many = futures::future::join_all((0..8).map(|_| world.complete("alice", &upload))).await;
    for answer in many {
        assert_eq!(answer.expect(200).json()["id"], upload["file_id"]);
    }
    world.complete("alice", &upload).await.expect(200);
    let files = world.call("alice", "GET", "/v1/files", None).await.json();
    assert_eq!(files["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_was_not_uploaded_through_the_url_does_not_count() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    assert_eq!(world.complete("alice", &upload).await.expect(409).code(), "conflict");
    world.store.put(&staging_key(&upload), "hello", &[]);
    assert_eq!(world.complete("alice", &upload).await.expect(409).code(), "conflict", "no proof");
    world.store.put(&staging_key(&upload), "hello", &[("x-amz-meta-upload", "0123456789abcdef0123456789abcdef")]);
    assert_eq!(world.complete("alice", &upload).await.expect(409).code(), "conflict", "another proof");
    assert_eq!(state(&world, &upload).await, "pending");
    world.follow(&upload, "hello");
    world.complete("alice", &upload).await.expect(200);
}

#[tokio::test]
async fn another_size_or_checksum_is_rejected_for_good() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello!");
    assert_eq!(world.complete("alice", &upload).await.expect(422).code(), "size_mismatch");
    assert_eq!(state(&world, &upload).await, "rejected");
    world.follow(&upload, "hello");
    assert_eq!(world.complete("alice", &upload).await.expect(409).code(), "conflict");

    let checksum = json!({ "algorithm": "crc32", "value": "NhCmhg==" });
    let upload = declare(&world, |body| body["checksum"] = checksum.clone()).await.expect(201).json();
    let proof = text(&upload["instructions"]["headers"]["x-amz-meta-upload"]).to_owned();
    let put = |sum: &[(&str, &str)]| {
        let headers = [&[("x-amz-meta-upload", proof.as_str())], sum].concat();
        world.store.put(&staging_key(&upload), "hello", &headers);
    };
    put(&[]);
    assert_eq!(world.complete("alice", &upload).await.expect(502).code(), "provider_unsupported");
    put(&[("x-amz-checksum-crc32", "AAAAAA==")]);
    assert_eq!(world.complete("alice", &upload).await.expect(422).code(), "checksum_mismatch");
    assert!(world.store.keys("files/").is_empty());
}

#[tokio::test]
async fn a_failure_at_any_step_is_made_good_by_completing_again() {
    for fault in [Fault::CopyFails, Fault::CopyFailsLate, Fault::CopyAnswerLost] {
        let world = World::new().await;
        let upload = world.upload("alice", "a.txt", "text/plain").await;
        world.follow(&upload, "hello");
        world.store.fail(fault);
        assert_eq!(world.complete("alice", &upload).await.expect(502).code(), "provider_error", "{fault:?}");
        assert_eq!(state(&world, &upload).await, "verifying", "{fault:?}");
        let files = world.call("alice", "GET", "/v1/files", None).await.json();
        assert_eq!(files["data"], json!([]), "{fault:?}: nothing is half visible");
        world.complete("alice", &upload).await.expect(200);
        let file = world.call("alice", "GET", &format!("/v1/files/{}", text(&upload["file_id"])), None).await;
        file.expect(200);
    }
}

#[tokio::test]
async fn a_staged_object_that_cannot_be_deleted_hinders_nobody() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello");
    world.store.fail(Fault::DeleteFails);
    world.complete("alice", &upload).await.expect(200);
    assert_eq!(world.store.keys("staging/").len(), 1, "it waits to be swept");
}

#[tokio::test]
async fn what_changes_after_it_was_checked_is_not_copied() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello");
    world.store.fail(Fault::ChangedBeforeCopy);
    world.complete("alice", &upload).await.expect(200);
    let keys = world.store.keys("files/");
    assert_eq!(keys.len(), 1);
    assert_eq!(world.store.object(&keys[0]).expect("the object").body, "olleh", "what was checked the second time");
    for _ in 0..3 {
        world.store.fail(Fault::ChangedBeforeCopy);
    }
    let upload = world.upload("alice", "b.txt", "text/plain").await;
    world.follow(&upload, "hello");
    assert_eq!(world.complete("alice", &upload).await.expect(409).code(), "conflict", "it keeps changing");
}

#[tokio::test]
async fn a_late_put_touches_staging_only() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello");
    world.complete("alice", &upload).await.expect(200);
    world.follow(&upload, "EVIL!");
    world.complete("alice", &upload).await.expect(200);
    let keys = world.store.keys("files/");
    assert_eq!(keys.len(), 1);
    assert_eq!(world.store.object(&keys[0]).expect("the object").body, "hello");
}

#[tokio::test]
async fn an_expired_upload_says_so_and_a_late_transfer_still_counts() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    let path = format!("/v1/uploads/{}", text(&upload["id"]));
    world.advance(SignedDuration::from_secs(15 * 60 - 1));
    let redirect = world.call("alice", "PUT", &format!("{path}/content"), None).await.expect(307);
    assert!(redirect.header("location").contains("X-Amz-Expires=1&"), "the URL ends with the upload");
    world.advance(SignedDuration::from_secs(1));
    assert_eq!(world.call("alice", "PUT", &format!("{path}/content"), None).await.expect(410).code(), "upload_expired");
    assert!(world.call("alice", "GET", &path, None).await.expect(200).json().get("instructions").is_none());
    assert_eq!(world.complete("alice", &upload).await.expect(410).code(), "upload_expired");
    world.follow(&upload, "hello");
    world.advance(SignedDuration::from_hours(23));
    world.complete("alice", &upload).await.expect(200);

    let upload = world.upload("alice", "b.txt", "text/plain").await;
    world.follow(&upload, "hello");
    world.advance(SignedDuration::from_mins(15) + SignedDuration::from_hours(24));
    assert_eq!(world.complete("alice", &upload).await.expect(410).code(), "upload_expired");
    assert_eq!(state(&world, &upload).await, "expired");
}

#[tokio::test]
async fn an_upload_that_was_never_finished_ends_when_its_time_is_over() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello");
    world.store.fail(Fault::CopyFails);
    world.complete("alice", &upload).await.expect(502);
    world.store.put(&staging_key(&upload), "gone!", &[]);
    world.advance(SignedDuration::from_mins(15));
    assert_eq!(world.complete("alice", &upload).await.expect(410).code(), "upload_expired");
    assert_eq!(state(&world, &upload).await, "verifying", "what is on its way may still come");
    world.advance(SignedDuration::from_hours(24));
    assert_eq!(world.complete("alice", &upload).await.expect(410).code(), "upload_expired");
    assert_eq!(state(&world, &upload).await, "rejected");
}

#[tokio::test]
async fn an_aborted_upload_takes_nothing_more() {
    let world = World::new().await;
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello");
    let path = format!("/v1/uploads/{}", text(&upload["id"]));
    for _ in 0..2 {
        world.call("alice", "DELETE", &path, None).await.expect(204);
    }
    assert!(world.store.keys("").is_empty());
    assert_eq!(world.complete("alice", &upload).await.expect(409).code(), "conflict");
    assert_eq!(world.call("alice", "PUT", &format!("{path}/content"), None).await.expect(409).code(), "conflict");
    let done = world.upload("alice", "b.txt", "text/plain").await;
    world.follow(&done, "hello");
    world.complete("alice", &done).await.expect(200);
    let path = format!("/v1/uploads/{}", text(&done["id"]));
    assert_eq!(world.call("alice", "DELETE", &path, None).await.expect(409).code(), "conflict");
}

#[tokio::test]
async fn a_collections_rules_hold_at_the_limit_and_one_past_it() {
    let world = World::new().await;
    let picture = |size: u64, kind: &'static str| {
        declare(&world, move |body| {
            body["collection"] = "pictures".into();
            body["size"] = size.into();
            body["content_type"] = kind.into();
        })
    };
    picture(1000, "image/png").await.expect(201);
    let large = picture(1001, "image/png").await.expect(413);
    assert_eq!(large.code(), "too_large");
    assert_eq!(large.json()["errors"][0]["pointer"], "/size");
    let other = picture(1, "text/plain").await.expect(415);
    assert_eq!(other.code(), "type_not_allowed");
    assert_eq!(other.json()["errors"][0]["pointer"], "/content_type");
    declare(&world, |body| body["size"] = (5_u64 << 30).into()).await.expect(201);
    declare(&world, |body| body["size"] = ((5_u64 << 30) + 1).into()).await.expect(413);
    let capped = declare(&world, |body| body["expires_in"] = 604_800.into()).await.expect(201).json();
    assert_eq!((&capped["limited_by"], &capped["expires_at"]), (&json!("policy"), &json!("2026-11-01T12:15:00Z")));
}

#[tokio::test]
async fn a_wrong_body_is_told_where_it_is_wrong() {
    type Edit = fn(&mut Value);
    let cases: [(Edit, &str); 13] = [
        (|b| b["size"] = "5".into(), "/size"),
        (|b| b["size"] = (-1).into(), "/size"),
        (|b| b["filename"] = "../../etc/passwd".into(), "/filename"),
        (|b| b["content_type"] = "text".into(), "/content_type"),
        (|b| b["content_type"] = "image/png;,text/html".into(), "/content_type"),
        (|b| b["checksum"] = json!({ "algorithm": "md5", "value": "x" }), "/checksum"),
        (|b| b["expires_in"] = 0.into(), "/expires_in"),
        (|b| b["metadata"] = json!({ "k": "v".repeat(3000) }), "/metadata"),
        (|b| b["strategy"] = "multipart".into(), "/strategy"),
        (|b| b["max_size"] = 5.into(), "/max_size"),
        (|b| b["encryption"] = "sse-c".into(), "/encryption"),
        (|b| b["attach_to"] = "x".into(), "/attach_to"),
        (|b| b["colour"] = "red".into(), "/colour"),
    ];
    let world = World::new().await;
    for (edit, pointer) in cases {
        let answer = declare(&world, edit).await.expect(400);
        assert_eq!(answer.code(), "invalid_request");
        let told = answer.json()["errors"][0]["pointer"].clone();
        assert!(text(&told).starts_with(pointer), "{told} should be {pointer}");
    }
    declare(&world, |body| body["collection"] = "unknown".into()).await.expect(404);
    let long = declare(&world, |body| body["filename"] = "x".repeat(64 * 1024).into()).await.expect(413);
    assert_eq!(long.code(), "too_large");
}

#[tokio::test]
async fn a_repeated_request_gives_the_same_upload_with_a_fresh_url() {
    let world = World::new().await;
    let create = async |user: &str, size: u64| {
        let body = json!({ "collection": "files", "filename": "a", "size": size, "content_type": "text/plain" });
        world.call_with(user, "POST", "/v1/uploads", Some(body), &[("idempotency-key", "one")]).await
    };
    let first = create("alice", 5).await.expect(201).json();
    world.advance(SignedDuration::from_secs(10));
    let again = create("alice", 5).await.expect(201).json();
    assert_eq!(first["id"], again["id"]);
    assert_ne!(first["instructions"]["url"], again["instructions"]["url"]);
    assert_eq!(create("alice", 6).await.expect(422).code(), "idempotency_key_reused");
    assert_ne!(create("bob", 5).await.expect(201).json()["id"], first["id"]);
    let mut elsewhere = world.claims("alice");
    elsewhere["org"] = "other".into();
    let body = json!({ "collection": "files", "filename": "a", "size": 5, "content_type": "text/plain" });
    let request = request("POST", "/v1/uploads")
        .header("authorization", format!("Bearer {}", world.key.sign(&elsewhere)))
        .header("idempotency-key", "one")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body.to_string()));
    let other = world.send(request.expect("a request")).await.expect(201).json();
    assert_ne!(other["id"], first["id"], "a key of one tenant leads to nothing in another");
    assert!(staging_key(&other).starts_with("staging/other/"));
}
