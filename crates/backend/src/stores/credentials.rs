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
