//! Signing as a role: AWS STS exchanges the credentials at hand for those of a session ("AssumeRole").

use std::{env, fs};

use aws_config::{BehaviorVersion, sts::AssumeRoleProvider};
use aws_credential_types::provider::ProvideCredentials as _;
use gatepass_signing::{
    credentials::{Credentials, SessionToken},
    sigv4::Region,
};
use serde_json::Value;

use crate::{
    credentials,
    failure::{Explain as _, Failure, Result},
};

/// What the session is called in CloudTrail.
const SESSION_NAME: &str = "gatepass";

/// A role to assume, and where it is asked for.
pub(crate) struct Role<'a> {
    pub(crate) arn: &'a str,
    /// A policy that the session is held to.
    pub(crate) policy: Option<String>,
    pub(crate) profile: Option<&'a str>,
    pub(crate) region: &'a Region,
    /// The store's own endpoint, which is asked where the environment names none for STS.
    pub(crate) endpoint: Option<&'a str>,
}

/// The policy that was typed: a file's, or the document itself.
pub(crate) fn session_policy(typed: &str) -> Result<String> {
    let text = if typed.trim_start().starts_with('{') {
        typed.to_owned()
    } else {
        fs::read_to_string(typed).explain(format!("the session policy {typed} cannot be read"))?
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(_)) => Ok(text),
        Ok(_) => Err(Failure::usage("the session policy is no JSON object")),
        Err(error) => Err(Failure::usage(format_args!("the session policy is no JSON: {error}"))),
    }
}

/// The credentials of a session of the role.
pub(crate) async fn assume(own: &Credentials, role: Role<'_>) -> Result<Credentials> {
    let own = aws_credential_types::Credentials::new(
        own.access_key_id().as_str(),
        own.secret_key().expose(),
        own.session_token().map(|token| SessionToken::expose(token).to_owned()),
        None,
        "gatepass",
    );
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(aws_config::Region::new(role.region.as_str().to_owned()));
    if let Some(profile) = role.profile {
        loader = loader.profile_name(profile);
    }
    let is_written = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(endpoint) =
        role.endpoint.filter(|_| !is_written("AWS_ENDPOINT_URL_STS") && !is_written("AWS_ENDPOINT_URL"))
    {
        loader = loader.endpoint_url(endpoint);
    }
    let mut provider = AssumeRoleProvider::builder(role.arn).session_name(SESSION_NAME).configure(&loader.load().await);
    if let Some(policy) = role.policy {
        provider = provider.policy(policy);
    }
    let session = provider.build_from_provider(own).await.provide_credentials().await;
    let session = session.explain(format!("the role {} cannot be assumed", role.arn)).map_err(|failure| {
        failure.hint("the role's trust policy must name who signs, and they need sts:AssumeRole for it")
    })?;
    credentials::adopted(&session)
}
