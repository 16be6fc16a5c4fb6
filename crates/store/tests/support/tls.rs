//! Clients of a store that speaks TLS: one that sends raw bytes, and one that speaks HTTP/2 properly.
//!
//! The certificates beside this file are for `localhost` and 127.0.0.1, and their authority's key is gone.
#![expect(dead_code, reason = "each test binary uses a part of it")]
#![expect(unreachable_pub, reason = "the module is compiled into each test binary")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatepass_store::{Config, Listener, Tls};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned};

use super::support::Server;

pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tls").join(name)
}

/// The certificate called so.
pub fn identity(name: &str) -> Tls {
    Tls::load(file(&format!("{name}.pem")), file(&format!("{name}.key"))).unwrap()
}

/// A store behind TLS, with a bucket called `bucket`.
pub fn server(change: impl FnOnce(Config) -> Config) -> Server {
    let server = Server::behind(change, |listener| Listener::tls(listener, identity("first")));
    let created = ask(&server, "PUT", "/bucket", b"");
    assert_eq!(created.status, 200, "{created:?}");
    server
}

/// A signed request of HTTP/1.1 over TLS.
pub fn ask(server: &Server, method: &str, target: &str, body: &[u8]) -> super::support::Reply {
    let signed = server.sign(method, target, &[], gatepass_signing::sigv4::header::Body::of(body));
    let mut stream = connect(server.address, &[b"http/1.1"]);
    stream.write_all(&server.request(method, target, &super::support::borrowed(&signed), body)).unwrap();
    super::support::Reply::read(&mut stream, method)
}

pub fn client_config(protocols: &[&[u8]]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config
}

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection on which TLS is agreed.
pub fn connect(address: SocketAddr, protocols: &[&[u8]]) -> Stream {
    connect_with(address, client_config(protocols)).unwrap()
}

pub fn connect_with(address: SocketAddr, config: ClientConfig) -> std::io::Result<Stream> {
    let mut tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(Duration::from_secs(20)))?;
    tcp.set_nodelay(true)?;
    let mut tls = ClientConnection::new(Arc::new(config), name()).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    Ok(StreamOwned::new(tls, tcp))
}

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Which certificate the server shows.
pub fn certificate(stream: &Stream) -> Vec<u8> {
    stream.conn.peer_certificates().unwrap()[0].as_ref().to_vec()
}

pub fn version(stream: &Stream) -> ProtocolVersion {
    stream.conn.protocol_version().unwrap()
}

/// A client of HTTP/2.
pub struct Http2 {
    runtime: tokio::runtime::Runtime,
    sender: SendRequest<Full<Bytes>>,
}

impl Http2 {
    pub fn connect(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let connector = tokio_rustls::TlsConnector::from(Arc::new(client_config(&[b"h2"])));
            let tls = connector.connect(name(), tcp).await.unwrap();
            assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            let (sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Self { runtime, sender }
    }

    pub fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let Self { runtime, sender } = self;
        runtime.block_on(async {
            let (head, body) = sender.send_request(request).await.unwrap().into_parts();
            Response::from_parts(head, body.collect().await.unwrap().to_bytes())
        })
    }
}

/// Frames of HTTP/2, well-formed or not (RFC 9113 §4.1).
pub mod frame {
    pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
    pub const END_STREAM: u8 = 1;
    pub const END_HEADERS: u8 = 4;

    pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    /// A block of headers without compression (RFC 7541 §6.2.2).
    pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in headers {
            block.push(0);
            for text in [name, value] {
                integer(&mut block, text.len());
                block.extend(text.as_bytes());
            }
        }
        block
    }

    /// An integer with a prefix of seven bits (RFC 7541 §5.1).
    fn integer(block: &mut Vec<u8>, value: usize) {
        if value < 127 {
            return block.push(u8::try_from(value).unwrap());
        }
        block.push(127);
        let mut left = value - 127;
        while left >= 128 {
            block.push(u8::try_from(left % 128).unwrap() | 128);
            left /= 128;
        }
        block.push(u8::try_from(left).unwrap());
    }

    /// The head of a GET.
    pub fn get(host: &str, path: &str) -> Vec<u8> {
        block(&[(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", path)])
    }
}

/// Reads frames until one of this kind comes, and gives its payload; nothing when the connection ends first.
pub fn read_until(stream: &mut impl Read, wanted: u8) -> Option<Vec<u8>> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).ok()?;
        if head[3] == wanted {
            return Some(payload);
        }
    }
}
