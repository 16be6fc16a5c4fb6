//! `gatepass sign`.

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use jiff::Timestamp;

use super::{SignCloudFront, SignCookies, SignPost};
use crate::values::{ByteSize, Checksum, ObjectLocation, Pair, Seconds};

/// `gatepass sign`.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "One file to read, write or delete: get, head, put, delete. An upload whose size is limited: post.\n\
    Files behind CloudFront: cloudfront for one, cookies for many."
)]
pub enum Sign {
    /// A URL that downloads an object
    Get(SignRead),
    /// A URL that asks about an object
    Head(SignRead),
    /// A URL that uploads an object
    Put(SignPut),
    /// A URL that deletes an object
    Delete(SignDelete),
    /// A form with which a browser uploads one file, of a size that you limit
    Post(SignPost),
    /// A CloudFront URL
    Cloudfront(SignCloudFront),
    /// CloudFront cookies, for many files at once
    Cookies(SignCookies),
}

/// What the URL of every object takes.
#[derive(Debug, Args)]
pub struct SignCommon {
    /// The object: everything after the bucket's slash is the key, literally
    #[arg(value_name = "s3://BUCKET/KEY")]
    pub object: ObjectLocation,
    /// Sign this request header: whoever uses the URL must send it; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub headers: Vec<Pair>,
    /// Whose optional parameters to add: js is the AWS SDK for JavaScript; gatepass and boto add none
    #[arg(long, value_enum, value_name = "gatepass|boto|js", hide_possible_values = true, default_value_t = Dialect::Gatepass)]
    pub dialect: Dialect,
    /// Sign for several regions, by Signature Version 4A: `us-east-1,eu-west-1`, or `*` for all
    #[arg(long, value_name = "REGIONS")]
    pub region_set: Option<String>,
    /// How long it works.
    #[command(flatten)]
    pub life: LifeArguments,
    /// Where the store is.
    #[command(flatten)]
    pub place: Place,
    /// Who signs.
    #[command(flatten)]
    pub identity: Identity,
}

/// How long something signed works.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time")]
pub struct LifeArguments {
    /// How long it works, up to seven days: 15m, 3600
    #[arg(long, alias = "expires-in", value_name = "DURATION", default_value = "15m")]
    pub expires: Seconds,
    /// Round the signing time down to multiples of this, so that equal URLs can be cached
    #[arg(long, value_name = "DURATION")]
    pub round: Option<Seconds>,
    /// The bucket's policy refuses older signatures than this (its condition on s3:signatureAge)
    #[arg(long, value_name = "DURATION")]
    pub signature_age: Option<Seconds>,
    /// Refuse to sign what would work for less than this, because the credentials end first
    #[arg(long, value_name = "DURATION")]
    pub min_validity: Option<Seconds>,
    /// Sign as of this time, for reproducible results
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

/// Where the store is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub struct Place {
    /// The region [default: AWS_REGION, the profile's, what Amazon S3 says of the bucket; elsewhere us-east-1]
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
}

/// Who signs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials")]
pub struct Identity {
    /// A profile of the shared AWS files, instead of the environment
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Assume this role first and sign as it; STS is asked at AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, --endpoint or AWS
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Let the role do no more than this policy allows: a file, or the JSON itself
    #[arg(long, value_name = "FILE|JSON", requires = "role_arn", value_hint = ValueHint::FilePath)]
    pub session_policy: Option<String>,
}

/// `gatepass sign get` and `head`.
#[derive(Debug, Args)]
#[command(after_help = "A link that saves the file under its own name, for an hour:\n  \
        gatepass sign get s3://bucket/3f9c.bin --filename 'report 2026.pdf' --expires 1h")]
pub struct SignRead {
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
    /// What the URL of every object takes.
    #[command(flatten)]
    pub common: SignCommon,
}

/// `gatepass sign put`.
#[derive(Debug, Args)]
#[command(after_help = "One upload of exactly this file:\n  \
        gatepass sign put s3://bucket/key --checksum sha256:$(sha256sum < a.png | cut -c -64)\n\
        Whoever uses the URL must send the headers that are printed with it, exactly so.")]
pub struct SignPut {
    /// The upload must have this type
    #[arg(long, value_name = "TYPE")]
    pub content_type: Option<String>,
    /// The upload must have this size: bytes, or 5MiB
    #[arg(long, value_name = "SIZE")]
    pub content_length: Option<ByteSize>,
    /// The upload must have this checksum, as in `sha256:…`, in hexadecimal or base64
    #[arg(long, value_name = "ALGORITHM:VALUE")]
    pub checksum: Option<Checksum>,
    /// The object must not exist yet
    #[arg(long, value_name = "ETAG", num_args = 0..=1, require_equals = true, default_missing_value = "*", value_parser = ["*"])]
    pub if_none_match: Option<String>,
    /// The store must encrypt the object so: AES256, aws:kms or aws:kms:dsse
    #[arg(long, value_name = "ALGORITHM", value_parser = ["AES256", "aws:kms", "aws:kms:dsse"], hide_possible_values = true)]
    pub sse: Option<String>,
    /// The key of aws:kms, where it is not the bucket's
    #[arg(long, value_name = "ID|ARN", requires = "sse")]
    pub sse_kms_key_id: Option<String>,
    /// What the URL of every object takes.
    #[command(flatten)]
    pub common: SignCommon,
}

/// `gatepass sign delete`.
#[derive(Debug, Args)]
pub struct SignDelete {
    /// This version of the object
    #[arg(long, value_name = "ID")]
    pub version_id: Option<String>,
    /// What the URL of every object takes.
    #[command(flatten)]
    pub common: SignCommon,
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
