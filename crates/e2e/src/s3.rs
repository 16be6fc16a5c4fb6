//! A small S3 client that signs its requests with our own signer, for tests and experiments whose point is not the client.

use anyhow::{Result, bail};
use bytes::Bytes;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::sigv4::chunked::ChunkSeed;
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{self, Presign};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use gatepass_signing::time::Lifetime;
use hyper::Method;
use jiff::Timestamp;

use crate::alone::Place;
use crate::dev::Ready;
use crate::http::{Answer, Http};

/// A client with the root credentials of one server.
pub struct S3 {
    http: Http,
    endpoint: Endpoint,
    region: Region,
    credentials: Credentials,
    keys: KeyCache,
}

impl S3 {
    /// A client of the server that wrote this ready file.
    pub fn new(ready: &Ready) -> Result<Self> {
        Self::of(&Place {
            store: ready.store.clone(),
            region: ready.region.clone(),
            access_key: ready.access_key.clone(),
            secret_key: ready.secret_key.clone(),
        })
    }

    /// A client of the store in this place.
    pub fn of(place: &Place) -> Result<Self> {
        Ok(Self {
            http: Http::default(),
            endpoint: Endpoint::parse(&place.store)?,
            region: Region::new(place.region.as_str())?,
            credentials: Credentials::long_term(
                AccessKeyId::new(place.access_key.as_str())?,
                SecretKey::new(place.secret_key.as_str())?,
            ),
            keys: KeyCache::new(),
        })
    }

    /// Sends one signed request. `query` is encoded already; an empty key means the bucket.
    pub async fn send(&self, method: Method, bucket: &str, key: &str, query: &str, body: Bytes) -> Result<Answer> {
        self.send_with(method, bucket, key, query, &[], body).await
    }

    /// The same with further headers, which are signed too.
    pub async fn send_with(
        &self,
        method: Method,
        bucket: &str,
        key: &str,
        query: &str,
        more: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let address = self.address(bucket, key)?;
        let target = if query.is_empty() { address.path().to_owned() } else { format!("{}?{query}", address.path()) };
        let parts = RequestParts { method: method.as_str(), host: address.host(), target: &target, headers: more };
        let service = ServiceName::S3;
        let signed =
            header::sign(&parts, Body::of(&body), &self.credentials, &self.region, service, &self.keys, now())?;
        let mut headers: Vec<_> = signed.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if matches!(method, Method::PUT | Method::POST) {
            // Of an empty body the HTTP client says nothing, and S3 wants to be told.
            headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        self.http.send(method, &format!("http://{}{target}", address.host()), &headers, body).await
    }

    /// The head of a signed request, for whoever sends the body by hand. What is not known before, such as the length,
    /// is still to be added.
    pub fn head(&self, method: &str, target: &str, more: &[(&str, &str)], body: Body) -> Result<Head> {
        let host = self.endpoint.authority();
        let parts = RequestParts { method, host, target, headers: more };
        let signed = header::sign(&parts, body, &self.credentials, &self.region, ServiceName::S3, &self.keys, now())?;
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n");
        for (name, value) in signed.iter() {
            text.extend([name, ": ", value, "\r\n"]);
        }
        for (name, value) in more {
            text.extend([name, ": ", value, "\r\n"]);
        }
        Ok(Head { text, seed: signed.chunk_seed().cloned() })
    }

    /// Path and query of an object or, with an empty key, of its bucket.
    pub fn target(&self, bucket: &str, key: &str, query: &str) -> Result<String> {
        let path = self.address(bucket, key)?.path().to_owned();
        Ok(if query.is_empty() { path } else { format!("{path}?{query}") })
    }

    /// A URL for a stranger.
    pub fn presign(&self, method: presign::Method, bucket: &str, key: &str, seconds: u64) -> Result<String> {
        let url = Presign::new(&self.credentials, self.region.clone(), self.address(bucket, key)?, method)
            .expires(Lifetime::from_secs(seconds)?)
            .sign(&self.keys, now())?;
        Ok(url.into_exposed())
    }

    /// Makes a bucket; one that is ours already is no error.
    pub async fn create_bucket(&self, bucket: &str) -> Result<()> {
        let answer = self.send(Method::PUT, bucket, "", "", Bytes::new()).await?;
        if answer.status.is_success() || answer.status.as_u16() == 409 {
            Ok(())
        } else {
            refused("create a bucket", &answer)
        }
    }

    /// Writes an object in one request.
    pub async fn put(&self, bucket: &str, key: &str, body: Bytes) -> Result<()> {
        acknowledged("put", &self.send(Method::PUT, bucket, key, "", body).await?)
    }

    /// Copies an object within its bucket. For keys that a header carries as they are.
    pub async fn copy(&self, bucket: &str, source: &str, key: &str) -> Result<()> {
        let from = format!("{bucket}/{source}");
        let headers = [("x-amz-copy-source", from.as_str())];
        let copied = self.send_with(Method::PUT, bucket, key, "", &headers, Bytes::new()).await?;
        acknowledged("copy", &copied)?;
        if copied.text().contains("<Error>") { refused("copy", &copied) } else { Ok(()) }
    }

    /// Reads an object, or nothing where there is none.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Option<Bytes>> {
        let answer = self.send(Method::GET, bucket, key, "", Bytes::new()).await?;
        match answer.status.as_u16() {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            _ => refused("get", &answer),
        }
    }

    /// Deletes an object.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<()> {
        acknowledged("delete", &self.send(Method::DELETE, bucket, key, "", Bytes::new()).await?)
    }

    /// Writes an object in parts.
    pub async fn put_in_parts(&self, bucket: &str, key: &str, parts: Vec<Bytes>) -> Result<()> {
        let upload = self.begin_upload(bucket, key).await?;
        let mut tags = Vec::new();
        for (number, part) in (1..).zip(parts) {
            tags.push(self.upload_part(bucket, key, &upload, number, part).await?);
        }
        let query = format!("uploadId={upload}");
        let completed = self.send(Method::POST, bucket, key, &query, Self::manifest(&tags).into()).await?;
        acknowledged("complete a multipart upload", &completed)?;
        // S3 may begin a 200 before it knows how the completion ends.
        if completed.text().contains("<Error>") { refused("complete a multipart upload", &completed) } else { Ok(()) }
    }

    /// Begins an upload in parts, and names it.
    pub async fn begin_upload(&self, bucket: &str, key: &str) -> Result<String> {
        let created = self.send(Method::POST, bucket, key, "uploads=", Bytes::new()).await?;
        acknowledged("create a multipart upload", &created)?;
        match element(&created.text(), "UploadId") {
            Some(upload) => Ok(upload),
            None => refused("name the upload", &created),
        }
    }

    /// Uploads one part, and answers its entity tag.
    pub async fn upload_part(&self, bucket: &str, key: &str, upload: &str, number: u16, part: Bytes) -> Result<String> {
        let query = format!("partNumber={number}&uploadId={upload}");
        let answer = self.send(Method::PUT, bucket, key, &query, part).await?;
        acknowledged("upload a part", &answer)?;
        Ok(answer.header("etag").trim_matches('"').to_owned())
    }

    /// What completes an upload of which these are the parts, from the first on.
    pub fn manifest(tags: &[String]) -> String {
        let parts = (1..).zip(tags).map(|(number, etag): (u16, _)| {
            format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag></Part>")
        });
        format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>())
    }

    /// Every key of a bucket, in order. For keys that XML carries as they are.
    pub async fn list(&self, bucket: &str) -> Result<Vec<String>> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after =
                keys.last().map(|last| format!("&start-after={}", last.replace('/', "%2F"))).unwrap_or_default();
            let answer = self.send(Method::GET, bucket, "", &format!("list-type=2{after}"), Bytes::new()).await?;
            acknowledged("list", &answer)?;
            let page = answer.text();
            keys.extend(page.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()).map(str::to_owned));
            if element(&page, "IsTruncated").as_deref() != Some("true") {
                return Ok(keys);
            }
        }
    }

    /// Aborts every multipart upload of a bucket.
    pub async fn abort_uploads(&self, bucket: &str) -> Result<()> {
        let listed = self.send(Method::GET, bucket, "", "uploads=", Bytes::new()).await?;
        acknowledged("list multipart uploads", &listed)?;
        for upload in listed.text().split("<Upload>").skip(1) {
            if let (Some(key), Some(id)) = (element(upload, "Key"), element(upload, "UploadId")) {
                let aborted = self.send(Method::DELETE, bucket, &key, &format!("uploadId={id}"), Bytes::new()).await?;
                acknowledged("abort a multipart upload", &aborted)?;
            }
        }
        Ok(())
    }

    fn address(&self, bucket: &str, key: &str) -> Result<Address> {
        Ok(match key {
            "" => Address::bucket(&self.endpoint, AddressingStyle::Path, bucket)?,
            key => Address::object(&self.endpoint, AddressingStyle::Path, bucket, key)?,
        })
    }
}

/// The lines of a head without the empty one at the end.
pub struct Head {
    /// The lines, each with its end.
    pub text: String,
    /// Where the chain of chunks begins, of a body in signed chunks.
    pub seed: Option<ChunkSeed>,
}

/// The wall clock: signatures are judged against the server's.
#[expect(clippy::disallowed_methods, reason = "a client beside a running server lives in its time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn acknowledged(what: &str, answer: &Answer) -> Result<()> {
    if answer.status.is_success() { Ok(()) } else { refused(what, answer) }
}

fn refused<T>(what: &str, answer: &Answer) -> Result<T> {
    bail!("the store refused to {what}: {} {}", answer.status, answer.text())
}

/// The text of the first element of this name.
pub fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
}
