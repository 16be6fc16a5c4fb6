//! Whose things are whose: over every route that the OpenAPI document knows, so that a new one is covered by being there.

use serde_json::{Value, json};

use crate::support::{World, request, text};

/// Methods and paths of the routes that need a caller.
fn secured_routes() -> Vec<(String, String, Value)> {
    let document: Value = serde_json::from_str(&gatepass_backend::openapi_json()).expect("a document");
    let paths = document["paths"].as_object().expect("paths").clone();
    let mut routes = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            if operation.get("security").is_some() {
                routes.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    assert!(routes.len() > 15, "{routes:?}");
    routes
}

#[tokio::test]
async fn alices_things_are_unknown_to_bob_in_every_route() {
    let world = World::new().await;
    let file = world.file("alice", "secret.txt", "text/plain").await;
    let upload = world.upload("alice", "pending.txt", "text/plain").await;
    let (link, _) = world.link("alice", &file, json!({})).await;
    let ids = [
        ("/v1/files/{id}", file.as_str(), "file_"),
        ("/v1/uploads/{id}", text(&upload["id"]), "upl_"),
        ("/v1/links/{id}", text(&link["id"]), "lnk_"),
    ];
    let mut tried = 0;
    for (method, route, _) in secured_routes() {
        let Some((_, id, prefix)) = ids.iter().find(|(path, ..)| route.starts_with(path)) else {
            assert!(!route.contains('{'), "{route} names a thing that this test does not know");
            continue;
        };
        let foreign = world.call("bob", &method, &route.replace("{id}", id), None).await;
        let nobody = format!("{prefix}{}", "0".repeat(12) + "7000" + "8000000000000000");
        let unknown = world.call("bob", &method, &route.replace("{id}", &nobody), None).await;
        assert_eq!(foreign.status, 404, "{method} {route}");
        let told = |answer: &crate::support::Answer, id: &str| {
            if method == "HEAD" {
                return Value::Null;
            }
            let mut problem = answer.json();
            assert_eq!(problem["instance"], route.replace("{id}", id));
            for varying in ["request_id", "instance"] {
                problem.as_object_mut().expect("a problem").remove(varying);
            }
            problem
        };
        assert_eq!(told(&foreign, id), told(&unknown, &nobody), "{method} {route}: nothing tells them apart");
        let malformed = world.call("bob", &method, &route.replace("{id}", "nonsense"), None).await;
        assert_eq!(malformed.status, 404, "{method} {route}");
        tried += 1;
    }
    assert!(tried >= 12, "{tried}");
    world.call("bob", "GET", &format!("/v1/links?file_id={file}"), None).await.expect(404);
    world.call("bob", "POST", "/v1/links", Some(json!({ "file_id": file }))).await.expect(404);
    let listed = world.call("bob", "GET", "/v1/files", None).await.expect(200).json();
    assert_eq!(listed["data"], json!([]));
    world.call("alice", "GET", &format!("/v1/files/{file}"), None).await.expect(200);
    let still = world.call("alice", "GET", &format!("/v1/uploads/{}", text(&upload["id"])), None).await;
    assert_eq!(still.expect(200).json()["state"], "pending", "Bob changed nothing");
}

#[tokio::test]
async fn every_secured_route_wants_to_know_who_calls() {
    let world = World::new().await;
    for (method, route, _) in secured_routes() {
        let answer = world.anonymous(&method, &route.replace("{id}", "file_0")).await;
        assert_eq!(answer.status, 401, "{method} {route}");
    }
}

#[tokio::test]
async fn an_admin_sees_the_own_tenant_and_no_other() {
    let world = World::new().await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let as_admin_of = async |tenant: &str, path: &str| {
        let mut claims = world.claims("root");
        claims["org"] = tenant.into();
        claims["groups"] = json!(["admin"]);
        let request = request("GET", path).header("authorization", format!("Bearer {}", world.key.sign(&claims)));
        world.send(request.body(axum::body::Body::empty()).expect("a request")).await
    };
    as_admin_of("demo", &format!("/v1/files/{file}")).await.expect(200);
    assert_eq!(as_admin_of("demo", "/v1/files").await.json()["data"][0]["id"], file);
    as_admin_of("other", &format!("/v1/files/{file}")).await.expect(404);
    assert_eq!(as_admin_of("other", "/v1/files").await.json()["data"], json!([]));
}
