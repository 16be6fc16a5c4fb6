//! An upload: from the promise of a URL to a file, or to nothing.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    checksum::Checksum,
    content_type::ContentType,
    filename::Filename,
    id::{FileId, UploadId},
    metadata::Metadata,
    principal::{Tenant, UserId},
};

/// What the caller declared, and where the bytes are to go.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) id: UploadId,
    /// The file it will become.
    pub(crate) file: FileId,
    pub(crate) tenant: Tenant,
    pub(crate) owner: UserId,
    pub(crate) collection: String,
    pub(crate) filename: Filename,
    pub(crate) size: u64,
    pub(crate) content_type: ContentType,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) metadata: Metadata,
    /// Minted by the server and never used again.
    pub(crate) staging_key: String,
    /// What the object must carry as `x-amz-meta-upload`: the proof that it came through this upload's URL.
    pub(crate) proof: String,
    pub(crate) state: UploadState,
    pub(crate) created_at: Timestamp,
    /// When its URLs stop working.
    pub(crate) expires_at: Timestamp,
    /// Until when it may be completed. A transfer that began in time may end later: S3 looks at the expiry once, when
    /// the request arrives.
    pub(crate) completable_until: Timestamp,
}

/// Where an upload stands.
///
/// `pending → uploaded → verifying → available | rejected`, `pending → expired | aborted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UploadState {
    /// The URL is out; nothing is known to have come.
    Pending,
    /// The object is there and carries the upload's proof.
    Uploaded,
    /// It is compared with what was declared, and copied.
    Verifying,
    /// It is a file.
    Available,
    /// It was not what was declared.
    Rejected,
    /// Nothing came in time.
    Expired,
    /// The caller gave it up.
    Aborted,
}

impl UploadState {
    pub(crate) const ALL: [Self; 7] =
        [Self::Pending, Self::Uploaded, Self::Verifying, Self::Available, Self::Rejected, Self::Expired, Self::Aborted];

    /// The states from which this one may be entered: the edges of the machine, and the only place that knows them.
    pub(crate) const fn predecessors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[],
            Self::Uploaded | Self::Expired | Self::Aborted => &[Self::Pending],
            Self::Verifying => &[Self::Uploaded],
            Self::Available | Self::Rejected => &[Self::Verifying],
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Uploaded => "uploaded",
            Self::Verifying => "verifying",
            Self::Available => "available",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Aborted => "aborted",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl fmt::Display for UploadState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_back_from_its_name() {
        for state in UploadState::ALL {
            assert_eq!(UploadState::parse(state.as_str()), Some(state));
        }
        assert_eq!(UploadState::parse("scanning"), None);
    }

    #[test]
    fn nothing_leaves_a_final_state() {
        use UploadState::{Aborted, Available, Expired, Rejected};
        for last in [Available, Rejected, Expired, Aborted] {
            assert!(UploadState::ALL.iter().all(|next| !next.predecessors().contains(&last)), "{last}");
        }
    }
}
