//! How the protocol's types are written into records: as the texts that go over the wire, and where there may be
//! millions of them, as the bytes that these spell. Records of before are JSON and have the texts.
#![expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde passes references to fields")]

use std::fmt;

use gatepass_protocol::s3::object_headers::ObjectHeaders;
use gatepass_protocol::s3::operation::StorageClass;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) mod timestamp {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(in crate::index) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        (time.as_second(), time.subsec_nanosecond()).serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        if deserializer.is_human_readable() {
            return Timestamp::deserialize(deserializer);
        }
        let (second, nanosecond) = <(i64, i32)>::deserialize(deserializer)?;
        Timestamp::new(second, nanosecond).map_err(de::Error::custom)
    }
}

/// A value as the bytes that it consists of, or as its text.
enum Spelled {
    Bytes(Vec<u8>),
    Text(String),
}

impl Serialize for Spelled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Spelled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Spelled;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("bytes or text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Spelled, E> {
                Ok(Spelled::Bytes(bytes.to_owned()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Spelled, E> {
                Ok(Spelled::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

pub(super) mod etag {
    use gatepass_protocol::s3::names::Etag;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::Spelled;

    pub(in crate::index) fn serialize<S: Serializer>(etag: &Etag, serializer: S) -> Result<S::Ok, S::Error> {
        // A tag that is no MD5, or spells it otherwise than we do, stays as it is.
        let md5 = etag.md5().filter(|md5| Etag::from_md5(md5) == *etag);
        md5.map_or_else(|| Spelled::Text(etag.as_str().to_owned()), |md5| Spelled::Bytes(md5.into()))
            .serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Etag, D::Error> {
        let etag = match Spelled::deserialize(deserializer)? {
            Spelled::Bytes(md5) => md5.as_slice().try_into().ok().map(Etag::from_md5),
            Spelled::Text(text) => Etag::parse(&text),
        };
        etag.ok_or_else(|| de::Error::custom("not an entity tag"))
    }
}

pub(super) mod checksum {
    use std::borrow::Cow;

    use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm, ChecksumType};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::Spelled;

    pub(in crate::index) fn serialize<S: Serializer>(
        checksum: &Option<Checksum>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let written = checksum.as_ref().map(|checksum| {
            let value = match checksum.checksum_type() {
                ChecksumType::FullObject => Spelled::Bytes(checksum.digest().to_owned()),
                ChecksumType::Composite => Spelled::Text(checksum.to_text()),
            };
            (checksum.algorithm().as_str(), value)
        });
        written.serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Checksum>, D::Error> {
        let written = Option::<(Cow<'de, str>, Spelled)>::deserialize(deserializer)?;
        let Some((algorithm, value)) = written else { return Ok(None) };
        let checksum = ChecksumAlgorithm::parse(&algorithm).and_then(|algorithm| match value {
            Spelled::Bytes(digest) => Checksum::from_digest(algorithm, digest),
            Spelled::Text(text) => Checksum::parse(algorithm, &text),
        });
        checksum.map(Some).ok_or_else(|| de::Error::custom("not a checksum"))
    }
}

pub(super) mod checksum_kind {
    use gatepass_protocol::s3::checksum::{ChecksumAlgorithm, ChecksumType};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(in crate::index) type Kind = (ChecksumAlgorithm, ChecksumType);

    pub(in crate::index) fn serialize<S: Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
        kind.map(|(algorithm, kind)| (algorithm.as_str(), kind.as_str())).serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
        let Some((algorithm, kind)) = Option::<(String, String)>::deserialize(deserializer)? else { return Ok(None) };
        match (ChecksumAlgorithm::parse(&algorithm), ChecksumType::parse(&kind)) {
            (Some(algorithm), Some(kind)) => Ok(Some((algorithm, kind))),
            _ => Err(de::Error::custom("not a kind of checksum")),
        }
    }
}

pub(super) mod headers {
    use std::collections::BTreeMap;

    use gatepass_protocol::s3::object_headers::ObjectHeaders;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "ObjectHeaders")]
    struct Headers {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_disposition: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_encoding: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_language: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<String>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        metadata: BTreeMap<String, String>,
    }

    pub(in crate::index) fn serialize<S: Serializer>(
        headers: &ObjectHeaders,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Headers::serialize(headers, serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectHeaders, D::Error> {
        Headers::deserialize(deserializer)
    }
}

pub(super) mod storage_class {
    use gatepass_protocol::s3::operation::StorageClass;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::index) fn serialize<S: Serializer>(class: &StorageClass, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(class.as_str())
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StorageClass, D::Error> {
        let name = String::deserialize(deserializer)?;
        StorageClass::parse(&name).ok_or_else(|| de::Error::custom("not a storage class"))
    }
}

pub(super) mod public_access_block {
    use gatepass_protocol::s3::public_access_block::PublicAccessBlock;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::index) fn serialize<S: Serializer>(
        block: &Option<PublicAccessBlock>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let switches = block.map(|block| {
            [
                block.block_public_acls,
                block.ignore_public_acls,
                block.block_public_policy,
                block.restrict_public_buckets,
            ]
        });
        switches.serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PublicAccessBlock>, D::Error> {
        let switches = Option::<[bool; 4]>::deserialize(deserializer)?;
        Ok(switches.map(|[block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets]| {
            PublicAccessBlock { block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets }
        }))
    }
}

pub(super) mod tags {
    use std::collections::BTreeMap;

    use gatepass_protocol::s3::tagging::TagSet;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(in crate::index) fn serialize<S: Serializer>(tags: &TagSet, serializer: S) -> Result<S::Ok, S::Error> {
        tags.as_map().serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TagSet, D::Error> {
        let tags = BTreeMap::<String, String>::deserialize(deserializer)?;
        TagSet::from_map(tags).ok_or_else(|| de::Error::custom("not tags"))
    }
}

pub(super) mod optional_tags {
    use gatepass_protocol::s3::tagging::TagSet;
    use serde::{Deserializer, Serialize, Serializer};

    pub(in crate::index) fn serialize<S: Serializer>(tags: &Option<TagSet>, serializer: S) -> Result<S::Ok, S::Error> {
        tags.as_ref().map(TagSet::as_map).serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<TagSet>, D::Error> {
        super::tags::deserialize(deserializer).map(Some)
    }
}

pub(super) mod versioning {
    use gatepass_protocol::s3::xml::settings::Versioning;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::index) fn serialize<S: Serializer>(
        state: &Option<Versioning>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        state.map(Versioning::as_str).serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Versioning>, D::Error> {
        let Some(word) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        Versioning::parse(&word).map(Some).ok_or_else(|| D::Error::custom("not a state of versioning"))
    }
}

pub(super) fn is_empty(headers: &ObjectHeaders) -> bool {
    *headers == ObjectHeaders::default()
}

pub(super) fn is_standard(class: &StorageClass) -> bool {
    *class == StorageClass::Standard
}
