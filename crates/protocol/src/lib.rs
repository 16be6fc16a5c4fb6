//! What goes over the wire of Amazon S3 and AWS STS, as types.
//!
//! A request's method, target and headers become one [`s3::operation::Operation`], after which no code needs to look
//! at the request line again; bodies become checked values; answers and errors become the XML that AWS writes.
//!
//! This crate does no input or output, reads no clock and makes no random numbers. It does not check signatures
//! (`gatepass-signing` does) and does not decide who may do what (`gatepass-iam` does).
//!
//! ```
//! use gatepass_protocol::s3::operation::{Operation, Request, Target};
//! use gatepass_signing::request::Query;
//!
//! let target = Target::from_path(None, "/photos/summer/a%20b.jpg")?;
//! let headers = http::HeaderMap::new();
//! let operation = Operation::parse(&Request { method: &http::Method::GET, target, query: &Query::default(), headers: &headers })?;
//! assert_eq!(operation.action(), "s3:GetObject");
//! assert_eq!(operation.resource().to_string(), "arn:aws:s3:::photos/summer/a b.jpg");
//! # Ok::<(), gatepass_protocol::s3::error::S3Error>(())
//! ```
#![warn(missing_docs)]

pub mod cloudfront;
pub mod s3;
pub mod sts;
