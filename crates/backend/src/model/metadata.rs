//! What an application wants remembered about a file. It stays in the row and never becomes a header.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most that all names and values together may take: the same as S3's limit on user metadata.
pub(crate) const MAX_METADATA_BYTES: usize = 2048;

/// Names and values, 2 KiB together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "BTreeMap<String, String>")]
pub(crate) struct Metadata(BTreeMap<String, String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("metadata takes at most {MAX_METADATA_BYTES} bytes, names and values together")]
pub(crate) struct MetadataTooLarge;

impl TryFrom<BTreeMap<String, String>> for Metadata {
    type Error = MetadataTooLarge;

    fn try_from(entries: BTreeMap<String, String>) -> Result<Self, MetadataTooLarge> {
        let total: usize = entries.iter().map(|(name, value)| name.len() + value.len()).sum();
        if total > MAX_METADATA_BYTES {
            return Err(MetadataTooLarge);
        }
        Ok(Self(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_on_both_sides() {
        let of = |length: usize| Metadata::try_from(BTreeMap::from([("k".to_owned(), "v".repeat(length - 1))]));
        assert!(of(MAX_METADATA_BYTES).is_ok());
        assert_eq!(of(MAX_METADATA_BYTES + 1), Err(MetadataTooLarge));
    }
}
