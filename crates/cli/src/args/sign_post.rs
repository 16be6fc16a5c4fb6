//! `gatepass sign post`.

use clap::{Args, ValueEnum};

use super::{Dialect, Identity, LifeArguments, Place};
use crate::values::{ByteSize, Folder, Pair};

/// `gatepass sign post`.
#[derive(Debug, Args)]
#[command(after_help = "Images of up to 5 MiB below a folder of one's own, as a command to try:\n  \
        gatepass sign post s3://bucket/users/7/ --max-size 5MiB --content-type 'image/*' --curl\n\
        The fields are a secret until they expire: whoever has them may upload.")]
pub struct SignPost {
    /// Where the file goes: a folder, which ends in a slash and keeps the file's own name, or one key
    #[arg(value_name = "s3://BUCKET/FOLDER/")]
    pub folder: Folder,
    /// Exactly this key, instead of one in the address: any text
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// The largest file that is taken: bytes, or 5MiB
    #[arg(long, value_name = "SIZE")]
    pub max_size: ByteSize,
    /// The smallest
    #[arg(long, value_name = "SIZE", default_value = "0")]
    pub min_size: ByteSize,
    /// The type of the file, or `image/*` for any of a kind; repeated, it makes one form for each type
    #[arg(long = "content-type", value_name = "TYPE")]
    pub content_types: Vec<String>,
    /// A field that the form must have exactly so, as in x-amz-meta-user=7; may be repeated
    #[arg(long = "field", value_name = "NAME=VALUE")]
    pub fields: Vec<Pair>,
    /// A field that whoever uploads fills in, beginning so; may be repeated
    #[arg(long = "starts-with", value_name = "NAME=PREFIX")]
    pub starts_with: Vec<Pair>,
    /// What a successful upload is answered with [default: 204]
    #[arg(long, value_enum, value_name = "200|201|204", hide_possible_values = true)]
    pub success_status: Option<Status>,
    /// Where a browser is sent after a successful upload
    #[arg(long, value_name = "URL", conflicts_with = "success_status")]
    pub success_redirect: Option<String>,
    /// Print an HTML form
    #[arg(long, conflicts_with = "curl")]
    pub html: bool,
    /// Print a curl command; put your file where it says FILE
    #[arg(long)]
    pub curl: bool,
    /// In whose words to write the policy: js is the AWS SDK for JavaScript; gatepass and boto write alike
    #[arg(long, value_enum, value_name = "gatepass|boto|js", hide_possible_values = true, default_value_t = Dialect::Gatepass)]
    pub dialect: Dialect,
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

/// The statuses that S3 answers an upload with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// An empty page
    #[value(name = "200")]
    Ok,
    /// A document that says where the file is
    #[value(name = "201")]
    Created,
    /// Nothing
    #[value(name = "204")]
    NoContent,
}
