//! Bodies of gigabytes, made and compared on their way and never held.

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A body is made of blocks of this size.
pub const BLOCK: usize = 1024 * 1024;

/// Puts a body of so many MiB.
pub async fn send(url: &str, headers: &[(String, String)], mib: u64) -> Result<StatusCode> {
    let blocks = stream::iter((0..mib).map(|number| Ok::<_, std::io::Error>(Frame::data(block(number)))));
    let mut request = Request::builder().method(Method::PUT).uri(url.parse::<Uri>()?);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
        request = request.header(CONTENT_LENGTH, mib * BLOCK as u64);
    }
    let client: Client<HttpConnector, _> = Client::builder(TokioExecutor::new()).build_http();
    Ok(client.request(request.body(StreamBody::new(blocks))?).await?.status())
}

/// Gets it, and compares every byte.
pub async fn receive(url: &str, mib: u64) -> Result<()> {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(url.parse()?).await?;
    ensure!(answer.status() == 200, "the download was refused: {}", answer.status());
    let mut body = answer.into_body();
    let mut number = 0;
    let mut expected = block(number);
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame?.into_data() else { continue };
        while !data.is_empty() {
            let length = data.len().min(expected.len());
            ensure!(data.split_to(length) == expected.split_to(length), "other bytes came back in MiB {number}");
            if expected.is_empty() {
                number += 1;
                expected = block(number);
            }
        }
    }
    ensure!(number == mib, "{number} MiB came back of {mib}");
    Ok(())
}

/// Each block differs from all others, so that a lost or doubled one is seen.
fn block(number: u64) -> Bytes {
    number.to_le_bytes().repeat(BLOCK / 8).into()
}
