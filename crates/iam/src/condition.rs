//! Conditions: operators, quantifiers, and what an absent key means.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys".

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::context::Context;
use crate::pattern::Pattern;

/// One line of a `Condition` block: an operator, a key, and the values of which one must fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How values are compared.
    pub operator: Operator,
    /// The condition key, as written.
    pub key: String,
    /// The values of the policy.
    pub values: Vec<Pattern>,
}

/// A comparison with its prefix and suffix: `ForAllValues:StringLikeIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`, for keys with several values.
    pub quantifier: Option<Quantifier>,
    /// What is compared.
    pub comparison: Comparison,
    /// Whether an absent key makes the condition true.
    pub if_exists: bool,
}

/// How the several values of a key count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// Every value fits; true where there is none.
    ForAllValues,
    /// One value fits; false where there is none.
    ForAnyValue,
}

/// The comparisons of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are AWS's operators")]
pub enum Comparison {
    StringEquals,
    StringNotEquals,
    StringEqualsIgnoreCase,
    StringNotEqualsIgnoreCase,
    StringLike,
    StringNotLike,
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateNotEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    NotIpAddress,
    ArnLike,
    ArnNotLike,
    Null,
}

const NAMES: [(&str, Comparison); 27] = [
    ("StringEquals", Comparison::StringEquals),
    ("StringNotEquals", Comparison::StringNotEquals),
    ("StringEqualsIgnoreCase", Comparison::StringEqualsIgnoreCase),
    ("StringNotEqualsIgnoreCase", Comparison::StringNotEqualsIgnoreCase),
    ("StringLike", Comparison::StringLike),
    ("StringNotLike", Comparison::StringNotLike),
    ("NumericEquals", Comparison::NumericEquals),
    ("NumericNotEquals", Comparison::NumericNotEquals),
    ("NumericLessThan", Comparison::NumericLessThan),
    ("NumericLessThanEquals", Comparison::NumericLessThanEquals),
    ("NumericGreaterThan", Comparison::NumericGreaterThan),
    ("NumericGreaterThanEquals", Comparison::NumericGreaterThanEquals),
    ("DateEquals", Comparison::DateEquals),
    ("DateNotEquals", Comparison::DateNotEquals),
    ("DateLessThan", Comparison::DateLessThan),
    ("DateLessThanEquals", Comparison::DateLessThanEquals),
    ("DateGreaterThan", Comparison::DateGreaterThan),
    ("DateGreaterThanEquals", Comparison::DateGreaterThanEquals),
    ("Bool", Comparison::Bool),
    ("BinaryEquals", Comparison::BinaryEquals),
    ("IpAddress", Comparison::IpAddress),
    ("NotIpAddress", Comparison::NotIpAddress),
    // ArnEquals and ArnLike behave identically, says AWS.
    ("ArnLike", Comparison::ArnLike),
    ("ArnEquals", Comparison::ArnLike),
    ("ArnNotLike", Comparison::ArnNotLike),
    ("ArnNotEquals", Comparison::ArnNotLike),
    ("Null", Comparison::Null),
];

impl FromStr for Operator {
    type Err = UnknownOperator;

    fn from_str(text: &str) -> Result<Self, UnknownOperator> {
        let (quantifier, rest) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return Err(UnknownOperator),
            None => (None, text),
        };
        let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
        let comparison = NAMES.iter().find(|(known, _)| *known == name).map(|(_, it)| *it).ok_or(UnknownOperator)?;
        // `Null` asks whether a key exists, so neither a suffix nor a prefix means anything beside it.
        if comparison == Comparison::Null && (if_exists || quantifier.is_some()) {
            return Err(UnknownOperator);
        }
        Ok(Self { quantifier, comparison, if_exists })
    }
}

/// The operator as a policy writes it.
impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quantifier {
            Some(Quantifier::ForAllValues) => formatter.write_str("ForAllValues:")?,
            Some(Quantifier::ForAnyValue) => formatter.write_str("ForAnyValue:")?,
            None => {}
        }
        let name = NAMES.iter().find(|(_, comparison)| *comparison == self.comparison).map_or("", |(name, _)| name);
        formatter.write_str(name)?;
        formatter.write_str(if self.if_exists { "IfExists" } else { "" })
    }
}

/// The text names no operator of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownOperator;

impl Condition {
    /// Whether the condition holds for a request.
    #[must_use]
    pub fn holds(&self, context: &Context) -> bool {
        let actual = context.values(&self.key);
        let comparison = self.operator.comparison;
        if comparison == Comparison::Null {
            let wants_absent = |value: &Pattern| value.as_str().eq_ignore_ascii_case("true");
            return self.values.iter().any(|value| wants_absent(value) == actual.is_empty());
        }
        let fits = |value: &String| self.fits(value, context);
        match (actual, self.operator.quantifier) {
            ([], Some(Quantifier::ForAllValues)) => true,
            ([], Some(Quantifier::ForAnyValue)) => self.operator.if_exists,
            ([], None) => self.operator.if_exists || comparison.is_negated(),
            (actual, Some(Quantifier::ForAllValues)) => actual.iter().all(fits),
            // Without a quantifier a negated operator must hold for every value, the others for one.
            (actual, None) if comparison.is_negated() => actual.iter().all(fits),
            (actual, Some(Quantifier::ForAnyValue) | None) => actual.iter().any(fits),
        }
    }

    /// Values of a policy are alternatives; under a negated operator none of them may match.
    fn fits(&self, actual: &str, context: &Context) -> bool {
        let comparison = self.operator.comparison;
        let matches_one = self.values.iter().any(|expected| comparison.matches(expected, actual, context));
        matches_one != comparison.is_negated()
    }
}

impl Comparison {
    fn is_negated(self) -> bool {
        matches!(
            self,
            Self::StringNotEquals
                | Self::StringNotEqualsIgnoreCase
                | Self::StringNotLike
                | Self::NumericNotEquals
                | Self::DateNotEquals
                | Self::NotIpAddress
                | Self::ArnNotLike
        )
    }

    /// The positive form of the comparison; what does not parse, and a variable without a value, does not match.
    fn matches(self, pattern: &Pattern, actual: &str, context: &Context) -> bool {
        match self {
            Self::StringLike | Self::StringNotLike => return pattern.matches(actual, context),
            Self::ArnLike | Self::ArnNotLike => return pattern.matches_arn(actual, context),
            _ => {}
        }
        let Some(expected) = pattern.literal(context) else { return false };
        let expected = expected.as_ref();
        let numbers = || Some((number(expected)?, number(actual)?));
        let dates = || Some((date(expected)?, date(actual)?));
        match self {
            Self::StringEquals | Self::StringNotEquals => expected == actual,
            Self::StringEqualsIgnoreCase | Self::StringNotEqualsIgnoreCase => {
                expected.to_lowercase() == actual.to_lowercase()
            }
            #[expect(clippy::float_cmp, reason = "equality of two parsed numbers is what the operator means")]
            Self::NumericEquals | Self::NumericNotEquals => numbers().is_some_and(|(e, a)| a == e),
            Self::NumericLessThan => numbers().is_some_and(|(e, a)| a < e),
            Self::NumericLessThanEquals => numbers().is_some_and(|(e, a)| a <= e),
            Self::NumericGreaterThan => numbers().is_some_and(|(e, a)| a > e),
            Self::NumericGreaterThanEquals => numbers().is_some_and(|(e, a)| a >= e),
            Self::DateEquals | Self::DateNotEquals => dates().is_some_and(|(e, a)| a == e),
            Self::DateLessThan => dates().is_some_and(|(e, a)| a < e),
            Self::DateLessThanEquals => dates().is_some_and(|(e, a)| a <= e),
            Self::DateGreaterThan => dates().is_some_and(|(e, a)| a > e),
            Self::DateGreaterThanEquals => dates().is_some_and(|(e, a)| a >= e),
            Self::Bool => expected.eq_ignore_ascii_case(actual),
            Self::BinaryEquals => {
                let bytes = STANDARD.decode(expected).ok().zip(STANDARD.decode(actual).ok());
                bytes.is_some_and(|(expected, actual)| expected == actual)
            }
            Self::IpAddress | Self::NotIpAddress => in_network(expected, actual),
            // Compared as patterns above, and by presence alone.
            Self::StringLike | Self::StringNotLike | Self::ArnLike | Self::ArnNotLike | Self::Null => false,
        }
    }
}

/// Digits with a sign and a fraction; `inf` and `nan`, which Rust would read, are none.
fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// A moment or a day of ISO 8601, or seconds since 1970.
fn date(text: &str) -> Option<Timestamp> {
    let day = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.to_datetime(Time::midnight())).ok();
    text.parse().ok().or_else(|| Timestamp::from_second(text.parse().ok()?).ok()).or_else(day)
}

fn in_network(network: &str, address: &str) -> bool {
    let parse = || {
        let (base, length) = network.split_once('/').map_or((network, None), |(base, length)| (base, Some(length)));
        let base: IpAddr = base.parse().ok()?;
        let address: IpAddr = address.parse().ok()?;
        let (base, address, width) = match (base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => (u128::from(base.to_bits()), u128::from(address.to_bits()), 32),
            (IpAddr::V6(base), IpAddr::V6(address)) => (base.to_bits(), address.to_bits(), 128),
            _ => return None,
        };
        let length: u32 = length.map_or(Ok(width), str::parse).ok().filter(|&length| length <= width)?;
        let host_bits = width - length;
        let network_part = |bits: u128| bits.checked_shr(host_bits).unwrap_or(0);
        Some(network_part(base) == network_part(address))
    };
    parse().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, expected: &[&str], actual: &[&str]) -> bool {
        let condition = Condition {
            operator: operator.parse().unwrap(),
            key: "aws:Key".into(),
            values: expected.iter().map(|&value| Pattern::with_variables(value).unwrap()).collect(),
        };
        let context = actual.iter().fold(Context::new(), |context, value| context.with("AWS:key", *value));
        condition.holds(&context)
    }

    #[test]
    fn an_absent_key_fails_positive_and_passes_negated_operators() {
        for (operator, expected) in [
            ("StringEquals", false),
            ("NumericLessThan", false),
            ("Bool", false),
            ("IpAddress", false),
            ("StringNotEquals", true),
            ("StringNotLike", true),
            ("ArnNotLike", true),
            ("NotIpAddress", true),
            ("DateNotEquals", true),
            ("StringEqualsIfExists", true),
            ("NumericLessThanIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAnyValue:StringEquals", false),
        ] {
            assert_eq!(holds(operator, &["x"], &[]), expected, "{operator}");
        }
    }

    #[test]
    fn null_asks_whether_the_key_exists() {
        assert!(holds("Null", &["true"], &[]));
        assert!(!holds("Null", &["true"], &["x"]));
        assert!(holds("Null", &["false"], &["x"]));
        assert!(!holds("Null", &["false"], &[]));
        assert!("NullIfExists".parse::<Operator>().is_err());
    }

    #[test]
    fn values_are_alternatives_and_negated_ones_exclude_each() {
        assert!(holds("StringEquals", &["a", "b"], &["b"]));
        assert!(!holds("StringNotEquals", &["a", "b"], &["b"]));
        assert!(holds("StringNotEquals", &["a", "b"], &["c"]));
    }

    #[test]
    fn quantifiers_count_the_values_of_the_request() {
        assert!(holds("ForAllValues:StringLike", &["a*"], &["a1", "a2"]));
        assert!(!holds("ForAllValues:StringLike", &["a*"], &["a1", "b"]));
        assert!(holds("ForAnyValue:StringLike", &["a*"], &["a1", "b"]));
        assert!(!holds("ForAnyValue:StringLike", &["a*"], &["b"]));
    }

    #[test]
    fn comparisons_compare_what_they_name() {
        for (operator, expected, actual, result) in [
            ("StringEquals", "A*", "Ab", false),
            ("StringEqualsIgnoreCase", "É", "é", true),
            ("StringLike", "A?", "Ab", true),
            ("NumericLessThanEquals", "10", "10.0", true),
            ("NumericLessThan", "10", "9", true),
            ("NumericLessThan", "ten", "9", false),
            ("NumericGreaterThan", "600000", "600001", true),
            ("NumericGreaterThanEquals", "10", "9", false),
            ("NumericNotEquals", "10", "9", true),
            ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", true),
            ("DateGreaterThan", "1767225600", "2026-01-02T00:00:00Z", true),
            ("DateLessThanEquals", "2026-01-01T00:00:00Z", "1767225600", true),
            ("DateEquals", "2026-01-02", "2026-01-02T00:00:00Z", true),
            ("DateLessThan", "yesterday", "2026-01-01T00:00:00Z", false),
            ("Bool", "false", "False", true),
            ("Bool", "true", "false", false),
            ("BinaryEquals", "QUI=", "QUI=", true),
            ("BinaryEquals", "QUI=", "QUM=", false),
            ("BinaryEquals", "AB", "AB", false),
            ("NumericLessThan", "inf", "9", false),
            ("NumericEquals", "1e1", "10", true),
            ("StringLike", "a${*}", "ab", false),
            ("StringLike", "a${*}", "a*", true),
            ("StringEquals", "${aws:Key}", "anything", true),
            ("StringEquals", "${aws:Other}", "", false),
            ("StringNotEquals", "${aws:Other}", "x", true),
            ("IpAddress", "203.0.113.0/24", "203.0.113.200", true),
            ("IpAddress", "203.0.113.0/24", "203.0.114.1", false),
            ("IpAddress", "0.0.0.0/0", "198.51.100.7", true),
            ("IpAddress", "203.0.113.7", "203.0.113.7", true),
            ("IpAddress", "2001:db8::/32", "2001:db8:1::1", true),
            ("IpAddress", "203.0.113.0/33", "203.0.113.1", false),
            ("NotIpAddress", "203.0.113.0/24", "2001:db8::1", true),
            ("ArnLike", "arn:aws:iam::*:user/a*", "arn:aws:iam::1:user/ab", true),
            ("ArnLike", "arn:aws:*:user/a*", "arn:aws:iam::1:user/ab", false),
            ("ArnEquals", "arn:aws:iam::1:root", "arn:aws:iam::1:root", true),
        ] {
            assert_eq!(holds(operator, &[expected], &[actual]), result, "{operator} {expected} {actual}");
        }
    }

    /// Each operator with a value that fits and one that does not, and what it says of a request without the key.
    #[test]
    fn every_operator_has_two_sides_and_says_what_an_absent_key_means() {
        let early = "2026-01-01T00:00:00Z";
        let late = "2026-01-02T00:00:00Z";
        let (user, role) = ("arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:role/a");
        for (operator, expected, fits, fails) in [
            ("StringEquals", "a", "a", "A"),
            ("StringNotEquals", "a", "A", "a"),
            ("StringEqualsIgnoreCase", "a", "A", "b"),
            ("StringNotEqualsIgnoreCase", "a", "b", "A"),
            ("StringLike", "a*", "ab", "ba"),
            ("StringNotLike", "a*", "ba", "ab"),
            ("NumericEquals", "5", "5.0", "6"),
            ("NumericNotEquals", "5", "6", "5"),
            ("NumericLessThan", "5", "4", "5"),
            ("NumericLessThanEquals", "5", "5", "6"),
            ("NumericGreaterThan", "5", "6", "5"),
            ("NumericGreaterThanEquals", "5", "5", "4"),
            ("DateEquals", early, early, late),
            ("DateNotEquals", early, late, early),
            ("DateLessThan", late, early, late),
            ("DateLessThanEquals", early, early, late),
            ("DateGreaterThan", early, late, early),
            ("DateGreaterThanEquals", late, late, early),
            ("Bool", "true", "true", "false"),
            ("BinaryEquals", "QUI=", "QUI=", "QUM="),
            ("IpAddress", "192.0.2.0/24", "192.0.2.1", "192.0.3.1"),
            ("NotIpAddress", "192.0.2.0/24", "192.0.3.1", "192.0.2.1"),
            ("ArnEquals", user, user, role),
            ("ArnNotEquals", user, role, user),
            ("ArnLike", "arn:aws:iam::*:user/*", user, role),
            ("ArnNotLike", "arn:aws:iam::*:user/*", role, user),
        ] {
            let is_negated = operator.contains("Not");
            assert!(holds(operator, &[expected], &[fits]), "{operator} fits");
            assert!(!holds(operator, &[expected], &[fails]), "{operator} fails");
            assert_eq!(holds(operator, &[expected], &[]), is_negated, "{operator} absent");
            let if_exists = format!("{operator}IfExists");
            assert!(holds(&if_exists, &[expected], &[fits]), "{if_exists} fits");
            assert!(!holds(&if_exists, &[expected], &[fails]), "{if_exists} fails");
            assert!(holds(&if_exists, &[expected], &[]), "{if_exists} absent");
            let (all, any) = (format!("ForAllValues:{operator}"), format!("ForAnyValue:{operator}"));
            assert!(holds(&all, &[expected], &[fits, fits]) && !holds(&all, &[expected], &[fits, fails]), "{all}");
            assert!(holds(&any, &[expected], &[fails, fits]) && !holds(&any, &[expected], &[fails, fails]), "{any}");
            assert!(holds(&all, &[expected], &[]) && !holds(&any, &[expected], &[]), "{operator} absent");
        }
    }

    #[test]
    fn operators_are_written_as_they_are_read_and_unknown_ones_refused() {
        for (name, _) in NAMES {
            let written = name.replace("ArnEquals", "ArnLike").replace("ArnNotEquals", "ArnNotLike");
            assert_eq!(name.parse::<Operator>().unwrap().to_string(), written);
        }
        for text in ["NullX", "ForAllValues:StringLikeIfExists", "ForAnyValue:DateEquals"] {
            let written = text.parse::<Operator>().map(|operator| operator.to_string());
            assert_eq!(written.ok().as_deref(), Some(text).filter(|text| *text != "NullX"));
        }
        for text in ["", "stringequals", "ForSomeValues:StringEquals", "StringMatches", "ForAllValues:Null"] {
            assert!(text.parse::<Operator>().is_err(), "{text}");
        }
    }
}
