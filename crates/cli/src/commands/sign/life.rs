//! How long something signed works, as it was typed and as it is told.

use gatepass_signing::time::{AgeLimit, Life, Lifetime, LimitedBy, SigningWindow};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    args::LifeArguments,
    clock::Clock,
    failure::{Failure, Result},
    output::Output,
    values::Seconds,
};

/// The lifetime, its rounding and the bucket's limit.
pub(super) fn window(life: &LifeArguments) -> Result<SigningWindow> {
    let lifetime = Lifetime::from_secs(life.expires.0).map_err(Failure::usage)?;
    let window = match life.round {
        Some(step) => SigningWindow::new(lifetime, step.0).map_err(Failure::usage)?,
        None => SigningWindow::from(lifetime),
    };
    let Some(limit) = life.signature_age else { return Ok(window) };
    AgeLimit::from_secs(limit.0).and_then(|limit| window.with_age_limit(limit)).map_err(Failure::usage)
}

/// The time as of which it is signed.
pub(super) fn now(life: &LifeArguments) -> Timestamp {
    life.now.unwrap_or_else(|| Clock::system().now())
}

/// Refuses what credentials would end sooner than was allowed.
pub(super) fn long_enough(arguments: &LifeArguments, life: Life, now: Timestamp) -> Result<()> {
    let Some(wanted) = arguments.min_validity else { return Ok(()) };
    let left = Seconds::until_end(life.remaining(now));
    if left >= wanted {
        return Ok(());
    }
    let message = format!("it would work for {left} only, until {}, and not for {wanted}", life.effective_expires_at());
    Err(match life.limited_by() {
        LimitedBy::Url => {
            Failure::usage(message).hint("let --expires be longer than --min-validity and --round together")
        }
        LimitedBy::AgeLimit => Failure::usage(message).hint("the limit is --signature-age"),
        LimitedBy::Credentials => {
            Failure::refused(format_args!("{message}: limited by the credentials")).hint("renew them, or sign in again")
        }
    })
}

/// Adds the times to what is printed for machines.
pub(super) fn describe(life: Life, document: &mut Value) {
    document["signed_at"] = life.signed_at().to_string().into();
    document["expires_at"] = life.expires_at().to_string().into();
    document["effective_expires_at"] = life.effective_expires_at().to_string().into();
    document["limited_by"] = life.limited_by().as_str().into();
}

/// Says aloud what ends sooner than it claims to.
pub(super) fn note(life: Life) {
    let end = life.effective_expires_at();
    match life.limited_by() {
        LimitedBy::Url => {}
        LimitedBy::Credentials => {
            Output::note(format_args!("hint: the credentials end at {end}, and what they signed with them"));
        }
        LimitedBy::AgeLimit => Output::note(format_args!("hint: the bucket refuses the signature from {end} on")),
    }
}
