//! Heads of HTTP/1.1 as they stand on the wire.
//!
//! hyper takes lines that end in a bare LF, and hides a `Content-Length` beside a `Transfer-Encoding`. A proxy before this
//! server may read such a head in another way and disagree about where the request ends ("request smuggling"), so it is
//! refused (RFC 9112 §2.2 and §6.1). Only what hyper does not tell is looked at here.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use gatepass_protocol::s3::error::S3Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::arrival::number;
use crate::server::MAX_HEAD_BYTES;

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A line ends in LF without CR.
    BareLineFeed,
    /// More than one way to find the end of the body.
    AmbiguousFraming,
}

impl From<Flaw> for S3Error {
    fn from(flaw: Flaw) -> Self {
        Self::invalid_request(match flaw {
            Flaw::BareLineFeed => "A line of the request's head ends without CR.",
            Flaw::AmbiguousFraming => "The framing of the request body is ambiguous.",
        })
    }
}

/// What was found in the heads that have arrived on one connection, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heads(Arc<Mutex<VecDeque<Option<Flaw>>>>);

impl Heads {
    /// The verdict on the next request. A head is seen here before hyper parses it.
    pub(crate) fn next(&self) -> Result<(), Flaw> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().flatten() {
            None => Ok(()),
            Some(flaw) => Err(flaw),
        }
    }

    fn push(&self, verdict: Option<Flaw>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(verdict);
    }
}

/// A connection whose heads are looked at while they arrive.
#[derive(Debug)]
pub(crate) struct Strict<S> {
    stream: S,
    scanner: Scanner,
    heads: Heads,
}

impl<S> Strict<S> {
    pub(crate) fn new(stream: S, heads: Heads) -> Self {
        Self { stream, scanner: Scanner::default(), heads }
    }
}

#[derive(Debug)]
enum Scanner {
    Head(Head),
    Body {
        left: u64,
    },
    /// A chunked body, or a flaw: the connection ends after this request.
    Last,
}

#[derive(Debug, Default)]
struct Head {
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    has_request_line: bool,
    length: Option<u64>,
    has_encoding: bool,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Scanner {
    fn scan(&mut self, mut bytes: &[u8], heads: &Heads) {
        while !bytes.is_empty() {
            match self {
                Self::Last => return,
                Self::Body { left } => {
                    let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    *left -= passed as u64;
                    bytes = &bytes[passed..];
                    if *left == 0 {
                        *self = Self::default();
                    }
                }
                Self::Head(head) => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else {
                        if head.line.len() + bytes.len() <= MAX_HEAD_BYTES {
                            head.line.extend_from_slice(bytes);
                        } else {
                            // hyper refuses it for its length.
                            *self = Self::Last;
                        }
                        return;
                    };
                    let (line, rest) = bytes.split_at(end + 1);
                    bytes = rest;
                    let ended = if head.line.is_empty() {
                        head.line(line)
                    } else {
                        let mut whole = std::mem::take(&mut head.line);
                        whole.extend_from_slice(line);
                        head.line(&whole)
                    };
                    match ended {
                        Ok(None) => {}
                        Ok(Some(next)) => {
                            heads.push(None);
                            *self = next;
                        }
                        Err(flaw) => {
                            heads.push(Some(flaw));
                            *self = Self::Last;
                        }
                    }
                }
            }
        }
    }
}

impl Head {
    /// Takes one line with its end; says what follows where it was the last.
    fn line(&mut self, line: &[u8]) -> Result<Option<Scanner>, Flaw> {
        let line = line.strip_suffix(b"\r\n").ok_or(Flaw::BareLineFeed)?;
        if line.is_empty() {
            // Empty lines before a request are ignored (RFC 9112 §2.2).
            return Ok(self.has_request_line.then(|| self.end()));
        }
        if !self.has_request_line {
            self.has_request_line = true;
            return Ok(None);
        }
        let Some(colon) = memchr::memchr(b':', line) else { return Ok(None) };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.eq_ignore_ascii_case(b"content-length") {
            let text = std::str::from_utf8(value).map_err(|_| Flaw::AmbiguousFraming)?.trim_matches([' ', '\t']);
            let length = Some(number(text).ok_or(Flaw::AmbiguousFraming)?);
            if self.has_encoding || (self.length.is_some() && self.length != length) {
                return Err(Flaw::AmbiguousFraming);
            }
            self.length = length;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.has_encoding || self.length.is_some() {
                return Err(Flaw::AmbiguousFraming);
            }
            self.has_encoding = true;
        }
        Ok(None)
    }

    fn end(&self) -> Scanner {
        match self.length {
            _ if self.has_encoding => Scanner::Last,
            None | Some(0) => Scanner::default(),
            Some(left) => Scanner::Body { left },
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, scanner, heads } = &mut *self;
        let before = buffer.filled().len();
        let read = std::task::ready!(Pin::new(stream).poll_read(context, buffer));
        scanner.scan(&buffer.filled()[before..], heads);
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts on what arrives, cut into pieces of this size.
    fn verdicts(bytes: &[u8], piece: usize) -> Vec<Option<Flaw>> {
        let (mut scanner, heads) = (Scanner::default(), Heads::default());
        for piece in bytes.chunks(piece) {
            scanner.scan(piece, &heads);
        }
        heads.0.lock().unwrap().drain(..).collect()
    }

    #[test]
    fn heads_are_told_from_bodies_however_they_are_cut() {
        let clean = b"PUT /a HTTP/1.1\r\nContent-Length: 12\r\n\r\nbody\nbody\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
        let chunked = b"PUT /a HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\nabc\n0\n\n";
        for piece in 1..100 {
            assert_eq!(verdicts(clean, piece), [None, None, None], "{piece}");
            assert_eq!(verdicts(chunked, piece), [None], "{piece}");
        }
    }

    #[test]
    fn what_two_readers_may_read_differently_is_a_flaw_of_its_request_alone() {
        use Flaw::{AmbiguousFraming, BareLineFeed};
        let first = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
        for (head, flaw) in [
            ("GET /b HTTP/1.1\nHost: h\r\n\r\n", BareLineFeed),
            ("GET /b HTTP/1.1\r\nHost: h\n\r\n", BareLineFeed),
            ("GET /b HTTP/1.1\r\nHost: h\r\n\n", BareLineFeed),
            ("\nGET /b HTTP/1.1\r\n\r\n", BareLineFeed),
            ("PUT /b HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", AmbiguousFraming),
            ("PUT /b HTTP/1.1\r\nTRANSFER-ENCODING:chunked\r\ncontent-length:3\r\n\r\n", AmbiguousFraming),
            ("PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", AmbiguousFraming),
            ("PUT /b HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", AmbiguousFraming),
            ("PUT /b HTTP/1.1\r\nContent-Length: +3\r\n\r\n", AmbiguousFraming),
            ("PUT /b HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", AmbiguousFraming),
        ] {
            let bytes = format!("{first}{head}{first}");
            for piece in [1, 7, 1000] {
                assert_eq!(verdicts(bytes.as_bytes(), piece), [None, Some(flaw)], "{head:?}");
            }
        }
    }
}
