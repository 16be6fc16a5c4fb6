//! An issuer of a few lines: discovery, keys, and tokens with any claims.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::{Form, Json, Router, extract::State, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const AUDIENCE: &str = "gatepass";
pub(crate) const CLIENT_ID: &str = "gatepass-console";

/// A P-256 key pair with a name.
pub(crate) struct Key {
    pub(crate) id: String,
    pkcs8: Vec<u8>,
    pub(crate) public: Vec<u8>,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pkcs8 = pkcs8.expect("a key").as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).expect("a key pair");
        Self { id: id.to_owned(), public: pair.public_key().as_ref().to_vec(), pkcs8 }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::ES256) };
        self.sign_with(&header, claims)
    }

    pub(crate) fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_ec_der(&self.pkcs8)).expect("a token")
    }

    fn jwk(&self) -> Value {
        // An uncompressed point: 0x04, x, y.
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&self.public[range]);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": coordinate(1..33), "y": coordinate(33..65),
        })
    }
}

#[derive(Clone)]
pub(crate) struct Issuer(Arc<Inner>);

struct Inner {
    url: String,
    keys: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
    /// Whether keys are given; else the answer is 500.
    gives_keys: AtomicBool,
    /// An answer with keys waits for it.
    gate: tokio::sync::Mutex<()>,
    /// The ID token that the token endpoint gives, and the verifier it was asked with.
    id_token: Mutex<String>,
    exchanges: Mutex<Vec<Vec<(String, String)>>>,
}

impl Issuer {
    pub(crate) async fn start(key: &Key) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let issuer = Self(Arc::new(Inner {
            url,
            keys: Mutex::new(vec![json!({"kty": "future", "kid": "unknown-kind"}), key.jwk()]),
            fetches: AtomicUsize::new(0),
            gives_keys: AtomicBool::new(true),
            gate: tokio::sync::Mutex::default(),
            id_token: Mutex::default(),
            exchanges: Mutex::default(),
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/token", axum::routing::post(token))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    pub(crate) fn add(&self, key: &Key) {
        self.0.keys.lock().expect("unpoisoned").push(key.jwk());
    }

    pub(crate) fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn give_keys(&self, gives_keys: bool) {
        self.0.gives_keys.store(gives_keys, Ordering::SeqCst);
    }

    /// Keeps answers with keys back until the guard is dropped.
    pub(crate) async fn hold(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.gate.lock().await
    }

    pub(crate) fn give(&self, id_token: String) {
        *self.0.id_token.lock().expect("unpoisoned") = id_token;
    }

    pub(crate) fn exchanges(&self) -> Vec<Vec<(String, String)>> {
        self.0.exchanges.lock().expect("unpoisoned").clone()
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Json<Value> {
    let url = issuer.url();
    Json(json!({
        "issuer": url,
        "jwks_uri": format!("{url}/jwks"),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
    }))
}

async fn keys(State(issuer): State<Issuer>) -> Result<Json<Value>, StatusCode> {
    issuer.0.fetches.fetch_add(1, Ordering::SeqCst);
    let _gate = issuer.0.gate.lock().await;
    if !issuer.0.gives_keys.load(Ordering::SeqCst) {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok(Json(json!({ "keys": *issuer.0.keys.lock().expect("unpoisoned") })))
}

async fn token(State(issuer): State<Issuer>, Form(form): Form<Vec<(String, String)>>) -> Json<Value> {
    issuer.0.exchanges.lock().expect("unpoisoned").push(form);
    let id_token = issuer.0.id_token.lock().expect("unpoisoned").clone();
    Json(json!({ "id_token": id_token, "token_type": "Bearer" }))
}
