//! An OpenID Connect issuer: its endpoints by discovery, and its keys, cached.

use std::{sync::Arc, time::Duration};

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

/// The least time between two requests for keys: tokens with invented key ids must not become requests to the issuer.
pub(crate) const LEAST_TIME_BETWEEN_FETCHES: SignedDuration = SignedDuration::from_secs(10);

/// An issuer and what is known of it.
pub(crate) struct Issuer {
    pub(crate) settings: IssuerSettings,
    http: HttpClient,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    endpoints: Option<Arc<Endpoints>>,
    keys: Arc<Vec<Jwk>>,
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

#[derive(Deserialize)]
struct KeyDocument {
    keys: Vec<serde_json::Value>,
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings, http: HttpClient) -> Self {
        Self { settings, http, known: Mutex::default() }
    }

    /// The key of this id; with no id, the only key there is. An unknown id is a reason to ask the issuer again, as it may
    /// have a new key.
    pub(crate) async fn key(&self, id: Option<&str>, now: Timestamp) -> Result<Jwk, TokenError> {
        // Holding the lock across the request makes it single-flight: the others wait and then find the keys.
        let mut known = self.known.lock().await;
        let fresh = known.fetched_at.is_some_and(|at| now < at + KEYS_FRESH_FOR);
        if fresh && let Some(key) = find(&known.keys, id) {
            return Ok(key);
        }
        let may_ask = known.tried_at.is_none_or(|at| now >= at + LEAST_TIME_BETWEEN_FETCHES);
        let asked = if may_ask { self.fetch(&mut known, now).await } else { Err(IssuerError::Waiting) };
        match (find(&known.keys, id), asked) {
            // An issuer that is down for a while does not log everybody out.
            (Some(key), _) => Ok(key),
            (None, Err(error)) if known.fetched_at.is_none() => Err(TokenError::Unavailable(error)),
            (None, _) => Err(TokenError::UnknownKey),
        }
    }

    pub(crate) async fn endpoints(&self) -> Result<Arc<Endpoints>, IssuerError> {
        let mut known = self.known.lock().await;
        self.discover(&mut known).await
    }

    async fn fetch(&self, known: &mut Known, now: Timestamp) -> Result<(), IssuerError> {
        known.tried_at = Some(now);
        let endpoints = self.discover(known).await?;
        let document: KeyDocument = self.document(&endpoints.jwks_uri).await?;
        // A key of a kind unknown to us is no reason to refuse the others.
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        known.keys = Arc::new(keys);
        known.fetched_at = Some(now);
        Ok(())
    }

    async fn discover(&self, known: &mut Known) -> Result<Arc<Endpoints>, IssuerError> {
        if let Some(endpoints) = &known.endpoints {
            return Ok(Arc::clone(endpoints));
        }
        let base = self.settings.url.trim_end_matches('/');
        let endpoints: Endpoints = self.document(&format!("{base}/.well-known/openid-configuration")).await?;
        if endpoints.issuer != self.settings.url {
            return Err(IssuerError::OtherIssuer);
        }
        Ok(Arc::clone(known.endpoints.insert(Arc::new(endpoints))))
    }

    async fn document<T: DeserializeOwned>(&self, url: &str) -> Result<T, IssuerError> {
        let uri: Uri = url.parse().map_err(|_| IssuerError::Url(url.to_owned()))?;
        let answer = self.http.get(uri, LIMIT).await?;
        if answer.status() != StatusCode::OK {
            return Err(IssuerError::Status { url: url.to_owned(), status: answer.status() });
        }
        serde_json::from_slice(answer.body()).map_err(|source| IssuerError::Document { url: url.to_owned(), source })
    }
}

fn find(keys: &[Jwk], id: Option<&str>) -> Option<Jwk> {
    match (id, keys) {
        (Some(id), _) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(id)).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}
