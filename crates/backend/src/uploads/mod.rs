//! Uploads: a signed PUT to a staging key, and the one way from there to a file.

mod finish;
mod issue;

pub(crate) use finish::{COPY_ABANDONED_AFTER, FinishError, finish_upload};
pub(crate) use issue::{Declaration, Expiry, LimitedBy, bounded, pending_upload, upload_url};
