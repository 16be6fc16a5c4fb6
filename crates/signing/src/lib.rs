//! Makes and checks signed URLs and signed requests of S3-compatible stores, without IO.
//!
//! The crate signs URLs ([`sigv4::presign`]), signs requests ([`sigv4::header`]), verifies both as a store must
//! ([`sigv4::verify`]), and decodes signed bodies ([`sigv4::chunked`]). It reads no clock (`now` is an argument), opens
//! no socket and looks up no key: the caller of the verifier finds the secret between its two steps. It does not know
//! what a request asks for, nor whether it is allowed; that is the work of whoever takes the
//! [`Verified`](sigv4::verify::Verified) that a check leaves.
//!
//! Not here: SigV4a, SigV2 (recognised, and refused by name), browser POST policies.
//!
//! ```
//! use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
//! use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
//! use gatepass_signing::request::RequestView;
//! use gatepass_signing::sigv4::presign::{Method, Presign};
//! use gatepass_signing::sigv4::verify::{self, Expectations, Presented, Service};
//! use gatepass_signing::sigv4::{KeyCache, Region};
//! use gatepass_signing::time::Lifetime;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::long_term(
//!     AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
//!     SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
//! );
//! let region = Region::new("us-east-1")?;
//! let endpoint = Endpoint::parse("http://127.0.0.1:9000")?;
//! let address = Address::object(&endpoint, AddressingStyle::Path, "photos", "2026/a cat.jpg")?;
//! let keys = KeyCache::new();
//! let now = "2026-01-01T12:00:00Z".parse()?;
//!
//! // One side signs …
//! let url = Presign::new(&credentials, region.clone(), address, Method::Get)
//!     .expires(Lifetime::from_secs(300)?)
//!     .sign(&keys, now)?;
//! assert!(url.to_string().ends_with("X-Amz-Signature=[redacted]"));
//!
//! // … the other verifies what arrived, finding the secret in between.
//! let request = RequestView {
//!     method: "GET",
//!     target: url.expose().strip_prefix("http://127.0.0.1:9000").unwrap(),
//!     headers: &[("Host", b"127.0.0.1:9000")],
//! };
//! let expectations = Expectations::new(region, Service::S3);
//! let Presented::Query(claim) = verify::parse(&request, &expectations, now)? else { unreachable!() };
//! assert_eq!(claim.access_key_id().as_str(), "AKIAIOSFODNN7EXAMPLE");
//! let verified = claim.verify(&keys, credentials.secret_key())?;
//! assert_eq!(verified.target().path(), "/photos/2026/a cat.jpg");
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

pub mod address;
#[cfg(feature = "cloudfront")]
pub mod cloudfront;
pub mod credentials;
pub mod disposition;
pub mod encode;
pub mod post_policy;
pub mod request;
pub mod signed_url;
#[cfg(feature = "provider")]
pub mod signer;
pub mod sigv2;
pub mod sigv4;
#[cfg(feature = "sigv4a")]
pub mod sigv4a;
pub mod time;
