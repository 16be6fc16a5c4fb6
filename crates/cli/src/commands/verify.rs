//! `gatepass verify`: whether what was signed would be honoured, by the rules of the store and without asking it.

mod address;
mod cloudfront;
mod form;
mod request;

use std::fmt;

use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::{
    credentials::{AccessKeyId, Credentials, SessionToken},
    sigv4::verify::{Expectations, Scheme, Schemes, Service},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    args::Verify,
    clock::Clock,
    config::DEFAULT_REGION,
    credentials,
    failure::{Failure, Outcome, Result},
    input,
    output::Output,
    place,
};

/// When something that is valid ends, and what was checked; or the first rule that it breaks.
type Verdict = std::result::Result<(Option<Timestamp>, Value), Finding>;

/// The first rule that is broken, in the words of AWS.
struct Finding {
    status: u16,
    code: String,
    message: String,
}

impl Finding {
    fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }
}

impl From<S3Error> for Finding {
    fn from(error: S3Error) -> Self {
        Self::new(error.status(), error.code().as_str(), error.message())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}): {}", self.code, self.status, self.message)
    }
}

pub(crate) fn run(arguments: &Verify, output: Output) -> Result {
    let now = arguments.now.unwrap_or_else(|| Clock::system().now());
    let url = arguments.url.as_deref().map(input::argument).transpose()?.unwrap_or_default();
    let verdict = match (&arguments.upload.form, &arguments.cloudfront.public_key) {
        (Some(form), _) => form::check(arguments, form, now)?,
        (None, Some(public_key)) => cloudfront::check(&arguments.cloudfront, public_key, &url, now)?,
        (None, None) if is_of_cloudfront(&url) => {
            return Err(
                Failure::usage("the URL is signed for CloudFront").hint("name the --public-key to check it with")
            );
        }
        (None, None) => request::check(arguments, &url, now)?,
    };
    match verdict {
        Ok((expires_at, document)) => {
            let until = expires_at.map(|end| format!(" until {end}")).unwrap_or_default();
            output.result(format_args!("valid{until}"), &document)?;
            Ok(Outcome::Done)
        }
        Err(finding) => {
            let Finding { status, code, message } = &finding;
            let document = json!({ "valid": false, "status": status, "code": code, "message": message });
            output.result(&finding, &document)?;
            Ok(Outcome::Finding)
        }
    }
}

/// S3 knows no parameter of this name.
fn is_of_cloudfront(url: &str) -> bool {
    url.split(['?', '&']).skip(1).any(|parameter| parameter.starts_with("Key-Pair-Id="))
}

/// What a store of this host expects: its region is the one that was typed; else the one in the name of the host, which is
/// who will answer; else what the environment and the profile say.
fn expectations(arguments: &Verify, host: &str) -> Result<Expectations> {
    let told = arguments.region.as_deref().or_else(|| place::region_in(host));
    let region = match credentials::region(told, arguments.profile.as_deref())? {
        Some(region) => region,
        None => credentials::region_of(DEFAULT_REGION)?,
    };
    let mut expectations = Expectations::new(region, Service::S3);
    expectations.schemes = Schemes::default().with(Scheme::SigV4a);
    if arguments.allow_sigv2 {
        expectations.schemes = expectations.schemes.with(Scheme::SigV2);
    }
    let bucket = arguments.bucket.as_deref().or_else(|| address::bucket_at_amazon(host));
    expectations.bucket_of_host = bucket.map(str::to_owned);
    Ok(expectations)
}

/// Whether the keys that signed are those at hand: a store would look the first up, and ask the session for the second.
fn key_at_hand(id: &AccessKeyId, token: Option<&str>, credentials: &Credentials) -> std::result::Result<(), Finding> {
    if id != credentials.access_key_id() {
        let message = format!(
            "it was signed with the access key {id}, and the credentials at hand are those of {}",
            credentials.access_key_id()
        );
        return Err(Finding::new(403, "InvalidAccessKeyId", &message));
    }
    if token != credentials.session_token().map(SessionToken::expose) {
        let message = match token {
            None => "it lacks the session token of the credentials at hand",
            Some(_) => "its session token is not that of the credentials at hand",
        };
        return Err(Finding::new(400, "InvalidToken", message));
    }
    Ok(())
}
