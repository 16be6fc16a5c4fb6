//! One range of bytes, as S3 understands the `Range` header.

/// What a `Range` header asks for, before the size of the object is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// `bytes=first-last`, both inclusive, `first <= last`.
    Between {
        /// The first byte wanted.
        first: u64,
        /// The last byte wanted.
        last: u64,
    },
    /// `bytes=first-`.
    From {
        /// The first byte wanted.
        first: u64,
    },
    /// `bytes=-length`: the last `length` bytes.
    Suffix {
        /// How many bytes from the end.
        length: u64,
    },
}

/// A range that lies within an object: `first <= last < size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResolvedRange {
    first: u64,
    last: u64,
    size: u64,
}

/// No byte of the object lies in the range: the answer is 416.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the requested range is not satisfiable")]
pub struct Unsatisfiable;

impl ByteRange {
    /// Reads a `Range` header. `None` means that the header is to be ignored and the whole object sent: another unit,
    /// several ranges (S3 serves only one), or a malformed one (RFC 9110 §14.2).
    pub fn parse(header: &str) -> Option<Self> {
        let (unit, set) = header.trim().split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = set.trim().split_once('-')?;
        match (first.trim(), last.trim()) {
            ("", length) => Some(Self::Suffix { length: position(length)? }),
            (first, "") => Some(Self::From { first: position(first)? }),
            (first, last) => {
                let (first, last) = (position(first)?, position(last)?);
                (first <= last).then_some(Self::Between { first, last })
            }
        }
    }

    /// Lays the range over an object of `size` bytes.
    pub fn resolve(self, size: u64) -> Result<ResolvedRange, Unsatisfiable> {
        let end = size.checked_sub(1).ok_or(Unsatisfiable)?;
        let (first, last) = match self {
            Self::Between { first, last } => (first, last.min(end)),
            Self::From { first } => (first, end),
            Self::Suffix { length: 0 } => return Err(Unsatisfiable),
            Self::Suffix { length } => (size.saturating_sub(length), end),
        };
        if first > end {
            return Err(Unsatisfiable);
        }
        Ok(ResolvedRange { first, last, size })
    }
}

/// A position of digits only. One beyond `u64` is still a valid range and means "past every object".
fn position(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

impl ResolvedRange {
    /// The bytes `offset .. offset + length` of an object of `size` bytes, where they lie within it: this is how a
    /// part is served.
    pub fn within(offset: u64, length: u64, size: u64) -> Option<Self> {
        let last = offset.checked_add(length)?.checked_sub(1)?;
        (length > 0 && last < size).then_some(Self { first: offset, last, size })
    }

    /// The first byte.
    pub fn first(self) -> u64 {
        self.first
    }

    /// The last byte.
    pub fn last(self) -> u64 {
        self.last
    }

    /// How many bytes; never zero.
    #[expect(clippy::len_without_is_empty, reason = "a resolved range is never empty")]
    pub fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// `bytes first-last/size`.
    pub fn content_range(self) -> String {
        format!("bytes {}-{}/{}", self.first, self.last, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn single_ranges_are_read() {
        let table = [
            ("bytes=0-0", Some(ByteRange::Between { first: 0, last: 0 })),
            ("bytes=5-9", Some(ByteRange::Between { first: 5, last: 9 })),
            ("BYTES=5-", Some(ByteRange::From { first: 5 })),
            ("bytes=-5", Some(ByteRange::Suffix { length: 5 })),
            ("bytes=0-99999999999999999999", Some(ByteRange::Between { first: 0, last: u64::MAX })),
            ("bytes=9-5", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("items=0-1", None),
            ("0-1", None),
        ];
        for (header, expected) in table {
            assert_eq!(ByteRange::parse(header), expected, "{header}");
        }
    }

    #[test]
    fn ranges_are_cut_to_the_object() {
        let resolved =
            |header: &str, size| ByteRange::parse(header).unwrap().resolve(size).map(ResolvedRange::content_range);
        assert_eq!(resolved("bytes=0-0", 10).unwrap(), "bytes 0-0/10");
        assert_eq!(resolved("bytes=5-99", 10).unwrap(), "bytes 5-9/10");
        assert_eq!(resolved("bytes=9-", 10).unwrap(), "bytes 9-9/10");
        assert_eq!(resolved("bytes=-3", 10).unwrap(), "bytes 7-9/10");
        assert_eq!(resolved("bytes=-30", 10).unwrap(), "bytes 0-9/10");
        for (header, size) in
            [("bytes=10-", 10), ("bytes=10-11", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)]
        {
            assert_eq!(resolved(header, size), Err(Unsatisfiable), "{header} of {size}");
        }
    }

    #[test]
    fn a_part_lies_within_its_object() {
        assert_eq!(ResolvedRange::within(5, 5, 10).unwrap().content_range(), "bytes 5-9/10");
        assert_eq!(ResolvedRange::within(5, 6, 10), None);
        assert_eq!(ResolvedRange::within(0, 0, 10), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_a_resolved_range_fits(header in "(bytes=)?[0-9,-]{0,24}|.{0,16}", size: u64) {
            if let Some(Ok(range)) = ByteRange::parse(&header).map(|range| range.resolve(size)) {
                prop_assert!(range.first() <= range.last());
                prop_assert!(range.last() < size);
                prop_assert!(range.len() >= 1);
            }
        }
    }
}
