//! Policy documents, parsed strictly: an element that is not understood is an error, never ignored.
//!
//! Source: IAM user guide, "Grammar of the IAM JSON policy language".

use serde_json::{Map, Value};

use crate::condition::Condition;
use crate::pattern::Pattern;
use crate::principal::Principal;

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

/// `Principal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// `"*"`: everybody, also those without credentials.
    Everybody,
    /// `{"AWS": […]}`: account ids and ARNs.
    Aws(Vec<String>),
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
    /// `${…}` is not evaluated, so a policy that relies on it is refused.
    #[error("policy variables are not supported: '{0}'")]
    Variable(String),
}

impl PolicyDocument {
    /// Reads a document and refuses everything that would not be evaluated as its author meant it.
    pub fn parse(json: &[u8]) -> Result<Self, DocumentError> {
        if json.len() > MAX_DOCUMENT_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let value: Value = serde_json::from_slice(json).map_err(|error| DocumentError::Json(error.to_string()))?;
        let document = object(&value, "the policy")?;
        refuse_unknown(document, &["Version", "Id", "Statement"])?;
        if let Some(version) = document.get("Version")
            && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
        {
            return Err(DocumentError::Shape { element: "Version", expected: "\"2012-10-17\" or \"2008-10-17\"" });
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().map(statement).collect::<Result<_, _>>()?,
            Some(single @ Value::Object(_)) => vec![statement(single)?],
            _ => Vec::new(),
        };
        if statements.is_empty() {
            return Err(DocumentError::Shape { element: "Statement", expected: "a statement or a list of statements" });
        }
        Ok(Self { statements })
    }
}

impl Principals {
    /// Whether a principal is among them. An account id, and the ARN of its root, name the whole account.
    #[must_use]
    pub fn include(&self, principal: &Principal) -> bool {
        match (self, principal) {
            (Self::Everybody, _) => true,
            (Self::Aws(_), Principal::Anonymous) => false,
            (Self::Aws(named), Principal::Root { account }) => {
                let arn = principal.arn();
                named.iter().any(|name| name == "*" || name == account || *name == arn)
            }
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
    pub fn include(&self, resource: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(resource));
        match self {
            Self::Only(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }
}

fn statement(value: &Value) -> Result<Statement, DocumentError> {
    let fields = object(value, "Statement")?;
    refuse_unknown(
        fields,
        &["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"],
    )?;
    let effect = match fields.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(DocumentError::Shape { element: "Effect", expected: "\"Allow\" or \"Deny\"" }),
    };
    let actions = match (fields.get("Action"), fields.get("NotAction")) {
        (Some(only), None) => Actions::Only(patterns(only, "Action")?),
        (None, Some(but)) => Actions::AllBut(patterns(but, "NotAction")?),
        _ => return Err(DocumentError::ExactlyOne("Action and NotAction")),
    };
    let resources = match (fields.get("Resource"), fields.get("NotResource")) {
        (Some(only), None) => Resources::Only(patterns(only, "Resource")?),
        (None, Some(but)) => Resources::AllBut(patterns(but, "NotResource")?),
        _ => return Err(DocumentError::ExactlyOne("Resource and NotResource")),
    };
    Ok(Statement {
        sid: fields.get("Sid").map(|sid| text(sid, "Sid")).transpose()?,
        effect,
        principals: fields.get("Principal").map(principals).transpose()?,
        actions,
        resources,
        conditions: fields.get("Condition").map(conditions).transpose()?.unwrap_or_default(),
    })
}

fn principals(value: &Value) -> Result<Principals, DocumentError> {
    const SHAPE: DocumentError = DocumentError::Shape { element: "Principal", expected: "\"*\" or {\"AWS\": …}" };
    match value {
        Value::String(everybody) if everybody == "*" => Ok(Principals::Everybody),
        Value::Object(kinds) => {
            refuse_unknown(kinds, &["AWS"])?;
            let named = texts(kinds.get("AWS").ok_or(SHAPE)?, "Principal")?;
            Ok(if named.iter().any(|name| name == "*") { Principals::Everybody } else { Principals::Aws(named) })
        }
        _ => Err(SHAPE),
    }
}

fn conditions(value: &Value) -> Result<Vec<Condition>, DocumentError> {
    let mut conditions = Vec::new();
    for (operator, keys) in object(value, "Condition")? {
        let parsed = operator.parse().map_err(|_| DocumentError::Operator(operator.clone()))?;
        for (key, values) in object(keys, "Condition")? {
            conditions.push(Condition { operator: parsed, key: key.clone(), values: texts(values, "Condition")? });
        }
    }
    Ok(conditions)
}

fn patterns(value: &Value, element: &'static str) -> Result<Vec<Pattern>, DocumentError> {
    Ok(texts(value, element)?.into_iter().map(Pattern::new).collect())
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
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        _ => return Err(DocumentError::Shape { element, expected: "a text" }),
    };
    if text.contains("${") { Err(DocumentError::Variable(text)) } else { Ok(text) }
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
            statement(r#""Action": "*", "Resource": "*", "NotPrincipal": "*""#),
            DocumentError::Unsupported("NotPrincipal".into())
        );
        assert_eq!(
            statement(r#""Action": "*", "Resource": "*", "Principal": {"Service": "x"}"#),
            DocumentError::Unsupported("Service".into())
        );
        assert_eq!(
            statement(r#""Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}""#),
            DocumentError::Variable("arn:aws:s3:::b/${aws:username}".into())
        );
        assert_eq!(
            statement(r#""Action": "*", "Resource": "*", "Condition": {"StringIs": {"k": "v"}}"#),
            DocumentError::Operator("StringIs".into())
        );
        assert!(matches!(statement(r#""Action": [], "Resource": "*""#), DocumentError::Shape { .. }));
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
