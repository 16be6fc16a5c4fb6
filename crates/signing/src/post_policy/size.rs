//! The bounds of a file's size.

use super::MAX_OBJECT_BYTES;
use super::verify::{Details, Reason, Refusal};

/// How many bytes the file of a form may have, both bounds inclusive.
///
/// One made by [`new`](Self::new) admits some size. One of a policy that somebody else made may admit none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SizeRange {
    min: u64,
    max: u64,
}

impl SizeRange {
    /// What a policy without a `content-length-range` allows: anything that S3 takes.
    pub(crate) const UNLIMITED: Self = Self { min: 0, max: MAX_OBJECT_BYTES };

    /// From `min` to `max` bytes.
    pub fn new(min: u64, max: u64) -> Result<Self, SizeError> {
        if max > MAX_OBJECT_BYTES {
            return Err(SizeError::TooLarge { max });
        }
        if min > max {
            return Err(SizeError::Empty { min, max });
        }
        Ok(Self { min, max })
    }

    /// The fewest bytes.
    #[must_use]
    pub fn min(self) -> u64 {
        self.min
    }

    /// The most bytes.
    #[must_use]
    pub fn max(self) -> u64 {
        self.max
    }

    /// Refuses a file that is already too large. For each piece of a body whose length nobody declared, or lied about:
    /// a reader that calls this before it keeps a piece reads at most one piece too many.
    pub fn check_so_far(self, bytes: u64) -> Result<(), Refusal> {
        if bytes > self.max {
            let details = Details::Size { proposed: bytes, limit: self.max };
            return Err(Refusal::new(Reason::TooLarge, details));
        }
        Ok(())
    }

    /// Refuses a file whose size is known and outside of the range.
    pub fn check(self, bytes: u64) -> Result<(), Refusal> {
        self.check_so_far(bytes)?;
        if bytes < self.min {
            let details = Details::Size { proposed: bytes, limit: self.min };
            return Err(Refusal::new(Reason::TooSmall, details));
        }
        Ok(())
    }

    /// What both allow.
    pub(crate) fn and(self, min: u64, max: u64) -> Self {
        Self { min: self.min.max(min), max: self.max.min(max) }
    }
}

/// Why two bounds make no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// More than [`MAX_OBJECT_BYTES`].
    #[error("a form uploads at most {MAX_OBJECT_BYTES} bytes, not {max}")]
    TooLarge {
        /// The upper bound.
        max: u64,
    },
    /// The lower bound is above the upper one.
    #[error("no file has at least {min} and at most {max} bytes")]
    Empty {
        /// The lower bound.
        min: u64,
        /// The upper bound.
        max: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_bounds_that_s3_takes() {
        assert!(SizeRange::new(0, MAX_OBJECT_BYTES).is_ok());
        let too_large = SizeError::TooLarge { max: MAX_OBJECT_BYTES + 1 };
        assert_eq!(SizeRange::new(0, MAX_OBJECT_BYTES + 1), Err(too_large));
        assert_eq!(SizeRange::new(2, 1), Err(SizeError::Empty { min: 2, max: 1 }));
        assert!(SizeRange::new(1, 1).is_ok());
    }

    #[test]
    fn both_bounds_are_inclusive() {
        let range = SizeRange::new(5, 10).unwrap();
        let reason = |bytes| range.check(bytes).err().map(|refusal| refusal.reason());
        assert_eq!([4, 5, 10, 11].map(reason), [Some(Reason::TooSmall), None, None, Some(Reason::TooLarge)]);
        assert!(range.check_so_far(0).is_ok() && range.check_so_far(10).is_ok());
        assert_eq!(range.check_so_far(11).unwrap_err().reason(), Reason::TooLarge);
    }
}
