//! The command line of Gatepass.
//!
//! [`run`] is the whole program after its arguments were read. It is the one place of the project that reads the wall
//! clock, the environment and the terminal; the services that it starts are told everything they need.

mod api;
mod args;
mod bucket_region;
mod clock;
mod commands;
mod config;
mod credentials;
mod failure;
mod input;
mod logging;
mod output;
mod place;
mod private_file;
mod progress;
mod provision;
mod ready_file;
mod reference;
mod role;
mod seed;
mod server;
mod state;
mod store_error;
mod test_clock;
mod values;

use std::process::ExitCode;

pub use args::Arguments;
pub use reference::cli_reference;

use output::Output;

/// The page of every setting, for `docs/config.md`.
pub fn config_reference() -> String {
    config::reference_page()
}

/// Carries out a command, and says how it went: 0 done, 1 a finding or a refusal, 2 wrong usage.
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { global, command } = arguments;
    let output = Output::new(global.json, global.color);
    let outcome = logging::start(&global, &command, output).and_then(|()| commands::run(command, output));
    match outcome {
        Ok(outcome) => outcome.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit_code()
        }
    }
}
