//! The small page that a visitor sees where a link does not open: no scripts, nothing from elsewhere.

use askama::Template as _;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};

use super::super::{problem::Problem, signed};

/// Only the page's own style, named by nothing but its place.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

#[derive(askama::Template)]
#[template(path = "link.html")]
struct LinkPage<'a> {
    title: &'a str,
    detail: &'a str,
}

/// Whether the caller is a program: it asks for JSON, and not for HTML.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepts
        .flat_map(|value| value.split(','))
        .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let (mut json, mut html) = (false, false);
    for kind in &mut types {
        json |= matches!(kind.as_str(), "application/json" | "application/problem+json");
        html |= kind == "text/html";
    }
    json && !html
}

pub(super) fn render(problem: &Problem) -> Response {
    let page = LinkPage { title: problem.title(), detail: problem.detail() };
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
        assert!(of(Some("application/json")) && of(Some("Application/Problem+JSON; q=1")));
    }
}
