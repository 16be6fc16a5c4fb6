//! A server as a group of processes: started, asked for its CPU time and memory, and gone when dropped.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A server that does not answer by then never will.
const PATIENCE: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(2);
/// The kernel's unit of CPU time, `USER_HZ`, which is 100 on every architecture that Debian runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A server in the foreground, with whatever it has started itself.
pub struct Process {
    child: Child,
    name: &'static str,
}

impl Process {
    /// Starts a server; what it says goes to a file.
    pub fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let log = fs::File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name })
    }

    /// Waits until the server takes connections.
    pub fn wait_for(&mut self, address: SocketAddr) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} has ended: {status}", self.name);
            }
            if begun.elapsed() > PATIENCE {
                bail!("{} does not answer on {address}", self.name);
            }
            thread::sleep(TICK);
        }
        Ok(())
    }

    /// CPU seconds, user and system, of the server and all its children so far.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let mut ticks = 0;
        for id in self.family()? {
            let Some(fields) = stat(id) else { continue };
            // proc(5): utime and stime are the fields 14 and 15.
            ticks += field(&fields, 14)? + field(&fields, 15)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a bench does not run for millennia")]
        Ok(ticks as f64 / TICKS_PER_SECOND)
    }

    /// What the server and its children keep in memory, in MiB.
    pub fn resident_mib(&self) -> Result<u64> {
        let mut kib = 0;
        for id in self.family()? {
            let Ok(status) = fs::read_to_string(format!("/proc/{id}/status")) else { continue };
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
            kib += line.trim().trim_end_matches(" kB").trim().parse::<u64>()?;
        }
        Ok(kib / 1024)
    }

    /// SIGKILL, as when the power goes.
    pub fn kill(&mut self) -> Result<()> {
        for id in self.family()? {
            let _ = Command::new("kill").args(["-KILL", &id.to_string()]).stderr(Stdio::null()).status();
        }
        self.child.wait()?;
        Ok(())
    }

    fn family(&self) -> Result<Vec<u32>> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            if let Some(fields) = stat(id) {
                parents.push((id, u32::try_from(field(&fields, 4)?)?));
            }
        }
        let mut family = vec![self.child.id()];
        let mut next = 0;
        while let Some(&parent) = family.get(next) {
            family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(id, _)| *id));
            next += 1;
        }
        Ok(family)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The fields of `/proc/ID/stat` from the third on; the second, a name in parentheses, may contain anything.
fn stat(id: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(text.rsplit_once(") ")?.1.to_owned())
}

fn field(fields: &str, number: usize) -> Result<u64> {
    let text = fields.split(' ').nth(number - 3).context("the kernel prints fewer fields")?;
    text.trim().parse().with_context(|| format!("field {number} is no number"))
}

/// An address on which nothing listens now.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
