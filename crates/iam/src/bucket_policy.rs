//! What makes a policy document the policy of one bucket, in the words S3 refuses with.
//!
//! Source: Amazon S3 user guide, "Bucket policies for Amazon S3"; messages as S3's answers have them.

use serde_json::{Map, Value};

use crate::condition::Operator;
use crate::document::{Actions, DocumentError, MAX_DOCUMENT_BYTES, PolicyDocument, Resources, Statement};
use crate::pattern::Pattern;
use crate::s3_actions::{ActsOn, CONDITION_KEYS, actions};
use crate::strict_json;

/// The largest text that is read. What counts against [`MAX_DOCUMENT_BYTES`] is the document without its white space.
pub const MAX_BUCKET_POLICY_TEXT_BYTES: usize = 64 * 1024;

/// Why a text is no policy of a bucket. The message is S3's, for the code `MalformedPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BucketPolicyError {
    /// Beyond [`MAX_DOCUMENT_BYTES`] without white space, or [`MAX_BUCKET_POLICY_TEXT_BYTES`] with it.
    #[error("Normalized policy document exceeds the maximum allowed size of {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// Another kind of text.
    #[error("Policies must be valid JSON and the first byte must be '{{'")]
    NoObject,
    /// Begins like JSON and does not go on so.
    #[error("This policy contains invalid Json")]
    InvalidJson,
    /// Neither of the two versions of the language.
    #[error("The policy must contain a valid version string")]
    Version,
    /// An element that a policy must have.
    #[error("Missing required field {0}")]
    Missing(&'static str),
    /// A list of no statements.
    #[error("Could not parse the policy: Statement is empty!")]
    NoStatement,
    /// An element that the language does not have.
    #[error("Unknown field {0}")]
    UnknownField(String),
    /// Neither `Allow` nor `Deny`.
    #[error("Invalid effect: {0}")]
    Effect(String),
    /// A principal that cannot be.
    #[error("Invalid principal in policy")]
    Principal,
    /// An action that S3 does not have.
    #[error("Policy has invalid action")]
    Action,
    /// A resource that is not this bucket or in it.
    #[error("Policy has invalid resource")]
    Resource,
    /// An action on objects and only the bucket as its resource, or the reverse.
    #[error("Action does not apply to any resource(s) in statement")]
    NotApplicable,
    /// No operator of the language.
    #[error("Invalid Condition type : {0}")]
    ConditionType(String),
    /// A condition key that no request has.
    #[error("Policy has an invalid condition key")]
    ConditionKey,
    /// The document has another fault.
    #[error("Invalid policy syntax.")]
    Syntax(DocumentError),
}

/// Reads the policy of the bucket of this name. Refuses what S3 refuses, in the order it stands in the text.
pub fn parse_bucket_policy(text: &[u8], bucket: &str) -> Result<PolicyDocument, BucketPolicyError> {
    if text.len() > MAX_BUCKET_POLICY_TEXT_BYTES {
        return Err(BucketPolicyError::TooLarge);
    }
    if text.first() != Some(&b'{') {
        return Err(BucketPolicyError::NoObject);
    }
    let value = strict_json::parse(text).map_err(|_| BucketPolicyError::InvalidJson)?;
    let normalized = value.to_string();
    if normalized.len() > MAX_DOCUMENT_BYTES {
        return Err(BucketPolicyError::TooLarge);
    }
    let fields = value.as_object().ok_or(BucketPolicyError::NoObject)?;
    check_fields(fields, &["Version", "Id", "Statement"])?;
    if let Some(version) = fields.get("Version")
        && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
    {
        return Err(BucketPolicyError::Version);
    }
    let statements = match fields.get("Statement") {
        None => return Err(BucketPolicyError::Missing("Statement")),
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(single) => vec![single],
    };
    if statements.is_empty() {
        return Err(BucketPolicyError::NoStatement);
    }
    statements.into_iter().try_for_each(check_statement)?;
    let document = PolicyDocument::parse(normalized.as_bytes()).map_err(BucketPolicyError::Syntax)?;
    document.statements.iter().try_for_each(|statement| check_targets(statement, bucket))?;
    Ok(document)
}

fn check_statement(value: &Value) -> Result<(), BucketPolicyError> {
    const SHAPE: DocumentError = DocumentError::Shape { element: "Statement", expected: "an object" };
    let fields = value.as_object().ok_or(BucketPolicyError::Syntax(SHAPE))?;
    check_fields(
        fields,
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"],
    )?;
    match fields.get("Effect") {
        None => return Err(BucketPolicyError::Missing("Effect")),
        Some(Value::String(effect)) if effect == "Allow" || effect == "Deny" => {}
        Some(Value::String(effect)) => return Err(BucketPolicyError::Effect(effect.clone())),
        Some(other) => return Err(BucketPolicyError::Effect(other.to_string())),
    }
    let one_of = |name: &'static str, negated: &str| {
        fields.get(name).or_else(|| fields.get(negated)).ok_or(BucketPolicyError::Missing(name))
    };
    check_principal(one_of("Principal", "NotPrincipal")?)?;
    one_of("Action", "NotAction")?;
    one_of("Resource", "NotResource")?;
    match fields.get("Condition") {
        Some(Value::Object(conditions)) => conditions.iter().try_for_each(check_condition),
        // The document's own parser says what is wrong with another shape.
        _ => Ok(()),
    }
}

fn check_fields(fields: &Map<String, Value>, known: &[&str]) -> Result<(), BucketPolicyError> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(BucketPolicyError::UnknownField(unknown.clone())),
        None => Ok(()),
    }
}

/// `"*"`, or an object whose `AWS` has `*`, account ids, and ARNs of IAM and STS without wildcards.
fn check_principal(value: &Value) -> Result<(), BucketPolicyError> {
    let is_principal = |name: &Value| {
        let Some(name) = name.as_str() else { return false };
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_arn = || {
            let mut parts = name.splitn(6, ':');
            let mut next = || parts.next().unwrap_or_default();
            next() == "arn"
                && next().starts_with("aws")
                && matches!(next(), "iam" | "sts")
                && next().is_empty()
                && is_account(next())
                && !next().is_empty()
                && !name.contains(['*', '?'])
        };
        name == "*" || is_account(name) || is_arn()
    };
    let is_fine = match value {
        Value::String(everybody) => everybody == "*",
        Value::Object(kinds) if !kinds.is_empty() => kinds.iter().all(|(kind, names)| match (kind.as_str(), names) {
            ("AWS", Value::Array(names)) => !names.is_empty() && names.iter().all(is_principal),
            ("AWS", name) => is_principal(name),
            ("Service" | "Federated" | "CanonicalUser", _) => true,
            _ => false,
        }),
        _ => false,
    };
    if is_fine { Ok(()) } else { Err(BucketPolicyError::Principal) }
}

fn check_condition((operator, keys): (&String, &Value)) -> Result<(), BucketPolicyError> {
    if operator.parse::<Operator>().is_err() {
        return Err(BucketPolicyError::ConditionType(operator.clone()));
    }
    let Some(keys) = keys.as_object() else { return Ok(()) };
    let is_known = |key: &str| {
        let key = key.to_ascii_lowercase();
        match key.split_once(':') {
            Some(("s3", _)) => CONDITION_KEYS.iter().any(|known| match known.strip_suffix('/') {
                Some(_) => key.len() > known.len() && key.starts_with(known),
                None => key == *known,
            }),
            Some((service, name)) => !service.is_empty() && !name.is_empty(),
            None => false,
        }
    };
    if keys.keys().all(|key| is_known(key)) { Ok(()) } else { Err(BucketPolicyError::ConditionKey) }
}

/// What a resource of the policy covers.
struct Covers {
    bucket: bool,
    objects: bool,
}

impl Covers {
    /// `arn:aws:s3:::BUCKET`, the same with a `*` behind it, or something below `arn:aws:s3:::BUCKET/`.
    fn read(pattern: &Pattern, bucket: &str) -> Option<Self> {
        let rest = pattern.as_str().strip_prefix("arn:aws:s3:::")?.strip_prefix(bucket)?;
        match rest {
            "" => Some(Self { bucket: true, objects: false }),
            "*" => Some(Self { bucket: true, objects: true }),
            _ if rest.starts_with('/') => Some(Self { bucket: false, objects: true }),
            _ => None,
        }
    }
}

fn check_targets(statement: &Statement, bucket: &str) -> Result<(), BucketPolicyError> {
    let (Resources::Only(patterns) | Resources::AllBut(patterns)) = &statement.resources;
    let covered = patterns.iter().map(|pattern| Covers::read(pattern, bucket)).collect::<Option<Vec<_>>>();
    let covered = covered.ok_or(BucketPolicyError::Resource)?;
    let (Actions::Only(patterns) | Actions::AllBut(patterns)) = &statement.actions;
    let is_exact = matches!((&statement.actions, &statement.resources), (Actions::Only(_), Resources::Only(_)));
    for pattern in patterns {
        let mut named = actions().filter(|(name, _)| pattern.matches_ignoring_case(name)).peekable();
        if named.peek().is_none() {
            return Err(BucketPolicyError::Action);
        }
        let mut applies = named.map(|(_, acts_on)| acts_on).map(|acts_on| {
            covered.iter().any(|covers| match acts_on {
                ActsOn::Bucket => covers.bucket,
                ActsOn::Object => covers.objects,
            })
        });
        if is_exact && !applies.any(|applies| applies) {
            return Err(BucketPolicyError::NotApplicable);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse_bucket_policy(text.as_bytes(), "bkt").unwrap_err().to_string()
    }

    /// A statement that is fine, but for these fields.
    fn statement(changes: &[(&str, Value)]) -> String {
        let mut statement = serde_json::json!({
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"
        });
        for (name, value) in changes {
            match value {
                Value::Null => drop(statement.as_object_mut().unwrap().remove(*name)),
                value => statement[*name] = value.clone(),
            }
        }
        serde_json::json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    }

    #[test]
    fn a_text_that_is_no_policy_is_refused_in_s3s_words() {
        let table = [
            ("", "Policies must be valid JSON and the first byte must be '{'"),
            (" {}", "Policies must be valid JSON and the first byte must be '{'"),
            ("{", "This policy contains invalid Json"),
            (r#"{"Version": "2012-10-17", "Version": "2012-10-17"}"#, "This policy contains invalid Json"),
            ("{}", "Missing required field Statement"),
            (r#"{"Statement": []}"#, "Could not parse the policy: Statement is empty!"),
            (r#"{"Version": "2012", "Statement": []}"#, "The policy must contain a valid version string"),
            (r#"{"Statement": [], "Extra": 1}"#, "Unknown field Extra"),
        ];
        for (text, message) in table {
            assert_eq!(refused(text), message, "{text}");
        }
    }

    #[test]
    fn a_statement_that_is_none_is_refused_in_s3s_words() {
        let table = [
            ("Effect", Value::Null, "Missing required field Effect"),
            ("Effect", "allow".into(), "Invalid effect: allow"),
            ("Principal", Value::Null, "Missing required field Principal"),
            ("Principal", "everybody".into(), "Invalid principal in policy"),
            (
                "Principal",
                serde_json::json!({"AWS": "arn:aws:iam::123456789012:user/*"}),
                "Invalid principal in policy",
            ),
            ("Principal", serde_json::json!({"Who": "*"}), "Invalid principal in policy"),
            ("Action", Value::Null, "Missing required field Action"),
            ("Action", "s3:GetObjekt".into(), "Policy has invalid action"),
            ("Action", "ec2:RunInstances".into(), "Policy has invalid action"),
            ("Resource", Value::Null, "Missing required field Resource"),
            ("Resource", "*".into(), "Policy has invalid resource"),
            ("Resource", "arn:aws:s3:::other/*".into(), "Policy has invalid resource"),
            ("Resource", "arn:aws:s3:::bkt2/*".into(), "Policy has invalid resource"),
            ("Resource", "arn:aws:s3:::bkt".into(), "Action does not apply to any resource(s) in statement"),
            ("Action", "s3:ListBucket".into(), "Action does not apply to any resource(s) in statement"),
            ("Condition", serde_json::json!({"StringIs": {"s3:prefix": "a"}}), "Invalid Condition type : StringIs"),
            (
                "Condition",
                serde_json::json!({"StringEquals": {"s3:prefiks": "a"}}),
                "Policy has an invalid condition key",
            ),
            (
                "Condition",
                serde_json::json!({"StringEquals": {"s3:ExistingObjectTag/": "a"}}),
                "Policy has an invalid condition key",
            ),
            ("Extra", 1.into(), "Unknown field Extra"),
        ];
        for (field, value, message) in table {
            let text = statement(&[(field, value)]);
            assert_eq!(refused(&text), message, "{text}");
        }
    }

    #[test]
    fn what_s3_takes_is_taken() {
        let table: [&[(&str, Value)]; 8] = [
            &[],
            &[("Resource", "arn:aws:s3:::bkt*".into()), ("Action", "s3:ListBucket".into())],
            &[("Action", serde_json::json!(["s3:*"])), ("Resource", "arn:aws:s3:::bkt".into())],
            &[("Action", "*".into())],
            &[("Action", "S3:getobject".into())],
            &[("Principal", serde_json::json!({"AWS": ["123456789012", "arn:aws:iam::123456789012:root"]}))],
            &[("Condition", serde_json::json!({"StringEquals": {"S3:existingobjecttag/Key": "a"}}))],
            &[("Condition", serde_json::json!({"Bool": {"aws:SecureTransport": "true"}}))],
        ];
        for changes in table {
            let text = statement(changes);
            assert!(parse_bucket_policy(text.as_bytes(), "bkt").is_ok(), "{text}");
        }
    }

    #[test]
    fn the_size_counts_without_white_space() {
        let sized = |bytes: usize| {
            let shell = statement(&[("Sid", "".into())]).len();
            statement(&[("Sid", "s".repeat(bytes - shell).into())])
        };
        assert!(parse_bucket_policy(sized(MAX_DOCUMENT_BYTES).as_bytes(), "bkt").is_ok());
        let spaced = |bytes: usize| {
            let text = sized(MAX_DOCUMENT_BYTES);
            format!("{text}{}", " ".repeat(bytes - text.len()))
        };
        assert!(parse_bucket_policy(spaced(MAX_BUCKET_POLICY_TEXT_BYTES).as_bytes(), "bkt").is_ok());
        for text in [sized(MAX_DOCUMENT_BYTES + 1), spaced(MAX_BUCKET_POLICY_TEXT_BYTES + 1)] {
            assert_eq!(refused(&text), "Normalized policy document exceeds the maximum allowed size of 20480 bytes");
        }
    }
}
