//! P7: every limit is kept to the last byte, with AWS's own code, and before the work: what is too long by its own account
//! is refused while nothing of it has been sent, and no refusal makes the server grow.
//!
//! The bounds are the constants of the code (`table`): who changes one changes what is measured.

mod table;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use gatepass_signing::sigv4::header::Body;
use tokio::runtime::Runtime;

use super::content::Chance;
use super::promises::Trial;
use super::raw;
use super::report::{Control, Report};
use crate::alone::{Launch, Place};
use crate::s3::{S3, element};

/// Where requests of the table go.
const BUCKET: &str = "limits";
const KEY: &str = "object";
/// What the server may grow by while it refuses and accepts everything in the table, of which the longest is 8 MiB.
const GROWTH_KIB: u64 = 48 * 1024;
/// A refusal that takes longer waits for something that does not come.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A limit of the store.
struct Limit {
    name: &'static str,
    bound: u64,
    /// A request that has so much of it.
    request: fn(&Scene, u64) -> Result<Request>,
    /// The answers to a request at the bound that do not refuse it: 100 where the body is then asked for, and an error
    /// where another check comes after.
    accepted: u16,
    /// The status and the code of one past it.
    refused: (u16, &'static str),
}

/// A request as it will be sent.
struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    signature: Signature,
    /// The target that is signed in its place, where the signer itself would not sign it.
    signed_target: Option<String>,
    /// Lines after those that are signed.
    lines: Vec<String>,
    /// How long the whole head is made by one more line.
    head_bytes: Option<u64>,
    body: Sent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signature {
    InHeaders,
    /// In the target already, or nowhere.
    NotHere,
}

enum Sent {
    /// All of it.
    Whole(Bytes),
    /// Nothing of so many bytes: the client waits to be told to go on (RFC 9110 §10.1.1).
    Announced(u64),
}

/// What requests are about.
struct Scene {
    client: S3,
    place: Place,
    /// An upload of the key.
    upload: String,
}

/// Tries every limit at its bound and one past it. The control is the same table with every bound one too high and one too
/// low: each row must be noticed both times.
pub fn run(trial: &Trial, _: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let server = Launch::new(&trial.server, &directory.path().join("data")).start()?;
    let client = server.client()?;
    let runtime = Runtime::new()?;
    runtime.block_on(client.create_bucket(BUCKET))?;
    runtime.block_on(client.put(BUCKET, KEY, Bytes::from_static(b"content")))?;
    let upload = runtime.block_on(client.begin_upload(BUCKET, KEY))?;
    let scene = Scene { client, place: server.place.clone(), upload };
    let before = server.process.peak_kib()?;
    let mut broken = Vec::new();
    let mut slowest = Duration::ZERO;
    let limits = table::limits();
    for limit in &limits {
        let begun = Instant::now();
        broken.extend(limit.try_at(&scene, limit.bound)?.map(|wrong| format!("{}: {wrong}", limit.name)));
        slowest = slowest.max(begun.elapsed());
    }
    let growth = server.process.peak_kib()?.saturating_sub(before);
    if growth > GROWTH_KIB {
        broken.push(format!("the server grew by {growth} KiB, and may by {GROWTH_KIB}"));
    }
    if slowest > AT_ONCE {
        broken.push(format!("a limit was found out after {} ms", slowest.as_millis()));
    }
    let mut missed = Vec::new();
    for limit in &limits {
        for wrong in [limit.bound - 1, limit.bound + 1] {
            if limit.try_at(&scene, wrong)?.is_none() {
                missed.push(format!("{} of {wrong} in place of {}", limit.name, limit.bound));
            }
        }
    }
    let control = if missed.is_empty() {
        Control::Caught(format!("{} bounds that were one too low or one too high", 2 * limits.len()))
    } else {
        Control::Passed(missed.join("; "))
    };
    let figures = vec![
        ("limits", limits.len() as u64),
        ("limits kept to the last one", (limits.len() - broken.len().min(limits.len())) as u64),
        ("slowest pair of answers, ms", u64::try_from(slowest.as_millis())?),
        ("growth of the server, KiB", growth),
        ("growth that it may have, KiB", GROWTH_KIB),
    ];
    Ok(Report { figures, broken, control })
}

impl Limit {
    /// What is wrong with the limit, if it is said to lie at `bound`.
    fn try_at(&self, scene: &Scene, bound: u64) -> Result<Option<String>> {
        let (status, code) = (self.request)(scene, bound)?.send(scene)?;
        if status != self.accepted || (status, code.as_str()) == self.refused {
            return Ok(Some(format!("at {bound} it is answered {status} {code}")));
        }
        let (status, code) = (self.request)(scene, bound + 1)?.send(scene)?;
        if (status, code.as_str()) != self.refused {
            return Ok(Some(format!("at {} it is answered {status} {code}", bound + 1)));
        }
        Ok(None)
    }
}

impl Request {
    /// A signed request about the object or, with an empty key, the bucket.
    fn new(scene: &Scene, method: &'static str, key: &str, query: &str) -> Result<Self> {
        Ok(Self::to(method, scene.client.target(BUCKET, key, query)?))
    }

    fn to(method: &'static str, target: String) -> Self {
        Self {
            method,
            target,
            headers: Vec::new(),
            signature: Signature::InHeaders,
            signed_target: None,
            lines: Vec::new(),
            head_bytes: None,
            body: Sent::Whole(Bytes::new()),
        }
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    fn body(self, body: Sent) -> Self {
        Self { body, ..self }
    }

    /// Sends it, and answers status and code.
    fn send(self, scene: &Scene) -> Result<(u16, String)> {
        let (length, payload) = match &self.body {
            Sent::Whole(body) => (body.len() as u64, Body::of(body)),
            Sent::Announced(length) => (*length, Body::Unsigned),
        };
        let mut head = match self.signature {
            Signature::InHeaders => {
                let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let signed = self.signed_target.as_ref().unwrap_or(&self.target);
                scene.client.head(self.method, signed, &headers, payload)?.text.replacen(signed, &self.target, 1)
            }
            Signature::NotHere => {
                let mut head =
                    format!("{} {} HTTP/1.1\r\nhost: {}\r\n", self.method, self.target, scene.place.address());
                for (name, value) in &self.headers {
                    head.extend([name, ": ", value, "\r\n"]);
                }
                head
            }
        };
        if length > 0 || self.method != "GET" {
            head.extend(["content-length: ", &length.to_string(), "\r\n"]);
        }
        if matches!(self.body, Sent::Announced(_)) {
            head.push_str("expect: 100-continue\r\n");
        } else {
            head.push_str("connection: close\r\n");
        }
        for line in &self.lines {
            head.extend([line, "\r\n"]);
        }
        if let Some(whole) = self.head_bytes {
            let filler = usize::try_from(whole)?.saturating_sub(head.len() + "x: \r\n\r\n".len());
            head.extend(["x: ", &"x".repeat(filler), "\r\n"]);
        }
        head.push_str("\r\n");
        let mut stream = raw::connect(scene.place.address())?;
        // A server that refuses before the end may close.
        let _ = stream.write_all(head.as_bytes());
        let answer = match self.body {
            Sent::Whole(body) => {
                let _ = stream.write_all(&body);
                raw::read(stream)
            }
            Sent::Announced(_) => raw::first(&stream)?,
        };
        let code = element(&String::from_utf8_lossy(&answer.body), "Code").unwrap_or_default();
        Ok((answer.status, code))
    }
}
