//! Files: lists, downloads, deletion.

use serde_json::json;

use crate::{
    store::Fault,
    support::{World, text},
};

#[tokio::test]
async fn content_redirects_to_a_fresh_url_at_the_public_endpoint() {
    let world = World::new().await;
    let file = world.file("alice", "été, 2026.png", "image/png").await;
    let answer = world.call("alice", "GET", &format!("/v1/files/{file}/content"), None).await.expect(303);
    let location = answer.header("location");
    assert!(location.starts_with("https://s3.example.test/app-files/files/demo/"), "{location}");
    assert!(location.contains("X-Amz-Expires=300&"), "{location}");
    assert!(location.contains("response-content-disposition=inline%3B"), "{location}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-robots-tag"), "noindex");
    let saved = world.call("alice", "GET", &format!("/v1/files/{file}/content?disposition=attachment"), None).await;
    assert!(saved.expect(303).header("location").contains("response-content-disposition=attachment%3B"));
}

#[tokio::test]
async fn html_and_svg_are_saved_whatever_is_asked_for() {
    let world = World::new().await;
    for (name, kind) in [("a.html", "text/html; charset=utf-8"), ("a.svg", "image/svg+xml")] {
        let file = world.file("alice", name, kind).await;
        let path = format!("/v1/files/{file}/content?disposition=inline");
        let answer = world.call("alice", "GET", &path, None).await.expect(303);
        assert!(answer.header("location").contains("response-content-disposition=attachment%3B"), "{kind}");
    }
}

#[tokio::test]
async fn head_is_answered_from_the_row() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let answer = world.call("alice", "HEAD", &format!("/v1/files/{file}/content"), None).await.expect(200);
    assert_eq!(answer.header("content-length"), "5");
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("last-modified"), "Sun, 01 Nov 2026 12:00:00 GMT");
    assert!(answer.header("content-disposition").contains("a.txt"));
    assert!(answer.header("location").is_empty());
}

#[tokio::test]
async fn a_url_says_what_it_is_good_for() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let path = format!("/v1/files/{file}/url");
    let url = world.call("alice", "POST", &path, None).await.expect(200).json();
    assert_eq!((&url["method"], &url["size"], &url["filename"]), (&json!("GET"), &json!(5), &json!("a.txt")));
    assert_eq!((&url["limited_by"], &url["expires_at"]), (&json!("policy"), &json!("2026-11-01T12:05:00Z")));
    assert_eq!(url["effective_expires_at"], url["expires_at"]);
    assert_eq!(url["refresh_after"], "2026-11-01T12:04:00Z");
    let options = json!({ "method": "HEAD", "disposition": "attachment", "filename": "b.txt", "expires_in": 10 });
    let url = world.call("alice", "POST", &path, Some(options)).await.expect(200).json();
    assert_eq!(
        (&url["method"], &url["limited_by"], &url["filename"]),
        (&json!("HEAD"), &json!("request"), &json!("b.txt"))
    );
    assert!(text(&url["url"]).contains("X-Amz-Expires=10&"));
    for (wrong, pointer) in [(json!({ "stable": true }), "/stable"), (json!({ "expires_in": 0 }), "/expires_in")] {
        let answer = world.call("alice", "POST", &path, Some(wrong)).await.expect(400);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn a_list_comes_in_pages_whose_cursors_cannot_be_bent() {
    let world = World::new().await;
    for index in 0..5 {
        world.advance(jiff::SignedDuration::from_secs(1));
        world.file("alice", &format!("{index}.txt"), "text/plain").await;
    }
    let mut names = Vec::new();
    let mut path = "/v1/files?limit=2".to_owned();
    loop {
        let answer = world.call("alice", "GET", &path, None).await.expect(200);
        let page = answer.json();
        names.extend(page["data"].as_array().expect("rows").iter().map(|file| text(&file["filename"]).to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!((&page["has_more"], answer.header("link")), (&json!(false), ""));
            break;
        };
        assert_eq!(page["has_more"], true);
        path = format!("/v1/files?limit=2&cursor={cursor}");
        assert_eq!(answer.header("link"), format!("<{path}>; rel=\"next\""));
    }
    assert_eq!(names, ["4.txt", "3.txt", "2.txt", "1.txt", "0.txt"]);
    let page = world.call("alice", "GET", "/v1/files?limit=2", None).await.json();
    let cursor = text(&page["next_cursor"]);
    let flip = |at: usize| {
        let mut bytes = cursor.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("ASCII")
    };
    for wrong in [flip(0), flip(cursor.len() / 2), "x".to_owned(), String::new()] {
        world.call("alice", "GET", &format!("/v1/files?cursor={wrong}"), None).await.expect(400);
    }
    world.call("bob", "GET", &format!("/v1/files?limit=2&cursor={cursor}"), None).await.expect(400);
    world.call("alice", "GET", &format!("/v1/files?q=x&cursor={cursor}"), None).await.expect(400);
}

#[tokio::test]
async fn a_list_takes_filters_and_refuses_unknown_ones() {
    let world = World::new().await;
    world.file("alice", "report.pdf", "application/pdf").await;
    world.file("alice", "photo.png", "image/png").await;
    let count = async |query: &str| {
        let answer = world.call("alice", "GET", &format!("/v1/files?{query}"), None).await;
        answer.expect(200).json()["data"].as_array().map(Vec::len)
    };
    assert_eq!(count("q=PORT").await, Some(1));
    assert_eq!(count("prefix=photo").await, Some(1));
    assert_eq!(count("collection=pictures").await, Some(0));
    assert_eq!(count("state=available").await, Some(2));
    for wrong in ["state=lost", "colour=red", "limit=0", "limit=201", "limit=x"] {
        let answer = world.call("alice", "GET", &format!("/v1/files?{wrong}"), None).await.expect(400);
        assert_eq!(answer.code(), "invalid_request", "{wrong}");
    }
}

#[tokio::test]
async fn a_deleted_file_is_gone_with_its_bytes() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let path = format!("/v1/files/{file}");
    let etag = world.call("alice", "GET", &path, None).await.expect(200).header("etag").to_owned();
    let other = [("if-match", "\"99\"")];
    let answer = world.call_with("alice", "DELETE", &path, None, &other).await.expect(412);
    assert_eq!(answer.code(), "precondition_failed");
    world.call_with("alice", "DELETE", &path, None, &[("if-match", &etag)]).await.expect(204);
    assert!(world.store.keys("").is_empty());
    for (method, route) in [("GET", ""), ("GET", "/content"), ("HEAD", "/content"), ("POST", "/url"), ("DELETE", "")] {
        world.call("alice", method, &format!("{path}{route}"), None).await.expect(404);
    }
}

#[tokio::test]
async fn a_file_is_gone_at_once_even_if_the_store_is_down() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    world.store.fail(Fault::DeleteFails);
    world.call("alice", "DELETE", &format!("/v1/files/{file}"), None).await.expect(204);
    world.call("alice", "GET", &format!("/v1/files/{file}"), None).await.expect(404);
    assert_eq!(world.store.keys("files/").len(), 1, "its bytes wait to be swept");
}

#[tokio::test]
async fn collections_tell_their_rules() {
    let world = World::new().await;
    let page = world.call("alice", "GET", "/v1/collections", None).await.expect(200).json();
    assert_eq!(
        page["data"][1],
        json!({
            "name": "pictures", "delivery": "s3",
            "upload": { "max_size": 1000, "content_types": ["image/*"], "strategies": ["put"] },
        })
    );
}
