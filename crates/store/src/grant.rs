//! The proof that a request may touch something: which bucket, which key, and for what.
//!
//! A [`Grant`] is made by [`authorize`](crate::authorize) and nowhere else. Functions that touch
//! data take it and no name beside it, so that a check cannot be forgotten, nor made for one object
//! and used for another. Its type says what it is for: a permission to read does not write.

use gatepass_protocol::s3::names::{BucketName, ObjectKey, VersionId};

use crate::authorize::Allowed;

/// A kind of access: one IAM action.
pub(crate) trait Action {
    /// What the action is done to.
    type Resource;
    /// The action's name in IAM.
    const NAME: &'static str;
}

/// An object's place. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectName {
    pub(crate) bucket: BucketName,
    pub(crate) key: ObjectKey,
}

/// One version of an object. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectVersion {
    pub(crate) name: ObjectName,
    pub(crate) version: VersionId,
}

/// The account as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account;

macro_rules! actions {
    ($($name:ident on $resource:ty;)*) => {$(
        #[derive(Debug)]
        pub(crate) struct $name;
        impl Action for $name {
            type Resource = $resource;
            const NAME: &'static str = concat!("s3:", stringify!($name));
        }
    )*};
}

actions! {
    ListAllMyBuckets on Account;
    CreateBucket on BucketName;
    DeleteBucket on BucketName;
    ListBucket on BucketName;
    GetBucketLocation on BucketName;
    GetBucketCORS on BucketName;
    PutBucketCORS on BucketName;
    ListBucketMultipartUploads on BucketName;
    GetObject on ObjectName;
    GetObjectAttributes on ObjectName;
    PutObject on ObjectName;
    DeleteObject on ObjectName;
    AbortMultipartUpload on ObjectName;
    ListMultipartUploadParts on ObjectName;
    DeleteBucketPolicy on BucketName;
    DeleteBucketWebsite on BucketName;
    GetAccelerateConfiguration on BucketName;
    GetAnalyticsConfiguration on BucketName;
    GetBucketAcl on BucketName;
    GetBucketLogging on BucketName;
    GetBucketNotification on BucketName;
    GetBucketObjectLockConfiguration on BucketName;
    GetBucketOwnershipControls on BucketName;
    GetBucketPolicy on BucketName;
    GetBucketPolicyStatus on BucketName;
    GetBucketPublicAccessBlock on BucketName;
    GetBucketRequestPayment on BucketName;
    GetBucketWebsite on BucketName;
    GetEncryptionConfiguration on BucketName;
    GetIntelligentTieringConfiguration on BucketName;
    GetInventoryConfiguration on BucketName;
    GetMetricsConfiguration on BucketName;
    GetReplicationConfiguration on BucketName;
    PutAnalyticsConfiguration on BucketName;
    PutBucketAcl on BucketName;
    PutBucketNotification on BucketName;
    PutBucketOwnershipControls on BucketName;
    PutBucketPolicy on BucketName;
    PutBucketPublicAccessBlock on BucketName;
    PutBucketRequestPayment on BucketName;
    PutEncryptionConfiguration on BucketName;
    PutIntelligentTieringConfiguration on BucketName;
    PutInventoryConfiguration on BucketName;
    PutMetricsConfiguration on BucketName;
    PutReplicationConfiguration on BucketName;
    GetObjectAcl on ObjectName;
    GetObjectLegalHold on ObjectName;
    GetObjectRetention on ObjectName;
    PutObjectAcl on ObjectName;
    PutObjectLegalHold on ObjectName;
    PutObjectRetention on ObjectName;
    GetBucketTagging on BucketName;
    PutBucketTagging on BucketName;
    TagResource on BucketName;
    GetLifecycleConfiguration on BucketName;
    PutLifecycleConfiguration on BucketName;
    GetObjectTagging on ObjectName;
    PutObjectTagging on ObjectName;
    DeleteObjectTagging on ObjectName;
    ListBucketVersions on BucketName;
    GetBucketVersioning on BucketName;
    PutBucketVersioning on BucketName;
    GetObjectVersion on ObjectVersion;
    DeleteObjectVersion on ObjectVersion;
    GetObjectVersionTagging on ObjectVersion;
    GetObjectVersionAcl on ObjectVersion;
    GetObjectVersionAttributes on ObjectVersion;
    PutObjectVersionAcl on ObjectVersion;
    PutObjectVersionTagging on ObjectVersion;
    DeleteObjectVersionTagging on ObjectVersion;
}

/// The actions that change the record of a bucket.
pub(crate) trait Configures: Action<Resource = BucketName> {}

impl Configures for PutBucketCORS {}
impl Configures for PutBucketPolicy {}
impl Configures for DeleteBucketPolicy {}
impl Configures for PutBucketPublicAccessBlock {}
impl Configures for PutBucketOwnershipControls {}
impl Configures for PutBucketTagging {}
impl Configures for PutBucketVersioning {}

/// The actions that change the tags of an object.
pub(crate) trait Retags: Action<Resource = ObjectName> {}

impl Retags for PutObjectTagging {}
impl Retags for DeleteObjectTagging {}

/// The same for one version.
pub(crate) trait RetagsVersion: Action<Resource = ObjectVersion> {}

impl RetagsVersion for PutObjectVersionTagging {}
impl RetagsVersion for DeleteObjectVersionTagging {}

/// How policies name a resource.
pub(crate) trait Arn {
    fn arn(&self) -> String;

    /// The bucket whose policy is asked.
    fn bucket_of_policy(&self) -> Option<&BucketName>;

    /// The object whose tags a policy may ask for.
    fn object(&self) -> Option<&ObjectName> {
        None
    }

    /// Which version of it.
    fn version(&self) -> Option<VersionId> {
        None
    }
}

impl Arn for Account {
    fn arn(&self) -> String {
        "arn:aws:s3:::*".to_owned()
    }

    fn bucket_of_policy(&self) -> Option<&BucketName> {
        None
    }
}

impl Arn for BucketName {
    fn arn(&self) -> String {
        format!("arn:aws:s3:::{self}")
    }

    fn bucket_of_policy(&self) -> Option<&BucketName> {
        Some(self)
    }
}

impl Arn for ObjectName {
    fn arn(&self) -> String {
        format!("arn:aws:s3:::{}/{}", self.bucket, self.key)
    }

    fn bucket_of_policy(&self) -> Option<&BucketName> {
        Some(&self.bucket)
    }

    fn object(&self) -> Option<&ObjectName> {
        Some(self)
    }
}

impl Arn for ObjectVersion {
    fn arn(&self) -> String {
        self.name.arn()
    }

    fn bucket_of_policy(&self) -> Option<&BucketName> {
        self.name.bucket_of_policy()
    }

    fn object(&self) -> Option<&ObjectName> {
        Some(&self.name)
    }

    fn version(&self) -> Option<VersionId> {
        Some(self.version)
    }
}

/// Permission to read an object, or one version of it.
#[derive(Debug)]
pub(crate) enum Reading {
    Current(Grant<GetObject>),
    Version(Grant<GetObjectVersion>),
}

impl Reading {
    pub(crate) fn bucket(&self) -> &BucketName {
        match self {
            Self::Current(grant) => grant.bucket(),
            Self::Version(grant) => grant.bucket(),
        }
    }

    pub(crate) fn key(&self) -> &ObjectKey {
        match self {
            Self::Current(grant) => grant.key(),
            Self::Version(grant) => grant.key(),
        }
    }

    /// The version that was asked for.
    pub(crate) fn version(&self) -> Option<VersionId> {
        match self {
            Self::Current(_) => None,
            Self::Version(grant) => Some(grant.version()),
        }
    }

    pub(crate) fn name(&self) -> ObjectName {
        ObjectName { bucket: self.bucket().clone(), key: self.key().clone() }
    }
}

/// What lies in a bucket, or is one.
pub(crate) trait InBucket {
    fn bucket(&self) -> &BucketName;
}

impl InBucket for BucketName {
    fn bucket(&self) -> &BucketName {
        self
    }
}

impl InBucket for ObjectName {
    fn bucket(&self) -> &BucketName {
        &self.bucket
    }
}

impl InBucket for ObjectVersion {
    fn bucket(&self) -> &BucketName {
        &self.name.bucket
    }
}

/// What is an object, or a version of one.
pub(crate) trait InObject: InBucket {
    fn key(&self) -> &ObjectKey;
}

impl InObject for ObjectName {
    fn key(&self) -> &ObjectKey {
        &self.key
    }
}

impl InObject for ObjectVersion {
    fn key(&self) -> &ObjectKey {
        &self.name.key
    }
}

/// Permission for one action on one resource.
#[derive(Debug)]
pub(crate) struct Grant<A: Action> {
    resource: A::Resource,
}

impl<A: Action> Grant<A> {
    /// A policy has allowed the action on this resource: `Allowed` comes only from its evaluation.
    pub(crate) fn new(resource: A::Resource, _decision: Allowed) -> Self {
        Self { resource }
    }
}

impl<A: Action> Grant<A>
where
    A::Resource: InBucket,
{
    pub(crate) fn bucket(&self) -> &BucketName {
        self.resource.bucket()
    }
}

impl<A: Action> Grant<A>
where
    A::Resource: InObject,
{
    pub(crate) fn key(&self) -> &ObjectKey {
        self.resource.key()
    }
}

impl<A: Action<Resource = ObjectVersion>> Grant<A> {
    pub(crate) fn version(&self) -> VersionId {
        self.resource.version
    }
}
