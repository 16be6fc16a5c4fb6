//! In which region Amazon S3 keeps a bucket. It says so to everybody, whatever else it answers ("HeadBucket").

use std::time::Duration;

use bytes::Bytes;
use gatepass_signing::sigv4::Region;
use http::{Method, Request, StatusCode};
use http_body_util::Full;

use crate::{
    api::{HttpClient, encoded},
    credentials,
    failure::{Explain as _, Failure, Result},
};

/// Who is asked about the buckets of all regions of the public partition.
pub(crate) const AMAZON_S3: &str = "https://s3.us-east-1.amazonaws.com";

/// The header of the answer.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Who has not answered by then will not be waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the S3 of `endpoint`, without credentials.
pub(crate) async fn ask(endpoint: &str, bucket: &str) -> Result<Region> {
    let request = Request::builder()
        .method(Method::HEAD)
        .uri(format!("{endpoint}/{}", encoded(bucket)))
        .body(Full::<Bytes>::default())
        .explain("the bucket's region cannot be asked for")?;
    let sending = tokio::time::timeout(PATIENCE, HttpClient::new().send(request)).await;
    let failure = |failure: Failure| {
        failure.hint("name it with --region; where AWS_REGION or a profile names one, nobody is asked")
    };
    let answer = sending
        .unwrap_or_else(|_| Err(Failure::refused(format_args!("{endpoint} does not answer"))))
        .map_err(|inner| failure(inner.during("the region of the bucket is not known, and cannot be asked for")))?;
    match answer.headers().get(REGION_HEADER).and_then(|region| region.to_str().ok()) {
        Some(region) => credentials::region_of(region),
        None if answer.status() == StatusCode::NOT_FOUND => {
            Err(failure(Failure::refused(format_args!("Amazon S3 has no bucket `{bucket}`"))))
        }
        None => Err(failure(Failure::refused(format_args!(
            "Amazon S3 does not say in which region the bucket `{bucket}` is: it answered {}",
            answer.status()
        )))),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Asks a server that gives one answer; returns the result and the request's head.
    async fn asked(answer: &str) -> (Result<Region>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = async {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("a whole head"));
            }
            stream.write_all(answer.as_bytes()).await.expect("a client that reads");
            String::from_utf8(head).expect("a head in ASCII")
        };
        tokio::join!(ask(&endpoint, "a.bucket"), serving)
    }

    #[tokio::test]
    async fn the_region_is_read_from_every_kind_of_answer() {
        for status in ["200 OK", "301 Moved Permanently", "403 Forbidden", "400 Bad Request"] {
            let answer = format!("HTTP/1.1 {status}\r\nx-amz-bucket-region: eu-central-1\r\ncontent-length: 0\r\n\r\n");
            let (region, head) = asked(&answer).await;
            assert_eq!(region.expect(status).as_str(), "eu-central-1");
            assert!(head.starts_with("HEAD /a.bucket HTTP/1.1\r\n"), "{head}");
            assert!(!head.to_ascii_lowercase().contains("authorization"), "nobody signs a question: {head}");
        }
    }

    #[tokio::test]
    async fn a_bucket_that_is_not_there_has_no_region() {
        let (region, _) = asked("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        let failure = region.expect_err("no region");
        assert_eq!(failure.message(), "Amazon S3 has no bucket `a.bucket`");
        assert!(failure.hints()[0].contains("--region"), "{failure:?}");
    }

    #[tokio::test]
    async fn an_answer_without_the_header_is_no_region() {
        let (region, _) = asked("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        assert!(region.expect_err("no region").message().ends_with("it answered 200 OK"));
    }

    #[tokio::test]
    async fn a_region_that_is_none_is_refused() {
        let (region, _) = asked("HTTP/1.1 200 OK\r\nx-amz-bucket-region: a/b\r\ncontent-length: 0\r\n\r\n").await;
        assert!(region.is_err());
    }
}
