//! A clock that goes back.

use std::path::Path;

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::super::content::{Chance, Content};
use super::super::promises::Trial;
use super::super::report::{Control, Report};
use super::{BUCKET, SMALL};
use crate::alone::Launch;

/// How far ahead the clock is, and then behind: a signature is good for fifteen minutes on either side.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// A store is written to while its clock is ahead, and again after the clock has gone back: the later write is the one
/// that is read, and the order of versions is that of the writes. The control is what a judge by time would expect.
pub(super) fn run(trial: &Trial, runtime: &Runtime, data: &Path, chance: &mut Chance) -> Result<Report> {
    let mut part = Report { figures: Vec::new(), broken: Vec::new(), control: Control::Impossible(String::new()) };
    let rounds = trial.effort.pick(1, 20);
    let (mut compared, mut earlier) = (0, 0);
    for round in 0..rounds {
        let key = format!("key-{round}");
        let mut written = Vec::new();
        let mut told = Vec::new();
        for offset in [AHEAD, -AHEAD] {
            let at = now() + offset;
            let server = Launch::new(&trial.server, data).with(&["--now", &at.to_string()]).start()?;
            let client = server.client()?;
            runtime.block_on(client.create_bucket(BUCKET))?;
            let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
            let set = client.send(Method::PUT, BUCKET, "", "versioning=", Bytes::from_static(versioning.as_bytes()));
            ensure!(runtime.block_on(set)?.status == 200, "versions are not kept");
            let body = Content { serial: chance.draw(), length: SMALL }.bytes();
            let put = runtime.block_on(client.send(Method::PUT, BUCKET, &key, "", body.clone()))?;
            ensure!(put.status == 200, "with the clock {offset:#} off a write was answered {}", put.status);
            written.insert(0, (put.header("x-amz-version-id").to_owned(), body));
            let got = runtime.block_on(client.send(Method::GET, BUCKET, &key, "", Bytes::new()))?;
            if got.status != 200 || got.body != written[0].1 {
                part.broken.push(format!("with the clock {offset:#} off, what is read is not what was written last"));
            }
            told.push(got.header("last-modified").to_owned());
            for (version, body) in &written {
                let query = format!("versionId={version}");
                let got = runtime.block_on(client.send(Method::GET, BUCKET, &key, &query, Bytes::new()))?;
                if got.status != 200 || got.body != *body {
                    part.broken.push(format!("with the clock {offset:#} off, a version is answered {}", got.status));
                }
                compared += 1;
            }
            let listed = runtime.block_on(client.send(
                Method::GET,
                BUCKET,
                "",
                &format!("versions=&prefix={key}"),
                Bytes::new(),
            ))?;
            let order: Vec<_> = listed
                .text()
                .split("<VersionId>")
                .skip(1)
                .filter_map(|rest| Some(rest.split_once('<')?.0.to_owned()))
                .collect();
            if order != written.iter().map(|(version, _)| version.clone()).collect::<Vec<_>>() {
                part.broken.push("versions are not listed in the order of their writes".to_owned());
            }
        }
        let times: Vec<i64> = told.iter().filter_map(|time| seconds(time)).collect();
        ensure!(times.len() == 2, "a time is not told: {told:?}");
        earlier += u64::from(times[1] < times[0]);
    }
    part.figures = vec![("times the clock went back by 20 minutes", rounds), ("versions compared", compared)];
    part.control =
        Control::of(earlier, "writes that won were earlier by their own time, which a judge by time would call lost");
    Ok(part)
}

/// The time of a header, in seconds since 1970.
fn seconds(text: &str) -> Option<i64> {
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second())
}

/// The wall clock, from which the store's is moved.
#[expect(clippy::disallowed_methods, reason = "the clock of a server beside it is told from here")]
fn now() -> Timestamp {
    Timestamp::now()
}
