//! A development OpenID Connect issuer: the identity provider that `gatepass dev` starts beside the backend.
//!
//! It speaks the same protocol as a production issuer (discovery, JWKS, ES256, authorization code with PKCE), so that the
//! backend authenticates on one road everywhere. What it leaves out is the proof of who somebody is: its sign-in page has a
//! button per user of [`USERS`] and no password. It therefore belongs on a loopback address only, and says so on the page.
//!
//! It holds no clock and opens no socket: [`Config::now`] tells the time and [`DevIdp::router`] is served by the caller.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! let directory = tempfile::tempdir()?;
//! let idp = gatepass_devidp::DevIdp::open(gatepass_devidp::Config {
//!     directory: directory.path().to_owned(),
//!     issuer: "http://localhost:8070".to_owned(),
//!     redirect_uris: vec!["http://localhost:8080/auth/callback".to_owned()],
//!     now: Arc::new(|| jiff::Timestamp::UNIX_EPOCH),
//! })?;
//! assert_eq!(idp.token("alice")?.split('.').count(), 3);
//! # Ok(())
//! # }
//! ```

mod authorize;
mod codes;
mod discovery;
mod host;
mod key;
mod page;
mod token;
mod users;

use std::{path::PathBuf, sync::Arc};

use axum::{Router, middleware, routing::get, routing::post};
use jiff::Timestamp;

pub use key::KeyError;
pub use token::TokenError;
pub use users::{USERS, User};

/// The one client that is registered: the console, a public client without a secret.
pub const CLIENT_ID: &str = "gatepass-console";

/// What access tokens are for: the backend's API.
pub const AUDIENCE: &str = "gatepass";

/// What tells the time.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What an issuer needs to start.
#[derive(Clone)]
pub struct Config {
    /// Where the signing key is kept, as `signing-key.pem` with mode 0600.
    pub directory: PathBuf,
    /// The issuer's address as clients see it, `http://localhost:8070`, without a path. Requests for another host are refused.
    pub issuer: String,
    /// Where codes may be sent, compared byte by byte (RFC 9700 §2.1).
    pub redirect_uris: Vec<String>,
    /// What tells the time.
    pub now: Now,
}

/// Why an issuer did not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The issuer is not a scheme and an authority.
    #[error("the issuer must be an http or https address without a path, not `{0}`")]
    Issuer(String),
    /// The signing key could not be read or made.
    #[error("the identity provider's signing key is not usable")]
    Key(#[from] KeyError),
}

/// An open issuer. Cloning is cheap and shares the codes that are waiting.
#[derive(Clone)]
pub struct DevIdp {
    state: Arc<State>,
}

/// What every handler shares.
struct State {
    issuer: String,
    /// The issuer's host and port: the only `Host` that is answered.
    authority: String,
    redirect_uris: Vec<String>,
    key: key::SigningKey,
    codes: codes::Codes,
    now: Now,
}

impl DevIdp {
    /// Opens an issuer, and makes its signing key at the first start.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let issuer = config.issuer.trim_end_matches('/').to_owned();
        let authority = issuer
            .strip_prefix("http://")
            .or_else(|| issuer.strip_prefix("https://"))
            .filter(|authority| !authority.is_empty() && !authority.contains(['/', '?', '#', '@']))
            .ok_or_else(|| OpenError::Issuer(config.issuer.clone()))?
            .to_owned();
        let key = key::SigningKey::load_or_create(&config.directory)?;
        Ok(Self {
            state: Arc::new(State {
                issuer,
                authority,
                redirect_uris: config.redirect_uris,
                key,
                codes: codes::Codes::default(),
                now: config.now,
            }),
        })
    }

    /// An access token for one of [`USERS`], as `gatepass dev token USER` prints it.
    pub fn token(&self, user: &str) -> Result<String, TokenError> {
        let user = users::find(user).ok_or_else(|| TokenError::UnknownUser(user.to_owned()))?;
        token::development_token(&self.state, user)
    }

    /// The routes. They answer only requests whose `Host` is the issuer's.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(page::home))
            .route("/style.css", get(page::stylesheet))
            .route("/.well-known/openid-configuration", get(discovery::configuration))
            .route("/jwks.json", get(discovery::jwks))
            .route("/authorize", get(authorize::ask).post(authorize::answer))
            .route("/token", post(token::exchange))
            .route("/userinfo", get(token::userinfo).post(token::userinfo))
            .layer(middleware::from_fn_with_state(self.state.clone(), host::check))
            .with_state(self.state.clone())
    }
}
