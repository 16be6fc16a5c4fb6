//! Claims of SigV4a: read as those of SigV4 are, with a set of regions in place of one, and a key pair in place of a key.

use jiff::Timestamp;

use super::claim::{self, Claim, Head};
use super::credential::check_common_parts;
use super::headers::single_header;
use super::query::Parameters;
use super::stated::{self, Dated, Stated};
use super::v4::Canonical;
use super::verified::{SignedBy, kept};
use super::{Details, Expectations, Mechanism, Mismatch, Reason, Refusal, Scheme};
use crate::credentials::{AccessKeyId, SecretKey};
use crate::request::{RequestView, Target};
use crate::sigv4::Region;
use crate::sigv4::chunked::ChunkSeed;
use crate::sigv4::key::{KeyCache, sha256};
use crate::sigv4::parameter::Authentication;
use crate::sigv4a::key::Signature;
use crate::sigv4a::{self, RegionSet, Scope};

/// What a SigV4a request says about its signature.
pub(super) type Signed<'a> = Stated<'a, Scope>;

impl Dated for Scope {
    const SCHEME: Scheme = Scheme::SigV4a;

    fn date(&self) -> &str {
        self.date()
    }
}

/// Reads a signed URL.
pub(super) fn by_query<'a>(
    request: RequestView<'a>,
    target: Target,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Query;
    let credential = |parameters: &Parameters<'_, 'a>| {
        let credential = read_credential(parameters.get(Authentication::Credential)?, mechanism, expectations)?;
        check_region_set(parameters.find(Authentication::RegionSet), mechanism, &expectations.region)?;
        Ok(credential)
    };
    stated::in_query(request, target, expectations, now, credential, claim::Signed::V4a)
}

/// Reads an `Authorization` header, from behind its scheme.
pub(super) fn by_header<'a>(
    request: RequestView<'a>,
    target: Target,
    authorization: &'a str,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Claim<'a>, Refusal> {
    let mechanism = Mechanism::Header;
    let credential = |text: &str| {
        let credential = read_credential(text, mechanism, expectations)?;
        // That it is signed is seen with all other `x-amz-*` headers.
        let region_set = single_header(&request, "x-amz-region-set", mechanism)?;
        let region_set = region_set.map(|value| std::str::from_utf8(value).unwrap_or_default());
        check_region_set(region_set, mechanism, &expectations.region)?;
        Ok(credential)
    };
    stated::in_header(request, target, authorization, expectations, now, credential, claim::Signed::V4a)
}

/// The parts of `AKID/date/service/aws4_request`, in the order in which S3 complains of SigV4's.
fn read_credential(
    text: &str,
    mechanism: Mechanism,
    expectations: &Expectations,
) -> Result<(AccessKeyId, Scope), Refusal> {
    let malformed = || Refusal::plain(Reason::CredentialMalformed, mechanism);
    let mut parts = text.split('/');
    let mut part = || parts.next().ok_or_else(malformed);
    let (access_key_id, date, service, terminal) = (part()?, part()?, part()?, part()?);
    if parts.next().is_some() {
        return Err(malformed());
    }
    let access_key_id = AccessKeyId::new(access_key_id).map_err(|_| malformed())?;
    let midnight = check_common_parts(service, terminal, date, mechanism, expectations)?;
    Ok((access_key_id, Scope::new(&midnight, expectations.service.name())))
}

/// The region that is served is one of those that the signature is good for.
fn check_region_set(text: Option<&str>, mechanism: Mechanism, region: &Region) -> Result<(), Refusal> {
    let text = text.ok_or_else(|| Refusal::plain(Reason::RegionSetMissing, mechanism))?;
    let set = RegionSet::parse(text).map_err(|_| Refusal::plain(Reason::RegionSetMalformed, mechanism))?;
    if !set.contains(region) {
        let details = Details::Region { received: set.to_string(), expected: region.clone() };
        return Err(Refusal::new(Reason::RegionSetElsewhere, mechanism, details));
    }
    Ok(())
}

impl Signed<'_> {
    pub(super) fn verify(&self, head: &Head<'_>, keys: &KeyCache, secret: &SecretKey) -> Result<SignedBy, Refusal> {
        head.not_signed.check(head.mechanism)?;
        let payload_line = self.payload.line();
        let canonical = Canonical::of(head, &self.headers, &payload_line);
        let string_to_sign = sigv4a::string_to_sign(&self.at, &self.scope, &sha256(&canonical.0));
        let pair = keys.key_pair(&head.access_key_id, secret);
        let verifies = |signature: &Signature| pair.verifies(&[string_to_sign.as_bytes()], signature);
        let Some(provided) = Signature::parse(&self.signature).filter(verifies) else {
            let details = Details::Mismatch(Mismatch {
                access_key_id: head.access_key_id.as_str().to_owned(),
                string_to_sign,
                signature_provided: self.signature.clone().into_owned(),
                canonical_request: canonical.0,
            });
            return Err(Refusal::new(Reason::SignatureMismatch, head.mechanism, details));
        };
        Ok(SignedBy {
            scheme: Scheme::SigV4a,
            signed_at: Some(self.at.timestamp()),
            signed_headers: kept(&self.headers, &["host"]),
            payload: self
                .payload
                .verified(|trailer| ChunkSeed::asymmetric(pair.clone(), self.at, &self.scope, &provided, trailer)),
            scope: None,
        })
    }
}
