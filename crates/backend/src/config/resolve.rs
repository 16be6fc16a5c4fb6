//! From what is written to what is meant: names are looked up, texts parsed, and what this version cannot do refused.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use gatepass_protocol::s3::names::BucketName;
use gatepass_signing::{
    address::{Address, AddressingStyle, Endpoint, Scheme},
    time::Lifetime,
};

use super::{
    Addressing, BackendConfig, ByteSize, ClaimsConfig, CollectionConfig, Config, ConsoleConfig, CredentialsConfig,
    DownloadConfig, Duration, IssuerConfig, ProfileConfig, SignedOperation, StoreConfig, StrategyName, UploadConfig,
};
use crate::model::content_type::ContentTypePattern;

/// The longest prefix of a collection, so that every key made under it stays under S3's 1,024 bytes: three times a
/// tenant's 255 bytes when each is percent-encoded leaves this much and the ids.
const MAX_PREFIX_BYTES: usize = 128;

/// What the backend does, with every reference resolved.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) site: Site,
    /// The path of the SQLite file.
    pub(crate) database: PathBuf,
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) console: Option<Console>,
    pub(crate) policies: Vec<PathBuf>,
    pub(crate) stores: BTreeMap<StoreName, Store>,
    pub(crate) collections: BTreeMap<String, Collection>,
}

/// How the backend is reached.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) origin: Endpoint,
    /// Values of `Host` that are answered, lowercase.
    pub(crate) hosts: Vec<String>,
}

/// Whose tokens are believed.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    /// Exactly the `iss` of its tokens.
    pub(crate) url: String,
    /// What its users are known by: no two issuers share one.
    pub(crate) name: String,
    pub(crate) audience: String,
    pub(crate) claims: ClaimsConfig,
}

/// Sign-in for the web page.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    pub(crate) issuer: Issuer,
    pub(crate) client_id: String,
    pub(crate) scopes: String,
}

/// The name of a store, which the configuration is known to have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoreName(String);

/// A bucket's home.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) endpoint: Endpoint,
    pub(crate) public_endpoint: Endpoint,
    pub(crate) region: String,
    pub(crate) style: AddressingStyle,
    pub(crate) credentials: CredentialsConfig,
}

/// A bucket of a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket {
    pub(crate) store: StoreName,
    pub(crate) name: String,
}

/// A place for files and its rules.
#[derive(Debug, Clone)]
pub(crate) struct Collection {
    pub(crate) name: String,
    pub(crate) bucket: Bucket,
    pub(crate) prefix: String,
    pub(crate) upload: Upload,
    pub(crate) download: Download,
}

#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) max_size: ByteSize,
    pub(crate) content_types: Vec<ContentTypePattern>,
    /// The longest life of an upload's URL.
    pub(crate) expires: Lifetime,
}

#[derive(Debug, Clone)]
pub(crate) struct Download {
    /// The longest life of a download's URL.
    pub(crate) expires: Lifetime,
}

impl StoreName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting, as in `collections.files.upload.expires`.
    pub setting: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, ConfigError { setting, message }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{setting}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Whether the backend could be opened with it, as far as that shows without touching disk or network.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        self.resolve().map(drop)
    }

    pub(crate) fn resolve(&self) -> Result<Settings, ConfigErrors> {
        let mut problems = Problems::default();
        let settings = problems.settings(self);
        match settings {
            Some(settings) if problems.0.is_empty() => Ok(settings),
            _ => Err(ConfigErrors(problems.0)),
        }
    }
}

/// Collects every mistake, so that one run of `config check` shows them all.
#[derive(Default)]
struct Problems(Vec<ConfigError>);

impl Problems {
    fn add(&mut self, setting: impl Into<String>, message: impl Into<String>) {
        self.0.push(ConfigError { setting: setting.into(), message: message.into() });
    }

    fn later<T>(&mut self, value: Option<&T>, setting: impl Into<String>) {
        if value.is_some() {
            let setting = setting.into();
            let name = setting.rsplit('.').next().unwrap_or_default().to_owned();
            self.add(setting, format!("not supported yet: {name}"));
        }
    }

    fn only(&mut self, value: &str, supported: &str, setting: String) {
        if value != supported {
            self.add(setting, format!("not supported yet: {value:?}; this version knows {supported:?}"));
        }
    }

    fn settings(&mut self, config: &Config) -> Option<Settings> {
        let BackendConfig { listen, public_url, hosts, database, admin_listen, issuers, console, authz } =
            &config.backend;
        self.later(admin_listen.as_ref(), "backend.admin_listen");
        self.later(authz.webhook.as_ref(), "backend.authz.webhook");
        let site = self.site(public_url, hosts);
        let database = self.database(database);
        let issuers: Vec<Issuer> =
            issuers.iter().enumerate().filter_map(|(index, issuer)| self.issuer(index, issuer)).collect();
        for (index, issuer) in issuers.iter().enumerate() {
            let shared = |other: &Issuer| other.name == issuer.name || other.url == issuer.url;
            if issuers[..index].iter().any(shared) {
                self.add(format!("backend.issuers[{index}]"), "two issuers cannot have the same URL or name");
            }
        }
        let console = console.as_ref().and_then(|console| self.console(console, &issuers));
        let stores: BTreeMap<_, _> = config
            .stores
            .iter()
            .filter_map(|(name, store)| Some((StoreName(name.clone()), self.store(name, store)?)))
            .collect();
        for (name, profile) in &config.profiles {
            self.profile(name, profile, &stores);
        }
        let collections = config
            .collections
            .iter()
            .filter_map(|(name, collection)| Some((name.clone(), self.collection(name, collection, config, &stores)?)))
            .collect();
        Some(Settings {
            listen: *listen,
            site: site?,
            database: database?,
            issuers,
            console,
            policies: authz.policies.clone(),
            stores,
            collections,
        })
    }

    fn site(&mut self, public_url: &str, hosts: &[String]) -> Option<Site> {
        let origin = self.endpoint("backend.public_url", public_url)?;
        let own = origin.authority().to_owned();
        let hosts = std::iter::once(own).chain(hosts.iter().map(|host| host.to_ascii_lowercase())).collect();
        Some(Site { origin, hosts })
    }

    fn database(&mut self, database: &str) -> Option<PathBuf> {
        let setting = "backend.database";
        match database.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => return Some(PathBuf::from(path)),
            Some((kind @ ("postgres" | "postgresql" | "dynamodb"), _)) => {
                self.add(setting, format!("not supported yet: {kind}; use sqlite:PATH"));
            }
            _ => self.add(setting, "expected sqlite:PATH"),
        }
        None
    }

    fn issuer(&mut self, index: usize, config: &IssuerConfig) -> Option<Issuer> {
        let IssuerConfig { issuer, name, audience, claims } = config;
        let setting = format!("backend.issuers[{index}].issuer");
        if let Err(message) = check_issuer(issuer) {
            self.add(setting, message);
            return None;
        }
        if audience.is_empty() {
            self.add(format!("backend.issuers[{index}].audience"), "an audience is needed: a token is for somebody");
            return None;
        }
        let name = name.as_ref().unwrap_or(issuer);
        if name.is_empty() || name.contains('#') {
            self.add(format!("backend.issuers[{index}].name"), "a name is not empty and has no #");
            return None;
        }
        Some(Issuer { url: issuer.clone(), name: name.clone(), audience: audience.clone(), claims: claims.clone() })
    }

    fn console(&mut self, config: &ConsoleConfig, issuers: &[Issuer]) -> Option<Console> {
        let setting = "backend.console.issuer";
        let ConsoleConfig { issuer, client_id, scopes } = config;
        let issuer = match (issuer, issuers) {
            (Some(wanted), _) => issuers.iter().find(|issuer| issuer.url == *wanted),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let Some(issuer) = issuer else {
            self.add(setting, "name one of backend.issuers");
            return None;
        };
        if !scopes.iter().any(|scope| scope == "openid") {
            self.add("backend.console.scopes", "sign-in needs the scope openid");
        }
        Some(Console { issuer: issuer.clone(), client_id: client_id.clone(), scopes: scopes.join(" ") })
    }

    fn store(&mut self, name: &str, config: &StoreConfig) -> Option<Store> {
        let StoreConfig { endpoint, public_endpoint, region, addressing, credentials } = config;
        let clean = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if region.is_empty() || !region.bytes().all(clean) {
            self.add(format!("stores.{name}.region"), "expected a region such as \"eu-central-1\"");
            return None;
        }
        if let CredentialsConfig::Chain { env: false } = credentials {
            self.add(format!("stores.{name}.credentials"), "expected { env = true }");
        }
        let aws = format!("https://s3.{region}.amazonaws.com");
        let endpoint = endpoint.as_deref().unwrap_or(&aws);
        let public_endpoint = public_endpoint.as_deref().unwrap_or(endpoint);
        Some(Store {
            endpoint: self.endpoint(&format!("stores.{name}.endpoint"), endpoint)?,
            public_endpoint: self.endpoint(&format!("stores.{name}.public_endpoint"), public_endpoint)?,
            region: region.clone(),
            style: match addressing {
                Addressing::VirtualHost => AddressingStyle::VirtualHost,
                Addressing::Path => AddressingStyle::Path,
            },
            credentials: credentials.clone(),
        })
    }

    fn profile(&mut self, name: &str, config: &ProfileConfig, stores: &BTreeMap<StoreName, Store>) {
        let ProfileConfig { store, operations, max_expiry, role_arn, external_id, session_policy, refresh_window } =
            config;
        if !stores.contains_key(&StoreName(store.clone())) {
            self.add(format!("profiles.{name}.store"), format!("there is no stores.{store}"));
        }
        if operations.is_empty() {
            self.add(format!("profiles.{name}.operations"), "a profile that may sign nothing is of no use");
        }
        if let Some(expiry) = max_expiry {
            self.lifetime(format!("profiles.{name}.max_expiry"), *expiry);
        }
        self.later(role_arn.as_ref(), format!("profiles.{name}.role_arn"));
        self.later(external_id.as_ref(), format!("profiles.{name}.external_id"));
        self.later(session_policy.as_ref(), format!("profiles.{name}.session_policy"));
        self.later(refresh_window.as_ref(), format!("profiles.{name}.refresh_window"));
    }

    fn collection(
        &mut self,
        name: &str,
        config: &CollectionConfig,
        all: &Config,
        stores: &BTreeMap<StoreName, Store>,
    ) -> Option<Collection> {
        let at = |setting: &str| format!("collections.{name}.{setting}");
        let CollectionConfig { store, bucket, prefix, upload, download, encryption, promote, quota, scan } = config;
        self.only(encryption, "bucket-default", at("encryption"));
        self.only(promote, "copy", at("promote"));
        self.later(quota.as_ref(), at("quota"));
        self.later(scan.as_ref(), at("scan"));
        let store_name = StoreName(store.clone());
        if !stores.contains_key(&store_name) && !all.stores.contains_key(store) {
            self.add(at("store"), format!("there is no stores.{store}"));
        }
        if let Err(problem) = BucketName::parse(bucket) {
            self.add(at("bucket"), problem.to_string());
        } else if let Some(home) = stores.get(&store_name)
            && let Err(problem) = Address::bucket(&home.public_endpoint, home.style, bucket)
        {
            self.add(at("bucket"), problem.to_string());
        }
        if prefix.is_empty()
            || prefix.len() > MAX_PREFIX_BYTES
            || !prefix.ends_with('/')
            || prefix.starts_with("staging/")
        {
            let rule = format!("a prefix has up to {MAX_PREFIX_BYTES} bytes, ends in a slash and is not in staging/");
            self.add(at("prefix"), rule);
        }
        let upload = self.upload(name, store, upload, &all.profiles);
        let download = self.download(name, store, download, &all.profiles);
        Some(Collection {
            name: name.to_owned(),
            bucket: Bucket { store: store_name, name: bucket.clone() },
            prefix: prefix.clone(),
            upload: upload?,
            download: download?,
        })
    }

    fn upload(
        &mut self,
        collection: &str,
        store: &str,
        config: &UploadConfig,
        profiles: &BTreeMap<String, ProfileConfig>,
    ) -> Option<Upload> {
        let at = |setting: &str| format!("collections.{collection}.upload.{setting}");
        let UploadConfig { profile, max_size, content_types, strategies, expires } = config;
        for strategy in strategies {
            if *strategy != StrategyName::Put {
                self.add(at("strategies"), format!("not supported yet: {strategy:?}; this version knows \"put\""));
            }
        }
        if strategies.is_empty() {
            self.add(at("strategies"), "expected [\"put\"]");
        }
        if *max_size > ByteSize::GIB_5 {
            self.add(at("max_size"), "one PUT brings at most 5GiB, and multipart is not supported yet");
        }
        let content_types = content_types
            .iter()
            .filter_map(|pattern| {
                let parsed = ContentTypePattern::parse(pattern);
                parsed.map_err(|_| self.add(at("content_types"), format!("{pattern:?} is no media type"))).ok()
            })
            .collect();
        let cap = self.cap(&at("profile"), store, profile.as_deref(), SignedOperation::Put, profiles);
        Some(Upload {
            max_size: *max_size,
            content_types,
            expires: self.lifetime(at("expires"), least(*expires, cap))?,
        })
    }

    fn download(
        &mut self,
        collection: &str,
        store: &str,
        config: &DownloadConfig,
        profiles: &BTreeMap<String, ProfileConfig>,
    ) -> Option<Download> {
        let at = |setting: &str| format!("collections.{collection}.download.{setting}");
        let DownloadConfig { profile, delivery, expires, stable_window, check } = config;
        self.only(delivery, "s3", at("delivery"));
        self.only(check, "db", at("check"));
        if stable_window.as_secs() != 0 {
            self.add(at("stable_window"), "not supported yet: stable_window");
        }
        let cap = self.cap(&at("profile"), store, profile.as_deref(), SignedOperation::Get, profiles);
        Some(Download { expires: self.lifetime(at("expires"), least(*expires, cap))? })
    }

    /// What the profile allows at most, where there is one.
    fn cap(
        &mut self,
        setting: &str,
        store: &str,
        profile: Option<&str>,
        operation: SignedOperation,
        profiles: &BTreeMap<String, ProfileConfig>,
    ) -> Option<Duration> {
        let name = profile?;
        let Some(profile) = profiles.get(name) else {
            self.add(setting, format!("there is no profiles.{name}"));
            return None;
        };
        if profile.store != store {
            self.add(
                setting,
                format!("profiles.{name} is for stores.{}, this collection is in stores.{store}", profile.store),
            );
        }
        if !profile.operations.contains(&operation) {
            self.add(setting, format!("profiles.{name} does not allow {operation:?}"));
        }
        profile.max_expiry
    }

    fn lifetime(&mut self, setting: String, duration: Duration) -> Option<Lifetime> {
        Lifetime::from_secs(duration.as_secs()).map_err(|problem| self.add(setting, problem.to_string())).ok()
    }

    fn endpoint(&mut self, setting: &str, text: &str) -> Option<Endpoint> {
        Endpoint::parse(text).map_err(|problem| self.add(setting, problem.to_string())).ok()
    }
}

fn least(duration: Duration, cap: Option<Duration>) -> Duration {
    cap.map_or(duration, |cap| cap.min(duration))
}

/// OpenID Connect Discovery §2: an https URL without query and fragment. Plain http is for this machine only.
fn check_issuer(issuer: &str) -> Result<(), &'static str> {
    let authority_end = issuer.find("://").and_then(|at| issuer[at + 3..].find('/').map(|slash| at + 3 + slash));
    let origin = &issuer[..authority_end.unwrap_or(issuer.len())];
    let endpoint = Endpoint::parse(origin).map_err(|_| "expected an https URL")?;
    if issuer.contains(['?', '#']) {
        return Err("an issuer has no query and no fragment");
    }
    if endpoint.scheme() == Scheme::Http && !is_this_machine(endpoint.authority()) {
        return Err("an issuer on another machine needs https: its keys decide who is who");
    }
    Ok(())
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => &authority[..colon],
        _ => authority,
    };
    let host = host.to_ascii_lowercase();
    let version_6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || version_6.and_then(|host| host.parse().ok()).is_some_and(|address: Ipv6Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(edit: impl FnOnce(&mut serde_json::Value)) -> Result<Settings, ConfigErrors> {
        let mut document = serde_json::json!({
            "backend": {
                "public_url": "https://files.example.test",
                "issuers": [{ "issuer": "https://login.example.test", "audience": "gatepass" }],
                "console": { "client_id": "console" },
            },
            "stores": { "main": { "region": "eu-central-1", "credentials": { "env": true } } },
            "profiles": { "uploader": { "store": "main", "operations": ["put"], "max_expiry": "10m" } },
            "collections": { "files": { "store": "main", "bucket": "app-files", "upload": { "profile": "uploader" } } },
        });
        edit(&mut document);
        serde_json::from_value::<Config>(document).expect("the shape is right").resolve()
    }

    fn problem(edit: impl FnOnce(&mut serde_json::Value)) -> String {
        parse(edit).expect_err("a refusal").to_string()
    }

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let settings = parse(|_| ()).expect("the settings");
        let store = &settings.stores[&StoreName("main".to_owned())];
        assert_eq!(store.endpoint.to_string(), "https://s3.eu-central-1.amazonaws.com");
        assert_eq!(store.public_endpoint, store.endpoint);
        assert_eq!(settings.site.hosts, ["files.example.test"]);
        assert_eq!(settings.collections["files"].upload.expires.as_secs(), 600, "the profile's cap");
        assert_eq!(settings.collections["files"].download.expires.as_secs(), 300);
    }

    #[test]
    fn what_this_version_cannot_do_is_refused_by_name() {
        type Edit = fn(&mut serde_json::Value);
        let cases: [(Edit, &str); 14] = [
            (|d| d["backend"]["database"] = "postgres://db".into(), "backend.database: not supported yet"),
            (|d| d["backend"]["database"] = "dynamodb:t".into(), "backend.database: not supported yet"),
            (|d| d["backend"]["admin_listen"] = "127.0.0.1:1".into(), "backend.admin_listen: not supported yet"),
            (
                |d| d["backend"]["authz"] = serde_json::json!({"webhook": {"url": "x"}}),
                "backend.authz.webhook: not supported yet",
            ),
            (|d| d["profiles"]["uploader"]["role_arn"] = "arn".into(), "profiles.uploader.role_arn: not supported yet"),
            (|d| d["profiles"]["uploader"]["refresh_window"] = "5m".into(), "refresh_window: not supported yet"),
            (
                |d| d["collections"]["files"]["upload"]["strategies"] = serde_json::json!(["put", "multipart"]),
                "strategies: not supported yet",
            ),
            (
                |d| d["collections"]["files"]["upload"]["strategies"] = serde_json::json!(["post"]),
                "strategies: not supported yet",
            ),
            (
                |d| d["collections"]["files"]["upload"]["max_size"] = "5368709121B".into(),
                "multipart is not supported yet",
            ),
            (
                |d| d["collections"]["files"]["download"] = serde_json::json!({"delivery": "cdn"}),
                "delivery: not supported yet",
            ),
            (
                |d| d["collections"]["files"]["download"] = serde_json::json!({"stable_window": "1m"}),
                "stable_window: not supported yet",
            ),
            (|d| d["collections"]["files"]["encryption"] = "sse-c".into(), "encryption: not supported yet"),
            (|d| d["collections"]["files"]["promote"] = "pin_version".into(), "promote: not supported yet"),
            (|d| d["collections"]["files"]["scan"] = serde_json::json!({"http": "x"}), "scan: not supported yet"),
        ];
        for (edit, expected) in cases {
            let problem = problem(edit);
            assert!(problem.contains(expected), "{problem} should say {expected}");
        }
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let problem = problem(|document| {
            document["collections"]["files"]["store"] = "other".into();
            document["collections"]["files"]["prefix"] = "staging/x/".into();
            document["backend"]["issuers"][0]["issuer"] = "http://login.example.test".into();
        });
        for expected in ["there is no stores.other", "collections.files.prefix", "needs https"] {
            assert!(problem.contains(expected), "{problem} should say {expected}");
        }
    }

    #[test]
    fn a_url_lives_seven_days_at_most() {
        let of =
            |expires: u64| parse(|d| d["collections"]["files"]["download"] = serde_json::json!({"expires": expires}));
        assert!(of(604_800).is_ok());
        assert!(of(604_801).is_err());
        assert!(of(0).is_err());
    }

    #[test]
    fn an_issuer_over_plain_http_is_on_this_machine() {
        for fine in
            ["http://localhost:8070", "http://127.0.0.1:8070", "http://[::1]:8070/realm", "https://a.test/realms/x"]
        {
            assert_eq!(check_issuer(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "http://a.test",
            "https://a.test?x",
            "https://a.test#x",
            "ftp://a.test",
            "http://localhost.evil.test",
            "http://evillocalhost",
            "http://127.evil.example",
            "http://127.0.0.1.evil.test",
            "http://[::2]:8070",
            "a.test",
        ] {
            assert!(check_issuer(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let unknown = serde_json::json!({ "store": "main", "bucket": "b", "colour": "red" });
        let error = serde_json::from_value::<CollectionConfig>(unknown).expect_err("a refusal");
        assert!(error.to_string().contains("colour"), "{error}");
    }
}
