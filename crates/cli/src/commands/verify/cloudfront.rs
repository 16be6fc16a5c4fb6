//! A URL or cookies of CloudFront.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use gatepass_protocol::cloudfront::CloudFrontError;
use gatepass_signing::cloudfront::{
    HashAlgorithm, KeyPairId, Policy, PublicKey, Scheme,
    verify::{Claim, KeyGroup, Mechanism, Presented, Reason, Request, Verified, parse},
};
use serde_json::json;

use super::{Finding, Verdict, address};
use crate::{
    args::VerifyCloudFront,
    failure::{Explain as _, Failure, Result},
    input,
};

pub(super) fn check(
    arguments: &VerifyCloudFront,
    public_key: &Path,
    url: &str,
    now: jiff::Timestamp,
) -> Result<Verdict> {
    let pem = input::secret_file(public_key, "the public key")?;
    let key = PublicKey::from_pem(&pem).explain(format!("the public key {} cannot be used", public_key.display()))?;
    let id = arguments.key_pair_id.as_deref().map(KeyPairId::new).transpose().map_err(Failure::usage)?;
    let (host, target) = address::split(url)?;
    let scheme = if url.starts_with("http://") { Scheme::Http } else { Scheme::Https };
    let cookies = arguments.cookie.as_deref().map(input::argument).transpose()?;
    let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
    let viewer = arguments.ip.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut request = Request { scheme, host: &host, target: &target, cookies: &cookies, viewer };

    if arguments.ip.is_none()
        && let Ok(Some(claim)) = parse(&request).map(claim)
        && let Some(allowed) = allowed_viewer(claim.policy())
    {
        request.viewer = allowed;
    }
    let verified = parse(&request).map_err(|refusal| finding(refusal.reason())).and_then(|presented| {
        let claim = claim(presented).ok_or_else(|| finding(Reason::KeyPairIdMissing))?;
        let id = id.or_else(|| KeyPairId::new(claim.key_pair_id()).ok());
        let keys = id.into_iter().fold(KeyGroup::new(), |keys, id| keys.with(id, key.clone()));
        claim.verify(&[&keys], now).map_err(|refusal| finding(refusal.reason()))
    });
    Ok(verified.map(|verified| (Some(verified.expires().timestamp()), describe(&verified))))
}

fn claim(presented: Presented) -> Option<Claim> {
    match presented {
        Presented::Url(claim) | Presented::Cookies(claim) => Some(claim),
        Presented::Unsigned => None,
    }
}

/// The first address of those that the policy allows.
fn allowed_viewer(policy: &Policy) -> Option<IpAddr> {
    let Policy::Custom(policy) = policy else { return None };
    let range = policy.viewers()?.to_string();
    range.split('/').next()?.parse().ok()
}

/// What CloudFront answers, and the rule behind it, of which CloudFront says nothing.
fn finding(reason: Reason) -> Finding {
    let error = CloudFrontError::from(reason);
    let message = match error {
        CloudFrontError::MissingKey | CloudFrontError::InvalidKey => error.message().to_owned(),
        error => format!("{}: {reason}", error.message()),
    };
    Finding::new(error.status(), error.code(), &message)
}

fn describe(verified: &Verified) -> serde_json::Value {
    let policy = verified.policy();
    json!({
        "valid": true,
        "scheme": "CloudFront",
        "mechanism": match verified.mechanism() {
            Mechanism::Url => "url",
            Mechanism::Cookies => "cookies",
        },
        "key_pair_id": verified.key_pair_id().as_str(),
        "hash_algorithm": match verified.hash_algorithm() {
            HashAlgorithm::Sha1 => "sha1",
            HashAlgorithm::Sha256 => "sha256",
        },
        "policy": policy.to_json(),
        "policy_kind": if matches!(policy, Policy::Canned(_)) { "canned" } else { "custom" },
        "expires_at": verified.expires().timestamp(),
    })
}
