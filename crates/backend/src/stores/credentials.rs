//! Whose keys sign: fixed ones, or those that the AWS tools would find, renewed before they end.

use aws_config::{
    Region, default_provider::credentials::DefaultCredentialsChain, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig,
};
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError as ProviderError};
use gatepass_signing::credentials::{AccessKeyId, Credentials, CredentialsError, SecretKey, SessionToken};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, OnceCell};

use crate::config::{CredentialsConfig, SecretError};

/// Credentials that end sooner are asked for anew, whatever they are wanted for.
const RENEW_BEFORE_END: SignedDuration = SignedDuration::from_mins(5);

/// There are no usable keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The configured secret cannot be read.
    #[error("the secret of the store's key cannot be read")]
    Secret(#[from] SecretError),
    /// What was read are no keys.
    #[error("what was found are no keys")]
    Form(#[from] CredentialsError),
    /// The chain found nothing.
    #[error("no credentials were found where the AWS tools look")]
    Chain(#[source] Box<ProviderError>),
}

/// Where a store's keys come from.
pub(super) enum KeySource {
    Fixed(Credentials),
    Provided(Box<ProvidedKeys>),
}

pub(super) struct ProvidedKeys {
    profile: Option<String>,
    region: String,
    provider: OnceCell<Box<dyn ProvideCredentials>>,
    held: Mutex<Option<Credentials>>,
}

impl KeySource {
    pub(super) fn open(config: &CredentialsConfig, region: &str) -> Result<Self, KeysError> {
        let profile = match config {
            CredentialsConfig::Static { access_key_id, secret } => {
                let id = AccessKeyId::new(access_key_id)?;
                return Ok(Self::Fixed(Credentials::long_term(id, secret.read()?)));
            }
            CredentialsConfig::Chain { .. } => None,
            CredentialsConfig::Profile { profile } => Some(profile.clone()),
        };
        let (provider, held) = (OnceCell::new(), Mutex::default());
        Ok(Self::Provided(Box::new(ProvidedKeys { profile, region: region.to_owned(), provider, held })))
    }

    /// Keys that work for `lifetime` more, or else the longest-living that can be had.
    pub(super) async fn keys(&self, lifetime: SignedDuration, now: Timestamp) -> Result<Credentials, KeysError> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Provided(keys) => keys.keys(lifetime.max(RENEW_BEFORE_END), now).await,
        }
    }
}

impl ProvidedKeys {
    async fn keys(&self, lifetime: SignedDuration, now: Timestamp) -> Result<Credentials, KeysError> {
        // Holding the lock while asking makes the renewal single-flight.
        let mut held = self.held.lock().await;
        let lasts = |keys: &Credentials| keys.expires_at().is_none_or(|end| end.duration_since(now) >= lifetime);
        if let Some(keys) = held.as_ref().filter(|keys| lasts(keys)) {
            return Ok(keys.clone());
        }
        let provider = self.provider.get_or_init(|| self.provider()).await;
        match provider.provide_credentials().await {
            Ok(found) => {
                let keys = convert(&found)?;
                *held = Some(keys.clone());
                Ok(keys)
            }
            Err(error) => match held.as_ref().filter(|keys| keys.expires_at().is_none_or(|end| end > now)) {
                // What is at hand still works for a while: better a short URL than none.
                Some(keys) => Ok(keys.clone()),
                None => Err(KeysError::Chain(Box::new(error))),
            },
        }
    }

    async fn provider(&self) -> Box<dyn ProvideCredentials> {
        let region = Region::new(self.region.clone());
        match &self.profile {
            None => Box::new(DefaultCredentialsChain::builder().region(region).build().await),
            Some(profile) => {
                let config = ProviderConfig::without_region().with_region(Some(region));
                Box::new(ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build())
            }
        }
    }
}

fn convert(found: &aws_credential_types::Credentials) -> Result<Credentials, CredentialsError> {
    let id = AccessKeyId::new(found.access_key_id())?;
    let secret = SecretKey::new(found.secret_access_key())?;
    let end = found.expiry().and_then(|end| Timestamp::try_from(end).ok());
    match found.session_token() {
        Some(token) => Ok(Credentials::temporary(id, secret, SessionToken::new(token)?, end)),
        None => Ok(Credentials::long_term(id, secret)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use aws_credential_types::provider::future;

    use super::*;

    /// Gives keys that live for an hour from `now`, and counts.
    #[derive(Debug, Clone, Default)]
    struct Provider {
        asked: Arc<AtomicUsize>,
        down: Arc<AtomicBool>,
    }

    impl ProvideCredentials for Provider {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let hours = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            if self.down.load(Ordering::SeqCst) {
                return future::ProvideCredentials::ready(Err(ProviderError::not_loaded("down")));
            }
            let seconds = u64::try_from(start().as_second()).expect("after 1970");
            let end = std::time::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_hours(hours as u64);
            let keys = aws_credential_types::Credentials::new("AKIDEXAMPLE", "s", Some("t".to_owned()), Some(end), "");
            future::ProvideCredentials::ready(Ok(keys))
        }
    }

    fn start() -> Timestamp {
        "2026-11-01T12:00:00Z".parse().expect("a time")
    }

    fn keys_from(provider: &Provider) -> ProvidedKeys {
        ProvidedKeys {
            profile: None,
            region: "eu-central-1".to_owned(),
            provider: OnceCell::new_with(Some(Box::new(provider.clone()))),
            held: Mutex::default(),
        }
    }

    #[tokio::test]
    async fn keys_are_kept_while_they_last_and_renewed_before_they_end() {
        let provider = Provider::default();
        let keys = keys_from(&provider);
        let minute = SignedDuration::from_mins(1);
        for (minutes, lifetime, asked) in [(0, 15, 1), (45, 15, 1), (45, 16, 2), (104, 16, 2), (105, 16, 3)] {
            let now = start() + minute * minutes;
            keys.keys(minute * lifetime, now).await.expect("keys");
            assert_eq!(provider.asked.load(Ordering::SeqCst), asked, "at {minutes} for {lifetime}");
        }
    }

    #[tokio::test]
    async fn keys_at_hand_serve_until_their_end_when_no_new_ones_come() {
        let provider = Provider::default();
        let keys = keys_from(&provider);
        let lifetime = SignedDuration::from_mins(15);
        let end = keys.keys(lifetime, start()).await.expect("keys").expires_at().expect("an end");
        provider.down.store(true, Ordering::SeqCst);
        let late = keys.keys(lifetime, end - SignedDuration::from_secs(1)).await.expect("the old ones");
        assert_eq!(late.expires_at(), Some(end));
        assert!(matches!(keys.keys(lifetime, end).await, Err(KeysError::Chain(_))));
    }
}
