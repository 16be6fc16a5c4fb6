//! How long a listener waits, and for what. The counts and sizes beside these times are constants of the modules that
//! keep them.

use std::time::Duration;

/// How long a client may take to send the head of a request, from the end of the one before.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what is sent to it.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a client may take to agree on TLS.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection of HTTP/2 may be open without a request.
pub const HTTP2_IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a connection of HTTP/2 that was told to go away may still end its streams.
pub const HTTP2_GOAWAY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long requests in progress are waited for when the server stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// The times of one listener. The defaults are the constants of this module; a test has no time for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// [`HEADER_READ_TIMEOUT`]
    pub header_read: Duration,
    /// [`WRITE_STALL_TIMEOUT`]
    pub write_stall: Duration,
    /// [`TLS_HANDSHAKE_TIMEOUT`]
    pub tls_handshake: Duration,
    /// [`HTTP2_IDLE_TIMEOUT`]
    pub http2_idle: Duration,
    /// [`HTTP2_GOAWAY_TIMEOUT`]
    pub http2_goaway: Duration,
    /// [`DRAIN_TIMEOUT`]
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read: HEADER_READ_TIMEOUT,
            write_stall: WRITE_STALL_TIMEOUT,
            tls_handshake: TLS_HANDSHAKE_TIMEOUT,
            http2_idle: HTTP2_IDLE_TIMEOUT,
            http2_goaway: HTTP2_GOAWAY_TIMEOUT,
            drain: DRAIN_TIMEOUT,
        }
    }
}
