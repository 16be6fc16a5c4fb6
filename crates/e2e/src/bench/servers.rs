//! The servers that are compared, each on a directory of its own below the same one.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gatepass_signing::sigv4::presign::Method;

use super::load::Turn;
use super::process::{Process, free_address};
use super::urls::{ACCESS_KEY, REGION, SECRET_KEY, Urls};

/// The bucket of every server.
pub const BUCKET: &str = "bench";
/// What nginx's links are made with.
const LINK_SECRET: &str = "a-secret-for-benches";
/// In the year 2100.
const LINK_EXPIRES: &str = "4102444800";

/// A server that answers.
pub struct Server {
    /// How figures call it.
    pub name: &'static str,
    /// Its processes.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// `gatepass store run`, with every write synced, as by default.
    pub fn gatepass(program: &Path, data: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(program);
        // nginx and s3s-fs log no accesses either.
        command
            .args(["--log", "warn", "store", "run", "--listen", &address.to_string(), "--region", REGION, "--data"])
            .arg(data);
        command.env("GATEPASS_ROOT_ACCESS_KEY", ACCESS_KEY).env("GATEPASS_ROOT_SECRET_KEY", SECRET_KEY);
        command.env_remove("RUST_LOG");
        Self::start("gatepass", &mut command, address, data)
    }

    /// nginx: `/plain/` is files by sendfile, `/secure/` the same behind `secure_link`, `/dav/` takes PUT.
    pub fn nginx(directory: &Path) -> Result<Self> {
        let address = free_address()?;
        fs::create_dir_all(directory.join("files"))?;
        let root = directory.display();
        // As Debian installs it, but for the log of accesses, which nobody else here writes.
        let configuration = format!(
            r#"daemon off; pid {root}/pid; error_log {root}/error.log; worker_processes auto; user root;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; client_max_body_size 0;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{
    listen {address};
    location /plain/ {{ alias {root}/files/; }}
    location /dav/ {{ alias {root}/files/; dav_methods PUT; }}
    location /secure/ {{
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri {LINK_SECRET}";
      if ($secure_link = "") {{ return 403; }}
      if ($secure_link = "0") {{ return 410; }}
      alias {root}/files/;
    }}
  }}
}}
"#
        );
        let file = directory.join("nginx.conf");
        fs::write(&file, configuration)?;
        Self::start("nginx", Command::new("nginx").arg("-c").arg(&file), address, directory)
    }

    /// s3s-fs, which never syncs.
    pub fn s3s_fs(program: &Path, directory: &Path) -> Result<Self> {
        let address = free_address()?;
        let root = directory.join("root");
        fs::create_dir_all(root.join(BUCKET))?;
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
        command.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]).arg(&root).env_remove("RUST_LOG");
        Self::start("s3s-fs", &mut command, address, directory)
    }

    fn start(name: &'static str, command: &mut Command, address: SocketAddr, directory: &Path) -> Result<Self> {
        fs::create_dir_all(directory)?;
        // Beside the directory: what lies in it is the server's.
        let mut process = Process::start(name, command, &directory.with_extension("log"))?;
        process.wait_for(address)?;
        Ok(Self { name, process, address })
    }

    /// Signs for this server.
    pub fn urls(&self) -> Result<Urls> {
        Urls::new(self.address)
    }
}

/// Where `name` is on this machine, if anywhere.
pub fn installed(name: &str) -> Option<PathBuf> {
    let directories = std::env::var_os("PATH")?;
    let mut places: Vec<PathBuf> = std::env::split_paths(&directories).collect();
    // Where Debian puts servers, which is not on everybody's path.
    places.push("/usr/sbin".into());
    places.into_iter().map(|place| place.join(name)).find(|path| path.is_file())
}

/// Signed URLs of some objects, made before the load begins.
pub fn targets(urls: &Urls, method: Method, names: &[String]) -> Result<Vec<String>> {
    names.iter().map(|name| urls.target(method, BUCKET, name)).collect()
}

/// Each connection begins elsewhere in the list.
pub fn nth(targets: &[String], turn: Turn) -> String {
    let number = usize::try_from(turn.number).unwrap_or_default();
    targets[number.wrapping_add(turn.connection * 7) % targets.len()].clone()
}

/// nginx's own signed link to a file below `/secure/`.
pub fn secure_link(name: &str) -> Result<String> {
    let uri = format!("/secure/{name}");
    let digest = md5_base64url(&format!("{LINK_EXPIRES}{uri} {LINK_SECRET}"))?;
    Ok(format!("{uri}?md5={digest}&expires={LINK_EXPIRES}"))
}

/// By the shell, as nginx's documentation of `secure_link_md5` shows it.
fn md5_base64url(text: &str) -> Result<String> {
    let script = "printf %s \"$0\" | openssl md5 -binary | openssl base64 | tr +/ -_ | tr -d =";
    let output = Command::new("sh").args(["-c", script, text]).output().context("cannot start sh")?;
    ensure!(output.status.success(), "openssl is needed to make nginx's links");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
