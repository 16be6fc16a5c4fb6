//! Debian packages: which program comes from which package, and installing what is missing.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// A program that some test starts.
pub(crate) struct Tool {
    /// Names under which the program is known, the preferred one first.
    pub(crate) names: &'static [&'static str],
    /// The Debian package that brings it.
    pub(crate) package: &'static str,
    /// What it is needed for.
    pub(crate) purpose: &'static str,
}

/// Every program that the tests start, apart from those that come by cargo, pip and npm.
pub(crate) const TOOLS: &[Tool] = &[
    Tool { names: &["python3"], package: "python3", purpose: "boto3, the AWS CLI and s3cmd as clients" },
    Tool {
        names: &["node"],
        package: "nodejs",
        purpose: "the AWS SDK for JavaScript, minio-js, the browser test, the web build",
    },
    Tool { names: &["npm"], package: "npm", purpose: "installing what Node runs" },
    Tool {
        names: &["chromium", "chromium-browser", "google-chrome"],
        package: "chromium",
        purpose: "the browser test",
    },
    Tool { names: &["rclone"], package: "rclone", purpose: "rclone as a client" },
    Tool { names: &["curl"], package: "curl", purpose: "fetching signed URLs as a stranger does" },
    Tool { names: &["mkfs.ext4"], package: "e2fsprogs", purpose: "file systems whose power is cut" },
    Tool { names: &["mount"], package: "mount", purpose: "mounting them" },
    Tool { names: &["prlimit"], package: "util-linux", purpose: "a process without file descriptors" },
    Tool { names: &["strace"], package: "strace", purpose: "system calls that fail, and ends in their place" },
];

/// Finds every tool, installs what is missing where that is possible, and says what it did.
/// Without root it names what is missing and the command that brings it.
pub(crate) fn ensure() -> Result<()> {
    let mut missing = Vec::new();
    for tool in TOOLS {
        match locate(tool) {
            Some(path) => println!("found      {:<10} {}", tool.names[0], path.display()),
            None => missing.push(tool),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    for tool in &missing {
        println!("missing    {:<10} needed for {}", tool.names[0], tool.purpose);
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    install(&packages)?;
    for tool in missing {
        let path = locate(tool)
            .with_context(|| format!("package {} is installed, but {} is not there", tool.package, tool.names[0]))?;
        println!("installed  {:<10} {}", tool.names[0], path.display());
    }
    Ok(())
}

/// Installs Debian packages as root; otherwise fails with the command to type.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if shell::find(&["apt-get"]).is_none() {
        bail!("this is no Debian system; install these with its own package manager and start again: {list}");
    }
    if !is_root()? {
        bail!("not root, so nothing was installed; type this and start again: sudo apt-get install -y {list}");
    }
    shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
    shell::run(
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// The path of a tool; system directories count although a user's search path may lack them.
pub(crate) fn locate(tool: &Tool) -> Option<PathBuf> {
    shell::find(tool.names).or_else(|| {
        let name = tool.names[0];
        ["/usr/sbin", "/sbin"].iter().map(|directory| PathBuf::from(directory).join(name)).find(|path| path.exists())
    })
}

/// Whether this process may install packages and mount file systems.
pub(crate) fn is_root() -> Result<bool> {
    if env::consts::OS != "linux" {
        return Ok(false);
    }
    Ok(shell::read(Command::new("id").arg("-u"))?.trim() == "0")
}
