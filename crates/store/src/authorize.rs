//! May they? The only place that makes a [`Grant`].
//!
//! The root identity may everything in its account that no statement of a bucket's policy denies; somebody without
//! credentials may what a statement allows to everybody, where no public access block forbids it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use gatepass_authority::ROOT_ACCOUNT;
use gatepass_iam::{Context, Decision, Principal, Request, evaluate};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{BucketName, VersionId};

use crate::grant::{Action, Arn, Grant, ObjectName, ObjectVersion, Reading};
use crate::index::Index;
use crate::policies::{Audience, BucketPolicy, PoliciesOfRequest, Readable};
use crate::request_context;
use crate::store::Store;

/// What the root identity may even where a policy denies it, so that it cannot lock itself out ("PutBucketPolicy",
/// Amazon S3 API Reference).
const NEVER_DENIED_TO_ROOT: [&str; 3] = ["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"];

/// Proof that a policy has allowed something.
#[derive(Debug)]
pub(crate) struct Allowed(());

/// Evaluates policies for one request.
#[derive(Debug, Clone)]
pub(crate) struct Authorizer(Arc<Asked>);

/// A refusal, with what it was decided by.
#[derive(Debug, Clone)]
pub(crate) struct Denial {
    pub(crate) principal: Principal,
    pub(crate) action: &'static str,
    pub(crate) resource: String,
    pub(crate) context: Context,
    pub(crate) policy: Option<Arc<BucketPolicy>>,
    pub(crate) verdict: Verdict,
}

/// Why a policy refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No statement allows it, to somebody who needs one.
    NothingAllows,
    /// A public access block keeps others out.
    Restricted,
    /// This statement denies it.
    Denied { index: usize },
}

/// The last refusal of a request, for those who explain it.
pub(crate) type LastDenial = Arc<Mutex<Option<Denial>>>;

#[derive(Debug)]
struct Asked {
    principal: Principal,
    context: Context,
    policies: AskedPolicies,
    last_denial: LastDenial,
}

#[derive(Debug, Clone)]
enum AskedPolicies {
    /// See [`Authorizer::of_the_store`].
    None,
    OfRequest {
        policies: PoliciesOfRequest,
        index: Arc<Index>,
    },
}

impl Authorizer {
    /// For work that the store does for its owner, which no request asked for: no policy of a bucket binds it.
    pub(crate) fn of_the_store() -> Self {
        let principal = Principal::root(ROOT_ACCOUNT.as_str());
        Self(Arc::new(Asked {
            principal,
            context: Context::new(),
            policies: AskedPolicies::None,
            last_denial: LastDenial::default(),
        }))
    }

    /// For a request, under the policies of the buckets that it is about.
    pub(crate) fn of_request(
        store: &Store,
        principal: Principal,
        policies: PoliciesOfRequest,
        context: Context,
    ) -> Self {
        let policies = AskedPolicies::OfRequest { policies, index: Arc::clone(&store.index) };
        Self(Arc::new(Asked { principal, context, policies, last_denial: LastDenial::default() }))
    }

    /// The same, for somebody who knows more of the request: what its body says.
    pub(crate) fn knowing(&self, keys: Vec<(Cow<'static, str>, String)>) -> Self {
        let Asked { principal, context, policies, last_denial } = self.0.as_ref();
        let context = keys.into_iter().fold(context.clone(), |context, (key, value)| context.with(&key, value));
        Self(Arc::new(Asked {
            principal: principal.clone(),
            context,
            policies: policies.clone(),
            last_denial: Arc::clone(last_denial),
        }))
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// Where the last refusal will stand.
    pub(crate) fn last_denial(&self) -> LastDenial {
        Arc::clone(&self.0.last_denial)
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.principal == Principal::Anonymous
    }

    /// Refuses those to whom nothing in the bucket can be allowed, before any work is done for them.
    pub(crate) fn could_be_allowed_in(&self, bucket: &BucketName) -> Result<(), S3Error> {
        match self.policy_of(bucket)? {
            None if self.is_anonymous() => {
                Err(self.deny("s3:ListBucket", bucket.arn(), &self.0.context, None, Verdict::NothingAllows))
            }
            _ => Ok(()),
        }
    }

    /// Asks to read an object or, under another name of IAM, one version of it.
    pub(crate) fn read(&self, name: ObjectName, version: Option<VersionId>) -> Result<Reading, S3Error> {
        match version {
            None => self.grant(name).map(Reading::Current),
            Some(version) => self.grant(ObjectVersion { name, version }).map(Reading::Version),
        }
    }

    /// Asks for one action on one resource.
    pub(crate) fn grant<A: Action>(&self, resource: A::Resource) -> Result<Grant<A>, S3Error>
    where
        A::Resource: Arn,
    {
        self.decide::<A>(&resource)?;
        Ok(Grant::new(resource, Allowed(())))
    }

    fn decide<A: Action>(&self, resource: &A::Resource) -> Result<(), S3Error>
    where
        A::Resource: Arn,
    {
        let is_root = matches!(self.0.principal, Principal::Root { .. });
        if is_root && NEVER_DENIED_TO_ROOT.contains(&A::NAME) {
            return Ok(());
        }
        let policy = match resource.bucket_of_policy() {
            Some(bucket) => self.policy_of(bucket)?,
            None => None,
        };
        let Some(policy) = policy else {
            if is_root {
                return Ok(());
            }
            return Err(self.deny(A::NAME, resource.arn(), &self.0.context, None, Verdict::NothingAllows));
        };
        let Readable::Yes(document) = &policy.document else { return Err(S3Error::internal()) };
        let arn = resource.arn();
        let known = self.with_resource(policy, resource)?;
        let context = known.as_ref().unwrap_or(&self.0.context);
        let request = Request { principal: &self.0.principal, action: A::NAME, resource: &arn, context };
        let verdict = match evaluate(&request, &[], Some(document)) {
            Decision::ExplicitDeny { index, .. } => Verdict::Denied { index },
            Decision::ImplicitDeny => Verdict::NothingAllows,
            Decision::Allowed { .. } | Decision::AllowedToRoot
                if !is_root && policy.audience == Audience::OwnAccount =>
            {
                Verdict::Restricted
            }
            Decision::Allowed { .. } | Decision::AllowedToRoot => return Ok(()),
        };
        Err(self.deny(A::NAME, arn, context, Some(policy), verdict))
    }

    /// The answer to a refusal. Others than the account's own learn nothing ("Troubleshoot access denied (403 Forbidden)
    /// errors in Amazon S3").
    fn deny(
        &self,
        action: &'static str,
        resource: String,
        context: &Context,
        policy: Option<&Arc<BucketPolicy>>,
        verdict: Verdict,
    ) -> S3Error {
        let principal = self.0.principal.clone();
        let error = match verdict {
            Verdict::Denied { .. } if !self.is_anonymous() => {
                S3Error::explicitly_denied(&principal.arn(), action, &resource, "resource-based")
            }
            _ => S3Error::access_denied(),
        };
        let policy = policy.cloned();
        let denial = Denial { principal, action, resource, context: context.clone(), policy, verdict };
        *self.0.last_denial.lock().unwrap_or_else(PoisonError::into_inner) = Some(denial);
        error
    }

    fn policy_of(&self, bucket: &BucketName) -> Result<Option<&Arc<BucketPolicy>>, S3Error> {
        match &self.0.policies {
            AskedPolicies::None => Ok(None),
            AskedPolicies::OfRequest { policies, .. } => policies.of(bucket).map_err(|_| {
                tracing::error!(%bucket, "an operation touches a bucket that it did not name");
                S3Error::internal()
            }),
        }
    }

    /// The context with what is known of the object: which version of it is meant and, where the policy asks for them, its
    /// tags.
    fn with_resource(&self, policy: &BucketPolicy, resource: &impl Arn) -> Result<Option<Context>, S3Error> {
        let AskedPolicies::OfRequest { index, .. } = &self.0.policies else { return Ok(None) };
        let version = resource.version();
        let mut context = version.map(|version| self.0.context.clone().with("s3:VersionId", version.to_string()));
        if let Some(object) = resource.object().filter(|_| policy.asks_for_tags) {
            let tags = index.snapshot()?.tags_for_policies(object, version)?;
            let known = context.as_ref().unwrap_or(&self.0.context);
            context = Some(request_context::with_existing_tags(known, &tags));
        }
        Ok(context)
    }
}
