//! A strict S3-compatible object store.
//!
//! It refuses exactly what Amazon S3 refuses, and says why. Every request walks one road: arrival →
//! authenticate → operation → authorize → grant → data. Metadata lives in one embedded database,
//! larger bodies in files beside it, all below one directory that one process has open.
//!
//! It speaks HTTP/1.1, and over TLS HTTP/2. It has no users and no encryption of what it keeps.

mod access_log;
mod admin;
mod answer;
mod arrival;
mod authenticate;
mod authorize;
mod backup;
mod blobs;
mod body;
mod check;
mod config;
mod control;
mod cors;
mod exchange;
mod explain;
mod faults;
mod grant;
mod http2;
mod index;
mod lifecycle;
mod limits;
mod linger;
mod load;
mod metrics;
mod ops;
mod outgoing;
mod patience;
mod peer;
mod policies;
mod post_form;
mod redirect;
mod request_context;
mod request_id;
mod routes;
mod server;
mod service;
mod shortage;
mod space;
mod stall;
mod store;
mod strict;
mod sts;
mod test_clock;
mod tls;
mod workers;

pub use access_log::{ACCESS_LOG_QUEUE, AccessLog, AccessLogFormat, AccessLogTarget};
pub use admin::MAX_ADMIN_CONNECTIONS;
pub use backup::{BackupError, BackupProgress, BackupReport, backup};
pub use body::CONTENT_MAX_BYTES;
pub use check::{CheckError, CheckReport, Depth, Finding, FindingKind, MAX_FINDINGS, Repair, check};
pub use config::{Clock, Config, Fsync, Hosts, OtherRegion, SignatureVersion2};
pub use explain::{EXPLAINED_HEAD_MAX_BYTES, REMEMBERED_REFUSALS};
pub use faults::{Effect, Fault, FaultError, Faults, Frequency, Scope};
pub use gatepass_protocol::s3::lifecycle::Day as LifecycleDay;
pub use http2::{
    CONNECTION_WINDOW_BYTES, MAX_LOCAL_RESETS, MAX_PENDING_RESETS, MAX_STREAMS, PING_INTERVAL, PING_TIMEOUT,
    STREAM_WINDOW_BYTES,
};
pub use index::IndexError;
pub use lifecycle::{LifecycleError, LifecycleReport};
pub use limits::{
    DRAIN_TIMEOUT, HEADER_READ_TIMEOUT, HTTP2_GOAWAY_TIMEOUT, HTTP2_IDLE_TIMEOUT, Limits, TLS_HANDSHAKE_TIMEOUT,
    WRITE_STALL_TIMEOUT,
};
pub use linger::LINGER_TIMEOUT;
pub use load::LoadError;
pub use server::{CONNECTION_BYTES, Listener, MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_HEADERS};
pub use space::{FreeSpace, free_space_of_the_disk};
pub use store::{OpenError, Store};
pub use test_clock::TestClock;
pub use tls::{MAX_CHAIN, MAX_PEM_BYTES, Tls, TlsError};
