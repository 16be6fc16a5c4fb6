//! Who makes a request, and whom a statement names.
//!
//! Source: IAM user guide, "AWS JSON policy elements: Principal" and "NotPrincipal".

use std::fmt;

/// The one who makes a request, as policies name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody: the request carries no credentials.
    Anonymous,
    /// The account itself. It may everything in its account that nothing denies.
    Root {
        /// Twelve digits.
        account: String,
        /// The other name that S3 has for the account.
        canonical_user: Option<String>,
    },
}

impl Principal {
    /// The root identity of an account.
    #[must_use]
    pub fn root(account: &str) -> Self {
        Self::Root { account: account.to_owned(), canonical_user: None }
    }

    /// The same, which policies may also call by its canonical user id.
    #[must_use]
    pub fn root_with_canonical_user(account: &str, canonical_user: &str) -> Self {
        Self::Root { account: account.to_owned(), canonical_user: Some(canonical_user.to_owned()) }
    }

    /// How AWS writes this principal: `arn:aws:iam::ACCOUNT:root`, or `anonymous`.
    #[must_use]
    pub fn arn(&self) -> String {
        self.to_string()
    }

    /// The account that the principal belongs to.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Root { account, .. } => Some(account),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => formatter.write_str("anonymous"),
            Self::Root { account, .. } => write!(formatter, "arn:aws:iam::{account}:root"),
        }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// `"*"`: everybody, also those without credentials.
    Everybody,
    /// Those that are named.
    Only(Vec<PrincipalName>),
    /// Those that are not named, those without credentials among them.
    AllBut(Vec<PrincipalName>),
}

/// One name in a `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalName {
    /// `*`.
    Everybody,
    /// An account, and everybody in it: twelve digits, or the ARN of its root.
    Account(String),
    /// Somebody of IAM or STS: the ARN of a user, a role or a session.
    Arn(String),
    /// An account by its canonical user id.
    CanonicalUser(String),
    /// A service of AWS.
    Service(String),
    /// A provider of identities.
    Federated(String),
}

impl Principals {
    /// Whether a principal is among them. An account id, and the ARN of its root, name the whole account.
    #[must_use]
    pub fn include(&self, principal: &Principal) -> bool {
        let any = |names: &[PrincipalName]| names.iter().any(|name| name.means(principal));
        match self {
            Self::Everybody => true,
            Self::Only(names) => any(names),
            Self::AllBut(names) => !any(names),
        }
    }
}

impl PrincipalName {
    /// Reads a name of the kind `AWS`: `*`, an account id, or an ARN of IAM or STS, in which AWS takes no wildcards.
    #[must_use]
    pub fn of_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everybody);
        }
        if is_account(text) {
            return Some(Self::Account(text.to_owned()));
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam" | "sts", "", account, name] = parts.as_slice() else { return None };
        let is_arn = partition.starts_with("aws") && is_account(account) && !name.is_empty();
        if !is_arn || text.contains(['*', '?']) {
            return None;
        }
        let is_root = *partition == "aws" && text.starts_with("arn:aws:iam:") && *name == "root";
        Some(if is_root { Self::Account((*account).to_owned()) } else { Self::Arn(text.to_owned()) })
    }

    fn means(&self, principal: &Principal) -> bool {
        match (self, principal) {
            (Self::Everybody, _) => true,
            (Self::Account(named), Principal::Root { account, .. }) => named == account,
            (Self::CanonicalUser(named), Principal::Root { canonical_user, .. }) => {
                canonical_user.as_ref() == Some(named)
            }
            // Users, roles and sessions are not the root identity; services and providers do not sign here.
            _ => false,
        }
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "123456789012";

    #[test]
    fn names_of_the_kind_aws_are_read_strictly() {
        let account = || Some(PrincipalName::Account(ACCOUNT.into()));
        let user = "arn:aws:iam::123456789012:user/a";
        let session = "arn:aws:sts::123456789012:assumed-role/r/s";
        for (text, expected) in [
            ("*", Some(PrincipalName::Everybody)),
            (ACCOUNT, account()),
            ("arn:aws:iam::123456789012:root", account()),
            (user, Some(PrincipalName::Arn(user.into()))),
            (session, Some(PrincipalName::Arn(session.into()))),
            ("", None),
            ("12345678901", None),
            ("1234567890123", None),
            ("arn:aws:iam::123456789012:user/*", None),
            ("arn:aws:iam::123456789012:", None),
            ("arn:aws:iam::12:root", None),
            ("arn:aws:s3:::bucket", None),
            ("arn:aws:iam:us-east-1:123456789012:root", None),
            ("everybody", None),
        ] {
            assert_eq!(PrincipalName::of_aws(text), expected, "{text}");
        }
    }

    #[test]
    fn who_is_named_is_meant() {
        let root = Principal::root_with_canonical_user(ACCOUNT, "c0ffee");
        let table = [
            (PrincipalName::Everybody, true, true),
            (PrincipalName::Account(ACCOUNT.into()), true, false),
            (PrincipalName::Account("210987654321".into()), false, false),
            (PrincipalName::CanonicalUser("c0ffee".into()), true, false),
            (PrincipalName::CanonicalUser("decaf".into()), false, false),
            (PrincipalName::Arn("arn:aws:iam::123456789012:user/a".into()), false, false),
            (PrincipalName::Service("cloudfront.amazonaws.com".into()), false, false),
            (PrincipalName::Federated("accounts.google.com".into()), false, false),
        ];
        for (name, means_root, means_anonymous) in table {
            for (principal, means) in [(&root, means_root), (&Principal::Anonymous, means_anonymous)] {
                assert_eq!(Principals::Only(vec![name.clone()]).include(principal), means, "{name:?} {principal}");
                assert_eq!(Principals::AllBut(vec![name.clone()]).include(principal), !means, "{name:?} {principal}");
            }
        }
        assert!(Principals::Everybody.include(&Principal::Anonymous));
        let no_name = Principal::root(ACCOUNT);
        assert!(!Principals::Only(vec![PrincipalName::CanonicalUser("c0ffee".into())]).include(&no_name));
    }
}
