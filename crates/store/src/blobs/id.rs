//! The name of a blob: when it was made, and chance. Nothing of it comes from a key.

use std::fmt;
use std::path::PathBuf;

/// The number of a start of the store. It only grows, so that what an earlier start left behind
/// can be told from what this one is writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Boot(pub(crate) u32);

/// Which start this is, and since which one blobs carry sums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Starts {
    pub(crate) this: Boot,
    pub(crate) first_summing: Boot,
}

/// The start that wrote the blob in the upper 32 bits, 96 random bits below.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlobId(u128);

const RANDOM_BITS: u32 = 96;
const NAME_LENGTH: usize = 32;

impl BlobId {
    pub(crate) fn random(boot: Boot) -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random[4..])?;
        Ok(Self(u128::from(boot.0) << RANDOM_BITS | u128::from_be_bytes(random)))
    }

    pub(crate) fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    pub(crate) fn to_bits(self) -> u128 {
        self.0
    }

    pub(crate) fn boot(self) -> Boot {
        Boot(u32::try_from(self.0 >> RANDOM_BITS).expect("32 bits are left of 128"))
    }

    /// Where the blob lives below the blobs' directory: `xx/` from its random part, so that the
    /// directories fill evenly, then the whole name.
    pub(crate) fn path(self) -> PathBuf {
        PathBuf::from(format!("{:02x}", self.0 & 0xff)).join(self.to_string())
    }

    /// Every directory that [`BlobId::path`] names.
    pub(crate) fn directories() -> impl Iterator<Item = String> {
        (0..=u8::MAX).map(|byte| format!("{byte:02x}"))
    }

    /// Reads a file name back; `None` for a file that is not a blob's.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if name.len() != NAME_LENGTH || !name.bytes().all(hexadecimal) {
            return None;
        }
        u128::from_str_radix(name, 16).ok().map(Self)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_keeps_its_boot() {
        let id = BlobId::random(Boot(7)).unwrap();
        assert_eq!(BlobId::parse(&id.to_string()), Some(id));
        assert_eq!(id.boot(), Boot(7));
    }

    #[test]
    fn foreign_file_names_are_not_blobs() {
        for name in ["", "notes.txt", "+0000000000000000000000000000001", "000000000000000000000000000000FF"] {
            assert_eq!(BlobId::parse(name), None, "{name}");
        }
    }
}
