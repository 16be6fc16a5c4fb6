//! The small page that a browser shows where a link does not open or a sign-in fails: no scripts, nothing from elsewhere.

use askama::Template as _;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};

use super::super::{problem::Problem, signed};

/// Only the page's own style, named by nothing but its place.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

#[derive(askama::Template)]
#[template(path = "refusal.html")]
struct Page<'a> {
    title: &'a str,
    detail: &'a str,
    /// Where to begin again.
    again: Option<&'a str>,
}

/// Whether the caller is a program: it asks for JSON, and not for HTML.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let json = |kind: &str| matches!(kind, "application/json" | "application/problem+json");
    accepts(headers, json) && !wants_html(headers)
}

/// Whether the caller is a browser that shows a page.
pub(in crate::http) fn wants_html(headers: &HeaderMap) -> bool {
    accepts(headers, |kind| kind == "text/html")
}

fn accepts(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .any(|kind| wanted(&kind))
}

/// Why a link does not open.
pub(super) fn render(problem: &Problem) -> Response {
    respond(problem, &Page { title: problem.title(), detail: problem.detail(), again: None })
}

/// Why nobody is signed in now, and the way to try again.
pub(in crate::http) fn render_sign_in(problem: &Problem) -> Response {
    respond(problem, &Page { title: "You are not signed in", detail: problem.detail(), again: Some("/auth/login") })
}

fn respond(problem: &Problem, page: &Page<'_>) -> Response {
    let page = match page.render() {
        Ok(page) => page,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let mut response = (problem.status_code(), Html(page)).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    signed::unshareable(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page_and_programs_a_problem() {
        let of = |accept: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            wants_json(&headers)
        };
        assert!(!of(None) && !of(Some("*/*")));
        assert!(!of(Some("text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8")));
        let mut headers = HeaderMap::new();
        assert!(!wants_html(&headers));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, Text/HTML;q=0.5"));
        assert!(wants_html(&headers) && !wants_json(&headers));
        assert!(of(Some("application/json")) && of(Some("Application/Problem+JSON; q=1")));
    }
}
