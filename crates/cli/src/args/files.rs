//! `gatepass upload`, `download` and `link`: what a backend keeps.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::DataDirectory;
use crate::values::Seconds;

/// Which backend is spoken to, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Backend")]
pub struct Connection {
    /// The backend's address [default: the running `gatepass dev`]
    #[arg(long, env = "GATEPASS_SERVER", value_name = "URL", value_hint = ValueHint::Url)]
    pub server: Option<String>,
    /// A user of the running `gatepass dev`; elsewhere the token is read from GATEPASS_TOKEN
    #[arg(long = "as", value_name = "USER", default_value = "alice", value_parser = ["alice", "bob", "admin"])]
    pub user: String,
    /// The directory of the running `gatepass dev`
    #[command(flatten)]
    pub data: DataDirectory,
}

/// `gatepass upload`.
#[derive(Debug, Args)]
pub struct Upload {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The collection that it goes into
    #[arg(long, value_name = "NAME", default_value = "files")]
    pub collection: String,
    /// The name that it gets, instead of the file's own
    #[arg(long, value_name = "NAME")]
    pub filename: Option<String>,
    /// The type, instead of a guess from the name
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// Where to.
    #[command(flatten)]
    pub connection: Connection,
}

/// `gatepass download`.
#[derive(Debug, Args)]
pub struct Download {
    /// The file's id, or its name: then the newest of that name
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Where to write it; `-` is standard output [default: the file's name, here]
    #[arg(long, short, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    /// Where from.
    #[command(flatten)]
    pub connection: Connection,
}

/// `gatepass link`.
#[derive(Debug, Subcommand)]
pub enum Link {
    /// Make a link: whoever holds it may download
    Create(LinkCreate),
    /// List the links of a file; their addresses were shown once and are not kept
    List(LinkList),
    /// Revoke a link, at once and for good
    Revoke(LinkRevoke),
}

/// `gatepass link create`.
#[derive(Debug, Args)]
pub struct LinkCreate {
    /// The file's id, or its name: then the newest of that name
    #[arg(value_name = "FILE")]
    pub file: String,
    /// How long the link works [default: until it is revoked]
    #[arg(long, alias = "expires-in", value_name = "DURATION")]
    pub expires: Option<Seconds>,
    /// A note for yourself
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Where.
    #[command(flatten)]
    pub connection: Connection,
}

/// `gatepass link list`.
#[derive(Debug, Args)]
pub struct LinkList {
    /// The file's id, or its name: then the newest of that name
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Where.
    #[command(flatten)]
    pub connection: Connection,
}

/// `gatepass link revoke`.
#[derive(Debug, Args)]
pub struct LinkRevoke {
    /// The link's id, as `gatepass link list` shows it
    #[arg(value_name = "LINK")]
    pub link: String,
    /// Where.
    #[command(flatten)]
    pub connection: Connection,
}
