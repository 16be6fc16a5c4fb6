//! Writes the documents that are derived from the code. `cargo xtask generate` starts it.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let directory: PathBuf = env::args_os().nth(1).context("usage: e2e-generate DIRECTORY")?.into();
    let documents = [
        ("openapi.json", gatepass_backend::openapi_json()),
        ("cli.md", gatepass::cli_reference()),
        ("config.md", gatepass::config_reference()),
    ];
    for (name, text) in documents {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
