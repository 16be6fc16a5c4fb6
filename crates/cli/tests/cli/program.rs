//! Runs the program in an environment of its own.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::Write as _,
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// What has not happened by then never will.
const PATIENCE: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(5);

/// The access key and secret of AWS's documentation: nobody's.
pub(crate) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON on standard output: {self:?}"))
    }
}

/// The program, without what the surrounding environment would tell it.
pub(crate) fn gatepass<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let is_ours =
            ["AWS_", "GATEPASS_", "MINIO_", "RUST_LOG", "NO_COLOR"].iter().any(|start| name.starts_with(start));
        if is_ours && name != "AWS_CA_BUNDLE" {
            command.env_remove(&*name);
        }
    }
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The program with [`ACCESS_KEY`] in its environment.
pub(crate) fn with_keys<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = gatepass(arguments);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command
}

/// Runs to the end.
pub(crate) fn run(mut command: Command) -> Run {
    command.output().expect("the program starts").into()
}

/// Waits for a file that is written in one step.
pub(crate) fn wait_for_json(path: &Path, child: &mut Child) -> Value {
    let start = Instant::now();
    loop {
        if let Ok(text) = fs::read(path) {
            return serde_json::from_slice(&text).expect("a whole document");
        }
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            panic!("the program ended before it was ready: {status}");
        }
        assert!(start.elapsed() < PATIENCE, "{} does not come", path.display());
        std::thread::sleep(TICK);
    }
}

/// Waits for the end, which must come.
pub(crate) fn wait_for_end(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the child can be asked") {
            return status;
        }
        if start.elapsed() >= PATIENCE {
            let _ = child.kill();
            panic!("the program does not end");
        }
        std::thread::sleep(TICK);
    }
}

/// A connection that has sent the beginning of a request and will not send the rest.
pub(crate) fn half_a_request(url: &str) -> TcpStream {
    let authority = url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(authority).expect("somebody listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: ").expect("sent");
    stream
}

/// Sends a signal by its name.
pub(crate) fn signal(id: u32, name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().expect("a shell");
    assert!(status.success(), "SIG{name} cannot be sent");
}
