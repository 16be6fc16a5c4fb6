//! The backend's API as a user of it calls it, for tests and experiments.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::http::{Answer, Http};

/// One caller with a token.
#[derive(Clone)]
pub struct Api {
    http: Http,
    base: String,
    token: String,
}

/// What the backend answered to a wish to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The upload's id.
    pub id: String,
    /// The id of the file that it becomes.
    pub file: String,
    /// The URL that takes the bytes.
    pub url: String,
    /// The headers to send with them.
    pub headers: Vec<(String, String)>,
}

impl Api {
    /// A caller who holds this token.
    pub fn new(base: &str, token: &str) -> Self {
        Self { http: Http::default(), base: base.to_owned(), token: token.to_owned() }
    }

    /// Sends a request with the token; a body is JSON.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", self.token))];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        self.http.send(method, &format!("{}{path}", self.base), &headers, body).await
    }

    /// Sends a request without the token, as somebody who was only given a URL.
    pub async fn anonymously(&self, method: Method, url: &str) -> Result<Answer> {
        self.http.send(method, url, &[], Bytes::new()).await
    }

    /// Asks where a file of this size may go.
    pub async fn begin(&self, filename: &str, size: usize) -> Result<Upload> {
        let wish = json!({
            "collection": "files",
            "filename": filename,
            "size": size,
            "content_type": "application/octet-stream",
            "strategy": "put",
        });
        let answer = self.call(Method::POST, "/v1/uploads", Some(&wish)).await?;
        let granted = accepted("begin an upload", &answer, &[201])?;
        let text = |pointer: &str| {
            let value = granted.pointer(pointer).and_then(Value::as_str);
            value.map(str::to_owned).with_context(|| format!("no {pointer} in {granted}"))
        };
        let headers = granted.pointer("/instructions/headers").and_then(Value::as_object);
        Ok(Upload {
            id: text("/id")?,
            file: text("/file_id")?,
            url: text("/instructions/url")?,
            headers: headers
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    }

    /// Sends the bytes where they may go.
    pub async fn send_bytes(&self, upload: &Upload, body: Bytes) -> Result<Answer> {
        self.http.send(Method::PUT, &upload.url, &upload.headers, body).await
    }

    /// Says that the bytes are there.
    pub async fn complete(&self, upload: &str) -> Result<Answer> {
        self.call(Method::POST, &format!("/v1/uploads/{upload}/complete"), None).await
    }

    /// All three steps; the id of the file.
    pub async fn upload(&self, filename: &str, body: Bytes) -> Result<String> {
        let upload = self.begin(filename, body.len()).await?;
        let sent = self.send_bytes(&upload, body).await?;
        if sent.status != 200 {
            bail!("the store refused a signed upload: {} {}", sent.status, sent.text());
        }
        accepted("complete an upload", &self.complete(&upload.id).await?, &[200])?;
        Ok(upload.file)
    }

    /// The bytes of a file by way of its redirect, or nothing where there is no such file for this caller.
    pub async fn content(&self, file: &str) -> Result<Option<Bytes>> {
        let answer = self.call(Method::GET, &format!("/v1/files/{file}/content"), None).await?;
        match answer.status.as_u16() {
            404 => Ok(None),
            303 => Ok(Some(self.fetch(answer.header("location")).await?)),
            _ => bail!("no way to the content: {} {}", answer.status, answer.text()),
        }
    }

    /// The bytes behind a signed URL.
    pub async fn fetch(&self, url: &str) -> Result<Bytes> {
        let answer = self.http.get(url).await?;
        if answer.status != 200 {
            bail!("a signed URL was refused: {} {}", answer.status, answer.text());
        }
        Ok(answer.body)
    }

    /// Makes a link; its id and its URL.
    pub async fn link(&self, file: &str) -> Result<(String, String)> {
        let answer = self.call(Method::POST, "/v1/links", Some(&json!({ "file_id": file }))).await?;
        let link = accepted("make a link", &answer, &[201])?;
        match (link["id"].as_str(), link["url"].as_str()) {
            (Some(id), Some(url)) => Ok((id.to_owned(), url.to_owned())),
            _ => bail!("a link without id or URL: {link}"),
        }
    }

    /// Revokes a link.
    pub async fn revoke(&self, link: &str) -> Result<()> {
        let answer = self.call(Method::POST, &format!("/v1/links/{link}/revoke"), None).await?;
        if answer.status.is_success() { Ok(()) } else { bail!("no revocation: {} {}", answer.status, answer.text()) }
    }

    /// Deletes a file.
    pub async fn delete(&self, file: &str) -> Result<()> {
        let answer = self.call(Method::DELETE, &format!("/v1/files/{file}"), None).await?;
        if answer.status.is_success() { Ok(()) } else { bail!("no deletion: {} {}", answer.status, answer.text()) }
    }
}

fn accepted(what: &str, answer: &Answer, statuses: &[u16]) -> Result<Value> {
    if statuses.contains(&answer.status.as_u16()) {
        return Ok(answer.json());
    }
    bail!("the backend refused to {what}: {} {}", answer.status, answer.text())
}
