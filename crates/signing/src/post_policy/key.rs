//! Which keys a form may upload to.

use super::FILENAME;
use super::error::PostPolicyError;
use crate::address::Address;

/// The keys that a form may upload to: one, or those below a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRule(Rule);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Exact(String),
    Prefix(String),
}

impl KeyRule {
    /// One key: 1 to [`Address::MAX_KEY_BYTES`] bytes, without `${filename}`, which the store would replace.
    pub fn exact(key: impl Into<String>) -> Result<Self, PostPolicyError> {
        let key = key.into();
        if key.is_empty() || key.len() > Address::MAX_KEY_BYTES {
            return Err(PostPolicyError::KeyLength);
        }
        check_no_filename(&key)?;
        Ok(Self(Rule::Exact(key)))
    }

    /// Any key below a prefix that ends in `/`, such as `users/7/`. Without that slash `users/7` would also be the
    /// beginning of `users/71/…`, which is somebody else's.
    pub fn prefix(prefix: impl Into<String>) -> Result<Self, PostPolicyError> {
        let prefix = prefix.into();
        if !prefix.ends_with('/') || prefix == "/" {
            return Err(PostPolicyError::OpenPrefix);
        }
        Self::dangerously_any_prefix(prefix)
    }

    /// Any key that begins so, whatever that reaches: `users/7` reaches the files of user 71, and the empty prefix
    /// reaches every object of the bucket. Whoever holds the form can overwrite all of them.
    pub fn dangerously_any_prefix(prefix: impl Into<String>) -> Result<Self, PostPolicyError> {
        let prefix = prefix.into();
        if prefix.len() >= Address::MAX_KEY_BYTES {
            return Err(PostPolicyError::KeyLength);
        }
        check_no_filename(&prefix)?;
        Ok(Self(Rule::Prefix(prefix)))
    }

    /// The prefix, where the rule is not one key.
    #[must_use]
    pub fn as_prefix(&self) -> Option<&str> {
        match &self.0 {
            Rule::Exact(_) => None,
            Rule::Prefix(prefix) => Some(prefix),
        }
    }

    /// The value of the field `key`.
    pub(crate) fn field(&self) -> String {
        match &self.0 {
            Rule::Exact(key) => key.clone(),
            Rule::Prefix(prefix) => {
                let mut field = String::with_capacity(prefix.len() + FILENAME.len());
                field.push_str(prefix);
                field.push_str(FILENAME);
                field
            }
        }
    }

    pub(crate) fn text(&self) -> &str {
        match &self.0 {
            Rule::Exact(text) | Rule::Prefix(text) => text,
        }
    }
}

fn check_no_filename(text: &str) -> Result<(), PostPolicyError> {
    if text.contains(FILENAME) { Err(PostPolicyError::Filename) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_in_a_slash_unless_danger_is_asked_for() {
        for open in ["", "/", "users/7", "users/7/a"] {
            assert_eq!(KeyRule::prefix(open), Err(PostPolicyError::OpenPrefix), "{open:?}");
            assert_eq!(KeyRule::dangerously_any_prefix(open).unwrap().as_prefix(), Some(open));
        }
        assert_eq!(KeyRule::prefix("users/7/").unwrap().field(), "users/7/${filename}");
    }

    #[test]
    fn no_rule_holds_what_the_store_would_replace() {
        assert_eq!(KeyRule::exact("a/${filename}"), Err(PostPolicyError::Filename));
        assert_eq!(KeyRule::prefix("${filename}/"), Err(PostPolicyError::Filename));
        assert_eq!(KeyRule::exact("a$b").unwrap().field(), "a$b");
    }

    #[test]
    fn a_key_has_1_to_1024_bytes_and_a_prefix_leaves_room_for_one() {
        assert_eq!(KeyRule::exact(""), Err(PostPolicyError::KeyLength));
        assert!(KeyRule::exact("k".repeat(1024)).is_ok());
        assert_eq!(KeyRule::exact("k".repeat(1025)), Err(PostPolicyError::KeyLength));
        assert!(KeyRule::prefix("p".repeat(1022) + "/").is_ok());
        assert_eq!(KeyRule::prefix("p".repeat(1023) + "/"), Err(PostPolicyError::KeyLength));
    }
}
