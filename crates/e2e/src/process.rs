//! A process that was started here: named, signalled, looked into, and gone when dropped.

use std::fs;
use std::io;
use std::process::{Child, Command, ExitStatus};

use anyhow::{Context, Result, bail};

use crate::dev::wait_for;

/// A child process.
#[derive(Debug)]
pub struct Process(Child);

impl From<Child> for Process {
    fn from(child: Child) -> Self {
        Self(child)
    }
}

impl Process {
    /// Its id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status()?;
        if status.success() { Ok(()) } else { bail!("cannot send SIG{name}") }
    }

    /// SIGKILL: the process ends wherever it is.
    pub fn kill(&mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(|_| ())
    }

    /// SIGSTOP: when this returns, every thread stands still.
    pub fn stop(&self) -> Result<()> {
        self.signal("STOP")?;
        wait_for(|| self.is_stopped().then_some(())).context("the process does not stop")
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Waits for the end of one that was told to end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        wait_for(|| self.0.try_wait().transpose()).context("the process did not end")?.map_err(Into::into)
    }

    /// What it has resident now, in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that it ever had resident, as the kernel counts it, in KiB.
    pub fn peak_kib(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// How many files and sockets it has open.
    pub fn descriptors(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.id()))?.count())
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let line = line.with_context(|| format!("the kernel does not say {name}"))?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }

    /// Whether every thread has stopped: one that still waits for the disk inside a system call has not.
    fn is_stopped(&self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.id())) else { return false };
        threads.flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The state follows the name, which stands in parentheses and may hold anything.
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
