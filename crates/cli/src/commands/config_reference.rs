//! `gatepass config reference`: every setting, as a valid file.

use serde_json::json;

use crate::{
    config,
    failure::{Outcome, Result},
    output::Output,
};

pub(crate) fn run(output: Output) -> Result {
    output.result(config::REFERENCE, &json!({ "reference": config::REFERENCE }))?;
    Ok(Outcome::Done)
}
