//! What goes back: status, headers, body.

use gatepass_protocol::s3::date::http_date;
use gatepass_protocol::s3::error::S3Error;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use jiff::Timestamp;

use crate::body::ResponseBody;
use crate::index::ObjectRecord;
use crate::request_id::RequestId;

static X_AMZ_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
static X_AMZ_ID_2: HeaderName = HeaderName::from_static("x-amz-id-2");

/// An answer before the headers that every answer has.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ResponseBody,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: ResponseBody::empty() }
    }

    /// 200 with an XML document.
    pub(crate) fn xml(document: String) -> Self {
        let answer = Self { body: document.into(), ..Self::empty(StatusCode::OK) };
        answer.with("content-type", "application/xml")
    }

    /// 200 with a JSON document.
    pub(crate) fn json(document: String) -> Self {
        let answer = Self { body: document.into(), ..Self::empty(StatusCode::OK) };
        answer.with("content-type", "application/json")
    }

    /// An error document. The answer to HEAD has none.
    pub(crate) fn error(error: &S3Error, id: &RequestId) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let document = error.to_xml(id.request_id(), id.host_id());
        let mut answer = Self { status, ..Self::xml(document) };
        for (name, value) in error.headers() {
            answer.add(name, value.as_bytes());
        }
        answer
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.add(name, value.as_ref());
        self
    }

    /// Says which version of an object this is about, where its bucket kept versions when it was written.
    #[must_use]
    pub(crate) fn versioned(self, record: &ObjectRecord) -> Self {
        match record.version {
            Some(version) => self.with("x-amz-version-id", version.id().to_string()),
            None => self,
        }
    }

    /// Adds a header. Stored values were legal when they came in; one that is not is left out rather
    /// than sent.
    pub(crate) fn add(&mut self, name: &str, value: &[u8]) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
            self.headers.append(name, value);
        }
    }

    /// The response to a request, with the headers that every answer has.
    pub(crate) fn into_response(
        self,
        method: &Method,
        id: &RequestId,
        now: Timestamp,
        connection: Connection,
    ) -> Response<ResponseBody> {
        let Self { status, mut headers, body } = self;
        let mut always = |name: HeaderName, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).expect("made of visible ASCII here"));
        };
        always(X_AMZ_REQUEST_ID.clone(), id.request_id());
        always(X_AMZ_ID_2.clone(), id.host_id());
        always(DATE, &http_date(now));
        always(SERVER, "gatepass");
        if connection == Connection::Close {
            always(CONNECTION, "close");
        }
        let is_bodiless = status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
        let body = if *method == Method::HEAD || is_bodiless {
            // A HEAD of an object tells the length that a GET would have; of an error, nothing.
            if status.is_redirection() || status.is_client_error() || status.is_server_error() || is_bodiless {
                headers.remove(CONTENT_TYPE);
                headers.remove(CONTENT_LENGTH);
            }
            ResponseBody::empty()
        } else {
            body
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// What becomes of the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    KeepAlive,
    Close,
}
