//! The console's side: sign-in, its session, and how pages are served.

use axum::body::Body;
use jiff::SignedDuration;
use serde_json::json;

use crate::{
    issuer::CLIENT_ID,
    support::{Answer, HOST, ORIGIN, World, request, text},
};

/// The cookies that an answer sets, as a browser would send them back.
fn cookies(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text"));
    set.map(|cookie| cookie.split(';').next().expect("a pair")).collect::<Vec<_>>().join("; ")
}

fn parameter(location: &str, name: &str) -> String {
    let query = location.split_once('?').expect("a query").1;
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    pair.expect("the parameter").to_owned()
}

async fn get(world: &World, path: &str, cookie: &str) -> Answer {
    world.send(request("GET", path).header("cookie", cookie).body(Body::empty()).expect("a request")).await
}

async fn sign_in(world: &World) -> String {
    let login = world.anonymous("GET", "/auth/login?return_to=/files").await.expect(303);
    let location = login.header("location").to_owned();
    let mut claims = world.claims("alice");
    claims["aud"] = CLIENT_ID.into();
    claims["nonce"] = parameter(&location, "nonce").into();
    claims["name"] = "Alice".into();
    world.issuer.give(world.key.sign(&claims));
    let callback = format!("/auth/callback?code=c0de&state={}", parameter(&location, "state"));
    let back = get(world, &callback, &cookies(&login)).await.expect(303);
    assert_eq!(back.header("location"), "/files");
    cookies(&back).split("; ").find(|cookie| cookie.starts_with("gatepass=")).expect("a session").to_owned()
}

#[tokio::test]
async fn a_browser_signs_in_with_code_and_pkce() {
    let world = World::new().await;
    let login = world.anonymous("GET", "/auth/login").await.expect(303);
    let location = login.header("location");
    assert!(
        location.starts_with(&format!("{}/authorize?response_type=code&client_id={CLIENT_ID}", world.issuer.url()))
    );
    assert_eq!(parameter(location, "code_challenge_method"), "S256");
    let cookie = login.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let session = sign_in(&world).await;
    let exchange = world.issuer.exchanges().pop().expect("an exchange");
    let sent = |name: &str| exchange.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    assert_eq!(sent("redirect_uri"), Some(format!("{ORIGIN}/auth/callback")));
    assert_eq!(sent("code_verifier").map(|verifier| verifier.len()), Some(43));
    let user = get(&world, "/v1/session", &session).await.expect(200).json();
    assert_eq!(
        user["user"],
        json!({ "subject": "alice", "tenant": "demo", "groups": [], "name": "Alice", "email": null })
    );
    get(&world, "/v1/files", &session).await.expect(200);
    world.advance(SignedDuration::from_hours(12));
    get(&world, "/v1/session", &session).await.expect(401);
}

#[tokio::test]
async fn a_sign_in_that_another_browser_began_is_refused() {
    let world = World::new().await;
    let login = world.anonymous("GET", "/auth/login").await.expect(303);
    let state = parameter(login.header("location"), "state");
    let callback = format!("/auth/callback?code=c0de&state={state}");
    assert_eq!(world.anonymous("GET", &callback).await.expect(403).code(), "forbidden");
    let other = world.anonymous("GET", "/auth/login").await.expect(303);
    assert_eq!(get(&world, &callback, &cookies(&other)).await.expect(403).code(), "forbidden");
    world.advance(SignedDuration::from_mins(10));
    assert_eq!(get(&world, &callback, &cookies(&login)).await.expect(403).code(), "forbidden");
    assert!(world.issuer.exchanges().is_empty());
}

#[tokio::test]
async fn a_sign_in_that_fails_shows_a_browser_a_page() {
    let world = World::new().await;
    let callback = request("GET", "/auth/callback?error=access_denied").header("accept", "text/html,*/*;q=0.8");
    let page = world.send(callback.body(Body::empty()).expect("a request")).await.expect(403);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(page.body.contains("You are not signed in") && page.body.contains("href=\"/auth/login\""), "{}", page.body);
}

#[tokio::test]
async fn sign_ins_begin_only_so_often() {
    let world = World::new().await;
    for _ in 0..600 {
        world.anonymous("GET", "/auth/login?return_to=//evil.test").await.expect(400);
    }
    let refused = world.anonymous("GET", "/auth/login").await.expect(429);
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("rate_limited", "1"));
    assert_eq!(refused.header("ratelimit-policy"), "\"sign-in\";q=600;w=60");
    world.advance(SignedDuration::from_secs(1));
    world.anonymous("GET", "/auth/login").await.expect(303);
}

#[tokio::test]
async fn an_id_token_of_another_sign_in_or_audience_signs_nobody_in() {
    type Edit = fn(&mut serde_json::Value);
    let edits: [Edit; 3] = [
        |claims| claims["nonce"] = "other".into(),
        |claims| drop(claims.as_object_mut().expect("claims").remove("nonce")),
        |claims| claims["aud"] = "gatepass".into(),
    ];
    let world = World::new().await;
    for edit in edits {
        let login = world.anonymous("GET", "/auth/login").await.expect(303);
        let location = login.header("location");
        let mut claims = world.claims("alice");
        claims["aud"] = CLIENT_ID.into();
        claims["nonce"] = parameter(location, "nonce").into();
        edit(&mut claims);
        world.issuer.give(world.key.sign(&claims));
        let callback = format!("/auth/callback?code=c0de&state={}", parameter(location, "state"));
        let answer = get(&world, &callback, &cookies(&login)).await.expect(502);
        assert_eq!(answer.code(), "provider_error");
        assert!(answer.header("set-cookie").is_empty());
    }
    world.anonymous("GET", "/auth/login?return_to=//evil.test").await.expect(400);
}

#[tokio::test]
async fn a_session_changes_things_only_with_its_csrf_token_and_from_its_origin() {
    let world = World::new().await;
    let session = sign_in(&world).await;
    let csrf = text(&get(&world, "/v1/session", &session).await.json()["csrf_token"]).to_owned();
    let post = async |headers: &[(&str, &str)]| {
        let mut request = request("POST", "/v1/uploads").header("cookie", &session);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = json!({ "collection": "files", "filename": "a", "size": 1, "content_type": "text/plain" });
        let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
        world.send(request.expect("a request")).await
    };
    assert_eq!(post(&[]).await.expect(403).code(), "forbidden");
    assert_eq!(post(&[("x-gatepass-csrf", "wrong")]).await.expect(403).code(), "forbidden");
    let foreign = [("x-gatepass-csrf", csrf.as_str()), ("origin", "http://evil.test")];
    assert_eq!(post(&foreign).await.expect(403).code(), "forbidden");
    post(&[("x-gatepass-csrf", &csrf)]).await.expect(201);
    post(&[("x-gatepass-csrf", &csrf), ("origin", ORIGIN)]).await.expect(201);
    let logout = request("POST", "/auth/logout").header("cookie", &session).header("x-gatepass-csrf", &csrf);
    world.send(logout.body(Body::empty()).expect("a request")).await.expect(204);
    get(&world, "/v1/session", &session).await.expect(401);
}

#[tokio::test]
async fn session_tokens_are_never_in_the_database() {
    let world = World::new().await;
    let session = sign_in(&world).await;
    let token = session.strip_prefix("gatepass=").expect("a token");
    for entry in std::fs::read_dir(world.directory.path()).expect("the directory") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
}

#[tokio::test]
async fn only_known_host_names_are_answered() {
    let world = World::with(|config| config["backend"]["hosts"] = json!(["10.0.0.7:8080"])).await;
    for (host, status) in [
        (HOST, 200),
        ("FILES.example.test", 200),
        ("10.0.0.7:8080", 200),
        ("evil.test", 421),
        ("files.example.test:81", 421),
    ] {
        let request = http::Request::get("/healthz").header("host", host).body(Body::empty());
        world.send(request.expect("a request")).await.expect(status);
    }
    let none = http::Request::get("/healthz").body(Body::empty()).expect("a request");
    assert_eq!(world.send(none).await.expect(400).code(), "invalid_request");
    let absolute = http::Request::get("http://evil.test/healthz").header("host", HOST).body(Body::empty());
    world.send(absolute.expect("a request")).await.expect(421);
}

#[tokio::test]
async fn the_page_is_served_with_a_strict_policy() {
    let world = World::new().await;
    let page = world.anonymous("GET", "/").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("cache-control"), "no-cache");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("connect-src 'self' https://s3.example.test;"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    let script = page.body.split('"').find(|text| text.starts_with("/assets/"));
    let script = world.anonymous("GET", script.expect("a script")).await.expect(200);
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(script.header("content-type").starts_with("text/javascript"));
    for missing in ["/assets/none.js", "/none", "/assets/../index.html", "/assets/%2e%2e/%2e%2e/Cargo.toml"] {
        assert_eq!(world.anonymous("GET", missing).await.expect(404).code(), "not_found", "{missing}");
    }
}
