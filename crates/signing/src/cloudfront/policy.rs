//! Policies: what a signature allows, until when, from when, and to whom. Their JSON text is what is signed.
//!
//! Source: CloudFront developer guide, "Create a signed URL using a canned policy" and "… using a custom policy".

use core::net::Ipv4Addr;
use std::fmt::{self, Write as _};

use jiff::Timestamp;

use super::resource::Resource;
use super::url::ContentUrl;

/// A moment in whole seconds since 1970, as `AWS:EpochTime` takes it: 0 to 2,147,483,647 (January 2038).
///
/// Milliseconds, the classic mistake, are beyond that and cannot be made; CloudFront calls them a malformed policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochTime(u32);

/// The moment is before 1970 or after January 2038.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment in seconds from 1970 to January 2038; CloudFront takes no milliseconds")]
pub struct EpochTimeError;

impl EpochTime {
    /// The last moment that CloudFront takes.
    pub const MAX: Self = Self(2_147_483_647);

    /// A moment in seconds since 1970.
    pub fn from_secs(seconds: u64) -> Result<Self, EpochTimeError> {
        match u32::try_from(seconds) {
            Ok(seconds) if seconds <= Self::MAX.0 => Ok(Self(seconds)),
            _ => Err(EpochTimeError),
        }
    }

    /// The second in which a moment lies.
    pub fn from_timestamp(at: Timestamp) -> Result<Self, EpochTimeError> {
        // Rounded towards the past: `as_second` rounds towards 1970, and before that nothing is taken.
        if at < Timestamp::UNIX_EPOCH {
            return Err(EpochTimeError);
        }
        Self::from_secs(at.as_second().unsigned_abs())
    }

    /// Seconds since 1970.
    pub fn as_secs(self) -> u64 {
        u64::from(self.0)
    }

    /// The moment itself.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.0)).expect("every second up to 2038 is a timestamp")
    }
}

/// One IPv4 address or a range of them in CIDR notation. CloudFront's policies know no IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpRange {
    network: Ipv4Addr,
    prefix: u8,
}

/// Why a text is no [`IpRange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IpRangeError {
    /// Neither `a.b.c.d` nor `a.b.c.d/n` with n from 0 to 32. IPv6 ends here.
    #[error("not an IPv4 address or range, such as 192.0.2.10 or 192.0.2.0/24")]
    Form,
    /// An address within the range rather than its first: it is not clear what is meant.
    #[error("the address has bits outside of its prefix; write the first address of the range")]
    HostBits,
}

impl IpRange {
    /// Reads `192.0.2.10` (one address) or `192.0.2.0/24` (a range, by its first address).
    pub fn parse(text: &str) -> Result<Self, IpRangeError> {
        let range = Self::read(text).ok_or(IpRangeError::Form)?;
        if range.network.to_bits() & range.mask() == range.network.to_bits() {
            Ok(range)
        } else {
            Err(IpRangeError::HostBits)
        }
    }

    /// As [`parse`](Self::parse), taking any address of a range, as others write into their policies.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => {
                let plain = matches!(prefix.as_bytes(), [b'0'..=b'9'] | [b'1'..=b'3', b'0'..=b'9']);
                (address, plain.then(|| prefix.parse().ok()).flatten().filter(|prefix| *prefix <= 32)?)
            }
            None => (text, 32),
        };
        Some(Self { network: address.parse().ok()?, prefix })
    }

    /// Whether an address lies in the range.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask() == self.network.to_bits() & self.mask()
    }

    /// Whether it is `0.0.0.0/0`, which restricts nothing.
    pub fn is_everyone(self) -> bool {
        self.prefix == 0
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// What a signature allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// One URL until one moment. Short URLs: CloudFront rebuilds the policy by itself.
    Canned(CannedPolicy),
    /// Whatever a pattern covers, with optional start and address range. The policy travels along.
    Custom(CustomPolicy),
}

impl Policy {
    /// Exactly this URL, until `expires`.
    pub fn canned(url: &ContentUrl, expires: EpochTime) -> Result<Self, PolicyError> {
        CannedPolicy::new(url, expires).map(Self::Canned)
    }

    /// Whatever `resource` covers, until `expires`. More conditions are [`CustomPolicy`]'s.
    pub fn custom(resource: Resource, expires: EpochTime) -> Self {
        Self::Custom(CustomPolicy::new(resource, expires))
    }

    /// The moment from which nothing is allowed any more.
    pub fn expires(&self) -> EpochTime {
        match self {
            Self::Canned(policy) => policy.expires,
            Self::Custom(policy) => policy.expires,
        }
    }

    /// The text that is signed: JSON without blanks. The members stand in the order that CloudFront rebuilds for canned
    /// policies, and for custom ones in that of AWS's Python SDK, so that both give the same bytes.
    pub fn to_json(&self) -> String {
        match self {
            Self::Canned(policy) => canned_json(&policy.url, policy.expires),
            Self::Custom(policy) => policy.to_json(),
        }
    }
}

impl From<CustomPolicy> for Policy {
    fn from(policy: CustomPolicy) -> Self {
        Self::Custom(policy)
    }
}

/// Why a policy cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A `*` in the URL of a canned policy. There it stands for itself; but the holder could hand the same signed text back
    /// as a custom policy, where it is a wildcard. Write `%2A`.
    #[error("the URL of a canned policy has a *, which a custom policy would read as a wildcard; write %2A")]
    CannedWildcard,
    /// It would never be valid: the start is not before the end.
    #[error("the policy would start after it ends")]
    NeverValid,
}

/// One URL until one moment.
#[derive(Clone, PartialEq, Eq)]
pub struct CannedPolicy {
    url: String,
    expires: EpochTime,
}

impl CannedPolicy {
    /// Exactly this URL, until `expires`.
    pub fn new(url: &ContentUrl, expires: EpochTime) -> Result<Self, PolicyError> {
        if url.as_str().contains('*') {
            return Err(PolicyError::CannedWildcard);
        }
        Ok(Self { url: url.as_str().to_owned(), expires })
    }

    /// What CloudFront rebuilds from a request.
    pub(super) fn rebuilt(url: String, expires: EpochTime) -> Self {
        Self { url, expires }
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The moment from which it is allowed no more.
    pub fn expires(&self) -> EpochTime {
        self.expires
    }
}

impl fmt::Debug for CannedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CannedPolicy").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// What CloudFront rebuilds. URLs have no character that JSON would escape: see [`ContentUrl`].
pub(super) fn canned_json(url: &str, expires: EpochTime) -> String {
    let mut json = String::with_capacity(url.len() + 96);
    json.push_str("{\"Statement\":[{\"Resource\":\"");
    json.push_str(url);
    json.push_str("\",\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":");
    write!(json, "{}}}}}}}]}}", expires.0).expect("a string takes everything");
    json
}

/// Whatever a pattern covers, until one moment, perhaps from another on, perhaps for one range of addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomPolicy {
    pub(super) resource: Option<Resource>,
    pub(super) expires: EpochTime,
    pub(super) not_before: Option<EpochTime>,
    pub(super) ip_range: Option<IpRange>,
}

impl CustomPolicy {
    /// Whatever `resource` covers, until `expires`. An end is mandatory.
    pub fn new(resource: Resource, expires: EpochTime) -> Self {
        Self { resource: Some(resource), expires, not_before: None, ip_range: None }
    }

    /// Dangerous: a policy without `Resource`, which opens every file of every distribution that trusts the key.
    pub fn danger_for_everything_that_trusts_the_key(expires: EpochTime) -> Self {
        Self { resource: None, expires, not_before: None, ip_range: None }
    }

    /// Allows nothing up to and including the second `start` (`DateGreaterThan`).
    pub fn not_before(mut self, start: EpochTime) -> Result<Self, PolicyError> {
        if start >= self.expires {
            return Err(PolicyError::NeverValid);
        }
        self.not_before = Some(start);
        Ok(self)
    }

    /// Allows nothing to viewers elsewhere (`IpAddress`). Viewers who come over IPv6 are elsewhere.
    #[must_use]
    pub fn ip_range(mut self, range: IpRange) -> Self {
        self.ip_range = Some(range);
        self
    }

    /// The pattern. `None` covers everything.
    pub fn resource(&self) -> Option<&Resource> {
        self.resource.as_ref()
    }

    /// The moment from which it is allowed no more.
    pub fn expires(&self) -> EpochTime {
        self.expires
    }

    /// The last second in which it is not yet allowed.
    pub fn starts_after(&self) -> Option<EpochTime> {
        self.not_before
    }

    /// The viewers it is allowed to.
    pub fn viewers(&self) -> Option<IpRange> {
        self.ip_range
    }

    fn to_json(&self) -> String {
        let mut json = String::with_capacity(256);
        let mut write = |arguments: fmt::Arguments<'_>| json.write_fmt(arguments).expect("a string takes everything");
        write(format_args!("{{\"Statement\":[{{"));
        if let Some(resource) = &self.resource {
            // A backslash is the one character of a resource that JSON escapes.
            write(format_args!("\"Resource\":\"{}\",", resource.as_str().replace('\\', "\\\\")));
        }
        write(format_args!("\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{}}}", self.expires.0));
        if let Some(range) = self.ip_range {
            write(format_args!(",\"IpAddress\":{{\"AWS:SourceIp\":\"{range}\"}}"));
        }
        if let Some(start) = self.not_before {
            write(format_args!(",\"DateGreaterThan\":{{\"AWS:EpochTime\":{}}}", start.0));
        }
        write(format_args!("}}}}]}}"));
        json
    }
}

impl fmt::Debug for CustomPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomPolicy").field("expires", &self.expires).finish_non_exhaustive()
    }
}
