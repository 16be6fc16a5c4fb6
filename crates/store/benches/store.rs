//! GET and PUT of 4 KiB through signed URLs over loopback, against floors in the same process: a
//! hyper server that answers 4 KiB and checks nothing, and a loop that makes 4 KiB files durable.
//!
//! `cargo bench -p gatepass-store`. What is compared runs in turns, so that a busy machine slows
//! both; the ratios are medians over the turns.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepass_authority::RootSource;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::{KeyCache, Region, ServiceName, header};
use gatepass_store::{Config, Fsync, Hosts, Store};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const BODY_BYTES: usize = 4096;
const TURNS: usize = 7;
const CONNECTIONS: usize = 8;
const GETS_PER_CONNECTION: usize = 1500;
const PUTS_PER_CONNECTION: usize = 60;

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let always = Served::start(&runtime, Fsync::Always);
    let never = Served::start(&runtime, Fsync::Never);
    let floor = start_floor(&runtime);
    let files = tempfile::tempdir().expect("a directory");

    always.exchange("PUT", &always.url(Method::Put, "read"), &[7; BODY_BYTES], 1, 1);
    let get_url = always.url(Method::Get, "read");
    let (mut gets, mut bare_gets) = (Vec::new(), Vec::new());
    let (mut puts, mut never_puts, mut bare_files) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        gets.push(always.exchange("GET", &get_url, b"", CONNECTIONS, GETS_PER_CONNECTION));
        bare_gets.push(exchange(floor, "GET", &get_url, b"", CONNECTIONS, GETS_PER_CONNECTION));
        let url = always.url(Method::Put, "write");
        puts.push(always.exchange("PUT", &url, &[8; BODY_BYTES], CONNECTIONS, PUTS_PER_CONNECTION));
        let url = never.url(Method::Put, "write");
        never_puts.push(never.exchange("PUT", &url, &[8; BODY_BYTES], CONNECTIONS, PUTS_PER_CONNECTION));
        bare_files.push(write_files(files.path()));
    }
    let (get, bare_get) = (median(&mut gets), median(&mut bare_gets));
    let (put, never_put, bare_file) = (median(&mut puts), median(&mut never_puts), median(&mut bare_files));
    println!("get_4k        {get:10.0} per second over {CONNECTIONS} connections, every request verified");
    println!("get_4k_floor  {bare_get:10.0} per second, bare hyper");
    println!("put_4k        {put:10.0} per second over {CONNECTIONS} connections, fsync before every answer");
    println!("put_4k_never  {never_put:10.0} per second, nothing synced");
    println!(
        "put_4k_floor  {bare_file:10.0} per second over {CONNECTIONS} threads, write + fsync + rename + fsync of the directory"
    );
    println!("ratio store/get_4k_vs_bare_hyper {:.3}", get / bare_get);
    println!("ratio store/put_4k_vs_durable_files {:.3}", put / bare_file);
    println!("ratio store/put_4k_never_vs_bare_hyper {:.3}", never_put / bare_get);
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn credentials() -> Credentials {
    let id = AccessKeyId::new("AKIDBENCHBENCHBENCHB").expect("a key id");
    Credentials::long_term(id, SecretKey::new("a-secret-for-benches-that-nobody-uses").expect("a secret"))
}

fn noon() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().expect("a time")
}

/// A store with a bucket.
struct Served {
    address: SocketAddr,
    _data: tempfile::TempDir,
}

impl Served {
    fn start(runtime: &Runtime, fsync: Fsync) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let store = Store::open(Config {
            hosts: Hosts { path_style: vec!["127.0.0.1".to_owned()], virtual_host_bases: Vec::new() },
            fsync,
            reserve_bytes: 0,
            ..Config::new(data.path(), RootSource::Given(credentials()), Arc::new(noon))
        })
        .expect("a store");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(store.serve(listener, std::future::pending()));
        let served = Self { address, _data: data };
        served.create_bucket();
        served
    }

    fn create_bucket(&self) {
        let host = self.address.to_string();
        let parts = header::RequestParts { method: "PUT", host: &host, target: "/bucket", headers: &[] };
        let region = Region::new("us-east-1").expect("a region");
        let body = header::Body::of(b"");
        let signed = header::sign(&parts, body, &credentials(), &region, ServiceName::S3, &KeyCache::new(), noon());
        let mut request = format!("PUT /bucket HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n");
        for (name, value) in signed.expect("a signature").iter() {
            write!(request, "{name}: {value}\r\n").expect("written");
        }
        request.push_str("\r\n");
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        answer_to(&mut stream, request.as_bytes(), &mut Vec::new());
    }

    fn url(&self, method: Method, key: &str) -> String {
        let endpoint = Endpoint::parse(&format!("http://{}", self.address)).expect("an endpoint");
        let address = Address::object(&endpoint, AddressingStyle::Path, "bucket", key).expect("an address");
        let credentials = credentials();
        let presign = Presign::new(&credentials, Region::new("us-east-1").expect("a region"), address, method);
        let url = presign.sign(&KeyCache::new(), noon()).expect("a signature");
        url.expose().split_once(&self.address.to_string()).expect("the host").1.to_owned()
    }

    fn exchange(&self, method: &str, target: &str, body: &[u8], connections: usize, each: usize) -> f64 {
        exchange(self.address, method, target, body, connections, each)
    }
}

/// Requests per second over so many connections, each with one request at a time.
fn exchange(address: SocketAddr, method: &str, target: &str, body: &[u8], connections: usize, each: usize) -> f64 {
    let mut request =
        format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    request.extend_from_slice(body);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).expect("a connection");
                stream.set_nodelay(true).expect("no delay");
                let mut buffer = Vec::new();
                for _ in 0..each {
                    answer_to(&mut stream, &request, &mut buffer);
                }
            });
        }
    });
    per_second(connections * each, begun.elapsed())
}

fn answer_to(stream: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) {
    stream.write_all(request).expect("sent");
    buffer.clear();
    let mut chunk = [0; 16 * 1024];
    loop {
        let read = stream.read(&mut chunk).expect("an answer");
        assert!(read > 0, "the connection was closed");
        buffer.extend_from_slice(&chunk[..read]);
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).expect("a head of text");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        if buffer.len() >= head + 4 + length.map_or(0, |length| length.parse().expect("a length")) {
            return;
        }
    }
}

fn start_floor(runtime: &Runtime) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            let answer = service_fn(|_| async {
                Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(&[7; BODY_BYTES]))))
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    address
}

/// Durable files per second, written by as many threads as the store has connections.
fn write_files(directory: &Path) -> f64 {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..CONNECTIONS {
            scope.spawn(move || {
                for number in 0..PUTS_PER_CONNECTION {
                    let (staged, last) =
                        (directory.join(format!("{thread}.tmp")), directory.join(format!("{thread}-{number}")));
                    let mut file = File::create(&staged).expect("a file");
                    file.write_all(&[8; BODY_BYTES]).expect("written");
                    file.sync_all().expect("synced");
                    fs::rename(&staged, &last).expect("renamed");
                    File::open(directory).expect("a directory").sync_all().expect("synced");
                }
            });
        }
    });
    per_second(CONNECTIONS * PUTS_PER_CONNECTION, begun.elapsed())
}

fn per_second(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).expect("a small number")) / time.as_secs_f64()
}
