//! Clients that hold on to a server without using it: silent, or slower than anybody is. They are hung up on in the time that
//! the listener's limits say, and others are served meanwhile. The control is a server that waits for ever.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{HEADER_READ_TIMEOUT, MAX_CONNECTIONS, WRITE_STALL_TIMEOUT};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::content::Chance;
use super::promises::{Effort, Trial};
use super::report::{Control, Report};
use crate::dev::Dev;
use crate::http::Http;
use crate::s3::S3;

const BUCKET: &str = "crowd";
const SMALL: &str = "small";
const LARGE: &str = "large";
/// More than the buffers between server and client hold.
const LARGE_BYTES: usize = 16 << 20;
/// How many hold on at the same time: nearly as many as the store has places for, where the system lets a process have as many
/// files. Who comes when there is no place waits in the queue of the listener until somebody's time is over.
const CROWD: usize = MAX_CONNECTIONS - 24;
/// A limit is kept where it is not passed by more than half of it, and a moment for a machine that has other work.
const GRACE: Duration = Duration::from_secs(5);
/// How often those who drip move a byte.
const DRIP: Duration = Duration::from_secs(1);
/// How much slower the slowest of a hundred answers may become.
const SLOWER: u32 = 2;
/// Below this an answer is as quick as the machine lets it be, and twice as slow means nothing.
const QUICK: Duration = Duration::from_millis(10);
/// How long the store lets a body pause.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// A way of holding on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    Silent,
    DripsHead,
    DripsBody,
    ReadsByteByByte,
}

impl Habit {
    /// Those of the short form end within seconds.
    fn all(effort: Effort) -> &'static [Self] {
        effort.pick(
            &[Self::Silent, Self::DripsHead],
            &[Self::Silent, Self::DripsHead, Self::DripsBody, Self::ReadsByteByByte],
        )
    }

    /// How long the store bears it.
    fn limit(self) -> Duration {
        match self {
            Self::Silent | Self::DripsHead => HEADER_READ_TIMEOUT,
            Self::DripsBody => BODY_PAUSE,
            Self::ReadsByteByByte => WRITE_STALL_TIMEOUT,
        }
    }

    fn latest(self) -> Duration {
        self.limit() * 3 / 2 + GRACE
    }

    /// How long it takes to see the end that has come.
    fn rest(self) -> Duration {
        match self {
            Self::ReadsByteByByte => Duration::from_secs(30),
            Self::Silent | Self::DripsHead | Self::DripsBody => Duration::ZERO,
        }
    }

    /// What the figure of the last of them is called.
    fn figure(self) -> &'static str {
        match self {
            Self::Silent => "ms until the last silent client was closed",
            Self::DripsHead => "ms until the last that drips a head was",
            Self::DripsBody => "ms until the last that drips a body was",
            Self::ReadsByteByByte => "ms until the last that reads byte by byte saw so",
        }
    }
}

/// Fills the server with them, and measures others before and meanwhile.
pub fn run(trial: &Trial, _: Chance) -> Result<Report> {
    let runtime = Runtime::new()?;
    let directory = tempfile::tempdir_in(&trial.work)?;
    let server = Dev::start(&directory.path().join("data"), &trial.options(&[]))?;
    let client = S3::new(server.ready())?;
    runtime.block_on(client.create_bucket(BUCKET))?;
    runtime.block_on(client.put(BUCKET, SMALL, Bytes::from_static(b"here")))?;
    runtime.block_on(client.put(BUCKET, LARGE, vec![7; LARGE_BYTES].into()))?;
    let url = client.presign(Method::Get, BUCKET, SMALL, 3600)?;
    let requests = trial.effort.pick(200, 5000);
    let quiet = runtime.block_on(slowest_of_a_hundred(&url, requests))?;
    let size = trial.effort.pick(200, CROWD.min(files()? / 2));
    let (crowd, crowded, control) = runtime.block_on(async {
        let mut crowd = gather(&client, Habit::all(trial.effort), size).await?;
        let control = tokio::spawn(hold_on_to_the_patient());
        let crowded = slowest_of_a_hundred(&url, requests).await?;
        let mut ends = Vec::with_capacity(size);
        while let Some(end) = crowd.join_next().await {
            ends.push(end?);
        }
        anyhow::Ok((ends, crowded, control.await??))
    })?;
    let mut report = Report {
        figures: vec![
            ("clients that hold on", size as u64),
            ("us of the slowest of a hundred answers before", micros(quiet)),
            ("us of the slowest of a hundred meanwhile", micros(crowded)),
        ],
        broken: Vec::new(),
        control: Control::of(control, "connections to a server that waits for ever were still open"),
    };
    for &habit in Habit::all(trial.effort) {
        let ends: Vec<_> = crowd.iter().filter(|(of, _)| *of == habit).map(|(_, end)| *end).collect();
        let open = ends.iter().filter(|end| end.is_none()).count();
        if open > 0 {
            report.broken.push(format!("{open} of {} are still open: {habit:?}", ends.len()));
        }
        let last = ends.into_iter().flatten().max().unwrap_or_default();
        report.figures.push((habit.figure(), u64::try_from(last.as_millis()).unwrap_or(u64::MAX)));
    }
    // The short form runs beside other tests, where a time says nothing.
    if trial.effort == Effort::Full && crowded > SLOWER * quiet.max(QUICK) {
        report.broken.push(format!("others waited {crowded:?} in place of {quiet:?}"));
    }
    Ok(report)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// How many files a process may have open; the server is told no other number than this process.
fn files() -> Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits").context("the limits of this process")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).context("no limit of files")?;
    let soft = line.split_whitespace().next().context("no number of files")?;
    Ok(soft.parse().unwrap_or(usize::MAX))
}

/// The 99th percentile of the times of as many requests, each on a connection of its own, of four who ask one after the
/// other.
async fn slowest_of_a_hundred(url: &str, requests: usize) -> Result<Duration> {
    let mut askers = JoinSet::new();
    for _ in 0..4 {
        let url = url.to_owned();
        askers.spawn(async move {
            let mut times = Vec::with_capacity(requests / 4);
            for _ in 0..requests / 4 {
                let begun = Instant::now();
                let answer = Http::default().get(&url).await?;
                ensure!(answer.status == 200, "{} for an ordinary client", answer.status);
                times.push(begun.elapsed());
            }
            Ok(times)
        });
    }
    let mut times = Vec::with_capacity(requests);
    while let Some(asker) = askers.join_next().await {
        times.extend(asker??);
    }
    times.sort_unstable();
    Ok(times[times.len() * 99 / 100])
}

/// A client's habit, and when it was hung up on.
type End = (Habit, Option<Duration>);

/// Connects all of them, the habits in turn.
async fn gather(client: &S3, habits: &[Habit], size: usize) -> Result<JoinSet<End>> {
    let mut crowd = JoinSet::new();
    for (number, &habit) in habits.iter().cycle().take(size).enumerate() {
        let url = match habit {
            Habit::DripsBody => client.presign(Method::Put, BUCKET, &format!("up/{number}"), 3600)?,
            Habit::Silent | Habit::DripsHead | Habit::ReadsByteByByte => {
                client.presign(Method::Get, BUCKET, LARGE, 3600)?
            }
        };
        let (host, target) = url.trim_start_matches("http://").split_once('/').context("a URL with a path")?;
        let socket = TcpSocket::new_v4()?;
        // What the system would take for the client is nothing that the client took.
        socket.set_recv_buffer_size(4096)?;
        let stream = socket.connect(host.replace("localhost", "127.0.0.1").parse()?).await.context("to connect")?;
        let head = match habit {
            Habit::Silent => String::new(),
            Habit::DripsHead => format!("GET /{target} HTTP/1.1\r\nhost: {host}\r\nx-slow: "),
            Habit::DripsBody => format!("PUT /{target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1048576\r\n\r\n"),
            Habit::ReadsByteByByte => format!("GET /{target} HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        };
        crowd.spawn(async move { (habit, hold_on(stream, habit, head).await) });
    }
    Ok(crowd)
}

/// Holds on until the server hangs up; `None` where it has not by the latest moment.
async fn hold_on(mut stream: TcpStream, habit: Habit, head: String) -> Option<Duration> {
    let begun = Instant::now();
    let held = async {
        stream.write_all(head.as_bytes()).await?;
        let mut byte = [0];
        loop {
            match habit {
                Habit::Silent => {
                    while stream.read(&mut byte).await? > 0 {}
                    return Ok(());
                }
                Habit::DripsHead | Habit::DripsBody => {
                    // An answer is a refusal, after which the server hangs up.
                    let answered = tokio::time::timeout(DRIP, stream.read(&mut byte)).await;
                    match answered {
                        Ok(Ok(0) | Err(_)) => return Ok(()),
                        Ok(Ok(_)) => {}
                        Err(_) => stream.write_all(b"x").await?,
                    }
                }
                Habit::ReadsByteByByte => return read_byte_by_byte(&mut stream, habit.latest()).await,
            }
        }
    };
    // However the connection ended, it ended.
    let ended: Result<io::Result<()>, _> = tokio::time::timeout(habit.latest() + habit.rest(), held).await;
    ended.ok().map(|_| begun.elapsed())
}

/// What was sent before the server hung up lies in the buffers between, so that its end is not seen byte by byte. So when it
/// must have come the rest is read at once: a connection that is still open goes on with the body.
async fn read_byte_by_byte(stream: &mut TcpStream, how_long: Duration) -> io::Result<()> {
    let end = Instant::now() + how_long;
    while Instant::now() < end {
        tokio::time::sleep(DRIP).await;
        if stream.read(&mut [0]).await? == 0 {
            return Ok(());
        }
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            more if bytes + more >= LARGE_BYTES / 2 => return std::future::pending().await,
            more => bytes += more,
        }
    }
}

/// Silent clients of a server that accepts them and has all the time in the world: how many it keeps.
async fn hold_on_to_the_patient() -> Result<u64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut crowd = JoinSet::new();
    let mut accepted = Vec::new();
    for _ in 0..10 {
        let stream = TcpStream::connect(address).await?;
        accepted.push(listener.accept().await?);
        crowd.spawn(hold_on(stream, Habit::Silent, String::new()));
    }
    let ends = crowd.join_all().await;
    Ok(ends.iter().filter(|end| end.is_none()).count() as u64)
}
