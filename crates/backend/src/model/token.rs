//! Bearer secrets of our own making: link tokens and session cookies.
//!
//! The text leaves the process once, in the answer that makes it. Only its SHA-256 is stored: 256 random bits need no
//! slow hash.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::random;

/// The most digits 256 bits have in base 58, and so the longest text worth decoding.
const MAX_TEXT_BYTES: usize = 44;

/// 256 random bits. Never printed; [`SecretToken::expose`] is the only way out.
pub(crate) struct SecretToken([u8; 32]);

/// The SHA-256 of a token: what the database knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash([u8; 32]);

impl SecretToken {
    pub(crate) fn mint() -> Self {
        Self(random::bytes())
    }

    /// Reads the one spelling that [`SecretToken::expose`] writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let bytes = bs58::decode(text).into_vec().ok()?;
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn expose(&self) -> String {
        bs58::encode(self.0).into_string()
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }

    /// Another secret that follows from this one, for a purpose of its own.
    pub(crate) fn derive(&self, purpose: &str) -> String {
        let digest = Sha256::new().chain_update(purpose).chain_update([0]).chain_update(self.0).finalize();
        bs58::encode(digest).into_string()
    }
}

impl TokenHash {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretToken(…)")
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_never_printed() {
        let token = SecretToken::mint();
        let text = token.expose();
        assert_eq!(SecretToken::parse(&text).expect("the token").hash(), token.hash());
        assert!(!format!("{token:?} {:?}", token.hash()).contains(&text));
    }

    #[test]
    fn other_lengths_and_alphabets_are_no_tokens() {
        let longer = "2".repeat(MAX_TEXT_BYTES + 1);
        for wrong in ["", "1", "0OIl", longer.as_str(), "../../etc/passwd"] {
            assert!(SecretToken::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn derived_secrets_differ_by_purpose() {
        let token = SecretToken::mint();
        assert_ne!(token.derive("a"), token.derive("b"));
        assert_eq!(token.derive("a"), token.derive("a"));
    }
}
