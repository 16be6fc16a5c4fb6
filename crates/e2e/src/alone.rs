//! `gatepass store run` as a child process: the store alone, for experiments whose point is its own files and system calls.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::dev::{forget_settings, wait_for};
use crate::process::Process;
use crate::s3::S3;
use crate::scan;

/// Where a store answers, and to whose keys.
#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    /// Its URL.
    pub store: String,
    /// Its region.
    pub region: String,
    /// The root access key.
    pub access_key: String,
    /// The root secret key.
    pub secret_key: String,
}

impl Place {
    /// Host and port, as a socket and a `Host` header take them.
    pub fn address(&self) -> &str {
        self.store.strip_prefix("http://").unwrap_or(&self.store)
    }
}

/// How a store is started.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    data: PathBuf,
    by: Vec<String>,
    arguments: Vec<String>,
}

/// What came of a start.
pub enum Started {
    /// It answers.
    Ready(Alone),
    /// It ended before, and said this.
    Ended(ExitStatus, String),
}

impl Launch {
    /// `program` on the data directory `data`.
    pub fn new(program: &Path, data: &Path) -> Self {
        Self { program: program.to_owned(), data: data.to_owned(), by: Vec::new(), arguments: Vec::new() }
    }

    /// With these arguments besides.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// By another program that becomes this one, or stays in the background: `prlimit`, `strace -D`.
    #[must_use]
    pub fn by(mut self, command: &[&str]) -> Self {
        self.by.extend(command.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Starts it on a free port and waits until it answers.
    pub fn start(&self) -> Result<Alone> {
        match self.try_start()? {
            Started::Ready(alone) => Ok(alone),
            Started::Ended(status, said) => bail!("the store ended at its start ({status}):\n{said}"),
        }
    }

    /// The same, where an early end is no surprise.
    pub fn try_start(&self) -> Result<Started> {
        let scratch = tempfile::tempdir()?;
        let (ready_file, log) = (scratch.path().join("ready"), scratch.path().join("log"));
        let mut words = self.by.iter().map(PathBuf::from).chain([self.program.clone()]);
        let mut command = Command::new(words.next().context("there is a program")?);
        command.args(words).args(["store", "run", "--listen", "127.0.0.1:0", "--data"]).arg(&self.data);
        command.arg("--ready-file").arg(&ready_file).args(&self.arguments);
        forget_settings(&mut command);
        command.env("RUST_LOG", "info").stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        let mut process = Process::from(child);
        let outcome = wait_for(|| match (fs::read(&ready_file), process.ended()) {
            (Ok(text), _) => serde_json::from_slice::<Place>(&text).ok().map(Ok),
            (Err(_), Ok(Some(status))) => Some(Err(status)),
            (Err(_), _) => None,
        });
        let said = || fs::read_to_string(&log).unwrap_or_default();
        match outcome {
            Some(Ok(place)) => Ok(Started::Ready(Alone { process, place, scratch })),
            Some(Err(status)) => Ok(Started::Ended(status, said())),
            None => bail!("the store was not ready in time:\n{}", said()),
        }
    }
}

/// A store that answers. Dropping it kills it and scans what it logged for its secret.
pub struct Alone {
    /// The process.
    pub process: Process,
    /// Where it answers.
    pub place: Place,
    scratch: TempDir,
}

impl Alone {
    /// A client with the root credentials.
    pub fn client(&self) -> Result<S3> {
        S3::of(&self.place)
    }

    /// SIGTERM, and the end; or the end that it has come to by itself.
    pub fn terminate(mut self) -> Result<ExitStatus> {
        if self.process.ended()?.is_none() {
            self.process.signal("TERM")?;
        }
        self.process.wait()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        if let Err(finding) = scan::check(&self.log(), std::slice::from_ref(&self.place.secret_key))
            && !std::thread::panicking()
        {
            panic!("{finding}");
        }
    }
}

/// What `gatepass store check` says of a data directory that nobody serves.
#[derive(Debug)]
pub struct Checked {
    /// What is wrong; nothing where all is well.
    pub wrong: Option<String>,
    /// How many files nothing names. They are no error: the next start removes them.
    pub leftovers: u64,
}

/// Runs `gatepass store check`.
pub fn check(program: &Path, data: &Path) -> Result<Checked> {
    let mut check = Command::new(program);
    check.args(["--json", "store", "check", "--data"]).arg(data);
    forget_settings(&mut check);
    let output = check.output()?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let leftovers = report["leftovers"].as_u64();
    let is_clean = output.status.success() && leftovers.is_some();
    Ok(Checked { wrong: (!is_clean).then_some(said), leftovers: leftovers.unwrap_or_default() })
}
