//! With the credentials at hand: what else may have been signed? Every hypothesis changes the request in one way, or in two,
//! and the signature is computed again. The one that matches is proof.

use gatepass_signing::credentials::{Credentials, SessionToken};
use gatepass_signing::encode::{self, Plus};
use gatepass_signing::sigv4::KeyCache;

use super::address::{Damage, decoded, host_name};
use super::host::{S3Host, is_private};
use super::recompute::{Attempt, OF_SIGV2, Seen};
use super::subject::{Place, Subject, asking};
use super::{Findings, form};
use crate::redact;
use crate::report::{Cause, Likelihood};

/// The most signatures that are computed for one explanation. One takes some microseconds, and the longest target that is
/// parsed has 32 KiB.
const MAX_COMPUTATIONS: usize = 2048;
/// As many for targets longer than [`LONG_BYTES`], and for SigV4a.
const MAX_LONG_COMPUTATIONS: usize = 128;
const LONG_BYTES: usize = 8192;

/// The regions that are tried where nothing names one.
pub(super) const COMMON_REGIONS: [&str; 8] =
    ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "auto"];

/// One way in which the request may have been changed between signing and sending.
struct Hypothesis {
    cause: Cause,
    /// Two changes of one axis exclude each other.
    axis: Axis,
    /// What was signed, in words.
    signed: String,
    change: Change,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Method,
    Place,
    Path,
    Header,
    Region,
    Query,
}

enum Change {
    Method(&'static str),
    Place {
        host: String,
        path: String,
    },
    Path(String),
    /// `None` takes the header away.
    Header(String, Option<String>),
    /// The region of the scope, and the credential parameter that has it.
    Region(String, Vec<String>),
    Query(Vec<String>),
    PathAndQuery(String, Vec<String>),
}

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(credentials) = subject.credentials.filter(|_| subject.is_signed_by_the_credentials_at_hand()) else {
        return;
    };
    if let Some(post) = subject.post() {
        return form::look(subject, post, credentials, findings);
    }
    let Some(given) = Attempt::as_given(subject) else { return };
    let keys = KeyCache::new();
    let secret = credentials.secret_key();
    if given.matches(&keys, secret) {
        findings.signature_is_right = true;
        return;
    }
    findings.signature_was_tried = true;
    let hypotheses = all(subject, &given, credentials);
    // SigV4a's signatures take some twenty times as long to check.
    let mut left =
        if given.bytes() > LONG_BYTES || subject.is_sigv4a() { MAX_LONG_COMPUTATIONS } else { MAX_COMPUTATIONS };
    let mut matches = |attempt: &Attempt| {
        left = left.saturating_sub(1);
        left > 0 && attempt.matches(&keys, secret)
    };
    for hypothesis in &hypotheses {
        if matches(&hypothesis.change.applied(&given)) {
            return hypothesis.add(subject, findings);
        }
    }
    for (index, one) in hypotheses.iter().enumerate() {
        let changed = one.change.applied(&given);
        for other in hypotheses[index + 1..].iter().filter(|other| other.axis != one.axis && !other.clashes_with(one)) {
            if matches(&other.change.applied(&changed)) {
                one.add(subject, findings);
                return other.add(subject, findings);
            }
        }
    }
}

impl Hypothesis {
    fn add(&self, subject: &Subject<'_>, findings: &mut Findings) {
        let is_default_method = self.cause == Cause::MethodMismatch && !is_method_known(subject);
        let likelihood = if is_default_method { Likelihood::Likely } else { Likelihood::Proven };
        let evidence =
            format!("the signature was computed again with the credentials at hand, and matches {}", self.signed);
        findings.add(self.cause, likelihood, evidence, fix(self.cause));
    }

    /// A place brings its own path, and the whole query is replaced at once.
    fn clashes_with(&self, other: &Self) -> bool {
        let is_place = |hypothesis: &Self| matches!(hypothesis.axis, Axis::Place | Axis::Path);
        let is_query = |hypothesis: &Self| matches!(hypothesis.axis, Axis::Query | Axis::Region);
        (is_place(self) && is_place(other)) || (is_query(self) && is_query(other))
    }
}

impl Change {
    fn applied(&self, given: &Attempt) -> Attempt {
        let mut attempt = given.clone();
        match self {
            Change::Method(method) => (*method).clone_into(&mut attempt.method),
            Change::Place { host, path } => {
                attempt.host.clone_from(host);
                attempt.path.clone_from(path);
            }
            Change::Path(path) => attempt.path.clone_from(path),
            Change::Header(name, value) => {
                attempt.headers.retain(|(other, _)| other != name);
                attempt.headers.extend(value.clone().map(|value| (name.clone(), value)));
            }
            Change::Region(region, query) => {
                attempt.region.clone_from(region);
                attempt.query.clone_from(query);
            }
            Change::Query(query) => attempt.query.clone_from(query),
            Change::PathAndQuery(path, query) => {
                attempt.path.clone_from(path);
                attempt.query.clone_from(query);
            }
        }
        attempt
    }
}

impl Attempt {
    fn bytes(&self) -> usize {
        self.path.len() + self.query.iter().map(|pair| pair.len() + 1).sum::<usize>()
    }
}

fn is_method_known(subject: &Subject<'_>) -> bool {
    subject.request.method.is_some() || subject.error.is_some_and(|error| error.get("CanonicalRequest").is_some())
}

fn all(subject: &Subject<'_>, given: &Attempt, credentials: &Credentials) -> Vec<Hypothesis> {
    let mut out = Vec::new();
    methods(given, &mut out);
    paths(subject, given, &mut out);
    queries(subject, given, credentials, &mut out);
    places(subject, given, &mut out);
    headers(subject, given, &mut out);
    regions(subject, given, &mut out);
    out
}

fn methods(given: &Attempt, out: &mut Vec<Hypothesis>) {
    for method in ["GET", "PUT", "HEAD", "POST", "DELETE", "PATCH", "OPTIONS"] {
        if given.method != method {
            out.push(Hypothesis {
                cause: Cause::MethodMismatch,
                axis: Axis::Method,
                signed: format!("the method {method}; the request was a {}", given.method),
                change: Change::Method(method),
            });
        }
    }
}

fn paths(subject: &Subject<'_>, given: &Attempt, out: &mut Vec<Hypothesis>) {
    let mut push = |cause, path: String, signed: &str| {
        if path != given.path {
            let signed = format!("{signed}: {path:?} instead of {:?}", given.path);
            out.push(Hypothesis { cause, axis: Axis::Path, signed, change: Change::Path(path) });
        }
    };
    let once = decoded(&given.path, Plus::Literal);
    let twice = decoded(&once, Plus::Literal);
    push(Cause::DoubleEncodedKey, encoded(&twice), "the path encoded once");
    push(Cause::DoubleEncodedKey, encoded(&decoded(&twice, Plus::Literal)), "the path encoded once");
    push(Cause::PlusForSpace, given.path.replace('+', "%20"), "a space where the path has a +");
    push(Cause::PlusForSpace, encoded(&once.replace(' ', "+")), "a plus sign where the path has a space");
    push(Cause::DecodedKey, encoded(&encoded(&once)), "the path encoded once more");
    push(Cause::DecodedKey, encoded(&given.path), "the path encoded once more");
    // `?` and `#` of the key that were not encoded any more.
    let address = &subject.address;
    let rest = address.query.first().filter(|parameter| parameter.damage == Some(Damage::AfterQuestionMark));
    if let Some((rest, first)) = rest.and_then(|parameter| parameter.raw.rsplit_once('?')) {
        let path = format!("{}%3F{}", given.path, rest.replace('?', "%3F"));
        let mut query = given.query.clone();
        first.clone_into(&mut query[0]);
        let signed = format!("the path with its question mark encoded: {path:?}");
        let change = Change::PathAndQuery(path, query);
        out.push(Hypothesis { cause: Cause::DecodedKey, axis: Axis::Path, signed, change });
    }
    if let Some((rest, _)) = address.fragment.as_deref().and_then(|fragment| fragment.split_once('?')) {
        let path = format!("{}%23{}", given.path, rest.replace('#', "%23"));
        let signed = format!("the path with its # encoded: {path:?}");
        out.push(Hypothesis { cause: Cause::DecodedKey, axis: Axis::Path, signed, change: Change::Path(path) });
    }
}

fn queries(subject: &Subject<'_>, given: &Attempt, credentials: &Credentials, out: &mut Vec<Hypothesis>) {
    const LIFETIMES: [u32; 11] = [60, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];
    /// The most parameters that are taken away one by one.
    const MOST: usize = 32;
    if subject.sigv4().is_some_and(|claim| claim.place == Place::Header) {
        return;
    }
    let mut push = |cause, query: Vec<String>, signed: String| {
        if query != given.query {
            out.push(Hypothesis { cause, axis: Axis::Query, signed, change: Change::Query(query) });
        }
    };
    let name_of = |pair: &str| decoded(pair.split('=').next().unwrap_or_default(), Plus::Space);
    let without = |gone: &dyn Fn(&str) -> bool| {
        given.query.iter().filter(|pair| !gone(&name_of(pair))).cloned().collect::<Vec<_>>()
    };

    let unescaped = given.query.iter().map(|pair| pair.strip_prefix("amp;").unwrap_or(pair).to_owned()).collect();
    push(Cause::HtmlEscaped, unescaped, "the query without its &amp;".to_owned());
    let plus = given.query.iter().map(|pair| pair.replace('+', "%2B")).collect();
    push(Cause::PlusForSpace, plus, "a query in which + is a plus sign".to_owned());
    let space = given.query.iter().map(|pair| pair.replace("%2B", "%20").replace("%2b", "%20")).collect();
    push(Cause::PlusForSpace, space, "a query in which the plus sign is a space".to_owned());
    let once = given.query.iter().map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        format!("{name}={}", component(&decoded(&decoded(value, Plus::Space), Plus::Space)))
    });
    push(Cause::QueryModified, once.collect(), "a query that is encoded once".to_owned());

    let own: Vec<&str> = asking(&subject.address).take(MOST).map(|parameter| parameter.name.as_str()).collect();
    for name in &own {
        push(Cause::QueryModified, without(&|other| other == *name), format!("the query without {name}"));
    }
    let is_of_sdk = |name: &str| name.starts_with("x-") || name.starts_with("X-") || name.starts_with("response-");
    let foreign = |other: &str| {
        own.contains(&other) && !is_of_sdk(other) && !["versionId", "partNumber", "uploadId"].contains(&other)
    };
    push(Cause::QueryModified, without(&foreign), "the query without what S3 does not know".to_owned());
    push(
        Cause::QueryModified,
        without(&|other| own.contains(&other)),
        "a query of nothing but the signature".to_owned(),
    );
    for operation in ["GetObject", "PutObject", "HeadObject", "DeleteObject", "UploadPart"] {
        let added = given.query.iter().cloned().chain([format!("x-id={operation}")]).collect();
        push(Cause::QueryModified, added, format!("the query with x-id={operation}, which is missing"));
    }
    let payload = given.query.iter().cloned().chain(["X-Amz-Content-Sha256=UNSIGNED-PAYLOAD".to_owned()]).collect();
    push(
        Cause::QueryModified,
        payload,
        "the query with X-Amz-Content-Sha256=UNSIGNED-PAYLOAD, which is missing".to_owned(),
    );
    for seconds in LIFETIMES {
        let changed = given.query.iter().map(|pair| match name_of(pair).as_str() {
            "X-Amz-Expires" => format!("X-Amz-Expires={seconds}"),
            _ => pair.clone(),
        });
        push(Cause::QueryModified, changed.collect(), format!("X-Amz-Expires={seconds}, which was changed"));
    }

    let without_token = without(&|name| name == "X-Amz-Security-Token");
    if let Some(token) = credentials.session_token().map(SessionToken::expose) {
        let token = format!("X-Amz-Security-Token={}", component(token));
        let with_token = without_token.iter().cloned().chain([token]).collect();
        push(
            Cause::QueryModified,
            with_token,
            "the query with the session token of the credentials at hand".to_owned(),
        );
    }
    push(Cause::QueryModified, without_token, "the query without its session token, which was added".to_owned());
}

fn places(subject: &Subject<'_>, given: &Attempt, out: &mut Vec<Hypothesis>) {
    let mut push = |cause: Option<Cause>, host: String, path: String| {
        if (host.as_str(), path.as_str()) == (given.host.as_str(), given.path.as_str()) {
            return;
        }
        let cause = cause.unwrap_or_else(|| {
            if path != given.path {
                Cause::AddressingStyle
            } else if is_private(&host) && !is_private(&given.host) {
                Cause::PublicEndpoint
            } else {
                Cause::HostMismatch
            }
        });
        let signed =
            format!("the host {host:?} and the path {path:?}; asked were {:?} and {:?}", given.host, given.path);
        out.push(Hypothesis { cause, axis: Axis::Place, signed, change: Change::Place { host, path } });
    };
    let name = host_name(&given.host).to_owned();
    push(None, name.clone(), given.path.clone());
    for port in [80, 443, 9000, 9001, 8080, 8000, 4566] {
        push(None, format!("{name}:{port}"), given.path.clone());
    }
    if subject.address.host_header() != given.host {
        push(None, subject.address.host_header().to_owned(), given.path.clone());
    }
    let seen = subject.error.and_then(|error| error.get("CanonicalRequest")).map(Seen::parse);
    if let Some(host) = seen.and_then(|seen| seen.header("host")) {
        push(None, host, given.path.clone());
    }

    // Every way to name the bucket, before every host that may be meant.
    let (bucket, rest) = match bucket_in_host(subject, &given.host) {
        Some(bucket) => (bucket, given.path.clone()),
        None => match given.path.strip_prefix('/').unwrap_or(&given.path).split_once('/') {
            Some((bucket, rest)) => (bucket.to_owned(), format!("/{rest}")),
            None => (given.path.trim_start_matches('/').to_owned(), "/".to_owned()),
        },
    };
    let mut hosts: Vec<String> = subject.endpoints.iter().map(|endpoint| endpoint.authority().to_owned()).collect();
    let before = format!("{bucket}.");
    hosts.push(given.host.strip_prefix(&before).unwrap_or(&given.host).to_owned());
    if S3Host::parse(&given.host).is_some() || !is_private(&given.host) {
        let of_region = |region: &str| format!("s3.{region}.amazonaws.com");
        hosts.extend([
            "s3.amazonaws.com".to_owned(),
            of_region(&given.region),
            "s3-accelerate.amazonaws.com".to_owned(),
        ]);
        hosts.push(format!("s3.dualstack.{}.amazonaws.com", given.region));
    }
    for inside in [
        "localhost:9000",
        "127.0.0.1:9000",
        "minio:9000",
        "localhost:4566",
        "localstack:4566",
        "host.docker.internal:9000",
    ] {
        hosts.push(inside.to_owned());
    }
    for host in hosts {
        let is_the_same = is_same_store(&host, &given.host, &before);
        let of_style = |path: &str| (is_the_same && path != given.path).then_some(Cause::AddressingStyle);
        let in_path = format!("/{bucket}{rest}");
        let place = if is_private(&host) && !is_private(&given.host) {
            Some(Cause::PublicEndpoint)
        } else {
            Some(Cause::HostMismatch)
        };
        push(of_style(&in_path).or(place.filter(|_| !is_the_same)), host.clone(), in_path);
        push(of_style(&rest).or(place.filter(|_| !is_the_same)), format!("{before}{host}"), rest.clone());
        // A proxy may have its own path.
        push(place, host, given.path.clone());
    }
}

fn is_same_store(host: &str, given: &str, before: &str) -> bool {
    let given = given.strip_prefix(before).unwrap_or(given);
    host == given
}

fn bucket_in_host(subject: &Subject<'_>, host: &str) -> Option<String> {
    if let Some(bucket) = S3Host::parse(host).and_then(|host| host.bucket) {
        return Some(bucket);
    }
    let mut endpoints = subject.endpoints.iter();
    endpoints.find_map(|endpoint| host.strip_suffix(endpoint.authority())?.strip_suffix('.').map(str::to_owned))
}

fn headers(subject: &Subject<'_>, given: &Attempt, out: &mut Vec<Hypothesis>) {
    const TYPES: [&str; 16] = [
        "application/octet-stream",
        "binary/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json",
        "application/pdf",
        "application/xml",
        "application/zip",
        "text/plain",
        "text/html",
        "text/csv",
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "video/mp4",
    ];
    /// The most signed headers for which values are tried.
    const MOST: usize = 16;
    let names: Vec<String> = match subject.sigv4() {
        Some(claim) => claim.signed_headers.clone(),
        None => OF_SIGV2.map(str::to_owned).to_vec(),
    };
    for name in names.iter().filter(|name| *name != "host").take(MOST) {
        let sent = given.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let mut values: Vec<Option<String>> = Vec::new();
        if let Some(sent) = sent {
            values.push(sent.split(';').next().map(|value| value.trim().to_owned()));
            values.push(Some(sent.to_ascii_lowercase()));
            values.push(Some(format!("{sent}; charset=utf-8")));
            values.push(Some(format!("{sent};charset=UTF-8")));
            values.push(Some(format!("{sent}; charset=UTF-8")));
            values.push(Some(sent.replace(' ', "")));
        }
        values.push(None);
        match name.as_str() {
            "content-type" => {
                values.extend(TYPES.iter().map(|value| Some((*value).to_owned())));
                values.extend(
                    ["text/plain", "text/html", "application/json"]
                        .map(|value| Some(format!("{value}; charset=utf-8"))),
                );
            }
            "x-amz-acl" => {
                let acls =
                    ["private", "public-read", "bucket-owner-full-control", "authenticated-read", "public-read-write"];
                values.extend(acls.map(|acl| Some(acl.to_owned())));
            }
            "x-amz-server-side-encryption" => {
                values.extend(["AES256", "aws:kms", "aws:kms:dsse"].map(|value| Some(value.to_owned())));
            }
            "x-amz-server-side-encryption-customer-algorithm" => values.push(Some("AES256".to_owned())),
            "x-amz-content-sha256" => values.push(Some("UNSIGNED-PAYLOAD".to_owned())),
            "x-amz-security-token" => {
                let token = subject.credentials.and_then(Credentials::session_token);
                values.extend(token.map(|token| Some(token.expose().to_owned())));
            }
            "if-none-match" => values.push(Some("*".to_owned())),
            "content-length" => values.push(Some("0".to_owned())),
            _ => {}
        }
        let shown = |value: Option<&str>| match value {
            Some(_) if redact::is_secret(name) => redact::REDACTED.to_owned(),
            Some(value) => format!("{value:?}"),
            None => "nothing".to_owned(),
        };
        values.retain(|value| value.as_deref() != sent);
        for value in values {
            out.push(Hypothesis {
                cause: Cause::SignedHeaderMismatch,
                axis: Axis::Header,
                signed: format!("the header {name} with {}; sent was {}", shown(value.as_deref()), shown(sent)),
                change: Change::Header(name.clone(), value),
            });
        }
    }
}

fn regions(subject: &Subject<'_>, given: &Attempt, out: &mut Vec<Hypothesis>) {
    let Some(claim) = subject.sigv4().filter(|claim| claim.place == Place::Query) else { return };
    let of_error = subject.error.and_then(|error| error.get("Region"));
    let of_answer = subject.response.header("x-amz-bucket-region");
    let of_host = S3Host::parse(&given.host).and_then(|host| host.region);
    let known = of_error.or(of_answer).map(str::to_owned).into_iter().chain(of_host);
    for region in known.chain(COMMON_REGIONS.map(str::to_owned)).filter(|region| *region != given.region) {
        let Some(credential) = &claim.credential else { return };
        let changed = credential.replacen(&format!("/{}/", given.region), &format!("/{region}/"), 1);
        let query = given.query.iter().map(|pair| {
            if pair.starts_with("X-Amz-Credential=") {
                format!("X-Amz-Credential={}", component(&changed))
            } else {
                pair.clone()
            }
        });
        let signed = format!("the region {region}; the URL says {}", given.region);
        let change = Change::Region(region, query.collect());
        out.push(Hypothesis { cause: Cause::RegionMismatch, axis: Axis::Region, signed, change });
    }
}

fn fix(cause: Cause) -> &'static str {
    match cause {
        Cause::MethodMismatch => "send the request with the method it was signed for, or sign one for this method",
        Cause::DoubleEncodedKey => "pass the signed URL on as it is: something encoded its path again",
        Cause::DecodedKey => "pass the signed URL on as it is: something decoded its path",
        Cause::PlusForSpace => "write a space as %20 and a plus sign as %2B, before signing and after",
        Cause::HtmlEscaped => "replace every &amp; by &",
        Cause::QueryModified => "send the URL exactly as it was made: every parameter is signed",
        Cause::HostMismatch => {
            "sign for the host that will be asked (`--endpoint`), port and all, or let the proxy in between pass on the \
             client's Host"
        }
        Cause::PublicEndpoint => {
            "sign with the address under which the client reaches the store (`--endpoint`), not the one inside: rewriting the \
             host afterwards breaks the signature"
        }
        Cause::AddressingStyle => {
            "sign in the addressing style in which the store is asked: bucket in the host, or in the path"
        }
        Cause::RegionMismatch => "leave X-Amz-Credential as it was signed; to ask another region, sign for that region",
        _ => "send every signed header with exactly the value that was signed, or sign the one that is sent",
    }
}

fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + path.len() / 4);
    encode::path(path, &mut out);
    out
}

fn component(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    encode::component(text, &mut out);
    out
}
