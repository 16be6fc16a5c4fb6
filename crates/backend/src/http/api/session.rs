//! The console's sign-in: `/auth/login`, `/auth/callback`, `/auth/logout`, and `/v1/session`.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::super::{
    AppState,
    caller::BrowserSession,
    cookies::{self, Purpose},
    extract::Query,
    limited::SigningIn,
    problem::{Code, Problem, ProblemDocument},
    public::page,
};
use crate::{
    app::App,
    authn::{
        issuer::Issuer,
        sign_in::{self, LOGIN_LIFETIME, MAX_WAITING_SIGN_INS, SESSION_LIFETIME, SignInError},
    },
    config::Console,
    model::token::SecretToken,
};

/// After how many seconds somebody who waits at the issuer may have come back or given up.
const WAITING_RETRY_AFTER: &str = "60";

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct SessionView {
    user: UserView,
    /// Goes back as `x-gatepass-csrf` with every request that changes something.
    csrf_token: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct UserView {
    subject: String,
    tenant: String,
    groups: BTreeSet<String>,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LoginQuery {
    /// A path of this site to come back to.
    return_to: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// Who is signed in here.
#[utoipa::path(
    get, path = "/v1/session", operation_id = "session_read", tag = "session", security(("session" = [])),
    responses((status = 200, body = SessionView, description = "Done"), (status = 401, body = ProblemDocument, description = "Nobody is signed in", content_type = "application/problem+json")),
)]
pub(crate) async fn read(browser: BrowserSession) -> Json<SessionView> {
    let BrowserSession { session, csrf_token } = browser;
    let principal = session.principal;
    let user = UserView {
        subject: principal.user.subject().to_owned(),
        tenant: principal.tenant.as_str().to_owned(),
        groups: principal.groups,
        name: principal.name,
        email: principal.email,
    };
    Json(SessionView { user, csrf_token })
}

/// Leads the browser to the issuer.
#[utoipa::path(
    get, path = "/auth/login", operation_id = "session_login", tag = "session", params(LoginQuery),
    responses((status = 303, description = "The way there"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn login(
    State(app): State<AppState>,
    _: SigningIn,
    Query(query): Query<LoginQuery>,
) -> Result<Response, Problem> {
    let (console, issuer) = console(&app)?;
    let return_to = query.return_to.unwrap_or_else(|| "/".to_owned());
    if !is_own_path(&return_to) {
        return Err(Problem::invalid("return_to must be a path of this site"));
    }
    let beginning = sign_in::begin(issuer, console, &redirect_uri(&app), return_to, app.now()).await;
    let beginning = beginning.map_err(|error| failed(&error))?;
    if !app.repository.create_login_attempt(&beginning.attempt, MAX_WAITING_SIGN_INS, app.now()).await? {
        return Err(Problem::new(Code::RateLimited, "too many sign-ins have begun and not come back")
            .header(header::RETRY_AFTER, HeaderValue::from_static(WAITING_RETRY_AFTER))
            .hint("wait as long as Retry-After says"));
    }
    let cookie = cookies::set(&app.settings.site.origin, Purpose::Login, &beginning.state.expose(), LOGIN_LIFETIME);
    redirect(&beginning.location, [cookie])
}

/// Where the issuer leads the browser back to.
#[utoipa::path(
    get, path = "/auth/callback", operation_id = "session_callback", tag = "session", params(CallbackQuery),
    responses((status = 303, description = "The way there"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn callback(
    State(app): State<AppState>,
    Query(query): Query<CallbackQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match come_back(&app, query, &headers).await {
        Err(problem) if page::wants_html(&headers) => Ok(page::render_sign_in(&problem)),
        told => told,
    }
}

async fn come_back(app: &App, query: CallbackQuery, headers: &HeaderMap) -> Result<Response, Problem> {
    let (console, issuer) = console(app)?;
    let origin = &app.settings.site.origin;
    let now = app.now();
    let held = cookies::read(headers, origin, Purpose::Login).as_deref().and_then(SecretToken::parse);
    let returned = query.state.as_deref().and_then(SecretToken::parse);
    let state = match (held, returned) {
        (Some(held), Some(returned)) if held.hash() == returned.hash() => held.hash(),
        _ => return Err(not_begun()),
    };
    let attempt = app.repository.take_login_attempt(state, now).await?.ok_or_else(not_begun)?;
    let (Some(code), None) = (query.code, query.error) else {
        return Err(Problem::new(Code::Forbidden, "the issuer did not sign you in").hint("begin again at /auth/login"));
    };
    let principal = sign_in::finish(issuer, console, &app.http, &redirect_uri(app), &attempt, &code, now).await;
    let (session, token) = sign_in::session(principal.map_err(|error| failed(&error))?, now);
    app.repository.create_session(&session).await?;
    let cookies = [
        cookies::set(origin, Purpose::Session, &token.expose(), SESSION_LIFETIME),
        cookies::clear(origin, Purpose::Login),
    ];
    redirect(&attempt.return_to, cookies)
}

/// Ends the session, here and on the server.
#[utoipa::path(
    post, path = "/auth/logout", operation_id = "session_logout", tag = "session", security(("session" = [])),
    params(("x-gatepass-csrf" = String, Header)),
    responses((status = 204, description = "Done; there is nothing to say"), (status = "4XX", body = ProblemDocument, description = "A problem", content_type = "application/problem+json")),
)]
pub(crate) async fn logout(State(app): State<AppState>, browser: BrowserSession) -> Result<Response, Problem> {
    app.repository.delete_session(browser.session.token).await?;
    let cookie = cookies::clear(&app.settings.site.origin, Purpose::Session);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

fn console(app: &App) -> Result<(&Console, &Issuer), Problem> {
    let console = app.settings.console.as_ref();
    let issuer = console.and_then(|console| app.authenticator.issuer(&console.issuer.url));
    console.zip(issuer).ok_or_else(|| {
        Problem::new(Code::NotFound, "sign-in is not configured here").hint("set [backend.console] in gatepass.toml")
    })
}

fn redirect_uri(app: &App) -> String {
    format!("{}/auth/callback", app.settings.site.origin)
}

/// A path of this site, and nothing that a browser would read as another: `//host` and `/\host` are other sites.
fn is_own_path(path: &str) -> bool {
    let mut characters = path.chars();
    characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn redirect<const N: usize>(location: &str, cookies: [HeaderValue; N]) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(location).map_err(|error| Problem::internal(&error))?;
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn not_begun() -> Problem {
    Problem::new(Code::Forbidden, "this browser has not begun a sign-in, or it took too long")
        .hint("begin again at /auth/login")
}

fn failed(error: &SignInError) -> Problem {
    tracing::error!(error = error as &dyn std::error::Error, "a sign-in failed");
    Problem::new(Code::ProviderError, "the issuer did not say who you are; the log of the service says why")
        .hint("begin again at /auth/login")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_comes_back_to_this_site_only() {
        for own in ["/", "/files?x=1", "/a/b"] {
            assert!(is_own_path(own), "{own}");
        }
        for other in ["", "//evil.test", "/\\evil.test", "https://evil.test", "evil", "/\t/evil.test", "/a\\b"] {
            assert!(!is_own_path(other), "{other:?}");
        }
    }
}
