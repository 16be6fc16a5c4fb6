//! `cargo xtask conformance`: suites that others wrote against S3, run from the caller's checkout on a store that is started
//! for them on a scratch directory. Nothing of the suites is in this repository but the names of tests.

mod exclusions;
mod mint;
mod s3_tests;
mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use exclusions::Reason;

/// Which suites to run.
#[derive(Args)]
#[group(required = true, multiple = true, args = ["s3_tests", "mint"])]
pub(crate) struct Conformance {
    /// A checkout of ceph/s3-tests
    #[arg(long, value_name = "DIR")]
    s3_tests: Option<PathBuf>,
    /// A checkout of minio/mint, whose part for the AWS CLI runs
    #[arg(long, value_name = "DIR")]
    mint: Option<PathBuf>,
    /// Only tests of s3-tests that this expression of pytest names
    #[arg(short = 'k', value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Run what the list excludes, too, and name what passes all the same
    #[arg(long)]
    excluded_too: bool,
    /// How many tests of s3-tests run at the same time
    #[arg(long, default_value_t = 4)]
    jobs: u16,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
    /// Keep what the suites say in this file
    #[arg(long, value_name = "FILE")]
    keep_log: Option<PathBuf>,
}

/// How a suite went.
#[derive(Serialize)]
struct Outcome {
    suite: &'static str,
    passed: usize,
    failed: Vec<Failure>,
    /// How many tests are excluded for each reason.
    excluded: BTreeMap<Reason, usize>,
    /// What somebody should look at, though nothing failed.
    notes: Vec<String>,
}

/// A test that should have passed.
#[derive(Serialize)]
struct Failure {
    test: String,
    said: String,
}

pub(crate) fn run(options: &Conformance) -> Result<()> {
    let mut outcomes = Vec::new();
    if let Some(suite) = &options.s3_tests {
        outcomes.push(s3_tests::run(suite, options)?);
    }
    if let Some(suite) = &options.mint {
        outcomes.push(mint::run(suite, options)?);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&outcomes)?);
    } else {
        outcomes.iter().for_each(print);
    }
    let failed: usize = outcomes.iter().map(|outcome| outcome.failed.len()).sum();
    if failed > 0 {
        bail!("{failed} tests failed that should pass");
    }
    Ok(())
}

fn print(outcome: &Outcome) {
    for Failure { test, said } in &outcome.failed {
        println!("FAILED {test}: {said}");
    }
    for note in &outcome.notes {
        println!("note: {note}");
    }
    let Outcome { suite, passed, failed, excluded, .. } = outcome;
    for (reason, count) in excluded {
        println!("excluded: {count} ({reason:?})");
    }
    println!("{suite}: {passed} passed, {} failed, {} excluded", failed.len(), excluded.values().sum::<usize>());
}
