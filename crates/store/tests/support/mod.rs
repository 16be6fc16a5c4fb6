//! A store on a real socket, with a clock that stands still until it is moved, and a client that
//! sends exactly the bytes it is given.
#![expect(dead_code, reason = "each test binary uses a part of it")]
#![expect(unreachable_pub, reason = "the module is compiled into each test binary")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepass_authority::RootSource;
use gatepass_protocol::s3::checksum::Md5Hasher;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::sigv4::header::{self, Body, RequestParts};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName};
use gatepass_signing::time::Lifetime;
use gatepass_store::{Config, Fsync, Hosts, LifecycleReport, Listener, Store};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const REGION: &str = "us-east-1";
pub const ACCESS_KEY: &str = "AKIDTESTTESTTESTTEST";
pub const SECRET_KEY: &str = "a-secret-for-tests-that-nobody-uses-00000";

/// A store that serves, until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    operators: SocketAddr,
    clock: Arc<AtomicI64>,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    directory: Arc<TempDir>,
    store: Option<Arc<Store>>,
}

pub fn credentials() -> Credentials {
    Credentials::long_term(AccessKeyId::new(ACCESS_KEY).unwrap(), SecretKey::new(SECRET_KEY).unwrap())
}

pub fn config(data: &Path, fsync: Fsync, clock: &Arc<AtomicI64>) -> Config {
    let clock = Arc::clone(clock);
    let now = Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap());
    Config {
        // As the command line has it.
        workers: NonZeroUsize::new(2),
        region: REGION.to_owned(),
        hosts: Hosts { path_style: vec!["127.0.0.1".to_owned()], virtual_host_bases: vec!["localhost".to_owned()] },
        fsync,
        reserve_bytes: 0,
        ..Config::new(data, RootSource::Given(credentials()), now)
    }
}

pub fn noon() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

impl Server {
    pub fn start() -> Self {
        Self::open(Arc::new(TempDir::new().unwrap()), Arc::new(AtomicI64::new(noon().as_second())))
    }

    /// Starts with a bucket called `bucket`.
    pub fn with_bucket() -> Self {
        let server = Self::start();
        assert_eq!(server.signed("PUT", "/bucket", &[], b"").status, 200);
        server
    }

    /// With a bucket called `bucket`, on a disk that has `free` bytes left and may use all of them but `reserve`.
    pub fn on_a_disk(free: &Arc<AtomicU64>, reserve: u64) -> Self {
        let free = Arc::clone(free);
        let server = Self::open_with(
            Arc::new(TempDir::new().unwrap()),
            Arc::new(AtomicI64::new(noon().as_second())),
            |config| Config {
                reserve_bytes: reserve,
                free_space: Arc::new(move |_| Ok(free.load(Ordering::SeqCst))),
                ..config
            },
        );
        assert_eq!(server.signed("PUT", "/bucket", &[], b"").status, 200);
        server
    }

    fn open(directory: Arc<TempDir>, clock: Arc<AtomicI64>) -> Self {
        Self::open_with(directory, clock, |config| config)
    }

    fn open_with(directory: Arc<TempDir>, clock: Arc<AtomicI64>, change: impl FnOnce(Config) -> Config) -> Self {
        Self::open_at(directory, clock, change, Listener::from)
    }

    /// With a bucket called `bucket`, and a configuration changed in whatever is to be tested.
    pub fn configured(change: impl FnOnce(Config) -> Config) -> Self {
        let clock = Arc::new(AtomicI64::new(noon().as_second()));
        let server = Self::open_with(Arc::new(TempDir::new().unwrap()), clock, change);
        assert_eq!(server.signed("PUT", "/bucket", &[], b"").status, 200);
        server
    }

    /// The same behind a listener of the caller's choice. Nothing has been asked of it.
    pub fn behind(change: impl FnOnce(Config) -> Config, listen: impl FnOnce(TcpListener) -> Listener) -> Self {
        let clock = Arc::new(AtomicI64::new(noon().as_second()));
        Self::open_at(Arc::new(TempDir::new().unwrap()), clock, change, listen)
    }

    fn open_at(
        directory: Arc<TempDir>,
        clock: Arc<AtomicI64>,
        change: impl FnOnce(Config) -> Config,
        listen: impl FnOnce(TcpListener) -> Listener,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let config = config(&directory.path().join("data"), Fsync::Always, &clock);
        let store = Store::open(change(config)).unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let for_operators = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let operators = for_operators.local_addr().unwrap();
        runtime.spawn(Arc::clone(&store).serve_admin(for_operators, std::future::pending()));
        let (stop, stopped) = oneshot::channel();
        let serving = runtime.spawn(Arc::clone(&store).serve(listen(listener), async move {
            let _ = stopped.await;
        }));
        let (runtime, stop, serving, store) = (Some(runtime), Some(stop), Some(serving), Some(store));
        Self { address, operators, clock, runtime, stop, serving, directory, store }
    }

    /// Stops and starts again over the same data.
    pub fn restart(self) -> Self {
        self.restart_after(|_| {})
    }

    /// The same, with something done to the data in between.
    pub fn restart_after(mut self, act: impl FnOnce(&Path)) -> Self {
        self.stop();
        act(&self.data());
        Self::open(Arc::clone(&self.directory), Arc::clone(&self.clock))
    }

    /// The store itself.
    pub fn store(&self) -> &Store {
        self.store.as_deref().expect("it is there until the server stops")
    }

    /// A server over a copy of the data, at the same time.
    pub fn open_copy(&self, data: &Path) -> Self {
        let (data, clock) = (data.to_owned(), Arc::clone(&self.clock));
        Self::open_at(Arc::clone(&self.directory), clock, |config| Config { data, ..config }, Listener::from)
    }

    fn stop(&mut self) {
        self.store.take();
        self.stop.take();
        self.store.take();
        if let (Some(runtime), Some(serving)) = (self.runtime.take(), self.serving.take()) {
            runtime.block_on(serving).unwrap();
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
    }

    /// Applies the lifecycle rules now.
    pub fn run_lifecycle(&self) -> LifecycleReport {
        let (runtime, store) = (self.runtime.as_ref().unwrap(), self.store.as_ref().unwrap());
        runtime.block_on(store.run_lifecycle()).unwrap()
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.load(Ordering::SeqCst)).unwrap()
    }

    pub fn move_clock(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn set_clock(&self, at: Timestamp) {
        self.clock.store(at.as_second(), Ordering::SeqCst);
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    pub fn outside(&self) -> &Path {
        self.directory.path()
    }

    /// A signed target `/bucket/key?X-Amz-…`.
    pub fn presign(&self, method: Method, key: &str) -> String {
        self.presign_with(method, key, |presign| presign)
    }

    pub fn presign_with(&self, method: Method, key: &str, with: impl Fn(Presign<'_>) -> Presign<'_>) -> String {
        let endpoint = Endpoint::parse(&format!("http://{}", self.address)).unwrap();
        let address = Address::object(&endpoint, AddressingStyle::Path, "bucket", key).unwrap();
        let credentials = credentials();
        let presign = Presign::new(&credentials, Region::new(REGION).unwrap(), address, method);
        let presign = with(presign.expires(Lifetime::from_secs(300).unwrap()));
        let url = presign.sign(&KeyCache::new(), self.now()).unwrap();
        url.expose().strip_prefix(&format!("http://{}", self.address)).unwrap().to_owned()
    }

    /// Sends a request signed in its headers.
    pub fn signed(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let signed = self.sign(method, target, headers, Body::of(body));
        self.send(method, target, &borrowed(&signed), body)
    }

    /// All headers of a signed request but `Host`.
    pub fn sign(&self, method: &str, target: &str, headers: &[(&str, &str)], body: Body) -> Vec<(String, String)> {
        self.sign_for(ServiceName::S3, method, target, headers, body)
    }

    pub fn sign_for(
        &self,
        service: ServiceName,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Vec<(String, String)> {
        let host = self.host();
        let parts = RequestParts { method, host: &host, target, headers };
        let region = Region::new(REGION).unwrap();
        let signed =
            header::sign(&parts, body, &credentials(), &region, service, &KeyCache::new(), self.now()).unwrap();
        let own = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let added = signed.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        own.chain(added).collect()
    }

    /// Sends a request with these headers, `Host` and `Content-Length`.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.raw(&self.request(method, target, headers, body), method)
    }

    /// The bytes that [`send`](Self::send) sends.
    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.host());
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if !body.is_empty() || method == "PUT" || method == "POST" {
            write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
        }
        head.push_str("\r\n");
        let mut raw = head.into_bytes();
        raw.extend_from_slice(body);
        raw
    }

    /// Sends these bytes and reads one answer.
    pub fn raw(&self, bytes: &[u8], method: &str) -> Reply {
        let mut stream = self.connect();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(bytes);
        Reply::read(&mut stream, method)
    }

    /// How many connections are open, as operators see it.
    pub fn connections(&self) -> u64 {
        let text = self.ask_operators(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").text();
        let line = text.lines().find_map(|line| line.strip_prefix("gatepass_connections "));
        line.unwrap().parse().unwrap()
    }

    /// Sends these bytes to the listener for operators.
    pub fn ask_operators(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.operators).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes).unwrap();
        Reply::read(&mut stream, "GET")
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Everything in the data directory: names and contents.
    pub fn state(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.data(), &mut files);
        files
    }

    /// Asserts that `act` is refused so, and that nothing is written, not even for a moment that
    /// the next request could see.
    pub fn refuses(&self, status: u16, code: &str, act: impl FnOnce(&Self) -> Reply) -> Reply {
        let before = self.state();
        let reply = act(self);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{reply:?}");
        assert_eq!(before, self.state(), "a refused request has written");
        reply
    }

    pub fn put(&self, key_path: &str, body: &[u8]) {
        let reply = self.signed("PUT", key_path, &[], body);
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    pub fn get(&self, key_path: &str) -> Reply {
        self.signed("GET", key_path, &[], b"")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

pub fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The value of `Content-MD5`.
pub fn content_md5(body: &[u8]) -> String {
    let mut hasher = Md5Hasher::new();
    hasher.update(body);
    STANDARD.encode(hasher.finish())
}

/// Copies a data directory: of a store that runs, what a crash would leave.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&path, &target),
            kind if kind.is_file() => fs::copy(&path, &target).map(drop).unwrap(),
            // The socket of a running store.
            _ => {}
        }
    }
}

fn collect(directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.to_str().unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}

/// Waits until something holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        std::thread::yield_now();
    }
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]).into_owned();
        formatter
            .debug_struct("Reply")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &body)
            .finish()
    }
}

impl Reply {
    pub fn read(stream: &mut impl Read, method: &str) -> Self {
        let head = read_head(stream);
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap_or_else(|| panic!("no status: {head:?}"));
        let headers: Vec<(String, String)> = lines
            .filter(|line| !line.is_empty())
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut reply = Self { status: status.parse().unwrap(), headers, body: Vec::new() };
        if reply.status == 100 {
            return Self::read(stream, method);
        }
        let length = reply.header("content-length").map_or(0, |length| length.parse().unwrap());
        if method != "HEAD" && reply.status != 304 && reply.status != 204 {
            reply.body.resize(length, 0);
            stream.read_exact(&mut reply.body).unwrap();
        }
        reply
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of the first element of this name.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }

    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let open = format!("<{name}>");
        let close = format!("</{name}>");
        text.split(&open).skip(1).filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned())).collect()
    }

    /// The error code; empty where there is no error document.
    pub fn code(&self) -> String {
        if self.status < 300 { String::new() } else { self.element("Code").unwrap_or_default() }
    }
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut byte).expect("an answer in time");
        assert!(read > 0, "closed in the head of an answer: {:?}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}
