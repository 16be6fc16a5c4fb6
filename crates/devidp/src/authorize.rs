//! The authorization endpoint: checks what the client asks for, shows the users, and sends a code back.

use std::sync::Arc;

use axum::{
    Form,
    extract::{Query, State as Shared, rejection::FormRejection, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    CLIENT_ID, State,
    codes::{Grant, IssueError},
    page, users,
};

/// What RFC 3986 §2.3 leaves unencoded.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The length of a SHA-256 digest in base64url without padding (RFC 7636 §4.2).
const CODE_CHALLENGE_LENGTH: usize = 43;

/// The request's parameters as they came. A repeated one is refused by the parser, as RFC 6749 §3.1 demands.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Parameters {
    pub(crate) client_id: Option<String>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) response_type: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) code_challenge: Option<String>,
    pub(crate) code_challenge_method: Option<String>,
    pub(crate) prompt: Option<String>,
    /// Which button was pressed. Only the page's own form sends it.
    pub(crate) user: Option<String>,
}

/// A request that may be answered with a code.
struct Checked {
    redirect_uri: String,
    code_challenge: String,
    scope: String,
}

/// What to do with a request that may not.
enum Fault {
    /// The client or its address is in doubt: nothing is sent anywhere (RFC 6749 §4.1.2.1).
    Shown(&'static str),
    /// The client is told.
    Returned { redirect_uri: String, error: &'static str, description: &'static str },
}

/// `GET /authorize`: the sign-in page.
pub(crate) async fn ask(
    Shared(state): Shared<Arc<State>>,
    query: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let Ok(Query(parameters)) = query else {
        return page::refusal("the query is malformed or repeats a parameter");
    };
    match check(&state, &parameters) {
        // There is no session here, so nobody is ever signed in already (OpenID Connect Core §3.1.2.1).
        Ok(checked) if parameters.prompt.as_deref() == Some("none") => {
            let fault = Fault::Returned {
                redirect_uri: checked.redirect_uri,
                error: "login_required",
                description: "the development issuer keeps no session",
            };
            refuse(&state, &parameters, fault)
        }
        Ok(checked) => page::sign_in(&state, &parameters, &checked.redirect_uri),
        Err(fault) => refuse(&state, &parameters, fault),
    }
}

/// `POST /authorize`: a button was pressed. Everything is checked again, for the form came from a browser.
pub(crate) async fn answer(
    Shared(state): Shared<Arc<State>>,
    form: Result<Form<Parameters>, FormRejection>,
) -> Response {
    let Ok(Form(parameters)) = form else {
        return page::refusal("the form is malformed or repeats a field");
    };
    let checked = match check(&state, &parameters) {
        Ok(checked) => checked,
        Err(fault) => return refuse(&state, &parameters, fault),
    };
    let Some(user) = parameters.user.as_deref().and_then(users::find) else {
        return page::refusal("there is no such user");
    };
    let now = (state.now)();
    let grant = Grant {
        user,
        redirect_uri: checked.redirect_uri.clone(),
        code_challenge: checked.code_challenge,
        nonce: parameters.nonce.clone(),
        scope: checked.scope,
        signed_in_at: now,
    };
    match state.codes.issue(grant, now) {
        Ok(code) => redirect(&state, &checked.redirect_uri, parameters.state.as_deref(), &[("code", &code)]),
        Err(IssueError::Full) => refuse(
            &state,
            &parameters,
            Fault::Returned {
                redirect_uri: checked.redirect_uri,
                error: "temporarily_unavailable",
                description: "too many sign-ins wait at once",
            },
        ),
        Err(IssueError::Randomness) => refuse(
            &state,
            &parameters,
            Fault::Returned { redirect_uri: checked.redirect_uri, error: "server_error", description: "no randomness" },
        ),
    }
}

fn check(state: &State, parameters: &Parameters) -> Result<Checked, Fault> {
    if parameters.client_id.as_deref() != Some(CLIENT_ID) {
        return Err(Fault::Shown("the client is not known here"));
    }
    let redirect_uri = parameters
        .redirect_uri
        .as_ref()
        .filter(|uri| state.redirect_uris.contains(uri))
        .ok_or(Fault::Shown("the redirect_uri is not registered for this client"))?
        .clone();
    let returned = |error, description| Fault::Returned { redirect_uri: redirect_uri.clone(), error, description };

    if parameters.response_type.as_deref() != Some("code") {
        return Err(returned("unsupported_response_type", "response_type must be code"));
    }
    let scope = parameters.scope.clone().unwrap_or_default();
    if !scope.split(' ').any(|scope| scope == "openid") {
        return Err(returned("invalid_scope", "scope must contain openid"));
    }
    // RFC 9700 §2.1.1: public clients must use PKCE; `plain` proves nothing to somebody who saw the request.
    if parameters.code_challenge_method.as_deref() != Some("S256") {
        return Err(returned("invalid_request", "code_challenge_method must be S256"));
    }
    let code_challenge = parameters
        .code_challenge
        .clone()
        .filter(|challenge| {
            challenge.len() == CODE_CHALLENGE_LENGTH
                && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
        .ok_or_else(|| returned("invalid_request", "code_challenge must be a SHA-256 digest in base64url"))?;
    Ok(Checked { redirect_uri, code_challenge, scope })
}

fn refuse(state: &State, parameters: &Parameters, fault: Fault) -> Response {
    match fault {
        Fault::Shown(reason) => page::refusal(reason),
        Fault::Returned { redirect_uri, error, description } => redirect(
            state,
            &redirect_uri,
            parameters.state.as_deref(),
            &[("error", error), ("error_description", description)],
        ),
    }
}

/// Back to the client, with `iss` against mix-up (RFC 9207).
fn redirect(state: &State, redirect_uri: &str, client_state: Option<&str>, answer: &[(&str, &str)]) -> Response {
    let mut location = redirect_uri.to_owned();
    let mut separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let given_back = client_state.map(|value| ("state", value));
    for (name, value) in answer.iter().copied().chain(given_back).chain([("iss", state.issuer.as_str())]) {
        location.push(separator);
        location.push_str(name);
        location.push('=');
        location.extend(utf8_percent_encode(value, QUERY_VALUE));
        separator = '&';
    }
    match HeaderValue::try_from(location) {
        Ok(location) => {
            let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(_) => page::refusal("the registered redirect_uri cannot stand in a header"),
    }
}
