//! What one line says.

use std::net::IpAddr;
use std::time::Duration;

use gatepass_authority::ROOT_ACCOUNT;
use gatepass_protocol::s3::operation::Target;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, HOST, REFERER, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use jiff::Timestamp;

use super::redact;
use crate::answer::Answer;
use crate::arrival::{Arrival, Framing, number};
use crate::peer::{Peer, Transport};
use crate::request_id::RequestId;

/// One request and its answer, in the words of "Amazon S3 server access log format" (Amazon S3 User Guide).
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(super) time: Timestamp,
    pub(super) bucket: Option<String>,
    pub(super) remote_ip: IpAddr,
    pub(super) requester: Option<String>,
    pub(super) request_id: String,
    pub(super) operation: String,
    pub(super) key: Option<String>,
    /// Method, target without secrets, version.
    pub(super) request_uri: String,
    pub(super) status: u16,
    pub(super) error: Option<&'static str>,
    pub(super) bytes_sent: u64,
    pub(super) object_size: Option<u64>,
    pub(super) total: Duration,
    pub(super) turn_around: Duration,
    pub(super) referer: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) host_id: String,
    pub(super) signature_version: Option<&'static str>,
    pub(super) cipher_suite: Option<&'static str>,
    pub(super) authentication_type: Option<&'static str>,
    pub(super) host: Option<String>,
    pub(super) tls_version: Option<&'static str>,
    method: Method,
    received: Option<u64>,
}

impl Entry {
    /// What the head of a request says, well-formed or not.
    pub(crate) fn begin(parts: &Parts, peer: Peer, id: &RequestId, now: Timestamp) -> Box<Self> {
        let target = parts.uri.path_and_query().map_or("*", |target| target.as_str());
        let (signature_version, authentication_type) = mechanism(&parts.headers, target);
        let (tls_version, cipher_suite) = match peer.transport {
            Transport::Plain => (None, None),
            Transport::Tls { version, cipher_suite } => (Some(version), Some(cipher_suite)),
        };
        let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned());
        Box::new(Self {
            time: now,
            bucket: None,
            remote_ip: peer.ip(),
            requester: None,
            request_id: id.request_id().to_owned(),
            operation: String::new(),
            key: None,
            request_uri: format!("{} {} {:?}", parts.method, redact::url(target), parts.version),
            status: 0,
            error: None,
            bytes_sent: 0,
            object_size: None,
            total: Duration::ZERO,
            turn_around: Duration::ZERO,
            referer: text(&parts.headers, &REFERER).map(|referer| redact::url(&referer)),
            user_agent: text(&parts.headers, &USER_AGENT),
            version_id: None,
            host_id: id.host_id().to_owned(),
            signature_version,
            cipher_suite,
            authentication_type,
            host: text(&parts.headers, &HOST).or(authority),
            tls_version,
            method: parts.method.clone(),
            received: None,
        })
    }

    /// What a well-formed request is for.
    pub(crate) fn arrived(&mut self, arrival: &Arrival) {
        if let Ok(target) = Target::from_path(arrival.host_bucket.clone(), arrival.raw_path()) {
            self.bucket = target.bucket().map(|bucket| bucket.as_str().to_owned());
            if let Target::Object(_, key) = &target {
                self.key = Some(key.as_str().to_owned());
            }
        }
        self.received = match (arrival.header("x-amz-decoded-content-length").and_then(number), arrival.framing) {
            (Some(decoded), _) => Some(decoded),
            (None, Framing::Length(length)) => Some(length),
            (None, Framing::None | Framing::Chunked) => None,
        };
    }

    /// What was answered, before any of it has left.
    pub(crate) fn answered(
        &mut self,
        answer: &Answer,
        operation: Option<&'static str>,
        is_authenticated: bool,
        error: Option<&'static str>,
        turn_around: Duration,
    ) {
        if operation == Some("PostObject") {
            self.authentication_type = is_authenticated.then_some("POST");
            self.signature_version = None;
        }
        self.operation = rest_operation(&self.method, operation, self.bucket.is_some(), self.key.is_some());
        // There is one account.
        self.requester = is_authenticated.then(|| ROOT_ACCOUNT.canonical_user_id());
        self.status = answer.status.as_u16();
        self.error = error;
        self.turn_around = turn_around;
        self.version_id = text(&answer.headers, &HeaderName::from_static("x-amz-version-id"));
        self.object_size = match operation {
            Some("GetObject" | "HeadObject") if answer.status.is_success() => size_of_object(&answer.headers),
            Some("PutObject" | "UploadPart") if answer.status.is_success() => self.received,
            _ => None,
        };
    }

    /// The end of the exchange.
    pub(crate) fn end(&mut self, total: Duration, bytes_sent: u64) {
        self.total = total;
        self.bytes_sent = bytes_sent;
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The size of the whole object, also where a range of it is sent.
fn size_of_object(headers: &HeaderMap) -> Option<u64> {
    let whole =
        text(headers, &CONTENT_RANGE).and_then(|range| range.rsplit_once('/').and_then(|(_, size)| number(size)));
    whole.or_else(|| text(headers, &CONTENT_LENGTH).and_then(|length| number(&length)))
}

/// How the request claims to be signed.
fn mechanism(headers: &HeaderMap, target: &str) -> (Option<&'static str>, Option<&'static str>) {
    if let Some(authorization) = headers.get(AUTHORIZATION) {
        let version = match authorization.as_bytes() {
            bytes if bytes.starts_with(b"AWS4-") => Some("SigV4"),
            bytes if bytes.starts_with(b"AWS ") => Some("SigV2"),
            _ => None,
        };
        return (version, Some("AuthHeader"));
    }
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    match (has("X-Amz-Signature"), has("Signature")) {
        (true, _) => (Some("SigV4"), Some("QueryString")),
        (false, true) => (Some("SigV2"), Some("QueryString")),
        (false, false) => (None, None),
    }
}

/// `REST.PUT.OBJECT`: the method, and what it is done to. Sub-resources have names of their own.
fn rest_operation(method: &Method, operation: Option<&'static str>, has_bucket: bool, has_key: bool) -> String {
    let resource = match operation {
        Some("CopyObject") => return "REST.COPY.OBJECT".to_owned(),
        Some("UploadPartCopy") => return "REST.COPY.PART".to_owned(),
        Some("DeleteObjects") => "MULTI_OBJECT_DELETE",
        Some("CreateMultipartUpload" | "ListMultipartUploads") => "UPLOADS",
        Some("CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts") => "UPLOAD",
        Some("UploadPart") => "PART",
        Some("Preflight") => "PREFLIGHT",
        Some("PostObject") => "OBJECT",
        Some("ListObjectVersions") => "BUCKETVERSIONS",
        Some("GetBucketLocation") => "LOCATION",
        Some("GetObjectTagging" | "PutObjectTagging" | "DeleteObjectTagging") => "OBJECT_TAGGING",
        Some("GetBucketTagging" | "PutBucketTagging" | "DeleteBucketTagging") => "TAGGING",
        Some("GetBucketPolicy" | "PutBucketPolicy" | "DeleteBucketPolicy") => "BUCKETPOLICY",
        Some("GetBucketPolicyStatus") => "BUCKETPOLICYSTATUS",
        Some("GetBucketVersioning" | "PutBucketVersioning") => "VERSIONING",
        Some("GetBucketCors" | "PutBucketCors" | "DeleteBucketCors") => "CORS",
        Some("GetBucketAcl" | "PutBucketAcl" | "GetObjectAcl" | "PutObjectAcl") => "ACL",
        Some("GetObjectAttributes") => "OBJECT_ATTRIBUTES",
        Some("GetBucketLifecycleConfiguration" | "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle") => {
            "LIFECYCLE"
        }
        Some("GetPublicAccessBlock" | "PutPublicAccessBlock" | "DeletePublicAccessBlock") => "PUBLIC_ACCESS_BLOCK",
        Some("GetBucketOwnershipControls" | "PutBucketOwnershipControls" | "DeleteBucketOwnershipControls") => {
            "OWNERSHIP_CONTROLS"
        }
        Some("GetBucketRequestPayment" | "PutBucketRequestPayment") => "REQUEST_PAYMENT",
        _ if has_key => "OBJECT",
        _ if has_bucket => "BUCKET",
        _ => "SERVICE",
    };
    format!("REST.{method}.{resource}")
}

#[cfg(test)]
impl Entry {
    /// The first example of the page, as far as it fits a store without owners.
    pub(super) fn example() -> Self {
        let request = http::Request::get("/amzn-s3-demo-bucket1/photos/a%20b.jpg?versioning&X-Amz-Signature=abc")
            .header("host", "amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com")
            .header("user-agent", "S3Console/0.4")
            .header("referer", "https://page.test/?Signature=secret");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let now = "2019-02-06T00:00:38Z".parse().unwrap();
        let transport = Transport::Tls { version: "TLSv1.2", cipher_suite: "ECDHE-RSA-AES128-GCM-SHA256" };
        let peer = Peer { address: ([192, 0, 2, 3], 4000).into(), transport };
        let mut entry = *Self::begin(&parts, peer, &RequestId::random(), now);
        entry.request_id = "3E57427F3EXAMPLE".to_owned();
        entry.host_id = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=".to_owned();
        entry.bucket = Some("amzn-s3-demo-bucket1".to_owned());
        entry.key = Some("photos/a b.jpg".to_owned());
        let answer = Answer::empty(http::StatusCode::OK).with("content-length", "113").with("x-amz-version-id", "v1");
        entry.answered(&answer, Some("GetObject"), true, None, Duration::from_millis(6));
        entry.end(Duration::from_millis(7), 113);
        entry
    }

    /// An entry whose text fields hold this.
    pub(super) fn hostile(text: &str) -> Self {
        let hostile = || Some(text.to_owned());
        Self {
            bucket: hostile(),
            key: hostile(),
            request_uri: text.to_owned(),
            referer: hostile(),
            user_agent: hostile(),
            version_id: hostile(),
            host: hostile(),
            ..Self::example()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_the_names_of_the_log() {
        let name = |method: Method, operation, bucket, key| rest_operation(&method, operation, bucket, key);
        for (method, operation, bucket, key, expected) in [
            (Method::GET, Some("GetObject"), true, true, "REST.GET.OBJECT"),
            (Method::HEAD, Some("HeadObject"), true, true, "REST.HEAD.OBJECT"),
            (Method::GET, Some("ListObjectsV2"), true, false, "REST.GET.BUCKET"),
            (Method::GET, Some("ListBuckets"), false, false, "REST.GET.SERVICE"),
            (Method::POST, Some("DeleteObjects"), true, false, "REST.POST.MULTI_OBJECT_DELETE"),
            (Method::PUT, Some("UploadPart"), true, true, "REST.PUT.PART"),
            (Method::PUT, Some("CopyObject"), true, true, "REST.COPY.OBJECT"),
            (Method::POST, Some("CreateMultipartUpload"), true, true, "REST.POST.UPLOADS"),
            (Method::OPTIONS, Some("Preflight"), true, true, "REST.OPTIONS.PREFLIGHT"),
            (Method::POST, Some("PostObject"), true, false, "REST.POST.OBJECT"),
            (Method::GET, None, true, true, "REST.GET.OBJECT"),
        ] {
            assert_eq!(name(method, operation, bucket, key), expected);
        }
    }
}
