//! The program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

/// The store keeps pages of one size in a cache that many threads fill and empty. The system's allocator tears holes into
/// such a heap and never gets them back: with ten million objects it held twice what was in use.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gatepass::run(gatepass::Arguments::parse())
}
