//! `cargo xtask memory`: one large file goes up and comes down by signed URLs while the server's memory is watched.

#![expect(clippy::print_stdout, reason = "the outcome is what this program is for")]

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use clap::Parser;
use futures::stream;
use gatepass_e2e::api::Api;
use gatepass_e2e::dev::{Dev, Options};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// What the whole server may keep resident at its worst moment.
const LIMIT_MIB: u64 = 100;
const BLOCK: usize = 1024 * 1024;

/// Moves one large file up and down and measures the server's resident memory.
#[derive(Parser)]
struct Arguments {
    /// The `gatepass` program
    #[arg(long)]
    server: PathBuf,
    /// Where the data directory goes
    #[arg(long)]
    work: PathBuf,
    /// The size of the file, in MiB
    #[arg(long)]
    size_mib: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let directory = tempfile::tempdir_in(&arguments.work)?;
    // Logs at the level of a user: what is measured is the server, not its diary.
    let environment = vec![("RUST_LOG".to_owned(), "info".to_owned())];
    let options = Options { program: Some(arguments.server), environment, ..Options::default() };
    let mut server = Dev::start(&directory.path().join("data"), &options)?;
    let api = Api::new(&server.ready().backend, &server.ready().tokens.alice);
    println!("resident at the start: {} MiB", peak_mib(&mut server)?);

    let file = upload(&api, arguments.size_mib).await?;
    println!("peak after {} MiB up:   {} MiB", arguments.size_mib, peak_mib(&mut server)?);
    let address = api.call(Method::GET, &format!("/v1/files/{file}/content"), None).await?;
    download(address.header("location"), arguments.size_mib).await?;
    let peak = peak_mib(&mut server)?;
    println!("peak after {} MiB down: {peak} MiB", arguments.size_mib);
    ensure!(peak < LIMIT_MIB, "the server held {peak} MiB; it may hold less than {LIMIT_MIB} MiB");
    Ok(())
}

/// By the backend, as a user does: the promotion out of staging is part of what is measured.
async fn upload(api: &Api, size_mib: u64) -> Result<String> {
    let upload = api.begin("large.bin", usize::try_from(size_mib)? * BLOCK).await?;
    let blocks = stream::iter((0..size_mib).map(|number| Ok::<_, std::io::Error>(Frame::data(block(number)))));
    let mut request = Request::builder().method(Method::PUT).uri(upload.url.parse::<Uri>()?);
    for (name, value) in &upload.headers {
        request = request.header(name, value);
    }
    if upload.headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
        request = request.header(CONTENT_LENGTH, size_mib * BLOCK as u64);
    }
    let client: Client<HttpConnector, _> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request.body(StreamBody::new(blocks))?).await?;
    ensure!(answer.status() == 200, "the upload was refused: {}", answer.status());
    wait_until_available(api, &upload.id).await?;
    Ok(upload.file)
}

async fn wait_until_available(api: &Api, upload: &str) -> Result<()> {
    loop {
        let answer = api.complete(upload).await?;
        match answer.status.as_u16() {
            200 => return Ok(()),
            // A big copy goes on after the answer.
            202 => {}
            _ => bail!("no completion: {} {}", answer.status, answer.text()),
        }
    }
}

async fn download(url: &str, size_mib: u64) -> Result<()> {
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
    ensure!(number == size_mib, "{number} MiB came back of {size_mib}");
    Ok(())
}

/// Each block differs from all others, so that a lost or doubled one is seen.
fn block(number: u64) -> Bytes {
    number.to_le_bytes().repeat(BLOCK / 8).into()
}

fn peak_mib(server: &mut Dev) -> Result<u64> {
    Ok(server.process().peak_kib()? / 1024)
}
