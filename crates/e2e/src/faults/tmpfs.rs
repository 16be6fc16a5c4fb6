//! A file system of a few MiB in memory, which can be filled to any page: where it is full, writes fail for want of space
//! in the middle of whatever they are part of.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use gatepass_store::free_space_of_the_disk;

use super::machine::run;

/// What tmpfs gives out at once, on the machines of this project.
pub const PAGE: u64 = 4096;
const BALLAST: &str = "ballast";

/// The file system, mounted until it is dropped.
pub struct Tmpfs {
    mount_point: PathBuf,
}

impl Tmpfs {
    /// Mounts an empty one. Fails where mounting is not possible, with the reason.
    pub fn new(mount_point: &Path, mib: u64) -> Result<Self> {
        fs::create_dir_all(mount_point)?;
        let size = format!("size={mib}m");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(mount_point))?;
        Ok(Self { mount_point: mount_point.to_owned() })
    }

    /// A directory on it.
    pub fn data(&self) -> PathBuf {
        self.mount_point.join("data")
    }

    /// Fills it until so many pages are left.
    pub fn leave(&self, pages: u64) -> Result<()> {
        let ballast = File::options().append(true).create(true).open(self.mount_point.join(BALLAST))?;
        let (free, wanted) = (self.free_pages()?, pages);
        if free < wanted {
            let length = ballast.metadata()?.len();
            return Ok(ballast.set_len(length.saturating_sub((wanted - free) * PAGE))?);
        }
        let zeros = vec![0; usize::try_from(PAGE)?];
        for _ in wanted..free {
            (&ballast).write_all(&zeros).context("the ballast does not fit")?;
        }
        Ok(())
    }

    /// Gives the space back.
    pub fn relieve(&self) -> Result<()> {
        Ok(fs::remove_file(self.mount_point.join(BALLAST))?)
    }

    /// How many pages are left.
    pub fn free_pages(&self) -> Result<u64> {
        Ok(free_space_of_the_disk()(&self.mount_point)? / PAGE)
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg(&self.mount_point));
    }
}
