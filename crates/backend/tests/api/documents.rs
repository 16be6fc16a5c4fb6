//! Errors and the OpenAPI document, as programs see them.

use std::{fs, path::Path};

use axum::body::Body;
use serde_json::Value;

use crate::support::{World, request};

#[tokio::test]
async fn every_error_is_a_problem() {
    let world = World::new().await;
    assert_eq!(world.anonymous("GET", "/v1/none").await.expect(404).code(), "not_found");
    assert_eq!(world.anonymous("PATCH", "/v1/files").await.expect(405).code(), "invalid_request");
    assert_eq!(world.anonymous("GET", "/v1/files").await.expect(401).code(), "unauthenticated");
    let post = async |kind: &str, body: String| {
        let request = request("POST", "/v1/links")
            .header("authorization", format!("Bearer {}", world.token("alice")))
            .header("content-type", kind);
        world.send(request.body(Body::from(body)).expect("a request")).await
    };
    assert_eq!(post("application/json", "{".to_owned()).await.expect(400).code(), "invalid_request");
    assert_eq!(post("application/json", "[]".to_owned()).await.expect(400).code(), "invalid_request");
    assert_eq!(post("text/plain", "{}".to_owned()).await.expect(415).code(), "invalid_request");
    let filler = |length: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(length - 8));
    assert_eq!(post("application/json", filler(64 * 1024)).await.expect(400).code(), "invalid_request");
    assert_eq!(post("application/json", filler(64 * 1024 + 1)).await.expect(413).code(), "too_large");
}

#[tokio::test]
async fn the_document_is_served_and_committed() {
    let world = World::new().await;
    let served = world.anonymous("GET", "/openapi.json").await.expect(200);
    let document: Value = served.json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    assert_eq!(document, serde_json::from_str::<Value>(&gatepass_backend::openapi_json()).expect("a document"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == gatepass_backend::openapi_json(),
        "docs/openapi.json differs from the routes: run `cargo xtask generate` and commit what it writes"
    );
}

#[tokio::test]
async fn health_is_told_apart_from_readiness() {
    let world = World::new().await;
    world.anonymous("GET", "/healthz").await.expect(200);
    let readiness = world.anonymous("GET", "/readyz").await.expect(503).json();
    assert_eq!((&readiness["database"], &readiness["stores"]), (&Value::Bool(true), &Value::Null));
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let (_, path) = world.link("alice", &file, serde_json::json!({})).await;
    for left in (0..6000).rev() {
        let answer = world.anonymous("GET", &path).await.expect(303);
        assert_eq!(answer.header("ratelimit").split(";t=").next(), Some(&*format!("\"exchange\";r={left}")));
    }
    let refused = world.anonymous("GET", &path).await.expect(429);
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("rate_limited", "1"));
    assert_eq!(refused.header("ratelimit-policy"), "\"exchange\";q=6000;w=60");
    let url = world.call("alice", "POST", &format!("/v1/files/{file}/url"), None).await.expect(200);
    assert!(url.header("ratelimit").starts_with("\"signing\";r=599"));
    world.advance(jiff::SignedDuration::from_millis(10));
    world.anonymous("GET", &path).await.expect(303);
}
