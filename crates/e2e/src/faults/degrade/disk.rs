//! A disk that fills up under writers and readers, and is relieved.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use gatepass_store::Config;
use hyper::Method;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::super::content::{Chance, Content};
use super::super::ledger::{Change, Ledger};
use super::super::promises::Trial;
use super::super::report::{Control, Report};
use super::super::sizes::below_power;
use super::super::tmpfs::{PAGE, Tmpfs};
use super::{BUCKET, LARGE};
use crate::alone::{Launch, check};
use crate::dev::wait_for;
use crate::s3::S3;

const DISK_MIB: u64 = 256;
const WRITERS: u64 = 8;
/// Few, so that writes overwrite and the disk has room for all.
const KEYS_PER_WRITER: u64 = 16;
/// Below 512 KiB.
const LARGEST_EXPONENT: u64 = 19;
/// As many answers of a kind are waited for.
const FULL_ANSWERS: u64 = 64;
const SHORT_ANSWERS: u64 = 8;

/// A disk fills up and is relieved, again and again, under writers and readers; without a reserve, so that it is full to
/// the last page, and with the usual one. Then deletes, on a disk that is within its reserve.
///
/// The control is a disk that is not relieved: no write may be taken then.
pub(super) fn run(trial: &Trial, runtime: &Runtime, work: &Path, chance: &mut Chance) -> Result<Report> {
    let mut part = Report { figures: Vec::new(), broken: Vec::new(), control: Control::Impossible(String::new()) };
    let disk = match Tmpfs::new(work, DISK_MIB) {
        Ok(disk) => disk,
        Err(reason) => {
            part.control = Control::Impossible(format!("file systems cannot be mounted here ({reason:#})"));
            return Ok(part);
        }
    };
    let rounds = trial.effort.pick(1, 50);
    let answers = trial.effort.pick(SHORT_ANSWERS, FULL_ANSWERS);
    let (mut acknowledged, mut refused, mut read, mut slowest) = (0, 0, 0, Duration::ZERO);
    for reserve in [0, Config::DEFAULT_RESERVE_BYTES] {
        let server = Launch::new(&trial.server, &disk.data()).with(&["--reserve", &reserve.to_string()]).start()?;
        let client = Arc::new(server.client()?);
        runtime.block_on(client.create_bucket(BUCKET))?;
        let shared = Arc::new(Shared { serial: AtomicU64::new(reserve), ..Shared::default() });
        let mut work = JoinSet::new();
        for writer in 0..WRITERS {
            let working = Arc::clone(&shared).work(Arc::clone(&client), reserve + writer, chance.fork());
            work.spawn_on(working, runtime.handle());
        }
        for _ in 0..rounds {
            ensure!(more(&shared.acknowledged, answers), "nothing is written on a disk with space");
            // Writers may take the last pages first; they are not in the way of what is being measured.
            let _ = disk.leave(chance.below(1 + reserve / PAGE));
            if !more(&shared.refused, answers) {
                part.broken.push("a full disk refuses nothing".to_owned());
            }
            disk.relieve()?;
            let begun = Instant::now();
            let before = shared.acknowledged.load(Ordering::Relaxed);
            if wait_for(|| (shared.acknowledged.load(Ordering::Relaxed) > before).then_some(())).is_none() {
                part.broken.push("no write was taken after space had returned".to_owned());
            }
            slowest = slowest.max(begun.elapsed());
        }
        shared.is_over.store(true, Ordering::Relaxed);
        for broken in runtime.block_on(work.join_all()) {
            part.broken.extend(broken?);
        }
        acknowledged += shared.acknowledged.load(Ordering::Relaxed);
        refused += shared.refused.load(Ordering::Relaxed);
        read += shared.read.load(Ordering::Relaxed);
        if reserve > 0 {
            part.control = within_the_reserve(runtime, &disk, &client, &mut part.broken)?;
        }
        server.terminate()?;
        let checked = check(&trial.server, &disk.data())?;
        part.broken.extend(checked.wrong.map(|wrong| format!("the check says {wrong}")));
    }
    part.figures = vec![
        ("times the disk was filled", 2 * rounds),
        ("writes acknowledged meanwhile", acknowledged),
        ("writes refused with 503 and Retry-After", refused),
        ("reads compared", read),
        ("longest until a write was taken again, ms", u64::try_from(slowest.as_millis())?),
    ];
    Ok(part)
}

/// What it is called, method, key, query, headers and body.
type Write<'a> = (&'a str, Method, &'a str, &'a str, &'a [(&'a str, &'a str)], &'a Bytes);

/// Every kind of write is refused, and whatever frees space is not.
fn within_the_reserve(runtime: &Runtime, disk: &Tmpfs, client: &S3, broken: &mut Vec<String>) -> Result<Control> {
    runtime.block_on(client.put(BUCKET, "kept", Bytes::from_static(b"kept")))?;
    runtime.block_on(client.put(BUCKET, "gone", vec![1; LARGE].into()))?;
    let upload = runtime.block_on(client.begin_upload(BUCKET, "parts"))?;
    let tag = runtime.block_on(client.upload_part(BUCKET, "parts", &upload, 1, vec![2; LARGE].into()))?;
    let source = [("x-amz-copy-source", "degrade/kept")];
    let part = format!("partNumber=2&uploadId={upload}");
    let this = format!("uploadId={upload}");
    let manifest = Bytes::from(S3::manifest(&[tag]));
    let tagging = Bytes::from_static(b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>");
    let (none, large) = (Bytes::new(), Bytes::from(vec![3; LARGE]));
    let writes: [Write<'_>; 8] = [
        ("PutObject of a small body", Method::PUT, "small", "", &[], &none),
        ("PutObject of a large body", Method::PUT, "large", "", &[], &large),
        ("CopyObject", Method::PUT, "copied", "", &source, &none),
        ("CreateMultipartUpload", Method::POST, "more", "uploads=", &[], &none),
        ("UploadPart", Method::PUT, "parts", &part, &[], &large),
        ("UploadPartCopy", Method::PUT, "parts", &part, &source, &none),
        ("CompleteMultipartUpload", Method::POST, "parts", &this, &[], &manifest),
        ("PutObjectTagging", Method::PUT, "kept", "tagging=", &[], &tagging),
    ];
    // Within the reserve by far, and with room for commits.
    disk.leave(Config::DEFAULT_RESERVE_BYTES / PAGE / 2)?;
    let mut refused = 0;
    for (what, method, key, query, headers, body) in writes {
        let answer = runtime.block_on(client.send_with(method, BUCKET, key, query, headers, Bytes::clone(body)))?;
        if answer.status.as_u16() == 503 && answer.headers.contains_key("retry-after") {
            refused += 1;
        } else {
            broken.push(format!("on a full disk {what} was answered {} {}", answer.status, answer.text()));
        }
    }
    let gets = [("kept", ""), ("gone", ""), ("", "list-type=2"), ("parts", this.as_str())];
    for (key, query) in gets {
        let answer = runtime.block_on(client.send(Method::GET, BUCKET, key, query, Bytes::new()))?;
        if answer.status != 200 {
            broken.push(format!("on a full disk GET {key}?{query} was answered {}", answer.status));
        }
    }
    for (key, query) in [("gone", ""), ("parts", this.as_str())] {
        let answer = runtime.block_on(client.send(Method::DELETE, BUCKET, key, query, Bytes::new()))?;
        if answer.status != 204 {
            broken.push(format!("on a full disk DELETE {key}?{query} was answered {}", answer.status));
        }
    }
    disk.relieve()?;
    runtime.block_on(client.put(BUCKET, "kept", Bytes::from_static(b"again")))?;
    Ok(Control::of(refused, "kinds of writes were refused while the disk was not relieved"))
}

/// What writers to a disk that fills share.
#[derive(Default)]
struct Shared {
    ledger: Ledger<Content>,
    serial: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    read: AtomicU64,
    is_over: AtomicBool,
}

impl Shared {
    /// Writes, and reads what it wrote, until it is over. Answers what should not have happened.
    async fn work(self: Arc<Self>, client: Arc<S3>, writer: u64, mut chance: Chance) -> Result<Vec<String>> {
        let mut broken = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let key = format!("{writer}/{}", chance.below(KEYS_PER_WRITER));
            let length = below_power(&mut chance, LARGEST_EXPONENT);
            let content = Content { serial: self.serial.fetch_add(1, Ordering::Relaxed), length };
            self.ledger.ask(&key, Change::Write(content));
            let put = client.send(Method::PUT, BUCKET, &key, "", content.bytes()).await?;
            match put.status.as_u16() {
                200 => {
                    self.ledger.acknowledge(&key);
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                503 if put.headers.contains_key("retry-after") => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
                status => broken.push(format!("a write was answered {status}: {}", put.text())),
            }
            let entry = self.ledger.snapshot().remove(&key).context("it was noted")?;
            let got = client.send(Method::GET, BUCKET, &key, "", Bytes::new()).await?;
            let found = match got.status.as_u16() {
                200 => entry.candidates().into_iter().find(|content| content.bytes() == got.body),
                404 => None,
                status => {
                    broken.push(format!("a read was answered {status}: {}", got.text()));
                    continue;
                }
            };
            self.read.fetch_add(1, Ordering::Relaxed);
            if !entry.permits(found.as_ref()) || (got.status == 200 && found.is_none()) {
                broken.push(format!("{key} has {} bytes that were not acknowledged", got.body.len()));
            }
            self.ledger.settle(&key, found);
        }
        Ok(broken)
    }
}

/// Waits until so many more were counted; not for ever.
fn more(counter: &AtomicU64, answers: u64) -> bool {
    let before = counter.load(Ordering::Relaxed);
    wait_for(|| (counter.load(Ordering::Relaxed) >= before + answers).then_some(())).is_some()
}
