//! A bucket of ten million objects against one of ten thousand: listing, reading, writing, memory, and starting.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatepass_authority::{RootSource, root_from_text};
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{Config, Store};
use rustix::fs::{Advice, fadvise};

use super::figures::{Rounds, Spread};
use super::load::{Exchange, Load, Turn};
use super::servers::{BUCKET, Server};
use super::urls::{ACCESS_KEY, SECRET_KEY, now};

/// The small bucket.
const FEW: u64 = 10_000;
const BODY: [u8; 64] = [7; 64];
/// How often starting is timed.
const STARTS: usize = 7;
/// What one page of a list holds.
const PAGE: &str = "1000";

/// What is compared.
pub struct Experiment<'a> {
    /// The `gatepass` program.
    pub program: &'a Path,
    /// Where the data directories go. Those that are there are full already.
    pub directory: &'a Path,
    /// How many objects the full bucket has.
    pub objects: u64,
    /// How often each bucket has its turn.
    pub rounds: usize,
    /// The load of a turn.
    pub load: Load,
}

impl Experiment<'_> {
    /// Runs it and answers the ratios.
    pub fn run(&self) -> Result<Vec<(&'static str, f64)>> {
        let (few, many) = (self.directory.join("few"), self.directory.join("many"));
        let empty = self.start_times(&self.directory.join("empty"))?;
        println_spread("start on an empty directory", empty, "ms");
        fill(&few, FEW)?;
        let begun = Instant::now();
        fill(&many, self.objects)?;
        say(&format!("{} objects loaded in {} s, {} MiB", self.objects, begun.elapsed().as_secs(), mib(&many)?));
        let killed = self.start_times(&many)?;
        println_spread("start on a full directory after SIGKILL", killed, "ms");

        warm(&many)?;
        let mut few = Served { server: Server::gatepass(self.program, &few)?, objects: FEW };
        let mut many = Served { server: Server::gatepass(self.program, &many)?, objects: self.objects };
        let list = self.compare("list", &mut few, &mut many, list)?;
        let get = self.compare("get", &mut few, &mut many, get)?;
        let put = self.compare("put", &mut few, &mut many, put)?;
        say(&format!("resident with {FEW} objects {:>36} MiB", few.server.process.resident_mib()?));
        #[expect(clippy::cast_precision_loss, reason = "a number of MiB")]
        let resident = many.server.process.resident_mib()? as f64;
        Ok(vec![
            ("list_10m_over_10k", list),
            ("get_10m_over_10k", get),
            ("put_10m_over_10k", put),
            ("rss_mib_at_10m", resident),
            ("start_ms", empty.median),
            ("start_ms_at_10m", killed.median),
        ])
    }

    /// The time of one request to the full bucket, in times of one to the small one.
    fn compare(
        &self,
        name: &str,
        few: &mut Served,
        many: &mut Served,
        request: fn(&Served, Turn, usize) -> Result<(&'static str, String)>,
    ) -> Result<f64> {
        let (mut of_few, mut of_many) = (Rounds::default(), Rounds::default());
        for round in 0..self.rounds {
            for (served, rounds) in [(&*few, &mut of_few), (&*many, &mut of_many)] {
                let exchange = Exchange {
                    request: &|turn| request(served, turn, round).expect("a request that can be signed"),
                    body: if name == "put" { &BODY } else { &[] },
                    answer_bytes: (name == "get").then_some(BODY.len() as u64),
                };
                rounds.push(self.load.run(&served.server.process, served.server.address, &exchange)?);
            }
        }
        println_spread(&format!("{name} with {FEW} objects"), of_few.throughput(), "a second");
        println_spread(&format!("{name} with {} objects", self.objects), of_many.throughput(), "a second");
        Ok(of_few.throughput().median / of_many.throughput().median)
    }

    /// From the start of the process to the first connection, killed each time.
    fn start_times(&self, data: &Path) -> Result<Spread> {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let begun = Instant::now();
            let mut server = Server::gatepass(self.program, data)?;
            times.push(milliseconds(begun.elapsed()));
            server.process.kill()?;
        }
        Ok(Spread::of(times))
    }
}

struct Served {
    server: Server,
    objects: u64,
}

impl Served {
    /// A key somewhere in the bucket, another one each time.
    fn key(&self, turn: Turn, round: usize) -> String {
        let position = turn.number + turn.connection as u64 * 1_000_003 + round as u64 * 7_919;
        // Fibonacci hashing: neighbours in time are far from each other in the bucket.
        name(position.wrapping_mul(0x9e37_79b9_7f4a_7c15) % self.objects)
    }
}

fn list(served: &Served, turn: Turn, round: usize) -> Result<(&'static str, String)> {
    let after = served.key(turn, round);
    let query = [("list-type", "2"), ("max-keys", PAGE), ("start-after", after.as_str())];
    Ok(("GET", served.server.urls()?.target_with(Method::Get, BUCKET, "", &query)?))
}

fn get(served: &Served, turn: Turn, round: usize) -> Result<(&'static str, String)> {
    Ok(("GET", served.server.urls()?.target(Method::Get, BUCKET, &served.key(turn, round))?))
}

fn put(served: &Served, turn: Turn, round: usize) -> Result<(&'static str, String)> {
    // New objects, everywhere between those that are there.
    let key = format!("{}-{round}-{}-{}", served.key(turn, round), turn.connection, turn.number);
    Ok(("PUT", served.server.urls()?.target(Method::Put, BUCKET, &key)?))
}

fn name(number: u64) -> String {
    format!("user-{:04}/{number:09}.json", number / 10_000)
}

/// Makes a data directory with this many objects, by the store's own writer and without HTTP.
fn fill(data: &Path, objects: u64) -> Result<()> {
    if data.exists() {
        return Ok(());
    }
    let unfinished = data.with_extension("unfinished");
    let root = RootSource::Given(root_from_text(ACCESS_KEY, SECRET_KEY)?);
    let store = Store::open(Config::new(&unfinished, root, Arc::new(now)))?;
    store.load(BUCKET, (0..objects).map(|number| (name(number), BODY.to_vec()))).context("loading failed")?;
    drop(store);
    Ok(fs::rename(unfinished, data)?)
}

/// Has the system read the index once, as a store that has been in use has it: reading from a cold disk would be compared
/// with reading from memory otherwise. Page by page, as the store does: read ahead, it would lie in large folios, which make
/// writing a page of it slow.
fn warm(data: &Path) -> Result<()> {
    let file = fs::File::open(data.join("index.redb"))?;
    fadvise(&file, 0, None, Advice::Random)?;
    std::io::copy(&mut &file, &mut std::io::sink())?;
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn mib(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let data = entry?.metadata()?;
        bytes += if data.is_file() { data.len() } else { 0 };
    }
    ensure!(bytes > 0, "nothing was loaded");
    Ok(bytes / (1024 * 1024))
}

#[expect(clippy::print_stdout, reason = "figures, while they come")]
fn say(text: &str) {
    println!("{text}");
}

fn println_spread(what: &str, spread: Spread, unit: &str) {
    say(&format!("{what:42} {spread} {unit}"));
}
