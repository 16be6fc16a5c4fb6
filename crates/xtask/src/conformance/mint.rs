//! minio/mint: the part that drives the AWS CLI, a script of bash that prints a JSON document for each test and stops at the
//! first that fails.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::exclusions::Reason;
use super::server::{self, ACCESS_KEY, REGION, SECRET_KEY, Server};
use super::{Conformance, Failure, Outcome};
use crate::{setup, shell};

/// The files that the script uploads, by the names that it gives them, with their sizes.
const FILES: [(&str, usize); 8] = [
    ("datafile-0-b", 0),
    ("datafile-1-b", 1),
    ("datafile-1-kB", 1 << 10),
    ("datafile-10-kB", 10 << 10),
    ("datafile-5-MB", 5 << 20),
    ("datafile-5243880-b", 5_243_880),
    ("datafile-10-MB", 10 << 20),
    ("datafile-65-MB", 65 << 20),
];

/// In us-east-1 the AWS CLI signs URLs with version 2.
const SETTINGS: [&str; 1] = ["--allow-sigv2"];
/// Tests of keys that customers give: they need HTTPS, without which the script passes over them, and encryption.
const EXCLUDED: &str = "test_serverside_encryption";

/// What the script says of a test.
#[derive(Deserialize)]
struct Said {
    function: String,
    status: String,
    #[serde(default)]
    error: String,
}

pub(crate) fn run(directory: &Path, options: &Conformance) -> Result<Outcome> {
    let suite = directory.canonicalize()?.join("run/core/awscli");
    if shell::find(&["jq"]).is_none() {
        bail!("mint reads answers with jq, which is not installed");
    }
    let work = server::scratch("mint")?;
    make_files(&work.join("files"))?;
    let tests = tests(&fs::read_to_string(suite.join("test.sh"))?);
    let server = Server::start(&work, &SETTINGS)?;
    let log = match &options.keep_log {
        Some(path) => path.with_extension("mint.log"),
        None => work.join("mint.log"),
    };
    let said = script(&suite, &work, &server, &log)?;
    let mut outcome =
        Outcome { suite: "mint awscli", passed: 0, failed: Vec::new(), excluded: BTreeMap::new(), notes: Vec::new() };
    for line in said.lines().filter(|line| line.starts_with('{')) {
        match serde_json::from_str(line) {
            Ok(Said { status, .. }) if status == "PASS" => outcome.passed += 1,
            Ok(Said { function, error, .. }) => outcome.failed.push(Failure { test: function, said: error }),
            // It does not escape what it quotes.
            Err(_) => outcome.failed.push(Failure { test: "one that says".to_owned(), said: line.to_owned() }),
        }
    }
    let excluded = tests.iter().filter(|test| test.starts_with(EXCLUDED)).count();
    outcome.excluded.insert(Reason::NeedsEncryption, excluded);
    let silent = tests.len().saturating_sub(excluded + outcome.passed + outcome.failed.len());
    if silent > 0 {
        let said = format!("{silent} tests said nothing, or were not reached; {} may tell why", log.display());
        outcome.failed.push(Failure { test: "others".to_owned(), said });
    }
    Ok(outcome)
}

/// The tests that the script goes through, in its order.
fn tests(script: &str) -> Vec<String> {
    let main = script.split("\nmain() {").nth(1).unwrap_or_default();
    let words = main.lines().map(|line| line.trim().trim_end_matches(['&', ' ']));
    words
        .take_while(|word| !word.starts_with("return"))
        .filter(|word| word.starts_with("test_"))
        .map(str::to_owned)
        .collect()
}

fn script(suite: &Path, work: &Path, server: &Server, log: &Path) -> Result<String> {
    let clients = setup::python()?.join("bin");
    let search = std::env::var("PATH").unwrap_or_default();
    let mut bash = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            bash.env_remove(name);
        }
    }
    bash.arg("./test.sh").arg(server.url()).current_dir(suite);
    bash.env("PATH", format!("{}:{search}", clients.display())).env("HOME", work);
    bash.env("MINT_DATA_DIR", work.join("files")).env("MINT_MODE", "core").env("ENABLE_HTTPS", "0");
    bash.env("SERVER_REGION", REGION).env("AWS_DEFAULT_REGION", REGION);
    bash.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    bash.env("ACCESS_KEY", ACCESS_KEY).env("SECRET_KEY", SECRET_KEY);
    bash.env("SERVER_ENDPOINT", server.url().trim_start_matches("http://"));
    bash.stdin(Stdio::null()).stderr(File::create(log)?);
    let output = bash.output().context("cannot start bash")?;
    String::from_utf8(output.stdout).context("mint did not print text")
}

fn make_files(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    for (name, size) in FILES {
        // Bytes that no piece repeats, and the same in every run.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let content: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .take(size)
        .collect();
        fs::write(directory.join(name), content)?;
    }
    Ok(())
}
