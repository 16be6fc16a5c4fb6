//! `cargo xtask bench store`: what the store takes for a request, beside nginx, s3s-fs and Ceph's gateway.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use gatepass_e2e::bench::figures::Rounds;
use gatepass_e2e::bench::load::{Exchange, Load, Turn};
use gatepass_e2e::bench::rgw::{self, Rgw};
use gatepass_e2e::bench::servers::{BUCKET, Server, installed, nth, secure_link, targets};
use gatepass_e2e::bench::size;
use gatepass_signing::sigv4::presign::Method;

const SMALL: usize = 4 * 1024;
const LARGE: usize = 8 * 1024 * 1024;
/// How many objects the reads go over.
const SMALL_OBJECTS: usize = 100;
const LARGE_OBJECTS: usize = 4;

/// Compares the store with other servers, in one run, on one directory.
#[derive(Parser)]
struct Arguments {
    /// The `gatepass` program
    #[arg(long)]
    server: PathBuf,
    /// Where the data directories go; all on one file system
    #[arg(long)]
    work: PathBuf,
    /// The `s3s-fs` program
    #[arg(long)]
    s3s_fs: Option<PathBuf>,
    /// Only these parts
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// How often each server has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a turn is, in milliseconds
    #[arg(long, default_value_t = 2000)]
    turn: u64,
    /// How many connections the ratios are taken over
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// A number of connections for which figures are printed besides; 0 for none
    #[arg(long, default_value_t = 256)]
    more_connections: usize,
    /// How many objects a full bucket has
    #[arg(long, default_value_t = 10_000_000)]
    objects: u64,
    /// Where the buckets of `size` are filled, and found full by the next run; what that writes besides stays in them
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Fail where a peer is not installed, in place of leaving its ratios out
    #[arg(long)]
    require_all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Part {
    /// GET of 4 KiB against nginx's `secure_link` and s3s-fs
    #[value(name = "get_4k")]
    Get4k,
    /// GET of 8 MiB against nginx's sendfile
    #[value(name = "get_8m")]
    Get8m,
    /// PUT of 4 KiB, synced, against s3s-fs, which does not sync
    #[value(name = "put_4k")]
    Put4k,
    /// PUT of 8 MiB, synced, against the MD5 of 8 MiB and nginx's `WebDAV`
    #[value(name = "put_8m")]
    Put8m,
    /// GET of 4 KiB against Ceph's gateway
    Rgw,
    /// A bucket of ten million objects against one of ten thousand; starting
    Size,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let directory = tempfile::tempdir_in(&arguments.work)?;
    let bench = Bench { directory: directory.path().to_owned(), arguments };
    for (part, run) in [
        (Part::Get4k, Bench::get_4k as fn(&Bench) -> Result<()>),
        (Part::Get8m, Bench::get_8m),
        (Part::Put4k, Bench::put_4k),
        (Part::Put8m, Bench::put_8m),
        (Part::Rgw, Bench::rgw),
        (Part::Size, Bench::size),
    ] {
        if bench.arguments.only.is_empty() || bench.arguments.only.contains(&part) {
            run(&bench)?;
        }
    }
    Ok(())
}

struct Bench {
    directory: PathBuf,
    arguments: Arguments,
}

impl Bench {
    fn get_4k(&self) -> Result<()> {
        let names = names(SMALL_OBJECTS);
        let body = vec![7; SMALL];
        let ours = self.gatepass("get-4k")?;
        put_all(&ours, &names, &body)?;
        let nginx = self.nginx("get-4k")?;
        write_files(&self.directory.join("nginx-get-4k/files"), &names, &body)?;
        let s3s = self.s3s_fs("get-4k")?;
        let our_urls = targets(&ours.urls()?, Method::Get, &names)?;
        let links = names.iter().map(|name| secure_link(name)).collect::<Result<Vec<_>>>()?;
        let mut contest = Contest::new("get_4k", &self.arguments, SMALL as u64);
        contest.enter(&ours, get(our_urls));
        contest.enter(&nginx, get(links));
        if let Some(s3s) = &s3s {
            put_all(s3s, &names, &body)?;
            contest.enter(s3s, get(targets(&s3s.urls()?, Method::Get, &names)?));
        }
        let [gatepass, nginx, ..] = &contest.run()?[..] else { bail!("a server is missing") };
        ratio("get_4k_cpu_over_nginx_secure_link", gatepass.cpu().median / nginx.cpu().median);
        Ok(())
    }

    fn get_8m(&self) -> Result<()> {
        let names = names(LARGE_OBJECTS);
        let body = vec![7; LARGE];
        let ours = self.gatepass("get-8m")?;
        put_all(&ours, &names, &body)?;
        let nginx = self.nginx("get-8m")?;
        write_files(&self.directory.join("nginx-get-8m/files"), &names, &body)?;
        let mut contest = Contest::new("get_8m", &self.arguments, LARGE as u64);
        contest.enter(&ours, get(targets(&ours.urls()?, Method::Get, &names)?));
        contest.enter(&nginx, get(names.iter().map(|name| format!("/plain/{name}")).collect()));
        let [gatepass, nginx] = &contest.run()?[..] else { bail!("a server is missing") };
        ratio("get_8m_cpu_over_nginx", gatepass.cpu().median / nginx.cpu().median);
        Ok(())
    }

    fn put_4k(&self) -> Result<()> {
        let body = vec![7; SMALL];
        let ours = self.gatepass("put-4k")?;
        let Some(s3s) = self.s3s_fs("put-4k")? else { return Ok(()) };
        let mut contest = Contest::new("put_4k", &self.arguments, 0);
        contest.body = &body;
        for server in [&ours, &s3s] {
            let urls = server.urls()?;
            // Every object is new.
            contest.enter(server, move |turn, round| {
                let name = format!("{round}/{}/{}", turn.connection, turn.number);
                ("PUT", urls.target(Method::Put, BUCKET, &name).expect("a name that can be signed"))
            });
        }
        let [gatepass, s3s] = &contest.run()?[..] else { bail!("a server is missing") };
        ratio("put_4k_throughput_over_s3s_fs", gatepass.throughput().median / s3s.throughput().median);
        ratio("put_4k_cpu_over_s3s_fs", gatepass.cpu().median / s3s.cpu().median);
        Ok(())
    }

    fn put_8m(&self) -> Result<()> {
        let body = vec![7; LARGE];
        let ours = self.gatepass("put-8m")?;
        let nginx = self.nginx("put-8m")?;
        let mut contest = Contest::new("put_8m", &self.arguments, 0);
        contest.body = &body;
        let urls = ours.urls()?;
        // Written over again and again, or the disk would not hold them.
        contest.enter(&ours, move |turn, _| {
            let name = format!("{}", turn.connection);
            ("PUT", urls.target(Method::Put, BUCKET, &name).expect("a name that can be signed"))
        });
        contest.enter(&nginx, |turn, _| ("PUT", format!("/dav/{}", turn.connection)));
        let [gatepass, nginx] = &contest.run()?[..] else { bail!("a server is missing") };
        let md5 = self.md5_micros()?;
        println!("put_8m md5sum             {md5:10.1} µs of CPU");
        ratio("put_8m_cpu_over_md5_and_webdav", gatepass.cpu().median / (md5 + nginx.cpu().median));
        Ok(())
    }

    fn rgw(&self) -> Result<()> {
        let missing = rgw::missing();
        if !missing.is_empty() {
            return self.left_out("rgw_cpu_over_get_4k", &format!("install {}", missing.join(" ")));
        }
        let names = names(SMALL_OBJECTS);
        let body = vec![7; SMALL];
        let ours = self.gatepass("rgw")?;
        put_all(&ours, &names, &body)?;
        let rgw = Rgw::start(&self.directory.join("rgw"))?;
        create_bucket(&rgw.gateway)?;
        put_all(&rgw.gateway, &names, &body)?;
        let mut contest = Contest::new("get_4k_rgw", &self.arguments, SMALL as u64);
        for server in [&ours, &rgw.gateway] {
            contest.enter(server, get(targets(&server.urls()?, Method::Get, &names)?));
        }
        let [gatepass, rgw] = &contest.run()?[..] else { bail!("a server is missing") };
        ratio("rgw_cpu_over_get_4k", rgw.cpu().median / gatepass.cpu().median);
        Ok(())
    }

    fn size(&self) -> Result<()> {
        let experiment = size::Experiment {
            program: &self.arguments.server,
            directory: self.arguments.keep.as_ref().unwrap_or(&self.directory),
            objects: self.arguments.objects,
            rounds: self.arguments.rounds,
            load: Load { connections: self.arguments.connections, time: Duration::from_millis(self.arguments.turn) },
        };
        for (name, value) in experiment.run()? {
            ratio(name, value);
        }
        Ok(())
    }

    fn gatepass(&self, part: &str) -> Result<Server> {
        let server = Server::gatepass(&self.arguments.server, &self.directory.join(format!("gatepass-{part}")))?;
        create_bucket(&server)?;
        Ok(server)
    }

    fn nginx(&self, part: &str) -> Result<Server> {
        installed("nginx").context("nginx is not installed; Debian has it in the package nginx-light")?;
        Server::nginx(&self.directory.join(format!("nginx-{part}")))
    }

    fn s3s_fs(&self, part: &str) -> Result<Option<Server>> {
        match self.arguments.s3s_fs.clone().or_else(|| installed("s3s-fs")) {
            Some(program) => Ok(Some(Server::s3s_fs(&program, &self.directory.join(format!("s3s-fs-{part}")))?)),
            None => self
                .left_out(part, "run `cargo install s3s-fs --version 0.14.1 --features binary --locked`")
                .map(|()| None),
        }
    }

    fn left_out(&self, what: &str, help: &str) -> Result<()> {
        if self.arguments.require_all {
            bail!("{what} cannot be measured here: {help}");
        }
        println!("{what} is NOT MEASURED: {help}");
        Ok(())
    }

    /// The CPU time of `md5sum` for 8 MiB, of the fastest of some runs over many times as much.
    fn md5_micros(&self) -> Result<f64> {
        const TIMES: usize = 32;
        let file = self.directory.join("md5");
        fs::write(&file, vec![7; LARGE * TIMES])?;
        let script = "md5sum \"$0\" >/dev/null; times";
        let mut least = f64::MAX;
        for _ in 0..5 {
            let output = Command::new("bash").args(["-c", script]).arg(&file).output()?;
            ensure!(output.status.success(), "md5sum failed");
            // The second line is of the children: `0m0.301s 0m0.020s`.
            let text = String::from_utf8(output.stdout)?;
            let line = text.lines().nth(1).context("bash prints no times")?;
            let seconds: f64 = line.split_whitespace().map(seconds).sum::<Result<f64>>()?;
            least = least.min(seconds);
        }
        fs::remove_file(&file)?;
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        Ok(least * 1e6 / TIMES as f64)
    }
}

fn seconds(text: &str) -> Result<f64> {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m').context("not a time")?;
    Ok(minutes.parse::<f64>()? * 60.0 + seconds.parse::<f64>()?)
}

type NextRequest<'a> = Box<dyn Fn(Turn, usize) -> (&'static str, String) + Sync + 'a>;

/// Servers that take turns at the same thing.
struct Contest<'a> {
    name: &'static str,
    arguments: &'a Arguments,
    answer_bytes: u64,
    body: &'a [u8],
    entries: Vec<(&'a Server, NextRequest<'a>)>,
}

impl<'a> Contest<'a> {
    fn new(name: &'static str, arguments: &'a Arguments, answer_bytes: u64) -> Self {
        Self { name, arguments, answer_bytes, body: &[], entries: Vec::new() }
    }

    fn enter(&mut self, server: &'a Server, next: impl Fn(Turn, usize) -> (&'static str, String) + Sync + 'a) {
        self.entries.push((server, Box::new(next)));
    }

    /// The rounds of each server, in the order of entry, over the connections that ratios are taken over.
    fn run(&self) -> Result<Vec<Rounds>> {
        let counted = self.rounds(self.arguments.connections, 0)?;
        if self.arguments.more_connections > 0 {
            self.rounds(self.arguments.more_connections, self.arguments.rounds)?;
        }
        Ok(counted)
    }

    fn rounds(&self, connections: usize, first: usize) -> Result<Vec<Rounds>> {
        let load = Load { connections, time: Duration::from_millis(self.arguments.turn) };
        let mut rounds: Vec<Rounds> = self.entries.iter().map(|_| Rounds::default()).collect();
        for round in 0..self.arguments.rounds {
            for ((server, next), rounds) in self.entries.iter().zip(&mut rounds) {
                let exchange = Exchange {
                    request: &|turn| next(turn, first + round),
                    body: self.body,
                    answer_bytes: (self.answer_bytes > 0).then_some(self.answer_bytes),
                };
                // What one server has written and not synced, the disk would write in the turn of the next.
                settle()?;
                let done = load.run(&server.process, server.address, &exchange);
                rounds.push(done.with_context(|| format!("{} of {}", self.name, server.name))?);
            }
        }
        for ((server, _), rounds) in self.entries.iter().zip(&rounds) {
            println!("{} {:9} c{connections:<4} {} a second", self.name, server.name, rounds.throughput());
            println!("{} {:9} c{connections:<4} {} µs of CPU", self.name, server.name, rounds.cpu());
        }
        Ok(rounds)
    }
}

fn get(targets: Vec<String>) -> impl Fn(Turn, usize) -> (&'static str, String) + Sync {
    move |turn, _| ("GET", nth(&targets, turn))
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("objects/{number:04}.bin")).collect()
}

fn write_files(root: &Path, names: &[String], body: &[u8]) -> Result<()> {
    fs::create_dir_all(root.join("objects"))?;
    names.iter().try_for_each(|name| fs::write(root.join(name), body)).map_err(Into::into)
}

fn create_bucket(server: &Server) -> Result<()> {
    let target = server.urls()?.target(Method::Put, BUCKET, "")?;
    once(server, &target, b"")
}

fn put_all(server: &Server, names: &[String], body: &[u8]) -> Result<()> {
    let urls = targets(&server.urls()?, Method::Put, names)?;
    urls.iter().try_for_each(|target| once(server, target, body))
}

fn once(server: &Server, target: &str, body: &[u8]) -> Result<()> {
    let exchange = Exchange { request: &|_| ("PUT", target.to_owned()), body, answer_bytes: None };
    exchange.once(server.address).with_context(|| format!("{} does not take an object", server.name))
}

fn settle() -> Result<()> {
    ensure!(Command::new("sync").status()?.success(), "sync failed");
    Ok(())
}

fn ratio(name: &str, value: f64) {
    println!("ratio {name} {value:.3}");
}
