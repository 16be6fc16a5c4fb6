//! The first byte in which the request that the server received differs from the request as it is given.

use super::recompute::Attempt;
use super::subject::Subject;
use super::{Findings, address};
use crate::redact;
use crate::report::{Cause, Likelihood};
use gatepass_signing::encode::{self, Plus};

/// How much of a line is shown before and after the difference, in characters.
const SURROUNDINGS: usize = 32;

/// Where two canonical requests differ first.
struct Difference<'a> {
    /// From 1.
    line: usize,
    /// From 1, in characters of what is shown.
    column: usize,
    ours: &'a str,
    theirs: &'a str,
    part: Part<'a>,
}

enum Part<'a> {
    Method,
    Path,
    Query,
    Header(&'a str),
    SignedHeaders,
    Payload,
}

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(theirs) = subject.error.and_then(|error| error.get("CanonicalRequest")) else { return };
    let Some((ours, _)) = Attempt::as_given(subject).and_then(|attempt| attempt.computed()) else { return };
    let theirs = theirs.trim_matches(['\r', '\n']).replace("\r\n", "\n");
    if ours == theirs {
        return;
    }
    let (shown_ours, shown_theirs) = (redact::canonical_request(&ours), redact::canonical_request(&theirs));
    let Some(difference) = first(&shown_ours, &shown_theirs) else {
        findings.add(
            Cause::QueryModified,
            Likelihood::Stated,
            "the server received another session token than the one in the URL",
            "send the URL exactly as it was made",
        );
        return;
    };
    let cause = difference.cause();
    let evidence = format!("the server computed the signature of another request: {}", difference.shown());
    findings.add(cause, Likelihood::Stated, evidence, Difference::fix(cause));
}

fn first<'a>(ours: &'a str, theirs: &'a str) -> Option<Difference<'a>> {
    let (our_lines, their_lines): (Vec<_>, Vec<_>) = (ours.split('\n').collect(), theirs.split('\n').collect());
    let count = our_lines.len().max(their_lines.len());
    let at = |lines: &[&'a str], index: usize| lines.get(index).copied().unwrap_or_default();
    let index = (0..count).find(|index| at(&our_lines, *index) != at(&their_lines, *index))?;
    let (ours, theirs) = (at(&our_lines, index), at(&their_lines, index));
    let column = ours.chars().zip(theirs.chars()).take_while(|(one, other)| one == other).count() + 1;
    let header = ours.split_once(':').or_else(|| theirs.split_once(':')).map(|(name, _)| name);
    let part = match index {
        0 => Part::Method,
        1 => Part::Path,
        2 => Part::Query,
        _ if header.is_some() => Part::Header(header.unwrap_or_default()),
        _ if index + 1 == count => Part::Payload,
        _ => Part::SignedHeaders,
    };
    Some(Difference { line: index + 1, column, ours, theirs, part })
}

impl Difference<'_> {
    fn cause(&self) -> Cause {
        match self.part {
            Part::Method => Cause::MethodMismatch,
            Part::Path => self.cause_of_path(),
            Part::Query => self.cause_of_query(),
            Part::Header("host") => Cause::HostMismatch,
            Part::Header(_) | Part::SignedHeaders | Part::Payload => Cause::SignedHeaderMismatch,
        }
    }

    fn cause_of_path(&self) -> Cause {
        let encoded = |text: &str| {
            let mut out = String::new();
            encode::path(text, &mut out);
            out
        };
        let (ours, theirs) = (self.ours, self.theirs);
        if address::decoded(theirs, Plus::Literal) == ours {
            Cause::DoubleEncodedKey
        } else if encoded(&address::decoded(theirs, Plus::Literal)) == theirs
            && encoded(&address::decoded(&address::decoded(ours, Plus::Literal), Plus::Literal)) == theirs
        {
            Cause::DecodedKey
        } else if ours.replace("%2B", "%20") == theirs.replace("%2B", "%20") {
            Cause::PlusForSpace
        } else if is_below(ours, theirs) || is_below(theirs, ours) {
            Cause::AddressingStyle
        } else {
            Cause::QueryModified
        }
    }

    fn cause_of_query(&self) -> Cause {
        if self.ours.replace("%2B", "%20") == self.theirs.replace("%2B", "%20") {
            return Cause::PlusForSpace;
        }
        if self.theirs.contains("&amp%3B") || self.theirs.starts_with("amp%3B") {
            Cause::HtmlEscaped
        } else {
            Cause::QueryModified
        }
    }

    fn fix(cause: Cause) -> &'static str {
        match cause {
            Cause::MethodMismatch => {
                "send the request with the method it was signed for, and let no redirect change it"
            }
            Cause::HostMismatch => {
                "sign for the host that the store sees in `Host`, or let the proxy in between pass on the client's"
            }
            Cause::AddressingStyle => {
                "sign in the addressing style in which the store is asked; a proxy must not move the bucket"
            }
            Cause::DoubleEncodedKey => "encode the key once: pass the signed URL on as it is",
            Cause::DecodedKey => "send the path as it stands in the signed URL; something on the way decodes it",
            Cause::PlusForSpace => "write a space as %20 and a plus sign as %2B",
            Cause::HtmlEscaped => "replace every &amp; by &",
            Cause::SignedHeaderMismatch => "send every signed header with exactly the value that was signed",
            _ => "send the URL exactly as it was made; something on the way changes it",
        }
    }

    /// Line and column, both sides, and a caret below the first difference.
    fn shown(&self) -> String {
        let part = match self.part {
            Part::Method => "the method".to_owned(),
            Part::Path => "the path".to_owned(),
            Part::Query => "the query".to_owned(),
            Part::Header(name) => format!("the header {name}"),
            Part::SignedHeaders => "the list of signed headers".to_owned(),
            Part::Payload => "what stands for the body".to_owned(),
        };
        let start = self.column.saturating_sub(1 + SURROUNDINGS);
        let dots = if start > 0 { "…" } else { "" };
        let window = |line: &str| {
            let shown: String = line.chars().skip(start).take(2 * SURROUNDINGS).collect();
            let more = if line.chars().count() > start + 2 * SURROUNDINGS { "…" } else { "" };
            format!("{dots}{shown}{more}")
        };
        let caret = " ".repeat(self.column - 1 - start + dots.chars().count());
        format!(
            "canonical request, line {}, column {} ({part})\n  as given: {}\n  received: {}\n            {caret}^",
            self.line,
            self.column,
            window(self.ours),
            window(self.theirs),
        )
    }
}

/// Whether the first is the second with a segment before it.
fn is_below(long: &str, short: &str) -> bool {
    long.strip_suffix(short)
        .is_some_and(|bucket| bucket.starts_with('/') && !bucket[1..].contains('/') && bucket.len() > 1)
        || (short == "/" && long.trim_matches('/').split('/').count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown_with_its_surroundings() {
        let ours = "GET\n/a\nx=1\nhost:h\n\nhost\nUNSIGNED-PAYLOAD";
        let shown = |theirs: &str| first(ours, theirs).expect("a difference").shown();
        assert_eq!(
            shown("GET\n/a\nx=2\nhost:h\n\nhost\nUNSIGNED-PAYLOAD"),
            "canonical request, line 3, column 3 (the query)\n  as given: x=1\n  received: x=2\n              ^"
        );
        assert!(shown("PUT\n/a\nx=1\nhost:h\n\nhost\nUNSIGNED-PAYLOAD").contains("line 1, column 1 (the method)"));
        assert!(shown("GET\n/a\nx=1\nhost:i\n\nhost\nUNSIGNED-PAYLOAD").contains("line 4, column 6 (the header host)"));
        assert!(shown("GET\n/a\nx=1\nhost:h\n\nhost;x\nUNSIGNED-PAYLOAD").contains("line 6"));
        assert!(first(ours, ours).is_none());
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let line = |middle: char| format!("GET\n/{}{middle}{}", "a".repeat(100), "b".repeat(100));
        let shown = first(&line('x'), &line('y')).expect("a difference").shown();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].contains("…a") && lines[1].ends_with("b…") && lines[1].chars().count() < 100, "{shown}");
        let caret = lines[3].chars().count() - 1;
        assert_eq!((lines[1].chars().nth(caret), lines[2].chars().nth(caret)), (Some('x'), Some('y')));
    }

    #[test]
    fn a_path_tells_what_happened_to_it() {
        let cause = |ours: &'static str, theirs: &'static str| {
            Difference { line: 2, column: 1, ours, theirs, part: Part::Path }.cause()
        };
        assert_eq!(cause("/a%20b", "/a%2520b"), Cause::DoubleEncodedKey);
        assert_eq!(cause("/a%2520b", "/a%20b"), Cause::DecodedKey);
        assert_eq!(cause("/a%20b", "/a%2Bb"), Cause::PlusForSpace);
        assert_eq!(cause("/bucket/k", "/k"), Cause::AddressingStyle);
        assert_eq!(cause("/k", "/bucket/k"), Cause::AddressingStyle);
        assert_eq!(cause("/k", "/other"), Cause::QueryModified);
    }
}
