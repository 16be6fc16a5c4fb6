//! Load: connections that are kept alive, each sending one request after the other until the time is up.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::process::Process;

/// No answer of a living server takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
const BUFFER_BYTES: usize = 256 * 1024;

/// How hard, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many connections.
    pub connections: usize,
    /// How long; a request that has begun is finished.
    pub time: Duration,
}

/// Which request is the next: of which connection, and how many that one has sent before.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// From zero.
    pub connection: usize,
    /// From zero.
    pub number: u64,
}

/// What a server is asked, over and over.
pub struct Exchange<'a> {
    /// The method and the target of each request.
    pub request: &'a (dyn Fn(Turn) -> (&'static str, String) + Sync),
    /// The body of each request.
    pub body: &'a [u8],
    /// How long the body of each answer must be.
    pub answer_bytes: Option<u64>,
}

/// What one round came to.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Requests a second.
    pub per_second: f64,
    /// Microseconds of the server's CPU time for each request.
    pub cpu_micros: f64,
}

impl Exchange<'_> {
    /// One request over one connection.
    pub fn once(&self, address: SocketAddr) -> Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (method, target) = (self.request)(Turn { connection: 0, number: 0 });
        send(&mut stream, method, &target, address, self.body)?;
        receive(&mut stream, &mut vec![0; BUFFER_BYTES]).map(drop)
    }
}

impl Load {
    /// Runs one round against one server. Anything but success ends the bench: a refusal is quick and proves nothing.
    pub fn run(&self, server: &Process, address: SocketAddr, exchange: &Exchange<'_>) -> Result<Round> {
        let failed = AtomicBool::new(false);
        let (before, begun) = (server.cpu_seconds()?, Instant::now());
        let counts = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections)
                .map(|connection| {
                    let failed = &failed;
                    scope.spawn(move || {
                        let sent = self.connection(connection, address, exchange, begun, failed);
                        if sent.is_err() {
                            failed.store(true, Ordering::Relaxed);
                        }
                        sent
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("a connection does not panic")).collect::<Vec<_>>()
        });
        let (time, after) = (begun.elapsed(), server.cpu_seconds()?);
        let requests: u64 = counts.into_iter().sum::<Result<u64>>()?;
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that far in seconds")]
        let requests = requests as f64;
        Ok(Round { per_second: requests / time.as_secs_f64(), cpu_micros: (after - before) * 1e6 / requests })
    }

    fn connection(
        &self,
        connection: usize,
        address: SocketAddr,
        exchange: &Exchange<'_>,
        begun: Instant,
        failed: &AtomicBool,
    ) -> Result<u64> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut number = 0;
        while begun.elapsed() < self.time && !failed.load(Ordering::Relaxed) {
            let (method, target) = (exchange.request)(Turn { connection, number });
            send(&mut stream, method, &target, address, exchange.body)?;
            let length = receive(&mut stream, &mut buffer).with_context(|| format!("{method} from {address}"))?;
            if let Some(expected) = exchange.answer_bytes {
                ensure!(length == expected, "{length} bytes came from {address} in place of {expected}");
            }
            number += 1;
        }
        Ok(number)
    }
}

fn send(stream: &mut TcpStream, method: &str, target: &str, host: SocketAddr, body: &[u8]) -> Result<()> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
    if method == "PUT" {
        head += "Content-Length: ";
        head += &body.len().to_string();
        head += "\r\n";
    }
    head.push_str("\r\n");
    let mut request = head.into_bytes();
    if body.len() <= BUFFER_BYTES {
        // One segment, as a client with a buffer sends it.
        request.extend_from_slice(body);
        stream.write_all(&request)?;
    } else {
        stream.write_all(&request)?;
        stream.write_all(body)?;
    }
    Ok(())
}

/// Reads one answer and says how long its body was.
fn receive(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<u64> {
    let mut filled = 0;
    let head_end = loop {
        let read = stream.read(&mut buffer[filled..])?;
        ensure!(read > 0, "the connection was closed");
        filled += read;
        if let Some(end) = find(&buffer[..filled], b"\r\n\r\n") {
            break end + 4;
        }
        ensure!(filled < buffer.len(), "the head of the answer does not end");
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 2") {
        bail!("not a success: {}", String::from_utf8_lossy(&buffer[..filled]));
    }
    let no_content = head.starts_with("http/1.1 204");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: u64 = match length {
        Some(length) => length.trim().parse()?,
        None if no_content => 0,
        None => bail!("the answer has no length: {head}"),
    };
    let mut received = (filled - head_end) as u64;
    while received < length {
        let read = stream.read(buffer)?;
        ensure!(read > 0, "the connection was closed inside an answer");
        received += read as u64;
    }
    Ok(length)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
