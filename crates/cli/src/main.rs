//! The program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    gatepass::run(gatepass::Arguments::parse())
}
