//! Whose keys sign: fixed ones, or those that the AWS tools would find, renewed before they end.

use aws_config::{
    Region, default_provider::credentials::DefaultCredentialsChain, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig,
};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use gatepass_signing::{
    credentials::{AccessKeyId, Credentials, CredentialsError},
    signer::{ShortSession, Signer, SignerError},
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

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
    /// The chain found nothing that works.
    #[error("no credentials were found where the AWS tools look")]
    Chain(#[from] SignerError),
}

/// Where a store's keys come from.
pub(super) enum KeySource {
    Fixed(Credentials),
    Provided(Box<Signer>),
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
        Ok(Self::provided(AwsTools { profile, region: region.to_owned(), provider: OnceCell::new() }))
    }

    /// The store is given the end of its URLs with the reason: better a short URL than none.
    fn provided(provider: impl ProvideCredentials + 'static) -> Self {
        let signer = Signer::new(SharedCredentialsProvider::new(provider));
        let signer = signer.on_short_session(ShortSession::Accept).with_margin(SignedDuration::ZERO);
        Self::Provided(Box::new(signer))
    }

    /// Keys that work for `lifetime` more, or else the longest-living that can be had.
    pub(super) async fn keys(&self, lifetime: SignedDuration, now: Timestamp) -> Result<Credentials, KeysError> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Provided(signer) => {
                let end = now + lifetime.max(RENEW_BEFORE_END);
                Ok(Credentials::clone(&*signer.credentials_until(end, now).await?))
            }
        }
    }
}

/// What the AWS tools would find, looked for when the first URL is signed.
#[derive(Debug)]
struct AwsTools {
    profile: Option<String>,
    region: String,
    provider: OnceCell<SharedCredentialsProvider>,
}

impl AwsTools {
    async fn open(&self) -> SharedCredentialsProvider {
        let region = Region::new(self.region.clone());
        match &self.profile {
            None => SharedCredentialsProvider::new(DefaultCredentialsChain::builder().region(region).build().await),
            Some(profile) => {
                let config = ProviderConfig::without_region().with_region(Some(region));
                let builder = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile);
                SharedCredentialsProvider::new(builder.build())
            }
        }
    }
}

impl ProvideCredentials for AwsTools {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.provider.get_or_init(|| self.open()).await.provide_credentials().await
        })
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

    use aws_credential_types::provider::error::CredentialsError as ProviderError;

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

    #[tokio::test]
    async fn keys_are_kept_while_they_last_and_renewed_before_they_end() {
        let provider = Provider::default();
        let keys = KeySource::provided(provider.clone());
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
        let keys = KeySource::provided(provider.clone());
        let lifetime = SignedDuration::from_mins(15);
        let end = keys.keys(lifetime, start()).await.expect("keys").expires_at().expect("an end");
        provider.down.store(true, Ordering::SeqCst);
        let late = keys.keys(lifetime, end - SignedDuration::from_secs(1)).await.expect("the old ones");
        assert_eq!(late.expires_at(), Some(end));
        assert!(matches!(keys.keys(lifetime, end).await, Err(KeysError::Chain(SignerError::Provider(_)))));
    }
}
