//! How the protocol's types are written into records: as the texts that go over the wire.
#![expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde passes references to fields")]

use gatepass_protocol::s3::operation::StorageClass;

pub(super) mod etag {
    use gatepass_protocol::s3::names::Etag;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::index) fn serialize<S: Serializer>(etag: &Etag, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(etag.as_str())
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Etag, D::Error> {
        let text = String::deserialize(deserializer)?;
        Etag::parse(&text).ok_or_else(|| de::Error::custom("not an entity tag"))
    }
}

pub(super) mod checksum {
    use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(in crate::index) fn serialize<S: Serializer>(
        checksum: &Option<Checksum>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let texts = checksum.as_ref().map(|checksum| (checksum.algorithm().as_str(), checksum.to_text()));
        texts.serialize(serializer)
    }

    pub(in crate::index) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Checksum>, D::Error> {
        let Some((algorithm, text)) = Option::<(String, String)>::deserialize(deserializer)? else { return Ok(None) };
        let checksum = ChecksumAlgorithm::parse(&algorithm).and_then(|algorithm| Checksum::parse(algorithm, &text));
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

pub(super) fn is_standard(class: &StorageClass) -> bool {
    *class == StorageClass::Standard
}
