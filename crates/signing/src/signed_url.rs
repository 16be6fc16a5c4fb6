//! The product: a URL that whoever holds it may use. It redacts itself; [`SignedUrl::expose`] is the only way out.

use std::fmt;

use jiff::Timestamp;

use crate::request::is_secret;
use crate::time::{Life, LimitedBy};

/// A signed URL, with what its holder must know to use it.
#[derive(Clone)]
pub struct SignedUrl {
    pub(crate) url: String,
    pub(crate) method: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) life: Life,
}

impl SignedUrl {
    /// The URL itself, signature and all: for the one who may use it, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// As [`expose`](Self::expose), giving the text away.
    #[must_use]
    pub fn into_exposed(self) -> String {
        self.url
    }

    /// The one method that the URL is good for.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The headers that the client must send exactly so, because they are signed (`host` excepted, which every client
    /// sends by itself).
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// When the URL ends, and why then.
    #[must_use]
    pub fn life(&self) -> Life {
        self.life
    }

    /// The second from which the URL's lifetime counts.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.life.signed_at()
    }

    /// The last moment that the signature allows.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.life.expires_at()
    }

    /// The last moment that the URL works: the credentials may end before the signature does, and the bucket may accept
    /// no signature of its age.
    #[must_use]
    pub fn effective_expires_at(&self) -> Timestamp {
        self.life.effective_expires_at()
    }

    /// What [`effective_expires_at`](Self::effective_expires_at) comes from.
    #[must_use]
    pub fn limited_by(&self) -> LimitedBy {
        self.life.limited_by()
    }
}

impl fmt::Display for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((address, query)) = self.url.split_once('?') else { return f.write_str(&self.url) };
        write!(f, "{address}")?;
        for (index, segment) in query.split('&').enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            match segment.split_once('=') {
                Some((name, _)) if is_secret(name) => write!(f, "{name}=[redacted]")?,
                _ => f.write_str(segment)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of signed headers can be secrets too (customer-provided encryption keys).
        let header_names: Vec<&str> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("SignedUrl")
            .field("method", &self.method)
            .field("url", &format_args!("{self}"))
            .field("headers", &header_names)
            .field("expires_at", &self.expires_at())
            .field("effective_expires_at", &self.effective_expires_at())
            .field("limited_by", &self.limited_by())
            .finish_non_exhaustive()
    }
}
