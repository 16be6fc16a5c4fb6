//! What is said of policies that reach further than they look.

use gatepass_signing::cloudfront::lint::{FindingId, lint};
use gatepass_signing::cloudfront::verify::Reason;
use gatepass_signing::cloudfront::{ContentUrl, CustomPolicy, IpRange, Policy, Resource};
use proptest::prelude::*;

use crate::support::{EXPIRES, epoch, policy_for, signed};

fn policy(resource: &str) -> Policy {
    Policy::custom(Resource::parse(resource).unwrap(), epoch(EXPIRES))
}

fn ids(policy: &Policy) -> Vec<&'static str> {
    lint(policy).iter().map(|finding| finding.id.as_str()).collect()
}

#[test]
fn a_pattern_s_reach_is_named() {
    for (resource, expected) in [
        ("https://h.example/u/1", vec![]),
        ("https://h.example/u/1/*", vec!["any_query"]),
        (r"https://h.example/u/1/*.jpg", vec![]),
        ("https://h.example/u/1*", vec!["wildcard_within_segment", "any_query"]),
        ("https://h.example/u-*/a", vec!["wildcard_within_segment"]),
        (r"https://h.example/u/1\?size=*", vec![]),
        ("https://h.example/u/1?size=1", vec!["bare_question_mark"]),
        ("https://h.example/u/1?size=*", vec!["wildcard_within_segment", "any_query", "bare_question_mark"]),
        ("https://*.example.com/a", vec!["wildcard_host"]),
        ("https://*example.com/a", vec!["wildcard_host"]),
        ("*://h.example/a", vec!["wildcard_protocol"]),
        ("http*://h.example/a", vec!["wildcard_protocol"]),
        ("*example.com", vec!["wildcard_protocol", "wildcard_host"]),
        ("https://h.example*", vec!["wildcard_host", "any_query"]),
        ("*", vec!["every_resource"]),
        ("*://*", vec!["every_resource"]),
        ("https://*", vec!["every_resource"]),
        (r"http://*/*\?*", vec!["every_resource"]),
    ] {
        assert_eq!(ids(&policy(resource)), expected, "{resource}");
    }
}

#[test]
fn the_example_of_the_issue_is_shown_what_it_covers() {
    let findings = lint(&policy("https://h/u/1*"));
    assert_eq!(findings[0].id, FindingId::WildcardWithinSegment);
    assert_eq!(findings[0].evidence, "/u/1*");
    assert_eq!(findings[0].also_covers.as_deref(), Some("https://h/u/12/x"));
    assert_eq!(findings[1].also_covers.as_deref(), Some("https://h/u/1?any=query"));
    let findings = lint(&policy("https://*example.com/a"));
    assert_eq!(findings[0].also_covers.as_deref(), Some("https://otherexample.com/a"));
}

#[test]
fn a_missing_resource_and_an_address_range_of_everyone_are_named() {
    let everything = CustomPolicy::danger_for_everything_that_trusts_the_key(epoch(EXPIRES));
    assert_eq!(ids(&everything.clone().into()), ["every_resource"]);
    let everyone = everything.ip_range(IpRange::parse("0.0.0.0/0").unwrap());
    assert_eq!(ids(&everyone.into()), ["every_resource", "every_address"]);
    let url = ContentUrl::parse("https://h.example/a").unwrap();
    assert!(lint(&Policy::canned(&url, epoch(EXPIRES)).unwrap()).is_empty());
}

proptest! {
    #[test]
    fn what_is_shown_as_covered_is_covered(
        resource in r"(http|https|\*|http\*)://(\*|h|\*\.h|h\?|\*h)(\*)?(/([a-c]|\*|\?|-){0,4}){0,3}(\\\?([a-c=&*?]){0,4})?"
    ) {
        let findings = lint(&policy(&resource));
        for finding in findings {
            if let Some(url) = finding.also_covers {
                let reason = signed(&url, &policy_for(&resource)).reason();
                prop_assert!(reason != Some(Reason::ResourceMismatch), "{resource} as {}: {url}", finding.id);
            }
        }
    }
}
