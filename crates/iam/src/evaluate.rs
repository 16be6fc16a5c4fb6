//! From policies and a request to a decision.
//!
//! Source: IAM user guide, "Policy evaluation logic", within one account.

use crate::condition::Condition;
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
        /// Its place in its document, from 0.
        index: usize,
    },
    /// The root identity of the account asks, and no statement denies it.
    AllowedToRoot,
    /// A statement denies it.
    ExplicitDeny {
        /// Where the statement stands.
        policy: PolicyKind,
        /// The statement.
        statement: &'a Statement,
        /// Its place in its document, from 0.
        index: usize,
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
        let identity = identity.iter().map(|policy| (PolicyKind::Identity, policy));
        let documents = identity.chain(resource.map(|policy| (PolicyKind::Resource, policy)));
        documents
            .flat_map(|(kind, policy)| policy.statements.iter().enumerate().map(move |(index, it)| (kind, index, it)))
            .filter(|(kind, _, statement)| statement.mismatch(*kind, request).is_none())
    };
    if let Some((policy, index, statement)) = statements().find(|(_, _, statement)| statement.effect == Effect::Deny) {
        return Decision::ExplicitDeny { policy, statement, index };
    }
    if matches!(request.principal, Principal::Root { .. }) {
        return Decision::AllowedToRoot;
    }
    match statements().next() {
        Some((policy, index, statement)) => Decision::Allowed { policy, statement, index },
        None => Decision::ImplicitDeny,
    }
}

/// Why a statement is not about a request: the first of its elements that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch<'a> {
    /// It is about somebody else; a resource policy without a principal is about nobody.
    Principal,
    /// It is about other actions.
    Action,
    /// It is about other resources.
    Resource,
    /// This condition does not hold.
    Condition(&'a Condition),
}

impl Statement {
    /// Why the statement is not about the request; `None` where it is.
    #[must_use]
    pub fn mismatch(&self, kind: PolicyKind, request: &Request<'_>) -> Option<Mismatch<'_>> {
        let concerns_principal = match (&self.principals, kind) {
            (Some(principals), PolicyKind::Resource) => principals.include(request.principal),
            (None, PolicyKind::Identity) => true,
            // A resource policy without a principal concerns nobody; an identity policy with one is malformed.
            (None, PolicyKind::Resource) | (Some(_), PolicyKind::Identity) => false,
        };
        if !concerns_principal {
            return Some(Mismatch::Principal);
        }
        if !self.actions.include(request.action) {
            return Some(Mismatch::Action);
        }
        if !self.resources.include(request.resource, request.context) {
            return Some(Mismatch::Resource);
        }
        self.conditions.iter().find(|condition| !condition.holds(request.context)).map(Mismatch::Condition)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCOUNT: &str = "123456789012";

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
        assert_eq!(decide(&Principal::root(ACCOUNT), &Context::new(), None), Decision::AllowedToRoot);
        assert_eq!(decide(&Principal::Anonymous, &Context::new(), None), Decision::ImplicitDeny);
    }

    #[test]
    fn an_explicit_deny_wins_whatever_its_place_and_binds_root() {
        for statements in [format!("{ALLOW_ALL},{DENY_PRIVATE}"), format!("{DENY_PRIVATE},{ALLOW_ALL}")] {
            let policy = policy(&statements);
            for principal in [Principal::Anonymous, Principal::root(ACCOUNT)] {
                let Decision::ExplicitDeny { statement, policy: kind, .. } =
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
        let root = Principal::root(ACCOUNT);
        let context = |age: &str, kind: &str| Context::new().with("s3:signatureAge", age).with("s3:authType", kind);
        assert!(!decide(&root, &context("600001", "REST-QUERY-STRING"), Some(&policy)).is_allowed());
        assert!(decide(&root, &context("600000", "REST-QUERY-STRING"), Some(&policy)).is_allowed());
        assert!(decide(&root, &context("600001", "REST-HEADER"), Some(&policy)).is_allowed());
    }

    #[test]
    fn not_action_and_not_resource_exclude() {
        let policy = policy(
            r#"{"Effect": "Deny", "Principal": {"AWS": "123456789012"}, "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::bucket/public/*"}"#,
        );
        assert!(!decide(&Principal::root(ACCOUNT), &Context::new(), Some(&policy)).is_allowed());
        assert!(
            decide(&Principal::root("210987654321"), &Context::new(), Some(&policy)).is_allowed(),
            "another account"
        );
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
        let Decision::Allowed { policy: PolicyKind::Identity, statement, index: 0 } =
            evaluate(&request, &identity, None)
        else {
            panic!("the identity policy allows it");
        };
        assert_eq!(statement.principals, None);
        assert_eq!(evaluate(&request, &identity[1..], None), Decision::ImplicitDeny);
    }

    #[test]
    fn a_statement_says_what_of_it_does_not_fit() {
        let policy = policy(
            r#"{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*",
                "Condition": {"Bool": {"aws:SecureTransport": "true"}}}"#,
        );
        let mismatch = |principal: &Principal, action: &str, resource: &str, context: &Context| {
            let request = Request { principal, action, resource, context };
            format!(
                "{:?}",
                policy.statements[0].mismatch(PolicyKind::Resource, &request).map(|it| match it {
                    Mismatch::Condition(condition) => condition.key.clone(),
                    other => format!("{other:?}"),
                })
            )
        };
        let (root, empty) = (Principal::root(ACCOUNT), Context::new());
        let secure = Context::new().with("aws:SecureTransport", "true");
        let object = "arn:aws:s3:::b/k";
        assert_eq!(mismatch(&Principal::Anonymous, "s3:GetObject", object, &secure), r#"Some("Principal")"#);
        assert_eq!(mismatch(&root, "s3:PutObject", object, &secure), r#"Some("Action")"#);
        assert_eq!(mismatch(&root, "s3:GetObject", "arn:aws:s3:::c/k", &secure), r#"Some("Resource")"#);
        assert_eq!(mismatch(&root, "s3:GetObject", object, &empty), r#"Some("aws:SecureTransport")"#);
        assert_eq!(mismatch(&root, "s3:GetObject", object, &secure), "None");
    }

    #[test]
    fn a_decision_names_the_place_of_its_statement() {
        let policy = policy(&format!("{ALLOW_ALL},{DENY_PRIVATE}"));
        let Decision::ExplicitDeny { index, .. } = decide(&Principal::Anonymous, &Context::new(), Some(&policy)) else {
            panic!("it is denied");
        };
        assert_eq!(index, 1);
    }

    /// A statement of those that a bucket may have, and whether it is about the request of [`decide`].
    fn any_statement() -> impl Strategy<Value = String> {
        let effect = prop::sample::select(vec!["Allow", "Deny"]);
        let principal = prop::sample::select(vec![r#""*""#, r#"{"AWS": "123456789012"}"#, r#"{"Service": "s"}"#]);
        let action = prop::sample::select(vec!["s3:*", "s3:GetObject", "s3:PutObject", "S3:get*"]);
        let resource = prop::sample::select(vec!["arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket", "*/key", "*/other"]);
        let age = prop::sample::select(vec!["1", "100"]);
        (effect, principal, action, resource, age).prop_map(|(effect, principal, action, resource, age)| {
            format!(
                r#"{{"Effect": "{effect}", "Principal": {principal}, "Action": "{action}", "Resource": "{resource}",
                    "Condition": {{"NumericLessThan": {{"s3:signatureAge": {age}}}}}}}"#
            )
        })
    }

    proptest! {
        #[test]
        fn an_explicit_deny_wins_over_whatever_else_there_is(
            others in prop::collection::vec(any_statement(), 0..6),
            place in any::<prop::sample::Index>(),
        ) {
            let mut statements = others;
            statements.insert(place.index(statements.len() + 1), DENY_PRIVATE.to_owned());
            let policy = policy(&statements.join(","));
            let context = Context::new().with("s3:signatureAge", "50");
            for principal in [Principal::Anonymous, Principal::root(ACCOUNT)] {
                let is_denied = matches!(decide(&principal, &context, Some(&policy)), Decision::ExplicitDeny { .. });
                prop_assert!(is_denied);
            }
        }

        #[test]
        fn the_order_of_statements_does_not_matter(
            statements in prop::collection::vec(any_statement(), 1..6),
            shuffled in any::<prop::sample::Index>(),
        ) {
            let mut other = statements.clone();
            other.rotate_left(shuffled.index(statements.len()));
            other.reverse();
            let (one, other) = (policy(&statements.join(",")), policy(&other.join(",")));
            let context = Context::new().with("s3:signatureAge", "50");
            for principal in [Principal::Anonymous, Principal::root(ACCOUNT)] {
                let (a, b) = (decide(&principal, &context, Some(&one)), decide(&principal, &context, Some(&other)));
                prop_assert_eq!(a.is_allowed(), b.is_allowed());
                prop_assert_eq!(std::mem::discriminant(&a), std::mem::discriminant(&b));
            }
        }
    }
}
