//! What every request shares.

use std::sync::{Arc, RwLock};

use hmac::{Hmac, KeyInit as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::{
    Clock, Config, OpenError,
    authn::Authenticator,
    authz::{Action, Authorizer, Denied, Resource},
    config::{Collection, Settings},
    limits::Limits,
    model::principal::Principal,
    outbound::HttpClient,
    random,
    repository::{Repository, SqliteRepository},
    self_test::Report,
    stores::Stores,
};

/// The opened service.
pub(crate) struct App {
    pub(crate) settings: Settings,
    now: Clock,
    pub(crate) http: HttpClient,
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) stores: Stores,
    pub(crate) authenticator: Authenticator,
    pub(crate) authorizer: Authorizer,
    pub(crate) limits: Limits,
    /// Authenticates cursors.
    pub(crate) cursor_key: Hmac<Sha256>,
    /// What the last self-test found; `None` before the first.
    pub(crate) report: RwLock<Option<Report>>,
}

impl App {
    pub(crate) async fn open(config: &Config, now: Clock) -> Result<Self, OpenError> {
        let settings = config.resolve()?;
        let http = HttpClient::new();
        let authorizer = Authorizer::open(&settings.policies)?;
        let stores = Stores::open(&settings, &http)?;
        let repository = SqliteRepository::open(&settings.database).await?;
        let cursor_key = repository.service_key("cursor", random::bytes()).await?;
        Ok(Self {
            authenticator: Authenticator::new(&settings.issuers, &http),
            cursor_key: Hmac::new_from_slice(&cursor_key).expect("HMAC takes keys of any length"),
            repository: Arc::new(repository),
            limits: Limits::default(),
            report: RwLock::default(),
            authorizer,
            stores,
            settings,
            http,
            now,
        })
    }

    /// The time, to the microsecond: what the rows keep, so that an answer reads the same before and after.
    pub(crate) fn now(&self) -> Timestamp {
        let now = (self.now)();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    pub(crate) fn collection(&self, name: &str) -> Option<&Collection> {
        self.settings.collections.get(name)
    }

    pub(crate) fn check<'a>(
        &self,
        principal: &Principal,
        action: Action,
        resource: impl Into<Resource<'a>>,
    ) -> Result<(), Denied> {
        self.authorizer.check(principal, action, resource.into())
    }

    /// Whether the caller may do something in their tenant's part of a collection.
    pub(crate) fn check_collection(&self, principal: &Principal, action: Action, name: &str) -> Result<(), Denied> {
        self.authorizer.check(principal, action, Resource::Collection { name, tenant: &principal.tenant })
    }
}
