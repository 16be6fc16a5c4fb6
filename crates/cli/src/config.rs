//! What is meant: `gatepass.toml` with the environment laid over it. Flags are laid over both by the commands.

mod environment;
mod finding;
mod reference;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use gatepass_backend::config::{
    BackendConfig, CollectionConfig, Config as BackendSettings, ProfileConfig, StoreConfig,
};
use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use crate::{
    args::{AccessLogChoice, FsyncChoice},
    failure::{Explain as _, Failure, Result},
    values::{ByteSize, Span},
};

pub(crate) use finding::Finding;
pub(crate) use reference::{REFERENCE, reference_page};

/// The file that is read where no other is named.
pub(crate) const DEFAULT_FILE: &str = "gatepass.toml";

/// The region where nothing says another: the one that AWS tools assume.
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// `gatepass.toml`. Each part reads its own tables.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// `[store]`
    #[serde(default)]
    pub(crate) store: StoreTable,
    /// `[backend]`
    backend: Option<BackendConfig>,
    /// `[stores.NAME]`
    stores: Option<BTreeMap<String, StoreConfig>>,
    /// `[profiles.NAME]`
    profiles: Option<BTreeMap<String, ProfileConfig>>,
    /// `[collections.NAME]`
    collections: Option<BTreeMap<String, CollectionConfig>>,
}

/// `[store]`: what `gatepass store run` reads.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreTable {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) region: Option<String>,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) fsync: Option<FsyncChoice>,
    pub(crate) reserve: Option<ByteSize>,
    pub(crate) tls: Option<TlsTable>,
    pub(crate) regions: Option<BTreeMap<String, RegionTable>>,
    pub(crate) allow_sigv2: Option<bool>,
    pub(crate) access_log: Option<PathBuf>,
    pub(crate) access_log_format: Option<AccessLogChoice>,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) lifecycle_day: Option<Span>,
}

/// `[store.regions.NAME]`: another region that the store serves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegionTable {
    pub(crate) hosts: Vec<String>,
}

/// `[store.tls]`: half of it is nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsTable {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// What was found in a configuration: the file's meaning, or everything that is wrong with it.
pub(crate) type Checked = std::result::Result<File, Vec<Finding>>;

impl File {
    /// Reads a file and the environment, and refuses both with the first mistake.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = read(path)?;
        check(&text, &environment::settings()).map_err(|findings| refusal(path, &findings))
    }

    /// The environment alone.
    pub(crate) fn from_environment() -> Result<Self> {
        check("", &environment::settings()).map_err(|findings| refusal(Path::new(DEFAULT_FILE), &findings))
    }

    /// What the backend is told; nothing where no table of it is there.
    pub(crate) fn into_backend(self) -> Option<BackendSettings> {
        Some(BackendSettings {
            backend: self.backend?,
            stores: self.stores.unwrap_or_default(),
            profiles: self.profiles.unwrap_or_default(),
            collections: self.collections.unwrap_or_default(),
        })
    }

    fn needs_backend(&self) -> bool {
        self.stores.is_some() || self.profiles.is_some() || self.collections.is_some()
    }
}

/// Reads and checks a file for `gatepass config check`.
pub(crate) fn check_file(path: &Path) -> Result<Checked> {
    Ok(check(&read(path)?, &environment::settings()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path)
        .explain(format!("cannot read the configuration {}", path.display()))
        .map_err(|failure| failure.hint("name another file with --config, or see `gatepass config reference`"))
}

fn refusal(path: &Path, findings: &[Finding]) -> Failure {
    let mut findings = findings.iter();
    let Some(first) = findings.next() else { return Failure::refused("the configuration is not usable") };
    let failure = Failure::refused(first.located(path));
    let failure = first.hint.iter().fold(failure, Failure::hint);
    match findings.len() {
        0 => failure,
        more => failure.hint(format_args!("`gatepass config check {}` shows {more} more", path.display())),
    }
}

/// Parses, lays the environment over, gives every table its type, and asks the backend what it makes of it.
fn check(text: &str, environment: &[environment::Setting]) -> Checked {
    let syntax = |error: &toml::de::Error| vec![Finding::of_parser(text, error, &[])];
    let mut table = DeTable::parse(text).map_err(|error| syntax(&error))?;
    environment::overlay(table.get_mut(), environment, text.len());
    let file = File::deserialize(Deserializer::from(table.clone()))
        .map_err(|error| vec![Finding::of_parser(text, &error, environment)])?;

    if file.backend.is_none() && file.needs_backend() {
        return Err(vec![Finding::missing(
            "[backend] is missing: the tables of stores, profiles and collections are its own",
        )]);
    }
    let BackendParts { file, settings } = BackendParts::of(file);
    match settings.as_ref().map_or(Ok(()), BackendSettings::check) {
        Ok(()) => Ok(BackendParts { file, settings }.whole()),
        Err(errors) => {
            let located = |error| Finding::of_setting(text, table.get_ref(), error, environment);
            Err(errors.0.iter().map(located).collect())
        }
    }
}

/// The backend checks its own tables, which are taken out for it and put back.
struct BackendParts {
    file: File,
    settings: Option<BackendSettings>,
}

impl BackendParts {
    fn of(file: File) -> Self {
        let File { store, backend, stores, profiles, collections } = file;
        let rest = File { backend, stores, profiles, collections, ..File::default() };
        Self { file: File { store, ..File::default() }, settings: rest.into_backend() }
    }

    fn whole(self) -> File {
        let Some(BackendSettings { backend, stores, profiles, collections }) = self.settings else { return self.file };
        File {
            backend: Some(backend),
            stores: Some(stores),
            profiles: Some(profiles),
            collections: Some(collections),
            ..self.file
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> environment::Setting {
        environment::Setting::new(name, value).expect("a variable of ours")
    }

    fn first(text: &str, environment: &[environment::Setting]) -> String {
        let findings = check(text, environment).expect_err("a finding");
        findings[0].located(Path::new("gatepass.toml"))
    }

    #[test]
    fn an_empty_file_says_nothing_and_is_valid() {
        let file = check("", &[]).expect("a valid file");
        assert!(file.store.listen.is_none() && file.into_backend().is_none());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_what_would_be_valid() {
        let finding = first("[store]\nregion = \"eu-west-1\"\n  lisen = \"127.0.0.1:1\"\n", &[]);
        assert!(finding.starts_with("gatepass.toml:3:3: unknown field `lisen`, expected one of `listen`"), "{finding}");
        let findings = check("[store]\nlisen = 1", &[]).expect_err("a finding");
        assert_eq!(findings[0].hint.as_deref(), Some("did you mean `listen`?"));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        let finding = first("[store]\nfsync = \"sometimes\"\n", &[]);
        assert!(
            finding.starts_with("gatepass.toml:2:9: unknown variant `sometimes`, expected `always` or `never`"),
            "{finding}"
        );
        let finding = first("[store\n", &[]);
        assert!(finding.starts_with("gatepass.toml:1:7: "), "{finding}");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let environment = [set("GATEPASS__STORE__REGION", "eu-west-1"), set("GATEPASS__STORE__HOSTS", r#"["a", "b"]"#)];
        let file = check("[store]\nregion = \"us-west-2\"\n", &environment).expect("a valid file");
        assert_eq!(file.store.region.as_deref(), Some("eu-west-1"));
        assert_eq!(file.store.hosts.as_deref(), Some(["a".to_owned(), "b".to_owned()].as_slice()));
    }

    #[test]
    fn a_mistake_in_the_environment_names_the_variable() {
        let finding = first("[store]\n", &[set("GATEPASS__STORE__LISEN", "127.0.0.1:1")]);
        assert!(finding.starts_with("GATEPASS__STORE__LISEN: unknown field `lisen`"), "{finding}");
        let finding = first("", &[set("GATEPASS__STORE__LISTEN", "nowhere")]);
        assert!(finding.starts_with("GATEPASS__STORE__LISTEN: "), "{finding}");
    }

    #[test]
    fn a_table_of_the_backend_without_the_backend_is_refused() {
        let finding = first("[stores.main]\nregion = \"x\"\ncredentials = { env = true }\n", &[]);
        assert!(finding.contains("[backend] is missing"), "{finding}");
    }

    #[test]
    fn what_the_backend_refuses_is_found_in_the_file() {
        let text = REFERENCE.replace("public_url = \"https://files.example.test\"", "public_url = \"nonsense\"");
        let finding = first(&text, &[]);
        let line = text.lines().position(|line| line.starts_with("public_url")).expect("the line") + 1;
        assert!(finding.starts_with(&format!("gatepass.toml:{line}:14: backend.public_url: ")), "{finding}");
    }
}
