//! What a store is started with.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use gatepass_authority::RootSource;
use gatepass_protocol::s3::lifecycle::Day;
use gatepass_signing::sigv4::Region;
use jiff::Timestamp;

use crate::access_log::AccessLog;
use crate::faults::Faults;
use crate::limits::Limits;
use crate::space::{FreeSpace, free_space_of_the_disk};
use crate::test_clock::TestClock;

/// Where the store gets the time from. The binary gives it the wall clock, a test its own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything a store is started with. Made by [`Config::new`], which knows what is usual, and then changed:
/// `Config { region, ..Config::new(data, root, now) }`.
pub struct Config {
    /// The directory that holds everything the store keeps. Made when it does not exist.
    pub data: PathBuf,
    /// The region that signatures must name.
    pub region: String,
    /// The host names under which the store answers.
    pub hosts: Hosts,
    /// Whether an acknowledged write has reached the disk.
    pub fsync: Fsync,
    /// How many bytes of the disk uploads must leave free; [`Config::DEFAULT_RESERVE_BYTES`] unless somebody knows better.
    pub reserve_bytes: u64,
    /// How much the disk has left.
    pub free_space: FreeSpace,
    /// Where the root credentials come from.
    pub root: RootSource,
    /// The time.
    pub now: Clock,
    /// Further regions that the store serves, each at host names of its own.
    pub other_regions: Vec<OtherRegion>,
    /// Whether requests signed with Signature Version 2 are verified.
    pub signature_version_2: SignatureVersion2,
    /// Faults on purpose, for developers who test their clients.
    pub faults: Option<Faults>,
    /// What `POST /_gatepass/clock` does; nothing for a store that is not for tests.
    pub test_clock: Option<TestClock>,
    /// At which address refusals are explained to developers of this machine; nothing where they are not.
    pub explain_at: Option<String>,
    /// Where requests are written down.
    pub access_log: Option<AccessLog>,
    /// How long a day is for lifecycle rules. Shorter ones are for tests.
    pub lifecycle_day: Day,
    /// How long listeners wait.
    pub limits: Limits,
    /// How many threads serve connections, each on a runtime of its own; nothing for the runtime that [`Store::serve`] is
    /// called on.
    ///
    /// [`Store::serve`]: crate::Store::serve
    pub workers: Option<NonZeroUsize>,
}

impl Config {
    /// 64 MiB: enough for the commits that free space on a disk that is full otherwise.
    pub const DEFAULT_RESERVE_BYTES: u64 = 64 * 1024 * 1024;
    /// The region that AWS tools assume.
    pub const DEFAULT_REGION: &str = "us-east-1";

    /// A durable store in the default region that answers to no host name yet.
    pub fn new(data: impl Into<PathBuf>, root: RootSource, now: Clock) -> Self {
        Self {
            data: data.into(),
            region: Self::DEFAULT_REGION.to_owned(),
            hosts: Hosts::default(),
            fsync: Fsync::Always,
            reserve_bytes: Self::DEFAULT_RESERVE_BYTES,
            free_space: free_space_of_the_disk(),
            root,
            now,
            other_regions: Vec::new(),
            signature_version_2: SignatureVersion2::Refused,
            faults: None,
            test_clock: None,
            explain_at: None,
            access_log: None,
            lifecycle_day: Day::default(),
            limits: Limits::default(),
            workers: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("data", &self.data)
            .field("region", &self.region)
            .field("hosts", &self.hosts)
            .field("fsync", &self.fsync)
            .field("reserve_bytes", &self.reserve_bytes)
            .finish_non_exhaustive()
    }
}

/// Whether an acknowledged write survives a power loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fsync {
    /// Every write is synced before it is acknowledged.
    Always,
    /// Nothing is ever synced: for data that may be thrown away. Killing the process loses nothing,
    /// losing power may lose everything.
    Never,
}

/// A region besides the store's own. What is asked at its hosts must be signed for it, and buckets that were made in it are
/// reached there and nowhere else, as at AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherRegion {
    /// Its name.
    pub region: Region,
    /// Its host names, in path style and in virtual-host style. The first is where buckets are said to be.
    pub hosts: Vec<String>,
}

/// Whether the old signature is good for anything. It leaves the host and most of the query unsigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureVersion2 {
    /// It is answered like AWS's newer regions do.
    Refused,
    /// It is verified, for clients that know no other.
    Accepted,
}

/// The host names under which the store answers; a request for any other is refused, so that a
/// web page which makes its own name point here (DNS rebinding) gets nothing.
///
/// Names are compared without case and without the port.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts {
    /// Names whose paths begin with the bucket: `http://127.0.0.1:9000/bucket/key`.
    pub path_style: Vec<String>,
    /// Names before which a bucket stands: `localhost` for `http://bucket.localhost:9000/key`.
    pub virtual_host_bases: Vec<String>,
}
