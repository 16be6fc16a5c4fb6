//! Clients of a store that speaks TLS: one that sends raw bytes, and one that speaks HTTP/2 properly.
//!
//! The certificates beside this file are for `localhost` and 127.0.0.1, and their authority's key is gone.
#![expect(unreachable_pub, reason = "the module is compiled into each test binary")]

use std::io::Write;
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
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

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
