//! The product: a URL and the fields of a form, which whoever holds them may use. They redact themselves;
//! [`SignedForm::expose_fields`] is the way out.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;

use super::SizeRange;
use crate::time::{Life, LimitedBy};

/// A signed form: where to send it, its fields in order, and what its holder must know to use it.
///
/// It is sent as `multipart/form-data`: these fields, then the fields that the policy leaves open
/// ([`open_fields`](Self::open_fields)), and the file, in a part named `file`, as the last part. S3 ignores what comes
/// after the file.
#[derive(Clone)]
pub struct SignedForm {
    pub(crate) url: String,
    pub(crate) fields: Vec<(Cow<'static, str>, String)>,
    pub(crate) open: Vec<(String, String)>,
    pub(crate) size: SizeRange,
    pub(crate) life: Life,
}

impl SignedForm {
    /// Where the form is sent to, with `POST`. Nothing secret is in it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Names and values in the order in which they are to be sent, policy, signature and session token among them: for the
    /// one who may use the form, never for a log.
    ///
    /// Where the key has a prefix only, the field `key` is that prefix and `${filename}`, which the store replaces by the
    /// name of the client's file. A client may put its own remainder there instead.
    pub fn expose_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    /// The fields that the client must add itself, each with the prefix that its value must have. A form without one of
    /// them is refused: a condition on a field that was not sent does not hold.
    pub fn open_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.open.iter().map(|(name, prefix)| (name.as_str(), prefix.as_str()))
    }

    /// How many bytes the file may have.
    #[must_use]
    pub fn size_range(&self) -> SizeRange {
        self.size
    }

    /// When the form ends, and why then.
    #[must_use]
    pub fn life(&self) -> Life {
        self.life
    }

    /// The second from which the form's lifetime counts.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.life.signed_at()
    }

    /// The `expiration` of the policy: the last moment that the signature allows.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.life.expires_at()
    }

    /// The last moment that the form works: the credentials may end before the policy does, and the bucket may accept no
    /// signature of its age.
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

impl fmt::Debug for SignedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.expose_fields().map(|(name, _)| name).collect();
        f.debug_struct("SignedForm")
            .field("url", &self.url)
            .field("fields", &names)
            .field("open_fields", &self.open)
            .field("size_range", &self.size)
            .field("expires_at", &self.expires_at())
            .field("effective_expires_at", &self.effective_expires_at())
            .field("limited_by", &self.limited_by())
            .finish_non_exhaustive()
    }
}
