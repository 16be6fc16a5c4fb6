//! Checking a form, in two steps, so that secrets can come from anywhere:
//! [`parse`] → the caller finds the secret of [`PostClaim::access_key_id`] → [`PostClaim::verify`] → [`PostVerified`].
//!
//! The order is that of S3: what the form lacks, then what its signature claims, then (by the caller) the key, then the
//! signature, and only then the policy: its structure, its expiration, its conditions, and whether they cover every field.
//! So nothing of a policy is read that nobody signed.
//!
//! What S3 does not check is not checked here either: how old `x-amz-date` is, and whether it lies on the date of the
//! credential. Both stand in the policies that signers write, and are signed with them.

mod claim;
mod credential;
mod document;
mod fields;
mod form;
mod json;
mod refusal;
mod upload;

use jiff::Timestamp;

pub use self::claim::{PostClaim, PostVerified};
use self::fields::Fields;
pub use self::form::Form;
pub use self::refusal::{Details, Mismatch, Reason, Refusal};
pub use self::upload::{AfterUpload, Upload};
use super::{SizeRange, SuccessStatus, field};
use crate::address::Address;
use crate::sigv4::verify::{Expectations, Scheme};

/// What a form presents.
#[derive(Clone, Debug)]
pub enum PostPresented {
    /// Neither policy nor signature. Only a bucket that everybody may write to takes it; nothing limits its size but S3.
    Anonymous(Upload),
    /// A policy and a signature.
    Signed(PostClaim),
}

/// Reads what a form claims, and checks everything that needs no secret.
pub fn parse(form: &Form, expectations: &Expectations, now: Timestamp) -> Result<PostPresented, Refusal> {
    if !form.has_file() {
        return Err(Reason::FileMissing.into());
    }
    let fields = Fields::read(form)?;
    check_key(&fields)?;
    // The bucket that counts is that of the request; a field may say the same, and nothing else.
    if fields.get(field::BUCKET).is_some_and(|bucket| bucket != form.bucket) {
        return Err(Reason::BucketField.into());
    }
    let has_any = |names: &[&str]| names.iter().any(|name| fields.get(name).is_some());
    let v4 = has_any(&[field::ALGORITHM, field::CREDENTIAL, field::DATE, field::SIGNATURE]);
    let v2 = has_any(&[field::V2_ACCESS_KEY_ID, field::V2_SIGNATURE]);
    let claim = match (v4, v2) {
        (false, false) if fields.get(field::POLICY).is_none() => {
            let upload = Upload::new(&form.bucket, &fields, SizeRange::UNLIMITED);
            return Ok(PostPresented::Anonymous(upload));
        }
        (false, true) if !expectations.schemes.contains(Scheme::SigV2) => return Err(Reason::SigV2.into()),
        (false, true) => PostClaim::by_v2(&form.bucket, fields, now),
        // A policy alone is one whose signature was forgotten.
        _ => PostClaim::by_v4(&form.bucket, fields, expectations, now),
    };
    claim.map(PostPresented::Signed)
}

fn check_key(fields: &Fields) -> Result<(), Refusal> {
    let key = fields.get(field::KEY).ok_or_else(|| Refusal::new(Reason::FieldMissing, Details::Field(field::KEY)))?;
    if key.is_empty() {
        return Err(Reason::KeyEmpty.into());
    }
    if key.len() > Address::MAX_KEY_BYTES {
        let bytes = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let details = Details::Size { proposed: bytes(key.len()), limit: bytes(Address::MAX_KEY_BYTES) };
        return Err(Refusal::new(Reason::KeyTooLong, details));
    }
    Ok(())
}
