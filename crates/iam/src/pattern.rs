//! `*` and `?` in actions, resources and `StringLike`.

/// A text in which `*` stands for any run of characters and `?` for exactly one. Both cross `/` and `:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Every text is a pattern.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole text matches, case mattering.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        matches(&self.0, text, |a, b| a == b)
    }

    /// Whether the whole text matches, ASCII case not mattering. Actions are compared so.
    #[must_use]
    pub fn matches_ignoring_case(&self, text: &str) -> bool {
        matches(&self.0, text, |a, b| a.eq_ignore_ascii_case(&b))
    }
}

/// Greedy with one point of return, so its time is bounded by the product of the lengths, never exponential.
fn matches(pattern: &str, text: &str, same: impl Fn(char, char) -> bool) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut after_star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                after_star = Some((p + 1, t));
                p += 1;
            }
            Some(&expected) if expected == '?' || same(expected, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((resume, consumed)) = after_star else { return false };
                after_star = Some((resume, consumed + 1));
                p = resume;
                t = consumed + 1;
            }
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b/c", true),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("a?c", "aéc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab-", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert!(Pattern::new("S3:get*").matches_ignoring_case("s3:GetObject"));
        assert!(!Pattern::new("S3:get*").matches("s3:GetObject"));
    }

    #[test]
    fn many_stars_take_bounded_time() {
        let pattern = Pattern::new("a*".repeat(200) + "b");
        assert!(!pattern.matches(&"a".repeat(2000)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[ab*?]{0,8}", text in "[abc]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern::new(pattern).matches(&text), by_definition(&p, &t));
        }
    }
}
