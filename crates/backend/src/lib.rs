//! The service an application puts in front of its files: it decides who may have which signed URL.
//!
//! Callers are users of an OpenID Connect issuer; Cedar policies say what they may do; rows in SQLite say what there is. The
//! answer to "may I?" is a URL that the service signs and the store honours, so the bytes never pass through here. Uploads go
//! to a staging key first and become files when they are what was declared. Links are tokens that lead to fresh URLs until
//! they are revoked.
//!
//! Not here: the store. The service speaks to it over HTTP, as it would to Amazon S3, and signs with [`gatepass_signing`].
//!
//! ```no_run
//! # async fn run(config: gatepass_backend::Config, clock: gatepass_backend::Clock) -> Result<(), Box<dyn std::error::Error>> {
//! let backend = gatepass_backend::Backend::open(config, clock).await?;
//! let listener = tokio::net::TcpListener::bind(backend.listen()).await?;
//! backend.serve(listener, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod app;
mod authn;
mod authz;
mod clock;
pub mod config;
mod cursor;
mod files;
mod housekeeping;
mod http;
mod limits;
mod links;
mod model;
mod outbound;
mod random;
mod repository;
mod self_test;
mod serve;
mod stores;
mod uploads;

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

pub use self::http::openapi::openapi_json;
use app::App;
pub use authz::PolicyError;
pub use clock::Clock;
pub use config::Config;
pub use repository::RepositoryError;
pub use serve::serve;
pub use stores::StoreError;

/// The service, opened.
#[derive(Clone)]
pub struct Backend {
    app: Arc<App>,
}

/// Why the service cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration is wrong, or asks for what this version cannot do.
    #[error("the configuration cannot be used: {0}")]
    Config(#[from] config::ConfigErrors),
    /// The policies cannot be used.
    #[error("the policies cannot be used")]
    Policies(#[from] PolicyError),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Repository(#[from] RepositoryError),
    /// The keys of a store are not where the configuration says.
    #[error("the credentials of a store cannot be used")]
    Store(#[from] StoreError),
}

impl Backend {
    /// Reads policies and secrets and opens the database. Nothing is asked of a store or an issuer yet.
    pub async fn open(config: Config, now: Clock) -> Result<Self, OpenError> {
        Ok(Self { app: Arc::new(App::open(&config, now).await?) })
    }

    /// The address that the configuration wants to listen on.
    pub fn listen(&self) -> SocketAddr {
        self.app.settings.listen
    }

    /// For development: makes the buckets that are missing, and lets browsers of the console's origin use them.
    pub async fn ensure_buckets(&self) -> Result<(), StoreError> {
        self.app.stores.ensure_buckets(&self.app.settings, self.app.now()).await
    }

    /// Every route, for a server or for a test without sockets.
    pub fn router(&self) -> axum::Router {
        self::http::router(Arc::clone(&self.app))
    }

    /// Serves [`Backend::router`] until `shutdown` resolves, then finishes the requests that run.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let router = self.router();
        self.serve_router(listener, router, shutdown).await
    }

    /// As [`Backend::serve`], with a router of the caller's that has further routes.
    pub async fn serve_router(
        self,
        listener: TcpListener,
        router: axum::Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let background = housekeeping::start(self.app);
        let served = serve::serve(listener, router, shutdown).await;
        background.stop().await;
        served
    }
}
