//! Requests whose answers are taken as they come: a client library would hide where one breaks off.

use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer, read to its end or to where it broke.
#[derive(Debug)]
pub struct RawAnswer {
    /// 0 where there was no answer.
    pub status: u16,
    /// The lines before the body.
    pub head: String,
    /// What came.
    pub body: Vec<u8>,
    /// What the head promised.
    pub promised: Option<usize>,
}

impl RawAnswer {
    /// Whether all of it came.
    pub fn is_whole(&self) -> bool {
        self.promised.is_none_or(|promised| promised == self.body.len())
    }
}

/// A GET with these headers.
pub fn get(url: &str, headers: &[(&str, String)]) -> Result<RawAnswer> {
    Ok(read(ask(url, headers)?))
}

/// Asks, and leaves the answer to be read.
pub fn ask(url: &str, headers: &[(&str, String)]) -> Result<TcpStream> {
    let (host, target) = parts(url)?;
    let mut stream = connect(host)?;
    let mut head = format!("GET /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    Ok(stream)
}

/// A connection to a host that is known by its name and port.
pub fn connect(host: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(host.replace("localhost", "127.0.0.1"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends a request over a connection that stays open, and reads the answer.
pub fn exchange(mut stream: &TcpStream, method: &str, url: &str, body: &[u8]) -> Result<RawAnswer> {
    let (host, target) = parts(url)?;
    let head = format!("{method} /{target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    // A server that refuses before the end may close.
    let _ = stream.write_all(body);
    first(stream)
}

/// Reads the first answer of a connection that stays open, which says how long it is or has no body.
pub fn first(mut stream: &TcpStream) -> Result<RawAnswer> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).context("the answer breaks off in its head")?;
        bytes.push(byte[0]);
    }
    let mut answer = read(bytes.as_slice());
    answer.body.resize(answer.promised.unwrap_or_default(), 0);
    stream.read_exact(&mut answer.body).context("the answer breaks off in its body")?;
    Ok(answer)
}

/// The host and the target of a URL, which begins after the slash.
fn parts(url: &str) -> Result<(&str, &str)> {
    let rest = url.strip_prefix("http://").context("a URL in the clear")?;
    Ok(rest.split_once('/').unwrap_or((rest, "")))
}

/// Reads an answer, to its end or to where it breaks.
pub fn read(mut stream: impl Read) -> RawAnswer {
    let mut bytes = Vec::new();
    // A connection that breaks has said what it had to say.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |end| end + 4);
    let body = bytes.split_off(end);
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let promised = head.split("\r\ncontent-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let promised = promised.and_then(|length| length.parse().ok());
    RawAnswer { status, head, body, promised }
}
