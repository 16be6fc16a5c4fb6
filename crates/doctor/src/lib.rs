//! Says why a signed URL fails, without IO.
//!
//! It takes what somebody who is stuck has at hand: a URL, a pasted curl command or a HAR file ([`input::read`]), perhaps
//! the error document that came back, perhaps the credentials that signed. [`url::explain`] decodes it, compares it with
//! what S3 says that it saw, tries out with the credentials what else may have been signed, and answers with a
//! [`Report`](report::Report): findings, the most likely first, each with its evidence and what to do about it.
//!
//! It asks nobody, reads no clock and no environment, and never panics, whatever the input. What it shows holds no
//! signature, no session token and no key: [`redact`] is the one place that decides. It does not decide whether a
//! request is allowed; it says so where only that is left.
//!
//! ```
//! use gatepass_doctor::report::Cause;
//! use gatepass_doctor::{input, url};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pasted = "curl 'https://photos.s3.eu-central-1.amazonaws.com/cat.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&\
//!     X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T120000Z&\
//!     X-Amz-Expires=900&X-Amz-SignedHeaders=host&\
//!     X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'";
//! let exchanges = input::read(pasted)?;
//! let report = url::explain(&url::Input::new(&exchanges[0], "2026-01-01T13:00:00Z".parse()?));
//! assert_eq!(report.findings[0].id, Cause::Expired);
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod base64;
pub mod error_document;
pub mod input;
pub mod redact;
pub mod report;
pub mod url;
