//! The XML bodies that clients send, parsed into checked values.

use super::reader::{Element, Limits, parse};
use crate::s3::checksum::{Checksum, ChecksumAlgorithm};
use crate::s3::conditional::DeleteCondition;
use crate::s3::error::S3Error;
use crate::s3::names::{Etag, ObjectKey, ObjectKeyError, PART_NUMBER_MAX, PartNumber, VersionId};
use crate::s3::tagging::{TagSet, Tagged};

/// The most keys of one DeleteObjects.
pub const DELETE_KEYS_MAX: usize = 1_000;

/// The limits of a DeleteObjects body: 1,000 keys of 1,024 bytes each, of which every byte may be escaped as `&quot;`,
/// and what is around them.
pub const DELETE_LIMITS: Limits = Limits { bytes: 8 * 1024 * 1024, elements: 8 * 1024 };
/// The limits of a CompleteMultipartUpload body: 10,000 parts with their tags and checksums.
pub const COMPLETE_LIMITS: Limits = Limits { bytes: 4 * 1024 * 1024, elements: 80 * 1024 };
/// The limits of a CreateBucket body.
pub const CREATE_BUCKET_LIMITS: Limits = Limits { bytes: 16 * 1024, elements: 128 };

/// Whether a DeleteObjects answer names only failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Every key.
    Verbose,
    /// Only keys that could not be deleted.
    Quiet,
}

/// The body of DeleteObjects: 1 to 1,000 keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRequest {
    /// What is to be deleted, in order.
    pub objects: Vec<ObjectToDelete>,
    /// What the answer names.
    pub verbosity: Verbosity,
}

/// One key of a DeleteObjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectToDelete {
    /// The key.
    pub key: ObjectKey,
    /// Which version, or what was sent in its place. Each key has an outcome of its own, this one too.
    pub version: Option<Result<VersionId, S3Error>>,
    /// Its condition.
    pub condition: DeleteCondition,
}

impl DeleteRequest {
    /// Parses the body.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        let root = parse(body, "Delete", DELETE_LIMITS)?;
        let objects = root.all("Object").map(object_to_delete).collect::<Result<Vec<_>, _>>()?;
        if !(1..=DELETE_KEYS_MAX).contains(&objects.len()) {
            return Err(S3Error::malformed_xml());
        }
        let verbosity = match root.optional("Quiet")? {
            Some(quiet) if quiet.trim().eq_ignore_ascii_case("true") => Verbosity::Quiet,
            _ => Verbosity::Verbose,
        };
        Ok(Self { objects, verbosity })
    }
}

fn object_to_delete(object: &Element) -> Result<ObjectToDelete, S3Error> {
    let key = ObjectKey::parse(object.required("Key")?).map_err(|error| match error {
        ObjectKeyError::Empty => S3Error::malformed_xml(),
        ObjectKeyError::TooLong { bytes } => S3Error::key_too_long(bytes),
    })?;
    let version = object.optional("VersionId")?.filter(|version| !version.is_empty());
    let version =
        version.map(|version| VersionId::parse(version).ok_or_else(|| S3Error::no_such_version(&key, version)));
    for only_directory_buckets in ["LastModifiedTime", "Size"] {
        if object.optional(only_directory_buckets)?.is_some() {
            return Err(S3Error::not_implemented(only_directory_buckets));
        }
    }
    let condition = match object.optional("ETag")? {
        None => DeleteCondition::Unconditional,
        Some("*") => DeleteCondition::IfPresent,
        Some(tag) => DeleteCondition::IfMatches(Etag::parse(tag).ok_or_else(S3Error::malformed_xml)?),
    };
    Ok(ObjectToDelete { key, version, condition })
}

/// The body of CompleteMultipartUpload: 1 to 10,000 parts in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteRequest {
    parts: Vec<CompletedPart>,
}

/// One part of a CompleteMultipartUpload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number.
    pub number: PartNumber,
    /// The tag that UploadPart answered.
    pub etag: Etag,
    /// The checksum, where the client names one.
    pub checksum: Option<Checksum>,
}

impl CompleteRequest {
    /// Parses the body. `upload_id` appears in errors.
    pub fn parse(body: &[u8], upload_id: &str) -> Result<Self, S3Error> {
        let root = parse(body, "CompleteMultipartUpload", COMPLETE_LIMITS)?;
        let parts = root.all("Part").map(|part| completed_part(part, upload_id)).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() || parts.len() > usize::from(PART_NUMBER_MAX) {
            return Err(S3Error::malformed_xml());
        }
        if parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
            return Err(S3Error::invalid_part_order(upload_id));
        }
        Ok(Self { parts })
    }

    /// The parts: at least one, and each number above the one before.
    pub fn parts(&self) -> &[CompletedPart] {
        &self.parts
    }
}

fn completed_part(part: &Element, upload_id: &str) -> Result<CompletedPart, S3Error> {
    let number = part.required("PartNumber")?.trim();
    let number = PartNumber::parse(number).ok_or_else(|| {
        S3Error::invalid_argument("PartNumber must be between 1 and 10000, inclusive", "PartNumber", number)
    })?;
    let etag = part.required("ETag")?;
    let etag = Etag::parse(etag).ok_or_else(|| S3Error::invalid_part(upload_id, number, etag))?;
    let mut checksum = None;
    for algorithm in ChecksumAlgorithm::ALL {
        let Some(text) = part.optional(algorithm.element())? else { continue };
        let parsed = Checksum::parse(algorithm, text.trim()).ok_or_else(S3Error::malformed_xml)?;
        if checksum.replace(parsed).is_some() {
            return Err(S3Error::malformed_xml());
        }
    }
    Ok(CompletedPart { number, etag, checksum })
}

/// The body of CreateBucket, which may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateBucketConfiguration {
    /// The region that the bucket is to be in. Its absence means `us-east-1`.
    pub location_constraint: Option<String>,
    /// The tags that the bucket begins with.
    pub tags: TagSet,
}

impl CreateBucketConfiguration {
    /// Parses the body.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let root = parse(body, "CreateBucketConfiguration", CREATE_BUCKET_LIMITS)?;
        for unsupported in ["Location", "Bucket"] {
            if root.all(unsupported).next().is_some() {
                return Err(S3Error::not_implemented(unsupported));
            }
        }
        let location = root.optional("LocationConstraint")?.map(str::trim).filter(|location| !location.is_empty());
        let mut sets = root.all("Tags");
        let tags = match (sets.next(), sets.next()) {
            (None, _) => TagSet::default(),
            (Some(set), None) => TagSet::from_elements(set, Tagged::Bucket)?,
            (Some(_), Some(_)) => return Err(S3Error::malformed_xml()),
        };
        Ok(Self { location_constraint: location.map(str::to_owned), tags })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn delete_of(keys: usize) -> String {
        let objects: Vec<_> = (0..keys).map(|index| format!("<Object><Key>k{index}</Key></Object>")).collect();
        format!("<Delete>{}</Delete>", objects.concat())
    }

    #[test]
    fn a_delete_names_1_to_1000_keys() {
        assert!(DeleteRequest::parse(delete_of(0).as_bytes()).is_err());
        assert_eq!(DeleteRequest::parse(delete_of(1000).as_bytes()).unwrap().objects.len(), 1000);
        assert_eq!(DeleteRequest::parse(delete_of(1001).as_bytes()).unwrap_err().code().as_str(), "MalformedXML");
    }

    #[test]
    fn a_delete_of_the_longest_keys_fits_its_limits() {
        for byte in ["k", "&amp;", "&quot;"] {
            let object = format!("<Object><Key>{}</Key><VersionId>null</VersionId></Object>", byte.repeat(1024));
            let body = format!("<Delete>{}</Delete>", object.repeat(DELETE_KEYS_MAX));
            assert!(DeleteRequest::parse(body.as_bytes()).is_ok(), "{byte}");
        }
    }

    #[test]
    fn a_delete_has_a_most_bytes() {
        let body = |bytes: usize| format!("{}{}", delete_of(1), " ".repeat(bytes - delete_of(1).len()));
        assert!(DeleteRequest::parse(body(DELETE_LIMITS.bytes).as_bytes()).is_ok());
        let error = DeleteRequest::parse(body(DELETE_LIMITS.bytes + 1).as_bytes()).unwrap_err();
        assert_eq!(error.code().as_str(), "MaxMessageLengthExceeded");
    }

    #[test]
    fn keys_are_literal_in_a_delete() {
        let body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\
                    <Object><Key>a%20b &amp; c</Key><VersionId>null</VersionId></Object>\
                    <Object><Key> &#x1;/../</Key><ETag>&quot;abc&quot;</ETag></Object></Delete>";
        let request = DeleteRequest::parse(body.as_bytes()).unwrap();
        assert_eq!(request.verbosity, Verbosity::Quiet);
        assert_eq!(request.objects[0].key.as_str(), "a%20b & c");
        assert_eq!(request.objects[1].key.as_str(), " \u{1}/../");
        assert_eq!(request.objects[1].condition, DeleteCondition::IfMatches(Etag::parse("abc").unwrap()));
    }

    #[test]
    fn a_delete_of_empty_keys_is_refused_and_one_of_impossible_versions_fails_by_itself() {
        let body = "<Delete><Object><Key>k</Key><VersionId>3</VersionId></Object></Delete>";
        let version = DeleteRequest::parse(body.as_bytes()).unwrap().objects[0].version.clone();
        assert_eq!(version.unwrap().unwrap_err().code().as_str(), "NoSuchVersion");
        for (inside, code) in
            [("<Key></Key>", "MalformedXML"), ("<Key>k</Key><Size>3</Size>", "NotImplemented"), ("", "MalformedXML")]
        {
            let body = format!("<Delete><Object>{inside}</Object></Delete>");
            assert_eq!(DeleteRequest::parse(body.as_bytes()).unwrap_err().code().as_str(), code, "{inside}");
        }
    }

    fn complete(parts: &[(u32, &str)]) -> Result<CompleteRequest, S3Error> {
        let parts: Vec<_> = parts
            .iter()
            .map(|(number, etag)| format!("<Part><ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>"))
            .collect();
        CompleteRequest::parse(
            format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat()).as_bytes(),
            "up",
        )
    }

    #[test]
    fn parts_ascend() {
        assert_eq!(complete(&[(1, "a"), (3, "\"b\"")]).unwrap().parts()[1].etag.as_str(), "b");
        for parts in [[(2, "a"), (1, "b")], [(1, "a"), (1, "b")]] {
            let error = complete(&parts).unwrap_err();
            assert_eq!((error.code().as_str(), error.element("UploadId")), ("InvalidPartOrder", Some("up")));
        }
        assert_eq!(complete(&[]).unwrap_err().code().as_str(), "MalformedXML");
        assert_eq!(complete(&[(0, "a")]).unwrap_err().code().as_str(), "InvalidArgument");
        assert_eq!(complete(&[(10_001, "a")]).unwrap_err().code().as_str(), "InvalidArgument");
        assert_eq!(complete(&[(1, "")]).unwrap_err().code().as_str(), "InvalidPart");
    }

    #[test]
    fn ten_thousand_parts_with_checksums_fit() {
        let parts: Vec<_> = (1..=10_000)
            .map(|number| {
                format!(
                    "<Part><ChecksumSHA256>{}</ChecksumSHA256><ETag>&quot;{}&quot;</ETag><PartNumber>{number}</PartNumber></Part>",
                    "A".repeat(43) + "=",
                    "0".repeat(32)
                )
            })
            .collect();
        let body = format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat());
        assert_eq!(CompleteRequest::parse(body.as_bytes(), "up").unwrap().parts().len(), 10_000);
    }

    #[test]
    fn a_part_has_at_most_one_checksum() {
        let body = |inside: &str| {
            let body = format!(
                "<CompleteMultipartUpload><Part><ETag>a</ETag><PartNumber>1</PartNumber>{inside}</Part></CompleteMultipartUpload>"
            );
            CompleteRequest::parse(body.as_bytes(), "up")
        };
        let one = body("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>").unwrap();
        assert_eq!(one.parts()[0].checksum.as_ref().unwrap().algorithm(), ChecksumAlgorithm::Crc32);
        assert!(body("<ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumCRC32C>AAAAAA==</ChecksumCRC32C>").is_err());
        assert!(body("<ChecksumCRC32>AAAA</ChecksumCRC32>").is_err());
    }

    #[test]
    fn a_bucket_may_name_its_region() {
        let location = |body: &str| CreateBucketConfiguration::parse(body.as_bytes()).map(|c| c.location_constraint);
        assert_eq!(location(""), Ok(None));
        let body = |inside: &str| format!("<CreateBucketConfiguration>{inside}</CreateBucketConfiguration>");
        assert_eq!(
            location(&body("<LocationConstraint>eu-west-1</LocationConstraint>")),
            Ok(Some("eu-west-1".to_owned()))
        );
        assert_eq!(location(&body("<LocationConstraint/>")), Ok(None));
        assert_eq!(location(&body("<Tags/>")), Ok(None));
        assert_eq!(location(&body("<Tags><Tag/></Tags>")).unwrap_err().code().as_str(), "MalformedXML");
        assert_eq!(location(&body("<Bucket/>")).unwrap_err().code().as_str(), "NotImplemented");
        assert_eq!(location("<X/>").unwrap_err().code().as_str(), "MalformedXML");
    }

    proptest! {
        #[test]
        fn bodies_never_panic(body in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = DeleteRequest::parse(&body);
            let _ = CompleteRequest::parse(&body, "up");
            let _ = CreateBucketConfiguration::parse(&body);
        }
    }
}
