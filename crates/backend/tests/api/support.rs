//! The service under test, and questions to it.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body};
use gatepass_backend::{Backend, Config};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    issuer::{AUDIENCE, CLIENT_ID, Issuer, Key},
    store::FakeStore,
};

pub(crate) const HOST: &str = "files.example.test";
pub(crate) const ORIGIN: &str = "http://files.example.test";

/// The service with its surroundings.
pub(crate) struct World {
    pub(crate) backend: Backend,
    pub(crate) router: Router,
    pub(crate) store: FakeStore,
    pub(crate) issuer: Issuer,
    pub(crate) key: Key,
    pub(crate) directory: tempfile::TempDir,
    clock: Arc<Mutex<Timestamp>>,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// The code of a problem; panics where the answer is none.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        problem["code"].as_str().expect("a code").to_owned()
    }

    /// Panics with the answer where the status is another one.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{} {:?}", self.body, self.headers);
        self
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(edit: impl FnOnce(&mut Value)) -> Self {
        let (store, endpoint) = FakeStore::start().await;
        let key = Key::new("key-1");
        let issuer = Issuer::start(&key).await;
        let directory = tempfile::tempdir().expect("a directory");
        let secret = directory.path().join("secret");
        std::fs::write(&secret, "very-secret-key").expect("written");
        let mut config = json!({
            "backend": {
                "public_url": ORIGIN,
                "database": format!("sqlite:{}", directory.path().join("rows.db").display()),
                "issuers": [{ "issuer": issuer.url(), "audience": AUDIENCE }],
                "console": { "client_id": CLIENT_ID },
            },
            "stores": { "main": {
                "endpoint": endpoint,
                "public_endpoint": "https://s3.example.test",
                "region": "eu-central-1",
                "addressing": "path",
                "credentials": { "access_key_id": "AKIDEXAMPLE", "secret": { "file": secret } },
            } },
            "collections": {
                "files": { "store": "main", "bucket": "app-files" },
                "pictures": {
                    "store": "main", "bucket": "app-files", "prefix": "pictures/",
                    "upload": { "max_size": 1000, "content_types": ["image/*"] },
                },
            },
        });
        edit(&mut config);
        let config: Config = serde_json::from_value(config).expect("a configuration");
        let clock = Arc::new(Mutex::new("2026-11-01T12:00:00Z".parse().expect("a time")));
        let now = {
            let clock = Arc::clone(&clock);
            Arc::new(move || *clock.lock().expect("unpoisoned"))
        };
        let backend = Backend::open(config, now).await.expect("the service opens");
        Self { router: backend.router(), backend, store, issuer, key, directory, clock }
    }

    pub(crate) fn now(&self) -> Timestamp {
        *self.clock.lock().expect("unpoisoned")
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        *self.clock.lock().expect("unpoisoned") += by;
    }

    /// The claims of a good access token.
    pub(crate) fn claims(&self, subject: &str) -> Value {
        let now = self.now().as_second();
        json!({
            "iss": self.issuer.url(), "aud": AUDIENCE, "sub": subject, "org": "demo", "groups": [],
            "iat": now, "nbf": now, "exp": now + 3600,
        })
    }

    pub(crate) fn token(&self, subject: &str) -> String {
        self.key.sign(&self.claims(subject))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request without credentials.
    pub(crate) async fn anonymous(&self, method: &str, path: &str) -> Answer {
        self.send(request(method, path).body(Body::empty()).expect("a request")).await
    }

    /// A request of a user.
    pub(crate) async fn call(&self, user: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_with(user, method, path, body, &[]).await
    }

    pub(crate) async fn call_with(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = request(method, path).header("authorization", format!("Bearer {}", self.token(user)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.expect("a request")).await
    }

    /// A pending upload of five bytes.
    pub(crate) async fn upload(&self, user: &str, filename: &str, content_type: &str) -> Value {
        let body = json!({ "collection": "files", "filename": filename, "size": 5, "content_type": content_type });
        self.call(user, "POST", "/v1/uploads", Some(body)).await.expect(201).json()
    }

    /// Does what the instructions of an upload say.
    pub(crate) fn follow(&self, upload: &Value, body: &str) {
        let instructions = &upload["instructions"];
        let headers = instructions["headers"].as_object().expect("headers");
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
        let kept: Vec<_> = headers.into_iter().filter(|(name, _)| *name != "content-length").collect();
        self.store.put(&staging_key(upload), body, &kept);
    }

    pub(crate) async fn complete(&self, user: &str, upload: &Value) -> Answer {
        let path = format!("/v1/uploads/{}/complete", text(&upload["id"]));
        self.call(user, "POST", &path, None).await
    }

    /// A file of five bytes.
    pub(crate) async fn file(&self, user: &str, filename: &str, content_type: &str) -> String {
        let upload = self.upload(user, filename, content_type).await;
        self.follow(&upload, "hello");
        let done = self.complete(user, &upload).await.expect(200).json();
        text(&done["id"]).to_owned()
    }

    /// A link to a file, and the path that opens it.
    pub(crate) async fn link(&self, user: &str, file: &str, options: Value) -> (Value, String) {
        let mut body = options;
        body["file_id"] = file.into();
        let link = self.call(user, "POST", "/v1/links", Some(body)).await.expect(201).json();
        let path = text(&link["url"]).strip_prefix(ORIGIN).expect("an address of this site").to_owned();
        (link, path)
    }
}

pub(crate) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("host", HOST)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The key in the URL of an upload.
pub(crate) fn staging_key(upload: &Value) -> String {
    let url = text(&upload["instructions"]["url"]);
    let (_, path) = url.split_once("/app-files/").expect("the bucket is in the path");
    path.split_once('?').expect("a signature").0.to_owned()
}
