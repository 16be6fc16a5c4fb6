//! A bar on standard error for transfers that last.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is over sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much is done. It shows itself after a second, and only on a terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    pub(crate) fn of(total: u64) -> Self {
        Self::with(total, "{bar:32} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left")
    }

    /// Of things, not bytes.
    pub(crate) fn counting(total: u64) -> Self {
        Self::with(total, "{bar:32} {pos} of {len}  {eta} left")
    }

    fn with(total: u64, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now() }
    }

    pub(crate) fn advance(&self, bytes: usize) {
        if self.bar.is_hidden() && self.started.elapsed() >= PATIENCE {
            // Stays hidden where standard error is no terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
