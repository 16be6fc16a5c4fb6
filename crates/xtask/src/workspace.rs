//! Where things lie in this workspace, and the programs that it builds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// The directory that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate lies two directories below the root").to_path_buf()
}

/// What `cargo metadata` says of the packages of this workspace, without their dependencies.
pub(crate) fn metadata() -> Result<Value> {
    let text =
        shell::read(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(root()))?;
    serde_json::from_str(&text).context("`cargo metadata` did not print JSON")
}

/// The directory of everything built, which is also where tasks keep what they install.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = metadata()?;
    let directory = metadata["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
    Ok(directory.into())
}

/// How the programs are compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build; what the tests run.
    Dev,
    /// What a user runs, and what is measured.
    Release,
}

/// The programs of one build.
pub(crate) struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// The path of one program of this workspace.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.directory.join(name);
        if !path.is_file() {
            bail!("the build left no program {}", path.display());
        }
        Ok(path)
    }
}

/// Builds the whole workspace. The dev profile takes every target at once: then programs and tests share one set of
/// features and nothing is compiled twice.
pub(crate) fn build(profile: Profile) -> Result<Programs> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--workspace"]).current_dir(root());
    let directory = match profile {
        Profile::Dev => {
            cargo.arg("--all-targets");
            "debug"
        }
        Profile::Release => {
            cargo.args(["--bins", "--release"]);
            "release"
        }
    };
    shell::run(cargo.stdout(Stdio::inherit()))?;
    Ok(Programs { directory: target()?.join(directory) })
}
