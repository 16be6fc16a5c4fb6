//! Ceph's RADOS gateway on one machine: one monitor, one OSD that keeps everything in memory, no authentication between
//! them. Clients are authenticated as ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::process::{Process, free_address};
use super::servers::{Server, installed};
use super::urls::{ACCESS_KEY, SECRET_KEY};

const FSID: &str = "6c0a3f0e-9d0b-4e0a-8b52-0d6f8f1f2a11";
const PATIENCE: Duration = Duration::from_mins(2);
const TICK: Duration = Duration::from_millis(200);

/// The gateway and what it stands on.
pub struct Rgw {
    /// The gateway alone: what its CPU time is counted of.
    pub gateway: Server,
    _monitor: Process,
    _osd: Process,
}

/// The programs that are missing here, with the Debian packages that bring them.
pub fn missing() -> Vec<&'static str> {
    let needed = [
        ("ceph-mon", "ceph-mon"),
        ("ceph-osd", "ceph-osd"),
        ("radosgw", "radosgw"),
        ("radosgw-admin", "radosgw"),
        ("ceph", "ceph-common"),
    ];
    needed.into_iter().filter(|(program, _)| installed(program).is_none()).map(|(_, package)| package).collect()
}

impl Rgw {
    /// Starts all three and makes the user.
    pub fn start(directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let address = free_address()?;
        let monitor_address = free_address()?;
        let root = directory.display();
        let configuration = format!(
            "[global]\nfsid = {FSID}\nmon host = v1:{monitor_address}\nmon initial members = a\n\
             auth cluster required = none\nauth service required = none\nauth client required = none\n\
             run dir = {root}\nlog file = {root}/$name.log\nadmin socket = {root}/$name.asok\npid file =\n\
             osd pool default size = 1\nosd pool default min size = 1\nosd crush chooseleaf type = 0\n\
             mon allow pool size one = true\nosd pool default pg num = 8\nmon max pg per osd = 1000\n\
             ms bind msgr2 = false\nmon data avail crit = 1\nosd objectstore = memstore\n\
             memstore device bytes = 4294967296\n\
             [mon.a]\nmon data = {root}/mon\nmon addr = {monitor_address}\n\
             [osd.0]\nosd data = {root}/osd\n\
             [client.rgw]\nrgw frontends = beast endpoint={address}\nrgw enable usage log = false\n"
        );
        let file = directory.join("ceph.conf");
        fs::write(&file, configuration)?;
        fs::create_dir_all(directory.join("osd"))?;

        let map = directory.join("monmap");
        let tool = |name: &str| Command::new(installed(name).unwrap_or_else(|| PathBuf::from(name)));
        let ceph = |name: &str, arguments: &[&str]| {
            let mut command = tool(name);
            command.arg("-c").arg(&file).args(arguments);
            command
        };
        run(tool("monmaptool")
            .args(["--create", "--clobber", "--fsid", FSID, "--addv", "a", &format!("[v1:{monitor_address}]")])
            .arg(&map))?;
        run(ceph("ceph-mon", &["--mkfs", "-i", "a", "--monmap"]).arg(&map))?;
        let log = |name: &str| directory.join(format!("{name}.out"));
        let monitor = Process::start("ceph-mon", &mut ceph("ceph-mon", &["-i", "a", "-f"]), &log("mon"))?;
        until(&mut || ceph("ceph", &["osd", "new", FSID, "0"]))?;
        run(&mut ceph("ceph-osd", &["--mkfs", "-i", "0", "--osd-uuid", FSID]))?;
        let osd = Process::start("ceph-osd", &mut ceph("ceph-osd", &["-i", "0", "-f"]), &log("osd"))?;
        until(&mut || {
            let mut create = ceph("radosgw-admin", &["user", "create", "--uid=bench", "--display-name=bench"]);
            create.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]);
            create
        })?;
        let mut gateway = ceph("radosgw", &["-n", "client.rgw", "-f"]);
        let mut process = Process::start("radosgw", &mut gateway, &log("rgw"))?;
        process.wait_for(address)?;
        Ok(Self { gateway: Server { name: "rgw", process, address }, _monitor: monitor, _osd: osd })
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{} failed: {}", command.get_program().display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Again and again, until the cluster is far enough for it.
fn until(command: &mut dyn FnMut() -> Command) -> Result<()> {
    let begun = Instant::now();
    loop {
        let mut limited = Command::new("timeout");
        let wanted = command();
        limited.arg("20").arg(wanted.get_program()).args(wanted.get_args());
        match run(&mut limited) {
            Ok(()) => return Ok(()),
            Err(error) if begun.elapsed() > PATIENCE => return Err(error),
            Err(_) => thread::sleep(TICK),
        }
    }
}
