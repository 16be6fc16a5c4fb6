//! Callers and visitors who may ask only so often, and the headers that tell them (draft-ietf-httpapi-ratelimit-headers-11).

use std::sync::{Arc, OnceLock};

use axum::extract::{FromRequestParts, RawPathParams};
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};

use super::{
    AppState,
    caller::Caller,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    limits::{Allowance, Kind, Verdict, WINDOW},
    model::{principal::Principal, token::SecretToken},
    random,
};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Somebody who is known and wants a URL signed.
pub(crate) struct Signing(pub(crate) Principal);

/// Somebody who opens a link.
pub(crate) struct Visitor;

/// Somebody who begins a sign-in.
pub(crate) struct SigningIn;

/// Where an extractor leaves what the outermost layer writes into the answer.
#[derive(Clone, Default)]
pub(crate) struct AllowanceSlot(Arc<OnceLock<Allowance>>);

impl FromRequestParts<AppState> for Signing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let Caller(caller) = Caller::from_request_parts(parts, app).await?;
        take(app, parts, Kind::Signing, caller.user.as_str())?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Problem::not_found())?;
        let token = path.iter().find(|(name, _)| *name == "token").and_then(|(_, token)| SecretToken::parse(token));
        // What cannot be a token opens nothing and costs nothing.
        if let Some(token) = token {
            take(app, parts, Kind::Exchange, &random::hex(token.hash().as_bytes()))?;
        }
        Ok(Self)
    }
}

impl FromRequestParts<AppState> for SigningIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        take(app, parts, Kind::SignIn, "")?;
        Ok(Self)
    }
}

impl AllowanceSlot {
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Some(Allowance { kind, remaining, more_in, .. }) = self.0.get() else {
            return;
        };
        let (name, limit, window) = (kind.as_str(), kind.limit(), WINDOW.as_secs());
        let text = |text: String| HeaderValue::from_str(&text).expect("names and digits are visible ASCII");
        headers.insert(RATE_LIMIT_POLICY, text(format!("\"{name}\";q={limit};w={window}")));
        headers.insert(RATE_LIMIT, text(format!("\"{name}\";r={remaining};t={more_in}")));
    }
}

fn take(app: &App, parts: &Parts, kind: Kind, key: &str) -> Result<(), Problem> {
    let allowance = app.limits.take(kind, key, app.now());
    if let Some(AllowanceSlot(slot)) = parts.extensions.get() {
        slot.get_or_init(|| allowance);
    }
    match allowance.verdict {
        Verdict::Allowed => Ok(()),
        Verdict::Refused => {
            Err(Problem::new(Code::RateLimited, format!("more than {} requests in a minute", kind.limit()))
                .header(header::RETRY_AFTER, HeaderValue::from(allowance.more_in.max(1)))
                .hint("wait as long as Retry-After says"))
        }
    }
}
