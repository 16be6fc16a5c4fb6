//! `*`, `?` and `${…}` in resources and in the values of conditions.
//!
//! Source: IAM user guide, "IAM policy elements: Variables and tags" and "IAM JSON policy elements: Resource".

use std::borrow::Cow;

use crate::context::Context;

/// A text in which `*` stands for any run of characters and `?` for exactly one. Both cross `/` and `:`. It may hold
/// variables, which a request fills in: what they bring is taken literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    One,
    Any,
    Variable { key: String, default: Option<String> },
}

/// A part whose variable has been filled in.
#[derive(Clone, Copy, Debug)]
enum Atom<'a> {
    Text(&'a str),
    One,
    Any,
}

/// `${` begins a variable that does not end, or that has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedVariable;

impl Pattern {
    /// Every text is a pattern; `${` means itself.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        let text = pattern.into();
        let mut parts = Vec::new();
        push_wildcards(&text, &mut parts);
        Self { text, parts }
    }

    /// A pattern with variables: `${key}`, `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters themselves.
    pub fn with_variables(pattern: impl Into<String>) -> Result<Self, MalformedVariable> {
        let text = pattern.into();
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            push_wildcards(before, &mut parts);
            let (inside, after) = after.split_once('}').ok_or(MalformedVariable)?;
            parts.push(variable(inside)?);
            rest = after;
        }
        push_wildcards(rest, &mut parts);
        Ok(Self { text, parts })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The keys that a request fills in.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { key, .. } => Some(key.as_str()),
            _ => None,
        })
    }

    /// Whether the whole text matches, case mattering. A variable that the request does not fill in matches nothing.
    #[must_use]
    pub fn matches(&self, text: &str, context: &Context) -> bool {
        self.atoms(context).is_some_and(|atoms| matches(&atoms, text, |a, b| a == b))
    }

    /// Whether the whole text matches, ASCII case not mattering. Actions are compared so.
    #[must_use]
    pub fn matches_ignoring_case(&self, text: &str) -> bool {
        let nothing = Context::new();
        let atoms = self.atoms(&nothing);
        atoms.is_some_and(|atoms| matches(&atoms, text, str::eq_ignore_ascii_case))
    }

    /// Segment by segment, so that no wildcard reaches over a colon; the sixth segment keeps its colons.
    #[must_use]
    pub fn matches_arn(&self, arn: &str, context: &Context) -> bool {
        const SEGMENTS: usize = 6;
        let Some(atoms) = self.atoms(context) else { return false };
        let mut segments: Vec<Vec<Atom<'_>>> = vec![Vec::new()];
        for atom in atoms {
            let Atom::Text(text) = atom else {
                last_of(&mut segments).push(atom);
                continue;
            };
            for (index, piece) in text.splitn(SEGMENTS + 1 - segments.len(), ':').enumerate() {
                if index > 0 {
                    segments.push(Vec::new());
                }
                last_of(&mut segments).push(Atom::Text(piece));
            }
        }
        let arn: Vec<&str> = arn.splitn(SEGMENTS, ':').collect();
        segments.len() == SEGMENTS
            && arn.len() == SEGMENTS
            && segments.iter().zip(arn).all(|(segment, text)| matches(segment, text, |a, b| a == b))
    }

    /// The text itself, in which wildcards are characters like others; `None` where a variable has no value.
    #[must_use]
    pub fn literal(&self, context: &Context) -> Option<Cow<'_, str>> {
        if let [Part::Text(text)] = self.parts.as_slice() {
            return Some(Cow::Borrowed(text));
        }
        let atoms = self.atoms(context)?;
        let text = atoms.into_iter().map(|atom| match atom {
            Atom::Text(text) => text,
            Atom::One => "?",
            Atom::Any => "*",
        });
        Some(Cow::Owned(text.collect()))
    }

    fn atoms<'a>(&'a self, context: &'a Context) -> Option<Vec<Atom<'a>>> {
        let fill_in = |part: &'a Part| match part {
            Part::Text(text) => Some(Atom::Text(text)),
            Part::One => Some(Atom::One),
            Part::Any => Some(Atom::Any),
            Part::Variable { key, default } => match context.values(key) {
                [] => default.as_deref().map(Atom::Text),
                [value] => Some(Atom::Text(value)),
                // A key of several values cannot stand for one.
                _ => None,
            },
        };
        self.parts.iter().map(fill_in).collect()
    }
}

fn last_of<T: Default>(list: &mut Vec<T>) -> &mut T {
    if list.is_empty() {
        list.push(T::default());
    }
    let last = list.len() - 1;
    &mut list[last]
}

fn push_wildcards(text: &str, parts: &mut Vec<Part>) {
    for piece in text.split_inclusive(['*', '?']) {
        let (literal, wildcard) = match piece.as_bytes().last() {
            Some(b'*') => (&piece[..piece.len() - 1], Some(Part::Any)),
            Some(b'?') => (&piece[..piece.len() - 1], Some(Part::One)),
            _ => (piece, None),
        };
        if !literal.is_empty() {
            parts.push(Part::Text(literal.to_owned()));
        }
        parts.extend(wildcard);
    }
}

/// What stands between the braces.
fn variable(inside: &str) -> Result<Part, MalformedVariable> {
    if matches!(inside, "*" | "?" | "$") {
        return Ok(Part::Text(inside.to_owned()));
    }
    let (key, default) = match inside.split_once(',') {
        None => (inside.trim(), None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            (key.trim(), Some(default.ok_or(MalformedVariable)?.to_owned()))
        }
    };
    let is_name =
        !key.is_empty() && !key.contains(['$', '{', '\'', '"', '*', '?']) && !key.contains(char::is_whitespace);
    if is_name { Ok(Part::Variable { key: key.to_owned(), default }) } else { Err(MalformedVariable) }
}

/// Greedy with one point of return, so its time is bounded by the product of the lengths, never exponential.
fn matches(pattern: &[Atom<'_>], text: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut after_star: Option<(usize, usize)> = None;
    loop {
        let advanced = match pattern.get(p) {
            Some(Atom::Any) => {
                after_star = Some((p + 1, t));
                Some(t)
            }
            Some(Atom::One) => text[t..].chars().next().map(|character| t + character.len_utf8()),
            Some(Atom::Text(expected)) => {
                let end = t + expected.len();
                text.get(t..end).filter(|found| same(found, expected)).map(|_| end)
            }
            None if t == text.len() => return true,
            None => None,
        };
        if let Some(advanced) = advanced {
            p += 1;
            t = advanced;
            continue;
        }
        // The star takes one character more.
        let Some((resume, consumed)) = after_star else { return false };
        let Some(character) = text[consumed..].chars().next() else { return false };
        let consumed = consumed + character.len_utf8();
        after_star = Some((resume, consumed));
        (p, t) = (resume, consumed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).matches(text, &Context::new())
    }

    /// The definition, slow and plain.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), None) => by_definition(rest, text),
            (Some(('*', rest)), Some((_, tail))) => by_definition(rest, text) || by_definition(pattern, tail),
            (Some(('?', rest)), Some((_, tail))) => by_definition(rest, tail),
            (Some((a, rest)), Some((b, tail))) => a == b && by_definition(rest, tail),
            _ => false,
        }
    }

    #[test]
    fn wildcards_cross_slashes_and_match_whole_texts() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("?", "", false),
            ("", "", true),
            ("", "a", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b/c", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("a?c", "aéc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab-", false),
            ("*é", "èé", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        assert!(Pattern::new("S3:get*").matches_ignoring_case("s3:GetObject"));
        assert!(!fits("S3:get*", "s3:GetObject"));
    }

    #[test]
    fn many_stars_take_bounded_time() {
        assert!(!fits(&("a*".repeat(200) + "b"), &"a".repeat(2000)));
    }

    #[test]
    fn variables_are_filled_in_literally() {
        let context = Context::new().with("aws:username", "a*").with("s3:prefix", "p").with("s3:prefix", "q");
        let of = |text: &str| Pattern::with_variables(text).unwrap();
        for (pattern, text, expected) in [
            ("home/${aws:username}/*", "home/a*/x", true),
            ("home/${AWS:UserName}/*", "home/a*/x", true),
            ("home/${aws:username}/*", "home/ab/x", false),
            ("${aws:userid}", "", false),
            ("${aws:userid}*", "x", false),
            ("${aws:userid, 'nobody'}", "nobody", true),
            ("${aws:username, 'nobody'}", "nobody", false),
            ("${aws:userid, ''}", "", true),
            ("${*}${?}${$}", "*?$", true),
            ("${*}", "x", false),
            ("${s3:prefix}", "p", false),
        ] {
            assert_eq!(of(pattern).matches(text, &context), expected, "{pattern} {text}");
        }
        assert_eq!(of("${*}*${aws:username}").literal(&context).as_deref(), Some("**a*"));
        assert_eq!(of("${aws:userid}").literal(&context), None);
        assert_eq!(of("${*}${a}/${b, 'c'}").variables().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_malformed_variable_is_refused_and_without_variables_it_is_text() {
        for text in ["${", "${a", "${}", "${ }", "${a, b}", "${a, 'b}", "${a${b}}", "a${*?}"] {
            assert_eq!(Pattern::with_variables(text), Err(MalformedVariable), "{text}");
            assert_eq!(Pattern::new(text).literal(&Context::new()).as_deref(), Some(text));
        }
    }

    #[test]
    fn arns_are_compared_segment_by_segment() {
        let context = Context::new().with("aws:PrincipalAccount", "123456789012");
        for (pattern, arn, expected) in [
            ("arn:aws:iam::*:user/a*", "arn:aws:iam::1:user/ab", true),
            ("arn:aws:*:user/a*", "arn:aws:iam::1:user/ab", false),
            ("arn:*:*:*:*:*", "arn:aws:sns:eu-west-1:1:topic:sub:more", true),
            ("arn:aws:iam::${aws:PrincipalAccount}:root", "arn:aws:iam::123456789012:root", true),
            ("arn:aws:iam::${aws:nothing}:root", "arn:aws:iam::123456789012:root", false),
            ("*", "arn:aws:iam::1:root", false),
            ("arn:aws:iam::1:a:b", "arn:aws:iam::1:a:b", true),
        ] {
            let pattern = Pattern::with_variables(pattern).unwrap();
            assert_eq!(pattern.matches_arn(arn, &context), expected, "{pattern:?} {arn}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[abé*?]{0,8}", text in "[abcé]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(fits(&pattern, &text), by_definition(&p, &t));
        }

        #[test]
        fn no_pattern_panics(pattern in ".{0,40}", text in ".{0,40}") {
            if let Ok(pattern) = Pattern::with_variables(pattern) {
                let _ = (pattern.matches(&text, &Context::new()), pattern.matches_arn(&text, &Context::new()));
            }
        }
    }
}
