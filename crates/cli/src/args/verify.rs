//! `gatepass verify`.

use std::{net::IpAddr, path::PathBuf};

use clap::{ArgGroup, Args, ValueHint};
use jiff::Timestamp;

use crate::values::{ByteSize, Pair};

/// `gatepass verify`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("subject").args(["url", "form"]).required(true).multiple(false),
    after_help = "A URL is a secret, and shells keep histories: `gatepass verify -` reads it from standard input.\n\
        An upload form: gatepass sign post s3://bucket/in/ --max-size 5MiB --json > form.json\n  \
        gatepass verify --form form.json --filename cat.png --size 1MiB\n\
        A CloudFront URL: gatepass verify URL --public-key public.pem\n\
        What verify finds, `gatepass explain` explains."
)]
pub struct Verify {
    /// The URL; `-` reads it from standard input
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// The method of the request
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET")]
    pub method: String,
    /// A header that the request sends; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub headers: Vec<Pair>,
    /// Accept Signature Version 2, as stores of old regions do
    #[arg(long)]
    pub allow_sigv2: bool,
    /// The bucket, where the address does not tell it: a store of your own with the bucket in the host name
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// The region that the store is in [default: the host's, AWS_REGION, the profile's, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// A profile of the shared AWS files, instead of the environment
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Check as of this time
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
    /// An upload form, and what is uploaded with it.
    #[command(flatten)]
    pub upload: VerifyUpload,
    /// CloudFront.
    #[command(flatten)]
    pub cloudfront: VerifyCloudFront,
}

/// An upload form, and what is uploaded with it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Upload forms")]
pub struct VerifyUpload {
    /// A form instead of a URL: the JSON of `sign post --json`, {"url", "fields"}; `-` reads standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub form: Option<PathBuf>,
    /// A field that the upload adds to the form's, or changes; may be repeated
    #[arg(long = "field", value_name = "NAME=VALUE", requires = "form")]
    pub fields: Vec<Pair>,
    /// The name of the file that is uploaded
    #[arg(long, value_name = "NAME", requires = "form", default_value = "file")]
    pub filename: String,
    /// The size of the file that is uploaded
    #[arg(long, value_name = "SIZE", requires = "form")]
    pub size: Option<ByteSize>,
}

/// CloudFront.
#[derive(Debug, Args)]
#[command(next_help_heading = "CloudFront")]
pub struct VerifyCloudFront {
    /// Check a signature of CloudFront with this public key, in PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "url")]
    pub public_key: Option<PathBuf>,
    /// The id of the public key at CloudFront [default: whatever the URL says]
    #[arg(long, value_name = "ID", requires = "public_key")]
    pub key_pair_id: Option<String>,
    /// What stands in the Cookie header, as in `CloudFront-Policy=…; CloudFront-Signature=…`; `-` reads standard input
    #[arg(long, value_name = "COOKIES", requires = "public_key")]
    pub cookie: Option<String>,
    /// The viewer's address [default: one that the policy allows]
    #[arg(long, value_name = "ADDRESS", requires = "public_key")]
    pub ip: Option<IpAddr>,
}
