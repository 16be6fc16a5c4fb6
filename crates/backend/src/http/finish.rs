//! The outermost layers: which hosts are answered, the request's id, and problems written down.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use gatepass_signing::encode::{self, Plus};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::{
    AppState,
    limited::AllowanceSlot,
    problem::{Code, Problem},
};
use crate::model::{id::RequestId, token::SecretToken};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers only requests for a name that the service has. Otherwise a page of another site could resolve its own name to this
/// address and speak to the service as itself (DNS rebinding).
pub(crate) async fn known_hosts_only(
    State(app): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default().to_ascii_lowercase(),
        _ => return Err(Problem::invalid("a request has one Host header")),
    };
    // RFC 9112 §3.2.2: an absolute target overrides Host, so both must agree.
    let target_agrees =
        request.uri().authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(&host));
    if !target_agrees || !app.settings.site.hosts.contains(&host) {
        return Err(Problem::invalid("the service is not known by this name")
            .status(StatusCode::MISDIRECTED_REQUEST)
            .hint(format!("use {}, or add the name to backend.hosts", app.settings.site.origin)));
    }
    Ok(next.run(request).await)
}

/// Gives the request an id, writes problems down, and logs what happened without what is secret: a link's path is its token.
pub(crate) async fn finish(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = RequestId::mint(app.now()).to_string();
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let instance = instance(request.uri().path(), route.as_deref());
    let allowance = AllowanceSlot::default();
    request.extensions_mut().insert(allowance.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = problem_of(&response) {
        response = problem.render(&id, &instance);
    }
    let headers = response.headers_mut();
    allowance.write(headers);
    headers.insert(REQUEST_ID, HeaderValue::from_str(&id).expect("an id is visible ASCII"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let milliseconds = started.elapsed().as_millis();
    tracing::info!(request_id = id, %method, path = instance, status = response.status().as_u16(), milliseconds, "request");
    response
}

/// A problem that a handler returned, or one for an error that a library answered by itself.
fn problem_of(response: &Response) -> Option<Arc<Problem>> {
    if let Some(problem) = response.extensions().get::<Arc<Problem>>() {
        return Some(Arc::clone(problem));
    }
    let status = response.status();
    let own = response.headers().contains_key(header::CONTENT_TYPE) && !is_plain_text(response);
    if own || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let code = if status.is_server_error() { Code::InternalError } else { Code::InvalidRequest };
    Some(Arc::new(Problem::new(code, status.canonical_reason().unwrap_or("the request failed")).status(status)))
}

fn is_plain_text(response: &Response) -> bool {
    let value = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.starts_with("text/plain"))
}

/// The path as it may be shown: of a link, only the route. A token in a path that only resembles a link's opens the link too,
/// once somebody corrects the path.
fn instance(path: &str, route: Option<&str>) -> String {
    if path.starts_with("/l/") {
        return route.unwrap_or("/l/{token}").to_owned();
    }
    let shown = |segment| if is_token(segment) { "{token}" } else { segment };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

fn is_token(segment: &str) -> bool {
    encode::decode(segment, Plus::Literal).is_ok_and(|segment| SecretToken::parse(&segment).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown_wherever_it_stands_in_a_path() {
        let token = SecretToken::mint().expose();
        let encoded = format!("%{:02X}{}", token.as_bytes()[0], &token[1..]);
        for token in [token, encoded] {
            for (path, shown) in [
                (format!("/l/{token}"), "/l/{token}"),
                (format!("//l/{token}"), "//l/{token}"),
                (format!("/L/{token}/a.txt"), "/L/{token}/a.txt"),
                (format!("/{token}"), "/{token}"),
            ] {
                assert_eq!(instance(&path, None), shown);
            }
        }
        for other in ["/", "/v1/files", "/v1/files/file_01J00000000000000000000000", "/%zz"] {
            assert_eq!(instance(other, None), other);
        }
    }
}
