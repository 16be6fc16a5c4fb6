//! `gatepass sign cloudfront` and `gatepass sign cookies`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use jiff::Timestamp;

use crate::values::Seconds;

/// `gatepass sign cloudfront`.
#[derive(Debug, Args)]
#[command(after_help = "One file for an hour:\n  \
        gatepass sign cloudfront https://cdn.example.com/a.mp4 --expires 1h \\\n    \
        --key-pair-id K2JCJMDEHXQW5F --private-key key.pem\n\
        Without --not-before, --ip and --policy-resource the policy is canned: exactly this URL, and a shorter one.")]
pub struct SignCloudFront {
    /// The URL as the viewer will request it, percent-encoded; `-` reads it from standard input
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub url: String,
    /// What signs, and for how long.
    #[command(flatten)]
    pub policy: CloudFrontPolicy,
}

/// `gatepass sign cookies`.
#[derive(Debug, Args)]
#[command(after_help = "Everything below a folder, until the browser closes or six hours have passed:\n  \
        gatepass sign cookies 'https://cdn.example.com/films/7/*' --path /films/7/ --expires 6h \\\n    \
        --key-pair-id K2JCJMDEHXQW5F --private-key key.pem")]
pub struct SignCookies {
    /// The URL that the cookies open, or a pattern of URLs; `-` reads it from standard input
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub url: String,
    /// Let browsers send the cookies to this domain and those below it [default: the host that sets them]
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Let browsers send the cookies to the paths below this one
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub path: String,
    /// Print a curl command that sends the cookies
    #[arg(long)]
    pub curl: bool,
    /// What signs, and for how long.
    #[command(flatten)]
    pub policy: CloudFrontPolicy,
}

/// What signs, and what is allowed.
#[derive(Debug, Args)]
pub struct CloudFrontPolicy {
    /// The id of the public key at CloudFront
    #[arg(long, value_name = "ID")]
    pub key_pair_id: String,
    /// The private key in PEM, RSA-2048 or ECDSA P-256; `-` reads it from standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub private_key: PathBuf,
    /// How long it works: 15m, 3600
    #[arg(long, alias = "expires-in", value_name = "DURATION", default_value = "15m")]
    pub expires: Seconds,
    /// Not before this time is over
    #[arg(long, value_name = "TIME")]
    pub not_before: Option<Timestamp>,
    /// Only for viewers of this IPv4 address or range, as in 192.0.2.0/24
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<String>,
    /// Whatever this pattern covers, as in `https://cdn.example.com/films/7/*`; `*` is any text, `?` one character
    #[arg(long, value_name = "PATTERN")]
    pub policy_resource: Option<String>,
    /// The hash under the signature; sha1 for verifiers that know no other
    #[arg(long, value_enum, value_name = "sha256|sha1", hide_possible_values = true, default_value_t = Hash::Sha256)]
    pub hash: Hash,
    /// Sign as of this time, for reproducible results
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

/// The hash under a signature of CloudFront.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-1
    Sha1,
}
