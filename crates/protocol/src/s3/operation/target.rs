//! Which bucket and key a request is about.

use std::borrow::Cow;

use gatepass_signing::encode::{self, Plus};

use crate::s3::error::S3Error;
use crate::s3::names::{BucketName, ObjectKey, ObjectKeyError, VersionId};

/// What the path, and for virtual-hosted requests the host, name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `/`: the list of buckets.
    Service,
    /// A bucket.
    Bucket(BucketName),
    /// An object.
    Object(BucketName, ObjectKey),
}

impl Target {
    /// Reads the raw path of a request target. `host_bucket` is the bucket that the host name carries, if it does.
    ///
    /// The path is percent-decoded exactly once and split after that, so two targets with the same canonical form (and
    /// so the same signature) name the same object. Nothing is normalised: `..`, `//`, a leading `/`, `?`, `#` and `%`
    /// are characters of a key like any other.
    pub fn from_path(host_bucket: Option<BucketName>, raw_path: &str) -> Result<Self, S3Error> {
        let path = encode::decode(raw_path, Plus::Literal).map_err(|_| S3Error::invalid_uri(raw_path))?;
        let path = path.strip_prefix('/').ok_or_else(|| S3Error::invalid_uri(raw_path))?;
        if let Some(bucket) = host_bucket {
            return Self::within(bucket, path);
        }
        if path.is_empty() {
            return Ok(Self::Service);
        }
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let bucket = BucketName::parse(bucket).map_err(|_| S3Error::invalid_bucket_name(bucket))?;
        Self::within(bucket, key)
    }

    fn within(bucket: BucketName, key: &str) -> Result<Self, S3Error> {
        match ObjectKey::parse(key) {
            Ok(key) => Ok(Self::Object(bucket, key)),
            Err(ObjectKeyError::Empty) => Ok(Self::Bucket(bucket)),
            Err(ObjectKeyError::TooLong { bytes }) => Err(S3Error::key_too_long(bytes)),
        }
    }

    /// The bucket, where there is one.
    pub fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Service => None,
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(bucket),
        }
    }

    /// The key, where there is one.
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::Service | Self::Bucket(_) => None,
            Self::Object(_, key) => Some(key),
        }
    }

    /// Reads `x-amz-copy-source`: `bucket/key` or `/bucket/key`, percent-encoded, perhaps with `?versionId=…` after it.
    pub(super) fn from_copy_source(header: &str) -> Result<(BucketName, ObjectKey, Option<VersionId>), S3Error> {
        const NAME: &str = "x-amz-copy-source";
        let (path, version) =
            header.rsplit_once("?versionId=").map_or((header, None), |(path, version)| (path, Some(version)));
        let version = version.map(super::parameters::parse_version_id).transpose()?;
        let malformed = || {
            S3Error::invalid_argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                NAME,
                header,
            )
        };
        let decoded: Cow<'_, str> = encode::decode(path, Plus::Space).map_err(|_| {
            S3Error::invalid_argument(
                "The x-amz-copy-source header must be the URL-encoded UTF-8 of bucket and key.",
                NAME,
                header,
            )
        })?;
        let decoded = decoded.strip_prefix('/').unwrap_or(&decoded);
        let (bucket, key) = decoded.split_once('/').ok_or_else(malformed)?;
        let bucket = BucketName::parse(bucket).map_err(|_| S3Error::invalid_bucket_name(bucket))?;
        match ObjectKey::parse(key) {
            Ok(key) => Ok((bucket, key, version)),
            Err(ObjectKeyError::Empty) => Err(malformed()),
            Err(ObjectKeyError::TooLong { bytes }) => Err(S3Error::key_too_long(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(path: &str) -> (String, String) {
        match Target::from_path(None, path).unwrap() {
            Target::Object(bucket, key) => (bucket.to_string(), key.to_string()),
            other => panic!("{path} is {other:?}"),
        }
    }

    #[test]
    fn keys_are_literal_and_decoded_once() {
        let table = [
            ("/bkt/a%20b/../%C3%A9%2B~.txt", "a b/../é+~.txt"),
            ("/bkt//x", "/x"),
            ("/bkt/a//b/", "a//b/"),
            ("/bkt/%2e%2e/..", "../.."),
            ("/bkt/a+b", "a+b"),
            ("/bkt/a%2520b", "a%20b"),
            ("/bkt/%3Fx%23y%25", "?x#y%"),
            ("/bkt%2Fkey", "key"),
            ("/bkt/e%CC%81", "e\u{301}"),
            ("/bkt/%C3%A9", "é"),
        ];
        for (path, key) in table {
            assert_eq!(object(path), ("bkt".to_owned(), key.to_owned()), "{path}");
        }
    }

    #[test]
    fn a_bucket_may_come_from_the_host() {
        let bucket = BucketName::parse("bkt").unwrap();
        let target = |path| Target::from_path(Some(bucket.clone()), path).unwrap();
        assert_eq!(target("/"), Target::Bucket(bucket.clone()));
        assert_eq!(target("/bkt/k").key().unwrap().as_str(), "bkt/k");
        assert_eq!(target("//k").key().unwrap().as_str(), "/k");
    }

    #[test]
    fn paths_without_a_key_name_the_bucket_or_the_service() {
        assert_eq!(Target::from_path(None, "/"), Ok(Target::Service));
        for path in ["/bkt", "/bkt/"] {
            assert!(matches!(Target::from_path(None, path), Ok(Target::Bucket(_))), "{path}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let code = |path: &str| Target::from_path(None, path).unwrap_err();
        assert_eq!(code("/bkt/%zz").code().as_str(), "InvalidURI");
        assert_eq!(code("/bkt/%ff").code().as_str(), "InvalidURI");
        assert_eq!(code("*").code().as_str(), "InvalidURI");
        assert_eq!(code("//bkt/k").element("BucketName"), Some(""));
        assert_eq!(code("/../k").code().as_str(), "InvalidBucketName");
        let long = code(&format!("/bkt/{}", "k".repeat(1025)));
        assert_eq!((long.element("Size"), long.element("MaxSizeAllowed")), (Some("1025"), Some("1024")));
        assert_eq!(object(&format!("/bkt/{}", "%C3%A9".repeat(512))).1.len(), 1024);
    }

    #[test]
    fn a_copy_source_is_read_with_and_without_its_slash() {
        for header in ["bkt/a%20b", "/bkt/a%20b", "bkt%2Fa+b", "/bkt/a b?versionId=null"] {
            let (bucket, key, _) = Target::from_copy_source(header).unwrap();
            assert_eq!((bucket.as_str(), key.as_str()), ("bkt", "a b"), "{header}");
        }
        for header in ["", "/", "bkt", "bkt/", "bkt/%f", "bkt/k?versionId=3"] {
            assert!(Target::from_copy_source(header).is_err(), "{header}");
        }
    }
}
