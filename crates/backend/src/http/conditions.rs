//! `ETag` and `If-Match` (RFC 9110 §8.8.3, §13.1.1) of rows that count their revisions.

use http::{HeaderMap, HeaderValue, header};

use super::problem::{Code, Problem};
use crate::repository::{Conditional, Revision};

/// The entity tag of a revision.
pub(crate) fn etag(revision: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits in quotes are visible ASCII")
}

/// Which revision a change is meant for, given the one that is there. An `If-Match` that does not name it fails at once.
pub(crate) fn if_match(headers: &HeaderMap, current: i64) -> Result<Revision, Problem> {
    let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
    if lines.peek().is_none() {
        return Ok(Revision::Any);
    }
    let current_tag = etag(current);
    let mut tags = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim);
    // A weak tag never matches here: it starts with `W/`.
    if tags.any(|tag| tag == "*" || tag.as_bytes() == current_tag.as_bytes()) {
        return Ok(Revision::Exactly(current));
    }
    Err(changed())
}

/// What a conditional change gave.
pub(crate) fn done<T>(outcome: Conditional<T>) -> Result<T, Problem> {
    match outcome {
        Conditional::Done(value) => Ok(value),
        Conditional::Missing => Err(Problem::not_found()),
        Conditional::OtherRevision => Err(changed()),
    }
}

fn changed() -> Problem {
    Problem::new(Code::PreconditionFailed, "it has another revision than If-Match names").hint("read it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_the_revision_or_fails() {
        let of = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
            }
            if_match(&headers, 3).ok()
        };
        assert_eq!(of(None), Some(Revision::Any));
        for fits in ["*", "\"3\"", "\"1\", \"3\""] {
            assert_eq!(of(Some(fits)), Some(Revision::Exactly(3)), "{fits}");
        }
        for other in ["\"2\"", "W/\"3\"", "3", ""] {
            assert_eq!(of(Some(other)), None, "{other}");
        }
    }
}
