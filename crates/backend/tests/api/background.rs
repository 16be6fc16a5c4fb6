//! What happens without anybody asking: the self-test at the start, and the sweeping of what is left over.

use std::{future::Future, time::Duration};

use axum::Router;
use http::StatusCode;
use jiff::SignedDuration;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    store::Fault,
    support::{World, text},
};

/// Long enough for the slowest machine; a condition that holds ends the wait at once.
const PATIENCE: Duration = Duration::from_mins(1);

async fn until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the condition holds in the end");
}

/// Serves the world's backend while `body` runs, and then lets it stop.
async fn while_serving(world: &World, body: impl Future<Output = ()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(world.backend.clone().serve(listener, async { drop(stopped.await) }));
    body.await;
    drop(stop);
    serving.await.expect("the task ends").expect("serving ends well");
}

fn at_own_endpoint(config: &mut serde_json::Value) {
    let endpoint = config["stores"]["main"]["endpoint"].clone();
    config["stores"]["main"]["public_endpoint"] = endpoint;
}

#[tokio::test]
async fn the_service_is_ready_after_a_self_test_that_finds_the_store() {
    let world = World::with(at_own_endpoint).await;
    while_serving(&world, until(async || world.anonymous("GET", "/readyz").await.status == StatusCode::OK)).await;
    let readiness = world.anonymous("GET", "/readyz").await.expect(200).json();
    assert_eq!(readiness["stores"]["buckets"][0]["public_endpoint"]["status"], "ok");
}

#[tokio::test]
async fn a_public_endpoint_under_another_host_is_found_out() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", proxy.local_addr().expect("an address"));
    let refusal = (StatusCode::FORBIDDEN, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
    tokio::spawn(async move { axum::serve(proxy, Router::new().fallback(async move || refusal)).await });
    let world = World::with(|config| config["stores"]["main"]["public_endpoint"] = address.into()).await;
    let tested = async || !world.anonymous("GET", "/readyz").await.json()["stores"].is_null();
    while_serving(&world, until(tested)).await;
    let readiness = world.anonymous("GET", "/readyz").await.expect(503).json();
    let bucket = &readiness["stores"]["buckets"][0];
    assert_eq!(bucket["endpoint"]["status"], "ok");
    assert!(text(&bucket["public_endpoint"]["detail"]).contains("does not accept the signature for this host"));
}

#[tokio::test]
async fn the_bytes_of_a_deleted_file_are_deleted_at_the_next_start() {
    let world = World::with(at_own_endpoint).await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    world.store.fail(Fault::DeleteFails);
    world.call("alice", "DELETE", &format!("/v1/files/{file}"), None).await.expect(204);
    assert_eq!(world.store.keys("files/").len(), 1);
    while_serving(&world, until(async || world.store.keys("files/").is_empty())).await;
}

#[tokio::test]
async fn staging_and_abandoned_copies_are_swept_and_files_are_spared() {
    let world = World::with(at_own_endpoint).await;
    let abandoned = world.upload("alice", "never-completed.txt", "text/plain").await;
    world.follow(&abandoned, "hello");
    let upload = world.upload("alice", "a.txt", "text/plain").await;
    world.follow(&upload, "hello");
    world.store.fail(Fault::CopyAnswerLost);
    world.complete("alice", &upload).await.expect(502);
    world.complete("alice", &upload).await.expect(200);
    world.follow(&upload, "LATE!");
    assert_eq!((world.store.keys("files/").len(), world.store.keys("staging/").len()), (2, 2));
    world.advance(SignedDuration::from_hours(25));
    while_serving(&world, until(async || world.store.keys("").len() == 1)).await;
    let file = world.call("alice", "POST", &format!("/v1/files/{}/url", text(&upload["file_id"])), None).await;
    let url = file.expect(200).json();
    let key = world.store.keys("files/").pop().expect("the file's object");
    assert!(text(&url["url"]).contains(&key), "what is left is what the file leads to");
    let path = format!("/v1/uploads/{}", text(&abandoned["id"]));
    assert_eq!(world.call("alice", "GET", &path, None).await.expect(200).json()["state"], "expired");
}
