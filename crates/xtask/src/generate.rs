//! `cargo xtask generate`: rewrites every committed file that is derived from other files, so that CI can demand that
//! nothing changes.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{self, Profile};
use crate::{setup, shell};

/// The web pages come first: the server embeds them, and the documents are printed by programs linked with it.
pub(crate) fn run() -> Result<()> {
    let web = workspace::root().join("web");
    setup::node("web")?;
    shell::run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&web))?;
    let programs = workspace::build(Profile::Dev)?;
    shell::run(Command::new(programs.path("e2e-generate")?).arg(workspace::root().join("docs")))
}
