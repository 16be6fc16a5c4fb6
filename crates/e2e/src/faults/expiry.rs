//! P8: a URL is good until the last moment of its time and not a moment longer, and what began in time ends. The clock
//! of the server is moved; it ticks besides, so that the moments nearest to the end are one second off.

use std::io::Read as _;

use anyhow::{Result, ensure};
use bytes::Bytes;
use gatepass_signing::sigv4::presign::Method;
use hyper::Method as Verb;
use tokio::runtime::Runtime;

use super::content::{Chance, Content};
use super::promises::Trial;
use super::raw;
use super::report::{Control, Report};
use crate::dev::Dev;
use crate::http::Http;
use crate::s3::S3;

const BUCKET: &str = "expiry";
const KEY: &str = "large";
/// The clock of the server can be moved.
const CLOCK: [&str; 1] = ["--test-clock"];
/// More than every buffer on the way, so that a transfer is still in the midst when the clock is moved.
const LARGE: usize = 48 << 20;
/// Longer than a round takes by the wall clock.
const MARGIN: u64 = 30;
/// The longest lifetime of a URL here; each round begins with a URL of its own.
const LONGEST: u64 = 600;

/// Moves the clock to before and to after the end of many URLs.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let runtime = Runtime::new()?;
    let rounds = trial.effort.pick(5, 200);
    let (mut early, mut late, mut refused_early, mut accepted_late) = (0, 0, 0, 0);
    let directory = tempfile::tempdir_in(&trial.work)?;
    for round in 0..rounds {
        // Signatures are made by the wall clock, so each round wants a server whose clock is still right.
        let data = directory.path().join(round.to_string());
        let server = Dev::start(&data, &trial.options(&CLOCK))?;
        let client = S3::new(server.ready())?;
        runtime.block_on(client.create_bucket(BUCKET))?;
        runtime.block_on(client.put(BUCKET, "small", Bytes::from_static(b"here")))?;
        let lifetime = MARGIN + 1 + chance.below(LONGEST);
        let url = client.presign(Method::Get, BUCKET, "small", lifetime)?;
        advance(&runtime, &server, lifetime - MARGIN)?;
        early += 1;
        refused_early += u64::from(status(&runtime, &url)? != 200);
        advance(&runtime, &server, MARGIN + 1)?;
        late += 1;
        accepted_late += u64::from(status(&runtime, &url)? == 200);
        drop(server);
        std::fs::remove_dir_all(data)?;
    }
    let (in_flight, control) = in_flight(trial, &runtime, &mut chance)?;
    let mut broken = Vec::new();
    for (count, what) in [
        (refused_early, "requests were refused before the end"),
        (accepted_late, "requests were accepted after it"),
        (u64::from(!in_flight), "transfer that began in time was cut off"),
    ] {
        if count > 0 {
            broken.push(format!("{count} {what}"));
        }
    }
    let figures = vec![
        ("requests in the last half minute", early),
        ("of them refused", refused_early),
        ("requests one second after the end", late),
        ("of them accepted", accepted_late),
        ("transfers that ended after the end", u64::from(in_flight)),
    ];
    Ok(Report { figures, broken, control })
}

/// A download is begun, its URL's time passes, and the rest of it is read. The control asks for the same URL while its
/// server's clock has not been moved: one that does not look at the time answers like that.
fn in_flight(trial: &Trial, runtime: &Runtime, chance: &mut Chance) -> Result<(bool, Control)> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let server = Dev::start(&directory.path().join("data"), &trial.options(&CLOCK))?;
    let client = S3::new(server.ready())?;
    let body = Content { serial: chance.draw(), length: LARGE }.bytes();
    runtime.block_on(client.create_bucket(BUCKET))?;
    runtime.block_on(client.put(BUCKET, KEY, body.clone()))?;
    let url = client.presign(Method::Get, BUCKET, KEY, MARGIN)?;
    let control = Control::of(u64::from(status(runtime, &url)? == 200), "request was accepted where time stood still");
    let mut stream = raw::ask(&url, &[])?;
    let mut first = [0; 1024];
    stream.read_exact(&mut first)?;
    advance(runtime, &server, 2 * MARGIN)?;
    ensure!(status(runtime, &url)? == 403, "the URL should be over");
    let answer = raw::read(first.as_slice().chain(stream));
    Ok((answer.status == 200 && answer.body == body, control))
}

fn status(runtime: &Runtime, url: &str) -> Result<u16> {
    Ok(runtime.block_on(Http::default().get(url))?.status.as_u16())
}

fn advance(runtime: &Runtime, server: &Dev, seconds: u64) -> Result<()> {
    let url = format!("{}/_gatepass/clock", server.ready().backend);
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let body = format!("{{\"advance\": \"{seconds}s\"}}");
    let answer = runtime.block_on(Http::default().send(Verb::POST, &url, &headers, body))?;
    ensure!(answer.status.is_success(), "the clock does not move: {} {}", answer.status, answer.text());
    Ok(())
}
