//! The listener for operators: `/metrics`, `/healthz` and `/readyz`. It is never the listener of S3, where these would be
//! the names of buckets, and where whoever reaches the store would read them.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::metrics;
use crate::server::pause_after;
use crate::store::Store;

/// How many connections of operators are open at once.
pub const MAX_ADMIN_CONNECTIONS: usize = 32;
/// How long the head of their requests is at most.
const MAX_HEAD_BYTES: usize = 8 * 1024;

impl Store {
    /// Serves operators until `shutdown` is ready.
    pub async fn serve_admin(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(MAX_ADMIN_CONNECTIONS));
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &slots) => accepted,
            };
            while connections.try_join_next().is_some() {}
            let (stream, slot) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let store = Arc::clone(&self);
            connections.spawn(async move {
                let answer = service_fn(move |request: Request<Incoming>| {
                    let answer = store.clone().admin(request.method(), request.uri().path());
                    async move { Ok::<_, Infallible>(answer) }
                });
                let limits = crate::limits::Limits::default();
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(limits.header_read)
                    .max_buf_size(MAX_HEAD_BYTES)
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), answer);
                // Who does not take an answer that fits into the system's buffers has gone.
                let _ = tokio::time::timeout(limits.write_stall, connection).await;
                drop(slot);
            });
        }
        connections.shutdown().await;
    }

    fn admin(self: Arc<Self>, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if *method != Method::GET && *method != Method::HEAD {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n".to_owned());
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        match path {
            "/metrics" => text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics::exposition(&self)),
            "/healthz" => text(StatusCode::OK, "application/json", json!({ "status": "ok" }).to_string()),
            "/readyz" => self.readiness(),
            _ => text(StatusCode::NOT_FOUND, "text/plain", "/metrics, /healthz or /readyz\n".to_owned()),
        }
    }

    /// Whether requests can be served: the index answers, and there is room for uploads. A store that is not ready still
    /// does what it can: with a full disk it reads and deletes.
    fn readiness(&self) -> Response<Full<Bytes>> {
        let index = if self.index.snapshot().is_ok() { "ok" } else { "failed" };
        let disk = match self.space.free() {
            Ok(free) if free < self.space.reserve() => "full",
            Ok(_) => "ok",
            Err(_) => "unknown",
        };
        let is_ready = index == "ok" && disk != "full";
        let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let word = if is_ready { "ready" } else { "not ready" };
        text(status, "application/json", json!({ "status": word, "index": index, "disk": disk }).to_string())
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
