//! `gatepass dev token`: an access token for a development user, signed with the key of the running `gatepass dev`.

use std::path::Path;

use gatepass_devidp::{Config, DevIdp};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    api,
    args::DevToken,
    clock::Clock,
    failure::{Outcome, Result},
    output::Output,
    state::State,
};

/// Where a `gatepass dev` keeps its identity provider.
pub(crate) const IDP_DIRECTORY: &str = "idp";

pub(crate) fn run(arguments: &DevToken, output: Output) -> Result {
    let state = State::running(&arguments.data.path)?;
    let token = make(&state, &arguments.data.path, &arguments.user, arguments.now)?;
    output.result(&token, &json!({ "user": arguments.user, "token": token }))?;
    Ok(Outcome::Done)
}

/// A token that begins at `now`, or now by the clock of the running one.
pub(crate) fn make(state: &State, data: &Path, user: &str, now: Option<Timestamp>) -> Result<String> {
    let now = now.unwrap_or_else(|| Clock::with_offset(state.clock_offset_milliseconds).now());
    let idp = DevIdp::open(Config {
        directory: data.join(IDP_DIRECTORY),
        issuer: state.issuer.clone(),
        redirect_uris: Vec::new(),
        now: api::fixed(now),
    })?;
    Ok(idp.token(user)?)
}
