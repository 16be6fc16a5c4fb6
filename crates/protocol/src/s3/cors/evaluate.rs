//! What a configuration says to a request.

use http::{HeaderMap, HeaderName};

use super::configuration::{CorsConfiguration, CorsRule, METHODS};
use crate::s3::error::{ErrorCode, ResourceType, S3Error};

/// Headers to add to an answer.
pub type CorsHeaders = Vec<(&'static str, String)>;

const VARY: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// A preflight request: needs no signature, and what is signed in its query is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    origin: String,
    method: String,
    headers: Vec<String>,
}

impl Preflight {
    /// Reads the headers of an OPTIONS request.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, S3Error> {
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
        let bad_request = |message: String| S3Error::new(ErrorCode::BadRequest, message);
        let origin = text("origin")
            .filter(|origin| !origin.is_empty())
            .ok_or_else(|| bad_request("Insufficient information. Origin request header needed.".to_owned()))?;
        let method = text("access-control-request-method").unwrap_or_else(|| "null".to_owned());
        if !METHODS.contains(&method.as_str()) {
            return Err(bad_request(format!("Invalid Access-Control-Request-Method: {method}")));
        }
        let requested = requested_headers(headers);
        if let Some(bad) = requested.iter().find(|name| HeaderName::try_from(name.as_str()).is_err()) {
            return Err(bad_request(format!("Access-Control-Request-Headers \"{bad}\" contains invalid character.")));
        }
        Ok(Self { origin, method, headers: requested })
    }

    /// 403 for a bucket without a configuration. A preflight is not signed, so a bucket that does not exist must be
    /// answered alike: there is no error for it.
    pub fn not_enabled(&self) -> S3Error {
        self.forbidden("CORSResponse: CORS is not enabled for this bucket.", ResourceType::Bucket)
    }

    /// 403 for a configuration without a matching rule. The spelling of the message is AWS's.
    pub fn not_allowed(&self, resource: ResourceType) -> S3Error {
        let message = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
        self.forbidden(message, resource)
    }

    fn forbidden(&self, message: &'static str, resource: ResourceType) -> S3Error {
        S3Error::new(ErrorCode::AccessForbidden, message)
            .with("Method", &self.method)
            .with("ResourceType", resource.as_str())
    }
}

/// Names of `Access-Control-Request-Headers`, in lower case. Names compare without case.
fn requested_headers(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all("access-control-request-headers").iter();
    let text = lines.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect::<Vec<_>>().join(",");
    text.split(',').map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect()
}

impl CorsConfiguration {
    /// The headers that allow a preflighted request, or `None` where no rule does.
    pub fn preflight(&self, preflight: &Preflight) -> Option<CorsHeaders> {
        self.answer(&preflight.origin, &preflight.method, &preflight.headers)
    }

    /// The headers for the answer to an actual request, errors included, or `None` where the request has no `Origin` or
    /// no rule matches: then it is served all the same, without them.
    pub fn actual(&self, method: &http::Method, headers: &HeaderMap) -> Option<CorsHeaders> {
        let origin = headers.get("origin")?.to_str().ok()?.trim();
        // S3 looks at the header of a preflight on other requests too, where it is there.
        let requested = headers.get("access-control-request-method").and_then(|value| value.to_str().ok());
        self.answer(origin, requested.unwrap_or(method.as_str()), &requested_headers(headers))
    }

    fn answer(&self, origin: &str, method: &str, headers: &[String]) -> Option<CorsHeaders> {
        let (rule, matched) =
            self.rules().iter().find_map(|rule| Some((rule, rule.matches(origin, method, headers)?)))?;
        let mut answer = Vec::with_capacity(7);
        if matched == "*" {
            answer.push(("access-control-allow-origin", "*".to_owned()));
        } else {
            answer.push(("access-control-allow-origin", origin.to_owned()));
            answer.push(("access-control-allow-credentials", "true".to_owned()));
        }
        answer.push(("access-control-allow-methods", rule.allowed_methods.join(", ")));
        if !headers.is_empty() {
            answer.push(("access-control-allow-headers", headers.join(", ")));
        }
        if !rule.expose_headers.is_empty() {
            answer.push(("access-control-expose-headers", rule.expose_headers.join(", ")));
        }
        if let Some(seconds) = rule.max_age_seconds {
            answer.push(("access-control-max-age", seconds.to_string()));
        }
        answer.push(("vary", VARY.to_owned()));
        Some(answer)
    }
}

impl CorsRule {
    /// The allowed origin that matched, where method and headers match too.
    fn matches(&self, origin: &str, method: &str, headers: &[String]) -> Option<&str> {
        let matched = self.allowed_origins.iter().find(|allowed| one_wildcard(allowed, origin))?;
        let header_allowed = |header: &String| {
            self.allowed_headers.iter().any(|allowed| one_wildcard(&allowed.to_ascii_lowercase(), header))
        };
        let allowed = self.allowed_methods.iter().any(|other| other == method) && headers.iter().all(header_allowed);
        allowed.then_some(matched)
    }
}

/// A pattern with at most one `*`.
fn one_wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}
