//! `gatepass store check`: what is wrong in a store that nobody serves.

use std::fmt::Write as _;

use gatepass_store::{CheckError, Depth, OpenError, Repair, check};

use crate::{
    args::StoreCheck,
    failure::{Failure, Outcome, Result},
    output::Output,
    progress::Progress,
};

pub(crate) fn run(arguments: &StoreCheck, output: Output) -> Result {
    let depth = if arguments.metadata_only { Depth::Metadata } else { Depth::Bodies };
    let repair = if arguments.repair { Repair::Provable } else { Repair::No };
    let mut progress: Option<(Progress, u64)> = None;
    let report = check(&arguments.data, depth, repair, &mut |done, total| {
        let (bar, before) = progress.get_or_insert_with(|| (Progress::of(total), 0));
        bar.advance(usize::try_from(done - *before).unwrap_or(usize::MAX));
        *before = done;
    });
    if let Some((bar, _)) = progress {
        bar.finish();
    }
    let report = report.map_err(|error| {
        let hint = match &error {
            CheckError::NoStore(_) => Some("--data names the directory of `store run`; that of `dev` has one below it"),
            CheckError::Open(OpenError::InUse { .. }) => {
                Some("stop the store first, or check a backup of it (`gatepass store backup`)")
            }
            CheckError::Open(_) | CheckError::Failed(_) => None,
        };
        hint.into_iter().fold(Failure::from(error), Failure::hint)
    })?;

    let mut text = format!(
        "{} objects and {} parts of {} uploads in {} buckets, {} bytes\n",
        report.objects, report.parts, report.uploads, report.buckets, report.bytes
    );
    // Writing to a String does not fail.
    for finding in &report.findings {
        let _ = writeln!(text, "{finding}");
    }
    for (count, what) in [
        (report.more, "more findings"),
        (report.unsummed, "files of bodies from before there were sums: compared with entity tags and checksums alone"),
        (report.leftovers, "files that nothing names, which the next start removes"),
        (report.repaired, "rows and files repaired"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{count} {what}");
        }
    }
    let outcome = if report.findings.is_empty() {
        let _ = writeln!(text, "nothing is wrong");
        Outcome::Done
    } else {
        Outcome::Finding
    };
    output.result(text, &report)?;
    Ok(outcome)
}
