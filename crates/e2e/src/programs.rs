//! Where the programs under test and the foreign clients are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, MetadataCommand};

/// The `gatepass` program: what `GATEPASS_BIN` names, otherwise one built now from this workspace.
pub fn gatepass() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match env::var_os("GATEPASS_BIN") {
        Some(path) => fs::canonicalize(path).expect("GATEPASS_BIN names a program"),
        None => build().expect("the program under test must build"),
    })
}

fn build() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let output = Command::new(cargo)
        .args(["build", "--package", "gatepass", "--profile", profile, "--message-format", "json-render-diagnostics"])
        .current_dir(root())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("`cargo build --package gatepass` failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.name == "gatepass"
            && let Some(executable) = artifact.executable
        {
            return Ok(executable.into());
        }
    }
    bail!("`cargo build --package gatepass` named no program")
}

/// The directory that holds the workspace's `Cargo.toml`.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate lies two directories below the root").to_path_buf()
}

/// A Python that has boto3: what `GATEPASS_PYTHON` names, otherwise the one that `cargo xtask setup` installed.
pub fn python() -> PathBuf {
    installed("GATEPASS_PYTHON", "python")
}

/// The AWS CLI: what `GATEPASS_AWS` names, otherwise the one that `cargo xtask setup` installed.
pub fn aws() -> PathBuf {
    installed("GATEPASS_AWS", "aws")
}

/// s3cmd: what `GATEPASS_S3CMD` names, otherwise the one that `cargo xtask setup` installed.
pub fn s3cmd() -> PathBuf {
    installed("GATEPASS_S3CMD", "s3cmd")
}

fn installed(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo metadata answers");
    let path = metadata.target_directory.into_std_path_buf().join("xtask/venv/bin").join(name);
    assert!(path.exists(), "{} is missing: run `cargo xtask setup` once, or set {variable}", path.display());
    path
}
