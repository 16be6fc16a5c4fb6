//! Reading `x-amz-credential`, with the answers that forms get.

use super::{Details, Reason, Refusal};
use crate::credentials::AccessKeyId;
use crate::sigv4::verify::{Echo, Expectations};
use crate::sigv4::{Scope, TERMINAL};
use crate::time::AmzDate;

/// The name of the argument that S3's answers give.
const ARGUMENT: &str = "x-amz-credential";

/// The parts of `AKID/date/region/service/aws4_request`, in S3's order of complaints.
pub(super) fn read(text: &str, expectations: &Expectations) -> Result<(AccessKeyId, Scope), Refusal> {
    let credential = || Echo(text.to_owned());
    let malformed =
        || Refusal::new(Reason::CredentialMalformed, Details::Argument { name: ARGUMENT, value: credential() });
    let mut parts = text.split('/');
    let mut part = || parts.next().ok_or_else(malformed);
    let (access_key_id, date, region, service, terminal) = (part()?, part()?, part()?, part()?, part()?);
    if parts.next().is_some() {
        return Err(malformed());
    }
    let access_key_id = AccessKeyId::new(access_key_id).map_err(|_| malformed())?;
    let refuse = |reason, received: &str| {
        let details = Details::Credential { credential: credential(), received: Echo(received.to_owned()) };
        Err(Refusal::new(reason, details))
    };
    let name = expectations.service.name();
    if service != name.as_str() {
        return refuse(Reason::CredentialService, service);
    }
    if terminal != TERMINAL {
        return refuse(Reason::CredentialTerminal, terminal);
    }
    let Some(midnight) = midnight_of(date) else { return refuse(Reason::CredentialDate, date) };
    if region != expectations.region.as_str() {
        let (received, expected) = (Echo(region.to_owned()), expectations.region.clone());
        return Err(Refusal::new(
            Reason::CredentialRegion,
            Details::Region { credential: credential(), received, expected },
        ));
    }
    Ok((access_key_id, Scope::new(&midnight, expectations.region.clone(), name)))
}

/// `yyyyMMdd` as the moment at which that day begins.
fn midnight_of(date: &str) -> Option<AmzDate> {
    if date.len() == 8 { AmzDate::parse(&format!("{date}T000000Z")) } else { None }
}
