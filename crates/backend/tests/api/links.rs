//! Links: they open until they are revoked, expire, or lose their file, and then say which.

use axum::body::Body;
use jiff::SignedDuration;
use serde_json::json;

use crate::support::{Answer, ORIGIN, World, request, text};

async fn as_program(world: &World, path: &str) -> Answer {
    let request = request("GET", path).header("accept", "application/json").body(Body::empty());
    world.send(request.expect("a request")).await
}

/// A closed link tells a visitor with a page and a program with a code.
async fn assert_closed(world: &World, path: &str, status: u16, code: &str) {
    let page = world.anonymous("GET", path).await.expect(status);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("x-robots-tag"), "noindex");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.body.contains("<script"), "{}", page.body);
    world.anonymous("HEAD", path).await.expect(status);
    assert_eq!(as_program(world, path).await.expect(status).code(), code);
}

#[tokio::test]
async fn a_link_leads_to_fresh_urls_for_anybody() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let (link, path) =
        world.link("alice", &file, json!({ "label": "for Bob", "filename": "b.txt", "url_ttl": 30 })).await;
    assert_eq!((&link["state"], &link["url_ttl"], &link["label"]), (&json!("active"), &json!(30), &json!("for Bob")));
    for way in [path.clone(), format!("{path}/any-name.txt")] {
        let answer = world.anonymous("GET", &way).await.expect(303);
        let location = answer.header("location");
        assert!(location.starts_with("https://s3.example.test/app-files/files/demo/"), "{location}");
        assert!(location.contains("X-Amz-Expires=30&") && location.contains("b.txt"), "{location}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let head = world.anonymous("HEAD", &way).await.expect(303);
        assert_ne!(head.header("location"), location, "a HEAD needs a signature of its own");
    }
    let about = world.anonymous("GET", &format!("{path}/about")).await.expect(200);
    assert!(about.header("ratelimit").starts_with("\"exchange\";r="), "{about:?}");
    assert_eq!(
        about.json(),
        json!({ "filename": "b.txt", "size": 5, "content_type": "text/plain", "expires_at": null })
    );
    assert_eq!(as_program(&world, &path).await.status, 303, "programs are redirected too");
}

#[tokio::test]
async fn a_revoked_link_is_gone_at_once_and_says_so() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let (link, path) = world.link("alice", &file, json!({})).await;
    let route = format!("/v1/links/{}", text(&link["id"]));
    let wrong = world.call_with("alice", "POST", &format!("{route}/revoke"), None, &[("if-match", "\"9\"")]).await;
    assert_eq!(wrong.expect(412).code(), "precondition_failed");
    world.anonymous("GET", &path).await.expect(303);
    for _ in 0..2 {
        let revoked = world.call("alice", "POST", &format!("{route}/revoke"), None).await.expect(200);
        assert_eq!(revoked.json()["state"], "revoked");
    }
    assert_closed(&world, &path, 410, "link_revoked").await;
    assert_eq!(world.anonymous("GET", &format!("{path}/about")).await.expect(410).code(), "link_revoked");
    world.call("alice", "DELETE", &route, None).await.expect(204);
    assert_closed(&world, &path, 404, "not_found").await;
    world.call("alice", "GET", &route, None).await.expect(404);
}

#[tokio::test]
async fn unknown_tokens_are_404_and_are_not_shown() {
    let world = World::new().await;
    for token in ["2".repeat(43), "x".to_owned(), "%00".to_owned(), "z".repeat(5000)] {
        assert_closed(&world, &format!("/l/{token}"), 404, "not_found").await;
        let problem = as_program(&world, &format!("/l/{token}")).await.json();
        assert_eq!(problem["instance"], "/l/{token}");
    }
}

#[tokio::test]
async fn a_token_in_a_path_that_is_no_links_is_not_shown() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let (_, path) = world.link("alice", &file, json!({})).await;
    for near_miss in [format!("/{path}"), path.replace("/l/", "/L/"), format!("/v1{path}/x/y")] {
        let answer = world.anonymous("GET", &near_miss).await.expect(404);
        let token = path.strip_prefix("/l/").expect("a token");
        assert!(!answer.body.contains(token) && answer.body.contains("/{token}"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_link_keeps_its_times() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let times = json!({ "not_before": "2026-11-01T12:10:00Z", "expires_at": "2026-11-01T12:20:00Z" });
    let (_, path) = world.link("alice", &file, times).await;
    assert_closed(&world, &path, 403, "link_not_yet_valid").await;
    world.advance(SignedDuration::from_mins(10));
    world.anonymous("GET", &path).await.expect(303);
    world.advance(SignedDuration::from_secs(10 * 60 - 1));
    let last = world.anonymous("GET", &path).await.expect(303);
    assert!(last.header("location").contains("X-Amz-Expires=1&"), "the URL does not outlive the link");
    world.advance(SignedDuration::from_secs(1));
    assert_closed(&world, &path, 410, "link_expired").await;
    for wrong in [
        json!({ "expires_at": "2026-11-01T12:20:00Z" }),
        json!({ "not_before": "2026-12-02T00:00:00Z", "expires_at": "2026-12-01T00:00:00Z" }),
        json!({ "expires_at": "soon" }),
        json!({ "url_ttl": 0 }),
        json!({ "label": "x".repeat(256) }),
        json!({ "filename": "a/b" }),
    ] {
        let mut body = wrong.clone();
        body["file_id"] = file.clone().into();
        let answer = world.call("alice", "POST", "/v1/links", Some(body)).await.expect(400);
        assert!(answer.json()["errors"][0]["pointer"].is_string(), "{wrong}");
    }
}

#[tokio::test]
async fn links_of_a_deleted_file_are_gone() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let (_, path) = world.link("alice", &file, json!({})).await;
    world.call("alice", "DELETE", &format!("/v1/files/{file}"), None).await.expect(204);
    assert_closed(&world, &path, 410, "gone").await;
}

#[tokio::test]
async fn what_a_later_version_will_do_is_refused_by_name() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    for option in ["password", "max_exchanges", "audience", "allow_cidr", "confirm", "prefix", "policy_id"] {
        let body = json!({ "file_id": file, option: "x" });
        let problem = world.call("alice", "POST", "/v1/links", Some(body)).await.expect(400).json();
        assert_eq!(problem["errors"][0]["pointer"], format!("/{option}"));
        assert!(text(&problem["errors"][0]["detail"]).contains("not supported yet"));
    }
}

#[tokio::test]
async fn the_links_of_a_file_are_listed_without_their_addresses() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let (first, _) = world.link("alice", &file, json!({})).await;
    world.advance(SignedDuration::from_secs(1));
    let (second, _) = world.link("alice", &file, json!({})).await;
    let page = world.call("alice", "GET", &format!("/v1/links?file_id={file}&limit=1"), None).await.expect(200).json();
    assert_eq!(page["data"][0]["id"], second["id"]);
    assert!(page["data"][0].get("url").is_none());
    let next = format!("/v1/links?file_id={file}&limit=1&cursor={}", text(&page["next_cursor"]));
    let page = world.call("alice", "GET", &next, None).await.expect(200).json();
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&first["id"], &json!(false)));
}

#[tokio::test]
async fn tokens_are_never_in_the_database() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let (link, path) = world.link("alice", &file, json!({})).await;
    let token = path.strip_prefix("/l/").expect("a token");
    let raw = bs58::decode(token).into_vec().expect("base58");
    assert_eq!(raw.len(), 32);
    let mut looked_at = 0;
    for entry in std::fs::read_dir(world.directory.path()).expect("the directory") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(token.as_bytes()) && !holds(&raw));
        looked_at += usize::from(holds(text(&link["id"]).as_bytes()));
    }
    assert!(looked_at > 0, "the row itself is found");
}

#[tokio::test]
async fn a_repeated_request_gives_the_same_link_by_another_address() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let create = async |label: &str| {
        let body = json!({ "file_id": file, "label": label });
        world.call_with("alice", "POST", "/v1/links", Some(body), &[("idempotency-key", "k")]).await
    };
    let first = create("a").await.expect(201).json();
    let again = create("a").await.expect(201).json();
    assert_eq!(first["id"], again["id"]);
    for link in [&first, &again] {
        world.anonymous("GET", text(&link["url"]).strip_prefix(ORIGIN).expect("ours")).await.expect(303);
    }
    assert_eq!(create("b").await.expect(422).code(), "idempotency_key_reused");
}
