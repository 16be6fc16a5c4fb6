//! Browser uploads: a form that lets whoever holds it send one file into a bucket, and the check of such a form.
//!
//! A signed URL cannot say how large an upload may be, nor let the client choose a name below a prefix. A POST policy
//! can: it is a JSON document with conditions on the fields of an HTML form, which is signed instead of the request
//! (AWS: "Browser-based uploads using POST"). The signature covers the policy and nothing else, so a form is exactly as
//! safe as its policy is narrow. That is why the two sides here are so unlike:
//!
//! - [`PostPolicy`] makes forms, and only narrow ones: the bucket is always named, the key is one key or lies below a
//!   prefix that ends in `/`, the size has both bounds, and each field is fixed or has a prefix. Whatever is wider has
//!   `dangerously` in its name.
//! - [`verify`] checks forms as S3 does, wide ones too: every condition must hold, and every field that was sent must
//!   have a condition.
//!
//! Reading `multipart/form-data` is not done here: whoever reads the body fills a [`Form`](verify::Form), field by field,
//! and then holds the file to the [`SizeRange`] of the proof while it streams.
//!
//! ```
//! use gatepass_signing::address::{AddressingStyle, Endpoint};
//! use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
//! use gatepass_signing::post_policy::verify::{self, Form, PostPresented};
//! use gatepass_signing::post_policy::{KeyRule, PostPolicy, SizeRange, UploadTarget};
//! use gatepass_signing::sigv4::verify::{Expectations, Service};
//! use gatepass_signing::sigv4::{KeyCache, Region};
//! use gatepass_signing::time::Lifetime;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::long_term(
//!     AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
//!     SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
//! );
//! let region = Region::new("eu-central-1")?;
//! let endpoint = Endpoint::parse("https://s3.eu-central-1.amazonaws.com")?;
//! let target = UploadTarget::new(&endpoint, AddressingStyle::VirtualHost, "photos")?;
//! let keys = KeyCache::new();
//! let now = "2026-01-01T12:00:00Z".parse()?;
//!
//! // The server makes a form for one user …
//! let size = SizeRange::new(1, 5 * 1024 * 1024)?;
//! let form = PostPolicy::new(&credentials, region.clone(), target, KeyRule::prefix("users/7/")?, size)
//!     .content_type("image/png", &["image/png", "image/jpeg"])?
//!     .expires(Lifetime::from_secs(600)?)
//!     .sign(&keys, now)?;
//! assert_eq!(form.url(), "https://photos.s3.eu-central-1.amazonaws.com/");
//!
//! // … the browser sends its fields in order, the file last, and the store checks what arrived.
//! let mut sent = Form::new("photos");
//! for (name, value) in form.expose_fields() {
//!     sent.push(name, value)?;
//! }
//! sent.file(Some("C:\\pictures\\cat.png"));
//! let expectations = Expectations::new(region, Service::S3);
//! let PostPresented::Signed(claim) = verify::parse(&sent, &expectations, now)? else { unreachable!() };
//! let verified = claim.verify(&keys, credentials.secret_key())?;
//! assert_eq!(verified.upload().key(), "users/7/cat.png");
//! assert!(verified.upload().size_range().check(6 * 1024 * 1024).is_err());
//! # Ok(())
//! # }
//! ```

mod builder;
mod error;
mod key;
mod redirect;
mod signed_form;
mod size;
mod target;
mod text;
pub mod verify;

pub use self::builder::{PostPolicy, SuccessStatus};
pub use self::error::PostPolicyError;
pub use self::key::KeyRule;
pub use self::signed_form::SignedForm;
pub use self::size::{SizeError, SizeRange};
pub use self::target::UploadTarget;
pub use self::text::PolicyText;

/// The largest file that a form uploads: 5 GiB, as with a single PUT (AWS: "Uploading objects").
pub const MAX_OBJECT_BYTES: u64 = 5 * 1024 * 1024 * 1024;
/// The most bytes of a form before its file, names and values (AWS: "POST Object", 20 KB; S3's answer says 20480).
pub const MAX_FORM_BYTES: usize = 20 * 1024;
/// The most fields of a form. S3 has no such limit; with what multipart puts around a field, 20 KB hold fewer.
pub const MAX_FIELDS: usize = 512;

/// What a client's file name replaces.
pub(crate) const FILENAME: &str = "${filename}";

/// The names of the fields that carry a policy and its signature, in lower case: names of fields have no case.
pub(crate) mod field {
    pub(crate) const ALGORITHM: &str = "x-amz-algorithm";
    pub(crate) const BUCKET: &str = "bucket";
    pub(crate) const CONTENT_TYPE: &str = "content-type";
    pub(crate) const CREDENTIAL: &str = "x-amz-credential";
    pub(crate) const DATE: &str = "x-amz-date";
    pub(crate) const FILE: &str = "file";
    pub(crate) const KEY: &str = "key";
    pub(crate) const POLICY: &str = "policy";
    pub(crate) const REDIRECT: &str = "success_action_redirect";
    pub(crate) const REDIRECT_ALIAS: &str = "redirect";
    pub(crate) const SECURITY_TOKEN: &str = "x-amz-security-token";
    pub(crate) const SIGNATURE: &str = "x-amz-signature";
    pub(crate) const STATUS: &str = "success_action_status";
    pub(crate) const V2_ACCESS_KEY_ID: &str = "awsaccesskeyid";
    pub(crate) const V2_SIGNATURE: &str = "signature";
    /// Fields that begin so are nobody's business.
    pub(crate) const IGNORED_PREFIX: &str = "x-ignore-";
}
