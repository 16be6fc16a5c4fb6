//! What a signature is made with. Secrets redact themselves, are wiped when dropped, and compare in constant time.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use smol_str::SmolStr;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::encode;

/// The public half of a credential. Not empty, visible ASCII, and without `/` and `,`, which would break the
/// `X-Amz-Credential` parameter and the `Authorization` header apart. Those of AWS are short enough to need no allocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessKeyId(SmolStr);

impl AccessKeyId {
    /// The longest access key id. AWS documents 16 to 128 characters; other stores use shorter ones, never longer.
    pub const MAX_BYTES: usize = 128;

    /// Checks the characters and the length.
    pub fn new(id: impl AsRef<str>) -> Result<Self, CredentialsError> {
        let id = id.as_ref();
        let is_clean = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b',');
        let clean = id.bytes().fold(true, |clean, byte| clean & is_clean(byte));
        if id.is_empty() || id.len() > Self::MAX_BYTES || !clean {
            return Err(CredentialsError::AccessKeyId);
        }
        Ok(Self(SmolStr::new(id)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for AccessKeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The secret half of a credential. Never prints; wiped from memory when the last copy goes.
#[derive(Clone)]
pub struct SecretKey(Arc<Zeroizing<String>>);

impl SecretKey {
    /// Any text but the empty one.
    pub fn new(secret: impl Into<String>) -> Result<Self, CredentialsError> {
        let secret = Zeroizing::new(secret.into());
        if secret.is_empty() {
            return Err(CredentialsError::SecretKey);
        }
        Ok(Self(Arc::new(secret)))
    }

    /// The secret itself: for the one who must store it or show it to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || same_bytes(self.expose().as_bytes(), other.expose().as_bytes())
    }
}

/// Whether texts are the same, in a time that tells nothing but their lengths. Eight bytes at a time: each comparison is
/// hidden from the compiler, which takes longer than to make it.
fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks(), other.as_chunks());
    let pairs =
        words.iter().zip(other_words).map(|(word, other)| (u64::from_ne_bytes(*word), u64::from_ne_bytes(*other)));
    let words_match = pairs.fold(Choice::from(1), |same, (word, other)| same & word.ct_eq(&other));
    one.len() == other.len() && bool::from(words_match & rest.ct_eq(other_rest))
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey([redacted])")
    }
}

/// The token of a temporary credential. Never prints; wiped from memory when the last copy goes.
///
/// It keeps its percent-encoded form, because the same long token stands in every URL that is signed with it.
#[derive(Clone)]
pub struct SessionToken(Arc<Token>);

struct Token {
    text: Zeroizing<String>,
    encoded: Zeroizing<String>,
}

impl SessionToken {
    /// Visible ASCII, since it travels in a header too, and not empty.
    pub fn new(token: impl Into<String>) -> Result<Self, CredentialsError> {
        let text = Zeroizing::new(token.into());
        if !Self::is_token(&text) {
            return Err(CredentialsError::SessionToken);
        }
        // Long enough for every character's escape, so that no copy is left behind by growing.
        let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
        encode::component(&text, &mut encoded);
        Ok(Self(Arc::new(Token { text, encoded })))
    }

    pub(crate) fn is_token(text: &str) -> bool {
        !text.is_empty() && text.bytes().fold(true, |graphic, byte| graphic & byte.is_ascii_graphic())
    }

    /// The token itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.text
    }

    /// The token as it stands in a query.
    pub(crate) fn expose_encoded(&self) -> &str {
        &self.0.encoded
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken([redacted])")
    }
}

/// A key pair, with the session token and the end that temporary ones have.
#[derive(Clone, Debug)]
pub struct Credentials {
    access_key_id: AccessKeyId,
    secret_key: SecretKey,
    session_token: Option<SessionToken>,
    expires_at: Option<Timestamp>,
}

impl Credentials {
    /// A key pair that does not expire.
    #[must_use]
    pub fn long_term(access_key_id: AccessKeyId, secret_key: SecretKey) -> Self {
        Self { access_key_id, secret_key, session_token: None, expires_at: None }
    }

    /// A key pair of a session. `expires_at` is unknown when they came from environment variables.
    #[must_use]
    pub fn temporary(
        access_key_id: AccessKeyId,
        secret_key: SecretKey,
        session_token: SessionToken,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self { access_key_id, secret_key, session_token: Some(session_token), expires_at }
    }

    /// The same, known to end at `end`. Key pairs without a token end too, where a program hands them out.
    #[must_use]
    pub fn ending_at(self, end: Timestamp) -> Self {
        Self { expires_at: Some(end), ..self }
    }

    /// The public half.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// The secret half.
    #[must_use]
    pub fn secret_key(&self) -> &SecretKey {
        &self.secret_key
    }

    /// The token of a session.
    #[must_use]
    pub fn session_token(&self) -> Option<&SessionToken> {
        self.session_token.as_ref()
    }

    /// When the session ends, if that is known. Every URL signed with it ends then too.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// Why a part of a credential is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// See [`AccessKeyId`].
    #[error("an access key id is 1 to {max} visible ASCII characters without '/' and ','", max = AccessKeyId::MAX_BYTES)]
    AccessKeyId,
    /// See [`SecretKey`].
    #[error("a secret key is not empty")]
    SecretKey,
    /// See [`SessionToken`].
    #[error("a session token is visible ASCII and not empty")]
    SessionToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let credentials = Credentials::temporary(
            AccessKeyId::new("AKIDEXAMPLE").unwrap(),
            SecretKey::new("very-secret").unwrap(),
            SessionToken::new("very-token").unwrap(),
            None,
        );
        let printed = format!("{credentials:?} {credentials:#?}");
        assert!(printed.contains("AKIDEXAMPLE"));
        assert!(!printed.contains("very-"), "{printed}");
    }

    #[test]
    fn an_access_key_id_cannot_break_the_credential_apart() {
        for id in ["", "a/b", "a,b", "a b", "a\nb", "é"] {
            assert_eq!(AccessKeyId::new(id), Err(CredentialsError::AccessKeyId), "{id:?}");
        }
        assert!(AccessKeyId::new("a".repeat(AccessKeyId::MAX_BYTES)).is_ok());
        assert!(AccessKeyId::new("a".repeat(AccessKeyId::MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn every_byte_of_a_secret_counts() {
        for length in [1, 7, 8, 9, 16, 40, 43] {
            let one = vec![b'a'; length];
            assert!(same_bytes(&one, &one.clone()));
            assert!(!same_bytes(&one, &vec![b'a'; length + 1]) && !same_bytes(&one, &vec![b'a'; length + 8]));
            for at in 0..length {
                let mut other = one.clone();
                other[at] = b'b';
                assert!(!same_bytes(&one, &other), "{length} {at}");
            }
        }
    }

    #[test]
    fn empty_secrets_and_tokens_that_no_header_carries_are_refused() {
        assert!(SecretKey::new("").is_err());
        assert!(SessionToken::new("").is_err());
        assert!(SessionToken::new("a\r\nb").is_err());
    }

    #[test]
    fn secrets_are_the_same_when_their_text_is() {
        let secret = SecretKey::new("one").unwrap();
        assert!(secret.same_as(&secret.clone()));
        assert!(secret.same_as(&SecretKey::new("one").unwrap()));
        assert!(!secret.same_as(&SecretKey::new("two").unwrap()));
        assert!(!secret.same_as(&SecretKey::new("one1").unwrap()));
    }
}
