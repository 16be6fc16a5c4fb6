//! `gatepass store backup`: a copy of a store, running or not.

use std::ops::ControlFlow;

use gatepass_store::{BackupError, OpenError, backup};

use crate::{
    args::StoreBackup,
    failure::{Failure, Outcome, Result},
    output::Output,
    progress::Progress,
};

pub(crate) fn run(arguments: &StoreBackup, output: Output) -> Result {
    let mut progress: Option<(Progress, u64)> = None;
    let made = backup(&arguments.data, &arguments.to, &mut |done, total| {
        let (bar, before) = progress.get_or_insert_with(|| (Progress::counting(total), 0));
        bar.advance(usize::try_from(done - *before).unwrap_or(usize::MAX));
        *before = done;
        ControlFlow::Continue(())
    });
    if let Some((bar, _)) = progress {
        bar.finish();
    }
    let report = made.map_err(|error| {
        let hint = match &error {
            BackupError::NoStore(_) => Some("--data names the directory of `store run`"),
            BackupError::Exists(_) => Some("a backup overwrites nothing: choose another name with --to"),
            BackupError::Open(OpenError::InUse { .. }) => {
                Some("the process that has it open does not answer; stop it, or back up when it runs by `store run`")
            }
            _ => None,
        };
        hint.into_iter().fold(Failure::from(error), Failure::hint)
    })?;
    let text = format!(
        "{}: {} rows, {} files shared with the store, {} copied",
        arguments.to.display(),
        report.rows,
        report.linked,
        report.copied
    );
    output.result(text, &report)?;
    Ok(Outcome::Done)
}
