//! Who asks? Nothing is routed, read or written before this is answered.

use gatepass_authority::{Authority, Identity};
use gatepass_iam::Principal;
use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::credentials::AccessKeyId;
use gatepass_signing::post_policy::verify::{self as post_policy, Form, PostPresented, Upload};
use gatepass_signing::request::{Query, Target};
use gatepass_signing::sigv4::KeyCache;
use gatepass_signing::sigv4::verify::{
    self, Claim, Expectations, Mechanism, Payload, Presented, Reason, Refusal, Scheme, Schemes, Service, Verified,
};
use jiff::Timestamp;

use crate::arrival::Arrival;
use crate::config::SignatureVersion2;

/// What is known about the one who asks.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) access_key_id: Option<AccessKeyId>,
    /// How the request is signed; nothing for an anonymous one.
    pub(crate) signature: Option<Signature>,
    /// The decoded query of the request that was authenticated.
    pub(crate) query: Query,
    /// What the signature says about the body.
    pub(crate) payload: Payload,
}

/// What policies may ask about a signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature {
    pub(crate) place: SignaturePlace,
    pub(crate) scheme: Scheme,
    /// A URL of Signature Version 2 does not tell.
    pub(crate) signed_at: Option<Timestamp>,
}

/// Where a signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignaturePlace {
    Header,
    Query,
    Form,
}

impl Signature {
    fn of(verified: &Verified) -> Self {
        let place = match verified.mechanism() {
            Mechanism::Header => SignaturePlace::Header,
            Mechanism::Query => SignaturePlace::Query,
        };
        Self { place, scheme: verified.scheme(), signed_at: verified.signed_at() }
    }
}

/// A caller of STS, who is always somebody.
#[derive(Debug)]
pub(crate) struct StsCaller {
    pub(crate) identity: Identity,
    pub(crate) access_key_id: AccessKeyId,
}

/// The one who signed a form, and what the form may do.
#[derive(Debug)]
pub(crate) struct FormCaller {
    pub(crate) principal: Principal,
    pub(crate) access_key_id: Option<AccessKeyId>,
    /// How the form is signed; nothing for an anonymous one.
    pub(crate) signature: Option<Signature>,
    pub(crate) upload: Upload,
}

/// Why a request is not authenticated.
#[derive(Debug)]
pub(crate) enum Unauthenticated {
    Refused(Refusal),
    UnknownKey(AccessKeyId),
    /// A session token came with a key that has none.
    UnexpectedToken,
}

impl From<Refusal> for Unauthenticated {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Unauthenticated {
    /// Whether the signature is for another region than the one whose endpoint was asked.
    pub(crate) fn is_about_the_region(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.reason() == Reason::CredentialRegion)
    }
}

impl From<Unauthenticated> for S3Error {
    fn from(reason: Unauthenticated) -> Self {
        match reason {
            Unauthenticated::Refused(refusal) => refusal.into(),
            Unauthenticated::UnknownKey(id) => Self::invalid_access_key_id(id.as_str()),
            Unauthenticated::UnexpectedToken => Self::invalid_token(),
        }
    }
}

/// Checks signatures against the keys of an authority.
#[derive(Debug)]
pub(crate) struct Authenticator {
    authority: Authority,
    keys: KeyCache,
    schemes: Schemes,
}

impl Authenticator {
    pub(crate) fn new(authority: Authority, version_2: SignatureVersion2) -> Self {
        let schemes = match version_2 {
            SignatureVersion2::Refused => Schemes::default(),
            SignatureVersion2::Accepted => Schemes::default().with(Scheme::SigV2),
        };
        Self { authority, keys: KeyCache::new(), schemes }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Authenticates a request to S3. Without a signature the caller is anonymous.
    pub(crate) fn s3(&self, arrival: &Arrival, now: Timestamp) -> Result<Caller, Unauthenticated> {
        let expectations = Expectations {
            schemes: self.schemes,
            bucket_of_host: arrival.host_bucket.as_ref().map(|bucket| bucket.as_str().to_owned()),
            ..Expectations::new(arrival.region.clone(), Service::S3)
        };
        arrival.view(|view| match verify::parse(view, &expectations, now)? {
            Presented::Anonymous => {
                let payload = verify::anonymous_payload(view)?;
                // It has been parsed a moment ago, so this does not fail.
                let query = Target::parse(view.target).map(|target| target.query().clone()).unwrap_or_default();
                Ok(Caller { principal: Principal::Anonymous, access_key_id: None, signature: None, query, payload })
            }
            Presented::Query(claim) | Presented::Header(claim) => {
                let (identity, verified) = self.verify(claim)?;
                Ok(Caller {
                    principal: identity.principal.clone(),
                    access_key_id: Some(verified.access_key_id().clone()),
                    signature: Some(Signature::of(&verified)),
                    query: verified.target().query().clone(),
                    payload: verified.payload().clone(),
                })
            }
        })
    }

    /// Authenticates a form by its fields: its signature, and then its policy. A form without both is anonymous.
    pub(crate) fn form(&self, arrival: &Arrival, form: &Form, now: Timestamp) -> Result<FormCaller, S3Error> {
        let expectations =
            Expectations { schemes: self.schemes, ..Expectations::new(arrival.region.clone(), Service::S3) };
        let claim = match post_policy::parse(form, &expectations, now)? {
            PostPresented::Anonymous(upload) => {
                return Ok(FormCaller {
                    principal: Principal::Anonymous,
                    access_key_id: None,
                    signature: None,
                    upload,
                });
            }
            PostPresented::Signed(claim) => claim,
        };
        let Some(identity) = self.authority.lookup(claim.access_key_id()) else {
            return Err(S3Error::invalid_access_key_id(claim.access_key_id().as_str()));
        };
        let has_token = claim.session_token().is_some();
        let verified = claim.verify(&self.keys, &identity.secret)?;
        if has_token {
            return Err(S3Error::invalid_token());
        }
        Ok(FormCaller {
            principal: identity.principal.clone(),
            access_key_id: Some(verified.access_key_id().clone()),
            signature: Some(Signature {
                place: SignaturePlace::Form,
                scheme: verified.scheme(),
                signed_at: verified.signed_at(),
            }),
            upload: verified.upload().clone(),
        })
    }

    /// Whether a request to STS claims to be signed, with a key that exists. It says nothing about the
    /// signature, which cannot be checked before the body is read; it saves reading the others'.
    pub(crate) fn is_sts_claim(&self, arrival: &Arrival, now: Timestamp) -> Result<bool, Unauthenticated> {
        // The hash of the body takes part in no check but that of the signature.
        let expectations = Expectations::new(arrival.region.clone(), Service::Sts { body_sha256: [0; 32] });
        arrival.view(|view| match verify::parse(view, &expectations, now)? {
            Presented::Anonymous => Ok(false),
            Presented::Query(claim) | Presented::Header(claim) => match self.authority.lookup(claim.access_key_id()) {
                Some(_) => Ok(true),
                None => Err(Unauthenticated::UnknownKey(claim.access_key_id().clone())),
            },
        })
    }

    /// Authenticates a request to STS, whose body has been read; `None` for an anonymous one.
    pub(crate) fn sts(
        &self,
        arrival: &Arrival,
        body_sha256: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<StsCaller>, Unauthenticated> {
        let expectations = Expectations::new(arrival.region.clone(), Service::Sts { body_sha256 });
        arrival.view(|view| match verify::parse(view, &expectations, now)? {
            Presented::Anonymous => Ok(None),
            Presented::Query(claim) | Presented::Header(claim) => {
                let (identity, verified) = self.verify(claim)?;
                Ok(Some(StsCaller { identity: identity.clone(), access_key_id: verified.access_key_id().clone() }))
            }
        })
    }

    fn verify(&self, claim: Claim<'_>) -> Result<(&Identity, Verified), Unauthenticated> {
        let Some(identity) = self.authority.lookup(claim.access_key_id()) else {
            return Err(Unauthenticated::UnknownKey(claim.access_key_id().clone()));
        };
        // Only temporary keys come with a token, and there are none here.
        let has_token = claim.session_token().is_some();
        let verified = claim.verify(&self.keys, &identity.secret)?;
        if has_token {
            return Err(Unauthenticated::UnexpectedToken);
        }
        Ok((identity, verified))
    }
}
