//! The road of a file by HTTP: upload, complete, open, share, revoke, delete. And who must not walk it.

use bytes::Bytes;
use gatepass_e2e::api::Api;
use gatepass_e2e::dev::{Dev, Options};
use hyper::Method;
use serde_json::json;
use tempfile::TempDir;

struct Stage {
    server: Dev,
    alice: Api,
    bob: Api,
    _scratch: TempDir,
}

fn stage() -> Stage {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let server = Dev::start(&scratch.path().join("data"), &Options::default()).expect("the server starts");
    let api = |token: &str| Api::new(&server.ready().backend, token);
    let (alice, bob) = (api(&server.ready().tokens.alice), api(&server.ready().tokens.bob));
    Stage { server, alice, bob, _scratch: scratch }
}

const BODY: &[u8] = b"what the file says";

#[tokio::test]
async fn a_file_is_uploaded_opened_and_deleted() {
    let stage = stage();
    let upload = stage.alice.begin("report \u{e9}.txt", BODY.len()).await.unwrap();
    let before = stage.alice.content(&upload.file).await;
    assert!(!matches!(before, Ok(Some(_))), "a file that is not uploaded has no content");
    stage.alice.send_bytes(&upload, BODY.into()).await.unwrap().expect(200);
    let completed = stage.alice.complete(&upload.id).await.unwrap().expect(200).json();
    assert_eq!(completed["id"], upload.file.as_str());
    assert_eq!(completed["size"], BODY.len());

    let listed = stage.alice.call(Method::GET, "/v1/files", None).await.unwrap().expect(200).json();
    assert_eq!(listed["data"][0]["id"], upload.file.as_str());
    assert_eq!(stage.alice.content(&upload.file).await.unwrap().unwrap(), BODY);

    stage.alice.delete(&upload.file).await.unwrap();
    assert_eq!(stage.alice.content(&upload.file).await.unwrap(), None);
}

#[tokio::test]
async fn completing_twice_is_completing_once() {
    let stage = stage();
    let upload = stage.alice.begin("twice.bin", BODY.len()).await.unwrap();
    stage.alice.send_bytes(&upload, BODY.into()).await.unwrap().expect(200);
    let first = stage.alice.complete(&upload.id).await.unwrap().expect(200).json();
    let second = stage.alice.complete(&upload.id).await.unwrap().expect(200).json();
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_late_upload_touches_only_staging() {
    let stage = stage();
    let upload = stage.alice.begin("late.bin", BODY.len()).await.unwrap();
    stage.alice.send_bytes(&upload, BODY.into()).await.unwrap().expect(200);
    stage.alice.complete(&upload.id).await.unwrap().expect(200);
    let other: Vec<u8> = BODY.iter().rev().copied().collect();
    stage.alice.send_bytes(&upload, other.into()).await.unwrap();
    assert_eq!(stage.alice.content(&upload.file).await.unwrap().unwrap(), BODY);
}

#[tokio::test]
async fn a_body_of_another_length_is_refused() {
    let stage = stage();
    let mut upload = stage.alice.begin("short.bin", BODY.len() + 1).await.unwrap();
    for (name, value) in &mut upload.headers {
        if name.eq_ignore_ascii_case("content-length") {
            *value = BODY.len().to_string();
        }
    }
    stage.alice.send_bytes(&upload, BODY.into()).await.unwrap().expect(403);
    let completed = stage.alice.complete(&upload.id).await.unwrap();
    assert!(completed.status.is_client_error(), "{}", completed.text());
}

#[tokio::test]
async fn for_bob_alices_file_does_not_exist() {
    let stage = stage();
    let file = stage.alice.upload("hers.txt", BODY.into()).await.unwrap();
    let pending = stage.alice.begin("soon hers.txt", BODY.len()).await.unwrap();
    let (link, _) = stage.alice.link(&file).await.unwrap();
    let routes = [
        (Method::GET, format!("/v1/files/{file}"), None),
        (Method::HEAD, format!("/v1/files/{file}"), None),
        (Method::GET, format!("/v1/files/{file}/content"), None),
        (Method::HEAD, format!("/v1/files/{file}/content"), None),
        (Method::POST, format!("/v1/files/{file}/url"), Some(json!({}))),
        (Method::DELETE, format!("/v1/files/{file}"), None),
        (Method::POST, "/v1/links".to_owned(), Some(json!({ "file_id": file }))),
        (Method::POST, format!("/v1/links/{link}/revoke"), None),
        (Method::POST, format!("/v1/uploads/{}/complete", pending.id), None),
    ];
    for (method, path, body) in routes {
        let foreign = stage.bob.call(method.clone(), &path, body.as_ref()).await.unwrap();
        assert_eq!(foreign.status, 404, "{method} {path}: {}", foreign.text());
        // What is foreign and what never was look the same.
        let path = [&file, &link, &pending.id].into_iter().fold(path, |path, id| path.replace(id, &never_given(id)));
        let body = body.map(|text| text.to_string().replace(&file, &never_given(&file)).parse().unwrap());
        let unknown = stage.bob.call(method.clone(), &path, body.as_ref()).await.unwrap();
        assert_eq!(unknown.status, 404, "{method} {path}: {}", unknown.text());
    }
    let listed = stage.bob.call(Method::GET, "/v1/files", None).await.unwrap().expect(200).json();
    assert_eq!(listed["data"], json!([]));
    assert_eq!(stage.alice.content(&file).await.unwrap().unwrap(), BODY, "Bob changed nothing");
}

/// An id of the same kind that nobody was ever given.
fn never_given(id: &str) -> String {
    let (rest, last) = id.split_at(id.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}

#[tokio::test]
async fn a_stranger_without_a_token_is_asked_for_one() {
    let stage = stage();
    for path in ["/v1/files", "/v1/collections", "/v1/session"] {
        let answer =
            stage.alice.anonymously(Method::GET, &format!("{}{path}", stage.server.ready().backend)).await.unwrap();
        assert_eq!(answer.status, 401, "{path}");
    }
    let forged = Api::new(&stage.server.ready().backend, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.");
    assert_eq!(forged.call(Method::GET, "/v1/files", None).await.unwrap().status, 401);
}

#[tokio::test]
async fn a_link_works_until_it_is_revoked() {
    let mut stage = stage();
    let file = stage.alice.upload("shared.txt", BODY.into()).await.unwrap();
    let (link, url) = stage.alice.link(&file).await.unwrap();
    stage.server.secret(url.rsplit('/').next().unwrap());

    let followed = stage.alice.anonymously(Method::GET, &url).await.unwrap().expect(303);
    assert_eq!(followed.header("referrer-policy"), "no-referrer");
    assert_eq!(stage.alice.fetch(followed.header("location")).await.unwrap(), BODY);

    stage.alice.revoke(&link).await.unwrap();
    let gone = stage.alice.anonymously(Method::GET, &url).await.unwrap().expect(410);
    assert!(gone.text().contains("revoked"), "{}", gone.text());
    let unknown = format!("{}/l/{}", stage.server.ready().backend, "1".repeat(44));
    stage.alice.anonymously(Method::GET, &unknown).await.unwrap().expect(404);
}

#[tokio::test]
async fn a_restart_keeps_files_links_and_revocations() {
    let mut stage = stage();
    let file = stage.alice.upload("kept.txt", BODY.into()).await.unwrap();
    let (_, active) = stage.alice.link(&file).await.unwrap();
    let (revoked_id, revoked) = stage.alice.link(&file).await.unwrap();
    stage.alice.revoke(&revoked_id).await.unwrap();
    let ready = stage.server.ready().clone();
    assert!(stage.server.terminate().unwrap().success());

    let options = Options { again: Some(ready.clone()), ..Options::default() };
    let again = Dev::start(stage.server.data(), &options).unwrap();
    assert_eq!(again.ready().secret_key, ready.secret_key, "the keys are kept");
    let alice = Api::new(&again.ready().backend, &again.ready().tokens.alice);
    assert_eq!(alice.content(&file).await.unwrap().unwrap(), BODY);
    alice.anonymously(Method::GET, &active).await.unwrap().expect(303);
    alice.anonymously(Method::GET, &revoked).await.unwrap().expect(410);
    let old_token = Api::new(&again.ready().backend, &ready.tokens.alice);
    assert_eq!(old_token.content(&file).await.unwrap(), Some(Bytes::from_static(BODY)), "the issuer's key is kept");
}
