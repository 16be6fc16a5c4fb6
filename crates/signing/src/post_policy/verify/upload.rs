//! What a form asks for.

use std::fmt;

use super::fields::Fields;
use super::{SizeRange, SuccessStatus, field};
use crate::post_policy::redirect;

/// An upload, as the form asks for it: `${filename}` is replaced, repeated fields are joined, and names are in lower case.
#[derive(Clone)]
pub struct Upload {
    bucket: String,
    key: String,
    fields: Vec<(String, String)>,
    size: SizeRange,
    after: AfterUpload,
}

/// What a browser gets after its upload. Failures are always answered as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterUpload {
    /// This status.
    Status(SuccessStatus),
    /// 303, to this URL with `bucket`, `key` and `etag` added. It is an absolute URL of `http` or `https` without control
    /// characters; S3 ignores what cannot be followed, and so does this.
    Redirect(String),
}

impl Upload {
    pub(super) fn new(bucket: &str, fields: &Fields, size: SizeRange) -> Self {
        const CONSUMED: [&str; 13] = [
            field::ALGORITHM,
            field::BUCKET,
            field::CREDENTIAL,
            field::DATE,
            field::KEY,
            field::POLICY,
            field::REDIRECT,
            field::REDIRECT_ALIAS,
            field::SECURITY_TOKEN,
            field::SIGNATURE,
            field::STATUS,
            field::V2_ACCESS_KEY_ID,
            field::V2_SIGNATURE,
        ];
        let is_of_object = |name: &str| !CONSUMED.contains(&name) && !name.starts_with(field::IGNORED_PREFIX);
        Self {
            bucket: bucket.to_owned(),
            key: fields.get(field::KEY).unwrap_or_default().to_owned(),
            fields: fields
                .iter()
                .filter(|sent| is_of_object(&sent.lower_case))
                .map(|sent| (sent.lower_case.clone(), sent.value.clone()))
                .collect(),
            size,
            after: after_upload(fields),
        }
    }

    /// The bucket of the request.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key: 1 to [`Address::MAX_KEY_BYTES`](crate::address::Address::MAX_KEY_BYTES) bytes.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The fields that say something about the object, by name in lower case: `content-type`, `x-amz-meta-…`, `acl`,
    /// `tagging` (an XML document) and others. Those of the policy, its signature and the answer are not among them.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One of [`fields`](Self::fields), by its name in lower case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// What to hold the file to while it streams.
    #[must_use]
    pub fn size_range(&self) -> SizeRange {
        self.size
    }

    /// What to answer when the object is stored.
    #[must_use]
    pub fn after(&self) -> &AfterUpload {
        &self.after
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values of fields can be secrets (customer-provided encryption keys).
        let names: Vec<&str> = self.fields().map(|(name, _)| name).collect();
        f.debug_struct("Upload")
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .field("fields", &names)
            .field("size_range", &self.size)
            .field("after", &self.after)
            .finish()
    }
}

/// A redirect wins over a status; an unknown status is as good as none.
fn after_upload(fields: &Fields) -> AfterUpload {
    let redirect = fields.get(field::REDIRECT).or_else(|| fields.get(field::REDIRECT_ALIAS));
    if let Some(url) = redirect.filter(|url| redirect::is_followable(url)) {
        return AfterUpload::Redirect(url.to_owned());
    }
    let asked = fields.get(field::STATUS);
    let known = [SuccessStatus::Ok, SuccessStatus::Created].into_iter().find(|status| asked == Some(status.as_str()));
    AfterUpload::Status(known.unwrap_or(SuccessStatus::NoContent))
}
