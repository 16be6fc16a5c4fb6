//! P2: a reader sees the old object or the new one, whole. Writers overwrite one key, and readers read all of it or some.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::runtime::Runtime;

use super::content::Chance;
use super::promises::Trial;
use super::raw;
use super::report::{Control, Report};
use super::sizes::below_power;
use crate::dev::{Dev, Ready};
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

/// What a reader was given.
struct Answer {
    bytes: Vec<u8>,
    /// Where they stand in the whole.
    offset: usize,
    /// How long the whole is said to be.
    length: usize,
}

impl Answer {
    /// Whether all of it is of one version that was written. None is empty, so that an empty answer is of none.
    fn is_of_one_version(&self) -> bool {
        let number = |place: usize| self.bytes.get(place..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let (Some(serial), Some(length)) = (number(0), number(8)) else { return false };
        usize::try_from(length).is_ok_and(|length| length == self.length)
            && self.length <= 1 << LARGEST_EXPONENT
            && body(serial, self.length).get(self.offset..self.offset + self.bytes.len()) == Some(&self.bytes[..])
    }
}

/// The race on a store, and the same on a file that is written in place.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let server = Dev::start(&directory.path().join("data"), &trial.options(&[]))?;
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
    let read = |range: Option<(usize, usize)>| {
        let headers: Vec<_> = range.iter().map(|(from, to)| ("range", format!("bytes={from}-{to}"))).collect();
        let answer = raw::get(&url, &headers)?;
        ensure!(answer.is_whole(), "an answer of status {} broke off", answer.status);
        let (offset, length) = match answer.status {
            // The version of the moment is shorter.
            416 if range.is_some() => return Ok(None),
            200 => (0, answer.promised.context("an answer does not say how long it is")?),
            206 => content_range(&answer.head).context("an answer does not say what part it is")?,
            other => bail!("a read was answered with {other}"),
        };
        Ok(Some(Answer { bytes: answer.body, offset, length }))
    };
    race(chance, time, &write, &read)
}

/// Where the part begins, and how long the whole is.
fn content_range(head: &str) -> Option<(usize, usize)> {
    let (part, length) = head.split("content-range: bytes ").nth(1)?.lines().next()?.split_once('/')?;
    Some((part.split_once('-')?.0.parse().ok()?, length.parse().ok()?))
}

/// The control: the same on a plain file that is written in place, where readers must see mixtures.
fn in_place(directory: &Path, chance: &mut Chance, time: Duration) -> Result<Seen> {
    let path = directory.join("in-place");
    fs::write(&path, body(0, 5 * STRETCH))?;
    let write = |serial: u64, length: usize| Ok(fs::write(&path, body(serial, length))?);
    let read = |range: Option<(usize, usize)>| {
        let whole = fs::read(&path)?;
        let (from, to) = range.map_or((0, whole.len()), |(from, to)| (from, whole.len().min(to + 1)));
        let bytes = whole.get(from..to).map(<[u8]>::to_vec);
        Ok(bytes.map(|bytes| Answer { bytes, offset: from, length: whole.len() }))
    };
    race(chance, time, &write, &read)
}

/// Reads a range or all; nothing where the range lies behind the end.
type Read<'a> = &'a (dyn Fn(Option<(usize, usize)>) -> Result<Option<Answer>> + Sync);

fn race(
    chance: &mut Chance,
    time: Duration,
    write: &(dyn Fn(u64, usize) -> Result<()> + Sync),
    read: Read<'_>,
) -> Result<Seen> {
    let (serial, reads, mixed) = (AtomicU64::new(1), AtomicU64::new(0), AtomicU64::new(0));
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let failure = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    let fail = |error| *failure() = Some(error);
    let begun = Instant::now();
    let goes_on = || begun.elapsed() < time && failure().is_none();
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            let mut chance = chance.fork();
            let (goes_on, serial, fail) = (&goes_on, &serial, &fail);
            scope.spawn(move || {
                while goes_on() {
                    let length = telling(below_power(&mut chance, LARGEST_EXPONENT));
                    if let Err(error) = write(serial.fetch_add(1, Ordering::Relaxed), length) {
                        fail(error);
                    }
                }
            });
        }
        for reader in 0..READERS {
            let mut chance = chance.fork();
            let (goes_on, reads, mixed, fail) = (&goes_on, &reads, &mixed, &fail);
            scope.spawn(move || {
                while goes_on() {
                    let from = usize::try_from(chance.below(20)).unwrap_or_default() * STRETCH;
                    let range = (reader % 2 == 0).then(|| (from, from + 3 * STRETCH - 1));
                    match read(range) {
                        Ok(None) => {}
                        Ok(Some(answer)) => {
                            reads.fetch_add(1, Ordering::Relaxed);
                            mixed.fetch_add(u64::from(!answer.is_of_one_version()), Ordering::Relaxed);
                        }
                        Err(error) => fail(error),
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(Seen { written: serial.into_inner() - 1, read: reads.into_inner(), mixed: mixed.into_inner() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_told(bytes: &[u8], offset: usize, length: usize) -> bool {
        Answer { bytes: bytes.to_vec(), offset, length }.is_of_one_version()
    }

    #[test]
    fn what_is_written_can_be_told_wherever_a_range_begins() {
        for length in [0, 1, 23, 24, 25, STRETCH - 1, STRETCH, STRETCH + 1, STRETCH + 23, STRETCH + 24, 3 * STRETCH + 7]
        {
            let length = telling(length);
            let whole = body(7, length);
            for offset in (0..length).step_by(STRETCH) {
                assert!(is_told(&whole[offset..], offset, length), "{length} {offset}");
            }
        }
    }

    #[test]
    fn a_mixture_of_two_versions_is_seen_and_one_version_is_none() {
        let (one, two) = (body(1, 3 * STRETCH + 5), body(2, 3 * STRETCH + 5));
        assert!(is_told(&one, 0, one.len()));
        assert!(is_told(&one[STRETCH..2 * STRETCH], STRETCH, one.len()));
        let mixed = [&one[..STRETCH], &two[STRETCH..]].concat();
        for (bytes, offset, length) in [
            (&one[..one.len() - 1], 0, one.len() - 1),
            (&one[STRETCH..], 0, one.len()),
            (&mixed[..], 0, mixed.len()),
            (&[], 0, 0),
        ] {
            assert!(!is_told(bytes, offset, length), "{} bytes at {offset} of {length}", bytes.len());
        }
    }

    #[test]
    fn a_part_says_where_it_begins_and_how_long_the_whole_is() {
        let head = "http/1.1 206 partial content\r\ncontent-range: bytes 4096-8191/20480\r\netag: x\r\n\r\n";
        assert_eq!(content_range(head), Some((4096, 20_480)));
        assert_eq!(content_range("http/1.1 206 partial content\r\n\r\n"), None);
    }
}
