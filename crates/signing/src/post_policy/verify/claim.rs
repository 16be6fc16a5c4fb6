//! What a form claims, and the proof that it is so.

use std::fmt;

use jiff::Timestamp;

use super::document::Document;
use super::fields::Fields;
use super::{Details, Mismatch, Reason, Refusal, Upload, credential};
use crate::credentials::{AccessKeyId, SecretKey, SessionToken};
use crate::post_policy::field;
use crate::sigv2;
use crate::sigv4::verify::{Echo, Expectations, Scheme};
use crate::sigv4::{ALGORITHM, KeyCache, Scope, Signature};
use crate::time::AmzDate;

/// A form that claims to be signed by [`access_key_id`](Self::access_key_id), with all that this takes. Not yet a proof.
#[derive(Clone)]
pub struct PostClaim {
    bucket: String,
    fields: Fields,
    access_key_id: AccessKeyId,
    session_token: Option<SessionToken>,
    signed: Signed,
    now: Timestamp,
}

/// What the schemes do not share.
#[derive(Clone)]
enum Signed {
    V4 { scope: Scope, at: AmzDate },
    V2,
}

impl PostClaim {
    pub(super) fn by_v4(
        bucket: &str,
        fields: Fields,
        expectations: &Expectations,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        const REQUIRED: [(&str, &str); 5] = [
            (field::ALGORITHM, "X-Amz-Algorithm"),
            (field::CREDENTIAL, "X-Amz-Credential"),
            (field::DATE, "X-Amz-Date"),
            (field::SIGNATURE, "X-Amz-Signature"),
            (field::POLICY, "policy"),
        ];
        let [algorithm, credential, date, _, _] = required(&fields, REQUIRED)?;
        if algorithm != ALGORITHM || !expectations.schemes.contains(Scheme::SigV4) {
            return Err(argument(Reason::Algorithm, "X-Amz-Algorithm", algorithm));
        }
        let (access_key_id, scope) = credential::read(credential, expectations)?;
        let at = AmzDate::parse(date).ok_or_else(|| argument(Reason::DateMalformed, "X-Amz-Date", date))?;
        let session_token = session_token(&fields)?;
        let signed = Signed::V4 { scope, at };
        Ok(Self { bucket: bucket.to_owned(), fields, access_key_id, session_token, signed, now })
    }

    pub(super) fn by_v2(bucket: &str, fields: Fields, now: Timestamp) -> Result<Self, Refusal> {
        const REQUIRED: [(&str, &str); 3] = [
            (field::V2_ACCESS_KEY_ID, "AWSAccessKeyId"),
            (field::V2_SIGNATURE, "Signature"),
            (field::POLICY, "policy"),
        ];
        let [access_key_id, ..] = required(&fields, REQUIRED)?;
        let access_key_id = AccessKeyId::new(access_key_id)
            .map_err(|_| argument(Reason::CredentialMalformed, "AWSAccessKeyId", access_key_id))?;
        let session_token = session_token(&fields)?;
        Ok(Self { bucket: bucket.to_owned(), fields, access_key_id, session_token, signed: Signed::V2, now })
    }

    /// Whose secret is needed.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// The session token that came with the form. Whether the access key needs one, and whether this is the one, is for the
    /// caller to check.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(SessionToken::expose)
    }

    /// How the form is signed: [`Scheme::SigV4`] or [`Scheme::SigV2`].
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.signed {
            Signed::V4 { .. } => Scheme::SigV4,
            Signed::V2 => Scheme::SigV2,
        }
    }

    /// Checks that the signature is the one that `secret` makes over the policy, that the policy has not expired, that the
    /// form meets all of its conditions, and that they cover all of the form.
    pub fn verify(self, keys: &KeyCache, secret: &SecretKey) -> Result<PostVerified, Refusal> {
        let policy = self.fields.get(field::POLICY).unwrap_or_default();
        if !self.is_signed_with(policy.as_bytes(), keys, secret) {
            return Err(self.mismatch());
        }
        let document = Document::read(policy, self.now)?;
        let size = document.check(&self.bucket, &self.fields, self.exempt())?;
        let upload = Upload::new(&self.bucket, &self.fields, size);
        Ok(PostVerified {
            scheme: self.scheme(),
            access_key_id: self.access_key_id,
            signed: self.signed,
            expires_at: document.expires_at(),
            upload,
        })
    }

    fn signature(&self) -> &str {
        let name = match self.signed {
            Signed::V4 { .. } => field::SIGNATURE,
            Signed::V2 => field::V2_SIGNATURE,
        };
        self.fields.get(name).unwrap_or_default()
    }

    /// The string to sign is the policy as it was sent, in base64. Both schemes compare in constant time.
    fn is_signed_with(&self, policy: &[u8], keys: &KeyCache, secret: &SecretKey) -> bool {
        match &self.signed {
            Signed::V4 { scope, .. } => {
                let expected = keys.key(&self.access_key_id, secret, scope).sign(&[policy]);
                Signature::parse(self.signature()).is_some_and(|provided| provided.matches(&expected))
            }
            Signed::V2 => {
                let expected = sigv2::Signature::of(secret, policy);
                sigv2::Signature::parse(self.signature()).is_some_and(|provided| provided.matches(&expected))
            }
        }
    }

    /// The fields that need no condition, beside those that are ignored (AWS: "POST policy", "Condition matching").
    fn exempt(&self) -> &'static [&'static str] {
        match self.signed {
            Signed::V4 { .. } => &[field::SIGNATURE, field::POLICY],
            Signed::V2 => &[field::SIGNATURE, field::POLICY, field::V2_ACCESS_KEY_ID, field::V2_SIGNATURE],
        }
    }

    fn mismatch(&self) -> Refusal {
        let policy = self.fields.get(field::POLICY).unwrap_or_default();
        let mismatch = Mismatch {
            access_key_id: self.access_key_id.as_str().to_owned(),
            string_to_sign: self.session_token.is_none().then(|| policy.to_owned()),
            signature_provided: self.signature().to_owned(),
        };
        Refusal::new(Reason::SignatureMismatch, Details::Mismatch(mismatch))
    }
}

impl fmt::Debug for PostClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostClaim")
            .field("scheme", &self.scheme())
            .field("bucket", &self.bucket)
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The proof that a form's policy was signed with the secret of [`access_key_id`](Self::access_key_id), and that the form
/// meets it. The size of the file remains to be checked, against [`Upload::size_range`].
///
/// Only [`PostClaim::verify`] makes one:
///
/// ```compile_fail,E0451
/// use gatepass_signing::post_policy::verify::{PostVerified, Upload};
/// fn forge(real: PostVerified, upload: Upload) -> PostVerified {
///     PostVerified { upload, ..real }
/// }
/// ```
#[derive(Clone)]
pub struct PostVerified {
    scheme: Scheme,
    access_key_id: AccessKeyId,
    signed: Signed,
    expires_at: Timestamp,
    upload: Upload,
}

impl PostVerified {
    /// How the form is signed.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Who signed.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// Date, region and service of the signature; `None` for SigV2, which has none.
    #[must_use]
    pub fn scope(&self) -> Option<&Scope> {
        match &self.signed {
            Signed::V4 { scope, .. } => Some(scope),
            Signed::V2 => None,
        }
    }

    /// When it was signed, by its own account; `None` for SigV2, which does not say.
    #[must_use]
    pub fn signed_at(&self) -> Option<Timestamp> {
        match &self.signed {
            Signed::V4 { at, .. } => Some(at.timestamp()),
            Signed::V2 => None,
        }
    }

    /// The `expiration` of the policy.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What may be uploaded, and how.
    #[must_use]
    pub fn upload(&self) -> &Upload {
        &self.upload
    }
}

impl fmt::Debug for PostVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostVerified")
            .field("scheme", &self.scheme)
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .field("upload", &self.upload)
            .finish_non_exhaustive()
    }
}

/// The values of fields that must all be there, or the first that is not, in AWS's spelling.
fn required<'f, const N: usize>(fields: &'f Fields, names: [(&str, &'static str); N]) -> Result<[&'f str; N], Refusal> {
    let mut values = [""; N];
    for (value, (name, spelling)) in values.iter_mut().zip(names) {
        *value = fields.get(name).ok_or_else(|| Refusal::new(Reason::FieldMissing, Details::Field(spelling)))?;
    }
    Ok(values)
}

fn session_token(fields: &Fields) -> Result<Option<SessionToken>, Refusal> {
    let token = fields.get(field::SECURITY_TOKEN).map(SessionToken::new).transpose();
    token.map_err(|_| Reason::SessionTokenMalformed.into())
}

fn argument(reason: Reason, name: &'static str, value: &str) -> Refusal {
    Refusal::new(reason, Details::Argument { name, value: Echo(value.to_owned()) })
}
