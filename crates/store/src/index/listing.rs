//! Listing: a range scan that skips what a delimiter folds together.

use gatepass_protocol::s3::names::UploadId;

use super::records::decode;
use super::{Failure, ObjectRecord, Snapshot, UploadRecord, tables};
use crate::grant::{Grant, ListBucket, ListBucketMultipartUploads};

/// What to list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    /// Entries up to and including this one are left out, and so is every key that a common prefix
    /// given here stands for.
    pub(crate) after: Option<&'a str>,
    /// How many entries, keys and common prefixes together.
    pub(crate) limit: usize,
}

/// An entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed<T> {
    Entry(String, T),
    CommonPrefix(String),
}

impl<T> Listed<T> {
    fn name(&self) -> &str {
        match self {
            Self::Entry(name, _) | Self::CommonPrefix(name) => name,
        }
    }
}

/// A page of objects.
#[derive(Debug)]
pub(crate) struct ObjectPage {
    pub(crate) entries: Vec<Listed<ObjectRecord>>,
    /// The last entry's name, when more follow.
    pub(crate) next: Option<String>,
}

/// A page of uploads in progress.
#[derive(Debug)]
pub(crate) struct UploadPage {
    pub(crate) entries: Vec<Listed<(String, UploadRecord)>>,
    /// The last entry's key (or common prefix) and upload id, when more follow.
    pub(crate) next: Option<(String, Option<String>)>,
}

impl Snapshot {
    pub(crate) fn list_objects(&self, grant: &Grant<ListBucket>, scan: Scan<'_>) -> Result<ObjectPage, Failure> {
        let bucket = grant.bucket().as_str();
        let table = self.transaction.open_table(tables::OBJECTS)?;
        let mut entries: Vec<Listed<ObjectRecord>> = Vec::new();
        let mut position = Position::start(scan);
        'seek: loop {
            let Some(from) = position.from() else { return Ok(ObjectPage { entries, next: None }) };
            for row in table.range((bucket, from)..)? {
                let (name, record) = row?;
                let (of, key) = name.value();
                if of != bucket || !key.starts_with(scan.prefix) {
                    return Ok(ObjectPage { entries, next: None });
                }
                if position.skips(key) {
                    continue;
                }
                if entries.len() == scan.limit {
                    let next = entries.last().map(|entry| entry.name().to_owned());
                    return Ok(ObjectPage { entries, next });
                }
                if let Some(common) = scan.common_prefix(key) {
                    entries.push(Listed::CommonPrefix(common.to_owned()));
                    position = Position::behind(common);
                    continue 'seek;
                }
                entries.push(Listed::Entry(key.to_owned(), decode(record.value())?));
            }
            return Ok(ObjectPage { entries, next: None });
        }
    }

    /// Uploads by key, then by age. `scan.after` alone leaves out all uploads of that key; with
    /// `after_upload` it leaves out those up to and including this one.
    pub(crate) fn list_uploads(
        &self,
        grant: &Grant<ListBucketMultipartUploads>,
        scan: Scan<'_>,
        after_upload: Option<&UploadId>,
    ) -> Result<UploadPage, Failure> {
        let bucket = grant.bucket().as_str();
        let table = self.transaction.open_table(tables::UPLOADS)?;
        let mut entries: Vec<Listed<(String, UploadRecord)>> = Vec::new();
        let mut position = Position::start(scan);
        'seek: loop {
            let Some(from) = position.from() else { return Ok(UploadPage { entries, next: None }) };
            for row in table.range((bucket, from, "")..)? {
                let (name, record) = row?;
                let (of, key, upload) = name.value();
                if of != bucket || !key.starts_with(scan.prefix) {
                    return Ok(UploadPage { entries, next: None });
                }
                let is_later_upload_of_marker =
                    scan.after == Some(key) && after_upload.is_some_and(|marker| upload > marker.as_str());
                if position.skips(key) && !is_later_upload_of_marker {
                    continue;
                }
                if entries.len() == scan.limit {
                    let next = entries.last().map(|entry| match entry {
                        Listed::Entry(key, (upload, _)) => (key.clone(), Some(upload.clone())),
                        Listed::CommonPrefix(common) => (common.clone(), None),
                    });
                    return Ok(UploadPage { entries, next });
                }
                if let Some(common) = scan.common_prefix(key) {
                    entries.push(Listed::CommonPrefix(common.to_owned()));
                    position = Position::behind(common);
                    continue 'seek;
                }
                let upload = (upload.to_owned(), decode(record.value())?);
                entries.push(Listed::Entry(key.to_owned(), upload));
            }
            return Ok(UploadPage { entries, next: None });
        }
    }
}

impl Scan<'_> {
    /// The common prefix that stands for this key: up to and including the first delimiter behind
    /// the prefix asked for.
    pub(super) fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let behind_prefix = &key[self.prefix.len()..];
        let at = behind_prefix.find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }
}

/// Where a scan goes on.
pub(super) struct Position {
    /// The first name to look at; `None` when nothing can follow.
    from: Option<String>,
    /// A name that is itself left out.
    without: Option<String>,
}

impl Position {
    pub(super) fn start(scan: Scan<'_>) -> Self {
        let Some(after) = scan.after else {
            return Self { from: Some(scan.prefix.to_owned()), without: None };
        };
        if after < scan.prefix {
            return Self { from: Some(scan.prefix.to_owned()), without: None };
        }
        if after.starts_with(scan.prefix)
            && let Some(common) = scan.common_prefix(after)
            && common.len() == after.len()
        {
            return Self::behind(common);
        }
        Self { from: Some(after.to_owned()), without: Some(after.to_owned()) }
    }

    /// Where the next key begins.
    pub(super) fn after(key: &str) -> Self {
        // No text is between a key and the key with the least character behind it.
        Self { from: Some(format!("{key}\0")), without: None }
    }

    pub(super) fn behind(prefix: &str) -> Self {
        Self { from: successor(prefix), without: None }
    }

    pub(super) fn from(&self) -> Option<&str> {
        self.from.as_deref()
    }

    pub(super) fn skips(&self, name: &str) -> bool {
        self.without.as_deref() == Some(name)
    }
}

/// The smallest text greater than everything that begins with `prefix`.
fn successor(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        let next = match last {
            char::MAX => continue,
            '\u{d7ff}' => '\u{e000}',
            other => char::from_u32(u32::from(other) + 1).expect("only surrogates are no characters"),
        };
        characters.push(next);
        return Some(characters.into_iter().collect());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::successor;

    #[test]
    fn the_successor_of_a_prefix_is_the_next_text_behind_all_it_begins() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
        assert_eq!(successor(""), None);
    }
}
