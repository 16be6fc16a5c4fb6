//! Access tokens: which are believed, and above all which are not.

use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{
    issuer::{Issuer, Key},
    support::{Answer, World, request},
};

async fn with(world: &World, token: &str) -> Answer {
    let request = request("GET", "/v1/files").header("authorization", format!("Bearer {token}"));
    world.send(request.body(axum::body::Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn a_good_token_is_believed() {
    let world = World::new().await;
    with(&world, &world.token("alice")).await.expect(200);
    let mut several = world.claims("alice");
    several["aud"] = json!(["other", "gatepass"]);
    with(&world, &world.key.sign(&several)).await.expect(200);
}

#[tokio::test]
async fn a_token_that_breaks_one_rule_is_refused() {
    type Edit = fn(&mut Value, i64);
    let cases: [(&str, Edit); 14] = [
        ("another issuer", |c, _| c["iss"] = "https://evil.test".into()),
        ("no issuer", |c, _| drop(c.as_object_mut().expect("claims").remove("iss"))),
        ("another audience", |c, _| c["aud"] = "other".into()),
        ("the console's audience", |c, _| c["aud"] = "gatepass-console".into()),
        ("no audience", |c, _| drop(c.as_object_mut().expect("claims").remove("aud"))),
        ("expired beyond the leeway", |c, now| c["exp"] = (now - 30).into()),
        ("no expiry", |c, _| drop(c.as_object_mut().expect("claims").remove("exp"))),
        ("an expiry that is text", |c, _| c["exp"] = "tomorrow".into()),
        ("not valid yet", |c, now| c["nbf"] = (now + 31).into()),
        ("no subject", |c, _| drop(c.as_object_mut().expect("claims").remove("sub"))),
        ("an empty subject", |c, _| c["sub"] = "".into()),
        ("no tenant", |c, _| drop(c.as_object_mut().expect("claims").remove("org"))),
        ("a tenant that is a dot segment", |c, _| c["org"] = "..".into()),
        ("groups that are no list", |c, _| c["groups"] = "admin".into()),
    ];
    let world = World::new().await;
    for (name, edit) in cases {
        let mut claims = world.claims("alice");
        edit(&mut claims, world.now().as_second());
        let answer = with(&world, &world.key.sign(&claims)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"), "{name}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{name}");
    }
}

#[tokio::test]
async fn the_times_of_a_token_have_half_a_minute_of_leeway() {
    let world = World::new().await;
    let now = world.now().as_second();
    let mut claims = world.claims("alice");
    claims["exp"] = (now - 29).into();
    claims["nbf"] = (now + 30).into();
    with(&world, &world.key.sign(&claims)).await.expect(200);
}

#[tokio::test]
async fn the_key_decides_the_algorithm() {
    let world = World::new().await;
    let claims = world.claims("alice");
    let part = |value: &Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    let unsigned = format!("{}.{}.", part(&json!({"alg": "none", "kid": "key-1"})), part(&claims));
    with(&world, &unsigned).await.expect(401);
    // The classic: an HMAC with the public key, which everybody has, as the secret.
    let header = Header { kid: Some("key-1".to_owned()), ..Header::new(Algorithm::HS256) };
    let confused = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&world.key.public));
    with(&world, &confused.expect("a token")).await.expect(401);
    let swapped = world.token("alice").replacen(
        &part(&json!({"typ": "JWT", "alg": "ES256", "kid": "key-1"})),
        &part(&json!({"typ": "JWT", "alg": "RS256", "kid": "key-1"})),
        1,
    );
    with(&world, &swapped).await.expect(401);
}

#[tokio::test]
async fn forged_and_broken_tokens_are_refused() {
    let world = World::new().await;
    let forger = Key::new("key-1");
    with(&world, &forger.sign(&world.claims("alice"))).await.expect(401);
    let critical =
        Header { kid: Some("key-1".to_owned()), crit: Some(vec!["exp".to_owned()]), ..Header::new(Algorithm::ES256) };
    with(&world, &world.key.sign_with(&critical, &world.claims("alice"))).await.expect(401);
    let good = world.token("alice");
    let other = world.token("bob");
    let (head, signature) = good.rsplit_once('.').expect("three parts");
    let claims_of_other = other.rsplit_once('.').expect("three parts").0;
    for broken in [format!("{claims_of_other}.{signature}"), head.to_owned(), format!("{good}x"), "x".repeat(20_000)] {
        with(&world, &broken).await.expect(401);
    }
}

#[tokio::test]
async fn two_identities_in_one_request_are_refused() {
    let world = World::new().await;
    let token = format!("Bearer {}", world.token("alice"));
    let twice = request("GET", "/v1/files").header("authorization", &token).header("authorization", &token);
    world.send(twice.body(axum::body::Body::empty()).expect("a request")).await.expect(401);
    let basic = request("GET", "/v1/files").header("authorization", "Basic YTpi");
    world.send(basic.body(axum::body::Body::empty()).expect("a request")).await.expect(401);
}

#[tokio::test]
async fn a_new_key_is_found_and_invented_ones_do_not_flood_the_issuer() {
    let world = World::new().await;
    with(&world, &world.token("alice")).await.expect(200);
    assert_eq!(world.issuer.fetches(), 1);
    let next = Key::new("key-2");
    for _ in 0..20 {
        with(&world, &next.sign(&world.claims("alice"))).await.expect(401);
    }
    assert_eq!(world.issuer.fetches(), 1, "it was asked a moment ago");
    world.issuer.add(&next);
    world.advance(SignedDuration::from_secs(10));
    with(&world, &next.sign(&world.claims("alice"))).await.expect(200);
    assert_eq!(world.issuer.fetches(), 2);
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_is_not_the_callers_mistake() {
    let world = World::new().await;
    world.issuer.give_keys(false);
    for _ in 0..2 {
        let answer = with(&world, &world.token("alice")).await.expect(503);
        assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("provider_error", "10"));
        assert!(answer.header("www-authenticate").is_empty());
    }
    assert_eq!(world.issuer.fetches(), 1, "the second did not ask again");
    world.issuer.give_keys(true);
    world.advance(SignedDuration::from_secs(10));
    with(&world, &world.token("alice")).await.expect(200);
}

#[tokio::test]
async fn keys_outlive_an_outage_of_the_issuer_for_a_day() {
    let world = World::new().await;
    with(&world, &world.token("alice")).await.expect(200);
    world.issuer.give_keys(false);
    world.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(20));
    with(&world, &world.token("alice")).await.expect(200);
    world.advance(SignedDuration::from_secs(20));
    assert_eq!(with(&world, &world.token("alice")).await.expect(503).code(), "provider_error");
    world.issuer.give_keys(true);
    world.advance(SignedDuration::from_secs(10));
    with(&world, &world.token("alice")).await.expect(200);
}

#[tokio::test]
async fn nobody_waits_while_known_keys_are_asked_for_again() {
    let world = World::new().await;
    with(&world, &world.token("alice")).await.expect(200);
    world.advance(SignedDuration::from_hours(1));
    let held = world.issuer.hold().await;
    let (alice, bob) = (world.token("alice"), world.token("bob"));
    let order = std::sync::Mutex::new(Vec::new());
    let asking = async {
        with(&world, &alice).await.expect(200);
        order.lock().expect("unpoisoned").push("alice");
    };
    let passing = async {
        with(&world, &bob).await.expect(200);
        order.lock().expect("unpoisoned").push("bob");
        drop(held);
    };
    tokio::join!(asking, passing);
    assert_eq!(*order.lock().expect("unpoisoned"), ["bob", "alice"]);
    assert_eq!(world.issuer.fetches(), 2);
}

#[tokio::test]
async fn users_of_the_same_name_at_two_issuers_are_two_users() {
    let other_key = Key::new("other");
    let other = Issuer::start(&other_key).await;
    let world = World::with(|config| {
        config["backend"]["console"]["issuer"] = config["backend"]["issuers"][0]["issuer"].clone();
        let issuers = config["backend"]["issuers"].as_array_mut().expect("issuers");
        issuers.push(json!({ "issuer": other.url(), "audience": "gatepass" }));
    })
    .await;
    let file = world.file("alice", "a.txt", "text/plain").await;
    let mut claims = world.claims("alice");
    claims["iss"] = other.url().into();
    let namesake = request("GET", &format!("/v1/files/{file}"))
        .header("authorization", format!("Bearer {}", other_key.sign(&claims)));
    world.send(namesake.body(axum::body::Body::empty()).expect("a request")).await.expect(404);
}

#[tokio::test]
async fn an_issuer_with_a_name_may_move() {
    let key = Key::new("key-1");
    let directory = tempfile::tempdir().expect("a directory");
    let mut file = None;
    for _ in 0..2 {
        let moved = Issuer::start(&key).await;
        let world = World::with(|config| {
            config["backend"]["database"] = format!("sqlite:{}", directory.path().join("rows.db").display()).into();
            config["backend"]["issuers"][0] = json!({ "issuer": moved.url(), "audience": "gatepass", "name": "staff" });
        })
        .await;
        let mut claims = world.claims("alice");
        claims["iss"] = moved.url().into();
        let alice = format!("Bearer {}", key.sign(&claims));
        let listed = async || {
            let request = request("GET", "/v1/files").header("authorization", &alice);
            world.send(request.body(axum::body::Body::empty()).expect("a request")).await.expect(200).json()
        };
        if let Some(file) = &file {
            assert_eq!(listed().await["data"][0]["id"], *file, "Alice still has it");
            continue;
        }
        let wanted = json!({ "collection": "files", "filename": "a", "size": 5, "content_type": "text/plain" });
        let send = async |method: &str, path: &str, body: String| {
            let request = request(method, path).header("authorization", &alice);
            let request = request.header("content-type", "application/json").body(axum::body::Body::from(body));
            world.send(request.expect("a request")).await
        };
        let upload = send("POST", "/v1/uploads", wanted.to_string()).await.expect(201).json();
        world.follow(&upload, "hello");
        let path = format!("/v1/uploads/{}/complete", upload["id"].as_str().expect("an id"));
        file = Some(send("POST", &path, String::new()).await.expect(200).json()["id"].clone());
    }
}
