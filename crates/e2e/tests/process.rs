//! The program as a process: host names, signals, and starts that must be refused.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bytes::Bytes;
use gatepass_e2e::dev::{Dev, Options, Starting};
use gatepass_e2e::http::Http;
use gatepass_e2e::s3::S3;
use gatepass_signing::sigv4::presign;
use hyper::Method;

fn start(data: &Path) -> Dev {
    Dev::start(data, &Options::default()).expect("the server starts")
}

#[tokio::test]
async fn a_foreign_host_name_is_refused_on_every_listener() {
    let scratch = tempfile::tempdir().unwrap();
    let server = start(&scratch.path().join("data"));
    let ready = server.ready();
    for url in [&ready.backend, &ready.store, &ready.issuer] {
        let port = url.rsplit(':').next().unwrap();
        for host in ["attacker.example", "localhost.attacker.example", "127.0.0.1.attacker.example"] {
            let headers = [("host".to_owned(), format!("{host}:{port}"))];
            let target = format!("http://127.0.0.1:{port}/");
            let answer = Http::default().send(Method::GET, &target, &headers, Bytes::new()).await.unwrap();
            assert!(answer.status.is_client_error(), "{url} answered {host}: {}", answer.status);
            assert!(!answer.text().contains("AKIA"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn user_content_and_console_live_on_different_hosts() {
    let scratch = tempfile::tempdir().unwrap();
    let server = start(&scratch.path().join("data"));
    let host = |url: &str| url.split("//").nth(1).unwrap().split(':').next().unwrap().to_owned();
    assert_eq!(host(&server.ready().backend), "localhost");
    assert_eq!(host(&server.ready().store), "127.0.0.1");
    let store_as_localhost = server.ready().store.replace("127.0.0.1", "localhost");
    let answer = Http::default().get(&store_as_localhost).await.unwrap();
    assert!(answer.status.is_client_error());
    assert!(answer.text().contains("127.0.0.1"), "the refusal names the host to use: {}", answer.text());
}

#[tokio::test]
async fn a_signal_lets_what_is_under_way_finish() {
    let scratch = tempfile::tempdir().unwrap();
    let mut server = start(&scratch.path().join("data"));
    let store = S3::new(server.ready()).unwrap();
    store.create_bucket("drain").await.unwrap();
    let body = vec![7_u8; 100_000];
    let url = store.presign(presign::Method::Put, "drain", "slow", 60).unwrap();
    let (authority, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();

    let mut connection = TcpStream::connect(authority).unwrap();
    write!(
        connection,
        "PUT /{target} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    )
    .unwrap();
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"), "the server waits for the body");
    connection.write_all(&body[..1000]).unwrap();
    server.signal("TERM").unwrap();
    gatepass_e2e::dev::wait_for(|| TcpStream::connect(authority).err()).expect("new connections are refused");
    connection.write_all(&body[1000..]).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(server.wait().unwrap().success());

    let again = start(&scratch.path().join("data"));
    assert_eq!(S3::new(again.ready()).unwrap().get("drain", "slow").await.unwrap().unwrap(), body);
}

#[test]
fn a_port_in_use_is_a_clear_refusal() {
    let scratch = tempfile::tempdir().unwrap();
    let server = start(&scratch.path().join("one"));
    let options = Options { again: Some(server.ready().clone()), ..Options::default() };
    let (code, said) = Starting::spawn(&scratch.path().join("two"), &options).unwrap().refusal().unwrap();
    assert_ne!(code, Some(0));
    let port = server.ready().backend.rsplit(':').next().unwrap();
    assert!(said.contains(port) && said.contains("in use"), "{said}");
}

#[test]
fn a_data_directory_in_use_is_a_clear_refusal() {
    let scratch = tempfile::tempdir().unwrap();
    let _server = start(&scratch.path().join("data"));
    let (code, said) = Starting::spawn(&scratch.path().join("data"), &Options::default()).unwrap().refusal().unwrap();
    assert_ne!(code, Some(0));
    assert!(said.contains("data"), "{said}");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_a_clear_refusal() {
    let scratch = tempfile::tempdir().unwrap();
    let occupied = scratch.path().join("a file");
    fs::write(&occupied, "").unwrap();
    // A file in the way stops even root, whom permissions would not.
    let (code, said) = Starting::spawn(&occupied.join("data"), &Options::default()).unwrap().refusal().unwrap();
    assert_ne!(code, Some(0));
    assert!(said.contains("a file"), "the path is named: {said}");
}

#[test]
fn missing_root_keys_over_old_data_are_a_clear_refusal_and_nothing_is_made_anew() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    drop(start(&data));
    let keys = data.join("store/root-credentials.json");
    let kept = fs::read(&keys).unwrap();
    fs::remove_file(&keys).unwrap();
    let (code, said) = Starting::spawn(&data, &Options::default()).unwrap().refusal().unwrap();
    assert_ne!(code, Some(0));
    assert!(said.contains("root"), "{said}");
    assert!(!keys.exists(), "new keys over old data");
    fs::write(&keys, kept).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    drop(start(&data));
}

#[test]
fn what_is_secret_is_readable_by_its_owner_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("data");
    let _server = start(&data);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("store/root-credentials.json")), 0o600);
}
