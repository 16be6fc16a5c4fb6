//! `gatepass verify`: whether a signed URL would be honoured, by the rules of the store and without asking it.

use std::fmt;

use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::{
    credentials::{Credentials, SessionToken},
    request::RequestView,
    sigv4::{
        KeyCache, Region,
        verify::{Expectations, Presented, Service, Verified, parse},
    },
};
use serde_json::json;

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

/// The first rule that a URL breaks.
struct Finding {
    status: u16,
    code: String,
    message: String,
}

impl From<S3Error> for Finding {
    fn from(error: S3Error) -> Self {
        Self { status: error.status(), code: error.code().as_str().to_owned(), message: error.message().to_owned() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}): {}", self.code, self.status, self.message)
    }
}

pub(crate) fn run(arguments: &Verify, output: Output) -> Result {
    let url = input::argument(&arguments.url)?;
    let (host, target) = split(&url)?;
    let credentials = credentials::find(arguments.profile.as_deref())?;
    let region = region(arguments, &host)?;
    let mut headers = vec![("host", host.as_bytes())];
    headers.extend(arguments.headers.iter().map(|pair| (pair.name.as_str(), pair.value.as_bytes())));
    let request = RequestView { method: &arguments.method, target: &target, headers: &headers };
    let now = arguments.now.unwrap_or_else(|| Clock::system().now());

    match check(&request, &Expectations::new(region, Service::S3), &credentials, now) {
        Ok(verified) => {
            let signed_headers: Vec<&str> = verified.signed_headers().collect();
            let document = json!({
                "valid": true,
                "method": verified.method(),
                "access_key_id": verified.access_key_id().as_str(),
                "region": verified.scope().map(|scope| scope.region().as_str()),
                "signed_headers": signed_headers,
                "signed_at": verified.signed_at(),
                "expires_at": verified.expires_at(),
            });
            let until = verified.expires_at().map(|end| format!(" until {end}")).unwrap_or_default();
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

/// The store's own order: form and time, then the key, then the signature.
fn check(
    request: &RequestView<'_>,
    expectations: &Expectations,
    credentials: &Credentials,
    now: jiff::Timestamp,
) -> std::result::Result<Verified, Finding> {
    let refused = |refusal| Finding::from(S3Error::from(&refusal));
    let claim = match parse(request, expectations, now).map_err(refused)? {
        Presented::Query(claim) | Presented::Header(claim) => claim,
        Presented::Anonymous => {
            return Err(Finding { status: 403, code: "AccessDenied".into(), message: "the URL is not signed".into() });
        }
    };
    if claim.access_key_id() != credentials.access_key_id() {
        let message = format!(
            "it was signed with the access key {}, and the credentials at hand are those of {}",
            claim.access_key_id(),
            credentials.access_key_id()
        );
        return Err(Finding { status: 403, code: "InvalidAccessKeyId".into(), message });
    }
    if claim.session_token() != credentials.session_token().map(SessionToken::expose) {
        let message = match claim.session_token() {
            None => "it lacks the session token of the credentials at hand",
            Some(_) => "its session token is not that of the credentials at hand",
        };
        return Err(Finding { status: 400, code: "InvalidToken".into(), message: message.into() });
    }
    claim.verify(&KeyCache::new(), credentials.secret_key()).map_err(refused)
}

/// The region that was typed; else the one in the name of the host, which is who will answer; else what the environment
/// and the profile say.
fn region(arguments: &Verify, host: &str) -> Result<Region> {
    let told = arguments.region.as_deref().or_else(|| place::region_in(host));
    match credentials::region(told, arguments.profile.as_deref())? {
        Some(region) => Ok(region),
        None => credentials::region_of(DEFAULT_REGION),
    }
}

/// The `Host` header and the request target that a client makes of a URL. Nothing is decoded or normalised: the bytes are
/// what was signed.
fn split(url: &str) -> Result<(String, String)> {
    let wrong =
        || Failure::usage("that is no http or https URL").hint("quote it: shells take `&` and `?` for themselves");
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(wrong()),
    };
    // A fragment stays with the client (RFC 3986 §3.5).
    let rest = rest.split('#').next().unwrap_or(rest);
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() || authority.contains('@') {
        return Err(wrong());
    }
    let host = authority.strip_suffix(default_port).unwrap_or(authority).to_owned();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    Ok((host, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_and_never_rewritten() {
        let split = |url: &str| split(url).expect("a URL");
        let pair = |host: &str, target: &str| (host.to_owned(), target.to_owned());
        assert_eq!(split("http://h:9000/b/a/../%2f//?x=%20#f"), pair("h:9000", "/b/a/../%2f//?x=%20"));
        assert_eq!(split("https://h:443?x"), pair("h", "/?x"));
        assert_eq!(split("http://h:443"), pair("h:443", "/"));
    }

    #[test]
    fn what_is_no_url_is_wrong_usage() {
        for wrong in ["", "h/x", "ftp://h/", "http://", "http://user@h/"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
