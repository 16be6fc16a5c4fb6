//! AWS policy documents and their evaluation.
//!
//! A document is parsed once into a type that holds no ambiguity; evaluation is a pure function of documents and a
//! request. An explicit Deny wins, over the root identity too, and a decision carries the statement that made it.
//!
//! It does no IO and reads no clock: the time of a request is a condition key like any other. It knows identity and
//! resource policies of one account; session policies and boundaries are absent. What it does not understand it refuses,
//! rather than understanding half of it.
//!
//! ```
//! use gatepass_iam::{Context, Decision, Principal, PolicyDocument, Request, evaluate};
//!
//! let policy = PolicyDocument::parse(br#"{
//!     "Version": "2012-10-17",
//!     "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*",
//!                   "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
//! }"#)?;
//! let request = Request {
//!     principal: &Principal::root("000000000000"),
//!     action: "s3:GetObject",
//!     resource: "arn:aws:s3:::b/key",
//!     context: &Context::new().with("aws:SecureTransport", "false"),
//! };
//! assert!(matches!(evaluate(&request, &[], Some(&policy)), Decision::ExplicitDeny { .. }));
//! # Ok::<(), gatepass_iam::DocumentError>(())
//! ```

#![warn(missing_docs)]

mod bucket_policy;
mod condition;
mod context;
mod document;
mod evaluate;
mod pattern;
mod principal;
mod public;
mod s3_actions;
mod strict_json;

pub use bucket_policy::{BucketPolicyError, MAX_BUCKET_POLICY_TEXT_BYTES, parse_bucket_policy};
pub use condition::{Comparison, Condition, Operator, Quantifier};
pub use context::Context;
pub use document::{Actions, DocumentError, Effect, MAX_DOCUMENT_BYTES, PolicyDocument, Resources, Statement};
pub use evaluate::{Decision, Mismatch, PolicyKind, Request, evaluate};
pub use pattern::{MalformedVariable, Pattern};
pub use principal::{Principal, PrincipalName, Principals};
pub use public::is_public;
