//! What was typed. What is meant by it, `config.rs` and the commands say.

use std::{net::SocketAddr, path::PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use jiff::Timestamp;

use crate::values::{Checksum, ObjectLocation, Pair, Seconds, Size};

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
    /// Make a signed URL
    #[command(subcommand)]
    Sign(Sign),
    /// Check a signed URL offline: valid, or the first rule that it breaks
    Verify(Verify),
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
}

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

/// `gatepass store`.
#[derive(Debug, Subcommand)]
pub enum Store {
    /// Run the store
    Run(StoreRun),
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
    /// Host names that are answered, besides the address itself; before each, a bucket may stand. Separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub hosts: Option<Vec<String>>,
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

/// `gatepass sign`.
#[derive(Debug, Subcommand)]
pub enum Sign {
    /// A URL that downloads an object
    Get(SignRead),
    /// A URL that asks about an object
    Head(SignRead),
    /// A URL that uploads an object
    Put(SignPut),
    /// A URL that deletes an object
    Delete(SignDelete),
}

/// What every signed URL takes.
#[derive(Debug, Args)]
pub struct SignCommon {
    /// The object: everything after the bucket's slash is the key, literally
    #[arg(value_name = "s3://BUCKET/KEY")]
    pub object: ObjectLocation,
    /// How long the URL works, up to seven days: 15m, 3600
    #[arg(long, alias = "expires-in", value_name = "DURATION", default_value = "15m")]
    pub expires: Seconds,
    /// Round the signing time down to multiples of this, so that equal URLs can be cached
    #[arg(long, value_name = "DURATION")]
    pub round: Option<Seconds>,
    /// Sign this request header: whoever uses the URL must send it; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub headers: Vec<Pair>,
    /// Whose optional parameters to add: js is the AWS SDK for JavaScript; gatepass and boto add none
    #[arg(long, value_enum, value_name = "gatepass|boto|js", hide_possible_values = true, default_value_t = Dialect::Gatepass)]
    pub dialect: Dialect,
    /// Where the store is
    #[command(flatten)]
    pub place: Place,
    /// Sign as of this time, for reproducible results
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

/// Where the store is and who signs.
#[derive(Debug, Args)]
pub struct Place {
    /// The region [default: AWS_REGION, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Where the store is reached by whoever uses the URL [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, Amazon S3]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub endpoint: Option<String>,
    /// Put the bucket into the path, as an endpoint of your own usually wants it
    #[arg(long, conflicts_with = "virtual_host")]
    pub path_style: bool,
    /// Put the bucket before the host name, as Amazon S3 wants it
    #[arg(long)]
    pub virtual_host: bool,
    /// A profile of the shared AWS files, instead of the environment
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `gatepass sign get` and `head`.
#[derive(Debug, Args)]
pub struct SignRead {
    /// What every signed URL takes.
    #[command(flatten)]
    pub common: SignCommon,
    /// This version of the object
    #[arg(long, value_name = "ID")]
    pub version_id: Option<String>,
    /// The name under which browsers save the object; any text
    #[arg(long, value_name = "NAME")]
    pub filename: Option<String>,
    /// Whether browsers save or show the object
    #[arg(long, value_enum, value_name = "attachment|inline", hide_possible_values = true)]
    pub disposition: Option<Disposition>,
    /// Answer with this header instead of the object's, as in `content-type=text/plain`; may be repeated
    #[arg(long = "response-header", value_name = "NAME=VALUE")]
    pub response_headers: Vec<Pair>,
}

/// `gatepass sign put`.
#[derive(Debug, Args)]
pub struct SignPut {
    /// What every signed URL takes.
    #[command(flatten)]
    pub common: SignCommon,
    /// The upload must have this type
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// The upload must have this size: bytes, or 5MiB
    #[arg(long, value_name = "SIZE")]
    pub content_length: Option<Size>,
    /// The upload must have this checksum, as in `sha256:…`, in hexadecimal or base64
    #[arg(long, value_name = "ALGORITHM:VALUE")]
    pub checksum: Option<Checksum>,
    /// The object must not exist yet
    #[arg(long, value_name = "ETAG", num_args = 0..=1, require_equals = true, default_missing_value = "*", value_parser = ["*"])]
    pub if_none_match: Option<String>,
}

/// `gatepass sign delete`.
#[derive(Debug, Args)]
pub struct SignDelete {
    /// What every signed URL takes.
    #[command(flatten)]
    pub common: SignCommon,
    /// This version of the object
    #[arg(long, value_name = "ID")]
    pub version_id: Option<String>,
}

/// Whose optional parameters a URL has. They change the text and not the meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// None
    Gatepass,
    /// As boto3 and the AWS CLI: none
    Boto,
    /// As the AWS SDK for JavaScript: `x-id` and `X-Amz-Content-Sha256`
    Js,
}

/// Whether browsers save or show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Disposition {
    /// Save
    Attachment,
    /// Show
    Inline,
}

/// `gatepass verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "A URL is a secret, and shells keep histories: `gatepass verify -` reads it from standard input."
)]
pub struct Verify {
    /// The URL; `-` reads it from standard input
    #[arg(value_name = "URL")]
    pub url: String,
    /// The method of the request
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET")]
    pub method: String,
    /// A header that the request sends; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub headers: Vec<Pair>,
    /// The region that the store is in [default: AWS_REGION, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// A profile of the shared AWS files, instead of the environment
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Check as of this time
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

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
