//! The log: lines on standard error for whoever runs a service.

use std::{env, io};

use tracing_subscriber::EnvFilter;

use crate::{
    args::Global,
    failure::{Failure, Result},
    output::Output,
};

/// Starts the log: `--log`, else RUST_LOG, else as often as `-v` was given.
pub(crate) fn start(global: &Global, output: Output) -> Result<()> {
    let written = global.log.clone().or_else(|| env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty()));
    let filter = written.as_deref().unwrap_or(match global.verbose {
        0 => "warn",
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
