//! `cargo xtask setup`: everything that the tests need beside cargo. What it installs of Python goes below the target
//! directory and what it installs of Node beside its `package.json`; only Debian packages go into the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{packages, shell, workspace};

/// Where the foreign clients were found, in the words that the whole-stack tests read.
pub(crate) struct Environment(Vec<(&'static str, PathBuf)>);

impl Environment {
    /// Hands the paths to a command that runs tests.
    pub(crate) fn apply(&self, command: &mut Command) {
        for (name, path) in &self.0 {
            command.env(name, path);
        }
    }
}

/// The directories whose Node packages the tests and the web build use.
const NODE_PROJECTS: [&str; 3] = ["web", "crates/e2e/js", "crates/e2e/browser"];

pub(crate) fn run() -> Result<Environment> {
    packages::ensure()?;
    let virtual_environment = python()?;
    for project in NODE_PROJECTS {
        node(project)?;
    }
    let chromium = packages::TOOLS
        .iter()
        .find(|tool| tool.names.contains(&"chromium"))
        .and_then(packages::locate)
        .context("chromium was found a moment ago and is gone")?;
    Ok(Environment(vec![
        ("GATEPASS_PYTHON", virtual_environment.join("bin/python")),
        ("GATEPASS_AWS", virtual_environment.join("bin/aws")),
        ("GATEPASS_S3CMD", virtual_environment.join("bin/s3cmd")),
        ("CHROMIUM", chromium),
    ]))
}

/// A virtual environment with the pinned clients. It is made anew when the list of requirements changed.
pub(crate) fn python() -> Result<PathBuf> {
    let directory = workspace::target()?.join("xtask/venv");
    let requirements = workspace::root().join("crates/e2e/requirements.txt");
    if is_current(&requirements, &directory.join("requirements.txt"))? {
        println!("found      {:<10} {}", "boto3, aws", directory.display());
        return Ok(directory);
    }
    make_virtual_environment(&directory)?;
    install_requirements(&directory, &requirements)?;
    fs::copy(&requirements, directory.join("requirements.txt"))?;
    println!("installed  {:<10} {}", "boto3, aws", directory.display());
    Ok(directory)
}

/// Debian keeps `venv`'s other half in a package of its own, which shows only when one is made.
pub(crate) fn make_virtual_environment(directory: &Path) -> Result<()> {
    let create = || shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(directory));
    if create().is_ok() {
        return Ok(());
    }
    println!("missing    python3-venv");
    packages::install(&["python3-venv"])?;
    create()
}

pub(crate) fn install_requirements(virtual_environment: &Path, requirements: &Path) -> Result<()> {
    shell::run(
        Command::new(virtual_environment.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(requirements),
    )
}

/// Installs exactly what the lock file of a Node project names.
pub(crate) fn node(project: &str) -> Result<()> {
    let directory = workspace::root().join(project);
    let lock = directory.join("package-lock.json");
    let stamp = directory.join("node_modules/.installed-from");
    if is_current(&lock, &stamp)? {
        println!("found      {:<10} {}", "npm", directory.display());
        return Ok(());
    }
    npm_ci(&directory)?;
    fs::copy(&lock, &stamp)?;
    println!("installed  {:<10} {}", "npm", directory.display());
    Ok(())
}

/// `npm ci`, without the download of a browser that some packages attempt.
fn npm_ci(directory: &Path) -> Result<()> {
    shell::run(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
            .current_dir(directory),
    )
}

/// Whether what was installed from `source` is what `source` says now.
fn is_current(source: &Path, stamp: &Path) -> Result<bool> {
    let wanted = fs::read(source).with_context(|| format!("cannot read {}", source.display()))?;
    Ok(fs::read(stamp).is_ok_and(|installed| installed == wanted))
}
