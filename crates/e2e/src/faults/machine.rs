//! What crashes: a process that is killed, or a disk that loses its power.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::Process;

/// Large enough for what the writers keep, small enough to copy in a moment.
pub const DISK_SIZE: &str = "1G";
/// Nothing reaches the disk by itself within the time of a round: what is there was synchronised by the server. What was
/// deleted leaves the image, so that there is little to copy.
const MOUNT_OPTIONS: &str = "loop,commit=600,discard";

/// Where the server keeps its data, and how that crashes.
pub enum Machine {
    /// The operating system lives on: what was written is there, synchronised or not.
    Process {
        /// The data directory.
        data: PathBuf,
    },
    /// The operating system dies: only what reached the disk is there.
    Disk(Disk),
}

impl Machine {
    /// The data directory as it is now.
    pub fn data(&self) -> PathBuf {
        match self {
            Machine::Process { data } => data.clone(),
            Machine::Disk(disk) => disk.mount_point().join("data"),
        }
    }

    /// Crashes. When this returns the server is gone and the data directory is what the crash left of it.
    pub fn crash(&mut self, server: &mut Process) -> Result<()> {
        match self {
            Machine::Process { .. } => Ok(server.kill()?),
            Machine::Disk(disk) => disk.cut(server),
        }
    }
}

/// An ext4 file system in a file, mounted by way of a loop device.
pub struct Disk {
    work: PathBuf,
    generation: u32,
}

impl Disk {
    /// Makes and mounts an empty file system. Fails where mounting is not possible, with the reason.
    pub fn new(work: &Path, size: &str) -> Result<Self> {
        fs::create_dir_all(work)?;
        let disk = Self { work: work.to_path_buf(), generation: 0 };
        let _ = fs::remove_file(disk.image(0));
        run(Command::new("truncate").args(["--size", size]).arg(disk.image(0)))?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image(0)).env("PATH", SYSTEM_PATH))?;
        disk.mount()?;
        Ok(disk)
    }

    /// Stops the server between two instructions, copies the disk as it is at that moment, and goes on with the copy:
    /// what only the page cache knew is gone. A stopped server answers nothing, so whatever the writers were told, they
    /// were told before that moment.
    pub fn cut(&mut self, server: &mut Process) -> Result<()> {
        server.stop()?;
        let (before, after) = (self.image(self.generation), self.image(self.generation + 1));
        run(Command::new("cp").args(["--reflink=never", "--sparse=always"]).arg(&before).arg(&after))?;
        server.kill()?;
        self.unmount()?;
        fs::remove_file(&before)?;
        self.generation += 1;
        self.mount()
    }

    fn mount(&self) -> Result<()> {
        fs::create_dir_all(self.mount_point())?;
        run(Command::new("mount").args(["-o", MOUNT_OPTIONS]).arg(self.image(self.generation)).arg(self.mount_point()))
    }

    fn unmount(&self) -> Result<()> {
        run(Command::new("umount").arg(self.mount_point()))
    }

    fn image(&self, generation: u32) -> PathBuf {
        self.work.join(format!("disk-{generation}.img"))
    }

    /// Where it is mounted now.
    pub fn mount_point(&self) -> PathBuf {
        self.work.join(format!("mount-{}", self.generation % 2))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
        let _ = fs::remove_file(self.image(self.generation));
    }
}

/// Users' search paths may lack the system's directories.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())
}
