//! Makes and checks signed URLs, signed requests, upload forms and CloudFront's URLs and cookies, without IO.
//!
//! It reads no clock (`now` is an argument), opens no socket and looks up no key: the caller of a verifier finds the
//! secret between its two steps. It does not send what it signs, does not know what a request asks for, nor whether that
//! is allowed; that is the work of whoever takes the [`Verified`](sigv4::verify::Verified) that a check leaves.
//!
//! # Which one
//!
//! | | made by | checked by | take it |
//! |---|---|---|---|
//! | signed URL of S3 | [`sigv4::presign`] | [`sigv4::verify`] | for a download, or an upload whose length and type are known |
//! | signed request | [`sigv4::header`] | [`sigv4::verify`] | for what your own program sends |
//! | `aws-chunked` body | [`sigv4::chunked::Encoder`] | [`sigv4::chunked::Decoder`] | where a body is signed while it streams, or its checksum comes last |
//! | upload form | [`post_policy`] | [`post_policy::verify`] | for an upload whose size or name the client chooses |
//! | SigV4a, URL or request | [`sigv4a`], feature `sigv4a` | [`sigv4::verify`], where it is on | for Multi-Region Access Points |
//! | SigV2 | nothing | [`sigv4::verify`], where it is on ([`sigv2`]) | never; for clients that cannot do better |
//! | CloudFront's URL | [`cloudfront`], feature `cloudfront` | [`cloudfront::verify`] | for a file behind a CDN |
//! | CloudFront's cookies | the same | the same | for many files behind a CDN whose URLs must not change |
//!
//! # Two ways to sign
//!
//! **`sign(…, now)`**, as below, with [`Credentials`](credentials::Credentials) that are at hand. It is a function: no
//! waiting, and the same bytes for the same arguments. Long-term keys need nothing else.
//!
//! **[`signer::Signer`]** (feature `provider`) over any provider of the AWS SDK. It keeps the credentials of a session,
//! renews them once for all who wait, before a URL would outlive them, and refuses by name where no session is long
//! enough.
//!
//! Either way the result says when it really ends and why then: [`time::Life`]. Signing times may be rounded, so that a
//! URL can be cached: [`time::SigningWindow`].
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
//!
//! `examples/` has a program for each scheme; each runs offline.
//!
//! # What is safe by construction
//!
//! - A builder refuses what a store would refuse, and what would promise more than it holds: an `x-amz-*` header in a
//!   query, a header that a proxy rewrites, a form without a size.
//! - A check leaves a proof that only the check can make. Anything that arrives twice, or in two spellings, is refused.
//! - Signatures, secrets, tokens and policies do not print; `expose()` is the way out. They compare in constant time, and
//!   secrets are wiped from memory.
//! - Whatever arrives, the work is bounded; each bound is a named constant.
//!
//! # Features
//!
//! | feature | brings | costs |
//! |---|---|---|
//! | `cloudfront` | [`cloudfront`] | AWS-LC, a PEM reader |
//! | `sigv4a` | [`sigv4a`] | AWS-LC |
//! | `provider` | [`signer`] | `aws-credential-types`, and with it a part of tokio |
//!
//! None is on by default. Without them the crate is Rust alone, and SigV4a is refused as an unknown algorithm.
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
