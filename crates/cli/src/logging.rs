//! The log: lines on standard error for whoever runs a service.

use std::{env, io};

use tracing_subscriber::EnvFilter;

use crate::{
    args::{Backend, Command, Global, Store},
    failure::{Failure, Result},
    output::Output,
};

/// Starts the log: `--log`, else RUST_LOG, else what the command logs by itself and as often more as `-v` was given.
pub(crate) fn start(global: &Global, command: &Command, output: Output) -> Result<()> {
    let written = global.log.clone().or_else(|| env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()));
    let filter = written.as_deref().unwrap_or(match quietest(command).saturating_add(global.verbose) {
        // What AWS's crates warn of, the command says itself when it fails.
        0 => "warn,aws_config=error",
        1 => "info",
        2 => "info,gatepass=debug,gatepass_store=debug,gatepass_backend=debug,gatepass_devidp=debug",
        _ => "debug",
    });
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Failure::usage(error).hint("a filter is a level or has targets: info,gatepass_store=debug"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(output.is_colored());
    let started = if output.is_json() { log.json().try_init() } else { log.try_init() };
    started.map_err(Failure::refused)
}

/// How far up the levels a command begins. Whoever runs a service must see what it decided and what was revoked; at a
/// terminal only what went wrong is of interest.
fn quietest(command: &Command) -> u8 {
    match command {
        Command::Backend(Backend::Run(_)) | Command::Store(Store::Run(_)) => 1,
        _ => 0,
    }
}
