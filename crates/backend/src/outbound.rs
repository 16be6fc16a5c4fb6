//! HTTP requests that the service makes: to stores and to issuers. Bounded in time and in what is read.

use std::{sync::OnceLock, time::Duration};

use bytes::Bytes;
use http::{Request, Response, Uri, uri::Scheme};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// The most that is read of an answer: discovery documents, keys, error documents. Objects are never read.
pub(crate) const MAX_ANSWER_BYTES: usize = 1 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client with kept-alive connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct HttpClient {
    plain: Client<HttpConnector, Full<Bytes>>,
    /// Made at the first use: reading the machine's certificates takes longer than the rest of the start.
    tls: std::sync::Arc<OnceLock<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>>,
}

/// The other side gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboundError {
    #[error("{host} did not answer within {seconds} seconds", seconds = limit.as_secs())]
    Timeout { host: String, limit: Duration },
    #[error("{host} cannot be reached")]
    Connection { host: String, source: hyper_util::client::legacy::Error },
    #[error("the certificates of this machine cannot be read")]
    Certificates(#[source] std::io::Error),
    #[error("the answer of {host} is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong { host: String },
    #[error("the answer of {host} breaks off")]
    Broken { host: String, source: Box<dyn std::error::Error + Send + Sync> },
}

impl HttpClient {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        Self { plain: Client::builder(TokioExecutor::new()).build(connector), tls: std::sync::Arc::default() }
    }

    /// Sends a request and reads the whole answer, both within `limit`.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Response<Bytes>, OutboundError> {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let answer = tokio::time::timeout(limit, self.exchange(request, &host)).await;
        answer.map_err(|_| OutboundError::Timeout { host, limit })?
    }

    /// GETs a document.
    pub(crate) async fn get(&self, uri: Uri, limit: Duration) -> Result<Response<Bytes>, OutboundError> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = uri;
        self.send(request, limit).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, host: &str) -> Result<Response<Bytes>, OutboundError> {
        let answer = if request.uri().scheme() == Some(&Scheme::HTTPS) {
            self.tls()?.request(request).await
        } else {
            self.plain.request(request).await
        };
        let answer = answer.map_err(|source| OutboundError::Connection { host: host.to_owned(), source })?;
        let (parts, body) = answer.into_parts();
        match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
            Ok(body) => Ok(Response::from_parts(parts, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(OutboundError::TooLong { host: host.to_owned() }),
            Err(source) => Err(OutboundError::Broken { host: host.to_owned(), source }),
        }
    }

    fn tls(&self) -> Result<&Client<HttpsConnector<HttpConnector>, Full<Bytes>>, OutboundError> {
        if let Some(client) = self.tls.get() {
            return Ok(client);
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(OutboundError::Certificates)?
            .https_only()
            .enable_http1()
            .wrap_connector(connector);
        Ok(self.tls.get_or_init(|| Client::builder(TokioExecutor::new()).build(connector)))
    }
}
