//! A link: whoever has its token may have the file, until it is revoked or expires.

use jiff::Timestamp;

use super::{
    file::{Disposition, File},
    filename::Filename,
    id::{FileId, LinkId},
    principal::{Tenant, UserId},
};

/// The longest label, in bytes.
pub(crate) const MAX_LABEL_BYTES: usize = 255;

/// A link to one file. Its tokens are not here: only their hashes are stored, and those beside it.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) file: FileId,
    pub(crate) tenant: Tenant,
    pub(crate) created_by: UserId,
    pub(crate) label: Option<String>,
    pub(crate) disposition: Disposition,
    /// Another name to save the file under.
    pub(crate) filename: Option<Filename>,
    /// How many seconds the signed URL lives to which the link leads.
    pub(crate) url_ttl: u64,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) revision: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Whether a link opens, and if not, why: what a visitor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkStatus {
    Active,
    NotYetValid,
    Expired,
    Revoked,
}

impl Link {
    /// A link works from `not_before` on and up to, but not at, `expires_at`.
    pub(crate) fn status(&self, now: Timestamp) -> LinkStatus {
        if self.revoked_at.is_some() {
            return LinkStatus::Revoked;
        }
        if self.expires_at.is_some_and(|expires_at| now >= expires_at) {
            return LinkStatus::Expired;
        }
        if self.not_before.is_some_and(|not_before| now < not_before) {
            return LinkStatus::NotYetValid;
        }
        LinkStatus::Active
    }
}

/// What a token leads to.
#[derive(Debug, Clone)]
pub(crate) struct LinkTarget {
    pub(crate) link: Link,
    /// `None` after the file was deleted.
    pub(crate) file: Option<File>,
}
