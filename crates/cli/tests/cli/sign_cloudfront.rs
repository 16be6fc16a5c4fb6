//! `gatepass sign cloudfront` and `cookies`, and `gatepass verify --public-key`.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Run, gatepass, run, run_with_input};

const NOW: &str = "2026-01-01T00:00:00Z";
const URL: &str = "https://cdn.example.com/films/7/a%20film.mp4?size=large";

/// A private key, and the public half as CloudFront has it.
struct Keys {
    directory: TempDir,
}

impl Keys {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for kind in ["rsa", "p256"] {
            let pem = fs::read_to_string(source(kind)).expect("a key");
            let key = gatepass_signing::cloudfront::PrivateKey::from_pem(&pem).expect("a private key");
            fs::write(directory.path().join(kind), key.public_key().to_pem()).expect("written");
        }
        Self { directory }
    }

    fn public(&self, kind: &str) -> String {
        self.directory.path().join(kind).to_str().expect("UTF-8").to_owned()
    }
}

/// The keys of the signing crate's tests: nobody's.
fn source(kind: &str) -> PathBuf {
    let name = if kind == "rsa" { "rsa2048.pkcs8.pem" } else { "p256.sec1.pem" };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../signing/tests/keys").join(name)
}

fn sign(command: &str, url: &str, kind: &str, arguments: &[&str]) -> Run {
    let key = source(kind);
    let key = key.to_str().expect("UTF-8");
    let fixed = ["sign", command, url, "--key-pair-id", "K2JCJMDEHXQW5F", "--private-key", key, "--now", NOW];
    run(gatepass(fixed.iter().chain(arguments)))
}

fn verify(url: &str, public_key: &str, arguments: &[&str]) -> Run {
    run(gatepass(["verify", url, "--public-key", public_key, "--now", NOW].iter().chain(arguments)))
}

#[test]
fn a_url_is_canned_where_that_says_it_all_and_works_until_it_ends() {
    let keys = Keys::new();
    for kind in ["rsa", "p256"] {
        let run = sign("cloudfront", URL, kind, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        let url = run.stdout.trim();
        assert!(url.starts_with(&format!("{URL}&Expires=1767226500&Signature=")), "{url}");
        assert!(url.ends_with("&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256"), "{url}");

        let valid = verify(url, &keys.public(kind), &[]);
        assert_eq!((valid.code, valid.stdout.as_str()), (Some(0), "valid until 2026-01-01T00:15:00Z\n"), "{valid:?}");
        let late = run_late(url, &keys.public(kind));
        assert_eq!(late.stdout, "AccessDenied (403): Access denied: the policy has expired\n");
        let changed = verify(&url.replace("size=large", "size=small"), &keys.public(kind), &[]);
        assert_eq!(changed.stdout, "AccessDenied (403): Access denied: the signature does not match\n");
        let unknown = verify(url, &keys.public(kind), &["--key-pair-id", "KOTHER"]);
        assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), "InvalidKey (403): Unknown Key\n"));
    }
    let foreign = verify(sign("cloudfront", URL, "rsa", &[]).stdout.trim(), &keys.public("p256"), &[]);
    assert_eq!(foreign.code, Some(1));
}

fn run_late(url: &str, public_key: &str) -> Run {
    run(gatepass(["verify", url, "--public-key", public_key, "--now", "2026-01-01T00:15:00Z"]))
}

#[test]
fn conditions_make_a_custom_policy() {
    let keys = Keys::new();
    let run = sign("cloudfront", URL, "p256", &["--ip", "192.0.2.0/24", "--not-before", NOW, "--expires=1h", "--json"]);
    let document = run.json();
    assert_eq!(document["policy_kind"], "custom");
    let policy: Value = serde_json::from_str(document["policy"].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        policy["Statement"][0]["Condition"],
        json!({
            "DateLessThan": { "AWS:EpochTime": 1_767_229_200 },
            "IpAddress": { "AWS:SourceIp": "192.0.2.0/24" },
            "DateGreaterThan": { "AWS:EpochTime": 1_767_225_600 },
        })
    );
    let url = document["url"].as_str().expect("a URL");
    let at = |now: &str, ip: &[&str]| {
        let key = keys.public("p256");
        let fixed = ["verify", url, "--public-key", key.as_str(), "--now", now];
        self::run(gatepass(fixed.iter().chain(ip))).stdout
    };
    assert!(at("2026-01-01T00:00:01Z", &[]).starts_with("valid until 2026-01-01T01:00:00Z"));
    assert!(at("2026-01-01T00:00:01Z", &["--ip", "192.0.2.255"]).starts_with("valid"));
    assert!(at("2026-01-01T00:00:01Z", &["--ip", "192.0.3.0"]).contains("address is not covered"));
    assert!(at("2026-01-01T00:00:01Z", &["--ip", "2001:db8::1"]).contains("address is not covered"));
    assert!(at(NOW, &[]).contains("not valid yet"));
}

#[test]
fn a_pattern_that_reaches_further_than_it_looks_is_said() {
    let run = sign("cloudfront", "https://h.example/u/1/a", "p256", &["--policy-resource", "https://h.example/u/1*"]);
    assert_eq!(run.code, Some(0));
    assert!(
        run.stderr.starts_with(
            "warning: it reaches further than the slash before it: `/u/1*` covers https://h.example/u/12/x too\n"
        ),
        "{run:?}"
    );
    let document = sign("cookies", "https://h.example/u/1*", "p256", &["--json"]);
    assert_eq!(document.json()["findings"][0]["id"], "wildcard_within_segment");
    assert_eq!(document.stderr, "");
}

#[test]
fn cookies_open_what_the_pattern_covers() {
    let keys = Keys::new();
    let pattern = "https://cdn.example.com/films/7/*";
    let document = sign("cookies", pattern, "rsa", &["--json", "--path=/films/7/", "--domain=example.com"]).json();
    let cookies = document["cookies"].as_object().expect("an object");
    let header: Vec<String> =
        cookies.iter().map(|(name, value)| format!("{name}={}", value.as_str().expect("a text"))).collect();
    let header = header.join("; ");
    for line in document["set_cookie"].as_array().expect("a list") {
        let line = line.as_str().expect("a text");
        assert!(line.ends_with("; Domain=example.com; Path=/films/7/; Secure; HttpOnly"), "{line}");
    }
    let key = keys.public("rsa");
    let at = |url: &str| verify(url, &key, &["--cookie", &header, "--json"]);
    let valid = at("https://cdn.example.com/films/7/part-1.ts").json();
    assert_eq!((&valid["valid"], &valid["mechanism"]), (&json!(true), &json!("cookies")));
    assert_eq!(at("https://cdn.example.com/films/8/part-1.ts").code, Some(1));
    let url = "https://cdn.example.com/films/7/a";
    let piped = gatepass(["verify", url, "--public-key", &key, "--cookie", "-", "--now", NOW]);
    assert_eq!(run_with_input(piped, &header).code, Some(0), "cookies are secrets: they may come piped");
    let none = verify(url, &key, &[]);
    assert_eq!(none.stdout, "MissingKey (403): Missing Key-Pair-Id query parameter or cookie value\n");
}

#[test]
fn cookies_are_headers_or_a_command() {
    let lines = sign("cookies", URL, "p256", &[]).stdout;
    let names: Vec<&str> = lines.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(
        names,
        [
            "Set-Cookie: CloudFront-Expires",
            "Set-Cookie: CloudFront-Signature",
            "Set-Cookie: CloudFront-Key-Pair-Id",
            "Set-Cookie: CloudFront-Hash-Algorithm",
        ]
    );
    let command = sign("cookies", URL, "p256", &["--curl", "--hash", "sha1"]).stdout;
    assert!(command.starts_with("curl -b 'CloudFront-Expires=1767226500; CloudFront-Signature="), "{command}");
    assert!(command.ends_with(
        "; CloudFront-Key-Pair-Id=K2JCJMDEHXQW5F' 'https://cdn.example.com/films/7/a%20film.mp4?size=large'\n"
    ));
}

#[test]
fn a_private_key_and_a_url_may_come_piped() {
    let pem = fs::read_to_string(source("p256")).expect("a key");
    let arguments = ["sign", "cloudfront", URL, "--key-pair-id", "K1", "--private-key", "-", "--now", NOW];
    let run = run_with_input(gatepass(arguments), &pem);
    assert_eq!(run.code, Some(0), "{run:?}");
    let key = source("p256");
    let key = key.to_str().expect("UTF-8");
    let piped = gatepass(["sign", "cloudfront", "-", "--key-pair-id", "K1", "--private-key", key, "--now", NOW]);
    assert!(run_with_input(piped, &format!("{URL}\n")).stdout.starts_with(URL));
    let both = gatepass(["sign", "cloudfront", "-", "--key-pair-id", "K1", "--private-key", "-"]);
    assert_eq!(run_with_input(both, "").stderr, "error: URL and private key cannot both be read from standard input\n");
}

#[test]
fn what_is_no_private_key_is_refused_without_showing_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key.pem");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (text, reason) in [("c2VjcmV0", "not PEM"), (encrypted, "is encrypted")] {
        fs::write(&path, text).expect("written");
        let key = path.to_str().expect("UTF-8");
        let run = run(gatepass(["sign", "cloudfront", URL, "--key-pair-id", "K1", "--private-key", key]));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
        assert!(run.stderr.contains(reason) && !run.stderr.contains("c2VjcmV0"), "{run:?}");
    }
}

#[test]
fn what_cloudfront_would_refuse_is_wrong_usage() {
    let wrong: [(&str, &str, &[&str]); 9] = [
        ("cloudfront", "cdn.example.com/a", &[]),
        ("cloudfront", "https://cdn.example.com", &[]),
        ("cloudfront", "https://cdn.example.com/a b", &[]),
        ("cloudfront", "https://cdn.example.com/a?Expires=1", &[]),
        ("cloudfront", "https://cdn.example.com/*", &[]),
        ("cloudfront", URL, &["--policy-resource", "https://cdn.example.com/films/8/*"]),
        ("cloudfront", URL, &["--ip", "2001:db8::/32"]),
        ("cloudfront", URL, &["--not-before", "2026-02-01T00:00:00Z"]),
        ("cookies", URL, &["--domain", "d1.cloudfront.net"]),
    ];
    for (command, url, arguments) in wrong {
        let run = sign(command, url, "p256", arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{url} {arguments:?}: {run:?}");
    }
    assert_eq!(sign("cloudfront", URL, "p256", &["--expires", "0"]).code, Some(2));
}

#[test]
fn a_url_of_cloudfront_is_not_taken_for_one_of_s3() {
    let url = sign("cloudfront", URL, "p256", &[]).stdout;
    let run = run(gatepass(["verify", url.trim()]));
    assert_eq!(run.code, Some(2));
    assert_eq!(run.stderr, "error: the URL is signed for CloudFront\nhint: name the --public-key to check it with\n");
}
