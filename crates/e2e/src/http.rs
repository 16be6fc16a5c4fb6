//! A plain HTTP client that sends what it is told, follows nothing and keeps whole answers in memory.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// No answer of a living server takes longer, the completion of a large upload included.
const PATIENCE: Duration = Duration::from_mins(10);

/// One client with its connections.
#[derive(Clone)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

impl Default for Http {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Http {
    /// Sends one request and reads the whole answer.
    pub async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let method_takes_body = method == Method::PUT || method == Method::POST;
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let body = body.into();
        if body.is_empty() && method_takes_body {
            // hyper leaves it out for an empty body, and S3 demands it.
            request = request.header(CONTENT_LENGTH, 0);
        }
        let request = request.body(Full::new(body)).context("not a request")?;
        tokio::time::timeout(PATIENCE, self.exchange(request)).await.context("no answer in time")?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let (head, body) = self.0.request(request).await.context("no answer")?.into_parts();
        let body = body.collect().await.context("the answer broke off")?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// GET without any header.
    pub async fn get(&self, url: &str) -> Result<Answer> {
        self.send(Method::GET, url, &[], Bytes::new()).await
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, or nothing where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer itself where it has this status; otherwise a panic that shows what came instead.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often only the status is of interest")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}
