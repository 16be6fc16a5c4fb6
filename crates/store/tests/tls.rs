//! TLS and HTTP/2, as clients find them.

mod support;
#[path = "support/tls.rs"]
mod tls;

use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use frame::frame;
use gatepass_signing::sigv4::header::Body;
use gatepass_signing::sigv4::presign::Method;
use gatepass_store::{Config, Limits, Listener, MAX_HEAD_BYTES, MAX_PEM_BYTES, MAX_STREAMS, Tls};
use http::Request;
use http_body_util::Full;
use rustls::ProtocolVersion;
use support::{Server, eventually};
use tls::{Http2, ask, connect, connect_with, identity, server};

/// A limit that a test reaches.
const SHORT: Duration = Duration::from_millis(100);

fn usual(config: Config) -> Config {
    config
}

#[test]
fn objects_go_through_tls_1_3_and_1_2() {
    let server = server(usual);
    assert_eq!(ask(&server, "PUT", "/bucket/key", b"content").status, 200);
    assert_eq!(ask(&server, "GET", "/bucket/key", b"").body, b"content");

    let modern = connect(server.address, &[b"http/1.1"]);
    assert_eq!(version(&modern), ProtocolVersion::TLSv1_3);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let old = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS12]);
    let mut roots = rustls::RootCertStore::empty();
    let pem = <rustls::pki_types::CertificateDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_file;
    roots.add(pem(tls::file("ca.pem")).unwrap()).unwrap();
    let old = old.unwrap().with_root_certificates(roots).with_no_client_auth();
    let older = connect_with(server.address, old).unwrap();
    assert_eq!(version(&older), ProtocolVersion::TLSv1_2);
}

#[test]
fn the_versions_before_tls_1_2_are_refused() {
    let server = server(usual);
    // A ClientHello of TLS 1.1 that offers one suite.
    let hello = [&[0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2][..], &[7; 32], &[0, 0, 2, 0xc0, 0x14, 1, 0]].concat();
    let mut stream = server.connect();
    stream.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    // An alert, and a fatal one (RFC 8446 §6).
    assert_eq!(answer.first(), Some(&0x15), "{answer:?}");
    assert_eq!(answer.get(5), Some(&2), "{answer:?}");
}

#[test]
fn a_listener_with_tls_says_nothing_in_the_clear() {
    let server = server(usual);
    let mut stream = server.connect();
    stream.write_all(&server.request("GET", "/bucket/key", &[], b"")).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{:?}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_client_that_does_not_shake_hands_is_given_up() {
    let limits = Limits { tls_handshake: SHORT, ..Limits::default() };
    let server =
        Server::behind(|config| Config { limits, ..config }, |listener| Listener::tls(listener, identity("first")));
    let mut silent = server.connect();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0, "closed");
}

#[test]
fn a_certificate_is_exchanged_without_a_restart_and_a_bad_one_leaves_the_old() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let install = |name: &str| {
        fs::copy(tls::file(&format!("{name}.pem")), at("cert.pem")).unwrap();
        fs::copy(tls::file(&format!("{name}.key")), at("key.pem")).unwrap();
    };
    install("first");
    let identity = Tls::load(at("cert.pem"), at("key.pem")).unwrap();
    let server = Server::behind(usual, |listener| Listener::tls(listener, identity.clone()));
    let shown = || certificate(&connect(server.address, &[b"http/1.1"]));
    let first = shown();

    install("second");
    assert_eq!(shown(), first, "nobody asked yet");
    identity.reload().unwrap();
    let second = shown();
    assert_ne!(second, first);

    for (cert, key, complaint) in [
        ("nonsense", fs::read_to_string(tls::file("second.key")).unwrap(), "holds no chain of 1 to 16 certificates"),
        (&fs::read_to_string(tls::file("second.pem")).unwrap(), "nonsense".to_owned(), "holds no private key"),
        (
            &fs::read_to_string(tls::file("second.pem")).unwrap(),
            fs::read_to_string(tls::file("first.key")).unwrap(),
            "do not go together",
        ),
    ] {
        fs::write(at("cert.pem"), cert).unwrap();
        fs::write(at("key.pem"), key).unwrap();
        let error = identity.reload().unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
        assert!(!error.contains("nonsense"), "what is in the file is not repeated: {error}");
        assert_eq!(shown(), second);
    }
    fs::remove_file(at("key.pem")).unwrap();
    assert!(identity.reload().unwrap_err().to_string().contains("cannot read"));
    assert_eq!(shown(), second);
}

#[test]
fn a_file_of_certificates_may_be_long_but_not_endless() {
    let directory = tempfile::tempdir().unwrap();
    let long = directory.path().join("long.pem");
    let mut text = fs::read_to_string(tls::file("first.pem")).unwrap();
    text.push_str(&"\n".repeat(usize::try_from(MAX_PEM_BYTES).unwrap() - text.len()));
    fs::write(&long, &text).unwrap();
    assert!(Tls::load(&long, tls::file("first.key")).is_ok());
    fs::write(&long, text + "\n").unwrap();
    assert!(Tls::load(&long, tls::file("first.key")).unwrap_err().to_string().contains("cannot read"));
    let chain = fs::read_to_string(tls::file("first.pem")).unwrap();
    fs::write(&long, chain.repeat(16)).unwrap();
    assert!(Tls::load(&long, tls::file("first.key")).is_ok());
    fs::write(&long, chain.repeat(17)).unwrap();
    assert!(Tls::load(&long, tls::file("first.key")).is_err());
}

/// A request of HTTP/2, signed for the host that its `:authority` names.
fn signed(server: &Server, method: &str, target: &str, body: &'static [u8]) -> Request<Full<Bytes>> {
    let uri = format!("https://{}{target}", server.host());
    let request = Request::builder().method(method).uri(uri);
    let headers = server.sign(method, target, &[], Body::of(body));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    request.body(Full::from(body)).unwrap()
}

#[test]
fn objects_go_through_http_2() {
    let server = server(usual);
    let mut client = Http2::connect(server.address);
    let put = client.send(signed(&server, "PUT", "/bucket/a%20key", b"content"));
    assert_eq!(put.status(), 200, "{put:?}");
    let got = client.send(signed(&server, "GET", "/bucket/a%20key", b""));
    assert_eq!((got.status().as_u16(), got.body().as_ref()), (200, &b"content"[..]));
    assert!(got.headers().contains_key("x-amz-request-id") && !got.headers().contains_key("connection"));

    let url = format!("https://{}{}", server.host(), server.presign(Method::Get, "a key"));
    let got = client.send(Request::get(&url).body(Full::default()).unwrap());
    assert_eq!(got.body().as_ref(), b"content");
    let changed = client.send(Request::get(url.replace("a%20key", "b")).body(Full::default()).unwrap());
    assert_eq!(changed.status(), 403);
}

#[test]
fn the_address_of_an_object_in_parts_is_the_one_that_the_client_uses() {
    let server = server(usual);
    let text = |xml: &[u8], name: &str| {
        let xml = String::from_utf8_lossy(xml).into_owned();
        let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
        rest.split('<').next().unwrap().to_owned()
    };
    let expected = format!("https://{}/bucket/key", server.host());
    for protocol in ["HTTP/1.1", "HTTP/2"] {
        let created = ask(&server, "POST", "/bucket/key?uploads=", b"");
        let target = format!("/bucket/key?uploadId={}", text(&created.body, "UploadId"));
        let part = ask(&server, "PUT", &format!("{target}&partNumber=1"), b"content");
        let etag = part.header("etag").unwrap().trim_matches('"').to_owned();
        let parts = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
        );
        let completed = if protocol == "HTTP/2" {
            let mut client = Http2::connect(server.address);
            client.send(signed(&server, "POST", &target, parts.leak().as_bytes())).body().to_vec()
        } else {
            ask(&server, "POST", &target, parts.as_bytes()).body
        };
        assert_eq!(text(&completed, "Location"), expected, "{protocol}");
    }
}

#[test]
fn the_authority_of_http_2_is_the_host_that_was_signed() {
    let server = server(usual);
    let mut client = Http2::connect(server.address);
    assert_eq!(ask(&server, "PUT", "/bucket/key", b"content").status, 200);
    let target = server.presign(Method::Get, "key");
    let port = server.address.port();
    let mut ask = |authority: &str, host: Option<&str>| {
        let request = Request::get(format!("https://{authority}{target}"));
        let request = host.into_iter().fold(request, |request, host| request.header("host", host));
        client.send(request.body(Full::default()).unwrap()).status().as_u16()
    };
    assert_eq!(ask(&server.host(), None), 200);
    assert_eq!(ask(&server.host(), Some(&server.host())), 200);
    assert_eq!(ask("127.0.0.1", None), 403, "another host was signed");
    assert_eq!(ask(&server.host(), Some(&format!("bucket.localhost:{port}"))), 400, "two hosts");
    assert_eq!(ask(&format!("bucket.localhost:{port}"), Some(&server.host())), 400, "two hosts");
    assert_eq!(ask("evil.example", None), 400);
}

#[test]
fn a_refused_upload_resets_its_stream_and_not_the_connection() {
    let server = server(usual);
    let mut client = Http2::connect(server.address);
    let url = format!("https://{}{}", server.host(), server.presign(Method::Get, "key"));
    let large = Full::from(Bytes::from(vec![0; 4 * 1024 * 1024]));
    let runtime_error = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        client.send(Request::put(&url).body(large).unwrap()).status().as_u16()
    }));
    if let Ok(status) = runtime_error {
        assert_eq!(status, 403);
    }
    let put = client.send(signed(&server, "PUT", "/bucket/key", b"content"));
    assert_eq!(put.status(), 200, "the connection goes on");
}

/// A connection of HTTP/2 on which raw frames are sent.
fn raw(server: &Server, settings: &[u8]) -> tls::Stream {
    let mut stream = connect(server.address, &[b"h2"]);
    stream.write_all(frame::PREFACE).unwrap();
    stream.write_all(&frame(frame::SETTINGS, 0, 0, settings)).unwrap();
    stream
}

/// Sends frames until the server has had enough; true when it says so, or hangs up.
fn is_told_to_go(mut stream: tls::Stream, frames: impl Iterator<Item = Vec<u8>>) -> bool {
    for frames in frames {
        if stream.write_all(&frames).is_err() {
            return true;
        }
    }
    let _ = stream.flush();
    match read_until(&mut stream, frame::GOAWAY) {
        // The last stream, then the error (RFC 9113 §6.8); zero would be a friendly end.
        Some(payload) => payload[4..8] != [0; 4],
        None => true,
    }
}

fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Asserts that an attack costs next to nothing and that others are served meanwhile.
fn survives(server: &Server, attack: impl FnOnce()) {
    let before = resident_bytes();
    attack();
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 50 * 1024 * 1024, "{grown} bytes more");
    assert_eq!(ask(server, "GET", "/bucket?list-type=2", b"").status, 200);
}

#[test]
fn attack_36_rapid_reset() {
    let server = server(usual);
    let get = frame::get(&server.host(), "/bucket/key");
    survives(&server, || {
        let flood = (0..50_000_u32).map(|number| {
            let id = 2 * number + 1;
            let mut both = frame(frame::HEADERS, frame::END_STREAM | frame::END_HEADERS, id, &get);
            both.extend(frame(frame::RST_STREAM, 0, id, &8_u32.to_be_bytes()));
            both
        });
        assert!(is_told_to_go(raw(&server, &[]), flood));
    });
}

#[test]
fn adv_cve_2023_44487_a_few_resets_are_no_attack() {
    let server = server(usual);
    let mut stream = raw(&server, &[]);
    let get = frame::get(&server.host(), "/bucket/key");
    for id in [1, 3, 5] {
        stream.write_all(&frame(frame::HEADERS, frame::END_STREAM | frame::END_HEADERS, id, &get)).unwrap();
        stream.write_all(&frame(frame::RST_STREAM, 0, id, &8_u32.to_be_bytes())).unwrap();
    }
    stream.write_all(&frame(frame::HEADERS, frame::END_STREAM | frame::END_HEADERS, 7, &get)).unwrap();
    assert!(read_until(&mut stream, frame::HEADERS).is_some(), "an answer");
}

#[test]
fn attack_36_continuation_flood() {
    let server = server(usual);
    survives(&server, || {
        let first = std::iter::once(frame(frame::HEADERS, 0, 1, &frame::get(&server.host(), "/")));
        let block = frame::block(&[("x", &"x".repeat(1000))]);
        let more = (0..100_000).map(|_| frame(frame::CONTINUATION, 0, 1, &block));
        assert!(is_told_to_go(raw(&server, &[]), first.chain(more)));
    });
}

#[test]
fn adv_cve_2025_8671_made_you_reset() {
    let server = server(usual);
    let get = frame::get(&server.host(), "/bucket/key");
    survives(&server, || {
        let flood = (0..20_000_u32).map(|number| {
            let id = 2 * number + 1;
            let mut both = frame(frame::HEADERS, frame::END_HEADERS, id, &get);
            // An increment of zero is an error of the stream (RFC 9113 §6.9).
            both.extend(frame(frame::WINDOW_UPDATE, 0, id, &0_u32.to_be_bytes()));
            both
        });
        assert!(is_told_to_go(raw(&server, &[]), flood));
    });
}

#[test]
fn attack_36_settings_and_ping_floods_cost_nothing() {
    let server = server(usual);
    for (kind, payload) in [(frame::SETTINGS, &[][..]), (frame::PING, &[0; 8])] {
        survives(&server, || {
            let mut stream = raw(&server, &[]);
            let flood = frame(kind, 0, 0, payload).repeat(1000);
            // Nothing of what is answered is read. Either side stops when the other's buffers are full.
            stream.sock.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            for _ in 0..100 {
                if stream.write_all(&flood).is_err() {
                    break;
                }
            }
        });
    }
}

#[test]
fn attack_36_a_window_of_zero_ends_the_connection() {
    let limits = Limits { write_stall: SHORT, http2_goaway: SHORT, ..Limits::default() };
    let server = server(|config| Config { limits, ..config });
    assert_eq!(ask(&server, "PUT", "/bucket/key", &vec![7; 300_000]).status, 200);
    // SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113 §6.5.2)
    let mut stream = raw(&server, &[0, 4, 0, 0, 0, 0]);
    let get = frame::get(&server.host(), &server.presign(Method::Get, "key"));
    stream.write_all(&frame(frame::HEADERS, frame::END_STREAM | frame::END_HEADERS, 1, &get)).unwrap();
    assert!(read_until(&mut stream, frame::GOAWAY).is_some(), "it is told to go");
    assert!(read_until(&mut stream, u8::MAX).is_none(), "and hung up on");
}

#[test]
fn a_connection_of_http_2_without_a_request_ends() {
    let limits = Limits { http2_idle: SHORT, http2_goaway: SHORT, ..Limits::default() };
    let server = server(|config| Config { limits, ..config });
    let mut stream = raw(&server, &[]);
    assert!(read_until(&mut stream, frame::GOAWAY).is_some());
    // A head that never ends is no request.
    let mut stream = raw(&server, &[]);
    stream.write_all(&frame(frame::HEADERS, 0, 1, &frame::get(&server.host(), "/"))).unwrap();
    assert!(read_until(&mut stream, u8::MAX).is_none());
}

#[test]
fn a_connection_of_http_2_has_so_many_requests_at_once_and_heads_of_such_a_size() {
    let server = server(usual);
    let mut stream = raw(&server, &[]);
    let settings = read_until(&mut stream, frame::SETTINGS).unwrap();
    let settings: Vec<(u16, u32)> = settings
        .chunks(6)
        .map(|pair| (u16::from_be_bytes([pair[0], pair[1]]), u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]])))
        .collect();
    // SETTINGS_MAX_CONCURRENT_STREAMS and SETTINGS_MAX_HEADER_LIST_SIZE.
    assert!(settings.contains(&(3, MAX_STREAMS)), "{settings:?}");
    assert!(settings.contains(&(6, u32::try_from(MAX_HEAD_BYTES).unwrap())), "{settings:?}");

    let mut client = Http2::connect(server.address);
    let mut with = |size: usize| {
        let request = Request::get(format!("https://{}/bucket", server.host())).header("x", "x".repeat(size));
        client.send(request.body(Full::default()).unwrap()).status().as_u16()
    };
    assert_eq!(with(MAX_HEAD_BYTES - 1024), 403, "large enough for what is allowed, and then nobody is somebody");
    assert_eq!(with(MAX_HEAD_BYTES), 431);
}

#[test]
fn a_stop_ends_connections_of_http_2_after_their_requests() {
    let limits = Limits { http2_goaway: SHORT, ..Limits::default() };
    let server = server(|config| Config { limits, ..config });
    let mut stream = raw(&server, &[]);
    assert!(read_until(&mut stream, frame::SETTINGS).is_some());
    let begun = std::time::Instant::now();
    drop(server);
    assert!(read_until(&mut stream, frame::GOAWAY).is_some());
    assert!(begun.elapsed() < Duration::from_secs(20));
    eventually("the connection ends", || read_until(&mut stream, u8::MAX).is_none());
}

#[test]
fn a_listener_in_the_clear_does_not_speak_http_2() {
    let server = Server::with_bucket();
    let mut stream = server.connect();
    stream.write_all(frame::PREFACE).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 "), "{answer}");
}

/// Which certificate the server shows.
fn certificate(stream: &tls::Stream) -> Vec<u8> {
    stream.conn.peer_certificates().unwrap()[0].as_ref().to_vec()
}

fn version(stream: &tls::Stream) -> ProtocolVersion {
    stream.conn.protocol_version().unwrap()
}

/// Frames of HTTP/2, well-formed or not (RFC 9113 §4.1).
mod frame {
    pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const PING: u8 = 6;
    pub(super) const GOAWAY: u8 = 7;
    pub(super) const WINDOW_UPDATE: u8 = 8;
    pub(super) const CONTINUATION: u8 = 9;
    pub(super) const END_STREAM: u8 = 1;
    pub(super) const END_HEADERS: u8 = 4;

    pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    /// A block of headers without compression (RFC 7541 §6.2.2).
    pub(super) fn block(headers: &[(&str, &str)]) -> Vec<u8> {
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
    pub(super) fn get(host: &str, path: &str) -> Vec<u8> {
        block(&[(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", path)])
    }
}

/// Reads frames until one of this kind comes, and gives its payload; nothing when the connection ends first.
fn read_until(stream: &mut impl Read, wanted: u8) -> Option<Vec<u8>> {
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
