//! P6: what the store keeps in memory is bounded by a formula, however large the objects, however many the connections, and
//! however slowly their clients move.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{CONNECTION_BYTES, MAX_CONNECTIONS};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::content::Chance;
use super::group::Group;
use super::promises::Trial;
use super::report::{Control, Report};
use crate::alone::{Alone, Launch};
use crate::dev::wait_for;
use crate::stream::{self, BLOCK};

const BUCKET: &str = "memory";
/// The program with nothing to do, and the cache of its index, which has 64 MiB.
const FIXED_KIB: u64 = 96 * 1024;
/// What the whole process may have, with what the kernel keeps of its files.
const GROUP_BYTES: u64 = 256 * 1024 * 1024;
/// Twenty transfers at a time: the disk must hold the object and all that are coming.
const UPLOADS: u64 = 3;
const DOWNLOADS: u64 = 17;
/// What a client of a kind sends before it slows down: just less than what is handed to the disk at once.
const SENT_SLOWLY: usize = 255 * 1024;
/// More than all buffers on the way.
const SLOWLY_READ_MIB: u64 = 64;
/// The longest that a slow client is held by the server: it may take nothing for a minute.
const LONGEST_HOLD: Duration = Duration::from_secs(100);

/// What the formula allows.
fn bound_kib(connections: usize) -> u64 {
    FIXED_KIB + (connections * CONNECTION_BYTES) as u64 / 1024
}

/// Large transfers in a group of bounded memory, then slow clients.
pub fn run(trial: &Trial, _: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let runtime = Runtime::new()?;
    let mib = trial.effort.pick(16, 5 * 1024);
    let group = Group::new("gatepass-memory", GROUP_BYTES);
    let words = group.as_ref().map(Group::words).unwrap_or_default();
    let by: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    let mut server = Launch::new(&trial.server, &directory.path().join("large")).by(&by).start()?;
    let begun = Instant::now();
    runtime.block_on(transfers(&server, mib)).context("a transfer of many failed")?;
    let seconds = begun.elapsed().as_secs().max(1);
    ensure!(server.process.ended()?.is_none(), "the store was ended for its memory");
    let of_transfers = server.process.peak_kib()?;
    let group_peak = group.as_ref().ok().map(Group::peak_bytes).transpose()?;
    drop(server);

    let server = Launch::new(&trial.server, &directory.path().join("slow")).start()?;
    let slow = runtime.block_on(slow_clients(
        &server,
        trial.effort.pick(1_100, 10_000),
        trial.effort.pick(0, MAX_CONNECTIONS),
    ))?;
    let of_slow = server.process.peak_kib()?;
    let transfers = usize::try_from(UPLOADS + DOWNLOADS)?;
    let bounds =
        [("transfers", of_transfers, bound_kib(transfers)), ("slow clients", of_slow, bound_kib(MAX_CONNECTIONS))];
    let broken = bounds.into_iter().filter_map(|(what, peak, bound)| exceeds(what, peak, bound)).collect();
    // A bound without anything for connections, and one for the program alone.
    let too_small =
        [exceeds("transfers", of_transfers, FIXED_KIB / 12), exceeds("slow clients", of_slow, FIXED_KIB / 12)];
    let mut figures = vec![
        ("MiB of each transfer", mib),
        ("transfers at a time", UPLOADS + DOWNLOADS),
        ("MiB moved", (1 + UPLOADS + DOWNLOADS) * mib),
        ("seconds that it took", seconds),
        ("peak resident of transfers, KiB", of_transfers),
        ("bound of transfers, KiB", bound_kib(transfers)),
        ("slow clients", slow.clients as u64),
        ("of them connected at once", slow.connected as u64),
        ("descriptors of the server at the worst moment", slow.descriptors as u64),
        ("peak resident of slow clients, KiB", of_slow),
        ("bound of slow clients, KiB", bound_kib(MAX_CONNECTIONS)),
        ("of them closed by the server", slow.closed as u64),
    ];
    if let Some(peak) = group_peak {
        figures.push(("memory of the control group, KiB", GROUP_BYTES / 1024));
        figures.push(("peak in the control group, KiB", peak / 1024));
    }
    let noticed = too_small.iter().flatten().count() as u64;
    Ok(Report {
        figures,
        broken,
        control: if noticed == 2 {
            Control::Caught(format!("{noticed} peaks were above a bound of {} KiB", FIXED_KIB / 12))
        } else {
            Control::Passed(format!("{noticed} of 2 peaks were above a bound of {} KiB", FIXED_KIB / 12))
        },
    })
}

fn exceeds(what: &str, peak_kib: u64, bound_kib: u64) -> Option<String> {
    (peak_kib > bound_kib).then(|| format!("with {what} it kept {peak_kib} KiB, and may keep {bound_kib} KiB"))
}

/// One object goes up; then it comes down many times while others go up.
async fn transfers(server: &Alone, mib: u64) -> Result<()> {
    let client = Arc::new(server.client()?);
    client.create_bucket(BUCKET).await?;
    let url = |method, key: &str| client.presign(method, BUCKET, key, 24 * 3600);
    ensure!(stream::send(&url(Method::Put, "base")?, &[], mib).await? == 200, "the first upload was refused");
    let mut all = JoinSet::new();
    for number in 0..UPLOADS {
        let (key, client) = (format!("copy-{number}"), Arc::clone(&client));
        let url = url(Method::Put, &key)?;
        all.spawn(async move {
            ensure!(stream::send(&url, &[], mib).await? == 200, "an upload was refused");
            client.delete(BUCKET, &key).await
        });
    }
    for _ in 0..DOWNLOADS {
        let url = url(Method::Get, "base")?;
        all.spawn(async move { stream::receive(&url, mib).await });
    }
    all.join_all().await.into_iter().collect()
}

/// What slow clients were like.
struct Slow {
    clients: usize,
    connected: usize,
    descriptors: usize,
    closed: usize,
}

/// What a slow client does.
#[derive(Clone)]
enum Manner {
    /// Sends half a head.
    SlowHead,
    /// Sends a part of a body.
    SlowBody(Arc<str>),
    /// Asks for an object and takes nothing of it.
    SlowRead(Arc<str>),
    /// Sends nothing.
    Idle,
}

/// All connect at once. Those that the server takes send as much as it buffers, and wait; until the server has given up so
/// many.
async fn slow_clients(server: &Alone, clients: usize, given_up: usize) -> Result<Slow> {
    let client = server.client()?;
    client.create_bucket(BUCKET).await?;
    let url = |method, key: &str| client.presign(method, BUCKET, key, 24 * 3600);
    ensure!(stream::send(&url(Method::Put, "base")?, &[], SLOWLY_READ_MIB).await? == 200, "the upload was refused");
    let head = |method: &str, url: &str, more: &str| -> Result<Arc<str>> {
        let target = url.strip_prefix(&server.place.store).context("a URL of the store")?;
        Ok(format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n{more}\r\n", server.place.address()).into())
    };
    let length = format!("content-length: {}\r\n", 64 * BLOCK);
    let put = head("PUT", &url(Method::Put, "never")?, &length)?;
    let get = head("GET", &url(Method::Get, "base")?, "")?;
    let (connected, closed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut all = JoinSet::new();
    for number in 0..clients {
        let manner = match number % 4 {
            0 => Manner::SlowHead,
            1 => Manner::SlowBody(Arc::clone(&put)),
            2 => Manner::SlowRead(Arc::clone(&get)),
            _ => Manner::Idle,
        };
        let address = server.place.address().to_owned();
        let (connected, closed) = (Arc::clone(&connected), Arc::clone(&closed));
        all.spawn(async move {
            let Ok(stream) = TcpStream::connect(address).await else { return };
            connected.fetch_add(1, Ordering::Relaxed);
            if hold(stream, manner).await {
                closed.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let are_all = || (server.process.descriptors().ok()? >= MAX_CONNECTIONS).then_some(());
    tokio::task::block_in_place(|| wait_for(are_all))
        .context("the server does not take as many connections as it may")?;
    let mut slow = Slow { clients, connected: connected.load(Ordering::Relaxed), descriptors: 0, closed: 0 };
    slow.descriptors = server.process.descriptors()?;
    let begun = Instant::now();
    let mut are_given_up = || {
        slow.connected = slow.connected.max(connected.load(Ordering::Relaxed) - closed.load(Ordering::Relaxed));
        slow.descriptors = slow.descriptors.max(server.process.descriptors().ok()?);
        (closed.load(Ordering::Relaxed) >= given_up || begun.elapsed() > LONGEST_HOLD).then_some(())
    };
    tokio::task::block_in_place(|| while wait_for(&mut are_given_up).is_none() {});
    slow.closed = closed.load(Ordering::Relaxed);
    ensure!(slow.closed >= given_up, "the server has given up {} slow clients of {given_up}", slow.closed);
    all.abort_all();
    Ok(slow)
}

/// Until the server has had enough; whether it had.
async fn hold(mut stream: TcpStream, manner: Manner) -> bool {
    let sent = match &manner {
        Manner::SlowHead => stream.write_all(b"GET / HTTP/1.1\r\nhost: ").await,
        Manner::SlowBody(head) => match stream.write_all(head.as_bytes()).await {
            Ok(()) => stream.write_all(&vec![0; SENT_SLOWLY]).await,
            failed => failed,
        },
        Manner::SlowRead(head) => stream.write_all(head.as_bytes()).await,
        Manner::Idle => Ok(()),
    };
    if sent.is_err() {
        return true;
    }
    if matches!(manner, Manner::SlowRead(_)) {
        // Who takes nothing of an answer does not see its end either.
        std::future::pending::<()>().await;
    }
    let mut scratch = [0; 1024];
    while matches!(stream.read(&mut scratch).await, Ok(1..)) {}
    true
}
