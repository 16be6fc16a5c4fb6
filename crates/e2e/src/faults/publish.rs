//! P2: a reader sees the old object or the new one, whole. Writers overwrite one key, and readers read all of it or some.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::runtime::Runtime;

use super::content::Chance;
use super::promises::Trial;
use super::raw;
use super::report::{Control, Report};
use super::sizes::below_power;
use crate::dev::{Dev, Options, Ready};
use crate::s3::S3;
use gatepass_signing::sigv4::presign::Method;

const BUCKET: &str = "publish";
const KEY: &str = "one";
const WRITERS: u64 = 4;
const READERS: u64 = 16;
/// Each stretch of so many bytes says which version it belongs to.
const STRETCH: usize = 4096;
/// With so many bytes of its beginning.
const NAMING: usize = 24;
const LARGEST_EXPONENT: u64 = 20;
/// How long the race takes.
const FULL: Duration = Duration::from_mins(2);
const SHORT: Duration = Duration::from_secs(2);

/// What readers saw.
#[derive(Debug, Default)]
struct Seen {
    /// Versions that were acknowledged.
    written: u64,
    /// Answers that were compared.
    read: u64,
    /// Answers that were of two versions, or not of one that was written.
    mixed: u64,
}

/// A body of which every stretch names version, length and place.
fn body(serial: u64, length: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(length + STRETCH);
    let mut place = 0_u64;
    while body.len() < length {
        let mut chance = Chance::new(serial ^ place.rotate_left(32));
        for number in [serial, length as u64, place] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        while !body.len().is_multiple_of(STRETCH) {
            body.extend_from_slice(&chance.draw().to_le_bytes());
        }
        place += STRETCH as u64;
    }
    body.truncate(length);
    body
}

/// The next length of which every stretch, the last one too, is long enough to name its version: a range that is cut
/// short by the end of the body would tell nothing otherwise.
fn telling(length: usize) -> usize {
    if length > 0 && length.is_multiple_of(STRETCH) {
        length
    } else {
        length - length % STRETCH + NAMING.max(length % STRETCH)
    }
}

/// Whether these bytes, from `offset` on, are of one version of `length` bytes.
fn is_of_one_version(bytes: &[u8], offset: usize, length: Option<usize>) -> bool {
    let Some(serial) = bytes.first_chunk::<8>() else {
        return bytes.is_empty() && length.is_none_or(|length| length == 0);
    };
    let Some(own) = bytes.get(8..16).and_then(|own| own.first_chunk::<8>()) else { return false };
    let (serial, own) = (u64::from_le_bytes(*serial), u64::from_le_bytes(*own));
    let Ok(own) = usize::try_from(own) else { return false };
    if own > 1 << LARGEST_EXPONENT || length.is_some_and(|length| length != own) {
        return false;
    }
    body(serial, own).get(offset..offset + bytes.len()) == Some(bytes)
}

/// The race on a store, and the same on a file that is written in place.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let options = Options { program: Some(trial.server.clone()), ..Options::default() };
    let server = Dev::start(&directory.path().join("data"), &options)?;
    let runtime = Runtime::new()?;
    let seen = of_the_store(&runtime, server.ready(), &mut chance, trial.effort.pick(SHORT, FULL))?;
    let control = in_place(directory.path(), &mut chance, SHORT)?;
    let mut broken = Vec::new();
    if seen.mixed > 0 {
        broken.push(format!("{} answers were of no single version", seen.mixed));
    }
    Ok(Report {
        figures: vec![
            ("versions written", seen.written),
            ("answers compared", seen.read),
            ("mixed answers", seen.mixed),
        ],
        broken,
        control: Control::of(
            control.mixed,
            &format!("of {} reads of a file that is written in place were mixed", control.read),
        ),
    })
}

/// Lets them run on a store for a while.
fn of_the_store(runtime: &Runtime, ready: &Ready, chance: &mut Chance, time: Duration) -> Result<Seen> {
    let client = Arc::new(S3::new(ready)?);
    runtime.block_on(client.create_bucket(BUCKET))?;
    runtime.block_on(client.put(BUCKET, KEY, body(0, 5 * STRETCH).into()))?;
    let url = client.presign(Method::Get, BUCKET, KEY, 3600)?;
    let write = |serial: u64, length: usize| runtime.block_on(client.put(BUCKET, KEY, body(serial, length).into()));
    let read = |range: Option<(usize, usize)>| -> Result<(Vec<u8>, Option<usize>)> {
        let headers: Vec<_> = range.iter().map(|(from, to)| ("range", format!("bytes={from}-{to}"))).collect();
        let answer = raw::get(&url, &headers)?;
        if answer.status == 416 {
            // The version of the moment is shorter.
            return Ok((Vec::new(), None));
        }
        ensure!(answer.is_whole(), "an answer of status {} broke off", answer.status);
        let total = match answer.status {
            200 => answer.promised,
            _ => answer
                .head
                .split("content-range: bytes ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next()?.split('/').nth(1)?.parse().ok()),
        };
        Ok((answer.body, total))
    };
    race(chance, time, &write, &read)
}

/// The control: the same on a plain file that is written in place, where readers must see mixtures.
fn in_place(directory: &Path, chance: &mut Chance, time: Duration) -> Result<Seen> {
    let path = directory.join("in-place");
    fs::write(&path, body(0, 5 * STRETCH))?;
    let write = |serial: u64, length: usize| Ok(fs::write(&path, body(serial, length))?);
    let read = |_: Option<(usize, usize)>| {
        let bytes = fs::read(&path)?;
        let length = bytes.len();
        Ok((bytes, Some(length)))
    };
    race(chance, time, &write, &read)
}

type Read<'a> = &'a (dyn Fn(Option<(usize, usize)>) -> Result<(Vec<u8>, Option<usize>)> + Sync);

fn race(
    chance: &mut Chance,
    time: Duration,
    write: &(dyn Fn(u64, usize) -> Result<()> + Sync),
    read: Read<'_>,
) -> Result<Seen> {
    let (end, serial, reads, mixed) = (AtomicBool::new(false), AtomicU64::new(1), AtomicU64::new(0), AtomicU64::new(0));
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let fail = |error| *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            let mut chance = chance.fork();
            let (end, serial, fail) = (&end, &serial, &fail);
            scope.spawn(move || {
                while !end.load(Ordering::Relaxed) {
                    let length = telling(below_power(&mut chance, LARGEST_EXPONENT));
                    if let Err(error) = write(serial.fetch_add(1, Ordering::Relaxed), length) {
                        fail(error);
                    }
                }
            });
        }
        for reader in 0..READERS {
            let mut chance = chance.fork();
            let (end, reads, mixed, fail) = (&end, &reads, &mixed, &fail);
            scope.spawn(move || {
                while !end.load(Ordering::Relaxed) {
                    let from = usize::try_from(chance.below(20)).unwrap_or_default() * STRETCH;
                    let range = (reader % 2 == 0).then(|| (from, from + 3 * STRETCH - 1));
                    match read(range) {
                        Ok((bytes, total)) => {
                            reads.fetch_add(1, Ordering::Relaxed);
                            let offset = range.map_or(0, |(from, _)| if total.is_some() { from } else { 0 });
                            if total.is_some() && !is_of_one_version(&bytes, offset, total) {
                                mixed.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        Err(error) => fail(error),
                    }
                }
            });
        }
        let begun = Instant::now();
        while begun.elapsed() < time && failed.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            std::thread::sleep(Duration::from_millis(50));
        }
        end.store(true, Ordering::Relaxed);
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(Seen { written: serial.into_inner() - 1, read: reads.into_inner(), mixed: mixed.into_inner() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_told_wherever_a_range_begins() {
        for length in [0, 1, 23, 24, 25, STRETCH - 1, STRETCH, STRETCH + 1, STRETCH + 23, STRETCH + 24, 3 * STRETCH + 7]
        {
            let length = telling(length);
            let whole = body(7, length);
            for offset in (0..length).step_by(STRETCH) {
                assert!(is_of_one_version(&whole[offset..], offset, Some(length)), "{length} {offset}");
            }
        }
    }

    #[test]
    fn a_mixture_of_two_versions_is_seen_and_one_version_is_none() {
        let (one, two) = (body(1, 3 * STRETCH + 5), body(2, 3 * STRETCH + 5));
        assert!(is_of_one_version(&one, 0, Some(one.len())));
        assert!(is_of_one_version(&one[STRETCH..2 * STRETCH], STRETCH, Some(one.len())));
        assert!(!is_of_one_version(&one[..one.len() - 1], 0, Some(one.len() - 1)));
        let mixed = [&one[..STRETCH], &two[STRETCH..]].concat();
        assert!(!is_of_one_version(&mixed, 0, Some(mixed.len())));
        assert!(!is_of_one_version(&one[STRETCH..], 0, None));
    }
}
