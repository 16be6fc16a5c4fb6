//! `gatepass completions`: what a shell needs to complete the commands.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{
    args::Arguments,
    failure::{Outcome, Result},
    output::Output,
};

pub(crate) fn run(shell: Shell) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "gatepass", &mut script);
    Output::raw_result(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
