//! strace: the n-th call of a kind fails, is only said to have succeeded, or is where the process ends.
//!
//! strace counts for each thread and each kind of call by itself. The store writes its index from one thread (`pwrite64`,
//! `fdatasync`, `ftruncate`) and bodies from others (`openat`, `write`, `fsync`, `rename`), so that counting through one
//! kind after the other comes to every step of a write.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::dev::wait_for;
use crate::process::Process;

const PROGRAM: &str = "strace";

/// What happens at a call.
#[derive(Clone, Copy, Debug)]
pub enum Happens {
    /// It fails with this error, and does nothing.
    Fails(&'static str),
    /// It does nothing, and is said to have succeeded: a disk that lies.
    IsForgotten,
    /// The process is killed in its place.
    Kills,
}

/// To which calls.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// To this one alone, counted from 1.
    At(u32),
    /// To this one and all after it.
    From(u32),
}

/// What is done to a process.
#[derive(Clone, Debug)]
pub struct Injection {
    /// The kinds of calls, separated by commas.
    pub calls: String,
    /// What happens.
    pub what: Happens,
    /// To which of them.
    pub when: When,
}

impl Injection {
    /// The words that tell strace.
    pub fn words(&self) -> [String; 4] {
        let what = match self.what {
            Happens::Fails(error) => format!("error={error}"),
            Happens::IsForgotten => "retval=0".to_owned(),
            Happens::Kills => "signal=SIGKILL".to_owned(),
        };
        let when = match self.when {
            When::At(number) => number.to_string(),
            When::From(number) => format!("{number}+"),
        };
        let inject = format!("inject={}:{what}:when={when}", self.calls);
        ["-e".to_owned(), format!("trace={}", self.calls), "-e".to_owned(), inject]
    }
}

/// A running strace. Dropping it lets the process go on undisturbed.
pub struct Tracer {
    process: Process,
    scratch: TempDir,
}

impl Tracer {
    /// Takes hold of all threads of a process. Calls are counted from now on.
    pub fn attach(traced: u32, injection: &Injection) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let said = scratch.path().join("said");
        let mut command = Command::new(PROGRAM);
        command.args(["-f", "-p", &traced.to_string(), "-o"]).arg(scratch.path().join("calls")).args(injection.words());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        let mut process: Process = command.spawn().context("cannot start strace")?.into();
        let attached = wait_for(|| {
            let text = fs::read_to_string(&said).unwrap_or_default();
            if text.contains("attached") { Some(Ok(())) } else { process.ended().ok().flatten().map(|_| Err(text)) }
        });
        match attached.context("strace does not attach")? {
            Ok(()) => Ok(Self { process, scratch }),
            Err(said) => bail!("strace cannot attach: {}", said.trim()),
        }
    }

    /// Lets go, and answers how many calls were interfered with.
    pub fn detach(mut self) -> Result<u64> {
        // Where the traced process has ended, so has strace.
        if self.process.ended()?.is_none() {
            let _ = self.process.signal("INT");
            self.process.wait()?;
        }
        let calls = fs::read_to_string(self.calls()).unwrap_or_default();
        Ok(calls.matches("(INJECTED)").count() as u64)
    }

    fn calls(&self) -> PathBuf {
        self.scratch.path().join("calls")
    }
}

/// Whether processes can be traced here; otherwise why not.
pub fn is_possible() -> Result<()> {
    let version = Command::new(PROGRAM).arg("-V").output();
    ensure!(version.is_ok(), "strace is not installed: cargo xtask setup installs it");
    let none = Injection { calls: "fsync".to_owned(), what: Happens::Kills, when: When::At(1) };
    let mut sleeper: Process = Command::new("sleep").arg("60").spawn()?.into();
    let traced = Tracer::attach(sleeper.id(), &none).and_then(Tracer::detach);
    sleeper.kill()?;
    traced.map(|_| ())
}
