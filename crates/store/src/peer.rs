//! Who is at the other end of the connection, and over what.

use std::net::{IpAddr, SocketAddr};

/// The other end of a connection. It is what the socket says; no header changes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// From where.
    pub(crate) address: SocketAddr,
    /// Over what.
    pub(crate) transport: Transport,
}

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TCP alone.
    Plain,
    /// TLS: the names of version and cipher suite as the access log writes them.
    Tls { version: &'static str, cipher_suite: &'static str },
}

impl Peer {
    /// What policies call `aws:SourceIp`. An IPv4 client of an IPv6 socket counts as what it is.
    pub(crate) fn ip(&self) -> IpAddr {
        self.address.ip().to_canonical()
    }

    /// Of the addresses that this client uses.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }

    /// What policies call `aws:SecureTransport`.
    pub(crate) fn is_secure(&self) -> bool {
        matches!(self.transport, Transport::Tls { .. })
    }
}

#[cfg(test)]
impl Peer {
    /// Somebody on this machine.
    pub(crate) fn local() -> Self {
        Self { address: ([127, 0, 0, 1], 50_000).into(), transport: Transport::Plain }
    }
}
