//! A strict S3-compatible object store.
//!
//! It refuses exactly what Amazon S3 refuses, and says why. Every request walks one road: arrival →
//! authenticate → operation → authorize → grant → data. Metadata lives in one embedded database,
//! larger bodies in files beside it, all below one directory that one process has open.
//!
//! It has no policies that users could set yet, no versions, no encryption, and it does not speak
//! TLS.

mod answer;
mod arrival;
mod authenticate;
mod authorize;
mod blobs;
mod body;
mod config;
mod cors;
mod grant;
mod index;
mod linger;
mod ops;
mod patience;
mod peer;
mod request_id;
mod server;
mod service;
mod space;
mod stall;
mod store;
mod sts;

pub use config::{Clock, Config, Fsync, Hosts};
pub use index::IndexError;
pub use linger::LINGER_TIMEOUT;
pub use server::{
    DRAIN_TIMEOUT, HEADER_READ_TIMEOUT, MAX_CONNECTIONS, MAX_HEAD_BYTES, MAX_HEADERS, WRITE_STALL_TIMEOUT,
};
pub use space::{FreeSpace, free_space_of_the_disk};
pub use store::{OpenError, Store};
