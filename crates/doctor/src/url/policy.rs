//! `policy_condition_failed`, `policy_extra_field`, `policy_expired`: forms with a POST policy
//! (Amazon S3 API Reference, "Creating a POST policy").

use jiff::Timestamp;
use serde_json::Value;

use super::Findings;
use super::subject::{Post, Subject, credential_parts};
use crate::input::FormField;
use crate::redact;
use crate::report::{Cause, Likelihood};

pub(super) const RENEW: &str = "make the form when it is needed, or with a later expiration";
const MEET_IT: &str =
    "send the field with the value that the policy demands, or make the policy allow what the form sends";
const COVER_IT: &str = "name the field in a condition of the policy, or do not send it; a field x-ignore-… needs none";

/// The most conditions that are looked at.
const MAX_CONDITIONS: usize = 512;

pub(super) fn look(subject: &Subject<'_>, findings: &mut Findings) {
    stated(subject, findings);
    let Some(post) = subject.post().filter(|_| !findings.is_explained()) else { return };
    if !matches!(subject.code(), "" | "AccessDenied") {
        return;
    }
    let Some(policy) = post.policy.as_deref().and_then(parsed) else {
        let evidence = "the field policy is no base64 of a JSON document";
        return findings.add(Cause::PolicyConditionFailed, Likelihood::Evident, evidence, MEET_IT);
    };
    check(subject, post, &policy, findings);
}

fn stated(subject: &Subject<'_>, findings: &mut Findings) {
    let message = subject.message();
    let said =
        message.strip_prefix("Invalid according to Policy: ").or_else(|| message.strip_prefix("Invalid Policy: "));
    let is_post = subject.post().is_some();
    match (said, subject.code()) {
        (Some(said), _) if said.starts_with("Policy expired") => {
            findings.add(
                Cause::PolicyExpired,
                Likelihood::Stated,
                "the server says that the policy has expired",
                RENEW,
            );
        }
        (Some(said), _) if said.starts_with("Extra input fields") => {
            let name = said.rsplit(": ").next().unwrap_or_default();
            let hint = if name == "bucket" { "; the bucket needs a condition too" } else { "" };
            let evidence = format!("the server says so: no condition of the policy names the field {name}{hint}");
            findings.add(Cause::PolicyExtraField, Likelihood::Stated, evidence, COVER_IT);
        }
        (Some(said), _) => {
            let is_secret = said.to_ascii_lowercase().contains("x-amz-security-token");
            let said = if is_secret { "the condition on x-amz-security-token failed" } else { said };
            let evidence = format!("the server says: {said}");
            findings.add(Cause::PolicyConditionFailed, Likelihood::Stated, evidence, MEET_IT);
        }
        (None, "EntityTooLarge" | "EntityTooSmall") if is_post => {
            let at = |name: &str| subject.error.and_then(|error| error.get(name));
            let limit = at("MaxSizeAllowed").or(at("MinSizeAllowed")).unwrap_or("another size");
            let size = at("ProposedSize").unwrap_or("another size");
            let evidence = format!("the file has {size} bytes, and content-length-range of the policy ends at {limit}");
            findings.add(Cause::PolicyConditionFailed, Likelihood::Stated, evidence, MEET_IT);
        }
        _ => {}
    }
}

fn check(subject: &Subject<'_>, post: &Post, policy: &Value, findings: &mut Findings) {
    let likelihood = if subject.is_unanswered() { Likelihood::Evident } else { Likelihood::Likely };
    let conditions: Vec<Condition<'_>> = policy
        .get("conditions")
        .and_then(Value::as_array)
        .map(|conditions| conditions.iter().take(MAX_CONDITIONS).filter_map(Condition::read).collect())
        .unwrap_or_default();
    let (bucket, _) = subject.bucket_and_key();
    let form = &subject.request.form;
    let file_name = form.iter().find_map(|field| field.file_name.as_deref()).unwrap_or_default();
    let file_name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let value_of = |name: &str| match name {
        "bucket" => bucket.clone(),
        _ => field(form, name).map(|value| value.replace("${filename}", file_name)),
    };
    for condition in &conditions {
        let value = value_of(&condition.field);
        if !condition.holds(value.as_deref()) {
            let evidence = condition.told(value.as_deref());
            findings.add(Cause::PolicyConditionFailed, likelihood, evidence, MEET_IT);
        }
    }
    if let Some((least, most)) = size_range(policy).filter(|(least, most)| least > most) {
        let evidence =
            format!("content-length-range demands at least {least} and at most {most} bytes, which no file has");
        findings.add(Cause::PolicyConditionFailed, likelihood, evidence, MEET_IT);
    }
    let exempt = |name: &str| {
        matches!(name, "x-amz-signature" | "signature" | "policy" | "file")
            || name.starts_with("x-ignore-")
            || (post.sigv2 && name == "awsaccesskeyid")
    };
    let is_covered = |name: &str| conditions.iter().any(|condition| condition.field == name);
    let sent = form.iter().filter(|field| field.file_name.is_none()).map(|field| field.name.to_ascii_lowercase());
    if let Some(name) = sent.into_iter().find(|name| !exempt(name) && !is_covered(name)) {
        let evidence = format!("no condition of the policy names the field {name}");
        findings.add(Cause::PolicyExtraField, likelihood, evidence, COVER_IT);
    }
}

fn field<'f>(form: &'f [FormField], name: &str) -> Option<&'f str> {
    form.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.as_str())
}

/// A condition on one field.
struct Condition<'p> {
    field: String,
    operation: Operation,
    value: &'p str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Equals,
    StartsWith,
}

impl<'p> Condition<'p> {
    /// `{"field": "value"}`, `["eq", "$field", "value"]`, `["starts-with", "$field", "prefix"]`; a size range is on no
    /// field.
    fn read(condition: &'p Value) -> Option<Self> {
        match condition {
            Value::Object(members) => {
                let (name, value) = members.iter().next()?;
                Some(Self { field: name.to_ascii_lowercase(), operation: Operation::Equals, value: value.as_str()? })
            }
            Value::Array(items) => {
                let [operation, name, value] = &items[..] else { return None };
                let operation = match operation.as_str()? {
                    "eq" => Operation::Equals,
                    "starts-with" => Operation::StartsWith,
                    _ => return None,
                };
                let field = name.as_str()?.strip_prefix('$')?.to_ascii_lowercase();
                Some(Self { field, operation, value: value.as_str()? })
            }
            _ => None,
        }
    }

    fn holds(&self, value: Option<&str>) -> bool {
        let Some(value) = value else { return false };
        match self.operation {
            Operation::Equals => value == self.value,
            // A list of types must keep to the prefix item by item.
            Operation::StartsWith if self.field == "content-type" => {
                value.split(',').all(|item| item.trim().starts_with(self.value))
            }
            Operation::StartsWith => value.starts_with(self.value),
        }
    }

    fn told(&self, value: Option<&str>) -> String {
        let Self { field, operation, value: demanded } = self;
        let demand = if *operation == Operation::Equals { "be" } else { "begin with" };
        if redact::is_secret(field) {
            return format!("the field {field} is not the one that the policy demands");
        }
        match value {
            Some(value) => format!("the policy demands that {field} {demand} {demanded:?}, and it is {value:?}"),
            None => format!("the policy demands that {field} {demand} {demanded:?}, and it is not sent"),
        }
    }
}

/// What all `content-length-range` of a policy together demand.
fn size_range(policy: &Value) -> Option<(i64, i64)> {
    let bound = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let range = |condition: &Value| match condition.as_array()?.as_slice() {
        [operation, least, most] if operation == "content-length-range" => Some((bound(least)?, bound(most)?)),
        _ => None,
    };
    let ranges = policy.get("conditions")?.as_array()?.iter().take(MAX_CONDITIONS).filter_map(range);
    ranges.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)))
}

/// `expiration` of a policy.
pub(super) fn expiration(policy: &str) -> Option<Timestamp> {
    parsed(policy)?.get("expiration")?.as_str()?.parse().ok()
}

/// The region of the credential that a policy demands.
pub(super) fn credential_region(policy: &str) -> Option<String> {
    let policy = parsed(policy)?;
    let mut conditions = policy.get("conditions")?.as_array()?.iter().take(MAX_CONDITIONS).filter_map(Condition::read);
    let credential = conditions.find(|condition| condition.field == "x-amz-credential")?;
    credential_parts(credential.value).2
}

/// JSON with the escape `\$` that policies may have beside.
fn parsed(policy: &str) -> Option<Value> {
    serde_json::from_str(&policy.replace("\\$", "$")).ok()
}
