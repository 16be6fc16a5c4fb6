//! What was typed. What is meant by it, `config.rs` and the commands say.

mod dev;
mod files;
mod services;
mod sign;
mod sign_cloudfront;
mod sign_post;
mod verify;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub(crate) use dev::{DataDirectory, Dev, DevCommand, DevOptions, DevToken, Env, Exec};
pub(crate) use files::{Connection, Download, Link, LinkCreate, LinkList, LinkRevoke, Upload};
pub(crate) use services::{
    AccessLogChoice, Backend, BackendRun, FsyncChoice, Store, StoreBackup, StoreCheck, StoreRun,
};
pub(crate) use sign::{
    Dialect, Disposition, Identity, LifeArguments, Place, Sign, SignCommon, SignDelete, SignPut, SignRead,
};
pub(crate) use sign_cloudfront::{CloudFrontPolicy, Hash, SignCloudFront, SignCookies};
pub(crate) use sign_post::{SignPost, Status};
pub(crate) use verify::{Verify, VerifyCloudFront};

/// Hands out signed URLs for private files, and honours them.
#[derive(Debug, Parser)]
#[command(
    name = "gatepass",
    version,
    max_term_width = 100,
    after_help = "Start with `gatepass dev`: everything runs on this machine, and it prints three commands to try.\n\
        Exit codes: 0 done, 1 a finding or a refusal, 2 wrong usage."
)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Global {
    /// Print results as JSON, one document on a line
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "auto|always|never", value_enum, hide_possible_values = true, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Log more, on standard error; twice for everything. `store run` and `backend run` log their decisions without it
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// What to log, as in `info,gatepass_store=debug`; RUST_LOG is read where this is left out
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything on this machine: backend and console, store, identity provider
    Dev(Dev),
    /// Run one command with a fresh store of its own
    Exec(Exec),
    /// Print the variables that point AWS tools to a running `gatepass dev`
    Env(Env),
    /// The S3-compatible store alone
    #[command(subcommand)]
    Store(Store),
    /// The backend alone
    #[command(subcommand)]
    Backend(Backend),
    /// Make a signed URL, an upload form, or cookies
    #[command(subcommand)]
    Sign(Sign),
    /// Check a signed URL, an upload form or cookies offline: valid, or the first rule that is broken
    Verify(Verify),
    /// Say why a signed URL fails, and what to do: from the URL, a curl command or a HAR file
    Explain(crate::commands::ExplainArguments),
    /// Upload a file through a signed URL
    Upload(Upload),
    /// Download a file through a signed URL
    Download(Download),
    /// Share files by links that can be revoked
    #[command(subcommand)]
    Link(Link),
    /// Check and explain `gatepass.toml`
    #[command(subcommand)]
    Config(Config),
    /// Print the completions of a shell
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write one page per command into a directory
    #[command(after_help = "To read it at once: gatepass man | man -l -\n\
        To install all pages: gatepass man ~/.local/share/man/man1")]
    Man {
        /// Where to put the pages; it is made where there is none
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
    },
}

/// `gatepass config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check a configuration: names file, line and column of what is wrong, and what would be valid
    Check {
        /// The file
        #[arg(value_name = "FILE", default_value = crate::config::DEFAULT_FILE, value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Print every setting with its default
    Reference,
}
