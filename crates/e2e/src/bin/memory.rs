//! `cargo xtask memory`: one large file goes up and comes down by signed URLs while the server's memory is watched.

#![expect(clippy::print_stdout, reason = "the outcome is what this program is for")]

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use gatepass_e2e::api::Api;
use gatepass_e2e::dev::{Dev, Options};
use gatepass_e2e::stream::{BLOCK, receive, send};
use hyper::Method;

/// What the whole server may keep resident at its worst moment.
const LIMIT_MIB: u64 = 100;

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
    receive(address.header("location"), arguments.size_mib).await?;
    let peak = peak_mib(&mut server)?;
    println!("peak after {} MiB down: {peak} MiB", arguments.size_mib);
    ensure!(peak < LIMIT_MIB, "the server held {peak} MiB; it may hold less than {LIMIT_MIB} MiB");
    Ok(())
}

/// By the backend, as a user does: the promotion out of staging is part of what is measured.
async fn upload(api: &Api, size_mib: u64) -> Result<String> {
    let upload = api.begin("large.bin", usize::try_from(size_mib)? * BLOCK).await?;
    let status = send(&upload.url, &upload.headers, size_mib).await?;
    ensure!(status == 200, "the upload was refused: {status}");
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

fn peak_mib(server: &mut Dev) -> Result<u64> {
    Ok(server.process().peak_kib()? / 1024)
}
