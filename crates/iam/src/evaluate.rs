//! From policies and a request to a decision.
//!
//! Source: IAM user guide, "Policy evaluation logic", within one account.

use crate::context::Context;
use crate::document::{Effect, PolicyDocument, Statement};
use crate::principal::Principal;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// `s3:GetObject` and its kin.
    pub action: &'a str,
    /// The ARN of what it is done to.
    pub resource: &'a str,
    /// What else is known.
    pub context: &'a Context,
}

/// What comes of a request, and which statement made it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision<'a> {
    /// A statement allows it, and none denies it.
    Allowed {
        /// Where the statement stands.
        policy: PolicyKind,
        /// The statement.
        statement: &'a Statement,
    },
    /// The root identity of the account asks, and no statement denies it.
    AllowedToRoot,
    /// A statement denies it.
    ExplicitDeny {
        /// Where the statement stands.
        policy: PolicyKind,
        /// The statement.
        statement: &'a Statement,
    },
    /// No statement allows it.
    ImplicitDeny,
}

impl Decision<'_> {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. } | Self::AllowedToRoot)
    }
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// With the one who asks.
    Identity,
    /// With what is asked for.
    Resource,
}

/// Decides. An explicit Deny anywhere wins, over the root identity too; then anything that allows; then nothing does.
pub fn evaluate<'a>(
    request: &Request<'_>,
    identity: &'a [PolicyDocument],
    resource: Option<&'a PolicyDocument>,
) -> Decision<'a> {
    let statements = || {
        let identity = identity.iter().flat_map(|policy| &policy.statements).map(|it| (PolicyKind::Identity, it));
        let resource = resource.iter().flat_map(|policy| &policy.statements).map(|it| (PolicyKind::Resource, it));
        identity.chain(resource).filter(|(kind, statement)| applies(statement, *kind, request))
    };
    if let Some((policy, statement)) = statements().find(|(_, statement)| statement.effect == Effect::Deny) {
        return Decision::ExplicitDeny { policy, statement };
    }
    if matches!(request.principal, Principal::Root { .. }) {
        return Decision::AllowedToRoot;
    }
    match statements().next() {
        Some((policy, statement)) => Decision::Allowed { policy, statement },
        None => Decision::ImplicitDeny,
    }
}

fn applies(statement: &Statement, kind: PolicyKind, request: &Request<'_>) -> bool {
    let concerns_principal = match (&statement.principals, kind) {
        (Some(principals), PolicyKind::Resource) => principals.include(request.principal),
        (None, PolicyKind::Identity) => true,
        // A resource policy without a principal concerns nobody; an identity policy with one is malformed.
        (None, PolicyKind::Resource) | (Some(_), PolicyKind::Identity) => false,
    };
    concerns_principal
        && statement.actions.include(request.action)
        && statement.resources.include(request.resource)
        && statement.conditions.iter().all(|condition| condition.holds(request.context))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: &str) -> PolicyDocument {
        PolicyDocument::parse(format!(r#"{{"Statement": [{statements}]}}"#).as_bytes()).unwrap()
    }

    fn decide<'a>(principal: &Principal, context: &Context, resource: Option<&'a PolicyDocument>) -> Decision<'a> {
        let request =
            Request { principal, action: "s3:GetObject", resource: "arn:aws:s3:::bucket/private/key", context };
        evaluate(&request, &[], resource)
    }

    const ALLOW_ALL: &str =
        r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "arn:aws:s3:::bucket/*"}"#;
    const DENY_PRIVATE: &str = r#"{"Sid": "Private", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/private/*"}"#;

    #[test]
    fn without_a_policy_root_may_and_nobody_else() {
        assert_eq!(decide(&Principal::root("0"), &Context::new(), None), Decision::AllowedToRoot);
        assert_eq!(decide(&Principal::Anonymous, &Context::new(), None), Decision::ImplicitDeny);
    }

    #[test]
    fn an_explicit_deny_wins_whatever_its_place_and_binds_root() {
        for statements in [format!("{ALLOW_ALL},{DENY_PRIVATE}"), format!("{DENY_PRIVATE},{ALLOW_ALL}")] {
            let policy = policy(&statements);
            for principal in [Principal::Anonymous, Principal::root("0")] {
                let Decision::ExplicitDeny { statement, policy: kind } =
                    decide(&principal, &Context::new(), Some(&policy))
                else {
                    panic!("{principal} was not denied");
                };
                assert_eq!(statement.sid.as_deref(), Some("Private"));
                assert_eq!(kind, PolicyKind::Resource);
            }
        }
    }

    #[test]
    fn a_policy_may_allow_everybody() {
        let policy = policy(ALLOW_ALL);
        assert!(decide(&Principal::Anonymous, &Context::new(), Some(&policy)).is_allowed());
    }

    #[test]
    fn conditions_must_all_hold() {
        let policy = policy(
            r#"{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {
                "NumericGreaterThan": {"s3:signatureAge": "600000"}, "StringEquals": {"s3:authType": "REST-QUERY-STRING"}}}"#,
        );
        let root = Principal::root("0");
        let context = |age: &str, kind: &str| Context::new().with("s3:signatureAge", age).with("s3:authType", kind);
        assert!(!decide(&root, &context("600001", "REST-QUERY-STRING"), Some(&policy)).is_allowed());
        assert!(decide(&root, &context("600000", "REST-QUERY-STRING"), Some(&policy)).is_allowed());
        assert!(decide(&root, &context("600001", "REST-HEADER"), Some(&policy)).is_allowed());
    }

    #[test]
    fn not_action_and_not_resource_exclude() {
        let policy = policy(
            r#"{"Effect": "Deny", "Principal": {"AWS": "0"}, "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::bucket/public/*"}"#,
        );
        assert!(!decide(&Principal::root("0"), &Context::new(), Some(&policy)).is_allowed());
        assert!(decide(&Principal::root("1"), &Context::new(), Some(&policy)).is_allowed(), "another account");
    }

    #[test]
    fn identity_policies_have_no_principal() {
        let identity = [policy(r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#), policy(ALLOW_ALL)];
        let request = Request {
            principal: &Principal::Anonymous,
            action: "s3:GetObject",
            resource: "arn:aws:s3:::bucket/key",
            context: &Context::new(),
        };
        let Decision::Allowed { policy: PolicyKind::Identity, statement } = evaluate(&request, &identity, None) else {
            panic!("the identity policy allows it");
        };
        assert_eq!(statement.principals, None);
        assert_eq!(evaluate(&request, &identity[1..], None), Decision::ImplicitDeny);
    }
}
