//! `gatepass explain`: why a signed URL fails, offline.

use std::{
    env,
    fmt::{self, Write as _},
    fs,
    io::{self, Read},
    path::PathBuf,
};

use clap::{Args, ValueHint};
use gatepass_doctor::{
    error_document::ErrorDocument,
    input::{self, Exchange, MAX_BYTES},
    report::{Finding, Report, Severity},
    url::{self, Input},
};
use gatepass_signing::{address::Endpoint, credentials::Credentials};
use jiff::Timestamp;

use crate::{
    clock::Clock,
    credentials,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    values::Pair,
};

/// `gatepass explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "A URL is a secret, and shells keep histories: `gatepass explain -` reads it from standard input.\n\
        Credentials of the environment or a profile are used where there are any, to find out what was signed instead.\n\
        Exit codes: 0 explained, 1 nothing found (what was checked is listed), 2 wrong usage."
)]
pub struct ExplainArguments {
    /// A URL, a curl command in quotes, or a HAR file; `-` reads one of them from standard input
    #[arg(value_name = "URL|-", value_hint = ValueHint::Url)]
    pub input: String,
    /// The error document that came back
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub error: Option<PathBuf>,
    /// The method of the request
    #[arg(long, short = 'X', value_name = "METHOD")]
    pub method: Option<String>,
    /// A header that the request sent; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub headers: Vec<Pair>,
    /// The status that came back
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..=599))]
    pub status: Option<u16>,
    /// Where the store is, if not at the URL's own host [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]; may be repeated
    #[arg(long = "endpoint", value_name = "URL", value_hint = ValueHint::Url)]
    pub endpoints: Vec<String>,
    /// A profile of the shared AWS files, instead of the environment
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Judge as of this time
    #[arg(long, value_name = "TIME")]
    pub now: Option<Timestamp>,
}

pub(crate) fn run(arguments: &ExplainArguments, output: Output) -> Result {
    let exchanges = exchanges(arguments)?;
    let endpoints = endpoints(&arguments.endpoints)?;
    let credentials = credentials_at_hand(arguments.profile.as_deref())?;
    let now = arguments.now.unwrap_or_else(|| Clock::system().now());
    let mut is_explained = false;
    for exchange in &exchanges {
        let input = Input { credentials: credentials.as_ref(), endpoints: &endpoints, ..Input::new(exchange, now) };
        let report = url::explain(&input);
        is_explained |= !report.findings.is_empty();
        output.result(Shown { report: &report, output }, &report)?;
    }
    Ok(if is_explained { Outcome::Done } else { Outcome::Finding })
}

fn exchanges(arguments: &ExplainArguments) -> Result<Vec<Exchange>> {
    let text = read(&arguments.input)?;
    let wrong = |error| {
        Failure::usage(error).hint("quote a URL: shells take `&` and `?` for themselves, and `-` reads standard input")
    };
    let mut exchanges = input::read(&text).map_err(wrong)?;
    let is_described = arguments.error.is_some()
        || arguments.method.is_some()
        || arguments.status.is_some()
        || !arguments.headers.is_empty();
    if let [exchange] = &mut exchanges[..] {
        describe(exchange, arguments)?;
    } else if is_described {
        let count = exchanges.len();
        return Err(Failure::usage(format_args!(
            "the file has {count} signed requests, and tells itself what came back"
        ))
        .hint("leave out --error, --method, --header and --status, or give one URL"));
    }
    Ok(exchanges)
}

/// What was typed besides wins over what the input says.
fn describe(exchange: &mut Exchange, arguments: &ExplainArguments) -> Result<()> {
    for Pair { name, value } in &arguments.headers {
        exchange.request.set_header(name, value.as_str());
    }
    if let Some(method) = &arguments.method {
        exchange.request.method = Some(method.to_ascii_uppercase());
    }
    exchange.response.status = arguments.status.or(exchange.response.status);
    if let Some(path) = &arguments.error {
        let file = fs::File::open(path).explain(format!("{} cannot be read", path.display()))?;
        let text = bounded(file, ErrorDocument::MAX_BYTES).explain(format!("{} cannot be read", path.display()))?;
        let document =
            ErrorDocument::parse(&text).map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))?;
        exchange.response.error = Some(document);
    }
    Ok(())
}

fn read(argument: &str) -> Result<String> {
    if argument == "-" {
        return bounded(io::stdin(), MAX_BYTES).explain("standard input cannot be read");
    }
    let is_text = argument.contains("://") || argument.trim_start().starts_with(['{', '<', '"', '\'']);
    match fs::File::open(argument) {
        Ok(file) if !is_text => bounded(file, MAX_BYTES).explain(format!("{argument} cannot be read")),
        _ => Ok(argument.to_owned()),
    }
}

/// One byte more than the limit tells that there is more. What is no UTF-8 is explained all the same.
fn bounded(source: impl Read, limit: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn endpoints(typed: &[String]) -> Result<Vec<Endpoint>> {
    let mut endpoints = Vec::new();
    for text in typed {
        let endpoint = Endpoint::parse(text).map_err(|error| Failure::usage(format_args!("`{text}`: {error}")))?;
        endpoints.push(endpoint);
    }
    let written = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].iter().filter_map(|name| env::var(name).ok());
    // Another tool's setting may be broken without standing in the way here.
    endpoints.extend(written.filter_map(|text| Endpoint::parse(&text).ok()));
    Ok(endpoints)
}

/// Credentials are a help and no condition: only a profile that was named must have some. Instance metadata and its kin are
/// not asked, which would be a question to the network.
fn credentials_at_hand(profile: Option<&str>) -> Result<Option<Credentials>> {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if profile.is_some() {
        return credentials::find(profile).map(Some);
    }
    if is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY") {
        return Ok(credentials::find(None).ok());
    }
    let of_environment = env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty());
    Ok(credentials::find(Some(of_environment.as_deref().unwrap_or("default"))).ok())
}

/// A report for people.
struct Shown<'r> {
    report: &'r Report,
    output: Output,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.output.emphasised("1", &self.report.kind.to_string()))?;
        self.parts(f)?;
        for (index, finding) in self.report.findings.iter().enumerate() {
            f.write_char('\n')?;
            self.finding(f, index + 1, finding)?;
        }
        if self.report.findings.is_empty() {
            writeln!(f, "\nnothing was found that makes it fail. Checked:")?;
            for what in &self.report.checked {
                writeln!(f, "  {what}")?;
            }
        }
        Ok(())
    }
}

impl Shown<'_> {
    fn parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.report.url;
        let mut line = |name: &str, value: &str| {
            if value.is_empty() { Ok(()) } else { writeln!(f, "  {name:<15} {}", printable(value)) }
        };
        line("method", url.method.as_deref().unwrap_or_default())?;
        line("host", &format!("{}://{}", url.scheme, url.host))?;
        line("bucket", url.bucket.as_deref().unwrap_or_default())?;
        line("key", url.key.as_deref().unwrap_or_default())?;
        line("signed by", url.access_key_id.as_deref().unwrap_or_default())?;
        line("for the region", url.region.as_deref().unwrap_or_default())?;
        line("signed at", &url.signed_at.map(|at| at.to_string()).unwrap_or_default())?;
        line("good until", &url.expires_at.map(|at| at.to_string()).unwrap_or_default())?;
        line("signed headers", &url.signed_headers.join(", "))?;
        line("policy", url.policy.as_deref().unwrap_or_default())?;
        let is_own = |name: &str| name.starts_with("X-Amz-") || ["Expires", "Signature", "Policy"].contains(&name);
        for parameter in url.query.iter().filter(|parameter| !is_own(&parameter.name)) {
            line("asks for", &format!("{}={}", parameter.name, parameter.value))?;
        }
        Ok(())
    }

    fn finding(&self, f: &mut fmt::Formatter<'_>, number: usize, finding: &Finding) -> fmt::Result {
        let (style, word) = match finding.severity {
            Severity::Error => ("31;1", "it fails by this"),
            Severity::Warning => ("33;1", "it may be this"),
            Severity::Note => ("36;1", "worth knowing"),
        };
        writeln!(f, "{number}. {} ({word})", self.output.emphasised(style, finding.id.as_str()))?;
        for line in finding.evidence.lines() {
            writeln!(f, "   {}", printable(line))?;
        }
        writeln!(f, "   {} {}", self.output.emphasised("32", "fix:"), finding.fix)
    }
}

/// Somebody else's text must not steer the terminal.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() { out.extend(character.escape_default()) } else { out.push(character) }
    }
    out
}
