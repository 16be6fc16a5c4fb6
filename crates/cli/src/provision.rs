//! Buckets that are asked for on the command line or in a seed file, made through the store's own front door.

use bytes::Bytes;
use gatepass_protocol::s3::{
    checksum::{Checksum, ChecksumAlgorithm},
    cors::CorsConfiguration,
};
use gatepass_signing::{
    address::{Address, AddressingStyle, Endpoint},
    credentials::Credentials,
    sigv4::{
        KeyCache, Region, ServiceName,
        header::{Body, RequestParts, sign},
    },
};
use http::{Request, StatusCode};
use jiff::Timestamp;

use crate::{
    api::HttpClient,
    failure::{Explain as _, Failure, Result},
    seed::Seed,
    store_error::StoreError,
};

/// The region whose buckets are made without naming it (CreateBucket, Amazon S3 API Reference).
const UNNAMED_REGION: &str = "us-east-1";

/// A store that is running, and whose root we are.
pub(crate) struct Provision<'a> {
    endpoint: Endpoint,
    region: Region,
    credentials: &'a Credentials,
    now: Timestamp,
}

impl<'a> Provision<'a> {
    pub(crate) fn new(endpoint: &str, region: &str, credentials: &'a Credentials, now: Timestamp) -> Result<Self> {
        Ok(Self {
            endpoint: Endpoint::parse(endpoint).explain("the store has no usable address")?,
            region: Region::new(region).explain("the region has no usable name")?,
            credentials,
            now,
        })
    }

    /// Makes what the command line and the seed file name. What is there already is fine.
    pub(crate) async fn all(&self, buckets: &[String], seed: &Seed) -> Result<()> {
        for name in buckets {
            self.bucket(name).await?;
        }
        for bucket in &seed.buckets {
            self.bucket(&bucket.name).await?;
            if let Some(cors) = bucket.cors()? {
                self.cors(&bucket.name, &cors).await?;
            }
        }
        Ok(())
    }

    async fn bucket(&self, name: &str) -> Result<()> {
        let failed = || format!("the bucket `{name}` cannot be made");
        let region = self.region.as_str();
        let body = if region == UNNAMED_REGION {
            String::new()
        } else {
            let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
            format!(
                "<CreateBucketConfiguration xmlns=\"{namespace}\"><LocationConstraint>{region}</LocationConstraint>\
                 </CreateBucketConfiguration>"
            )
        };
        let (status, answer) = self.put(name, "", &[], body.into()).await.explain(failed())?;
        if status.is_success() {
            return Ok(());
        }
        let error = StoreError::read(status, &answer);
        // us-east-1 answers 200 for one's own bucket, every other region this.
        if error.has_code("BucketAlreadyOwnedByYou") {
            return Ok(());
        }
        Err(Failure::refused(format_args!("{}: {error}", failed()))
            .hint("a name is 3 to 63 lower-case letters, digits, `-` and `.`"))
    }

    async fn cors(&self, bucket: &str, configuration: &CorsConfiguration) -> Result<()> {
        let failed = || format!("the CORS rules of `{bucket}` cannot be set");
        let body = Bytes::from(configuration.to_xml());
        let checksum = Checksum::of(ChecksumAlgorithm::Sha256, &body).to_text();
        let headers = [("x-amz-checksum-sha256", checksum.as_str())];
        let (status, answer) = self.put(bucket, "?cors=", &headers, body).await.explain(failed())?;
        if status.is_success() {
            return Ok(());
        }
        Err(Failure::refused(format_args!("{}: {}", failed(), StoreError::read(status, &answer))))
    }

    async fn put(
        &self,
        bucket: &str,
        query: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let address = Address::bucket(&self.endpoint, AddressingStyle::Path, bucket)?;
        let target = format!("{}{query}", address.path());
        let parts = RequestParts { method: "PUT", host: address.host(), target: &target, headers };
        let keys = KeyCache::new();
        let signed = sign(&parts, Body::of(&body), self.credentials, &self.region, ServiceName::S3, &keys, self.now)?;
        let mut request = Request::put(format!("{}://{}{target}", address.scheme().as_str(), address.host()));
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signed.iter() {
            request = request.header(name, value);
        }
        let request = request.body(http_body_util::Full::new(body))?;
        HttpClient::new().exchange(request).await.map_err(|failure| anyhow::anyhow!(failure.message()))
    }
}
