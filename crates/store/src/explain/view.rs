//! What is remembered of a refusal: redacted, and ready to be shown.

use std::net::IpAddr;

use gatepass_doctor::error_document::ErrorDocument;
use gatepass_doctor::input::{Exchange, Request, Response};
use gatepass_doctor::report::Report;
use gatepass_doctor::{redact, url};
use gatepass_iam::{Condition, Context, Effect, Mismatch, Pattern, PolicyKind};
use jiff::Timestamp;
use serde::Serialize;

use super::{Head, Refused};
use crate::authorize::{Denial, Verdict};
use crate::policies::{BucketPolicy, Readable};

/// Where on the road a request is, or was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    /// Is it well-formed, and for this store?
    #[default]
    Arrival,
    /// Who asks?
    Authenticate,
    /// What for?
    Operation,
    /// May they?
    Authorize,
    /// Is it there, and does it fit?
    Data,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Arrival, Self::Authenticate, Self::Operation, Self::Authorize, Self::Data];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Authenticate => "authenticate",
            Self::Operation => "operation",
            Self::Authorize => "authorize",
            Self::Data => "data",
        }
    }

    pub(super) fn question(self) -> &'static str {
        match self {
            Self::Arrival => "Is it a well-formed request, and for this store?",
            Self::Authenticate => "Who asks, and is the signature right?",
            Self::Operation => "Which operation is it, and are its parameters right?",
            Self::Authorize => "Do the policies allow it?",
            Self::Data => "Is what it asks for there, and do its conditions hold?",
        }
    }
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Passed,
    Refused,
    NotReached,
}

#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    pub(super) id: String,
    pub(super) time: Timestamp,
    pub(super) request: RequestView,
    pub(super) answer: AnswerView,
    pub(super) stages: Vec<(Stage, Outcome)>,
    /// What the policies said, where they refused.
    pub(super) decision: Option<DecisionView>,
    /// What the doctor says of signature, time, address and headers.
    pub(super) signature: Report,
}

#[derive(Debug, Serialize)]
pub(super) struct RequestView {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) peer: IpAddr,
    pub(super) operation: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct AnswerView {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
pub(super) struct DecisionView {
    pub(super) principal: String,
    pub(super) action: &'static str,
    pub(super) resource: String,
    /// What decided.
    pub(super) because: String,
    /// What to do.
    pub(super) fix: String,
    /// Every statement of the bucket's policy, and what became of it.
    pub(super) statements: Vec<StatementView>,
}

#[derive(Debug, Serialize)]
pub(super) struct StatementView {
    /// From 0.
    pub(super) index: usize,
    pub(super) sid: Option<String>,
    pub(super) effect: &'static str,
    pub(super) outcome: String,
}

impl Explanation {
    pub(super) fn of(id: String, refused: Refused<'_>, status: u16, document: &str) -> Self {
        let Refused { head, now, stage, operation, code, denial, credentials } = refused;
        let Head { method, url, headers, peer } = head;
        let exchange = Exchange {
            request: Request {
                method: Some(method.clone()),
                url: url.clone(),
                headers: Some(headers.clone()),
                ..Request::default()
            },
            response: Response {
                status: Some(status),
                headers: Vec::new(),
                error: ErrorDocument::parse(document).ok(),
            },
        };
        let message = exchange.response.error.as_ref().map(|error| error.message().to_owned()).unwrap_or_default();
        let signature = url::explain(&url::Input { credentials: Some(credentials), ..url::Input::new(&exchange, now) });
        let stages = Stage::ALL.map(|other| {
            let outcome = match other.cmp(&stage) {
                std::cmp::Ordering::Less => Outcome::Passed,
                std::cmp::Ordering::Equal => Outcome::Refused,
                std::cmp::Ordering::Greater => Outcome::NotReached,
            };
            (other, outcome)
        });
        Self {
            id,
            time: now,
            request: RequestView {
                method,
                url: redact::url(&url),
                headers: headers.into_iter().map(redacted).collect(),
                peer: peer.ip(),
                operation,
            },
            answer: AnswerView { status, code, message },
            stages: stages.into(),
            decision: denial.filter(|_| stage == Stage::Authorize).map(|denial| DecisionView::of(&denial)),
            signature,
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// A header as it may be shown. A signed URL may stand in any of them: in `Referer`, for one.
fn redacted((name, value): (String, String)) -> (String, String) {
    let value = if redact::is_secret(&name) { redact::REDACTED.to_owned() } else { redact::url(&value) };
    (name, value)
}

impl DecisionView {
    fn of(denial: &Denial) -> Self {
        let Denial { principal, action, resource, context, policy, verdict } = denial;
        let statements = policy.as_ref().map(|policy| statements(policy, denial, context)).unwrap_or_default();
        let (because, fix) = match verdict {
            Verdict::NothingAllows if policy.is_none() => (
                "The request is anonymous, and the bucket has no policy that could allow it.".to_owned(),
                "Sign the request, or give the bucket a policy that allows it to everybody (\"Principal\": \"*\").",
            ),
            Verdict::NothingAllows => (
                "The request is anonymous, and no statement of the bucket's policy allows it.".to_owned(),
                "Sign the request, or add a statement that allows it; below stands what of each one does not fit.",
            ),
            Verdict::Restricted => (
                "The bucket's policy is public, and its public access block has RestrictPublicBuckets on.".to_owned(),
                "Sign the request, or switch RestrictPublicBuckets off (put-public-access-block).",
            ),
            Verdict::Denied { index } => (
                format!("Statement {index} of the bucket's policy denies it, which binds the root user too."),
                "Change or remove the statement: put-bucket-policy and delete-bucket-policy are never denied to the root user.",
            ),
        };
        Self {
            principal: principal.arn(),
            action,
            resource: resource.clone(),
            because,
            fix: fix.to_owned(),
            statements,
        }
    }
}

fn statements(policy: &BucketPolicy, denial: &Denial, context: &Context) -> Vec<StatementView> {
    let Readable::Yes(document) = &policy.document else { return Vec::new() };
    let request = gatepass_iam::Request {
        principal: &denial.principal,
        action: denial.action,
        resource: &denial.resource,
        context,
    };
    let view = |(index, statement): (usize, &gatepass_iam::Statement)| StatementView {
        index,
        sid: statement.sid.clone(),
        effect: match statement.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        },
        outcome: match statement.mismatch(PolicyKind::Resource, &request) {
            None => "It is about this request.".to_owned(),
            Some(Mismatch::Principal) => "It is about somebody else.".to_owned(),
            Some(Mismatch::Action) => "It is about other actions.".to_owned(),
            Some(Mismatch::Resource) => "It is about other resources.".to_owned(),
            Some(Mismatch::Condition(condition)) => unmet(condition, context),
        },
    };
    document.statements.iter().enumerate().map(view).collect()
}

fn unmet(condition: &Condition, context: &Context) -> String {
    let wanted: Vec<&str> = condition.values.iter().map(Pattern::as_str).collect();
    let actual: Vec<String> = context.values(&condition.key).iter().map(|value| redact::url(value)).collect();
    let actual =
        if actual.is_empty() { "the request has none".to_owned() } else { format!("it is {}", actual.join(", ")) };
    format!(
        "Its condition {} on {} ({}) does not hold: {actual}.",
        condition.operator,
        condition.key,
        wanted.join(", ")
    )
}
