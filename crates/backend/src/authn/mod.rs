//! Who calls: a bearer token of a configured issuer, or the session of a browser that signed in there.

pub(crate) mod issuer;
pub(crate) mod jwt;
pub(crate) mod sign_in;

use jiff::Timestamp;

use crate::{config::Issuer as IssuerSettings, model::principal::Principal, outbound::HttpClient};

use issuer::{Issuer, IssuerError};

/// All issuers whose tokens are believed.
pub(crate) struct Authenticator {
    issuers: Vec<Issuer>,
}

/// Why a token tells nothing about its bearer. One variant per rule.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the token is no JWT")]
    Malformed,
    #[error("the token is signed with an algorithm that is not taken here")]
    Algorithm,
    #[error("the token has header parameters that must be understood and are not")]
    Critical,
    #[error("no configured issuer issued the token")]
    Issuer,
    #[error("the issuer has no such key")]
    UnknownKey,
    #[error("the signature of the token is not valid")]
    Signature,
    #[error("the token is for another audience")]
    Audience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token lacks the claim {0}")]
    Claim(String),
    #[error("the issuer cannot be asked for its keys")]
    Unavailable(#[source] IssuerError),
}

impl Authenticator {
    pub(crate) fn new(issuers: &[IssuerSettings], http: &HttpClient) -> Self {
        let issuers = issuers.iter().map(|settings| Issuer::new(settings.clone(), http.clone())).collect();
        Self { issuers }
    }

    /// Who holds this access token.
    pub(crate) async fn bearer(&self, token: &str, now: Timestamp) -> Result<Principal, TokenError> {
        let claimed = jwt::claimed_issuer(token)?;
        let issuer = self.issuer(&claimed).ok_or(TokenError::Issuer)?;
        let claims = jwt::verify(token, issuer, &issuer.settings.audience, now).await?;
        jwt::principal(&claims, &issuer.settings)
    }

    pub(crate) fn issuer(&self, name: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|issuer| issuer.settings.url == name)
    }
}
