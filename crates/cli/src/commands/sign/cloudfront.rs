//! `gatepass sign cloudfront` and `cookies`: what CloudFront lets a viewer have.

use std::fmt::Write as _;

use gatepass_signing::cloudfront::{
    ContentUrl, CookieScope, CustomPolicy, EpochTime, HashAlgorithm, IpRange, KeyPairId, Policy, PrivateKey, Resource,
    Signer,
    lint::{Finding, FindingId, lint},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    args::{CloudFrontPolicy, Hash, SignCloudFront, SignCookies},
    clock::Clock,
    failure::{Explain as _, Failure, Outcome, Result},
    input,
    output::Output,
    values::shell_quote,
};

/// A URL.
pub(super) fn url(sign: &SignCloudFront, output: Output) -> Result {
    let key = Key::read(&sign.policy, &sign.url)?;
    let url = ContentUrl::parse(&input::argument(&sign.url)?).map_err(Failure::usage)?;
    let times = Times::of(&sign.policy)?;
    let policy = policy(&sign.policy, &times, Target::Url(&url))?;
    let signed = key.signer(&sign.policy).sign_url(&url, &policy).map_err(Failure::usage)?;
    let findings = lint(&policy);
    let mut document = json!({ "url": signed.expose() });
    describe(&mut document, &sign.policy, &times, &policy, &findings);
    output.result(signed.expose(), &document).explain("the URL cannot be printed")?;
    warn(&findings, output);
    Ok(Outcome::Done)
}

/// Cookies.
pub(super) fn cookies(sign: &SignCookies, output: Output) -> Result {
    let key = Key::read(&sign.policy, &sign.url)?;
    let text = input::argument(&sign.url)?;
    let times = Times::of(&sign.policy)?;
    let scope = CookieScope::host().path(&sign.path).map_err(Failure::usage)?;
    let scope = match &sign.domain {
        Some(domain) => scope.domain(domain).map_err(Failure::usage)?,
        None => scope,
    };
    let policy = if text.contains('*') {
        if sign.policy.policy_resource.is_some() {
            return Err(Failure::usage("there is a pattern as URL and another as --policy-resource")
                .hint("leave one of them out"));
        }
        policy(&sign.policy, &times, Target::Pattern(&text))?
    } else {
        let url = ContentUrl::parse(&text).map_err(Failure::usage)?;
        policy(&sign.policy, &times, Target::Url(&url))?
    };
    let signed = key.signer(&sign.policy).sign_cookies(&policy).map_err(Failure::usage)?;
    let findings = lint(&policy);

    let header: Vec<String> = signed.expose().map(|(name, value)| format!("{name}={value}")).collect();
    let lines = signed.set_cookie(&scope);
    let values: Map<String, Value> = signed.expose().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut document = json!({ "cookies": values, "set_cookie": lines });
    describe(&mut document, &sign.policy, &times, &policy, &findings);
    let printed = if sign.curl {
        format!("curl -b {} {}", shell_quote(&header.join("; ")), shell_quote(&text))
    } else {
        let mut printed = String::new();
        for line in &lines {
            // Writing to a String does not fail.
            let _ = writeln!(printed, "Set-Cookie: {line}");
        }
        printed
    };
    output.result(printed, &document).explain("the cookies cannot be printed")?;
    warn(&findings, output);
    Ok(Outcome::Done)
}

/// What signs.
struct Key {
    private: PrivateKey,
    id: KeyPairId,
}

impl Key {
    fn read(policy: &CloudFrontPolicy, url: &str) -> Result<Self> {
        let id = KeyPairId::new(policy.key_pair_id.as_str()).map_err(Failure::usage)?;
        let path = &policy.private_key;
        if path.as_os_str() == "-" && url == "-" {
            return Err(Failure::usage("URL and private key cannot both be read from standard input"));
        }
        let pem = input::secret_file(path, "the private key")?;
        let private =
            PrivateKey::from_pem(&pem).explain(format!("the private key {} cannot be used", path.display()))?;
        Ok(Self { private, id })
    }

    fn signer(&self, policy: &CloudFrontPolicy) -> Signer<'_> {
        Signer::new(&self.private, &self.id).hash_algorithm(match policy.hash {
            Hash::Sha256 => HashAlgorithm::Sha256,
            Hash::Sha1 => HashAlgorithm::Sha1,
        })
    }
}

/// When it begins to work and when it ends.
struct Times {
    signed_at: Timestamp,
    expires: EpochTime,
}

impl Times {
    fn of(policy: &CloudFrontPolicy) -> Result<Self> {
        if policy.expires.0 == 0 {
            return Err(Failure::usage("a lifetime of zero seconds"));
        }
        let signed_at = policy.now.unwrap_or_else(|| Clock::system().now());
        let end = signed_at.checked_add(policy.expires.duration()).map_err(Failure::usage)?;
        // A fraction of a second is nowhere in what is signed.
        let signed_at = EpochTime::from_timestamp(signed_at).map_err(Failure::usage)?.timestamp();
        Ok(Self { signed_at, expires: EpochTime::from_timestamp(end).map_err(Failure::usage)? })
    }
}

/// What is signed where no `--policy-resource` says more.
enum Target<'a> {
    Url(&'a ContentUrl),
    Pattern(&'a str),
}

/// The canned policy where that says it all, which is shorter and cannot be too wide; else a custom one.
fn policy(arguments: &CloudFrontPolicy, times: &Times, target: Target<'_>) -> Result<Policy> {
    let CloudFrontPolicy { not_before, ip, policy_resource, .. } = arguments;
    let pattern = match (policy_resource, target) {
        (Some(pattern), _) => pattern.clone(),
        (None, Target::Pattern(pattern)) => pattern.to_owned(),
        (None, Target::Url(url)) => {
            if not_before.is_none() && ip.is_none() {
                return Policy::canned(url, times.expires).map_err(Failure::usage);
            }
            if url.as_str().contains('*') {
                return Err(
                    Failure::usage("the URL has a *, which the policy would read as a wildcard").hint("write %2A")
                );
            }
            // In a pattern the question mark before the query is written so.
            url.as_str().replacen('?', r"\?", 1)
        }
    };
    let resource = Resource::parse(&pattern).map_err(Failure::usage)?;
    let mut policy = CustomPolicy::new(resource, times.expires);
    if let Some(start) = not_before {
        let start = EpochTime::from_timestamp(*start).map_err(Failure::usage)?;
        policy = policy.not_before(start).map_err(Failure::usage)?;
    }
    if let Some(ip) = ip {
        policy = policy.ip_range(IpRange::parse(ip).map_err(Failure::usage)?);
    }
    Ok(policy.into())
}

fn describe(document: &mut Value, arguments: &CloudFrontPolicy, times: &Times, policy: &Policy, findings: &[Finding]) {
    document["policy"] = policy.to_json().into();
    document["policy_kind"] = if matches!(policy, Policy::Canned(_)) { "canned" } else { "custom" }.into();
    document["key_pair_id"] = arguments.key_pair_id.as_str().into();
    document["signed_at"] = times.signed_at.to_string().into();
    document["expires_at"] = times.expires.timestamp().to_string().into();
    let finding = |finding: &Finding| json!({ "id": finding.id.as_str(), "evidence": finding.evidence, "also_covers": finding.also_covers });
    document["findings"] = findings.iter().map(finding).collect();
}

/// Says aloud what the policy allows besides what was meant.
fn warn(findings: &[Finding], output: Output) {
    if output.is_json() {
        return;
    }
    for Finding { id, evidence, also_covers } in findings {
        let mut line = format!("warning: {}: `{evidence}`", meaning(*id));
        if let Some(url) = also_covers {
            let _ = write!(line, " covers {url} too");
        }
        Output::note(line);
    }
}

fn meaning(id: FindingId) -> &'static str {
    match id {
        FindingId::EveryResource => "it opens everything that trusts the key",
        FindingId::WildcardProtocol => "it works over plain HTTP too",
        FindingId::WildcardHost => "it reaches other hosts",
        FindingId::WildcardWithinSegment => "it reaches further than the slash before it",
        FindingId::AnyQuery => "it takes every query",
        FindingId::BareQuestionMark => "the question mark can be read two ways; write \\? before a query",
        FindingId::EveryAddress => "it restricts no address",
    }
}
