//! Every cause, as real clients run into it.

use std::fs;
use std::path::{Path, PathBuf};

use gatepass_doctor::error_document::ErrorDocument;
use gatepass_doctor::input::{self, Exchange};
use gatepass_doctor::report::{Cause, Report};
use gatepass_doctor::url::{Input, explain};
use gatepass_signing::address::Endpoint;
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use jiff::Timestamp;
use serde::Deserialize;

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    expect: String,
    now: Timestamp,
    #[serde(rename = "made_by")]
    _made_by: String,
    #[serde(default, rename = "shaped")]
    _shaped: bool,
    method: Option<String>,
    status: Option<u16>,
    #[serde(default)]
    credentials: bool,
    endpoint: Option<String>,
}

struct Fixture {
    name: String,
    case: Case,
    exchange: Exchange,
    text: String,
    error: Option<String>,
}

impl Fixture {
    fn read(directory: &Path) -> Self {
        let file = |name: &str| fs::read_to_string(directory.join(name)).ok();
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        let case: Case = serde_json::from_str(&file("case.json").expect("a case")).expect(&name);
        let text = ["url.txt", "curl.txt", "request.har"].iter().find_map(|name| file(name)).expect("an input");
        let mut exchange = input::read(&text).expect(&name).remove(0);
        let error = file("error.xml");
        if let Some(error) = &error {
            exchange.response.error = Some(ErrorDocument::parse(error).expect(&name));
        }
        exchange.response.status = case.status.or(exchange.response.status);
        exchange.request.method = case.method.clone().or(exchange.request.method);
        Self { name, case, exchange, text, error }
    }

    fn explained(&self) -> Report {
        let secret = SecretKey::new(SECRET_KEY).unwrap();
        let credentials = Credentials::long_term(AccessKeyId::new(ACCESS_KEY).unwrap(), secret);
        let endpoints: Vec<Endpoint> =
            self.case.endpoint.iter().map(|endpoint| Endpoint::parse(endpoint).unwrap()).collect();
        explain(&Input {
            credentials: self.case.credentials.then_some(&credentials),
            endpoints: &endpoints,
            ..Input::new(&self.exchange, self.case.now)
        })
    }
}

fn directories() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut all: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    all
}

fn fixtures() -> Vec<Fixture> {
    directories().iter().map(|directory| Fixture::read(directory)).collect()
}

#[test]
fn the_first_finding_is_the_cause() {
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        let report = fixture.explained();
        let found: Vec<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
        if found.first().copied() != Some(fixture.case.expect.as_str()) {
            let first = report.findings.first().map(|finding| finding.evidence.as_str()).unwrap_or_default();
            wrong.push(format!("{}: {found:?}: {first}", fixture.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_cause_has_a_fixture() {
    let names: Vec<String> = fixtures().into_iter().map(|fixture| fixture.name).collect();
    let missing: Vec<&str> =
        Cause::ALL.iter().map(|cause| cause.as_str()).filter(|id| !names.iter().any(|name| name == id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn credentials_prove_what_is_guessed_without_them() {
    for fixture in fixtures().iter().filter(|fixture| fixture.case.credentials) {
        let report = fixture.explained();
        // No variant of a request proves a secret wrong.
        if fixture.case.expect == "wrong_secret" {
            continue;
        }
        let evidence = &report.findings[0].evidence;
        assert!(evidence.starts_with("the signature was computed again"), "{}: {evidence}", fixture.name);
    }
}

/// Signatures, tokens and secrets that stand in what was given.
fn secrets(fixture: &Fixture) -> Vec<String> {
    let mut secrets = vec![SECRET_KEY.to_owned()];
    let given = format!("{} {}", fixture.text, fixture.error.as_deref().unwrap_or_default());
    let announcements = [
        "Signature=",
        "X-Amz-Security-Token=",
        "<Token-0>",
        "<SignatureProvided>",
        "x-amz-signature=",
        "Bearer ",
        "signature\",\n",
    ];
    for announcement in announcements {
        for (at, _) in given.match_indices(announcement) {
            let rest = &given[at + announcement.len()..];
            let end = rest.find(['&', '<', '\'', '"', ' ', '\n', ';']).unwrap_or(rest.len());
            secrets.extend((end >= 8).then(|| rest[..end].to_owned()));
        }
    }
    secrets
}

#[test]
fn no_explanation_shows_a_secret() {
    let mut count = 0;
    for fixture in fixtures() {
        let report = fixture.explained();
        let printed = format!("{} {report:?}", serde_json::to_string(&report).unwrap());
        for secret in secrets(&fixture) {
            count += 1;
            assert!(!printed.contains(&secret), "{}: {secret}", fixture.name);
        }
    }
    assert!(count > 120, "the fixtures have secrets: {count}");
}

#[test]
fn the_differing_byte_is_shown_with_a_caret() {
    let fixture = fixtures().into_iter().find(|fixture| fixture.name == "host_mismatch").unwrap();
    let report = fixture.explained();
    assert_eq!(
        report.findings[0].evidence,
        "the server computed the signature of another request: canonical request, line 4, column 6 (the header host)\n  \
         as given: host:files.example.com\n  received: host:store.example.net\n                 ^"
    );
}

#[test]
fn what_is_computed_is_what_the_server_computed() {
    let mut count = 0;
    for fixture in fixtures() {
        let Some(error) = &fixture.exchange.response.error else { continue };
        let (Some(theirs), Some(to_sign)) = (error.get("CanonicalRequest"), error.get("StringToSign")) else {
            continue;
        };
        // This one is about a difference on the way.
        if fixture.name == "host_mismatch" {
            continue;
        }
        count += 1;
        let signed = fixture.explained().signed.expect("it can be computed");
        assert_eq!(signed.canonical_request.as_deref(), Some(theirs), "{}", fixture.name);
        assert_eq!(signed.string_to_sign, to_sign, "{}", fixture.name);
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn a_request_that_is_right_has_no_findings_and_says_what_was_looked_at() {
    let fixture = fixtures().into_iter().find(|fixture| fixture.name == "expired.no_answer").unwrap();
    let secret = SecretKey::new(SECRET_KEY).unwrap();
    let credentials = Credentials::long_term(AccessKeyId::new(ACCESS_KEY).unwrap(), secret);
    let signed_at = fixture.explained().url.signed_at.unwrap();
    let report = explain(&Input { credentials: Some(&credentials), ..Input::new(&fixture.exchange, signed_at) });
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.checked.len() > 10);
    let computed = "what the signature computes to, with the credentials at hand";
    assert!(report.checked.contains(&computed));
    let unaided = explain(&Input::new(&fixture.exchange, signed_at));
    assert!(unaided.findings.is_empty() && !unaided.checked.contains(&computed), "{:?}", unaided.checked);
}

#[test]
fn a_refusal_without_a_reason_leaves_candidates_in_order() {
    let mut fixture = fixtures().into_iter().find(|fixture| fixture.name == "no_such_key").unwrap();
    fixture.exchange.response.error = None;
    fixture.exchange.response.status = Some(403);
    let ids =
        |fixture: &Fixture| -> Vec<Cause> { fixture.explained().findings.iter().map(|finding| finding.id).collect() };
    assert_eq!(ids(&fixture), [Cause::AccessDeniedByPolicy, Cause::WrongSecret]);
    fixture.exchange.request.method = Some("HEAD".to_owned());
    assert_eq!(ids(&fixture), [Cause::MethodMismatch, Cause::AccessDeniedByPolicy, Cause::WrongSecret]);
    fixture.exchange.request.method = Some("GET".to_owned());
    fixture.case.credentials = true;
    assert_eq!(ids(&fixture), [Cause::AccessDeniedByPolicy], "the signature is right");
}

#[test]
fn a_secret_that_is_not_the_one_at_hand_is_found_without_an_answer() {
    let mut fixture = fixtures().into_iter().find(|fixture| fixture.name == "wrong_secret.with_credentials").unwrap();
    fixture.exchange.response.error = None;
    fixture.exchange.response.status = None;
    assert_eq!(fixture.explained().findings[0].id, Cause::WrongSecret);
}

#[test]
fn what_was_copied_along_is_not_taken_for_something_missing() {
    let url = "https://b.s3.us-east-1.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T120000Z\
        &X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=";
    let digits = "7c3d1e5981b19dc6186c03246dccd510306eca9e22b1a0522f37d61e98ea0913";
    for (signature, expected) in [
        (&digits[..63], Cause::Truncated),
        (&format!("{}x", &digits[..63]), Cause::Truncated),
        (&format!("{digits}0"), Cause::QueryModified),
        (&format!("{digits})."), Cause::QueryModified),
    ] {
        let exchange = input::read(&format!("{url}{signature}")).unwrap().remove(0);
        let report = explain(&Input::new(&exchange, "2026-01-01T12:01:00Z".parse().unwrap()));
        assert_eq!(report.findings[0].id, expected, "{signature}");
    }
}
