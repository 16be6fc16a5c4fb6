//! Signing with credentials that somebody else provides and renews: [`Signer`].
//!
//! A URL dies with the credentials that signed it, however long it claims to live. So whoever signs with a session of 15
//! minutes must renew it before a URL would outlive it, once and not for every caller at the same time, and must hear of
//! it when no longer session is to be had. That is what a [`Signer`] does; the signing itself stays what it is without
//! one. Where the credentials are at hand and do not end, it is not needed.
//!
//! It is asynchronous because its provider is, and runs on any executor. It reads no clock: `now` is an argument.
//!
//! ```
//! use aws_credential_types::provider::SharedCredentialsProvider;
//! use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
//! use gatepass_signing::signer::Signer;
//! use gatepass_signing::sigv4::Region;
//! use gatepass_signing::sigv4::presign::{Method, Presign};
//! use gatepass_signing::time::Lifetime;
//!
//! # async fn example(chain: SharedCredentialsProvider) -> Result<(), Box<dyn std::error::Error>> {
//! // `chain` is what `aws_config` finds, or any other provider.
//! let signer = Signer::new(chain);
//!
//! let endpoint = Endpoint::parse("https://s3.eu-central-1.amazonaws.com")?;
//! let lifetime = Lifetime::from_secs(900)?;
//! let now = "2026-01-01T12:00:00Z".parse()?;
//! let url = signer
//!     .sign(lifetime, now, |credentials, keys| {
//!         let address = Address::object(&endpoint, AddressingStyle::VirtualHost, "photos", "cat.jpg").unwrap();
//!         Presign::new(credentials, Region::new("eu-central-1").unwrap(), address, Method::Get)
//!             .expires(lifetime)
//!             .sign(keys, now)
//!     })
//!     .await?;
//! assert_eq!(url.effective_expires_at(), url.expires_at());
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};

use crate::credentials::{AccessKeyId, Credentials, CredentialsError, SecretKey, SessionToken};
use crate::sigv4::KeyCache;
use crate::time::{LimitedBy, SigningWindow};

/// What becomes of a request for a URL that would outlive the longest-living credentials that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShortSession {
    /// [`SignerError::EndTooSoon`]: nobody holds a URL that dies before it says so.
    Refuse,
    /// The URL is signed all the same. Its `effective_expires_at` is the end of the credentials, and its `limited_by`
    /// [`LimitedBy::Credentials`]: tell whoever gets it.
    Accept,
}

/// Signs with the credentials of a provider, which it keeps and renews.
///
/// - Credentials are kept while they outlive what is signed with them, and a [margin](Self::MARGIN) more.
/// - They are renewed **single-flight**: of all callers that need others at the same time one asks the provider, and the
///   rest wait for its answer. A caller whose need the credentials at hand still meet does not wait.
/// - A caller that goes away (a dropped future) while it asks leaves the next one to ask.
/// - A provider that fails, or has nothing longer-living, is not asked again for a [while](Self::ASK_AGAIN_AFTER). Until
///   then and beyond, what is at hand serves every URL that ends before it does.
pub struct Signer {
    provider: SharedCredentialsProvider,
    keys: KeyCache,
    margin: SignedDuration,
    short_session: ShortSession,
    state: RwLock<State>,
    /// Held by the one who asks the provider.
    asking: Mutex<()>,
}

#[derive(Default)]
struct State {
    credentials: Option<Arc<Credentials>>,
    /// The last answer of the provider: when it was given, and what was wrong with it.
    answer: Option<(Timestamp, Result<(), SignerError>)>,
}

impl Signer {
    /// How much longer than a URL its credentials should live, unless [`with_margin`](Self::with_margin) says otherwise:
    /// a minute. It makes up for clocks that differ, and renews before the last moment. Credentials that cover the URL
    /// but not the margin are used when the provider has no better ones.
    pub const MARGIN: SignedDuration = SignedDuration::from_secs(60);
    /// How long a provider is left alone that failed, or gave credentials that end too soon for what was asked: five
    /// seconds. All callers of that time get the same answer, so an outage of the provider is not made worse.
    pub const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(5);

    /// A signer over `provider`, which is asked when the first URL is signed. It refuses to sign what would outlive its
    /// credentials ([`ShortSession::Refuse`]).
    #[must_use]
    pub fn new(provider: impl Into<SharedCredentialsProvider>) -> Self {
        Self {
            provider: provider.into(),
            keys: KeyCache::new(),
            margin: Self::MARGIN,
            short_session: ShortSession::Refuse,
            state: RwLock::default(),
            asking: Mutex::new(()),
        }
    }

    /// What to do where the provider's credentials end before the URL does.
    #[must_use]
    pub fn on_short_session(mut self, short_session: ShortSession) -> Self {
        self.short_session = short_session;
        self
    }

    /// How much longer than a URL its credentials should live; nothing below zero.
    #[must_use]
    pub fn with_margin(mut self, margin: SignedDuration) -> Self {
        self.margin = margin.max(SignedDuration::ZERO);
        self
    }

    /// The cache of derived keys that [`sign`](Self::sign) lends out; it serves a verifier of the same process as well.
    #[must_use]
    pub fn keys(&self) -> &KeyCache {
        &self.keys
    }

    /// Signs with `make` when there are credentials that live as long as what it makes: give `make` the same `window`
    /// and `now`. It may sign anything (a URL, a form, a request), and is not called when credentials are missing.
    pub async fn sign<T, E>(
        &self,
        window: impl Into<SigningWindow>,
        now: Timestamp,
        make: impl FnOnce(&Credentials, &KeyCache) -> Result<T, E>,
    ) -> Result<T, SigningError<E>> {
        let window = window.into();
        let end = window.life(&window.signing_time(now), None).effective_expires_at();
        let credentials = self.credentials_until(end, now).await.map_err(SigningError::Credentials)?;
        make(&credentials, &self.keys).map_err(SigningError::Signature)
    }

    /// Credentials that live until `end`, for what is signed elsewhere.
    pub async fn credentials_until(&self, end: Timestamp, now: Timestamp) -> Result<Arc<Credentials>, SignerError> {
        let need = Need { end: end.max(now), comfortable: later(end.max(now), self.margin), now };
        if let Some(settled) = self.settled(need) {
            return settled;
        }
        let _asking = match self.asking.try_lock() {
            Some(asking) => asking,
            // Somebody asks already. What is at hand may do meanwhile.
            None => match self.at_hand(need) {
                Some(credentials) => return Ok(credentials),
                None => self.asking.lock().await,
            },
        };
        // Whoever asked before this one had the lock may have got what it needs.
        if let Some(settled) = self.settled(need) {
            return settled;
        }
        let provided = self.provider.provide_credentials().await;
        let provided = provided.map_err(|error| SignerError::Provider(Arc::new(error)));
        let provided = provided.and_then(|found| Credentials::try_from(&found).map_err(SignerError::Form));
        self.learn(provided, now);
        self.answer(need)
    }

    /// The answer that needs no question to the provider.
    fn settled(&self, need: Need) -> Option<Result<Arc<Credentials>, SignerError>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let lasting = state.credentials.as_ref().filter(|credentials| credentials.live_until(need.comfortable));
        if let Some(credentials) = lasting {
            return Some(Ok(Arc::clone(credentials)));
        }
        let (asked_at, _) = state.answer.as_ref()?;
        let since = need.now.duration_since(*asked_at);
        (SignedDuration::ZERO..Self::ASK_AGAIN_AFTER).contains(&since).then(|| state.answer(need, self.short_session))
    }

    /// Credentials that do, if only just.
    fn at_hand(&self, need: Need) -> Option<Arc<Credentials>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state
            .credentials
            .clone()
            .filter(|credentials| credentials.live_until(need.end) && credentials.live_at(need.now))
    }

    fn learn(&self, provided: Result<Credentials, SignerError>, now: Timestamp) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.answer = Some((now, provided.as_ref().map(|_| ()).map_err(Clone::clone)));
        if let Ok(credentials) = provided {
            state.credentials = Some(Arc::new(credentials));
        }
    }

    fn answer(&self, need: Need) -> Result<Arc<Credentials>, SignerError> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).answer(need, self.short_session)
    }
}

impl State {
    /// The best that can be said without asking the provider.
    fn answer(&self, need: Need, short_session: ShortSession) -> Result<Arc<Credentials>, SignerError> {
        let live = self.credentials.as_ref().filter(|credentials| credentials.live_at(need.now));
        let does =
            |credentials: &&Arc<Credentials>| short_session == ShortSession::Accept || credentials.live_until(need.end);
        if let Some(credentials) = live.filter(does) {
            return Ok(Arc::clone(credentials));
        }
        if let Some((_, Err(error))) = &self.answer {
            return Err(error.clone());
        }
        let ended = self.credentials.as_ref().and_then(|credentials| credentials.expires_at());
        Err(SignerError::EndTooSoon { credentials_end: ended.unwrap_or(need.now), wanted: need.end })
    }
}

/// What is asked of credentials.
#[derive(Clone, Copy)]
struct Need {
    /// They must live until then …
    end: Timestamp,
    /// … and should live until then.
    comfortable: Timestamp,
    now: Timestamp,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("margin", &self.margin)
            .field("short_session", &self.short_session)
            .finish_non_exhaustive()
    }
}

/// Why a [`Signer`] has no credentials to sign with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignerError {
    /// The provider has none. Its own reason is the source.
    #[error("the provider gave no credentials")]
    Provider(#[source] Arc<ProviderError>),
    /// The provider gave something that is no credentials.
    #[error("the provider gave something that is no credentials")]
    Form(#[source] CredentialsError),
    /// The longest-living credentials to be had end before what was to be signed, and
    /// [`ShortSession::Refuse`] is in force, or they have ended already. Ask for a shorter life, or have the provider
    /// make longer sessions.
    #[error("the credentials end at {credentials_end}, before {wanted} (limited_by={limited_by})", limited_by = LimitedBy::Credentials)]
    EndTooSoon {
        /// The end of the credentials.
        credentials_end: Timestamp,
        /// When the URL would have ended.
        wanted: Timestamp,
    },
}

impl SignerError {
    /// [`LimitedBy::Credentials`], if that is what stood in the way.
    #[must_use]
    pub fn limited_by(&self) -> Option<LimitedBy> {
        match self {
            Self::EndTooSoon { .. } => Some(LimitedBy::Credentials),
            Self::Provider(_) | Self::Form(_) => None,
        }
    }
}

/// Why [`Signer::sign`] signed nothing. `E` is the error of what it was to make.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SigningError<E> {
    /// There are no credentials for it.
    #[error(transparent)]
    Credentials(SignerError),
    /// It cannot be signed, whatever the credentials.
    #[error(transparent)]
    Signature(E),
}

/// What the AWS SDK's providers give, with its end. An end after the year 9999 is none.
impl TryFrom<&aws_credential_types::Credentials> for Credentials {
    type Error = CredentialsError;

    fn try_from(found: &aws_credential_types::Credentials) -> Result<Self, CredentialsError> {
        let id = AccessKeyId::new(found.access_key_id())?;
        let secret = SecretKey::new(found.secret_access_key())?;
        let end = found.expiry().and_then(|end| Timestamp::try_from(end).ok());
        Ok(match (found.session_token(), end) {
            (Some(token), end) => Self::temporary(id, secret, SessionToken::new(token)?, end),
            (None, Some(end)) => Self::long_term(id, secret).ending_at(end),
            (None, None) => Self::long_term(id, secret),
        })
    }
}

impl Credentials {
    fn live_until(&self, end: Timestamp) -> bool {
        self.expires_at().is_none_or(|own| own >= end)
    }

    fn live_at(&self, now: Timestamp) -> bool {
        self.expires_at().is_none_or(|own| own > now)
    }
}

fn later(start: Timestamp, duration: SignedDuration) -> Timestamp {
    start.checked_add(duration).unwrap_or(Timestamp::MAX)
}
