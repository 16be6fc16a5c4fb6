//! A checksum of the whole object, as S3 writes it: an algorithm and base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// The algorithms of S3's additional checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

impl ChecksumAlgorithm {
    const fn digest_length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The header in which S3 takes and reports it.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }
}

/// A checksum whose value has exactly the length of its algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "UncheckedChecksum")]
pub(crate) struct Checksum {
    algorithm: ChecksumAlgorithm,
    /// Base64 with padding.
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value must be the base64 of a digest of this algorithm")]
pub(crate) struct InvalidChecksum;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedChecksum {
    algorithm: ChecksumAlgorithm,
    value: String,
}

impl TryFrom<UncheckedChecksum> for Checksum {
    type Error = InvalidChecksum;

    fn try_from(UncheckedChecksum { algorithm, value }: UncheckedChecksum) -> Result<Self, InvalidChecksum> {
        let digest = STANDARD.decode(&value).map_err(|_| InvalidChecksum)?;
        if digest.len() != algorithm.digest_length() {
            return Err(InvalidChecksum);
        }
        Ok(Self { algorithm, value })
    }
}

impl Checksum {
    pub(crate) const fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_must_have_the_length_of_the_algorithm() {
        let parse = |text: &str| serde_json::from_str::<Checksum>(text).is_ok();
        assert!(parse(r#"{"algorithm": "crc32", "value": "AAAAAA=="}"#));
        assert!(parse(r#"{"algorithm": "sha256", "value": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}"#));
        assert!(!parse(r#"{"algorithm": "sha256", "value": "AAAAAA=="}"#));
        assert!(!parse(r#"{"algorithm": "crc32", "value": "AAAAAA"}"#));
        assert!(!parse(r#"{"algorithm": "md5", "value": "AAAAAA=="}"#));
    }
}
