//! Accounts.

use std::fmt;

/// The account that owns everything in this installation.
pub const ROOT_ACCOUNT: AccountId = AccountId("000000000000");

/// Twelve digits, as AWS writes an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(&'static str);

impl AccountId {
    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.0
    }

    /// The canonical user id that S3 shows as the owner of objects: 64 hexadecimal digits, one per account.
    #[must_use]
    pub fn canonical_user_id(&self) -> String {
        format!("{:0>64}", self.0)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_user_id_has_the_length_of_amazons() {
        let id = ROOT_ACCOUNT.canonical_user_id();
        assert_eq!(id.len(), 64);
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
