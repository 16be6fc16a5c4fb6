//! `gatepass dev`, `exec` and `env`: everything on this machine.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueHint};
use jiff::Timestamp;

use super::FsyncChoice;

/// `gatepass dev`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Dev {
    /// Another task than starting it.
    #[command(subcommand)]
    pub command: Option<DevCommand>,
    /// How to start.
    #[command(flatten)]
    pub options: DevOptions,
}

/// What else `gatepass dev` does.
#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Print a fresh access token for a development user: alice, bob or admin
    Token(DevToken),
}

/// `gatepass dev`, started.
#[derive(Debug, Args)]
pub struct DevOptions {
    /// Where everything is kept
    #[command(flatten)]
    pub data: DataDirectory,
    /// Make this bucket too; may be repeated
    #[arg(long = "bucket", value_name = "NAME")]
    pub buckets: Vec<String>,
    /// Make the buckets of this file, with their CORS rules
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub seed: Option<PathBuf>,
    /// Where the backend and its console listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub backend_listen: Option<SocketAddr>,
    /// Where the store listens [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDRESS")]
    pub store_listen: Option<SocketAddr>,
    /// Where the identity provider listens [default: 127.0.0.1:8070]
    #[arg(long, value_name = "ADDRESS")]
    pub idp_listen: Option<SocketAddr>,
    /// 0 chooses a free port for every listener that has no address of its own
    #[arg(long, value_name = "0", value_parser = clap::value_parser!(u16).range(0..=0))]
    pub port: Option<u16>,
    /// The region that signatures name
    #[arg(long, value_name = "REGION", default_value = crate::config::DEFAULT_REGION)]
    pub region: String,
    /// Whether writes have reached the disk when they are acknowledged
    #[arg(long, value_enum, value_name = "always|never", hide_possible_values = true, default_value_t = FsyncChoice::Always)]
    pub fsync: FsyncChoice,
    /// Write addresses, keys and tokens to this file (mode 0600) once everything answers
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ready_file: Option<PathBuf>,
    /// Start the clock at this time and let it tick
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// Let `POST /_gatepass/clock {"advance": "20m"}` on the backend move the clock
    #[arg(long)]
    pub test_clock: bool,
}

/// `gatepass dev token`.
#[derive(Debug, Args)]
pub struct DevToken {
    /// Who
    #[arg(value_name = "USER", value_parser = ["alice", "bob", "admin"])]
    pub user: String,
    /// The directory of the running `gatepass dev`
    #[command(flatten)]
    pub data: DataDirectory,
    /// The time at which the token begins, instead of the running one's
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

/// Where `gatepass dev` keeps everything.
#[derive(Debug, Clone, Args)]
pub struct DataDirectory {
    /// The directory that `gatepass dev` keeps everything in
    #[arg(long = "data", env = "GATEPASS_DATA", value_name = "DIR", default_value = "./gatepass-data", value_hint = ValueHint::DirPath)]
    pub path: PathBuf,
}

/// `gatepass exec`.
#[derive(Debug, Args)]
pub struct Exec {
    /// Make this bucket first; may be repeated
    #[arg(long = "bucket", value_name = "NAME")]
    pub buckets: Vec<String>,
    /// Make the buckets of this file, with their CORS rules
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub seed: Option<PathBuf>,
    /// The region that signatures name
    #[arg(long, value_name = "REGION", default_value = crate::config::DEFAULT_REGION)]
    pub region: String,
    /// Start the store's clock at this time and let it tick
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<std::ffi::OsString>,
}

/// `gatepass env`.
#[derive(Debug, Args)]
#[command(after_help = "In a shell: eval \"$(gatepass env)\"")]
pub struct Env {
    /// The directory of the running `gatepass dev`
    #[command(flatten)]
    pub data: DataDirectory,
}
