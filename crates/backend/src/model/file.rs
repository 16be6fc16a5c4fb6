//! A file: bytes at a final key, and what is known about them.

use jiff::Timestamp;

use super::{
    checksum::Checksum,
    content_type::ContentType,
    filename::Filename,
    id::FileId,
    metadata::Metadata,
    principal::{Tenant, UserId},
};

/// A file that can be read. A deleted one is no `File`.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) id: FileId,
    pub(crate) tenant: Tenant,
    pub(crate) owner: UserId,
    pub(crate) collection: String,
    pub(crate) filename: Filename,
    pub(crate) size: u64,
    pub(crate) content_type: ContentType,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) metadata: Metadata,
    /// Where its bytes are.
    pub(crate) key: String,
    /// The store's entity tag of those bytes, without quotes.
    pub(crate) object_etag: String,
    /// Counts the changes of the row: our own entity tag.
    pub(crate) revision: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// How a browser is told to treat the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Disposition {
    /// Save them.
    Attachment,
    /// Show them in place where the type can do no harm, and save them where it could.
    #[default]
    Inline,
}

impl Disposition {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Inline => "inline",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Attachment, Self::Inline].into_iter().find(|disposition| disposition.as_str() == text)
    }
}
