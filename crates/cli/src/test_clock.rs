//! `POST /_gatepass/clock {"advance": "20m"}`: moves the clock of a program that runs for tests, so that expiry is tested
//! without waiting.
//!
//! It is there only where `--test-clock` was given, and only on this machine. A page in a browser on this machine cannot
//! move it: what it sends names its origin, or is of a type that a page may send without asking, or was meant for another
//! host.

use http::{HeaderMap, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::{clock::Clock, values::Seconds};

/// Where it is.
pub(crate) const PATH: &str = "/_gatepass/clock";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance: String,
}

/// Moves the clock, or says why not. The caller has compared the host.
pub(crate) fn answer(clock: &Clock, headers: &HeaderMap, body: &[u8]) -> Response<String> {
    if headers.contains_key(header::ORIGIN) {
        return text(StatusCode::FORBIDDEN, "the clock is not for browsers\n");
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected content-type: application/json\n");
    }
    let step = serde_json::from_slice::<Move>(body).ok().and_then(|wanted| wanted.advance.parse::<Seconds>().ok());
    let Some(step) = step else { return text(StatusCode::BAD_REQUEST, "expected {\"advance\": \"20m\"}\n") };
    clock.advance(step.duration());
    let mut moved = Response::new(json!({ "now": clock.now() }).to_string());
    moved.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    moved
}

fn text(status: StatusCode, text: &str) -> Response<String> {
    let mut response = Response::new(text.to_owned());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(headers: &[(&'static str, &'static str)], body: &str) -> u16 {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)));
        answer(&Clock::system(), &headers.collect(), body.as_bytes()).status().as_u16()
    }

    #[test]
    fn only_what_no_page_can_send_moves_the_clock() {
        let json = ("content-type", "application/json; charset=utf-8");
        let step = r#"{"advance": "20m"}"#;
        assert_eq!(ask(&[json], step), 200);
        assert_eq!(ask(&[json, ("origin", "http://localhost:9000")], step), 403);
        for simple in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
            assert_eq!(ask(&[("content-type", simple)], step), 415, "{simple}");
        }
        assert_eq!(ask(&[], step), 415);
        for wrong in ["", "{}", r#"{"advance": 20}"#, r#"{"advance": "-20m"}"#, r#"{"advance": "1m", "x": 1}"#] {
            assert_eq!(ask(&[json], wrong), 400, "{wrong}");
        }
    }
}
