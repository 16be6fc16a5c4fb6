//! Whose keys sign, and in which region: where the AWS tools look, in their order.

use std::env;

use aws_config::{
    default_provider::credentials::DefaultCredentialsChain,
    meta::region::ProvideRegion as _,
    profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider},
};
use aws_credential_types::provider::ProvideCredentials as _;
use gatepass_authority::{RootSource, root_from_text};
use gatepass_signing::{
    credentials::{AccessKeyId, Credentials, SecretKey, SessionToken},
    sigv4::Region,
};
use jiff::Timestamp;

use crate::{
    args::Identity,
    failure::{Explain as _, Failure, Result},
    role::{self, Role},
    server,
};

/// Credentials of a profile where one is named; else of the environment, else of the rest of the AWS chain: shared files,
/// SSO, web identity, container and instance metadata.
pub(crate) fn find(profile: Option<&str>) -> Result<Credentials> {
    if profile.is_none()
        && let Some(credentials) = of_environment()?
    {
        return Ok(credentials);
    }
    server::block_on(of_chain(profile))
}

/// Who signs: [`find`], or the role that they assume. `endpoint` is the store's own one, where one was typed.
pub(crate) fn signer(identity: &Identity, region: &Region, endpoint: Option<&str>) -> Result<Credentials> {
    let own = find(identity.profile.as_deref())?;
    let Some(arn) = &identity.role_arn else { return Ok(own) };
    let policy = identity.session_policy.as_deref().map(role::session_policy).transpose()?;
    let wanted = Role { arn, policy, profile: identity.profile.as_deref(), region, endpoint };
    server::block_on(role::assume(&own, wanted))
}

/// The region: what was typed, else AWS_REGION or AWS_DEFAULT_REGION, else the profile's.
pub(crate) fn region(typed: Option<&str>, profile: Option<&str>) -> Result<Option<Region>> {
    let written = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let name = match typed {
        Some(region) => Some(region.to_owned()),
        None => match written("AWS_REGION").or_else(|| written("AWS_DEFAULT_REGION")) {
            Some(region) => Some(region),
            None => server::block_on(async { Ok(profile_region(profile).await) })?,
        },
    };
    name.map(|name| region_of(&name)).transpose()
}

/// A region of this name.
pub(crate) fn region_of(name: &str) -> Result<Region> {
    Region::new(name)
        .map_err(|error| Failure::usage(format_args!("`{name}` is no region: {error}")).hint("as in eu-central-1"))
}

/// The keys of the store's root identity: given in the environment, else kept in its directory.
pub(crate) fn root() -> Result<RootSource> {
    let pairs = [("GATEPASS_ROOT_ACCESS_KEY", "GATEPASS_ROOT_SECRET_KEY"), ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")];
    for (user, password) in pairs {
        return match (env::var(user).ok(), env::var(password).ok()) {
            (Some(id), Some(secret)) => {
                let credentials =
                    root_from_text(&id, &secret).explain(format!("{user} and {password} cannot be used"))?;
                Ok(RootSource::Given(credentials))
            }
            (None, None) => continue,
            (Some(_), None) => Err(Failure::refused(format_args!("{user} is set and {password} is not"))),
            (None, Some(_)) => Err(Failure::refused(format_args!("{password} is set and {user} is not"))),
        };
    }
    Ok(RootSource::Kept)
}

fn of_environment() -> Result<Option<Credentials>> {
    let read = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(id), Some(secret)) = (read("AWS_ACCESS_KEY_ID"), read("AWS_SECRET_ACCESS_KEY")) else {
        return Ok(None);
    };
    let token = read("AWS_SESSION_TOKEN");
    // Tools that export a session for the shell tell its end by this name.
    let expires_at = read("AWS_CREDENTIAL_EXPIRATION").and_then(|end| end.parse().ok());
    made(id, secret, token, expires_at).map(Some)
}

async fn of_chain(profile: Option<&str>) -> Result<Credentials> {
    let found = if let Some(profile) = profile {
        ProfileFileCredentialsProvider::builder().profile_name(profile).build().provide_credentials().await
    } else {
        DefaultCredentialsChain::builder().build().await.provide_credentials().await
    };
    let found = found.explain("no AWS credentials were found").map_err(|failure| {
        failure.hint(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a --profile; for a running `gatepass dev`: \
             eval \"$(gatepass env)\"",
        )
    })?;
    adopted(&found)
}

/// Credentials of the AWS crates as ours.
pub(crate) fn adopted(found: &aws_credential_types::Credentials) -> Result<Credentials> {
    let expires_at = found.expiry().and_then(|end| Timestamp::try_from(end).ok());
    let token = found.session_token().map(str::to_owned);
    made(found.access_key_id().to_owned(), found.secret_access_key().to_owned(), token, expires_at)
}

async fn profile_region(profile: Option<&str>) -> Option<String> {
    let mut files = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        files = files.profile_name(profile);
    }
    files.build().region().await.map(|region| region.to_string())
}

fn made(id: String, secret: String, token: Option<String>, expires_at: Option<Timestamp>) -> Result<Credentials> {
    let unusable = "the AWS credentials cannot be used";
    let id = AccessKeyId::new(id).explain(unusable)?;
    let secret = SecretKey::new(secret).explain(unusable)?;
    Ok(match token {
        None => Credentials::long_term(id, secret),
        Some(token) => Credentials::temporary(id, secret, SessionToken::new(token).explain(unusable)?, expires_at),
    })
}
