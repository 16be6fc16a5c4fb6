//! Checking a signature, in two steps, so that secrets can come from anywhere:
//! [`parse`] → the caller finds the secret of [`Claim::access_key_id`] → [`Claim::verify`] → [`Verified`].
//!
//! Everything is checked on the raw request target and the headers as they arrived. The order is that of S3: form, region
//! and expiry first, then (by the caller) the key, then headers that should have been signed, then the signature.

mod authorization;
mod payload;
mod query;
mod refusal;

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use self::payload::Declared;
pub use self::payload::{Payload, anonymous_payload};
pub use self::refusal::{Details, Echo, Mechanism, Mismatch, Reason, Refusal};
use crate::credentials::{AccessKeyId, SecretKey, SessionToken};
use crate::encode;
use crate::request::{RequestView, Target, TargetError};
use crate::sigv4::canonical::{CanonicalRequest, canonical_query, push_header};
use crate::sigv4::key::{KeyCache, Signature, sha256, string_to_sign};
use crate::sigv4::scope::{Region, Scope, ServiceName};
use crate::sigv4::{TERMINAL, parameter};
use crate::time::AmzDate;

/// The most header lines of one request.
pub const MAX_HEADERS: usize = 128;
/// The most bytes in all names and values of the headers of one request.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What a request must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// The region that is served; any other is refused.
    pub region: Region,
    /// The service that was addressed.
    pub service: Service,
    /// How far the clock of a client may be from ours, and how far in the future a URL may have been signed.
    pub clock_skew: SignedDuration,
}

impl Expectations {
    /// What S3 tolerates between two clocks: fifteen minutes, inclusive.
    pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(15);

    /// A region and a service, with the clock skew of S3.
    #[must_use]
    pub fn new(region: Region, service: Service) -> Self {
        Self { region, service, clock_skew: Self::CLOCK_SKEW }
    }
}

/// The service that was addressed, which decides what stands for the body in the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// S3: the request says it, in `x-amz-content-sha256`.
    S3,
    /// STS: always the hash of the body, which is short and has been read.
    Sts {
        /// SHA-256 of the body.
        body_sha256: [u8; 32],
    },
}

impl Service {
    fn name(self) -> ServiceName {
        match self {
            Service::S3 => ServiceName::S3,
            Service::Sts { .. } => ServiceName::Sts,
        }
    }
}

/// What a request presents.
#[derive(Clone, Debug)]
pub enum Presented {
    /// No signature at all. See [`anonymous_payload`] for its body.
    Anonymous,
    /// A signed URL.
    Query(Claim),
    /// A signed request.
    Header(Claim),
}

/// Reads what a request claims, and checks everything that needs no secret.
pub fn parse(request: &RequestView<'_>, expectations: &Expectations, now: Timestamp) -> Result<Presented, Refusal> {
    check_size(request)?;
    let target = Target::parse(request.target).map_err(target_refusal)?;
    let authorization = single_header(request, "authorization", None)?;
    let in_query = parameter::MANDATORY.iter().any(|name| target.query().contains(name));
    let sigv2 = ["AWSAccessKeyId", "Signature"].iter().any(|name| target.query().contains(name));
    match authorization {
        Some(value) if in_query || sigv2 => {
            let value = Echo(String::from_utf8_lossy(value).into_owned());
            Err(Refusal::new(Reason::TwoMechanisms, None, Details::Argument { name: "Authorization", value }))
        }
        Some(value) => {
            let stated = authorization::read(request, value, expectations, now)?;
            Claim::new(request, target, stated, expectations).map(Presented::Header)
        }
        None if in_query => {
            let stated = query::read(target.query(), expectations, now)?;
            Claim::new(request, target, stated, expectations).map(Presented::Query)
        }
        None if sigv2 => Err(Refusal::plain(Reason::SigV2, Mechanism::Query)),
        None => Ok(Presented::Anonymous),
    }
}

/// What a request says about its signature, read and checked by itself.
struct Stated {
    mechanism: Mechanism,
    access_key_id: AccessKeyId,
    scope: Scope,
    signed_at: AmzDate,
    expires_at: Option<Timestamp>,
    session_token: Option<SessionToken>,
    signed_headers: String,
    signature: String,
}

/// A request that claims to be signed by [`access_key_id`](Self::access_key_id), in good form and in time. Not yet a proof.
#[derive(Clone)]
pub struct Claim {
    method: String,
    target: Target,
    mechanism: Mechanism,
    access_key_id: AccessKeyId,
    scope: Scope,
    signed_at: AmzDate,
    expires_at: Option<Timestamp>,
    session_token: Option<SessionToken>,
    signed_headers: String,
    signature: String,
    headers_not_signed: Vec<String>,
    canonical_request: Vec<u8>,
    payload: Declared,
}

impl Claim {
    fn new(
        request: &RequestView<'_>,
        target: Target,
        stated: Stated,
        expectations: &Expectations,
    ) -> Result<Self, Refusal> {
        let names = read_signed_headers(&stated)?;
        single_header(request, "host", stated.mechanism)?;
        let payload = payload::declared(request, target.query(), stated.mechanism, &names, expectations.service)?;
        let mut headers = Vec::new();
        for name in &names {
            push_header(&mut headers, name, request.header_values(name));
        }
        let mut path = String::new();
        encode::path(target.path(), &mut path);
        let signed_parameters = target
            .query()
            .iter()
            .filter(|(name, _)| stated.mechanism == Mechanism::Header || *name != parameter::SIGNATURE);
        let canonical_request = CanonicalRequest {
            method: request.method,
            path: &path,
            query: &canonical_query(signed_parameters),
            headers: &headers,
            signed_headers: &stated.signed_headers,
            payload: &payload.line(),
        }
        .to_bytes();
        let headers_not_signed = headers_not_signed(request, &names, stated.mechanism, &payload.line());
        Ok(Self {
            method: request.method.to_owned(),
            target,
            mechanism: stated.mechanism,
            access_key_id: stated.access_key_id,
            scope: stated.scope,
            signed_at: stated.signed_at,
            expires_at: stated.expires_at,
            session_token: stated.session_token,
            signed_headers: stated.signed_headers,
            signature: stated.signature,
            headers_not_signed,
            canonical_request,
            payload,
        })
    }

    /// Whose secret is needed.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// The session token that came with the request. Whether the access key needs one, and whether this is the one, is
    /// for the caller to check.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(SessionToken::expose)
    }

    /// Where the signature stands.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Checks that every `x-amz-*` header is signed and that the signature is the one that `secret` makes.
    pub fn verify(self, keys: &KeyCache, secret: &SecretKey) -> Result<Verified, Refusal> {
        if !self.headers_not_signed.is_empty() {
            let details = Details::HeadersNotSigned(self.headers_not_signed.join(", "));
            return Err(Refusal::new(Reason::HeadersNotSigned, self.mechanism, details));
        }
        let digest = sha256(&self.canonical_request);
        let key = keys.key(&self.access_key_id, secret, &self.scope);
        let expected = key.sign_request(&self.signed_at, &self.scope, &digest);
        let Some(provided) = Signature::parse(&self.signature).filter(|provided| provided.matches(&expected)) else {
            return Err(self.mismatch(&digest));
        };
        let payload = self.payload.verified(key, self.signed_at, &self.scope, provided);
        Ok(Verified {
            method: self.method,
            target: self.target,
            mechanism: self.mechanism,
            access_key_id: self.access_key_id,
            scope: self.scope,
            signed_at: self.signed_at,
            expires_at: self.expires_at,
            signed_headers: self.signed_headers,
            payload,
        })
    }

    fn mismatch(self, digest: &[u8; 32]) -> Refusal {
        let mut text = String::new();
        string_to_sign(&self.signed_at, &self.scope, digest, |part| text.push_str(part));
        let details = Details::Mismatch(Mismatch {
            access_key_id: self.access_key_id.as_str().to_owned(),
            string_to_sign: text,
            signature_provided: self.signature,
            canonical_request: self.canonical_request,
        });
        Refusal::new(Reason::SignatureMismatch, self.mechanism, details)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("mechanism", &self.mechanism)
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("signed_at", &self.signed_at)
            .finish_non_exhaustive()
    }
}

/// The proof that a request was signed with the secret of [`access_key_id`](Self::access_key_id), exactly as it is.
///
/// Only [`Claim::verify`] makes one:
///
/// ```compile_fail,E0451
/// use gatepass_signing::sigv4::verify::Verified;
/// fn forge(real: Verified) -> Verified {
///     Verified { method: "DELETE".to_owned(), ..real }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Verified {
    method: String,
    target: Target,
    mechanism: Mechanism,
    access_key_id: AccessKeyId,
    scope: Scope,
    signed_at: AmzDate,
    expires_at: Option<Timestamp>,
    signed_headers: String,
    payload: Payload,
}

impl Verified {
    /// The method that was signed.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path and query that were signed, decoded.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Where the signature stood.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Who signed.
    #[must_use]
    pub fn access_key_id(&self) -> &AccessKeyId {
        &self.access_key_id
    }

    /// Date, region and service of the signature.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// When it was signed.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at.timestamp()
    }

    /// The end of a signed URL; `None` for a request signed in its header.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The names of the signed headers, lower-case and sorted.
    pub fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.signed_headers.split(';')
    }

    /// What the signature says about the body.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }
}

fn check_size(request: &RequestView<'_>) -> Result<(), Refusal> {
    let bytes: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if request.headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(Refusal::plain(Reason::HeadersTooLarge, None));
    }
    Ok(())
}

fn target_refusal(error: TargetError) -> Refusal {
    let reason = match error {
        TargetError::TooLong => Reason::TargetTooLong,
        TargetError::TooManyParameters => Reason::TooManyParameters,
        TargetError::Form | TargetError::Byte | TargetError::Encoding(_) => Reason::TargetMalformed,
    };
    Refusal::plain(reason, None)
}

/// The value of a header that may stand there once.
fn single_header<'a>(
    request: &RequestView<'a>,
    name: &'static str,
    mechanism: impl Into<Option<Mechanism>>,
) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = request.header_values(name);
    let first = values.next();
    match values.next() {
        None => Ok(first),
        Some(second) => {
            let value = Echo(String::from_utf8_lossy(second).into_owned());
            Err(Refusal::new(Reason::HeaderRepeated, mechanism, Details::Argument { name, value }))
        }
    }
}

/// The list must be as a signer writes it: lower-case, sorted, each name once, `host` among them.
fn read_signed_headers(stated: &Stated) -> Result<Vec<&str>, Refusal> {
    let refuse = |reason| Err(Refusal::plain(reason, stated.mechanism));
    let names: Vec<&str> = stated.signed_headers.split(';').collect();
    let is_name = |name: &&str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && byte != b':')
    };
    if names.len() > MAX_HEADERS || !names.iter().all(is_name) || !names.is_sorted_by(|one, next| one < next) {
        return refuse(Reason::SignedHeadersMalformed);
    }
    if !names.contains(&"host") {
        return refuse(Reason::HostNotSigned);
    }
    Ok(names)
}

/// `x-amz-*` headers that nobody signed. S3 tolerates one on signed URLs: `x-amz-content-sha256`, which must then say what
/// the URL says anyway.
fn headers_not_signed(
    request: &RequestView<'_>,
    signed: &[&str],
    mechanism: Mechanism,
    payload_line: &str,
) -> Vec<String> {
    let tolerated = |name: &str, value: &[u8]| {
        mechanism == Mechanism::Query && name == "x-amz-content-sha256" && value == payload_line.as_bytes()
    };
    let mut names: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), *value))
        .filter(|(name, value)| {
            name.starts_with("x-amz-") && !signed.contains(&name.as_str()) && !tolerated(name, value)
        })
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The parts of `AKID/date/region/service/aws4_request`, in S3's order of complaints.
fn read_credential(
    text: &str,
    mechanism: Mechanism,
    expectations: &Expectations,
) -> Result<(AccessKeyId, Scope), Refusal> {
    let parts: Vec<&str> = text.split('/').collect();
    let malformed = || Refusal::plain(Reason::CredentialMalformed, mechanism);
    let [access_key_id, date, region, service, terminal] = parts[..] else { return Err(malformed()) };
    let access_key_id = AccessKeyId::new(access_key_id).map_err(|_| malformed())?;
    let refuse = |reason, received: &str| Err(Refusal::new(reason, mechanism, Details::Received(received.to_owned())));
    if service != expectations.service.name().as_str() {
        return refuse(Reason::CredentialService, service);
    }
    if terminal != TERMINAL {
        return refuse(Reason::CredentialTerminal, terminal);
    }
    let Some(midnight) = AmzDate::parse(&format!("{date}T000000Z")) else {
        return refuse(Reason::CredentialDate, date);
    };
    if region != expectations.region.as_str() {
        let details = Details::Region { received: region.to_owned(), expected: expectations.region.clone() };
        return Err(Refusal::new(Reason::CredentialRegion, mechanism, details));
    }
    Ok((access_key_id, Scope::new(&midnight, expectations.region.clone(), expectations.service.name())))
}

fn check_same_date(scope: &Scope, signed_at: &AmzDate, as_sent: &str, mechanism: Mechanism) -> Result<(), Refusal> {
    if scope.date() == signed_at.date() {
        return Ok(());
    }
    let details = Details::Dates { credential: scope.date().to_owned(), request: as_sent.to_owned() };
    Err(Refusal::new(Reason::DateMismatch, mechanism, details))
}
