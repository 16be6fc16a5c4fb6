//! The policies of buckets, read once and kept in memory until the record of a bucket changes.
//!
//! A bucket without a policy costs a look into a map. A change is seen by every request that begins after it was
//! acknowledged.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use gatepass_iam::{PolicyDocument, is_public, parse_bucket_policy};
use gatepass_protocol::s3::names::BucketName;
use gatepass_protocol::s3::operation::Operation;

use crate::index::{BucketRecord, Failure, Index};

/// How many buckets are remembered; names that no bucket has count too. One more, and all are forgotten.
const REMEMBERED_BUCKETS: usize = 4096;
/// What conditions on the tags of the object begin with.
const EXISTING_TAGS: &str = "s3:ExistingObjectTag/";

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Policies(RwLock<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// What [`Index::bucket_changes`] said before the records were read.
    as_of: u64,
    by_bucket: HashMap<String, Option<Arc<BucketPolicy>>>,
}

/// The policy of a bucket, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct BucketPolicy {
    pub(crate) document: Readable,
    pub(crate) audience: Audience,
    /// Whether it asks for the tags of the object that a request is for.
    pub(crate) asks_for_tags: bool,
}

/// A policy was checked when it was put. One that cannot be read all the same allows nobody anything, until its owner
/// puts another or removes it.
#[derive(Debug)]
pub(crate) enum Readable {
    Yes(PolicyDocument),
    No,
}

/// To whom a policy may grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// To whomever it names.
    AsWritten,
    /// It is public, and `RestrictPublicBuckets` is on: to nobody but the account of the bucket.
    OwnAccount,
}

/// The policies of the buckets that one request is about, as they were when it was authorized.
#[derive(Debug, Clone, Default)]
pub(crate) struct PoliciesOfRequest(Vec<(BucketName, Option<Arc<BucketPolicy>>)>);

impl Policies {
    /// The policies that an operation is subject to.
    pub(crate) fn of_operation(&self, index: &Index, operation: &Operation) -> Result<PoliciesOfRequest, Failure> {
        let of = |bucket: &BucketName| Ok((bucket.clone(), self.of(index, bucket)?));
        operation.buckets().into_iter().map(of).collect::<Result<_, Failure>>().map(PoliciesOfRequest)
    }

    /// The policy of one bucket.
    pub(crate) fn of_bucket(&self, index: &Index, bucket: &BucketName) -> Result<PoliciesOfRequest, Failure> {
        Ok(PoliciesOfRequest(vec![(bucket.clone(), self.of(index, bucket)?)]))
    }

    fn of(&self, index: &Index, bucket: &BucketName) -> Result<Option<Arc<BucketPolicy>>, Failure> {
        let now = index.bucket_changes();
        {
            let remembered = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if remembered.as_of == now
                && let Some(policy) = remembered.by_bucket.get(bucket.as_str())
            {
                return Ok(policy.clone());
            }
        }
        let record = index.snapshot()?.bucket_for_policies(bucket)?;
        let policy = record.and_then(|record| BucketPolicy::of(&record, bucket)).map(Arc::new);
        let mut remembered = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if remembered.as_of < now || remembered.by_bucket.len() == REMEMBERED_BUCKETS {
            remembered.by_bucket.clear();
            remembered.as_of = remembered.as_of.max(now);
        }
        if remembered.as_of == now {
            remembered.by_bucket.insert(bucket.as_str().to_owned(), policy.clone());
        }
        Ok(policy)
    }
}

impl BucketPolicy {
    fn of(record: &BucketRecord, bucket: &BucketName) -> Option<Self> {
        let text = record.policy.as_ref()?;
        let is_restricted = record.public_access_block.is_some_and(|block| block.restrict_public_buckets);
        match parse_bucket_policy(text.as_bytes(), bucket.as_str()) {
            Ok(document) => {
                let is_closed = is_restricted && is_public(&document);
                let audience = if is_closed { Audience::OwnAccount } else { Audience::AsWritten };
                let asks_for_tags = document.mentions(EXISTING_TAGS);
                Some(Self { document: Readable::Yes(document), audience, asks_for_tags })
            }
            Err(error) => {
                tracing::error!(%bucket, %error, "a policy that was taken can no longer be read");
                Some(Self { document: Readable::No, audience: Audience::OwnAccount, asks_for_tags: false })
            }
        }
    }
}

impl PoliciesOfRequest {
    /// Whether no bucket of the request has a policy.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, policy)| policy.is_none())
    }

    /// The policy of a bucket; `Err` for a bucket that [`Operation::buckets`] did not name.
    pub(crate) fn of(&self, bucket: &BucketName) -> Result<Option<&Arc<BucketPolicy>>, NotOfThisRequest> {
        let found = self.0.iter().find(|(other, _)| other == bucket);
        found.map(|(_, policy)| policy.as_ref()).ok_or(NotOfThisRequest)
    }
}

/// A grant was asked for on a bucket whose policy was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotOfThisRequest;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tempfile::TempDir;

    use super::*;
    use crate::authorize::Authorizer;
    use crate::config::Fsync;
    use crate::grant::{CreateBucket, Grant, PutBucketPolicy};

    const DENY: &str = r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*", "Condition": {"Null": {"s3:ExistingObjectTag/a": "true"}}}}"#;

    fn bucket() -> BucketName {
        BucketName::parse("bucket").unwrap()
    }

    fn root() -> Authorizer {
        Authorizer::of_the_store()
    }

    async fn put(index: &Index, policy: Option<&str>) {
        let (policy, name) = (policy.map(str::to_owned), bucket());
        let grant: Grant<PutBucketPolicy> = root().grant(name).unwrap();
        let put = index.write(move |transaction| {
            let mut record = transaction.bucket(&grant)?.unwrap();
            record.policy = policy;
            transaction.configure_bucket(&grant, &record)
        });
        put.await.unwrap();
    }

    async fn index(directory: &TempDir) -> Index {
        let (index, _) = Index::open(directory.path(), Fsync::Never).unwrap();
        let grant: Grant<CreateBucket> = root().grant(bucket()).unwrap();
        let create = index
            .write(move |transaction| transaction.create_bucket(&grant, &BucketRecord::new(Timestamp::UNIX_EPOCH)));
        create.await.unwrap();
        index
    }

    #[tokio::test]
    async fn a_policy_is_read_once_and_again_after_each_change() {
        let directory = TempDir::new().unwrap();
        let index = index(&directory).await;
        let policies = Policies::default();
        assert!(policies.of(&index, &bucket()).unwrap().is_none());
        put(&index, Some(DENY)).await;
        let first = policies.of(&index, &bucket()).unwrap().unwrap();
        assert!(first.asks_for_tags && first.audience == Audience::AsWritten);
        assert!(Arc::ptr_eq(&first, &policies.of(&index, &bucket()).unwrap().unwrap()), "it is not read again");
        put(&index, None).await;
        assert!(policies.of(&index, &bucket()).unwrap().is_none());
    }

    #[tokio::test]
    async fn what_cannot_be_read_allows_nothing() {
        let directory = TempDir::new().unwrap();
        let index = index(&directory).await;
        put(&index, Some("{")).await;
        let policy = Policies::default().of(&index, &bucket()).unwrap().unwrap();
        assert!(matches!(policy.document, Readable::No));
    }

    #[tokio::test]
    async fn names_that_nobody_has_do_not_fill_the_memory() {
        let directory = TempDir::new().unwrap();
        let index = index(&directory).await;
        let policies = Policies::default();
        let remembered = || policies.0.read().unwrap().by_bucket.len();
        for number in 0..REMEMBERED_BUCKETS {
            policies.of(&index, &BucketName::parse(&format!("bucket-{number}")).unwrap()).unwrap();
        }
        assert_eq!(remembered(), REMEMBERED_BUCKETS);
        policies.of(&index, &bucket()).unwrap();
        assert_eq!(remembered(), 1);
    }

    #[test]
    fn a_bucket_that_was_not_asked_for_has_no_answer() {
        let policies = PoliciesOfRequest(vec![(bucket(), None)]);
        assert!(policies.of(&bucket()).unwrap().is_none() && policies.is_empty());
        assert_eq!(policies.of(&BucketName::parse("other").unwrap()).err(), Some(NotOfThisRequest));
    }
}
