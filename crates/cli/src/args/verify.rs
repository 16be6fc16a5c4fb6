//! `gatepass verify`.

use clap::Args;
use jiff::Timestamp;

use crate::values::Pair;

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
