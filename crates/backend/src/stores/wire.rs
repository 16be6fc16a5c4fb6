//! How a request of ours is signed and sent, and how the answers are read.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gatepass_signing::{
    address::{Address, AddressError},
    sigv4::{
        Region, ServiceName,
        header::{Body, RequestParts, SignError, sign},
        presign::PresignError,
    },
};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    client::{ObjectHead, StoreClient},
    credentials::KeysError,
};
use crate::outbound::OutboundError;

/// A store did not do what it was asked, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There are no keys to sign with.
    #[error("there are no keys for the store")]
    Keys(#[from] KeysError),
    /// The bucket or key cannot stand in a URL.
    #[error("the object cannot be addressed")]
    Address(#[from] AddressError),
    /// The URL cannot be signed.
    #[error("the URL cannot be signed")]
    Presign(#[from] PresignError),
    /// The request cannot be signed.
    #[error("the request to the store cannot be signed")]
    Sign(#[from] SignError),
    /// The request cannot be built.
    #[error("the request to the store cannot be built")]
    Request(#[from] http::Error),
    /// The store cannot be reached, or stops answering.
    #[error("the store does not answer")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store says no.
    #[error("the store refused {operation} with {status} {code}")]
    Refused {
        /// What it was asked.
        operation: &'static str,
        /// Its answer.
        status: u16,
        /// The code of its error document.
        code: String,
    },
    /// The store's answer lacks what its protocol promises.
    #[error("the store's answer lacks {0}")]
    Answer(&'static str),
}

impl StoreError {
    pub(super) fn refused(operation: &'static str, status: StatusCode, body: &[u8]) -> Self {
        let code = error_code(body).unwrap_or_default().to_owned();
        Self::Refused { operation, status: status.as_u16(), code }
    }
}

impl From<OutboundError> for StoreError {
    fn from(error: OutboundError) -> Self {
        Self::Transport(Box::new(error))
    }
}

impl StoreClient {
    #[expect(clippy::too_many_arguments, reason = "the parts of an HTTP request, each of another type")]
    pub(super) async fn call(
        &self,
        method: &str,
        address: Address,
        query: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
        limit: Duration,
        now: Timestamp,
    ) -> Result<Response<Bytes>, StoreError> {
        let keys = self.own_keys(now).await?;
        let separator = if query.is_empty() { "" } else { "?" };
        let target = format!("{}{separator}{query}", address.path());
        let borrowed: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let parts = RequestParts { method, host: address.host(), target: &target, headers: &borrowed };
        let signed = sign(&parts, Body::of(&body), &keys, &self.region, ServiceName::S3, &self.signing_keys, now)?;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}://{}{target}", address.scheme().as_str(), address.host()))
            .header(header::HOST, address.host());
        for (name, value) in borrowed.into_iter().chain(signed.iter()) {
            request = request.header(name, value);
        }
        Ok(self.http.send(request.body(Full::new(body))?, limit).await?)
    }
}

pub(super) fn object_head(headers: &HeaderMap) -> Result<ObjectHead, StoreError> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let size = text(header::CONTENT_LENGTH).and_then(|size| size.parse().ok());
    let etag = text(header::ETAG).map(|etag| etag.trim_matches('"').to_owned());
    Ok(ObjectHead::new(
        size.ok_or(StoreError::Answer("Content-Length"))?,
        etag.ok_or(StoreError::Answer("ETag"))?,
        headers.clone(),
    ))
}

/// The entity tag in the answer to a copy, which may be an error in spite of its status.
pub(super) fn copied_etag(body: &[u8]) -> Result<String, StoreError> {
    if error_code(body).is_some() {
        return Err(StoreError::refused("CopyObject", StatusCode::OK, body));
    }
    let etag = element(body, "ETag").ok_or(StoreError::Answer("ETag"))?;
    Ok(etag.replace("&quot;", "").replace("&#34;", "").replace('"', ""))
}

/// The code of an error document.
pub(crate) fn error_code(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body).ok().filter(|text| text.contains("<Error>") || text.contains("<Error "))?;
    element(body, "Code")
}

/// The text of the first element of this name. The documents read here are flat, and their texts hold no markup.
fn element<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once("</").map(|(content, _)| content)
}

/// us-east-1 is the region of a bucket whose configuration names none ("CreateBucket", API reference).
pub(super) fn bucket_configuration(region: &Region) -> Bytes {
    if region.as_str() == "us-east-1" {
        return Bytes::new();
    }
    let region = region.as_str();
    Bytes::from(format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    ))
}

/// What the console needs: PUT with signed headers, GET, and to see `ETag`.
pub(super) fn cors_configuration(origin: &str) -> Bytes {
    Bytes::from(format!(
        "<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><CORSRule>\
         <AllowedOrigin>{origin}</AllowedOrigin>\
         <AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod><AllowedMethod>PUT</AllowedMethod>\
         <AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds>\
         </CORSRule></CORSConfiguration>"
    ))
}

/// PutBucketCors wants its body covered by a checksum; SHA-256 is the one that every store with checksums knows.
pub(super) fn sha256_checksum(body: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_a_copy_that_began_well_is_an_error() {
        let body = b"<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><Message>x</Message></Error>";
        let error = copied_etag(body).expect_err("an error");
        assert!(matches!(error, StoreError::Refused { code, .. } if code == "InternalError"));
    }

    #[test]
    fn the_entity_tag_of_a_copy_loses_its_quotes() {
        for quote in ["&quot;", "\"", "&#34;"] {
            let body = format!("<CopyObjectResult><ETag>{quote}abc-2{quote}</ETag></CopyObjectResult>");
            assert_eq!(copied_etag(body.as_bytes()).expect("an entity tag"), "abc-2");
        }
        assert!(matches!(copied_etag(b""), Err(StoreError::Answer("ETag"))));
    }
}
