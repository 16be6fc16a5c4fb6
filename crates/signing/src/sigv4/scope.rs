//! The credential scope: the date, region and service that a derived key is good for.

use std::fmt;

use smol_str::SmolStr;

use crate::sigv4::TERMINAL;
use crate::time::AmzDate;

/// The name of a region: `us-east-1`, or whatever a compatible store calls itself. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(SmolStr);

impl Region {
    /// The longest name.
    pub const MAX_BYTES: usize = 64;

    /// 1 to [`MAX_BYTES`](Self::MAX_BYTES) letters, digits, `-` and `_`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, RegionError> {
        let name = name.as_ref();
        let clean = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if name.is_empty() || name.len() > Self::MAX_BYTES || !clean {
            return Err(RegionError);
        }
        Ok(Self(SmolStr::new(name)))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Region {
    type Err = RegionError;

    fn from_str(name: &str) -> Result<Self, RegionError> {
        Self::new(name)
    }
}

/// A text that names no region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a region is 1 to {max} letters, digits, '-' and '_'", max = Region::MAX_BYTES)]
pub struct RegionError;

/// The services that requests are signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceName {
    /// Amazon S3 and every store that speaks its language.
    S3,
    /// The Security Token Service.
    Sts,
}

impl ServiceName {
    /// `s3` or `sts`, as it stands in a scope.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ServiceName::S3 => "s3",
            ServiceName::Sts => "sts",
        }
    }
}

/// `YYYYMMDD/REGION/SERVICE/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub(crate) date: [u8; 8],
    pub(crate) region: Region,
    pub(crate) service: ServiceName,
}

impl Scope {
    pub(crate) fn new(signed_at: &AmzDate, region: Region, service: ServiceName) -> Self {
        let date = signed_at.date_bytes().try_into().expect("the date of an AmzDate has eight digits");
        Self { date, region, service }
    }

    /// `YYYYMMDD`.
    #[must_use]
    pub fn date(&self) -> &str {
        std::str::from_utf8(&self.date).expect("the date of a scope is digits")
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> ServiceName {
        self.service
    }

    /// The scope in its parts, each followed by what separates it in a string to sign.
    pub(crate) fn parts(&self) -> [&str; 7] {
        [self.date(), "/", self.region.as_str(), "/", self.service.as_str(), "/", TERMINAL]
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().iter().try_for_each(|part| f.write_str(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_cannot_break_a_scope_apart() {
        for name in ["", "us/east", "us east", "us\neast", "é"] {
            assert_eq!(Region::new(name), Err(RegionError), "{name:?}");
        }
        assert!(Region::new("r".repeat(Region::MAX_BYTES)).is_ok());
        assert!(Region::new("r".repeat(Region::MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn a_scope_reads_as_aws_writes_it() {
        let signed_at = AmzDate::parse("20130524T000000Z").unwrap();
        let scope = Scope::new(&signed_at, Region::new("us-east-1").unwrap(), ServiceName::S3);
        assert_eq!(scope.to_string(), "20130524/us-east-1/s3/aws4_request");
    }
}
