//! A store for a suite: started on a scratch directory, ended when dropped and when the task is killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{shell, workspace};

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ACCESS_KEY: &str = "GATEPASSCONFORMANCE0";
pub(crate) const SECRET_KEY: &str = "a-secret-for-a-store-that-lives-for-minutes";
/// A store that does not answer by then never will.
const PATIENCE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(20);

pub(crate) struct Server {
    child: Child,
    ready: Ready,
}

#[derive(Deserialize)]
struct Ready {
    store: String,
}

impl Server {
    /// Builds the program unless `GATEPASS_BIN` names one, and starts it with nothing in it.
    pub(crate) fn start(work: &Path, arguments: &[&str]) -> Result<Self> {
        let (data, ready_file) = (work.join("data"), work.join("ready"));
        let program = program()?;
        let mut command = shell::bound(&program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GATEPASS_") {
                command.env_remove(name);
            }
        }
        command.args(["store", "run", "--listen", "127.0.0.1:0", "--region", REGION, "--fsync", "never"]);
        command.arg("--data").arg(&data).arg("--ready-file").arg(&ready_file).args(arguments);
        command.env("GATEPASS_ROOT_ACCESS_KEY", ACCESS_KEY).env("GATEPASS_ROOT_SECRET_KEY", SECRET_KEY);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(work.join("store.log"))?);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        match wait(&mut child, &ready_file) {
            Ok(ready) => Ok(Self { child, ready }),
            Err(error) => {
                let _ = child.kill();
                let log = fs::read_to_string(work.join("store.log")).unwrap_or_default();
                Err(error.context(log))
            }
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.ready.store
    }

    /// Host and port.
    pub(crate) fn address(&self) -> Result<(&str, &str)> {
        let address = self.ready.store.strip_prefix("http://").context("the store does not speak plain HTTP")?;
        address.rsplit_once(':').context("the store's address names no port")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An empty directory below the target directory.
pub(crate) fn scratch(name: &str) -> Result<PathBuf> {
    let directory = workspace::target()?.join("xtask/conformance").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("GATEPASS_BIN") {
        return Ok(path.into());
    }
    shell::run(shell::cargo().args(["build", "--package", "gatepass"]).current_dir(workspace::root()))?;
    Ok(workspace::target()?.join("debug/gatepass"))
}

fn wait(child: &mut Child, ready_file: &Path) -> Result<Ready> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(ready) = fs::read(ready_file).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
            return Ok(ready);
        }
        if let Some(status) = child.try_wait()? {
            bail!("the store ended at its start: {status}");
        }
        thread::sleep(TICK);
    }
    bail!("the store does not answer")
}
