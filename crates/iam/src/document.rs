//! Policy documents, parsed strictly: an element that is not understood is an error, never ignored.
//!
//! Source: IAM user guide, "Grammar of the IAM JSON policy language".

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::condition::Condition;
use crate::context::Context;
use crate::pattern::Pattern;
use crate::principal::{PrincipalName, Principals};
use crate::strict_json;

/// The largest document: AWS's limit for a bucket policy.
pub const MAX_DOCUMENT_BYTES: usize = 20 * 1024;

/// A whole policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDocument {
    /// At least one.
    pub statements: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name, where its author gave one.
    pub sid: Option<String>,
    /// What it does to a request that it fits.
    pub effect: Effect,
    /// Whom it is about; absent in identity policies, which are about their holder.
    pub principals: Option<Principals>,
    /// Which actions it is about.
    pub actions: Actions,
    /// Which resources it is about.
    pub resources: Resources,
    /// What else must hold.
    pub conditions: Vec<Condition>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It permits.
    Allow,
    /// It forbids, whatever else permits.
    Deny,
}

/// `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actions {
    /// Those that match one of the patterns.
    Only(Vec<Pattern>),
    /// Those that match none.
    AllBut(Vec<Pattern>),
}

/// `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resources {
    /// Those that match one of the patterns.
    Only(Vec<Pattern>),
    /// Those that match none.
    AllBut(Vec<Pattern>),
}

/// Why a text is no policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Beyond [`MAX_DOCUMENT_BYTES`].
    #[error("a policy has at most {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// An element has another shape than the grammar gives it.
    #[error("{element} must be {expected}")]
    Shape {
        /// The element's name.
        element: &'static str,
        /// What stands there in a valid policy.
        expected: &'static str,
    },
    /// An element that the grammar does not have, or that this implementation does not evaluate.
    #[error("the element '{0}' is not supported")]
    Unsupported(String),
    /// Both forms of an element, or neither.
    #[error("a statement needs exactly one of {0}")]
    ExactlyOne(&'static str),
    /// An operator that AWS does not have.
    #[error("'{0}' is not a condition operator")]
    Operator(String),
    /// `${` that begins no variable, or one where AWS takes none: outside a condition's value and a resource's last part.
    #[error("'{0}' has a policy variable that is malformed or stands where none may")]
    Variable(String),
    /// Somebody who cannot be.
    #[error("invalid principal: '{0}'")]
    Principal(String),
    /// `NotPrincipal` in a statement that allows, which AWS does not take.
    #[error("NotPrincipal goes with \"Effect\": \"Deny\" only")]
    NotPrincipalAllows,
    /// Two statements of one name.
    #[error("two statements have the Sid '{0}'")]
    DuplicateSid(String),
}

impl PolicyDocument {
    /// Reads a document and refuses everything that would not be evaluated as its author meant it.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        if json.len() > MAX_DOCUMENT_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let value = strict_json::parse(json).map_err(|error| DocumentError::Json(error.to_string()))?;
        let document = object(&value, "the policy")?;
        refuse_unknown(document, &["Version", "Id", "Statement"])?;
        if let Some(id) = document.get("Id") {
            text(id, "Id")?;
        }
        let language = match document.get("Version").map(Value::as_str) {
            Some(Some("2012-10-17")) => Language::WithVariables,
            Some(Some("2008-10-17")) | None => Language::WithoutVariables,
            _ => {
                return Err(DocumentError::Shape { element: "Version", expected: "\"2012-10-17\" or \"2008-10-17\"" });
            }
        };
        let statements: Vec<Statement> = match document.get("Statement") {
            Some(Value::Array(statements)) => {
                statements.iter().map(|value| statement(value, language)).collect::<Result<_, _>>()?
            }
            Some(single @ Value::Object(_)) => vec![statement(single, language)?],
            _ => Vec::new(),
        };
        if statements.is_empty() {
            return Err(DocumentError::Shape { element: "Statement", expected: "a statement or a list of statements" });
        }
        let mut names = BTreeSet::new();
        match statements.iter().filter_map(|statement| statement.sid.as_ref()).find(|sid| !names.insert(*sid)) {
            Some(twice) => Err(DocumentError::DuplicateSid(twice.clone())),
            None => Ok(Self { statements }),
        }
    }

    /// Whether a condition or a variable of the policy looks at a key that begins so, case not mattering.
    #[must_use]
    pub fn mentions(&self, key_prefix: &str) -> bool {
        let prefix = key_prefix.to_ascii_lowercase();
        let begins = |key: &str| key.to_ascii_lowercase().starts_with(&prefix);
        self.statements.iter().any(|statement| {
            let (Resources::Only(resources) | Resources::AllBut(resources)) = &statement.resources;
            let values = statement.conditions.iter().flat_map(|condition| &condition.values);
            statement.conditions.iter().any(|condition| begins(&condition.key))
                || resources.iter().chain(values).flat_map(Pattern::variables).any(begins)
        })
    }
}

/// The two versions of the language differ in one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    /// 2012-10-17.
    WithVariables,
    /// 2008-10-17, which is meant where no version is named: `${` is text.
    WithoutVariables,
}

impl Language {
    fn pattern(self, text: String) -> Result<Pattern, DocumentError> {
        match self {
            Self::WithVariables => Pattern::with_variables(text.as_str()).map_err(|_| DocumentError::Variable(text)),
            Self::WithoutVariables => Ok(Pattern::new(text)),
        }
    }
}

impl Actions {
    /// Whether an action is among them, case not mattering.
    #[must_use]
    pub fn include(&self, action: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches_ignoring_case(action));
        match self {
            Self::Only(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }
}

impl Resources {
    /// Whether a resource is among them, case mattering.
    #[must_use]
    pub fn include(&self, resource: &str, context: &Context) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(resource, context));
        match self {
            Self::Only(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }
}

fn statement(value: &Value, language: Language) -> Result<Statement, DocumentError> {
    let fields = object(value, "Statement")?;
    refuse_unknown(
        fields,
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"],
    )?;
    let effect = match fields.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(DocumentError::Shape { element: "Effect", expected: "\"Allow\" or \"Deny\"" }),
    };
    let principals = match (fields.get("Principal"), fields.get("NotPrincipal")) {
        (None, None) => None,
        (Some(only), None) => Some(only_principals(only)?),
        (None, Some(_)) if effect == Effect::Allow => return Err(DocumentError::NotPrincipalAllows),
        (None, Some(but)) => Some(Principals::AllBut(principals(but, "NotPrincipal")?)),
        (Some(_), Some(_)) => return Err(DocumentError::ExactlyOne("Principal and NotPrincipal")),
    };
    let actions = match (fields.get("Action"), fields.get("NotAction")) {
        (Some(only), None) => Actions::Only(actions(only, "Action")?),
        (None, Some(but)) => Actions::AllBut(actions(but, "NotAction")?),
        _ => return Err(DocumentError::ExactlyOne("Action and NotAction")),
    };
    let resources = match (fields.get("Resource"), fields.get("NotResource")) {
        (Some(only), None) => Resources::Only(resources(only, "Resource", language)?),
        (None, Some(but)) => Resources::AllBut(resources(but, "NotResource", language)?),
        _ => return Err(DocumentError::ExactlyOne("Resource and NotResource")),
    };
    let conditions = fields.get("Condition").map(|value| conditions(value, language)).transpose()?;
    Ok(Statement {
        sid: fields.get("Sid").map(|sid| text(sid, "Sid")).transpose()?,
        effect,
        principals,
        actions,
        resources,
        conditions: conditions.unwrap_or_default(),
    })
}

/// `"*"` and `{"AWS": "*"}` mean the same, people without credentials included.
fn only_principals(value: &Value) -> Result<Principals, DocumentError> {
    let names = principals(value, "Principal")?;
    Ok(if names.contains(&PrincipalName::Everybody) { Principals::Everybody } else { Principals::Only(names) })
}

fn principals(value: &Value, element: &'static str) -> Result<Vec<PrincipalName>, DocumentError> {
    let shape = || DocumentError::Shape { element, expected: "\"*\" or {\"AWS\": …}" };
    match value {
        Value::String(everybody) if everybody == "*" => Ok(vec![PrincipalName::Everybody]),
        Value::String(other) => Err(DocumentError::Principal(other.clone())),
        Value::Object(kinds) if !kinds.is_empty() => {
            let mut names = Vec::new();
            for (kind, values) in kinds {
                for name in texts(values, element)? {
                    names.push(principal(kind, name)?);
                }
            }
            Ok(names)
        }
        _ => Err(shape()),
    }
}

fn principal(kind: &str, name: String) -> Result<PrincipalName, DocumentError> {
    match kind {
        "AWS" => PrincipalName::of_aws(&name).ok_or(DocumentError::Principal(name)),
        "CanonicalUser" => Ok(PrincipalName::CanonicalUser(name)),
        "Service" => Ok(PrincipalName::Service(name)),
        "Federated" => Ok(PrincipalName::Federated(name)),
        other => Err(DocumentError::Unsupported(other.to_owned())),
    }
}

fn conditions(value: &Value, language: Language) -> Result<Vec<Condition>, DocumentError> {
    let mut conditions = Vec::new();
    for (operator, keys) in object(value, "Condition")? {
        let parsed = operator.parse().map_err(|_| DocumentError::Operator(operator.clone()))?;
        for (key, values) in object(keys, "Condition")? {
            let values = texts(values, "Condition")?.into_iter().map(|value| language.pattern(value));
            conditions.push(Condition {
                operator: parsed,
                key: key.clone(),
                values: values.collect::<Result<_, _>>()?,
            });
        }
    }
    Ok(conditions)
}

/// Actions know no variables.
fn actions(value: &Value, element: &'static str) -> Result<Vec<Pattern>, DocumentError> {
    let pattern = |text: String| {
        if text.contains("${") { Err(DocumentError::Variable(text)) } else { Ok(Pattern::new(text)) }
    };
    texts(value, element)?.into_iter().map(pattern).collect()
}

/// Variables may stand in the last part of an ARN, after its fifth colon.
fn resources(value: &Value, element: &'static str, language: Language) -> Result<Vec<Pattern>, DocumentError> {
    let pattern = |text: String| {
        let last_part = text.match_indices(':').nth(4).map_or(0, |(colon, _)| colon);
        if language == Language::WithVariables && text.find("${").is_some_and(|variable| variable < last_part) {
            return Err(DocumentError::Variable(text));
        }
        language.pattern(text)
    };
    texts(value, element)?.into_iter().map(pattern).collect()
}

/// One text or a list of them; numbers and booleans count as their text, as AWS takes them.
fn texts(value: &Value, element: &'static str) -> Result<Vec<String>, DocumentError> {
    let texts = match value {
        Value::Array(values) => values.iter().map(|value| text(value, element)).collect::<Result<Vec<_>, _>>()?,
        single => vec![text(single, element)?],
    };
    if texts.is_empty() {
        return Err(DocumentError::Shape { element, expected: "a text or a list that is not empty" });
    }
    Ok(texts)
}

fn text(value: &Value, element: &'static str) -> Result<String, DocumentError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(DocumentError::Shape { element, expected: "a text" }),
    }
}

fn object<'a>(value: &'a Value, element: &'static str) -> Result<&'a Map<String, Value>, DocumentError> {
    value.as_object().ok_or(DocumentError::Shape { element, expected: "an object" })
}

fn refuse_unknown(fields: &Map<String, Value>, known: &[&str]) -> Result<(), DocumentError> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(DocumentError::Unsupported(unknown.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(json: &str) -> DocumentError {
        PolicyDocument::parse(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn single_values_and_lists_mean_the_same() {
        let one = PolicyDocument::parse(
            br#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": "*"}}"#,
        );
        let list = PolicyDocument::parse(
            br#"{"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": ["s3:*"], "Resource": ["*"]}]}"#,
        );
        assert_eq!(one.unwrap(), list.unwrap());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert_eq!(error(r#"{"Statement": [], "Extra": 1}"#), DocumentError::Unsupported("Extra".into()));
        assert!(matches!(error("[]"), DocumentError::Shape { .. }));
        assert!(matches!(error("{"), DocumentError::Json(_)));
        assert!(matches!(error(r#"{"Statement": []}"#), DocumentError::Shape { element: "Statement", .. }));
        let statement = |fields: &str| error(&format!(r#"{{"Statement": {{"Effect": "Deny", {fields}}}}}"#));
        assert_eq!(statement(r#""Resource": "*""#), DocumentError::ExactlyOne("Action and NotAction"));
        assert_eq!(
            statement(r#""Action": "*", "Resource": "*", "NotPrincipal": "*", "Principal": "*""#),
            DocumentError::ExactlyOne("Principal and NotPrincipal")
        );
        assert_eq!(
            statement(r#""Action": "*", "Resource": "*", "Principal": {"Who": "x"}"#),
            DocumentError::Unsupported("Who".into())
        );
        assert_eq!(
            statement(r#""Action": "*", "Resource": "*", "Principal": {"AWS": "me"}"#),
            DocumentError::Principal("me".into())
        );
        assert!(matches!(
            statement(r#""Action": "*", "Resource": "*", "Principal": {}"#),
            DocumentError::Shape { element: "Principal", .. }
        ));
        assert_eq!(
            error(r#"{"Statement": {"Effect": "Allow", "NotPrincipal": "*", "Action": "*", "Resource": "*"}}"#),
            DocumentError::NotPrincipalAllows
        );
        assert_eq!(
            statement(r#""Action": "*", "Resource": "*", "Condition": {"StringIs": {"k": "v"}}"#),
            DocumentError::Operator("StringIs".into())
        );
        assert!(matches!(statement(r#""Action": [], "Resource": "*""#), DocumentError::Shape { .. }));
    }

    #[test]
    fn what_stands_twice_is_refused() {
        assert!(matches!(error(r#"{"Statement": [], "Statement": []}"#), DocumentError::Json(_)));
        let fields = r#""Effect": "Deny", "Action": "*", "Resource": "*""#;
        assert!(matches!(
            error(&format!(r#"{{"Statement": {{{fields}, "Effect": "Allow"}}}}"#)),
            DocumentError::Json(_)
        ));
        let named =
            |other: &str| format!(r#"{{"Statement": [{{"Sid": "A", {fields}}}, {{"Sid": "{other}", {fields}}}]}}"#);
        assert_eq!(error(&named("A")), DocumentError::DuplicateSid("A".into()));
        assert!(PolicyDocument::parse(named("B").as_bytes()).is_ok());
    }

    const NEW: &str = r#""Version": "2012-10-17","#;
    const OLD: &str = r#""Version": "2008-10-17","#;

    #[test]
    fn variables_belong_to_the_newer_version_and_to_certain_places() {
        let parse = |version: &str, action: &str, resource: &str, value: &str| {
            let condition = format!(r#"{{"StringLike": {{"s3:prefix": "{value}"}}}}"#);
            let statement = format!(
                r#"{{"Effect": "Deny", "Action": "{action}", "Resource": "{resource}", "Condition": {condition}}}"#
            );
            PolicyDocument::parse(format!(r#"{{{version} "Statement": {statement}}}"#).as_bytes())
        };
        let own = "arn:aws:s3:::b/${aws:username}/*";
        assert!(parse(NEW, "*", own, "${aws:username}/*").is_ok());
        for (action, resource, value) in [
            ("s3:${aws:username}", "*", "x"),
            ("*", "arn:aws:${aws:service}:::b", "x"),
            ("*", "arn:aws:s3:::b/${", "x"),
            ("*", "*", "${}"),
        ] {
            assert!(
                matches!(parse(NEW, action, resource, value), Err(DocumentError::Variable(_))),
                "{resource} {value}"
            );
        }
        for version in [OLD, ""] {
            let document = parse(version, "*", own, "${").unwrap();
            assert!(document.statements[0].resources.include("arn:aws:s3:::b/${aws:username}/x", &Context::new()));
        }
    }

    #[test]
    fn a_policy_knows_which_keys_it_looks_at() {
        let policy = |resource: &str, condition: &str| {
            let json = format!(
                r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Deny", "Action": "*", "Resource": "{resource}",
                    "Condition": {condition}}}}}"#
            );
            PolicyDocument::parse(json.as_bytes()).unwrap().mentions("s3:ExistingObjectTag/")
        };
        assert!(policy("*", r#"{"StringEquals": {"S3:existingobjecttag/scan": "clean"}}"#));
        assert!(policy("arn:aws:s3:::b/${s3:ExistingObjectTag/owner}", "{}"));
        assert!(policy("*", r#"{"StringEquals": {"s3:prefix": "${s3:ExistingObjectTag/owner}"}}"#));
        assert!(!policy("*", r#"{"StringEquals": {"s3:RequestObjectTag/scan": "clean"}}"#));
    }

    #[test]
    fn size_is_limited() {
        let mut json =
            br#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}"#.to_vec();
        json.resize(MAX_DOCUMENT_BYTES, b' ');
        assert!(PolicyDocument::parse(&json).is_ok());
        json.push(b' ');
        assert_eq!(PolicyDocument::parse(&json), Err(DocumentError::TooLarge));
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(matches!(error(&"[".repeat(10_000)), DocumentError::Json(_)));
    }

    proptest! {
        #[test]
        fn no_input_panics(json in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = PolicyDocument::parse(&json);
        }
    }
}
