//! Reading a credential, `AKID/date/region/service/aws4_request`.

use super::{Details, Expectations, Mechanism, Reason, Refusal};
use crate::credentials::AccessKeyId;
use crate::sigv4::TERMINAL;
use crate::sigv4::scope::Scope;
use crate::time::AmzDate;

/// The parts of a credential, in S3's order of complaints.
pub(super) fn read_credential(
    text: &str,
    mechanism: Mechanism,
    expectations: &Expectations,
) -> Result<(AccessKeyId, Scope), Refusal> {
    let malformed = || Refusal::plain(Reason::CredentialMalformed, mechanism);
    let mut parts = text.split('/');
    let mut part = || parts.next().ok_or_else(malformed);
    let (access_key_id, date, region, service, terminal) = (part()?, part()?, part()?, part()?, part()?);
    if parts.next().is_some() {
        return Err(malformed());
    }
    let access_key_id = AccessKeyId::new(access_key_id).map_err(|_| malformed())?;
    let refuse = |reason, received: &str| Err(Refusal::new(reason, mechanism, Details::Received(received.to_owned())));
    if service != expectations.service.name().as_str() {
        return refuse(Reason::CredentialService, service);
    }
    if terminal != TERMINAL {
        return refuse(Reason::CredentialTerminal, terminal);
    }
    let Some(midnight) = midnight_of(date) else { return refuse(Reason::CredentialDate, date) };
    if region != expectations.region.as_str() {
        let details = Details::Region { received: region.to_owned(), expected: expectations.region.clone() };
        return Err(Refusal::new(Reason::CredentialRegion, mechanism, details));
    }
    Ok((access_key_id, Scope::new(&midnight, expectations.region.clone(), expectations.service.name())))
}

/// The date of the credential is the date of the request.
pub(super) fn check_same_date(
    credential: &str,
    signed_at: &AmzDate,
    as_sent: &str,
    mechanism: Mechanism,
) -> Result<(), Refusal> {
    if credential == signed_at.date() {
        return Ok(());
    }
    let details = Details::Dates { credential: credential.to_owned(), request: as_sent.to_owned() };
    Err(Refusal::new(Reason::DateMismatch, mechanism, details))
}

/// `yyyyMMdd` as the moment at which that day begins.
pub(super) fn midnight_of(date: &str) -> Option<AmzDate> {
    let mut text = *b"00000000T000000Z";
    text[..8].copy_from_slice(<&[u8; 8]>::try_from(date.as_bytes()).ok()?);
    AmzDate::parse(std::str::from_utf8(&text).ok()?)
}
