//! Runs the program in an environment of its own.

use std::{
    env,
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::{self, JoinHandle},
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

/// The program with [`ACCESS_KEY`] and a region in its environment, so that nobody is asked for one.
pub(crate) fn with_keys<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = gatepass(arguments);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command.env("AWS_REGION", "us-east-1");
    command
}

/// Runs to the end.
pub(crate) fn run(mut command: Command) -> Run {
    command.output().expect("the program starts").into()
}

/// Runs to the end with a text on standard input.
pub(crate) fn run_with_input(mut command: Command, input: &str) -> Run {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the program starts");
    // Who refuses before reading closes the pipe, which is for the caller to see in what the program says.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("the program ends").into()
}

/// A server on this machine that gives one answer; joined, it tells the request.
pub(crate) fn answer_once(status: &str, body: &str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut request).expect("a line"), 0, "a whole head");
        }
        let length = request.to_ascii_lowercase();
        let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.parse().expect("a length")];
        reader.read_exact(&mut body).expect("a whole body");
        request.push_str(&String::from_utf8(body).expect("a text"));
        stream.write_all(answer.as_bytes()).expect("a client that reads");
        request
    });
    (url, serving)
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
        thread::sleep(TICK);
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
        thread::sleep(TICK);
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
