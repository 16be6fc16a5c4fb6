//! `cloudfront_denied`, `cloudfront_malformed_policy`, `cloudfront_unknown_key`
//! (CloudFront Developer Guide, "Serve private content with signed URLs and signed cookies").

use jiff::Timestamp;
use serde_json::Value;

use super::Findings;
use super::address::Address;
use super::subject::{CloudFront, Place, Subject, epoch};
use crate::report::{Cause, Likelihood};

/// The largest time that CloudFront takes: seconds since 1970 in 31 bits.
const LAST_SECOND: i64 = 2_147_483_647;
/// The longest resource of a policy and the longest URL that are compared, in bytes.
const MAX_RESOURCE_BYTES: usize = 2048;
const MAX_URL_BYTES: usize = 8192;
/// The parameters that are CloudFront's own, and no part of what is signed.
const OWN: [&str; 5] = ["Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"];

const ASK_AS_SIGNED: &str = "ask for exactly the URL that was signed: scheme, host as the viewer sees it, path and query, and in a \
    custom policy a resource that covers it";
const CHECK_ALL: &str = "look at what is signed: scheme and host as the viewer uses them, every parameter, the viewer's IPv4 address, \
    the private key of this very key id; and Hash-Algorithm=SHA256 where that was signed";
const MEND_THE_POLICY: &str = "sign a policy of one statement with DateLessThan as seconds since 1970 (not milliseconds), in \
    CloudFront's base64: - for +, _ for =, ~ for /";
const TRUST_THE_KEY: &str = "put the public key into a key group, let the behaviour of this path trust the group, and name its id \
    (K…) as Key-Pair-Id; it takes some minutes to arrive everywhere";

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(claim) = subject.cloudfront() else { return };
    stated(subject, findings);
    if subject.error.is_some_and(|error| !error.is_from_cloudfront()) {
        return;
    }
    if claim.key_pair_id.as_deref().is_none_or(str::is_empty) {
        let evidence = "it names no Key-Pair-Id";
        findings.add(Cause::CloudfrontUnknownKey, Likelihood::Evident, evidence, TRUST_THE_KEY);
    }
    if subject.code() != "InvalidKey" {
        malformed(claim, findings);
        resource(subject, claim, findings);
    }
    if subject.code() == "AccessDenied" {
        let evidence = "CloudFront refuses, and does not say whether for signature, resource, address or time";
        let likelihood = if findings.is_explained() { Likelihood::Possible } else { Likelihood::Stated };
        findings.add(Cause::CloudfrontDenied, likelihood, evidence, CHECK_ALL);
    }
}

fn stated(subject: &Subject<'_>, findings: &mut Findings) {
    let likelihood = Likelihood::Stated;
    match subject.code() {
        "MissingKey" => {
            findings.add(
                Cause::CloudfrontUnknownKey,
                likelihood,
                "CloudFront says that no Key-Pair-Id came",
                TRUST_THE_KEY,
            );
        }
        "InvalidKey" => {
            let id = subject.access_key_id().unwrap_or("the key");
            let evidence = format!("CloudFront says that it does not know {id}, or does not trust it here");
            findings.add(Cause::CloudfrontUnknownKey, likelihood, evidence, TRUST_THE_KEY);
        }
        "MalformedPolicy" => {
            let evidence = "CloudFront says that it cannot read the policy";
            findings.add(Cause::CloudfrontMalformedPolicy, likelihood, evidence, MEND_THE_POLICY);
        }
        "MalformedSignature" => {
            let evidence = "CloudFront says that it cannot decode the signature";
            findings.add(Cause::CloudfrontDenied, likelihood, evidence, CHECK_ALL);
        }
        _ => {}
    }
}

fn malformed(claim: &CloudFront, findings: &mut Findings) {
    let mut add = |evidence: String| {
        findings.add(Cause::CloudfrontMalformedPolicy, Likelihood::Evident, evidence, MEND_THE_POLICY);
    };
    if let Some(seconds) = claim.expires.as_deref() {
        match seconds.parse::<i64>() {
            Ok(seconds) if (0..=LAST_SECOND).contains(&seconds) => {}
            Ok(seconds) if seconds > LAST_SECOND => {
                add(format!("Expires is {seconds}, which looks like milliseconds: CloudFront counts seconds"));
            }
            _ => add("Expires is no number of seconds since 1970".to_owned()),
        }
    }
    if claim.encoded_policy.is_none() {
        if claim.expires.is_none() {
            add("it has neither Expires nor Policy".to_owned());
        }
        return;
    }
    let Some(policy) = claim.policy.as_deref() else {
        return add("the policy is no text in CloudFront's base64".to_owned());
    };
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return add("the policy is no JSON document".to_owned());
    };
    let statements = policy.get("Statement").and_then(Value::as_array).map_or(1, Vec::len);
    if statements != 1 {
        return add(format!("the policy has {statements} statements instead of one"));
    }
    for name in ["DateLessThan", "DateGreaterThan"] {
        match condition(&policy, name).map(|time| time.get("AWS:EpochTime").and_then(Value::as_i64)) {
            None if name == "DateLessThan" => add("the policy has no DateLessThan".to_owned()),
            Some(None) => add(format!("AWS:EpochTime of {name} is no whole number")),
            Some(Some(seconds)) if !(0..=LAST_SECOND).contains(&seconds) => {
                add(format!("{name} is {seconds}, which looks like milliseconds: CloudFront counts seconds"));
            }
            None | Some(Some(_)) => {}
        }
    }
}

fn resource(subject: &Subject<'_>, claim: &CloudFront, findings: &mut Findings) {
    if !subject.is_unanswered() && subject.code() != "AccessDenied" {
        return;
    }
    let Some(policy) = claim.policy.as_deref().and_then(|policy| serde_json::from_str::<Value>(policy).ok()) else {
        return;
    };
    let url = asked(&subject.address);
    // What CloudFront does not take at all is not compared.
    let is_usual = |resource: &str| resource.len() <= MAX_RESOURCE_BYTES && url.len() <= MAX_URL_BYTES;
    if let Some(resource) = statement(&policy).get("Resource").and_then(Value::as_str)
        && is_usual(resource)
        && !covers(resource, &url)
    {
        let evidence = format!("the policy is for {resource:?}, which does not cover {url:?}");
        findings.add(Cause::CloudfrontDenied, Likelihood::Evident, evidence, ASK_AS_SIGNED);
    }
    let start =
        condition(&policy, "DateGreaterThan").and_then(|time| time.get("AWS:EpochTime").and_then(Value::as_i64));
    if let Some(start) =
        start.and_then(|seconds| Timestamp::from_second(seconds).ok()).filter(|start| *start > subject.moment)
    {
        let evidence = format!("the policy begins at {start}, and it is {}", subject.moment);
        let fix = "let the policy begin earlier, and look at the clock of the machine that signs";
        findings.add(Cause::NotYetValid, Likelihood::Evident, evidence, fix);
    }
}

fn statement(policy: &Value) -> &Value {
    let statement = policy.get("Statement").unwrap_or(&Value::Null);
    statement.get(0).unwrap_or(statement)
}

fn condition<'p>(policy: &'p Value, name: &str) -> Option<&'p Value> {
    statement(policy).get("Condition")?.get(name)
}

/// The URL without CloudFront's own parameters, in the order in which they are asked.
fn asked(address: &Address) -> String {
    let mut url = format!("{}://{}{}", address.scheme, address.authority, address.path);
    let pairs = address.query.iter().filter(|parameter| !OWN.contains(&parameter.name.as_str()));
    for (index, pair) in pairs.enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(&pair.raw);
    }
    url
}

/// Whether a pattern with `*` and `?` covers a URL. Sections (scheme, host, path, query) are not told apart here as strictly
/// as CloudFront does: what this refuses, CloudFront refuses.
fn covers(pattern: &str, url: &str) -> bool {
    // `\?` is the question mark of the query, `?` alone any character; cookies' policies write it plain.
    let pattern: Vec<Wild> = wild(pattern);
    let url: Vec<char> = url.chars().collect();
    let (mut at, mut from, mut star, mut mark) = (0, 0, None, 0);
    // The usual matcher with one point of return: linear in pattern times URL at worst, both bounded.
    while from < url.len() {
        match pattern.get(at) {
            Some(Wild::Many) => {
                star = Some(at);
                mark = from;
                at += 1;
            }
            Some(Wild::One) => {
                at += 1;
                from += 1;
            }
            Some(Wild::Exactly(character)) if *character == url[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some(star) = star else { return false };
                at = star + 1;
                mark += 1;
                from = mark;
            }
        }
    }
    pattern[at..].iter().all(|wild| matches!(wild, Wild::Many))
}

enum Wild {
    Exactly(char),
    One,
    Many,
}

fn wild(pattern: &str) -> Vec<Wild> {
    let mut out = Vec::new();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' if characters.peek() == Some(&'?') => Wild::Exactly(characters.next().unwrap_or('?')),
            '*' => Wild::Many,
            '?' => Wild::One,
            other => Wild::Exactly(other),
        });
    }
    out
}

/// The end of the policy.
pub(super) fn expires_at(claim: &CloudFront) -> Option<Timestamp> {
    if let Some(seconds) = claim.expires.as_deref().filter(|_| claim.encoded_policy.is_none()) {
        return epoch(seconds).filter(|end| end.as_second() <= LAST_SECOND);
    }
    let policy: Value = serde_json::from_str(claim.policy.as_deref()?).ok()?;
    let seconds = condition(&policy, "DateLessThan")?.get("AWS:EpochTime")?.as_i64()?;
    Timestamp::from_second(seconds).ok().filter(|_| seconds <= LAST_SECOND)
}

/// The policy as it is signed: the one that is sent, or the canned one that CloudFront makes of the URL.
pub(super) fn signed_policy(subject: &Subject<'_>, claim: &CloudFront) -> Option<String> {
    if claim.encoded_policy.is_some() {
        return claim.policy.clone();
    }
    let expires: i64 = claim.expires.as_deref()?.parse().ok()?;
    // Cookies have no room in a query: all of it is the viewer's.
    let url = match claim.place {
        Place::Cookies => subject.request.url.split('#').next().unwrap_or_default().to_owned(),
        _ => asked(&subject.address),
    };
    let resource = serde_json::to_string(&url).ok()?;
    Some(format!(
        r#"{{"Statement":[{{"Resource":{resource},"Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_covers_what_its_wildcards_reach() {
        for (pattern, url, expected) in [
            ("https://h/a", "https://h/a", true),
            ("https://h/a", "https://h/b", false),
            ("https://h/*", "https://h/a/b", true),
            ("https://h/a*", "https://h/b", false),
            ("https://h/a\\?x=?", "https://h/a?x=1", true),
            ("https://h/?", "https://h/a", true),
            ("*", "https://h/a", true),
            ("https://h/*.jpg", "https://h/a.jpg.txt", false),
        ] {
            assert_eq!(covers(pattern, url), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn many_stars_end_in_time() {
        assert!(!covers(&"*a".repeat(2000), &"a".repeat(1999)));
    }
}
