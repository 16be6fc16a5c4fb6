//! `gatepass config check`: what is wrong with a configuration, and where.

use std::path::Path;

use serde_json::json;

use crate::{
    config,
    failure::{Outcome, Result},
    output::Output,
};

pub(crate) fn run(path: &Path, output: Output) -> Result {
    let findings = match config::check_file(path)? {
        Ok(_) => Vec::new(),
        Err(findings) => findings,
    };
    let document = json!({ "file": path, "valid": findings.is_empty(), "findings": findings });
    if findings.is_empty() {
        output.result(format_args!("{} is valid", path.display()), &document)?;
        return Ok(Outcome::Done);
    }
    let lines: Vec<String> = findings.iter().map(|finding| finding.located(path)).collect();
    output.result(lines.join("\n"), &document)?;
    if !output.is_json() {
        for hint in findings.iter().filter_map(|finding| finding.hint.as_ref()) {
            Output::note(format_args!("hint: {hint}"));
        }
    }
    Ok(Outcome::Finding)
}
