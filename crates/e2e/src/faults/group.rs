//! A control group of the kernel, below our own, in which a process has a bounded memory: who takes more is ended.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where the hierarchies are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// The group, until it is dropped.
pub struct Group {
    directory: PathBuf,
    names: &'static Names,
}

/// What the two versions of the kernel's interface call things.
struct Names {
    limit: &'static str,
    peak: &'static str,
}

const VERSION_1: Names = Names { limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes" };
const VERSION_2: Names = Names { limit: "memory.max", peak: "memory.peak" };

impl Group {
    /// Makes a group. Fails where that is not possible, with the reason.
    pub fn new(name: &str, bytes: u64) -> Result<Self> {
        let (own, names) = own()?;
        let directory = own.join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let group = Self { directory, names };
        fs::write(group.directory.join(names.limit), bytes.to_string()).context("cannot bound the memory")?;
        Ok(group)
    }

    /// The words before a command that is to run in the group from its first moment.
    pub fn words(&self) -> [String; 4] {
        let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.directory.display());
        ["sh".to_owned(), "-c".to_owned(), enter, "sh".to_owned()]
    }

    /// The most that it has had, with the pages of files that the kernel kept for it.
    pub fn peak_bytes(&self) -> Result<u64> {
        Ok(fs::read_to_string(self.directory.join(self.names.peak))?.trim().parse()?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.directory);
    }
}

/// The group of this process in the hierarchy that bounds memory.
fn own() -> Result<(PathBuf, &'static Names)> {
    let groups = fs::read_to_string("/proc/self/cgroup").context("the kernel has no control groups")?;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let path = path.trim_start_matches('/');
        if controllers.split(',').any(|controller| controller == "memory") {
            return Ok((Path::new(ROOT).join("memory").join(path), &VERSION_1));
        }
        let version_2 = Path::new(ROOT).join(path);
        if controllers.is_empty() && version_2.join(VERSION_2.limit).exists() {
            return Ok((version_2, &VERSION_2));
        }
    }
    anyhow::bail!("no control group bounds memory here")
}
