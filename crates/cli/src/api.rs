//! The backend's API as this program uses it, and the HTTP client beneath.

use std::{env, io};

use bytes::Bytes;
use gatepass_backend::Clock;
use gatepass_signing::encode;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body, Incoming};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use crate::{
    args::Connection,
    commands::dev_token,
    failure::{Explain as _, Failure, Result},
    state::State,
};

/// How many pages of a list are read in search of a name.
const MAX_PAGES: usize = 100;

type AnyBody = UnsyncBoxBody<Bytes, io::Error>;

/// An HTTP client.
#[derive(Clone)]
pub(crate) struct HttpClient {
    plain: Client<HttpConnector, AnyBody>,
}

impl HttpClient {
    pub(crate) fn new() -> Self {
        Self { plain: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends a request; the answer's body comes as it is read.
    pub(crate) async fn send<B>(&self, request: Request<B>) -> Result<Response<Incoming>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let request = request.map(|body| body.map_err(io::Error::other).boxed_unsync());
        let answer = if request.uri().scheme() == Some(&Scheme::HTTPS) {
            let connector = HttpsConnectorBuilder::new()
                .with_native_roots()
                .explain("the certificates of this machine cannot be read")?
                .https_only()
                .enable_http1()
                .build();
            Client::builder(TokioExecutor::new()).build(connector).request(request).await
        } else {
            self.plain.request(request).await
        };
        answer.explain(format!("{host} cannot be reached"))
    }

    /// Sends a small request and reads the small answer.
    pub(crate) async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        let answer = self.send(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await.explain("the answer broke off")?;
        Ok((status, body.to_bytes()))
    }
}

/// A backend, and somebody who may speak to it.
pub(crate) struct Api {
    pub(crate) http: HttpClient,
    base: String,
    authorization: HeaderValue,
}

impl Api {
    /// The backend that was named, or the running `gatepass dev`.
    pub(crate) fn connect(connection: &Connection) -> Result<Self> {
        let (base, token) = if let Some(server) = &connection.server {
            let token = env::var("GATEPASS_TOKEN").map_err(|_| {
                Failure::refused(format_args!("no token for {server}")).hint("put an access token into GATEPASS_TOKEN")
            })?;
            (server.trim_end_matches('/').to_owned(), token)
        } else {
            let state = State::running(&connection.data.path)?;
            let token = dev_token::make(&state, &connection.data.path, &connection.user, None)?;
            (state.backend, token)
        };
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.trim()))
            .map_err(|_| Failure::refused("GATEPASS_TOKEN holds no token"))?;
        authorization.set_sensitive(true);
        Ok(Self { http: HttpClient::new(), base, authorization })
    }

    /// GETs a document.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// POSTs a document, or nothing.
    pub(crate) async fn post(&self, path: &str, document: Option<&Value>) -> Result<Value> {
        self.call(Method::POST, path, document).await
    }

    /// Where a path leads, for the routes that redirect to a signed URL.
    pub(crate) async fn location(&self, path: &str) -> Result<Uri> {
        let request = self.request(Method::GET, path).body(Full::default()).explain("the request cannot be made")?;
        let answer = self.http.send(request).await?;
        if !answer.status().is_redirection() {
            let status = answer.status();
            let body = answer.into_body().collect().await.explain("the answer broke off")?.to_bytes();
            return Err(problem(status, &body));
        }
        let location = answer.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let location = location.and_then(|location| location.parse().ok());
        location.ok_or_else(|| Failure::refused("the backend redirects to nowhere"))
    }

    /// The file of an id, or the newest one of a name.
    pub(crate) async fn file(&self, id_or_name: &str) -> Result<Value> {
        if is_file_id(id_or_name) {
            return self.get(&format!("/v1/files/{id_or_name}")).await;
        }
        let mut newest: Option<Value> = None;
        let mut path = "/v1/files".to_owned();
        for _ in 0..MAX_PAGES {
            let page = self.get(&path).await?;
            let files = page["data"].as_array().cloned().unwrap_or_default();
            for file in files.into_iter().filter(|file| file["filename"] == id_or_name) {
                // Times in RFC 3339 and UTC sort as texts.
                let age = |file: &Value| file["created_at"].as_str().map(str::to_owned);
                if newest.as_ref().is_none_or(|newest| age(newest) < age(&file)) {
                    newest = Some(file);
                }
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/files?cursor={}", encoded(cursor)),
                None => break,
            }
        }
        newest.ok_or_else(|| {
            Failure::refused(format_args!("there is no file `{id_or_name}`"))
                .hint("names are taken as they were uploaded")
        })
    }

    async fn call(&self, method: Method, path: &str, document: Option<&Value>) -> Result<Value> {
        let mut request = self.request(method, path);
        let body = match document {
            Some(document) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(document.to_string())
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body)).explain("the request cannot be made")?;
        let (status, body) = self.http.exchange(request).await?;
        if !status.is_success() {
            return Err(problem(status, &body));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).explain("the backend's answer is no JSON")
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let uri = format!("{}{path}", self.base);
        Request::builder().method(method).uri(uri).header(header::AUTHORIZATION, &self.authorization)
    }
}

/// What a problem document (RFC 9457) says.
fn problem(status: StatusCode, body: &[u8]) -> Failure {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| document[name].as_str().filter(|text| !text.is_empty());
    let message = match (text("detail").or_else(|| text("title")), text("code")) {
        (Some(message), Some(code)) => format!("{message} ({code})"),
        (Some(message), None) => message.to_owned(),
        (None, _) => format!("the backend answered {status}"),
    };
    let failure = Failure::refused(message);
    text("hint").into_iter().fold(failure, Failure::hint)
}

/// Whether a text is made like the id of a file. Anything else is a name, `file_report.txt` too.
fn is_file_id(text: &str) -> bool {
    text.strip_prefix("file_").is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// A text as one segment of a path or one value of a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    encode::component(text, &mut out);
    out
}

/// The text of a member that must be there.
pub(crate) fn member<'v>(document: &'v Value, pointer: &str) -> Result<&'v str> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| Failure::refused(format_args!("the backend's answer has no {pointer}")))
}

/// The clock that a service takes, where a fixed time is wanted.
pub(crate) fn fixed(now: jiff::Timestamp) -> Clock {
    std::sync::Arc::new(move || now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_hexadecimal_digits_make_an_id() {
        assert!(is_file_id("file_0198b3c0d1e2f30405060708090a0b0c"));
        for name in [
            "file_report.txt",
            "file_",
            "file_0198b3c0d1e2f30405060708090a0b0",
            "file_0198b3c0d1e2f30405060708090a0b0c0",
            "file_0198B3C0D1E2F30405060708090A0B0C",
            "0198b3c0d1e2f30405060708090a0b0c",
        ] {
            assert!(!is_file_id(name), "{name}");
        }
    }

    #[test]
    fn what_enters_an_address_adds_nothing_to_it() {
        assert_eq!(encoded("a/b?c=d&e#f%2F ä"), "a%2Fb%3Fc%3Dd%26e%23f%252F%20%C3%A4");
    }
}
