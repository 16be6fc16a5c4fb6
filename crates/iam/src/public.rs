//! Whether a bucket policy is public.
//!
//! Source: Amazon S3 user guide, "Blocking public access to your Amazon S3 storage", "The meaning of public": a policy
//! is assumed to be public until every statement that allows something turns out to grant it to fixed values only.

use core::net::IpAddr;

use crate::condition::{Comparison, Condition, Quantifier};
use crate::document::{Effect, PolicyDocument, Statement};
use crate::pattern::Pattern;
use crate::principal::Principals;

/// The shortest prefix of an IPv4 network that does not count as everybody.
const IPV4_PREFIX_MIN: u8 = 8;
/// The same for IPv6.
const IPV6_PREFIX_MIN: u8 = 32;

/// The condition keys that narrow a statement, in lower case, where their values are fixed.
const NARROWING_KEYS: [&str; 13] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Whether the policy of a bucket grants anything to everybody.
#[must_use]
pub fn is_public(policy: &PolicyDocument) -> bool {
    policy.statements.iter().any(|statement| statement.effect == Effect::Allow && grants_to_everybody(statement))
}

fn grants_to_everybody(statement: &Statement) -> bool {
    let names_somebody = matches!(&statement.principals, Some(Principals::Only(_)));
    !names_somebody && !statement.conditions.iter().any(narrows)
}

/// Whether the condition holds for a fixed set of callers only.
fn narrows(condition: &Condition) -> bool {
    let operator = condition.operator;
    let key = condition.key.to_ascii_lowercase();
    if operator.if_exists || operator.quantifier == Some(Quantifier::ForAllValues) {
        return false;
    }
    if !NARROWING_KEYS.contains(&key.as_str()) {
        return false;
    }
    let is_fixed = |value: &Pattern| !value.as_str().contains(['*', '?', '$']);
    match operator.comparison {
        Comparison::IpAddress => {
            key == "aws:sourceip" && condition.values.iter().all(|value| is_narrow(value.as_str()))
        }
        // An ARN of an access point may leave its name open: the account in it is fixed all the same.
        Comparison::ArnLike | Comparison::StringLike if key == "s3:dataaccesspointarn" => {
            let has_fixed_account =
                |value: &Pattern| value.as_str().split(':').take(5).all(|part| !part.contains(['*', '?', '$']));
            condition.values.iter().all(has_fixed_account)
        }
        Comparison::StringEquals
        | Comparison::StringEqualsIgnoreCase
        | Comparison::ArnLike
        | Comparison::StringLike => condition.values.iter().all(is_fixed),
        _ => false,
    }
}

fn is_narrow(network: &str) -> bool {
    let (address, prefix) = network.split_once('/').map_or((network, None), |(address, rest)| (address, Some(rest)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let Ok(prefix) = prefix.map(str::parse::<u8>).transpose() else { return false };
    match address {
        IpAddr::V4(_) => prefix.unwrap_or(32) >= IPV4_PREFIX_MIN,
        IpAddr::V6(_) => prefix.unwrap_or(128) >= IPV6_PREFIX_MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(principal: &str, condition: &str) -> bool {
        let json = format!(
            r#"{{"Statement": [
                {{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}},
                {{"Effect": "Allow", "Principal": {principal}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
                  "Condition": {condition}}}]}}"#
        );
        is_public(&PolicyDocument::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn everybody_is_public_and_somebody_is_not() {
        assert!(public(r#""*""#, "{}"));
        assert!(public(r#"{"AWS": "*"}"#, "{}"));
        assert!(public(r#"{"AWS": ["123456789012", "*"]}"#, "{}"));
        assert!(!public(r#"{"AWS": "123456789012"}"#, "{}"));
        assert!(!public(r#"{"Service": "cloudfront.amazonaws.com"}"#, "{}"));
        assert!(!public(r#"{"CanonicalUser": "c0ffee"}"#, "{}"));
    }

    #[test]
    fn a_policy_that_only_denies_is_not_public() {
        let deny = br#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}"#;
        assert!(!is_public(&PolicyDocument::parse(deny).unwrap()));
    }

    #[test]
    fn only_fixed_values_of_certain_keys_narrow() {
        for narrow in [
            r#"{"StringEquals": {"aws:SourceVpc": "vpc-1"}}"#,
            r#"{"StringLike": {"aws:sourcevpce": ["vpce-1", "vpce-2"]}}"#,
            r#"{"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#,
            r#"{"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:eu-west-1:123456789012:accesspoint/*"}}"#,
            r#"{"StringEquals": {"aws:SourceVpc": "vpc-1"}, "StringLike": {"aws:Referer": "*"}}"#,
        ] {
            assert!(!public(r#""*""#, narrow), "{narrow}");
        }
        for wide in [
            r#"{"StringLike": {"aws:SourceVpc": "vpc-*"}}"#,
            r#"{"StringEquals": {"aws:Referer": "http://a.example"}}"#,
            r#"{"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}"#,
            r#"{"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}"#,
            r#"{"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#,
            r#"{"ArnLike": {"s3:DataAccessPointArn": "arn:aws:s3:eu-west-1:*:accesspoint/a"}}"#,
            r#"{"StringEquals": {"aws:SourceVpc": ["vpc-1", "*"]}}"#,
            r#"{"Bool": {"aws:SecureTransport": "true"}}"#,
        ] {
            assert!(public(r#""*""#, wide), "{wide}");
        }
    }

    #[test]
    fn a_network_narrows_from_a_certain_length_on() {
        let of = |network: &str| public(r#""*""#, &format!(r#"{{"IpAddress": {{"aws:SourceIp": "{network}"}}}}"#));
        for narrow in ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "2001:db8::1"] {
            assert!(!of(narrow), "{narrow}");
        }
        for wide in ["10.0.0.0/7", "0.0.0.0/0", "2001::/31", "::/0", "nonsense"] {
            assert!(of(wide), "{wide}");
        }
    }
}
