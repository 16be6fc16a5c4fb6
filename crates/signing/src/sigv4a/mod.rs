//! AWS Signature Version 4A: SigV4 with ECDSA in place of HMAC, good for a set of regions in place of one.
//!
//! The canonical request is that of SigV4. What differs: the algorithm is `AWS4-ECDSA-P256-SHA256`; the scope is
//! `YYYYMMDD/s3/aws4_request`, without a region; `X-Amz-Region-Set` says where the signature is good, and is signed as
//! every parameter and every `x-amz-*` header is; and the key pair is derived from the access key alone, so that it does
//! not change from day to day. S3 wants it for Multi-Region Access Points.
//!
//! URLs are signed by [`Presign::sign_for_regions`](crate::sigv4::presign::Presign::sign_for_regions), requests by
//! [`header::sign`], bodies in chunks from [its seed](crate::sigv4::header::SignedHeaders::chunk_seed); all are checked by
//! [`verify`](crate::sigv4::verify) where its expectations have
//! [`Scheme::SigV4a`](crate::sigv4::verify::Scheme::SigV4a).
//!
//! ```
//! use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
//! use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
//! use gatepass_signing::request::RequestView;
//! use gatepass_signing::sigv4::presign::{Method, Presign};
//! use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Scheme, Schemes, Service};
//! use gatepass_signing::sigv4::{KeyCache, Region};
//! use gatepass_signing::sigv4a::RegionSet;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::long_term(
//!     AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
//!     SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
//! );
//! let endpoint = Endpoint::parse("http://127.0.0.1:9000")?;
//! let address = Address::object(&endpoint, AddressingStyle::Path, "photos", "a cat.jpg")?;
//! let (keys, here) = (KeyCache::new(), Region::new("eu-west-1")?);
//! let now = "2026-01-01T12:00:00Z".parse()?;
//! let url = Presign::new(&credentials, here.clone(), address, Method::Get)
//!     .sign_for_regions(&RegionSet::parse("us-east-1,eu-west-1")?, &keys, now)?;
//!
//! let target = url.expose().strip_prefix("http://127.0.0.1:9000").unwrap();
//! let request = RequestView { method: "GET", target, headers: &[("Host", b"127.0.0.1:9000")] };
//! let mut expectations = Expectations::new(here, Service::S3);
//! expectations.schemes = Schemes::default().with(Scheme::SigV4a);
//! let Presented::Query(claim) = verify::parse(&request, &expectations, now)? else { unreachable!() };
//! let verified = claim.verify(&keys, credentials.secret_key())?;
//! assert_eq!(verified.scheme(), Scheme::SigV4a);
//! # Ok(())
//! # }
//! ```
//!
//! An ECDSA signature is not unique: signing twice gives two, and from one signature `(r, s)` anybody makes the other
//! one, `(r, n − s)`, which is as good. AWS's signers make both kinds, so both are accepted here; only their writing is
//! strict (DER as it must be, lower-case digits). Whoever wants to use a signed URL but once must not go by its
//! signature.

pub mod header;
pub(crate) mod key;
pub(crate) mod key_cache;
mod region_set;
mod scope;

pub use self::region_set::{RegionSet, RegionSetError};
pub use self::scope::Scope;

use crate::encode;
use crate::time::AmzDate;

/// The algorithm, as it stands in `X-Amz-Algorithm`, in `Authorization` and in the string to sign.
pub(crate) const ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";

/// The string to sign of a request.
pub(crate) fn string_to_sign(signed_at: &AmzDate, scope: &Scope, canonical_digest: &[u8; 32]) -> String {
    format!("{ALGORITHM}\n{signed_at}\n{scope}\n{}", encode::hex(canonical_digest))
}
