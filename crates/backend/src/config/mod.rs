//! The tables of `gatepass.toml` that the backend reads, as they are written.
//!
//! These types say what can be written; `Config::resolve` says what it means, and refuses by name what this version
//! cannot do yet, so that no setting is ever silently ignored.

mod resolve;
mod values;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::Deserialize;

pub(crate) use resolve::{Bucket, Collection, Console, Issuer, Settings, Store, StoreName};
pub use resolve::{ConfigError, ConfigErrors};
pub use values::{ByteSize, ByteSizeError, Duration, SecretError, SecretSource};

/// Everything the backend is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[backend]`
    pub backend: BackendConfig,
    /// `[stores.NAME]`
    pub stores: BTreeMap<String, StoreConfig>,
    /// `[profiles.NAME]`
    #[serde(default)]
    pub profiles: BTreeMap<String, ProfileConfig>,
    /// `[collections.NAME]`
    pub collections: BTreeMap<String, CollectionConfig>,
}

/// `[backend]`: the service itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// The address to listen on.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// How browsers reach the backend: scheme and authority. Its host is the one that is answered.
    pub public_url: String,
    /// Further values of the `Host` header that are answered, such as a health checker's.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Where rows live: `sqlite:PATH`.
    #[serde(default = "default_database")]
    pub database: String,
    /// A listener for metrics.
    pub admin_listen: Option<SocketAddr>,
    /// Whose tokens are believed.
    #[serde(default)]
    pub issuers: Vec<IssuerConfig>,
    /// `[backend.console]`: sign-in for the web page; left out, there is none.
    pub console: Option<ConsoleConfig>,
    /// `[backend.authz]`
    #[serde(default)]
    pub authz: AuthzConfig,
}

/// `[[backend.issuers]]`: an OpenID Connect issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// Exactly the `iss` of its tokens; discovery starts from it.
    pub issuer: String,
    /// What its users are known by here. Left out: its URL. Who gives a name can let the URL change.
    pub name: Option<String>,
    /// The `aud` that its tokens must have.
    pub audience: String,
    /// Which claims say who calls.
    #[serde(default)]
    pub claims: ClaimsConfig,
}

/// The names of the claims.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimsConfig {
    /// Who.
    pub subject: String,
    /// Of which tenant.
    pub tenant: String,
    /// In which groups.
    pub groups: String,
}

impl Default for ClaimsConfig {
    fn default() -> Self {
        Self { subject: "sub".to_owned(), tenant: "org".to_owned(), groups: "groups".to_owned() }
    }
}

/// `[backend.console]`: this backend as a client of an issuer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleConfig {
    /// One of `[[backend.issuers]]`; left out, the only one.
    pub issuer: Option<String>,
    /// The public client's id.
    pub client_id: String,
    /// What is asked of the issuer.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
}

/// `[backend.authz]`: policies besides the default set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthzConfig {
    /// Cedar files; the last segment of a path may hold one `*`.
    #[serde(default)]
    pub policies: Vec<PathBuf>,
    /// An endpoint that decides.
    pub webhook: Option<LaterSetting>,
}

/// `[stores.NAME]`: a bucket's home, as the backend sees it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// How the backend reaches it; left out: AWS.
    pub endpoint: Option<String>,
    /// How clients reach it: this host is signed. Left out: as `endpoint`.
    pub public_endpoint: Option<String>,
    /// The region that signatures name.
    pub region: String,
    /// Where the bucket stands in a URL.
    #[serde(default)]
    pub addressing: Addressing,
    /// Whose keys sign.
    pub credentials: CredentialsConfig,
}

/// Where the bucket stands in a URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// `https://bucket.host/key`
    #[default]
    VirtualHost,
    /// `https://host/bucket/key`
    Path,
}

/// Where the keys of a store come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "expected { access_key_id, secret }, { env = true } or { profile = NAME }"
)]
pub enum CredentialsConfig {
    /// Keys that do not expire.
    Static {
        /// The public half.
        access_key_id: String,
        /// Where the secret half is.
        secret: SecretSource,
    },
    /// Where the AWS tools look: environment, shared files, web identity, container and instance metadata.
    Chain {
        /// Always `true`.
        env: bool,
    },
    /// A named profile of the shared AWS files.
    Profile {
        /// Its name.
        profile: String,
    },
}

/// `[profiles.NAME]`: bounds on what is signed for one purpose.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileConfig {
    /// The store whose credentials sign.
    pub store: String,
    /// What may be signed with it.
    pub operations: Vec<SignedOperation>,
    /// The longest life of a URL.
    pub max_expiry: Option<Duration>,
    /// A role to assume.
    pub role_arn: Option<String>,
    /// The external id of that role.
    pub external_id: Option<String>,
    /// A template that narrows the role.
    pub session_policy: Option<LaterSetting>,
    /// When the role's credentials are renewed.
    pub refresh_window: Option<Duration>,
}

/// What a profile may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedOperation {
    /// Downloads.
    Get,
    /// Questions about an object.
    Head,
    /// Uploads with PUT.
    Put,
    /// Uploads with a form.
    Post,
    /// Uploads in parts.
    Multipart,
}

/// `[collections.NAME]`: a place for files and its rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionConfig {
    /// One of `[stores.NAME]`.
    pub store: String,
    /// Its bucket.
    pub bucket: String,
    /// What the keys of files begin with.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// What may come in.
    #[serde(default)]
    pub upload: UploadConfig,
    /// How it goes out.
    #[serde(default)]
    pub download: DownloadConfig,
    /// How objects are encrypted.
    #[serde(default = "default_encryption")]
    pub encryption: String,
    /// How an upload becomes a file.
    #[serde(default = "default_promote")]
    pub promote: String,
    /// How much may be stored.
    pub quota: Option<LaterSetting>,
    /// What looks at uploads before they become files.
    pub scan: Option<LaterSetting>,
}

/// What may come into a collection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UploadConfig {
    /// One of `[profiles.NAME]`.
    pub profile: Option<String>,
    /// The largest file.
    pub max_size: ByteSize,
    /// Which media types: `*/*`, `image/*`, `image/png`.
    pub content_types: Vec<String>,
    /// Which ways to upload.
    pub strategies: Vec<StrategyName>,
    /// How long an upload's URL works.
    pub expires: Duration,
}

impl Default for UploadConfig {
    fn default() -> Self {
        Self {
            profile: None,
            max_size: ByteSize::GIB_5,
            content_types: vec!["*/*".to_owned()],
            strategies: vec![StrategyName::Put],
            expires: Duration::from_secs(15 * 60),
        }
    }
}

/// A way to upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyName {
    /// One PUT with everything signed.
    Put,
    /// A form with a policy.
    Post,
    /// Parts.
    Multipart,
}

/// How files leave a collection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DownloadConfig {
    /// One of `[profiles.NAME]`.
    pub profile: Option<String>,
    /// By which road.
    pub delivery: String,
    /// How long a download's URL works.
    pub expires: Duration,
    /// The window to which signing times are rounded.
    pub stable_window: Duration,
    /// What is asked before a URL is signed.
    pub check: String,
}

impl Default for DownloadConfig {
    fn default() -> Self {
        Self {
            profile: None,
            delivery: "s3".to_owned(),
            expires: Duration::from_secs(5 * 60),
            stable_window: Duration::from_secs(0),
            check: "db".to_owned(),
        }
    }
}

/// A setting whose shape belongs to a later version: read so that the refusal can name it.
pub type LaterSetting = serde_json::Value;

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_database() -> String {
    "sqlite:gatepass.db".to_owned()
}

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

fn default_prefix() -> String {
    "files/".to_owned()
}

fn default_encryption() -> String {
    "bucket-default".to_owned()
}

fn default_promote() -> String {
    "copy".to_owned()
}
