//! Loading many small objects at once, for whoever moves in or measures: the same rows that PutObject writes, thousands to
//! a commit and without HTTP.

use gatepass_protocol::s3::checksum::{ChecksumHasher, Md5Hasher};
use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::{BucketName, Etag, ObjectKey};
use gatepass_protocol::s3::object_headers::ObjectHeaders;
use gatepass_protocol::s3::operation::StorageClass;
use gatepass_protocol::s3::tagging::TagSet;
use thiserror::Error;

use crate::authorize::Authorizer;
use crate::grant::{CreateBucket, Grant, ObjectName, PutObject};
use crate::index::{BucketRecord, NewBody, NewObject, SMALL_BODY_BYTES};
use crate::ops::DEFAULT_CHECKSUM;
use crate::store::Store;

/// How many objects become durable together.
const OBJECTS_PER_COMMIT: usize = 20_000;

/// Why loading ended early. What was loaded before stays.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A name that no bucket or object may have.
    #[error("{0:?} is not a legal name")]
    Name(String),
    /// A body larger than what is kept in the index.
    #[error("the object {key:?} has {bytes} bytes, and only {SMALL_BODY_BYTES} can be loaded")]
    TooLarge {
        /// Its key.
        key: String,
        /// How long it is.
        bytes: usize,
    },
    /// The store refused or failed.
    #[error("the store did not take the objects: {0}")]
    Store(String),
}

impl Store {
    /// Puts objects of up to 16 KiB into a bucket, which is made where it does not exist, as the root identity. Blocks;
    /// not for a thread that runs async tasks.
    pub fn load(&self, bucket: &str, objects: impl Iterator<Item = (String, Vec<u8>)>) -> Result<(), LoadError> {
        let bucket = BucketName::parse(bucket).map_err(|_| LoadError::Name(bucket.to_owned()))?;
        let authorizer = Authorizer::of_the_store();
        self.ensure_bucket(&authorizer, &bucket)?;
        let mut group = Vec::with_capacity(OBJECTS_PER_COMMIT);
        for (key, body) in objects {
            group.push(self.prepare(&authorizer, &bucket, key, body)?);
            if group.len() == OBJECTS_PER_COMMIT {
                self.commit(std::mem::take(&mut group))?;
            }
        }
        self.commit(group)
    }

    fn ensure_bucket(&self, authorizer: &Authorizer, bucket: &BucketName) -> Result<(), LoadError> {
        let grant: Grant<CreateBucket> = authorizer.grant(bucket.clone()).map_err(|error| refused(&error))?;
        let record = BucketRecord::new(self.now());
        Self::wait(self.index.write(move |transaction| match transaction.bucket(&grant)? {
            None => transaction.create_bucket(&grant, &record),
            Some(_) => Ok(()),
        }))
    }

    fn prepare(
        &self,
        authorizer: &Authorizer,
        bucket: &BucketName,
        key: String,
        body: Vec<u8>,
    ) -> Result<Prepared, LoadError> {
        if body.len() > SMALL_BODY_BYTES {
            return Err(LoadError::TooLarge { key, bytes: body.len() });
        }
        let key = ObjectKey::parse(&key).map_err(|_| LoadError::Name(key))?;
        let grant = authorizer.grant(ObjectName { bucket: bucket.clone(), key }).map_err(|error| refused(&error))?;
        let mut md5 = Md5Hasher::new();
        md5.update(&body);
        let mut checksum = ChecksumHasher::new(DEFAULT_CHECKSUM);
        checksum.update(&body);
        let object = NewObject {
            etag: Etag::from_md5(&md5.finish()),
            size: body.len() as u64,
            modified: self.now(),
            headers: ObjectHeaders::default(),
            storage_class: StorageClass::Standard,
            checksum: Some(checksum.finish()),
            tags: TagSet::default(),
        };
        Ok(Prepared { grant, object, body })
    }

    fn commit(&self, group: Vec<Prepared>) -> Result<(), LoadError> {
        Self::wait(self.index.write(move |transaction| {
            for Prepared { grant, object, body } in group {
                transaction.put_object(&grant, object, NewBody::Small(body))?;
            }
            Ok(())
        }))
    }

    fn wait<T>(write: impl Future<Output = Result<T, crate::index::Failure>>) -> Result<T, LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| LoadError::Store(error.to_string()))?;
        runtime.block_on(write).map_err(|failure| refused(&failure.into()))
    }
}

struct Prepared {
    grant: Grant<PutObject>,
    object: NewObject,
    body: Vec<u8>,
}

fn refused(error: &S3Error) -> LoadError {
    LoadError::Store(error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gatepass_authority::{RootSource, root_from_text};
    use jiff::Timestamp;

    use super::*;
    use crate::Config;

    fn store(data: &std::path::Path) -> Arc<Store> {
        let root = RootSource::Given(root_from_text("AKIDEXAMPLE", "a-secret-for-this-test").unwrap());
        Store::open(Config::new(data, root, Arc::new(|| Timestamp::UNIX_EPOCH))).unwrap()
    }

    #[test]
    fn what_is_loaded_is_there() {
        let data = tempfile::tempdir().unwrap();
        let store = store(data.path());
        let objects = (0..=OBJECTS_PER_COMMIT).map(|number| (format!("{number:06}"), vec![7; 64]));
        store.load("loaded", objects).unwrap();
        let authorizer = Authorizer::of_the_store();
        for key in ["000000", "020000"] {
            let bucket = BucketName::parse("loaded").unwrap();
            let name = ObjectName { bucket, key: ObjectKey::parse(key).unwrap() };
            let grant: Grant<PutObject> = authorizer.grant(name).unwrap();
            assert_eq!(store.index.snapshot().unwrap().object(&grant).unwrap().unwrap().size, 64);
        }
    }

    #[test]
    fn only_what_fits_into_the_index_is_loaded() {
        let data = tempfile::tempdir().unwrap();
        let store = store(data.path());
        let of = |bytes: usize| std::iter::once(("key".to_owned(), vec![0; bytes]));
        store.load("loaded", of(SMALL_BODY_BYTES)).unwrap();
        let refused = store.load("loaded", of(SMALL_BODY_BYTES + 1)).unwrap_err();
        assert!(matches!(refused, LoadError::TooLarge { bytes, .. } if bytes == SMALL_BODY_BYTES + 1));
        assert!(matches!(store.load("Not A Bucket", of(0)), Err(LoadError::Name(_))));
    }
}
