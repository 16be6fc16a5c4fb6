//! A form as it arrives, kept within bounds while it does.

use std::fmt;

use super::{Reason, Refusal};
use crate::post_policy::{MAX_FIELDS, MAX_FORM_BYTES, field};

/// The fields of a form, in the order in which they arrived, up to its file.
///
/// Whoever reads `multipart/form-data` fills it: [`push`](Self::push) for each part before the file, then
/// [`file`](Self::file). What comes after the file is ignored, as S3 ignores it, so a reader may stop there. A part is the
/// file when its name is `file`. Memory is bounded: a push beyond [`MAX_FORM_BYTES`] or [`MAX_FIELDS`] is refused and keeps
/// nothing; a reader that counts boundaries and the headers of parts as well, as S3 does, refuses a little earlier.
#[derive(Clone)]
pub struct Form {
    pub(super) bucket: String,
    pub(super) fields: Vec<(String, String)>,
    bytes: usize,
    file: File,
}

#[derive(Clone)]
enum File {
    Awaited,
    Unnamed,
    Named(String),
}

impl Form {
    /// A form that was sent to `bucket`: the bucket of the request's host or path, not of any field.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), fields: Vec::new(), bytes: 0, file: File::Awaited }
    }

    /// How many more bytes the names and values before the file may have: no reader needs to keep a longer value.
    #[must_use]
    pub fn remaining_bytes(&self) -> usize {
        MAX_FORM_BYTES - self.bytes
    }

    /// Adds a field. One named `file` is the file, without a name.
    pub fn push(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Refusal> {
        let (name, value) = (name.as_ref(), value.as_ref());
        if !matches!(self.file, File::Awaited) {
            return Ok(());
        }
        if name.eq_ignore_ascii_case(field::FILE.as_bytes()) {
            self.file = File::Unnamed;
            return Ok(());
        }
        let bytes = name.len().saturating_add(value.len());
        if bytes > self.remaining_bytes() || self.fields.len() >= MAX_FIELDS {
            return Err(Reason::FormTooLarge.into());
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Refusal::from(Reason::FieldNotText));
        let named = (text(name)?, text(value)?);
        self.bytes += bytes;
        self.fields.push(named);
        Ok(())
    }

    /// Ends the fields: here begins the file, with the `filename` that its part has.
    pub fn file(&mut self, name: Option<&str>) {
        if matches!(self.file, File::Awaited) {
            self.file = name.map_or(File::Unnamed, |name| File::Named(name.to_owned()));
        }
    }

    pub(super) fn has_file(&self) -> bool {
        !matches!(self.file, File::Awaited)
    }

    /// What replaces `${filename}`: the name after its last `/` or `\`, since some browsers send a whole path; nothing
    /// where the client gave no name.
    pub(super) fn file_name(&self) -> &str {
        match &self.file {
            File::Named(name) => name.rsplit(['/', '\\']).next().unwrap_or_default(),
            File::Awaited | File::Unnamed => "",
        }
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.fields.iter().map(|(name, _)| name).collect();
        f.debug_struct("Form").field("bucket", &self.bucket).field("fields", &names).finish_non_exhaustive()
    }
}
