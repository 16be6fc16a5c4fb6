//! Reading a credential, `AKID/date/region/service/aws4_request`.

use super::{Details, Expectations, Mechanism, Reason, Refusal};
use crate::credentials::AccessKeyId;
use crate::sigv4::TERMINAL;
use crate::sigv4::scope::Scope;
use crate::time::AmzDate;

/// The parts of a credential, in S3's order of complaints. The date may be none: see [`credential_first`].
pub(super) fn read_credential(
    text: &str,
    mechanism: Mechanism,
    expectations: &Expectations,
) -> Result<(AccessKeyId, Scope), Refusal> {
    let malformed = || Refusal::plain(Reason::CredentialMalformed, mechanism);
    if let Some((access_key_id, date)) = as_expected(text, expectations) {
        let access_key_id = AccessKeyId::new(access_key_id).map_err(|_| malformed())?;
        let scope = Scope { date, region: expectations.region.clone(), service: expectations.service.name() };
        return Ok((access_key_id, scope));
    }
    let mut parts = text.split('/');
    let mut part = || parts.next().ok_or_else(malformed);
    let (access_key_id, date, region, service, terminal) = (part()?, part()?, part()?, part()?, part()?);
    if parts.next().is_some() {
        return Err(malformed());
    }
    let access_key_id = AccessKeyId::new(access_key_id).map_err(|_| malformed())?;
    let midnight = check_common_parts(service, terminal, date, mechanism, expectations)?;
    if region != expectations.region.as_str() {
        let details = Details::Region { received: region.to_owned(), expected: expectations.region.clone() };
        return Err(Refusal::new(Reason::CredentialRegion, mechanism, details));
    }
    Ok((access_key_id, Scope::new(&midnight, expectations.region.clone(), expectations.service.name())))
}

/// Checks what credentials of SigV4 and of SigV4a have, and gives the midnight at which their day begins.
pub(super) fn check_common_parts(
    service: &str,
    terminal: &str,
    date: &str,
    mechanism: Mechanism,
    expectations: &Expectations,
) -> Result<AmzDate, Refusal> {
    let refuse = |reason, received: &str| Err(Refusal::new(reason, mechanism, Details::Received(received.to_owned())));
    if service != expectations.service.name().as_str() {
        return refuse(Reason::CredentialService, service);
    }
    if terminal != TERMINAL {
        return refuse(Reason::CredentialTerminal, terminal);
    }
    midnight_of(date).map_or_else(|| refuse(Reason::CredentialDate, date), Ok)
}

/// Id and date of a credential for what is served here, which most are. Read from its end, where everything is known, it
/// need not be searched; whatever is wrong with another is found out slowly. An id that has a slash makes a credential of
/// too many parts, and is none.
fn as_expected<'t>(text: &'t str, expectations: &Expectations) -> Option<(&'t str, [u8; 8])> {
    let rest = text.strip_suffix(TERMINAL)?.strip_suffix('/')?;
    let rest = rest.strip_suffix(expectations.service.name().as_str())?.strip_suffix('/')?;
    let rest = rest.strip_suffix(expectations.region.as_str())?.strip_suffix('/')?;
    let (id, date) = rest.split_at_checked(rest.len().checked_sub(9)?)?;
    let date: [u8; 8] = date.strip_prefix('/')?.as_bytes().try_into().ok()?;
    // A scope shows its date as text.
    date.is_ascii().then_some((id, date))
}

/// A complaint about the date of a request, unless there is one about that of its credential, which comes before it. The
/// date of a credential need not be looked at by itself where it is that of the request.
pub(super) fn credential_first(credential_date: &str, mechanism: Mechanism, complaint: Refusal) -> Refusal {
    match midnight_of(credential_date) {
        Some(_) => complaint,
        None => Refusal::new(Reason::CredentialDate, mechanism, Details::Received(credential_date.to_owned())),
    }
}

/// The date of the credential is the date of the request.
pub(super) fn check_same_date(
    credential: &str,
    signed_at: &AmzDate,
    as_sent: &str,
    mechanism: Mechanism,
) -> Result<(), Refusal> {
    if credential.as_bytes() == signed_at.date_bytes() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::Region;
    use crate::sigv4::verify::Service;

    #[test]
    fn a_credential_for_this_place_is_read_from_its_end() {
        let expectations = Expectations::new(Region::new("us-east-1").unwrap(), Service::S3);
        let read = |text| as_expected(text, &expectations).map(|(id, _)| id);
        assert_eq!(read("AKID/20130524/us-east-1/s3/aws4_request"), Some("AKID"));
        for other in [
            "",
            "/20130524/us-east-1/s3/aws4_request/",
            "AKID/0130524/us-east-1/s3/aws4_request",
            "AKID20130524/us-east-1/s3/aws4_request",
            "20130524/us-east-1/s3/aws4_request",
            "é0130524/us-east-1/s3/aws4_request",
            "AKID/20130524/us-east-2/s3/aws4_request",
            "AKID/20130524/us-east-1/sts/aws4_request",
            "AKID/20130524/us-east-1/s3/aws4_requesT",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
