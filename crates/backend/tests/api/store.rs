//! A store of a few lines: objects in a map, and mistakes on demand. It checks no signatures; the whole-stack tests have one
//! that does.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;

/// What goes wrong, once each, in the order they were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A copy answers 500 and copies nothing.
    CopyFails,
    /// A copy answers 200 with an error in it, as S3 may.
    CopyFailsLate,
    /// A copy copies, and the answer is lost.
    CopyAnswerLost,
    /// Somebody overwrites the staged object between HEAD and copy.
    ChangedBeforeCopy,
    /// A DELETE answers 500.
    DeleteFails,
}

#[derive(Clone, Default)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Object {
    fn etag(&self) -> String {
        let sum = self.body.iter().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        format!("{sum:032x}")
    }
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Object>,
    faults: VecDeque<Fault>,
}

#[derive(Clone, Default)]
pub(crate) struct FakeStore(Arc<Mutex<Inner>>);

impl FakeStore {
    pub(crate) async fn start() -> (Self, String) {
        let store = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(handle).with_state(store.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (store, format!("http://{address}"))
    }

    pub(crate) fn fail(&self, fault: Fault) {
        self.0.lock().expect("unpoisoned").faults.push_back(fault);
    }

    /// Puts an object as a client with these signed headers would.
    pub(crate) fn put(&self, key: &str, body: &str, headers: &[(&str, &str)]) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let object = Object { body: Bytes::copy_from_slice(body.as_bytes()), headers };
        self.0.lock().expect("unpoisoned").objects.insert(key.to_owned(), object);
    }

    pub(crate) fn object(&self, key: &str) -> Option<Object> {
        self.0.lock().expect("unpoisoned").objects.get(key).cloned()
    }

    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let inner = self.0.lock().expect("unpoisoned");
        inner.objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    fn takes(&self, fault: Fault) -> bool {
        let mut inner = self.0.lock().expect("unpoisoned");
        let is_next = inner.faults.front() == Some(&fault);
        if is_next {
            inner.faults.pop_front();
        }
        is_next
    }
}

async fn handle(State(store): State<FakeStore>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let path = parts.uri.path().trim_start_matches('/');
    let Some((_bucket, key)) = path.split_once('/') else {
        return StatusCode::OK.into_response();
    };
    match parts.method {
        Method::PUT if parts.headers.contains_key("x-amz-copy-source") => copy(&store, key, &parts.headers),
        Method::PUT => {
            let headers = kept(&parts.headers);
            store.0.lock().expect("unpoisoned").objects.insert(key.to_owned(), Object { body, headers });
            StatusCode::OK.into_response()
        }
        Method::DELETE if store.takes(Fault::DeleteFails) => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        Method::DELETE => {
            store.0.lock().expect("unpoisoned").objects.remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => match store.object(key) {
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
            Some(object) => {
                let mut response = Response::builder().header("etag", format!("\"{}\"", object.etag()));
                for (name, value) in &object.headers {
                    response = response.header(name, value);
                }
                response.body(object.body.into()).expect("an answer")
            }
        },
    }
}

fn copy(store: &FakeStore, to: &str, headers: &HeaderMap) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let source = text("x-amz-copy-source");
    let from = source.trim_start_matches('/').split_once('/').expect("bucket and key").1;
    if store.takes(Fault::CopyFails) {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
    }
    if store.takes(Fault::CopyFailsLate) {
        return error(StatusCode::OK, "InternalError");
    }
    if store.takes(Fault::ChangedBeforeCopy) {
        let mut inner = store.0.lock().expect("unpoisoned");
        let object = inner.objects.get_mut(from).expect("the source");
        object.body = Bytes::from(object.body.iter().rev().copied().collect::<Vec<_>>());
    }
    let lost = store.takes(Fault::CopyAnswerLost);
    let Some(object) = store.object(from) else {
        return error(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    if text("x-amz-copy-source-if-match").trim_matches('"') != object.etag() {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let etag = object.etag();
    let copy = Object { body: object.body, headers: kept(headers) };
    store.0.lock().expect("unpoisoned").objects.insert(to.to_owned(), copy);
    if lost {
        return error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable");
    }
    format!("<CopyObjectResult><ETag>&quot;{etag}&quot;</ETag></CopyObjectResult>").into_response()
}

fn kept(headers: &HeaderMap) -> BTreeMap<String, String> {
    let keeps = |name: &str| {
        name.starts_with("x-amz-meta-")
            || name.starts_with("x-amz-checksum-")
            || matches!(name, "content-type" | "content-disposition")
    };
    headers
        .iter()
        .filter(|(name, _)| keeps(name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect()
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>")).into_response()
}
