//! A policy: its structure, its conditions, and whether a form meets them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::fields::Fields;
use super::json::{Malformed, Token, Tokens};
use super::{Details, Reason, Refusal};
use crate::post_policy::{SizeRange, field};
use crate::sigv4::verify::Echo;

/// Standard base64 whose padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A policy that has not expired.
#[derive(Debug)]
pub(super) struct Document {
    expires_at: Timestamp,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Field {
        test: Test,
        /// As the policy spells it, without the `$`.
        name: String,
        lower_case: String,
        operand: String,
    },
    Size {
        min: u64,
        max: u64,
    },
    /// One that cannot hold, as it is shown.
    Impossible(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equals,
    StartsWith,
}

impl Test {
    fn as_str(self) -> &'static str {
        match self {
            Test::Equals => "eq",
            Test::StartsWith => "starts-with",
        }
    }
}

impl Document {
    /// Reads a policy as it stands in a form. That it has expired is said before any condition is looked at.
    pub(super) fn read(base64: &str, now: Timestamp) -> Result<Self, Refusal> {
        if base64.is_empty() {
            return Err(Reason::PolicyEmpty.into());
        }
        let bytes = BASE64.decode(base64).map_err(|_| Reason::PolicyBase64)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Reason::PolicyJson)?;
        let document = Self::parse(text)?;
        if now > document.expires_at {
            return Err(Reason::Expired.into());
        }
        Ok(document)
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut tokens = Tokens::new(text);
        match tokens.next()? {
            Token::BeginObject => {}
            Token::End => return Err(Reason::PolicyEmpty.into()),
            _ => return Err(Reason::PolicyJson.into()),
        }
        let (mut expiration, mut conditions) = (None, None);
        let mut next = tokens.next()?;
        while next != Token::EndObject {
            let Token::Text(name) = next else { return Err(Reason::PolicyJson.into()) };
            match &*name {
                "expiration" if expiration.is_some() => return Err(Reason::MemberRepeated.into()),
                "conditions" if conditions.is_some() => return Err(Reason::MemberRepeated.into()),
                "expiration" | "conditions" => tokens.expect(&Token::Colon)?,
                _ => return Err(text_refusal(Reason::MemberUnexpected, name)),
            }
            match (&*name, tokens.next()?) {
                ("expiration", Token::Text(date)) => expiration = Some(read_expiration(&date)?),
                ("conditions", Token::BeginList) => conditions = Some(read_conditions(&mut tokens)?),
                ("conditions", _) => return Err(Reason::ConditionsNotAList.into()),
                _ => return Err(Reason::PolicyJson.into()),
            }
            if !tokens.continues(&Token::EndObject)? {
                break;
            }
            next = tokens.next()?;
            if next == Token::EndObject {
                // A comma before the end.
                return Err(Reason::PolicyJson.into());
            }
        }
        tokens.expect(&Token::End)?;
        let expires_at = expiration.ok_or(Reason::ExpirationMissing)?;
        let conditions = conditions.filter(|list| !list.is_empty()).ok_or(Reason::ConditionsMissing)?;
        Ok(Self { expires_at, conditions })
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Holds a form against the policy: first every condition, in their order, then every field that was sent, which needs
    /// a condition of its own unless it is `exempt` or ignored. What the file may have remains to be checked.
    pub(super) fn check(&self, bucket: &str, fields: &Fields, exempt: &[&str]) -> Result<SizeRange, Refusal> {
        let mut size = SizeRange::UNLIMITED;
        let mut covered = BTreeSet::new();
        for condition in &self.conditions {
            match condition {
                Condition::Field { test, name, lower_case, operand } => {
                    let value = if lower_case == field::BUCKET { Some(bucket) } else { fields.get(lower_case) };
                    if !value.is_some_and(|value| holds(*test, lower_case, value, operand)) {
                        return Err(failed(shown(*test, name, lower_case, operand)));
                    }
                    covered.insert(lower_case.as_str());
                }
                Condition::Size { min, max } => size = size.and(*min, *max),
                Condition::Impossible(shown) => return Err(failed(shown.clone())),
            }
        }
        let is_exempt = |name: &str| exempt.contains(&name) || name.starts_with(field::IGNORED_PREFIX);
        let uncovered = |name: &str| !is_exempt(name) && !covered.contains(name);
        match fields.iter().find(|sent| uncovered(&sent.lower_case)) {
            Some(sent) => Err(text_refusal(Reason::FieldNotCovered, sent.name.as_str())),
            // The bucket is a field of every form: it was sent as host or path.
            None if !covered.contains(field::BUCKET) => Err(text_refusal(Reason::FieldNotCovered, field::BUCKET)),
            None => Ok(size),
        }
    }
}

/// A list of types counts as its members: each must have the prefix, or `image/png,text/html` would pass as an image.
fn holds(test: Test, lower_case: &str, value: &str, operand: &str) -> bool {
    match test {
        Test::Equals => value == operand,
        Test::StartsWith if lower_case == field::CONTENT_TYPE => {
            value.split(',').all(|item| item.trim_start().starts_with(operand))
        }
        Test::StartsWith => value.starts_with(operand),
    }
}

fn read_conditions(tokens: &mut Tokens<'_>) -> Result<Vec<Condition>, Refusal> {
    let mut conditions = Vec::new();
    let mut next = tokens.next()?;
    if next == Token::EndList {
        return Ok(conditions);
    }
    loop {
        conditions.push(match next {
            Token::BeginObject => read_simple(tokens)?,
            Token::BeginList => read_operation(tokens)?,
            Token::Text(_) | Token::Number(_) | Token::Word => return Err(Reason::ConditionShape.into()),
            _ => return Err(Reason::PolicyJson.into()),
        });
        if !tokens.continues(&Token::EndList)? {
            return Ok(conditions);
        }
        next = tokens.next()?;
    }
}

/// `{"name": "value"}`, of which there must be exactly one.
fn read_simple(tokens: &mut Tokens<'_>) -> Result<Condition, Refusal> {
    let name = match tokens.next()? {
        Token::Text(name) => name,
        Token::EndObject => return Err(Reason::SimpleConditionCount.into()),
        _ => return Err(Reason::PolicyJson.into()),
    };
    tokens.expect(&Token::Colon)?;
    let operand = match tokens.next()? {
        Token::Text(operand) => operand,
        Token::Number(_) | Token::BeginObject | Token::BeginList => return Err(Reason::SimpleConditionValue.into()),
        _ => return Err(Reason::PolicyJson.into()),
    };
    if tokens.continues(&Token::EndObject)? {
        return Err(Reason::SimpleConditionCount.into());
    }
    Ok(on_field(Test::Equals, name.into_owned(), operand.into_owned()))
}

/// One argument of an operation.
enum Argument<'a> {
    Text(std::borrow::Cow<'a, str>),
    Number(&'a str),
}

/// `["operation", …]`.
fn read_operation(tokens: &mut Tokens<'_>) -> Result<Condition, Refusal> {
    let operation = match tokens.next()? {
        Token::Text(operation) => operation,
        Token::EndList => return Err(Reason::OperationMissing.into()),
        _ => return Err(Reason::PolicyJson.into()),
    };
    let mut arguments: smallvec::SmallVec<[Argument<'_>; 2]> = smallvec::SmallVec::new();
    let mut count = 0;
    while tokens.continues(&Token::EndList)? {
        let argument = match tokens.next()? {
            Token::Text(text) => Argument::Text(text),
            Token::Number(number) => Argument::Number(number),
            _ => return Err(Reason::PolicyJson.into()),
        };
        count += 1;
        if count <= 2 {
            arguments.push(argument);
        }
    }
    let test = match &*operation {
        "eq" => Some(Test::Equals),
        "starts-with" => Some(Test::StartsWith),
        "content-length-range" => None,
        _ => return Err(text_refusal(Reason::OperationUnknown, operation)),
    };
    match (test, count, arguments.as_slice()) {
        (Some(test), 2, [Argument::Text(reference), Argument::Text(operand)]) => {
            Ok(match reference.strip_prefix('$').filter(|name| !name.is_empty()) {
                Some(name) => on_field(test, name.to_owned(), operand.clone().into_owned()),
                None => Condition::Impossible(list(&[test.as_str(), reference, operand].map(quoted))),
            })
        }
        (None, 2, [min, max]) => read_range(min, max),
        (_, 2, _) => Err(Reason::PolicyJson.into()),
        _ => Err(text_refusal(Reason::ArgumentCount, operation)),
    }
}

/// Bounds are whole numbers, as numbers or in quotes. What is in quotes and none can hold for no file.
fn read_range(min: &Argument<'_>, max: &Argument<'_>) -> Result<Condition, Refusal> {
    let bound = |argument: &Argument<'_>| match argument {
        Argument::Number(number) => number.parse::<i64>().map(Some).map_err(|_| Refusal::from(Reason::PolicyJson)),
        Argument::Text(text) => Ok(text.parse::<i64>().ok()),
    };
    let (lower, upper) = (bound(min)?, bound(max)?);
    if let (Some(lower), Some(Ok(max))) = (lower, upper.map(u64::try_from)) {
        // No file has fewer than no bytes.
        return Ok(Condition::Size { min: u64::try_from(lower).unwrap_or(0), max });
    }
    let shown = |argument: &Argument<'_>| match argument {
        Argument::Number(number) => (*number).to_owned(),
        Argument::Text(text) => quoted(text),
    };
    Ok(Condition::Impossible(list(&[quoted("content-length-range"), shown(min), shown(max)])))
}

fn on_field(test: Test, name: String, operand: String) -> Condition {
    let lower_case = name.to_ascii_lowercase();
    // The one field that can be matched exactly only (AWS: "POST policy", the table of conditions).
    if test == Test::StartsWith && lower_case == field::STATUS {
        return Condition::Impossible(shown(test, &name, &lower_case, &operand));
    }
    Condition::Field { test, name, lower_case, operand }
}

/// `YYYY-MM-DDThh:mm:ssZ`, with a fraction of a second or without. An offset is refused, as S3 refuses it.
fn read_expiration(text: &str) -> Result<Timestamp, Refusal> {
    let refusal = || text_refusal(Reason::ExpirationInvalid, text);
    let civil = text.strip_suffix('Z').ok_or_else(refusal)?;
    let (seconds, fraction) = civil.split_once('.').map_or((civil, None), |(whole, fraction)| (whole, Some(fraction)));
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let is_fraction =
        |digits: &str| (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.len() != 19 || !seconds.bytes().enumerate().all(shape) || !fraction.is_none_or(is_fraction) {
        return Err(refusal());
    }
    let number = |from: usize, to: usize| seconds[from..to].parse::<i16>().expect("at most four digits");
    let small = |from: usize| i8::try_from(number(from, from + 2)).expect("at most two digits");
    let nanoseconds = fraction.map_or(0, |digits| format!("{digits:0<9}").parse().expect("nine digits"));
    let civil = DateTime::new(number(0, 4), small(5), small(8), small(11), small(14), small(17), nanoseconds);
    civil.and_then(|civil| TimeZone::UTC.to_timestamp(civil)).map_err(|_| refusal())
}

/// A condition as S3 shows it: as a list, in the spelling of the policy. The session token is a secret even here.
fn shown(test: Test, name: &str, lower_case: &str, operand: &str) -> String {
    let operand = if lower_case == field::SECURITY_TOKEN { "[redacted]" } else { operand };
    list(&[test.as_str(), &format!("${name}"), operand].map(quoted))
}

fn list(parts: &[String; 3]) -> String {
    format!("[{}]", parts.join(", "))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn failed(condition: String) -> Refusal {
    text_refusal(Reason::ConditionFailed, condition)
}

fn text_refusal(reason: Reason, text: impl Into<String>) -> Refusal {
    Refusal::new(reason, Details::Text(Echo(text.into())))
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Reason::PolicyJson.into()
    }
}
