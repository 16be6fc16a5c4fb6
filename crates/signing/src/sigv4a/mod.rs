//! AWS Signature Version 4A: SigV4 with ECDSA in place of HMAC, good for a set of regions in place of one.
//!
//! The canonical request is that of SigV4. What differs: the algorithm is `AWS4-ECDSA-P256-SHA256`; the scope is
//! `YYYYMMDD/s3/aws4_request`, without a region; `X-Amz-Region-Set` says where the signature is good, and is signed as
//! every parameter and every `x-amz-*` header is; and the key pair is derived from the access key alone, so that it does
//! not change from day to day. S3 wants it for Multi-Region Access Points.
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
