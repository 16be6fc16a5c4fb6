//! A request with a signed URL or header, of any scheme.

use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::{
    request::RequestView,
    sigv4::{
        KeyCache,
        verify::{Presented, Verified, parse},
    },
};
use serde_json::json;

use super::{Finding, Verdict, address, expectations, key_at_hand};
use crate::{args::Verify, credentials, failure::Result};

pub(super) fn check(arguments: &Verify, url: &str, now: jiff::Timestamp) -> Result<Verdict> {
    let (host, target) = address::split(url)?;
    let mut headers = vec![("host", host.as_bytes())];
    headers.extend(arguments.headers.iter().map(|pair| (pair.name.as_str(), pair.value.as_bytes())));
    let request = RequestView { method: &arguments.method, target: &target, headers: &headers };
    let credentials = credentials::find(arguments.profile.as_deref())?;
    let expectations = expectations(arguments, &host)?;

    // The store's own order: form and time, then the key, then the signature.
    let refused = |refusal| Finding::from(S3Error::from(&refusal));
    let verified = parse(&request, &expectations, now).map_err(refused).and_then(|presented| match presented {
        Presented::Query(claim) | Presented::Header(claim) => {
            key_at_hand(claim.access_key_id(), claim.session_token(), &credentials)?;
            claim.verify(&KeyCache::new(), credentials.secret_key()).map_err(refused)
        }
        Presented::Anonymous => Err(Finding::new(403, "AccessDenied", "the URL is not signed")),
    });
    Ok(verified.map(|verified| (verified.expires_at(), describe(&verified))))
}

fn describe(verified: &Verified) -> serde_json::Value {
    let signed_headers: Vec<&str> = verified.signed_headers().collect();
    json!({
        "valid": true,
        "scheme": verified.scheme().as_str(),
        "method": verified.method(),
        "access_key_id": verified.access_key_id().as_str(),
        "region": verified.scope().map(|scope| scope.region().as_str()),
        "signed_headers": signed_headers,
        "signed_at": verified.signed_at(),
        "expires_at": verified.expires_at(),
    })
}
