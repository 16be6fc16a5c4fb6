//! The tasks that measure or torment: benches, faults, memory. The experiments themselves are programs of the `e2e`
//! crate; here they are built and started.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::shell;
use crate::workspace::{self, Profile, Programs};

/// Which benches to run.
#[derive(Args)]
pub(crate) struct Bench {
    /// Only benches whose name contains this; `store` is the one that compares the store with other servers
    filter: Option<String>,
    /// What the comparison of the store is told besides, after `--`: `--only get_4k,size`, `--rounds 9`, `--require-all`
    #[arg(last = true)]
    more: Vec<String>,
}

/// The bench that starts other servers, and is no bench target of cargo.
const STORE_BENCH: &str = "store";
/// The version that figures name.
const S3S_FS_VERSION: &str = "0.14.1";

/// What the experiments are told. They know their switches themselves; `--help` prints them.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Faults {
    /// `--list`, `--promise P1`, `--seed 1`, `--json`, `--short`, and what else `--help` prints
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Faults {
    /// What every test run does. Where nobody reads what was not tested, not testing it is a failure.
    pub(crate) fn short() -> Self {
        let mut arguments = vec!["--short".to_owned()];
        if env::var_os("CI").is_some() {
            arguments.push("--require-all".to_owned());
        }
        Self { arguments }
    }
}

/// How much to move while memory is watched.
#[derive(Args)]
pub(crate) struct Memory {
    /// The size of the file, in MiB
    #[arg(long, default_value_t = 5 * 1024)]
    size_mib: u64,
}

impl Memory {
    pub(crate) fn short() -> Self {
        Self { size_mib: 512 }
    }
}

/// Runs the benches that were asked for.
pub(crate) fn bench(options: &Bench) -> Result<()> {
    let wanted = options.filter.as_deref().unwrap_or_default();
    if STORE_BENCH.contains(wanted) {
        bench_store(options)?;
    }
    if wanted != STORE_BENCH {
        bench_by_cargo(wanted)?;
    }
    Ok(())
}

/// Builds the store and the peer that comes from the crate registry, and lets them compete.
fn bench_store(options: &Bench) -> Result<()> {
    let programs = workspace::build(Profile::Release)?;
    let mut command = Command::new(programs.path("e2e-bench")?);
    command.arg("--server").arg(programs.path("gatepass")?);
    command.arg("--work").arg(work_directory("bench")?);
    command.arg("--s3s-fs").arg(s3s_fs()?).args(&options.more);
    shell::run(command.stdout(std::process::Stdio::inherit()))
}

/// s3s-fs below the target directory, built by the first bench.
fn s3s_fs() -> Result<PathBuf> {
    let root = workspace::target()?.join("xtask/s3s-fs");
    let program = root.join("bin/s3s-fs");
    if program.is_file() {
        println!("found      s3s-fs     {}", program.display());
        return Ok(program);
    }
    let mut cargo = shell::cargo();
    cargo.args(["install", "s3s-fs", "--version", S3S_FS_VERSION, "--features", "binary", "--locked", "--root"]);
    shell::run(cargo.arg(&root).current_dir(workspace::root()))?;
    println!("installed  s3s-fs     {}", program.display());
    Ok(program)
}

/// Runs each bench target and shows only its `ratio` lines, which is what can be compared between machines.
fn bench_by_cargo(wanted: &str) -> Result<()> {
    for (package, target) in bench_targets()? {
        if !target.contains(wanted) {
            continue;
        }
        let mut cargo = shell::cargo();
        cargo.args(["bench", "--quiet", "--package", &package, "--bench", &target]).current_dir(workspace::root());
        let said = shell::read(&mut cargo)?;
        for line in said.lines().filter(|line| line.starts_with("ratio ")) {
            println!("{line}");
        }
    }
    Ok(())
}

fn bench_targets() -> Result<Vec<(String, String)>> {
    let metadata = workspace::metadata()?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` names no packages")?;
    let mut found = Vec::new();
    for package in packages {
        for target in package["targets"].as_array().into_iter().flatten() {
            if target["kind"].as_array().is_some_and(|kinds| kinds.contains(&Value::from("bench"))) {
                found.push((text(&package["name"])?, text(&target["name"])?));
            }
        }
    }
    Ok(found)
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("`cargo metadata` names something by no text")?.to_owned())
}

pub(crate) fn faults(options: &Faults) -> Result<()> {
    let programs = workspace::build(Profile::Release)?;
    run_faults(&programs, options)
}

pub(crate) fn run_faults(programs: &Programs, options: &Faults) -> Result<()> {
    let mut command = Command::new(programs.path("e2e-faults")?);
    command.arg("--server").arg(programs.path("gatepass")?);
    command.arg("--work").arg(work_directory("faults")?).args(&options.arguments);
    shell::run(&mut command)
}

pub(crate) fn memory(options: &Memory) -> Result<()> {
    run_memory(&workspace::build(Profile::Release)?, options)
}

pub(crate) fn run_memory(programs: &Programs, options: &Memory) -> Result<()> {
    let mut command = Command::new(programs.path("e2e-memory")?);
    command.arg("--server").arg(programs.path("gatepass")?);
    command.arg("--size-mib").arg(options.size_mib.to_string());
    command.arg("--work").arg(work_directory("memory")?);
    shell::run(&mut command)
}

/// Below the target directory: large files do not belong on a temporary file system that may live in memory.
fn work_directory(name: &str) -> Result<PathBuf> {
    let directory = workspace::target()?.join(Path::new("xtask")).join(name);
    std::fs::create_dir_all(&directory)?;
    Ok(directory)
}
