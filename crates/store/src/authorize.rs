//! May they? The only place that makes a [`Grant`].

use std::borrow::Cow;

use gatepass_iam::{Context, Principal, Request, evaluate};
use gatepass_protocol::s3::error::S3Error;

use crate::grant::{Action, Arn, Grant};

/// Proof that a policy has allowed something.
#[derive(Debug)]
pub(crate) struct Allowed(());

/// Evaluates policies for one request.
#[derive(Debug, Clone)]
pub(crate) struct Authorizer {
    principal: Principal,
    context: Context,
}

impl Authorizer {
    pub(crate) fn new(principal: Principal, context: Context) -> Self {
        Self { principal, context }
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The same, where the body has told more about the request.
    #[must_use]
    pub(crate) fn knowing(mut self, keys: Vec<(Cow<'static, str>, String)>) -> Self {
        self.context = keys.into_iter().fold(self.context, |context, (key, value)| context.with(&key, value));
        self
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.principal == Principal::Anonymous
    }

    /// Asks for one action on one resource.
    pub(crate) fn grant<A: Action>(&self, resource: A::Resource) -> Result<Grant<A>, S3Error>
    where
        A::Resource: Arn,
    {
        let arn = resource.arn();
        let request = Request { principal: &self.principal, action: A::NAME, resource: &arn, context: &self.context };
        // Identity and bucket policies have their place here; there are none that one could set yet.
        let decision = evaluate(&request, &[], None);
        if decision.is_allowed() {
            return Ok(Grant::new(resource, Allowed(())));
        }
        Err(S3Error::access_denied())
    }
}
