//! `gatepass store` and `gatepass backend`: one service alone.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use gatepass_store::Fault;
use jiff::Timestamp;

use crate::values::{ByteSize, RegionHost, Seconds};

/// `gatepass store`.
#[derive(Debug, Subcommand)]
pub enum Store {
    /// Run the store
    Run(Box<StoreRun>),
    /// Copy a store, running or not, as it is at one moment
    Backup(StoreBackup),
    /// Look through a store that does not run: is everything there, and are the bytes those that were written?
    Check(StoreCheck),
}

/// `gatepass store backup`.
#[derive(Debug, Args)]
#[command(
    after_help = "The copy is a data directory: `store run --data` serves it. On the same file system it shares the files of \
    bodies with the store, which never change; on another they are copied. The root keys are in it."
)]
pub struct StoreBackup {
    /// The data directory of the store
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
    /// The directory to make
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub to: PathBuf,
}

/// `gatepass store check`.
#[derive(Debug, Args)]
#[command(after_help = "Exits with 1 where something is wrong. Without --repair nothing is written.")]
pub struct StoreCheck {
    /// The data directory of the store
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data: PathBuf,
    /// Remove what nothing can need and correct counts; objects are never removed or changed
    #[arg(long)]
    pub repair: bool,
    /// Do not read bodies, only see that their files are there and as long as they should be
    #[arg(long)]
    pub metadata_only: bool,
}

/// `gatepass store run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Root keys come from GATEPASS_ROOT_ACCESS_KEY and GATEPASS_ROOT_SECRET_KEY (MINIO_ROOT_USER and \
    MINIO_ROOT_PASSWORD are understood); without them they are made at the first start and kept in the data directory."
)]
pub struct StoreRun {
    /// A configuration file; its `[store]` is read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Where objects are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The region that signatures name [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Whether writes have reached the disk when they are acknowledged [default: always]
    #[arg(long, value_enum, value_name = "always|never", hide_possible_values = true)]
    pub fsync: Option<FsyncChoice>,
    /// How much of the disk uploads must leave free: below it they get 503, while reads and deletes go on [default: 64MiB]
    #[arg(long, value_name = "SIZE")]
    pub reserve: Option<ByteSize>,
    /// Host names that are answered, besides the address itself; before each, a bucket may stand. Separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub hosts: Option<Vec<String>>,
    /// Serve another region too, at this host name and before it buckets; may be repeated, also for one region
    #[arg(long = "region-host", value_name = "REGION=NAME")]
    pub region_hosts: Vec<RegionHost>,
    /// Verify Signature Version 2 too, which leaves the host and most of the query unsigned: for clients that know no other
    #[arg(long)]
    pub allow_sigv2: bool,
    /// How long a day is for lifecycle rules, at most 24 hours: for tests that want to see objects expire [default: 24h]
    #[arg(long, value_name = "DURATION")]
    pub lifecycle_day: Option<Seconds>,
    /// Speak HTTPS, with this certificate: the chain in PEM, the server's own first. Read again on SIGHUP
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_cert: Option<PathBuf>,
    /// The key of the certificate, in PEM. Read again on SIGHUP
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_key: Option<PathBuf>,
    /// Write each request to the end of this file, or to standard output with `-`. Opened again on SIGHUP
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub access_log: Option<PathBuf>,
    /// The format of the access log: S3's own, or JSON [default: s3]
    #[arg(long, value_enum, value_name = "s3|json", hide_possible_values = true)]
    pub access_log_format: Option<AccessLogChoice>,
    /// Where operators read /metrics, /healthz and /readyz; left out, nowhere
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// Let `POST /_gatepass/clock {"advance": "20m"}` move the clock; on loopback addresses only
    #[arg(long)]
    pub test_clock: bool,
    /// Let every refusal name a page, in `x-gatepass-explain`, that says why; on loopback addresses only
    #[arg(long)]
    pub explain: bool,
    /// Fail on purpose, to test clients; on loopback addresses only, may be repeated: slow-body=GET:1KiB/s,
    /// drop-reply=PutObject:0.1 (carried out, never answered), slow-down=PutObject:3 (503 so often), clock-skew=20m
    #[arg(long = "fault", value_name = "RULE")]
    pub faults: Vec<Fault>,
    /// What decides which requests a fault strikes that goes by chance: the same seed, the same requests
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub fault_seed: u64,
    /// Write address and keys to this file (mode 0600) once the store answers
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ready_file: Option<PathBuf>,
    /// Start the clock at this time and let it tick
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

/// Whether acknowledged writes have reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FsyncChoice {
    /// Every write, before it is acknowledged
    Always,
    /// Never: for data that may be thrown away
    Never,
}

/// How the access log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLogChoice {
    /// As Amazon S3 writes its server access logs
    S3,
    /// One JSON document a line
    Json,
}

/// `gatepass backend`.
#[derive(Debug, Subcommand)]
pub enum Backend {
    /// Run the backend
    Run(BackendRun),
}

/// `gatepass backend run`.
#[derive(Debug, Args)]
pub struct BackendRun {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = crate::config::DEFAULT_FILE, value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// Where to listen, instead of what the file says
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Write the address to this file (mode 0600) once the backend answers
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ready_file: Option<PathBuf>,
    /// Start the clock at this time and let it tick
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}
