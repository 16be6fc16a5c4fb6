//! One store.

use std::time::Duration;

use bytes::Bytes;
use gatepass_signing::{
    address::{Address, AddressingStyle, Endpoint},
    disposition::ContentDisposition,
    encode,
    signed_url::SignedUrl,
    sigv4::{
        KeyCache, Region,
        presign::{Method, Presign, ResponseOverride},
    },
    time::Lifetime,
};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::{
    credentials::KeySource,
    wire::{self, StoreError},
};
use crate::{
    config::{Store, StoreName},
    model::checksum::Checksum,
    outbound::HttpClient,
};

/// How long a store may take to answer anything but a copy.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long a store may take to copy 5 GiB, while it keeps the connection alive.
pub(crate) const COPY_LIMIT: Duration = Duration::from_mins(30);

/// Where uploads carry the proof that they came through our URL.
pub(crate) const PROOF_HEADER: &str = "x-amz-meta-upload";

/// A store that the backend signs for and speaks to.
pub(crate) struct StoreClient {
    pub(super) name: String,
    pub(super) endpoint: Endpoint,
    pub(super) public_endpoint: Endpoint,
    pub(super) style: AddressingStyle,
    pub(super) region: Region,
    keys: KeySource,
    pub(super) signing_keys: KeyCache,
    pub(super) http: HttpClient,
}

/// A URL that is wanted for a client.
#[derive(Debug, Clone)]
pub(crate) struct UrlRequest<'a> {
    pub(crate) method: Method,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) lifetime: Lifetime,
    /// Headers that the client must send exactly so.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// How the answer is to be named and shown.
    pub(crate) disposition: Option<ContentDisposition>,
}

/// What a store says about an object.
#[derive(Debug)]
pub(crate) struct ObjectHead {
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    headers: HeaderMap,
}

/// From a staging key to a final one.
#[derive(Debug)]
pub(crate) struct Promotion<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) from: &'a str,
    /// The copy happens only if the object is still this one.
    pub(crate) etag: &'a str,
    pub(crate) to: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) disposition: &'a ContentDisposition,
}

impl ObjectHead {
    /// The proof of the upload that the object carries.
    pub(crate) fn proof(&self) -> Option<&str> {
        self.headers.get(PROOF_HEADER)?.to_str().ok()
    }

    /// The checksum of this algorithm, if the store knows it.
    pub(crate) fn checksum(&self, wanted: &Checksum) -> Option<&str> {
        self.headers.get(wanted.algorithm().header())?.to_str().ok()
    }
}

impl StoreClient {
    pub(super) fn open(name: &StoreName, store: &Store, http: HttpClient) -> Result<Self, StoreError> {
        let region = Region::new(store.region.as_str()).expect("the configuration checked the region's characters");
        Ok(Self {
            name: name.as_str().to_owned(),
            endpoint: store.endpoint.clone(),
            public_endpoint: store.public_endpoint.clone(),
            style: store.style,
            region,
            keys: KeySource::open(&store.credentials, &store.region)?,
            signing_keys: KeyCache::new(),
            http,
        })
    }

    /// Signs a URL for whoever will use it at the public endpoint.
    pub(crate) async fn sign_url(&self, request: UrlRequest<'_>, now: Timestamp) -> Result<SignedUrl, StoreError> {
        let keys = self.keys.keys(request.lifetime.duration(), now).await?;
        let address = Address::object(&self.public_endpoint, self.style, request.bucket, request.key)?;
        let mut presign = Presign::new(&keys, self.region.clone(), address, request.method).expires(request.lifetime);
        for (name, value) in &request.headers {
            presign = presign.header(name, value)?;
        }
        if let Some(disposition) = &request.disposition {
            presign = presign.response(ResponseOverride::ContentDisposition, disposition.as_str())?;
        }
        Ok(presign.sign(&self.signing_keys, now)?)
    }

    /// What the store has under a key; `None`: nothing.
    pub(crate) async fn head(&self, bucket: &str, key: &str, now: Timestamp) -> Result<Option<ObjectHead>, StoreError> {
        let headers = [("x-amz-checksum-mode", "ENABLED".to_owned())];
        let answer =
            self.call("HEAD", self.object(bucket, key)?, "", &headers, Bytes::new(), ANSWER_LIMIT, now).await?;
        match answer.status() {
            StatusCode::OK => wire::object_head(answer.headers()).map(Some),
            // An answer to HEAD has no error document, so the status is all there is.
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(StoreError::refused("HeadObject", status, answer.body())),
        }
    }

    /// Copies an object inside the bucket and gives the copy's entity tag; `None`: it is no longer the one expected.
    pub(crate) async fn promote(&self, copy: &Promotion<'_>, now: Timestamp) -> Result<Option<String>, StoreError> {
        let mut source = format!("/{}/", copy.bucket);
        encode::path(copy.from, &mut source);
        let headers = [
            ("x-amz-copy-source", source),
            ("x-amz-copy-source-if-match", format!("\"{}\"", copy.etag)),
            ("x-amz-metadata-directive", "REPLACE".to_owned()),
            ("content-type", copy.content_type.to_owned()),
            ("content-disposition", copy.disposition.as_str().to_owned()),
        ];
        let address = self.object(copy.bucket, copy.to)?;
        let answer = self.call("PUT", address, "", &headers, Bytes::new(), COPY_LIMIT, now).await?;
        match answer.status() {
            // S3 sends 200 before it has copied, so the body may still be an error ("CopyObject", API reference).
            StatusCode::OK => wire::copied_etag(answer.body()).map(Some),
            StatusCode::PRECONDITION_FAILED | StatusCode::NOT_FOUND => Ok(None),
            status => Err(StoreError::refused("CopyObject", status, answer.body())),
        }
    }

    /// Deletes an object; one that is not there counts as deleted.
    pub(crate) async fn delete(&self, bucket: &str, key: &str, now: Timestamp) -> Result<(), StoreError> {
        let address = self.object(bucket, key)?;
        let answer = self.call("DELETE", address, "", &[], Bytes::new(), ANSWER_LIMIT, now).await?;
        match answer.status() {
            StatusCode::NO_CONTENT | StatusCode::OK | StatusCode::NOT_FOUND => Ok(()),
            status => Err(StoreError::refused("DeleteObject", status, answer.body())),
        }
    }

    /// Whether the bucket is there and the keys may use it.
    pub(crate) async fn head_bucket(&self, bucket: &str, now: Timestamp) -> Result<StatusCode, StoreError> {
        let answer = self.call("HEAD", self.bucket(bucket)?, "", &[], Bytes::new(), ANSWER_LIMIT, now).await?;
        Ok(answer.status())
    }

    pub(super) async fn ensure_bucket(&self, bucket: &str, now: Timestamp) -> Result<(), StoreError> {
        if self.head_bucket(bucket, now).await? == StatusCode::OK {
            return Ok(());
        }
        let body = wire::bucket_configuration(&self.region);
        let answer = self.call("PUT", self.bucket(bucket)?, "", &[], body, ANSWER_LIMIT, now).await?;
        match answer.status() {
            StatusCode::OK => Ok(()),
            StatusCode::CONFLICT if wire::error_code(answer.body()) == Some("BucketAlreadyOwnedByYou") => Ok(()),
            status => Err(StoreError::refused("CreateBucket", status, answer.body())),
        }
    }

    pub(super) async fn put_cors(&self, bucket: &str, origin: &str, now: Timestamp) -> Result<(), StoreError> {
        let body = wire::cors_configuration(origin);
        let digest = wire::sha256_checksum(&body);
        let headers = [("x-amz-checksum-sha256", digest), ("content-type", "application/xml".to_owned())];
        let answer = self.call("PUT", self.bucket(bucket)?, "cors=", &headers, body, ANSWER_LIMIT, now).await?;
        match answer.status() {
            StatusCode::OK => Ok(()),
            status => Err(StoreError::refused("PutBucketCors", status, answer.body())),
        }
    }

    /// Keys for a request of our own, which is sent at once.
    pub(super) async fn own_keys(
        &self,
        now: Timestamp,
    ) -> Result<gatepass_signing::credentials::Credentials, StoreError> {
        Ok(self.keys.keys(SignedDuration::ZERO, now).await?)
    }

    /// What the configuration calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn object(&self, bucket: &str, key: &str) -> Result<Address, StoreError> {
        Ok(Address::object(&self.endpoint, self.style, bucket, key)?)
    }

    fn bucket(&self, bucket: &str) -> Result<Address, StoreError> {
        Ok(Address::bucket(&self.endpoint, self.style, bucket)?)
    }
}

impl ObjectHead {
    pub(super) fn new(size: u64, etag: String, headers: HeaderMap) -> Self {
        Self { size, etag, headers }
    }
}
