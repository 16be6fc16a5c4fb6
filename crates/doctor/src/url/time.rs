//! `expired`, `not_yet_valid`, `clock_skew`, `expires_too_long`.

use jiff::{SignedDuration, Timestamp};

use super::Findings;
use super::subject::{Authentication, Place, Subject};
use crate::report::{Cause, Likelihood};

/// The longest lifetime (Amazon S3 User Guide, "Download and upload objects with presigned URLs").
const LONGEST_SECONDS: i64 = 604_800;
/// How far in the future a request may be signed.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(15);

const RENEW: &str = "sign a new URL at the moment it is needed, or for longer; a download that was begun in time is not \
    interrupted, a resumed one is a new request";
const SET_THE_CLOCK: &str =
    "set the clock of the machine that signs (NTP), and look at its time zone: X-Amz-Date is UTC";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    stated(subject, findings);
    lifetime(subject, findings);
    by_the_clock(subject, findings);
}

fn stated(subject: &Subject<'_>, findings: &mut Findings) {
    let message = subject.message();
    let at = |name: &str| subject.error.and_then(|error| error.get(name)).unwrap_or("an unknown time");
    if subject.code() == "RequestTimeTooSkewed" {
        let evidence =
            format!("the server's clock said {} when the request said {}", at("ServerTime"), at("RequestTime"));
        findings.add(Cause::ClockSkew, Likelihood::Stated, evidence, SET_THE_CLOCK);
    } else if message.starts_with("Request has expired") || subject.code() == "ExpiredRequest" {
        let evidence =
            format!("the server says so: it was good until {}, at {} it was late", at("Expires"), at("ServerTime"));
        findings.add(Cause::Expired, Likelihood::Stated, evidence, RENEW);
    } else if message.starts_with("Request is not yet valid") || message.starts_with("Request is not valid yet") {
        let signed_at = subject.signed_at().map_or_else(|| "the future".to_owned(), |at| at.to_string());
        let evidence = format!(
            "the server says so: it was signed at {signed_at}, and the server's clock said {}",
            at("ServerTime")
        );
        findings.add(Cause::NotYetValid, Likelihood::Stated, evidence, SET_THE_CLOCK);
    }
}

fn lifetime(subject: &Subject<'_>, findings: &mut Findings) {
    const FIX: &str =
        "sign for at most seven days (604800 seconds); for longer, hand out a link of your own that signs anew";
    let Some(text) = subject.sigv4().and_then(|claim| claim.expires.as_deref()) else { return };
    match text.parse::<i64>() {
        Ok(seconds) if seconds > LONGEST_SECONDS => {
            let evidence = format!("X-Amz-Expires is {seconds}, which is more than {LONGEST_SECONDS} seconds");
            let likelihood =
                if subject.message().contains("less than a week") { Likelihood::Stated } else { Likelihood::Evident };
            findings.add(Cause::ExpiresTooLong, likelihood, evidence, FIX);
        }
        Ok(seconds) if seconds >= 0 => {}
        _ if text.len() > 6 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            findings.add(
                Cause::ExpiresTooLong,
                Likelihood::Evident,
                "X-Amz-Expires is no number of seconds that fits",
                FIX,
            );
        }
        _ => {
            let evidence = "X-Amz-Expires is no whole number of seconds, zero or more";
            findings.add(
                Cause::QueryModified,
                Likelihood::Evident,
                evidence,
                "give the lifetime as a number of seconds",
            );
        }
    }
}

fn by_the_clock(subject: &Subject<'_>, findings: &mut Findings) {
    let moment = subject.moment;
    // An answer that names another reason was given in time, if not by today's clock.
    let is_open = subject.is_unanswered() || (subject.cloudfront().is_some() && subject.code() == "AccessDenied");
    let likelihood = if is_open { Likelihood::Evident } else { Likelihood::Remark };
    let (expired, fix) = match subject.authentication {
        Authentication::Post(_) => (Cause::PolicyExpired, super::policy::RENEW),
        _ => (Cause::Expired, RENEW),
    };
    if let Some(end) = subject.expires_at().filter(|end| *end < moment) {
        let evidence =
            format!("it was good until {end}, which is {} before {moment}", span(moment.duration_since(end)));
        findings.add(expired, likelihood, evidence, fix);
    }
    let Some(signed_at) = subject.signed_at() else { return };
    let ahead = signed_at.duration_since(moment);
    let is_header = matches!(&subject.authentication, Authentication::SigV4(claim) if claim.place == Place::Header);
    if is_header && ahead.abs() > TOLERANCE {
        let evidence = format!(
            "it was signed at {signed_at}, and it is {moment}: {} apart, 15 minutes are allowed",
            span(ahead.abs())
        );
        findings.add(Cause::ClockSkew, likelihood, evidence, SET_THE_CLOCK);
    } else if ahead > TOLERANCE {
        let evidence = format!("it was signed at {signed_at}, which is {} after {moment}", span(ahead));
        findings.add(Cause::NotYetValid, likelihood, evidence, SET_THE_CLOCK);
    }
    skew_of_the_client(subject, findings);
}

/// A HAR file has both clocks: the browser's, and in `Date` the server's.
fn skew_of_the_client(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(sent_at) = subject.request.sent_at else { return };
    let server: Option<Timestamp> = subject.response.header("date").map(|_| subject.moment);
    let Some(apart) = server.map(|server| sent_at.duration_since(server)).filter(|apart| apart.abs() > TOLERANCE)
    else {
        return;
    };
    let evidence = format!("the client's clock and the server's are {} apart", span(apart.abs()));
    findings.add(Cause::ClockSkew, Likelihood::Possible, evidence, SET_THE_CLOCK);
}

/// A duration in the two largest units that it has.
fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let unit = |count: i64, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
    match seconds {
        0..=119 => unit(seconds, "second"),
        120..=7199 => unit(seconds / 60, "minute"),
        7200..=172_799 => unit(seconds / 3600, "hour"),
        _ => unit(seconds / 86_400, "day"),
    }
}
