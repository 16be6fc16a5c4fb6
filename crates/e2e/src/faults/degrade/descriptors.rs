//! A process that has no descriptor left.

use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatepass_signing::sigv4::presign::Method;
use tokio::runtime::Runtime;

use super::super::content::{Chance, Content};
use super::super::promises::Trial;
use super::super::raw;
use super::super::report::{Control, Report};
use super::{BUCKET, LARGE, SMALL};
use crate::alone::{Alone, Launch};
use crate::dev::wait_for;

/// Enough for a store and a few clients.
const DESCRIPTORS: usize = 128;
/// How long the control waits for what must not come.
const IN_VAIN: Duration = Duration::from_secs(1);

/// Connections take every descriptor that the process may have. Those that are open already go on; when the others have
/// left, new ones are taken. The control is a new connection while they are there: it must not be answered.
pub(super) fn run(trial: &Trial, runtime: &Runtime, data: &Path, chance: &mut Chance) -> Result<Report> {
    let limit = format!("--nofile={DESCRIPTORS}:{DESCRIPTORS}");
    let mut server = Launch::new(&trial.server, data).by(&["prlimit", &limit]).start()?;
    let client = server.client()?;
    runtime.block_on(client.create_bucket(BUCKET))?;
    let bodies = [("small", SMALL), ("large", LARGE)]
        .map(|(key, length)| (key, Content { serial: chance.draw(), length }.bytes()));
    for (key, body) in &bodies {
        runtime.block_on(client.put(BUCKET, key, body.clone()))?;
    }
    let url = |method, key: &str| client.presign(method, BUCKET, key, 3600);
    let mut part = Report { figures: Vec::new(), broken: Vec::new(), control: Control::Impossible(String::new()) };
    let (mut served, mut refused, mut unanswered) = (0, 0, 0);
    let rounds = trial.effort.pick(2, 20);
    for _ in 0..rounds {
        let open = raw::connect(server.place.address())?;
        raw::exchange(&open, "GET", &url(Method::Get, "small")?, &[])?;
        let idle = take_all(&server)?;
        // What takes no descriptor succeeds; what takes one is refused for now, and nothing breaks.
        for (key, body) in &bodies {
            for (method, verb, sent) in [(Method::Get, "GET", &[][..]), (Method::Put, "PUT", &body[..])] {
                let answer = raw::exchange(&open, verb, &url(method, key)?, sent)?;
                match answer.status {
                    200 if verb == "PUT" || answer.body == *body => served += 1,
                    503 if *key == "large" => refused += 1,
                    status => part.broken.push(format!("without descriptors {verb} of the {key} body: {status}")),
                }
            }
        }
        let newcomer = raw::ask(&url(Method::Get, "small")?, &[])?;
        newcomer.set_read_timeout(Some(IN_VAIN))?;
        unanswered += u64::from(raw::read(&newcomer).status == 0);
        drop((idle, newcomer));
        let answered = wait_for(|| {
            let answer = raw::get(&url(Method::Get, "large").ok()?, &[]).ok()?;
            (answer.status == 200 && answer.body == bodies[1].1).then_some(())
        });
        if answered.is_none() {
            part.broken.push("a new connection is not served after others have left".to_owned());
        }
        ensure!(server.process.ended()?.is_none(), "the store has ended for want of descriptors");
        runtime.block_on(client.put(BUCKET, "large", bodies[1].1.clone()))?;
    }
    part.figures = vec![
        ("times the descriptors were used up", rounds),
        ("requests served on a connection that was open", served),
        ("requests refused with 503 for want of one", refused),
    ];
    part.control = Control::of(
        if unanswered == rounds { unanswered } else { 0 },
        "connections beyond the last descriptor were not answered",
    );
    Ok(part)
}

/// Connects until the process has no descriptor left. More wait in the queue of the listener.
fn take_all(server: &Alone) -> Result<Vec<TcpStream>> {
    let mut idle = Vec::new();
    for _ in 0..DESCRIPTORS {
        idle.push(raw::connect(server.place.address())?);
    }
    let are_taken = || (server.process.descriptors().ok()? >= DESCRIPTORS).then_some(());
    wait_for(are_taken).context("connections do not use up the descriptors")?;
    Ok(idle)
}
