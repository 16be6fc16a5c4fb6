//! ceph/s3-tests: a suite for pytest and boto3.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::exclusions::{Exclusions, Reason, Test};
use super::server::{self, ACCESS_KEY, REGION, SECRET_KEY, Server};
use super::{Conformance, Failure, Outcome};
use crate::{setup, shell, workspace};

/// A plugin, so that the suite itself stays as it is.
const PLUGIN: &str = "report";
/// What runs tests side by side is no requirement of the suite.
const MORE_REQUIREMENTS: &str = "pytest-xdist\n";
/// A third of the suite signs with version 2.
const SETTINGS: [&str; 1] = ["--allow-sigv2"];
/// Its tests of lifecycle rules wait for days of ten seconds.
const SHORT_DAYS: [&str; 2] = ["--lifecycle-day", "10s"];
/// What needs an account without a bucket, or days that are days: these run first, one by one, on a store of their own.
const FIRST: [&str; 2] = ["::test_list_buckets_paginated", "::test_lifecycle_expiration_header_"];
/// Who owns what is in the store, as `GetBucketAcl` tells it.
const OWNER: [&str; 2] = ["0000000000000000000000000000000000000000000000000000000000000000", "root"];

/// What the plugin says of a test when it collects.
#[derive(Deserialize)]
struct Collected {
    id: String,
    marks: Vec<String>,
}

/// What the plugin says of a phase of a test.
#[derive(Deserialize)]
struct Phase {
    id: String,
    #[serde(rename = "phase")]
    during: String,
    outcome: String,
    said: String,
}

/// Everything that a run of pytest needs to know.
struct Suite<'a> {
    directory: &'a Path,
    python: PathBuf,
    work: PathBuf,
    log: PathBuf,
}

pub(crate) fn run(directory: &Path, options: &Conformance) -> Result<Outcome> {
    let directory = &directory.canonicalize().with_context(|| format!("no directory {}", directory.display()))?;
    let list = workspace::root().join("crates/xtask/conformance/s3-tests.toml");
    let exclusions = Exclusions::load(&list)?;
    let work = server::scratch("s3-tests")?;
    let log = options.keep_log.clone().unwrap_or_else(|| work.join("pytest.log"));
    let suite = Suite { directory, python: python(directory)?, log: std::path::absolute(log)?, work };
    suite.configure("127.0.0.1", "9")?;

    let tests = suite.collect(options.filter.as_deref())?;
    let excluded: BTreeMap<&str, Reason> =
        tests.iter().filter_map(|test| Some((test.id.as_str(), exclusions.reason(test)?))).collect();
    let is_chosen = |test: &&Test| options.excluded_too || !excluded.contains_key(test.id.as_str());
    let chosen: Vec<&str> = tests.iter().filter(is_chosen).map(|test| test.id.as_str()).collect();
    if chosen.is_empty() {
        bail!("no test is left to run");
    }
    let (first, rest): (Vec<&str>, Vec<&str>) =
        chosen.iter().partition(|id| FIRST.iter().any(|name| id.contains(name)));
    suite.run("first", &SETTINGS, &first, 1)?;
    suite.run("rest", &[&SETTINGS[..], &SHORT_DAYS].concat(), &rest, options.jobs)?;
    let phases = suite.phases()?;

    let mut by_reason = BTreeMap::new();
    for reason in excluded.values() {
        *by_reason.entry(*reason).or_default() += 1;
    }
    let mut outcome =
        Outcome { suite: "s3-tests", passed: 0, failed: Vec::new(), excluded: by_reason, notes: Vec::new() };
    for test in chosen {
        match (verdict(phases.get(test).map_or(&[], Vec::as_slice)), excluded.get(test)) {
            (Ok(()), None) => outcome.passed += 1,
            (Ok(()), Some(reason)) => outcome.notes.push(format!("{test} is excluded ({reason:?}), and passes")),
            (Err(_), Some(_)) => {}
            (Err(said), None) => outcome.failed.push(Failure { test: test.to_owned(), said }),
        }
    }
    if options.filter.is_none() {
        outcome.notes.extend(exclusions.unused(&tests).map(|entry| format!("no test is called {entry} any more")));
    }
    Ok(outcome)
}

/// A test passes where its body passed and nothing around it failed. One that the suite itself skips does not pass.
fn verdict(phases: &[Phase]) -> Result<(), String> {
    if let Some(phase) = phases.iter().find(|phase| phase.outcome != "passed") {
        return Err(format!("{} in its {}: {}", phase.outcome, phase.during, phase.said));
    }
    if phases.is_empty() { Err("did not run".to_owned()) } else { Ok(()) }
}

impl Suite<'_> {
    fn collect(&self, filter: Option<&str>) -> Result<Vec<Test>> {
        let report = self.work.join("collected");
        let mut pytest = self.pytest(&report);
        pytest.args(["--collect-only", "--quiet"]);
        if let Some(filter) = filter {
            pytest.args(["-k", filter]);
        }
        let log = self.work.join("collect.log");
        let status = self.logged(&mut pytest, &log)?;
        if !status.success() {
            bail!("pytest collects nothing:\n{}", fs::read_to_string(log).unwrap_or_default());
        }
        let collected: Vec<Collected> = lines(&report)?;
        Ok(collected.into_iter().map(|test| Test { id: test.id, marks: test.marks }).collect())
    }

    /// Runs some of the tests on a store of their own.
    fn run(&self, name: &str, settings: &[&str], chosen: &[&str], jobs: u16) -> Result<()> {
        if chosen.is_empty() {
            return Ok(());
        }
        let (work, list) = (self.work.join(name), self.work.join("chosen"));
        fs::create_dir_all(&work)?;
        fs::write(&list, chosen.join("\n"))?;
        let server = Server::start(&work, settings)?;
        let (host, port) = server.address()?;
        self.configure(host, port)?;
        let mut pytest = self.pytest(&self.outcomes());
        pytest.env("GATEPASS_CHOSEN", &list).args(["--numprocesses", &jobs.to_string()]);
        // That tests failed is known from the report.
        self.logged(&mut pytest, &self.log)?;
        Ok(())
    }

    fn phases(&self) -> Result<BTreeMap<String, Vec<Phase>>> {
        let mut phases: BTreeMap<String, Vec<Phase>> = BTreeMap::new();
        for phase in lines::<Phase>(&self.outcomes())? {
            phases.entry(phase.id.clone()).or_default().push(phase);
        }
        Ok(phases)
    }

    fn outcomes(&self) -> PathBuf {
        self.work.join("outcomes")
    }

    fn configure(&self, host: &str, port: &str) -> Result<()> {
        Ok(fs::write(self.work.join("s3tests.conf"), configuration(host, port))?)
    }

    /// No setting of AWS's tools from outside gets in.
    fn pytest(&self, report: &Path) -> Command {
        let mut pytest = shell::bound(&self.python);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                pytest.env_remove(name);
            }
        }
        pytest.args(["-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "s3tests"]).current_dir(self.directory);
        pytest.env("PYTHONPATH", workspace::root().join("crates/xtask/conformance"));
        pytest.env("PYTHONDONTWRITEBYTECODE", "1");
        pytest.env("S3TEST_CONF", self.work.join("s3tests.conf")).env("GATEPASS_REPORT", report);
        pytest.env("AWS_DEFAULT_REGION", REGION).env("AWS_EC2_METADATA_DISABLED", "true");
        pytest.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        pytest
    }

    fn logged(&self, command: &mut Command, log: &Path) -> Result<std::process::ExitStatus> {
        let file = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        command.status().with_context(|| format!("cannot start {}", self.python.display()))
    }
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| format!("pytest left no {}", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// A virtual environment with what the suite requires, made anew where that changed.
fn python(suite: &Path) -> Result<PathBuf> {
    let directory = workspace::target()?.join("xtask/s3-tests-venv");
    let requirements = suite.join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("{} is no checkout of ceph/s3-tests", suite.display()))?
        + "\n"
        + MORE_REQUIREMENTS;
    let stamp = directory.join("requirements.txt");
    if !fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        setup::make_virtual_environment(&directory)?;
        let asked = directory.join("asked.txt");
        fs::write(&asked, &wanted)?;
        setup::install_requirements(&directory, &asked)?;
        fs::rename(asked, stamp)?;
    }
    Ok(directory.join("bin/python"))
}

/// The suite demands several accounts at its start, also where no test that runs uses them. All are the one that there is.
fn configuration(host: &str, port: &str) -> String {
    let keys = format!("access_key = {ACCESS_KEY}\nsecret_key = {SECRET_KEY}\n");
    let [id, name] = OWNER;
    let mut text = format!("[DEFAULT]\nhost = {host}\nport = {port}\nis_secure = False\nssl_verify = False\n");
    text += "[fixtures]\nbucket prefix = gatepass-{random}-\n";
    for section in ["s3 main", "s3 alt", "s3 tenant", "iam", "iam root", "iam alt root"] {
        let _ = writeln!(text, "[{section}]\n{keys}display_name = {name}\nuser_id = {id}\nemail = root@example.com");
        match section {
            "s3 main" => drop(writeln!(text, "api_name = {REGION}")),
            "s3 tenant" => text += "tenant = gatepass\n",
            _ => {}
        }
    }
    text
}
