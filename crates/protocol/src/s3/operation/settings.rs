//! Sub-resources that configure a bucket or an object: one table says which operations each has.

use super::{Operation, Target};
use crate::s3::checksum::BodyIntegrity;
use crate::s3::error::{ResourceType, S3Error};
use crate::s3::names::{BucketName, ObjectKey, VersionId};

/// An operation on a sub-resource of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSetting {
    /// The bucket.
    pub bucket: BucketName,
    /// The sub-resource.
    pub subject: BucketSubject,
    /// What is done to it.
    pub access: Access,
    /// Which entry is meant, for sub-resources that are lists.
    pub id: Option<String>,
}

/// An operation on a sub-resource of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSetting {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Which version, if not the current one.
    pub version: Option<VersionId>,
    /// The sub-resource.
    pub subject: ObjectSubject,
    /// What is done to it.
    pub access: Access,
}

/// What is done to a sub-resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// GET.
    Read,
    /// PUT, with a document as its body.
    Replace(BodyIntegrity),
    /// PUT, with `x-amz-acl` in place of a document. Only the values that change nothing become an operation.
    ReplaceByHeader,
    /// DELETE.
    Remove,
}

/// The sub-resources of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of AWS")]
pub enum BucketSubject {
    Accelerate,
    Acl,
    Analytics,
    Encryption,
    IntelligentTiering,
    Inventory,
    Lifecycle,
    Logging,
    Metrics,
    Notification,
    ObjectLock,
    OwnershipControls,
    Policy,
    PolicyStatus,
    PublicAccessBlock,
    Replication,
    RequestPayment,
    Tagging,
    Versioning,
    Website,
}

/// The sub-resources of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of AWS")]
pub enum ObjectSubject {
    Acl,
    LegalHold,
    Retention,
    Tagging,
}

/// What a method does on a sub-resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    /// The name of the operation, and the action that a policy must allow.
    Is(&'static str, &'static str),
    /// S3 has it, this store has not.
    NotImplemented,
    /// S3 has no such thing.
    Absent,
}

struct Row<S> {
    /// The query parameter.
    name: &'static str,
    subject: S,
    read: Verb,
    replace: Verb,
    remove: Verb,
}

const fn row<S: Copy>(name: &'static str, subject: S, read: Verb, replace: Verb, remove: Verb) -> Row<S> {
    Row { name, subject, read, replace, remove }
}

use Verb::{Absent, Is, NotImplemented};

/// Names after the API reference, actions after "Actions, resources, and condition keys for Amazon S3": a DELETE mostly
/// takes the action of the PUT.
const BUCKET: [Row<BucketSubject>; 20] = [
    row(
        "accelerate",
        BucketSubject::Accelerate,
        Is("GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration"),
        NotImplemented,
        Absent,
    ),
    row(
        "acl",
        BucketSubject::Acl,
        Is("GetBucketAcl", "s3:GetBucketAcl"),
        Is("PutBucketAcl", "s3:PutBucketAcl"),
        Absent,
    ),
    row(
        "analytics",
        BucketSubject::Analytics,
        Is("GetBucketAnalyticsConfiguration", "s3:GetAnalyticsConfiguration"),
        NotImplemented,
        Is("DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
    ),
    row(
        "encryption",
        BucketSubject::Encryption,
        Is("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        NotImplemented,
        Is("DeleteBucketEncryption", "s3:PutEncryptionConfiguration"),
    ),
    row(
        "intelligent-tiering",
        BucketSubject::IntelligentTiering,
        Is("GetBucketIntelligentTieringConfiguration", "s3:GetIntelligentTieringConfiguration"),
        NotImplemented,
        Is("DeleteBucketIntelligentTieringConfiguration", "s3:PutIntelligentTieringConfiguration"),
    ),
    row(
        "inventory",
        BucketSubject::Inventory,
        Is("GetBucketInventoryConfiguration", "s3:GetInventoryConfiguration"),
        NotImplemented,
        Is("DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration"),
    ),
    row(
        "lifecycle",
        BucketSubject::Lifecycle,
        Is("GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
        Is("PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
        Is("DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"),
    ),
    row("logging", BucketSubject::Logging, Is("GetBucketLogging", "s3:GetBucketLogging"), NotImplemented, Absent),
    row(
        "metrics",
        BucketSubject::Metrics,
        Is("GetBucketMetricsConfiguration", "s3:GetMetricsConfiguration"),
        NotImplemented,
        Is("DeleteBucketMetricsConfiguration", "s3:PutMetricsConfiguration"),
    ),
    row(
        "notification",
        BucketSubject::Notification,
        Is("GetBucketNotificationConfiguration", "s3:GetBucketNotification"),
        Is("PutBucketNotificationConfiguration", "s3:PutBucketNotification"),
        Absent,
    ),
    row(
        "object-lock",
        BucketSubject::ObjectLock,
        Is("GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
        NotImplemented,
        Absent,
    ),
    row(
        "ownershipControls",
        BucketSubject::OwnershipControls,
        Is("GetBucketOwnershipControls", "s3:GetBucketOwnershipControls"),
        Is("PutBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
        Is("DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
    ),
    row(
        "policy",
        BucketSubject::Policy,
        Is("GetBucketPolicy", "s3:GetBucketPolicy"),
        Is("PutBucketPolicy", "s3:PutBucketPolicy"),
        Is("DeleteBucketPolicy", "s3:DeleteBucketPolicy"),
    ),
    row(
        "policyStatus",
        BucketSubject::PolicyStatus,
        Is("GetBucketPolicyStatus", "s3:GetBucketPolicyStatus"),
        Absent,
        Absent,
    ),
    row(
        "publicAccessBlock",
        BucketSubject::PublicAccessBlock,
        Is("GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        Is("PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
        Is("DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ),
    row(
        "replication",
        BucketSubject::Replication,
        Is("GetBucketReplication", "s3:GetReplicationConfiguration"),
        NotImplemented,
        Is("DeleteBucketReplication", "s3:PutReplicationConfiguration"),
    ),
    row(
        "requestPayment",
        BucketSubject::RequestPayment,
        Is("GetBucketRequestPayment", "s3:GetBucketRequestPayment"),
        Is("PutBucketRequestPayment", "s3:PutBucketRequestPayment"),
        Absent,
    ),
    row(
        "tagging",
        BucketSubject::Tagging,
        Is("GetBucketTagging", "s3:GetBucketTagging"),
        Is("PutBucketTagging", "s3:PutBucketTagging"),
        Is("DeleteBucketTagging", "s3:PutBucketTagging"),
    ),
    row(
        "versioning",
        BucketSubject::Versioning,
        Is("GetBucketVersioning", "s3:GetBucketVersioning"),
        Is("PutBucketVersioning", "s3:PutBucketVersioning"),
        Absent,
    ),
    row(
        "website",
        BucketSubject::Website,
        Is("GetBucketWebsite", "s3:GetBucketWebsite"),
        NotImplemented,
        Is("DeleteBucketWebsite", "s3:DeleteBucketWebsite"),
    ),
];

const OBJECT: [Row<ObjectSubject>; 4] = [
    row(
        "acl",
        ObjectSubject::Acl,
        Is("GetObjectAcl", "s3:GetObjectAcl"),
        Is("PutObjectAcl", "s3:PutObjectAcl"),
        Absent,
    ),
    row(
        "legal-hold",
        ObjectSubject::LegalHold,
        Is("GetObjectLegalHold", "s3:GetObjectLegalHold"),
        Is("PutObjectLegalHold", "s3:PutObjectLegalHold"),
        Absent,
    ),
    row(
        "retention",
        ObjectSubject::Retention,
        Is("GetObjectRetention", "s3:GetObjectRetention"),
        Is("PutObjectRetention", "s3:PutObjectRetention"),
        Absent,
    ),
    row(
        "tagging",
        ObjectSubject::Tagging,
        Is("GetObjectTagging", "s3:GetObjectTagging"),
        Is("PutObjectTagging", "s3:PutObjectTagging"),
        Is("DeleteObjectTagging", "s3:DeleteObjectTagging"),
    ),
];

impl<S> Row<S> {
    fn verb(&self, access: &Access) -> Verb {
        match access {
            Access::Read => self.read,
            Access::Replace(_) | Access::ReplaceByHeader => self.replace,
            Access::Remove => self.remove,
        }
    }
}

impl Verb {
    fn named(self) -> (&'static str, &'static str) {
        match self {
            Self::Is(name, action) => (name, action),
            // `parse` makes no value of these.
            NotImplemented | Absent => ("Unknown", "s3:Unknown"),
        }
    }
}

impl BucketSetting {
    /// The name of the operation.
    pub fn name(&self) -> &'static str {
        match (self.subject, &self.access, &self.id) {
            (BucketSubject::Analytics, Access::Read, None) => "ListBucketAnalyticsConfigurations",
            (BucketSubject::IntelligentTiering, Access::Read, None) => "ListBucketIntelligentTieringConfigurations",
            (BucketSubject::Inventory, Access::Read, None) => "ListBucketInventoryConfigurations",
            (BucketSubject::Metrics, Access::Read, None) => "ListBucketMetricsConfigurations",
            _ => self.verb().named().0,
        }
    }

    /// The action that a policy must allow.
    pub fn action(&self) -> &'static str {
        self.verb().named().1
    }

    fn verb(&self) -> Verb {
        BUCKET.iter().find(|row| row.subject == self.subject).map_or(Absent, |row| row.verb(&self.access))
    }
}

impl ObjectSetting {
    /// The name of the operation.
    pub fn name(&self) -> &'static str {
        self.verb().named().0
    }

    /// The action that a policy must allow.
    pub fn action(&self) -> &'static str {
        self.verb().named().1
    }

    fn verb(&self) -> Verb {
        OBJECT.iter().find(|row| row.subject == self.subject).map_or(Absent, |row| row.verb(&self.access))
    }
}

/// The operation on the sub-resource of this name, or `None` where the target has no such sub-resource or the
/// sub-resource no such method.
pub(super) fn find(
    target: &Target,
    name: &str,
    access: Access,
    id: Option<&str>,
    version: Option<VersionId>,
) -> Result<Option<Operation>, S3Error> {
    match target {
        Target::Service => Ok(None),
        Target::Bucket(bucket) => {
            let Some(subject) = subject(&BUCKET, name, &access)? else { return Ok(None) };
            let (bucket, id) = (bucket.clone(), id.map(str::to_owned));
            Ok(Some(Operation::BucketSetting(BucketSetting { bucket, subject, access, id })))
        }
        Target::Object(bucket, key) => {
            let Some(subject) = subject(&OBJECT, name, &access)? else { return Ok(None) };
            let (bucket, key) = (bucket.clone(), key.clone());
            Ok(Some(Operation::ObjectSetting(ObjectSetting { bucket, key, version, subject, access })))
        }
    }
}

fn subject<S: Copy>(rows: &'static [Row<S>], name: &str, access: &Access) -> Result<Option<S>, S3Error> {
    let Some(row) = rows.iter().find(|row| row.name == name) else { return Ok(None) };
    match row.verb(access) {
        Is(..) => Ok(Some(row.subject)),
        NotImplemented => Err(S3Error::not_implemented(row.name)),
        Absent => Ok(None),
    }
}

/// The methods of a sub-resource, for the refusal of any other.
pub(super) fn allowed(resource: ResourceType, name: &str) -> Option<&'static str> {
    let of = |replace: Verb, remove: Verb| match (replace, remove) {
        (Absent, Absent) => "GET",
        (_, Absent) => "GET, PUT",
        (Absent, _) => "GET, DELETE",
        _ => "GET, PUT, DELETE",
    };
    match resource {
        ResourceType::Bucket => BUCKET.iter().find(|row| row.name == name).map(|row| of(row.replace, row.remove)),
        ResourceType::Object => OBJECT.iter().find(|row| row.name == name).map(|row| of(row.replace, row.remove)),
        ResourceType::Service | ResourceType::MultipartUpload | ResourceType::DeleteMarker => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::operation::parameters::KNOWN;

    #[test]
    fn every_row_has_a_known_parameter_of_its_own_and_can_be_read() {
        for (name, read) in BUCKET.iter().map(|row| (row.name, row.read)).chain(OBJECT.iter().map(|r| (r.name, r.read)))
        {
            assert!(KNOWN.contains(&name), "{name}");
            assert!(matches!(read, Is(..)), "{name}");
        }
        for rows in BUCKET.windows(2) {
            assert!(rows[0].name < rows[1].name, "{}", rows[1].name);
        }
    }
}
