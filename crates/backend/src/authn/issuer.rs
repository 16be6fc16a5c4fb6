//! An OpenID Connect issuer: its endpoints by discovery, and its keys, cached.

use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use http::{StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use super::TokenError;
use crate::{
    config::Issuer as IssuerSettings,
    outbound::{HttpClient, OutboundError},
};

const LIMIT: Duration = Duration::from_secs(5);

/// How long keys are used without asking again, so that a withdrawn key stops working.
pub(crate) const KEYS_FRESH_FOR: SignedDuration = SignedDuration::from_hours(1);

/// How long keys are used while the issuer gives no new ones: an issuer that is down for a while does not log everybody out.
pub(crate) const KEYS_USABLE_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The least time between two requests for keys: tokens with invented key ids must not become requests to the issuer.
pub(crate) const LEAST_TIME_BETWEEN_FETCHES: SignedDuration = SignedDuration::from_secs(10);

/// An issuer and what is known of it.
pub(crate) struct Issuer {
    pub(crate) settings: IssuerSettings,
    http: HttpClient,
    /// Held for moments only, so that a request with a known key never waits for the issuer.
    known: RwLock<Known>,
    /// Held across a request to the issuer: one is made at a time, and the others that need its answer wait for it.
    asking: Mutex<()>,
}

#[derive(Default)]
struct Known {
    endpoints: Option<Arc<Endpoints>>,
    keys: Vec<Jwk>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

/// What discovery says (OpenID Connect Discovery §3).
#[derive(Debug, Deserialize)]
pub(crate) struct Endpoints {
    issuer: String,
    jwks_uri: String,
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
}

/// The issuer does not say what is needed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IssuerError {
    #[error("the issuer does not answer")]
    Outbound(#[from] OutboundError),
    #[error("the issuer answered {url} with {status}")]
    Status { url: String, status: StatusCode },
    #[error("the issuer's answer to {url} is not what it should be")]
    Document { url: String, source: serde_json::Error },
    #[error("{0} is no URL")]
    Url(String),
    #[error("the discovery document is that of another issuer")]
    OtherIssuer,
    #[error("the issuer was asked a moment ago and gave no keys")]
    Waiting,
}

/// A key that is held, or not.
enum Held {
    Fresh(Jwk),
    /// Usable, but it is time to ask again.
    Stale(Jwk),
    Nothing,
}

#[derive(Deserialize)]
struct KeyDocument {
    keys: Vec<serde_json::Value>,
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings, http: HttpClient) -> Self {
        Self { settings, http, known: RwLock::default(), asking: Mutex::default() }
    }

    /// The key of this id; with no id, the only key there is. An unknown id is a reason to ask the issuer again, as it may
    /// have a new key.
    pub(crate) async fn key(&self, id: Option<&str>, now: Timestamp) -> Result<Jwk, TokenError> {
        let held = self.known().key(id, now);
        let _asking = match held {
            Held::Fresh(key) => return Ok(key),
            Held::Stale(key) => match self.asking.try_lock() {
                Ok(asking) => asking,
                // Somebody asks already.
                Err(_) => return Ok(key),
            },
            Held::Nothing => self.asking.lock().await,
        };
        // While this one waited, another may have brought it.
        let held = self.known().key(id, now);
        if let Held::Fresh(key) = held {
            return Ok(key);
        }
        let may_ask = self.known().tried_at.is_none_or(|at| now >= at + LEAST_TIME_BETWEEN_FETCHES);
        let asked = if may_ask { self.fetch(now).await } else { Err(IssuerError::Waiting) };
        let known = self.known();
        match (known.key(id, now), asked) {
            (Held::Fresh(key) | Held::Stale(key), _) => Ok(key),
            (Held::Nothing, Err(error)) if !known.are_usable(now) => Err(TokenError::Unavailable(error)),
            (Held::Nothing, _) => Err(TokenError::UnknownKey),
        }
    }

    pub(crate) async fn endpoints(&self) -> Result<Arc<Endpoints>, IssuerError> {
        let known = self.known().endpoints.clone();
        if let Some(endpoints) = known {
            return Ok(endpoints);
        }
        let _asking = self.asking.lock().await;
        self.discover().await
    }

    async fn fetch(&self, now: Timestamp) -> Result<(), IssuerError> {
        self.known_mut().tried_at = Some(now);
        let endpoints = self.discover().await?;
        let document: KeyDocument = self.document(&endpoints.jwks_uri).await?;
        // A key of a kind unknown to us is no reason to refuse the others.
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        let mut known = self.known_mut();
        known.keys = keys;
        known.fetched_at = Some(now);
        Ok(())
    }

    async fn discover(&self) -> Result<Arc<Endpoints>, IssuerError> {
        let known = self.known().endpoints.clone();
        if let Some(endpoints) = known {
            return Ok(endpoints);
        }
        let base = self.settings.url.trim_end_matches('/');
        let endpoints: Endpoints = self.document(&format!("{base}/.well-known/openid-configuration")).await?;
        if endpoints.issuer != self.settings.url {
            return Err(IssuerError::OtherIssuer);
        }
        Ok(Arc::clone(self.known_mut().endpoints.insert(Arc::new(endpoints))))
    }

    async fn document<T: DeserializeOwned>(&self, url: &str) -> Result<T, IssuerError> {
        let uri: Uri = url.parse().map_err(|_| IssuerError::Url(url.to_owned()))?;
        let answer = self.http.get(uri, LIMIT).await?;
        if answer.status() != StatusCode::OK {
            return Err(IssuerError::Status { url: url.to_owned(), status: answer.status() });
        }
        serde_json::from_slice(answer.body()).map_err(|source| IssuerError::Document { url: url.to_owned(), source })
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn key(&self, id: Option<&str>, now: Timestamp) -> Held {
        match find(&self.keys, id) {
            Some(key) if self.fetched_within(KEYS_FRESH_FOR, now) => Held::Fresh(key),
            Some(key) if self.are_usable(now) => Held::Stale(key),
            _ => Held::Nothing,
        }
    }

    fn are_usable(&self, now: Timestamp) -> bool {
        self.fetched_within(KEYS_USABLE_FOR, now)
    }

    fn fetched_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.fetched_at.is_some_and(|at| now < at + time)
    }
}

fn find(keys: &[Jwk], id: Option<&str>) -> Option<Jwk> {
    match (id, keys) {
        (Some(id), _) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(id)).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}
