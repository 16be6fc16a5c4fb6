//! Who calls: a user of an issuer, in a tenant, in groups.

use std::{collections::BTreeSet, fmt};

/// The longest subject, tenant or group that is taken from a token.
pub(crate) const MAX_NAME_BYTES: usize = 255;

/// A user, named by issuer and subject: two issuers may both have a subject `42`.
///
/// Written `issuer#subject`, with the issuer's name. An issuer's URL has no fragment (OpenID Connect Discovery §2) and a name
/// of its own no `#`, so this is unambiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserId(String);

/// A tenant: 1 to 255 bytes without control characters, and not `.` or `..`, which would become a dot segment of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenant(String);

/// The claim cannot name anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {MAX_NAME_BYTES} bytes, no control characters, and is not `.` or `..`")]
pub(crate) struct InvalidName;

/// Somebody whose token or session was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) user: UserId,
    pub(crate) tenant: Tenant,
    pub(crate) groups: BTreeSet<String>,
    /// For people to read; nothing is decided by it.
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

impl UserId {
    pub(crate) fn new(issuer: &str, subject: &str) -> Result<Self, InvalidName> {
        check(subject)?;
        Ok(Self(format!("{issuer}#{subject}")))
    }

    /// What [`UserId::as_str`] wrote into a row.
    pub(crate) fn from_row(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn subject(&self) -> &str {
        self.0.split_once('#').map_or(self.0.as_str(), |(_, subject)| subject)
    }
}

impl Tenant {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidName> {
        check(text)?;
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The tenant as one segment of an object key.
    pub(crate) fn key_segment(&self) -> String {
        let mut segment = String::new();
        gatepass_signing::encode::component(&self.0, &mut segment);
        segment
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn check(name: &str) -> Result<(), InvalidName> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len());
    if !fits || name.contains(char::is_control) || matches!(name, "." | "..") {
        return Err(InvalidName);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_issuer_and_subject() {
        let user = UserId::new("https://login.example.test", "a#b").expect("a user");
        assert_eq!(user.as_str(), "https://login.example.test#a#b");
        assert_eq!(user.subject(), "a#b");
    }

    #[test]
    fn a_tenant_is_one_segment_of_a_key() {
        assert_eq!(Tenant::parse("a/b c").expect("a tenant").key_segment(), "a%2Fb%20c");
        for wrong in ["", ".", "..", "a\nb", &"x".repeat(MAX_NAME_BYTES + 1)] {
            assert_eq!(Tenant::parse(wrong), Err(InvalidName), "{wrong:?}");
        }
        assert!(Tenant::parse(&"x".repeat(MAX_NAME_BYTES)).is_ok());
    }
}
