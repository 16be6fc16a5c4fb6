//! Tags of objects and buckets: from a header, from and to XML.
//!
//! Source: Amazon S3 user guide, "Categorizing your objects using tags" and "Using cost allocation S3 bucket tags".

use std::collections::BTreeMap;

use gatepass_signing::encode::{self, Plus};

use crate::s3::error::S3Error;
use crate::s3::xml::reader::{Element, Limits, parse};
use crate::s3::xml::writer::XmlWriter;

/// The most tags of an object.
pub const OBJECT_TAGS_MAX: usize = 10;
/// The most tags of a bucket.
pub const BUCKET_TAGS_MAX: usize = 50;
/// The longest key. S3 counts in UTF-16.
pub const TAG_KEY_MAX: usize = 128;
/// The longest value, counted alike.
pub const TAG_VALUE_MAX: usize = 256;
/// The limits of a PutObjectTagging or PutBucketTagging body.
pub const TAGGING_LIMITS: Limits = Limits { bytes: 256 * 1024, elements: 1024 };

const HEADER: &str = "x-amz-tagging";

/// What is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// An object: at most [`OBJECT_TAGS_MAX`].
    Object,
    /// A bucket: at most [`BUCKET_TAGS_MAX`].
    Bucket,
}

/// Tags within the limits: keys are unique, and keys and values have the characters that S3 takes. They are in the order
/// of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TagSet(BTreeMap<String, String>);

impl TagSet {
    /// Reads `x-amz-tagging`: pairs as in a query. A key without `=` has an empty value.
    pub fn from_header(text: &str) -> Result<Self, S3Error> {
        let malformed = || {
            let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.";
            S3Error::invalid_argument(message, HEADER, text)
        };
        let mut tags = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if value.contains('=') {
                return Err(malformed());
            }
            let decoded = |text| encode::decode(text, Plus::Space).map_err(|_| malformed());
            if tags.insert(decoded(key)?.into_owned(), decoded(value)?.into_owned()).is_some() {
                return Err(malformed());
            }
        }
        Self::new(tags, Tagged::Object)
    }

    /// Parses the body of PutObjectTagging or PutBucketTagging, which is also the field `tagging` of a form.
    pub fn parse(body: &[u8], tagged: Tagged) -> Result<Self, S3Error> {
        let root = parse(body, "Tagging", TAGGING_LIMITS)?;
        let mut sets = root.all("TagSet");
        let (Some(set), None) = (sets.next(), sets.next()) else { return Err(S3Error::malformed_xml()) };
        Self::from_elements(set, tagged)
    }

    /// Reads the `Tag` elements in a `TagSet` or `Tags`, and nothing else may be there.
    pub(crate) fn from_elements(set: &Element, tagged: Tagged) -> Result<Self, S3Error> {
        let mut tags = BTreeMap::new();
        for tag in set.children() {
            if tag.name() != "Tag" {
                return Err(S3Error::malformed_xml());
            }
            let (key, value) = (tag.required("Key")?, tag.required("Value")?);
            if tags.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(S3Error::repeated_tag(key));
            }
        }
        Self::new(tags, tagged)
    }

    pub(crate) fn new(tags: BTreeMap<String, String>, tagged: Tagged) -> Result<Self, S3Error> {
        match tagged {
            Tagged::Object if tags.len() > OBJECT_TAGS_MAX => {
                return Err(S3Error::too_many_tags("Object tags cannot be greater than 10"));
            }
            Tagged::Bucket if tags.len() > BUCKET_TAGS_MAX => {
                return Err(S3Error::too_many_tags("Bucket tag count cannot be greater than 50"));
            }
            Tagged::Object | Tagged::Bucket => {}
        }
        for (key, value) in &tags {
            if key.starts_with("aws:") {
                return Err(S3Error::system_tag());
            }
            if key.is_empty() || !fits(key, TAG_KEY_MAX) {
                return Err(S3Error::invalid_tag_key(key));
            }
            if !fits(value, TAG_VALUE_MAX) {
                return Err(S3Error::invalid_tag_value(value));
            }
        }
        Ok(Self(tags))
    }

    /// The tags, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a tag.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs, to be kept.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Pairs that were kept. `None` where they are not within the limits of a bucket, the wider ones.
    pub fn from_map(tags: BTreeMap<String, String>) -> Option<Self> {
        Self::new(tags, Tagged::Bucket).ok()
    }

    /// The answer of GetObjectTagging and GetBucketTagging, which is also the body of the PUT.
    pub fn to_xml(&self) -> String {
        let mut xml = XmlWriter::new("Tagging");
        xml.element("TagSet", |xml| {
            for (key, value) in self.iter() {
                xml.element("Tag", |xml| {
                    xml.text("Key", key);
                    xml.text("Value", value);
                });
            }
        });
        xml.finish()
    }
}

/// Letters, numbers and spaces of any script, and `+ - = . _ : / @`.
fn fits(text: &str, max: usize) -> bool {
    let is_allowed = |character: char| {
        character.is_alphanumeric()
            || (character.is_whitespace() && !character.is_control())
            || "+-=._:/@".contains(character)
    };
    text.encode_utf16().count() <= max && text.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(result: Result<TagSet, S3Error>) -> &'static str {
        result.unwrap_err().code().as_str()
    }

    fn header_of(count: usize) -> String {
        (0..count).map(|index| format!("k{index}=v")).collect::<Vec<_>>().join("&")
    }

    fn xml_of(pairs: &[(&str, &str)]) -> String {
        let tags = pairs.iter().map(|(key, value)| format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"));
        format!("<Tagging><TagSet>{}</TagSet></Tagging>", tags.collect::<String>())
    }

    #[test]
    fn a_header_is_a_query_and_its_tags_are_in_the_order_of_their_keys() {
        let tags = TagSet::from_header("foo=b%20r+%2B&bar&caf%C3%A9=%40").unwrap();
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("bar", ""), ("café", "@"), ("foo", "b r +")]);
        assert_eq!(TagSet::from_header("").unwrap(), TagSet::default());
    }

    #[test]
    fn a_header_that_is_no_query_is_refused() {
        for header in ["a=1&a=2", "a=%ff", "a=%", "TagSet=[{Key=string,Value=string}]"] {
            assert_eq!(code(TagSet::from_header(header)), "InvalidArgument", "{header}");
        }
    }

    #[test]
    fn an_object_has_ten_tags_and_a_bucket_fifty() {
        assert_eq!(TagSet::from_header(&header_of(10)).unwrap().len(), 10);
        let error = TagSet::from_header(&header_of(11)).unwrap_err();
        assert_eq!((error.code().as_str(), error.message()), ("BadRequest", "Object tags cannot be greater than 10"));
        let names: Vec<String> = (0..51).map(|index| format!("k{index}")).collect();
        let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        let parse = |pairs: &[(&str, &str)], tagged| TagSet::parse(xml_of(pairs).as_bytes(), tagged);
        assert_eq!(parse(&pairs[..50], Tagged::Bucket).unwrap().len(), 50);
        assert_eq!(code(parse(&pairs, Tagged::Bucket)), "BadRequest");
        assert_eq!(parse(&pairs[..10], Tagged::Object).unwrap().len(), 10);
        assert_eq!(code(parse(&pairs[..11], Tagged::Object)), "BadRequest");
    }

    #[test]
    fn keys_and_values_have_their_lengths_in_utf_16() {
        let of = |key: &str, value: &str| TagSet::parse(xml_of(&[(key, value)]).as_bytes(), Tagged::Object);
        assert!(of(&"k".repeat(128), &"v".repeat(256)).is_ok());
        assert!(of(&"𝔘".repeat(64), &"é".repeat(256)).is_ok());
        for (key, value) in
            [("k".repeat(129), String::new()), ("𝔘".repeat(65), String::new()), ("k".into(), "v".repeat(257))]
        {
            assert_eq!(code(of(&key, &value)), "InvalidTag", "{key}");
        }
    }

    #[test]
    fn a_tag_that_is_none_is_named() {
        let of = |pairs: &[(&str, &str)]| TagSet::parse(xml_of(pairs).as_bytes(), Tagged::Object).unwrap_err();
        for (pairs, element, message) in [
            (&[("a", ""), ("a", "")][..], ("TagKey", "a"), "Cannot provide multiple Tags with the same key"),
            (&[("", "v")][..], ("TagKey", ""), "The TagKey you have provided is invalid"),
            (&[("a!", "v")][..], ("TagKey", "a!"), "The TagKey you have provided is invalid"),
            (&[("a", "v#")][..], ("TagValue", "v#"), "The TagValue you have provided is invalid"),
        ] {
            let error = of(pairs);
            assert_eq!((error.code().as_str(), error.message()), ("InvalidTag", message));
            assert_eq!(error.element(element.0), Some(element.1));
        }
        assert_eq!(of(&[("aws:cost", "v")]).code().as_str(), "InvalidTag");
    }

    #[test]
    fn a_body_is_one_tag_set() {
        for body in [
            "<Tagging/>",
            "<Tagging><TagSet/><TagSet/></Tagging>",
            "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
            "<Tagging><TagSet><Label/></TagSet></Tagging>",
        ] {
            assert_eq!(code(TagSet::parse(body.as_bytes(), Tagged::Object)), "MalformedXML", "{body}");
        }
        assert!(TagSet::parse(b"<Tagging><TagSet/></Tagging>", Tagged::Object).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn what_is_told_is_what_was_taken(tags in proptest::collection::btree_map("[a-z0-9 é+=._:/@-]{1,20}", "[a-zé ]{0,20}", 0..10)) {
            let tags = TagSet::from_map(tags).unwrap();
            prop_assert_eq!(TagSet::parse(tags.to_xml().as_bytes(), Tagged::Object).unwrap(), tags);
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,60}|[a=&%+]{0,30}") {
            let _ = TagSet::from_header(&text);
        }
    }
}
