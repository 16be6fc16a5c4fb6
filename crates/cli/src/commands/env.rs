//! `gatepass env`: the variables that point AWS tools to a running `gatepass dev`.

use serde_json::{Map, Value};

use crate::{
    args::Env,
    failure::{Outcome, Result},
    output::Output,
    state::State,
    values::shell_quote,
};

pub(crate) fn run(arguments: &Env, output: Output) -> Result {
    let State { backend, store, issuer, region, access_key, secret_key, .. } = State::running(&arguments.data.path)?;
    let mut variables = aws(&store, &region, &access_key, &secret_key);
    variables.push(("GATEPASS_BACKEND", backend));
    variables.push(("GATEPASS_ISSUER", issuer));
    let lines: Vec<String> =
        variables.iter().map(|(name, value)| format!("export {name}={}", shell_quote(value))).collect();
    let document: Map<String, Value> =
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    output.result(lines.join("\n"), &document)?;
    Ok(Outcome::Done)
}

/// What AWS tools and SDKs read.
pub(super) fn aws(store: &str, region: &str, access_key: &str, secret_key: &str) -> Vec<(&'static str, String)> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_SECRET_ACCESS_KEY", secret_key),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ENDPOINT_URL", store),
        ("AWS_ENDPOINT_URL_S3", store),
        ("AWS_ENDPOINT_URL_STS", store),
        ("GATEPASS_STORE", store),
    ];
    variables.map(|(name, value)| (name, value.to_owned())).to_vec()
}
