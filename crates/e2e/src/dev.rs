//! `gatepass dev` as a child process: started on a directory, awaited until it is ready, and gone when dropped.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tempfile::TempDir;

use crate::process::Process;
use crate::{programs, scan};

/// A server that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_mins(1);
/// What this harness itself keeps in the directory that the server is started in.
const OURS: [&str; 3] = ["ready", "out", "log"];
/// How often a condition is looked at.
const TICK: Duration = Duration::from_millis(5);

/// What the ready file says.
#[derive(Clone, Debug, Deserialize)]
pub struct Ready {
    /// The backend and its console.
    pub backend: String,
    /// The store.
    pub store: String,
    /// The identity provider.
    pub issuer: String,
    /// The store's region.
    pub region: String,
    /// The root access key.
    pub access_key: String,
    /// The root secret key.
    pub secret_key: String,
    /// A token for each development user.
    pub tokens: Tokens,
}

/// Tokens of the development users.
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    /// Owns what the tests upload.
    pub alice: String,
    /// Another user of the same tenant.
    pub bob: String,
    /// Administers the tenant.
    pub admin: String,
}

/// How to start.
#[derive(Clone, Default)]
pub struct Options {
    /// Another program than the one under test by default.
    pub program: Option<PathBuf>,
    /// Addresses to listen on again, as after a restart; otherwise free ports.
    pub again: Option<Ready>,
    /// More arguments.
    pub arguments: Vec<String>,
    /// More environment.
    pub environment: Vec<(String, String)>,
}

/// A running `gatepass dev`. Dropping it kills it, scans what it logged for secrets, and fails where it left something
/// outside of its data directory.
pub struct Dev {
    process: Process,
    data: PathBuf,
    scratch: TempDir,
    ready: Ready,
    secrets: Vec<String>,
}

impl Dev {
    /// Starts on a directory and waits until all of it answers.
    pub fn start(data: &Path, options: &Options) -> Result<Self> {
        let starting = Starting::spawn(data, options)?;
        starting.wait()
    }

    /// Where everything answers, and with which credentials.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The file that says it, for programs that read it themselves.
    pub fn ready_file(&self) -> PathBuf {
        self.scratch.path().join("ready")
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Names one more string that must not appear in the log.
    pub fn secret(&mut self, text: impl Into<String>) {
        self.secrets.push(text.into());
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }

    /// Sends SIGTERM and waits for the end.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal("TERM")?;
        self.wait()
    }

    /// Waits for the end of a server that was told to end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.process.wait()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.process.signal(name)
    }

    /// SIGKILL: the process ends wherever it is.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()
    }

    /// The environment that points AWS tools at this store. Nothing of the surrounding AWS configuration gets in.
    pub fn aws(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command.env("AWS_ENDPOINT_URL", &self.ready.store);
        command.env("AWS_REGION", &self.ready.region);
        command.env("AWS_DEFAULT_REGION", &self.ready.region);
        command.env("AWS_ACCESS_KEY_ID", &self.ready.access_key);
        command.env("AWS_SECRET_ACCESS_KEY", &self.ready.secret_key);
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_CONFIG_FILE", "/dev/null");
        command.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            report(&format!("the end of the server's log:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n")));
            return;
        }
        if let Err(finding) = scan::check(&self.log(), &self.secrets) {
            panic!("{finding}");
        }
        for entry in fs::read_dir(self.scratch.path()).expect("the working directory is there").flatten() {
            let name = entry.file_name();
            assert!(OURS.iter().any(|ours| name == *ours), "the server made {} where it was started", name.display());
        }
    }
}

#[expect(clippy::print_stderr, reason = "a failing test shows what the server said")]
fn report(text: &str) {
    eprintln!("{text}");
}

/// A server that was started and may not answer yet.
pub struct Starting {
    process: Process,
    data: PathBuf,
    scratch: TempDir,
}

impl Starting {
    /// Starts the process and does not wait.
    pub fn spawn(data: &Path, options: &Options) -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let program = options.program.as_deref().unwrap_or_else(|| programs::gatepass());
        let mut command = Command::new(program);
        command.arg("dev").arg("--data").arg(data).arg("--ready-file").arg(scratch.path().join("ready"));
        match &options.again {
            None => {
                command.args(["--port", "0"]);
            }
            Some(ready) => {
                let places = [
                    ("--backend-listen", &ready.backend),
                    ("--store-listen", &ready.store),
                    ("--idp-listen", &ready.issuer),
                ];
                for (flag, url) in places {
                    command.arg(flag).arg(listener(url)?);
                }
            }
        }
        command.args(&options.arguments);
        forget_settings(&mut command);
        command.env("RUST_LOG", "debug").envs(options.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).current_dir(scratch.path());
        command.stdout(File::create(scratch.path().join("out"))?);
        command.stderr(File::create(scratch.path().join("log"))?);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { process: child.into(), data: data.to_path_buf(), scratch })
    }

    /// Waits until the ready file is there.
    pub fn wait(mut self) -> Result<Dev> {
        let file = self.scratch.path().join("ready");
        let outcome = wait_for(|| match (fs::read(&file), self.process.ended()) {
            (Ok(text), _) => serde_json::from_slice::<Ready>(&text).ok().map(Ok),
            (Err(_), Ok(Some(status))) => Some(Err(status)),
            (Err(_), _) => None,
        });
        match outcome {
            Some(Ok(ready)) => {
                let tokens = &ready.tokens;
                let secrets = [&ready.secret_key, &tokens.alice, &tokens.bob, &tokens.admin].map(Clone::clone).to_vec();
                Ok(Dev { process: self.process, data: self.data, scratch: self.scratch, ready, secrets })
            }
            Some(Err(status)) => bail!("the server ended at its start ({status}):\n{}", self.said()),
            None => {
                self.kill()?;
                bail!("the server was not ready in time:\n{}", self.said())
            }
        }
    }

    /// Waits for the end of a server that must refuse to start, and returns its exit code and what it said.
    pub fn refusal(mut self) -> Result<(Option<i32>, String)> {
        if let Some(status) = wait_for(|| self.process.ended().transpose()) {
            return Ok((status?.code(), self.said()));
        }
        self.kill()?;
        bail!("the server did not refuse to start")
    }

    /// SIGKILL in the middle of a start.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }
}

/// Nothing of the surrounding configuration gets in.
pub(crate) fn forget_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("AWS_") || name.starts_with("GATEPASS_") {
            command.env_remove(name);
        }
    }
}

/// `http://localhost:1234` is listened on at `127.0.0.1:1234`.
fn listener(url: &str) -> Result<String> {
    let port = url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    Ok(format!("127.0.0.1:{}", port.with_context(|| format!("no port in {url}"))?))
}

/// Looks at a condition until it holds, or nothing when patience ends.
pub fn wait_for<T>(mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if start.elapsed() > PATIENCE {
            return None;
        }
        std::thread::sleep(TICK);
    }
}
