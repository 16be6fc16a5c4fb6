//! What a request must fit, as data.

use std::fmt;

use jiff::SignedDuration;

use crate::sigv4::scope::{Region, ServiceName};

/// What a request must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// The region that is served; any other is refused.
    pub region: Region,
    /// The service that was addressed.
    pub service: Service,
    /// How far the clock of a client may be from ours, and how far in the future a URL may have been signed.
    pub clock_skew: SignedDuration,
    /// The schemes that are on.
    pub schemes: Schemes,
    /// The `x-amz-*` headers that may arrive unsigned.
    pub unsigned_headers: UnsignedHeaders,
    /// The bucket that the host of this request names; `None` where the path does. Only [`Scheme::SigV2`] asks: it signs
    /// the bucket, and not the host.
    pub bucket_of_host: Option<String>,
}

impl Expectations {
    /// What S3 tolerates between two clocks: fifteen minutes, inclusive.
    pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(15);

    /// A region and a service, with the clock skew of S3, SigV4 alone, and no header unsigned that S3 wants signed.
    #[must_use]
    pub fn new(region: Region, service: Service) -> Self {
        Self {
            region,
            service,
            clock_skew: Self::CLOCK_SKEW,
            schemes: Schemes::default(),
            unsigned_headers: UnsignedHeaders::default(),
            bucket_of_host: None,
        }
    }
}

/// The service that was addressed, which decides what stands for the body in the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// S3: the request says it, in `x-amz-content-sha256`.
    S3,
    /// STS: always the hash of the body, which is short and has been read.
    Sts {
        /// SHA-256 of the body.
        body_sha256: [u8; 32],
    },
}

impl Service {
    /// As it stands in a scope.
    pub(crate) fn name(self) -> ServiceName {
        match self {
            Service::S3 => ServiceName::S3,
            Service::Sts { .. } => ServiceName::Sts,
        }
    }
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Signature Version 2: HMAC-SHA1 over some of the request. It covers neither host nor most of the query.
    SigV2,
    /// Signature Version 4: HMAC-SHA256, for one region.
    SigV4,
    /// Signature Version 4A: ECDSA on P-256, for a set of regions.
    SigV4a,
}

impl Scheme {
    /// The value of the policy key `s3:signatureversion`: `AWS`, `AWS4-HMAC-SHA256` or `AWS4-ECDSA-P256-SHA256`. It is
    /// also the first word of the `Authorization` header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::SigV2 => "AWS",
            Scheme::SigV4 => "AWS4-HMAC-SHA256",
            Scheme::SigV4a => "AWS4-ECDSA-P256-SHA256",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of schemes. The default is [`Scheme::SigV4`] alone.
///
/// ```
/// use gatepass_signing::sigv4::verify::{Scheme, Schemes};
///
/// assert!(!Schemes::default().contains(Scheme::SigV2));
/// assert!(Schemes::default().with(Scheme::SigV2).contains(Scheme::SigV2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schemes(u8);

impl Schemes {
    /// None at all: every signature is refused.
    pub const NONE: Self = Self(0);

    /// The set with `scheme` in it.
    #[must_use]
    pub const fn with(self, scheme: Scheme) -> Self {
        Self(self.0 | 1 << scheme as u8)
    }

    /// Whether `scheme` is on. [`Scheme::SigV4a`] never is without the feature `sigv4a`.
    #[must_use]
    pub const fn contains(self, scheme: Scheme) -> bool {
        let is_built = cfg!(feature = "sigv4a") || !matches!(scheme, Scheme::SigV4a);
        is_built && self.0 & (1 << scheme as u8) != 0
    }
}

impl Default for Schemes {
    fn default() -> Self {
        Self::NONE.with(Scheme::SigV4)
    }
}

/// Which `x-amz-*` headers may arrive unsigned. Other headers always may.
///
/// The default is what S3 does: on a signed URL `x-amz-content-sha256` may stand unsigned, if it says of the body what the
/// URL says; nothing else may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnsignedHeaders {
    repeated_payload: RepeatedPayload,
    names: Vec<String>,
}

/// Whether `x-amz-content-sha256` may repeat beside a signed URL what the URL says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RepeatedPayload {
    #[default]
    Tolerated,
    Refused,
}

impl UnsignedHeaders {
    /// None: stricter than S3.
    #[must_use]
    pub fn none() -> Self {
        Self { repeated_payload: RepeatedPayload::Refused, names: Vec::new() }
    }

    /// Tolerates one more, such as a header that a proxy adds on the way. What it says is then nobody's word: do not act
    /// on it. The verifier acts on `x-amz-security-token` and `x-amz-region-set`, which must be signed all the same.
    #[must_use]
    pub fn and(mut self, name: &str) -> Self {
        self.names.push(name.to_ascii_lowercase());
        self
    }

    /// Whether `name` may arrive unsigned, whatever its value. Names compare without case.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Whether a URL's payload may be repeated in a header that is not signed.
    pub(crate) fn tolerates_repeated_payload(&self) -> bool {
        self.repeated_payload == RepeatedPayload::Tolerated
    }
}
