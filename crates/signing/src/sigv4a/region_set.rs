//! Where a signature of SigV4a is good.

use std::fmt;

use crate::sigv4::Region;

/// The regions in which a signature is good: `*` for all of them, or a list (`us-east-1,eu-west-1`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegionSet(Regions);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Regions {
    All,
    Listed(Vec<Region>),
}

impl RegionSet {
    /// The most regions of a list. AWS has some forty.
    pub const MAX_REGIONS: usize = 64;

    /// Every region. A signature for it is good wherever its access key is.
    #[must_use]
    pub fn all() -> Self {
        Self(Regions::All)
    }

    /// One to [`MAX_REGIONS`](Self::MAX_REGIONS) regions.
    pub fn of(regions: impl IntoIterator<Item = Region>) -> Result<Self, RegionSetError> {
        let regions: Vec<Region> = regions.into_iter().take(Self::MAX_REGIONS + 1).collect();
        if regions.is_empty() || regions.len() > Self::MAX_REGIONS {
            return Err(RegionSetError);
        }
        Ok(Self(Regions::Listed(regions)))
    }

    /// Reads `X-Amz-Region-Set`: `*`, or names between commas. Blanks around a name do not count. A pattern within a
    /// name (`us-*`) is not one.
    pub fn parse(text: &str) -> Result<Self, RegionSetError> {
        if text.trim_ascii() == "*" {
            return Ok(Self::all());
        }
        // One more than there may be is enough to know, however long the text is.
        let names = text.split(',').take(Self::MAX_REGIONS + 1).map(|name| Region::new(name.trim_ascii()));
        Self::of(names.collect::<Result<Vec<_>, _>>().map_err(|_| RegionSetError)?)
    }

    /// Whether a signature for this set is good in `region`.
    #[must_use]
    pub fn contains(&self, region: &Region) -> bool {
        match &self.0 {
            Regions::All => true,
            Regions::Listed(regions) => regions.contains(region),
        }
    }
}

impl From<Region> for RegionSet {
    fn from(region: Region) -> Self {
        Self(Regions::Listed(vec![region]))
    }
}

impl fmt::Display for RegionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Regions::Listed(regions) = &self.0 else { return f.write_str("*") };
        for (index, region) in regions.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{region}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for RegionSet {
    type Err = RegionSetError;

    fn from_str(text: &str) -> Result<Self, RegionSetError> {
        Self::parse(text)
    }
}

/// A text that is no set of regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a region set is '*' or 1 to {max} regions between commas", max = RegionSet::MAX_REGIONS)]
pub struct RegionSetError;

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::new(name).unwrap()
    }

    #[test]
    fn a_star_is_every_region_and_a_list_only_its_own() {
        assert!(RegionSet::parse("*").unwrap().contains(&region("mars-1")));
        let listed = RegionSet::parse("us-east-1, eu-west-1").unwrap();
        assert!(listed.contains(&region("us-east-1")) && listed.contains(&region("eu-west-1")));
        for other in ["us-east-2", "us-east", "us-east-11", "US-EAST-1"] {
            assert!(!listed.contains(&region(other)), "{other}");
        }
        assert_eq!(listed.to_string(), "us-east-1,eu-west-1");
        assert_eq!(RegionSet::all().to_string(), "*");
        assert_eq!(RegionSet::from(region("a")).to_string(), "a");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", " ", ",", "us-east-1,", ",us-east-1", "us-*", "*,us-east-1", "us east", "us\u{e9}", "**"] {
            assert_eq!(RegionSet::parse(text), Err(RegionSetError), "{text:?}");
        }
    }

    #[test]
    fn a_set_is_bounded() {
        let list = |count: usize| vec!["r"; count].join(",");
        assert!(RegionSet::parse(&list(RegionSet::MAX_REGIONS)).is_ok());
        assert_eq!(RegionSet::parse(&list(RegionSet::MAX_REGIONS + 1)), Err(RegionSetError));
    }
}
