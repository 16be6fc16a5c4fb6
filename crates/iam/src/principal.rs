//! Who makes a request.

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
    },
}

impl Principal {
    /// The root identity of an account.
    #[must_use]
    pub fn root(account: &str) -> Self {
        Self::Root { account: account.to_owned() }
    }

    /// How AWS writes this principal: `arn:aws:iam::ACCOUNT:root`, or `anonymous`.
    #[must_use]
    pub fn arn(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => formatter.write_str("anonymous"),
            Self::Root { account } => write!(formatter, "arn:aws:iam::{account}:root"),
        }
    }
}
