//! The public access block of a bucket.
//!
//! Source: Amazon S3 user guide, "Blocking public access to your Amazon S3 storage".

use crate::s3::error::S3Error;
use crate::s3::xml::reader::{Element, Limits, parse};
use crate::s3::xml::writer::XmlWriter;

/// The limits of the body.
pub const PUBLIC_ACCESS_BLOCK_LIMITS: Limits = Limits { bytes: 16 * 1024, elements: 64 };

/// Four switches. One that a document does not name is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches are what S3 has")]
pub struct PublicAccessBlock {
    /// Lists that grant to everybody are refused.
    pub block_public_acls: bool,
    /// Lists that grant to everybody do not count.
    pub ignore_public_acls: bool,
    /// A policy that is public is refused.
    pub block_public_policy: bool,
    /// A policy that is public counts for nobody but the owner's account and AWS's services.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// What a new bucket has, since April 2023.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    /// Parses the body of PutPublicAccessBlock.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        let root = parse(body, "PublicAccessBlockConfiguration", PUBLIC_ACCESS_BLOCK_LIMITS)?;
        Ok(Self {
            block_public_acls: switch(&root, "BlockPublicAcls")?,
            ignore_public_acls: switch(&root, "IgnorePublicAcls")?,
            block_public_policy: switch(&root, "BlockPublicPolicy")?,
            restrict_public_buckets: switch(&root, "RestrictPublicBuckets")?,
        })
    }

    /// The answer of GetPublicAccessBlock, which is also the body of PutPublicAccessBlock.
    pub fn to_xml(self) -> String {
        let mut xml = XmlWriter::new("PublicAccessBlockConfiguration");
        xml.boolean("BlockPublicAcls", self.block_public_acls);
        xml.boolean("IgnorePublicAcls", self.ignore_public_acls);
        xml.boolean("BlockPublicPolicy", self.block_public_policy);
        xml.boolean("RestrictPublicBuckets", self.restrict_public_buckets);
        xml.finish()
    }
}

fn switch(root: &Element, name: &str) -> Result<bool, S3Error> {
    match root.optional(name)?.map(str::trim) {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(S3Error::malformed_xml()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_and_what_it_does_not_name_is_off() {
        for block in [
            PublicAccessBlock::ALL,
            PublicAccessBlock::default(),
            PublicAccessBlock { block_public_policy: true, ..PublicAccessBlock::default() },
        ] {
            assert_eq!(PublicAccessBlock::parse(block.to_xml().as_bytes()), Ok(block));
        }
        let some = "<PublicAccessBlockConfiguration><IgnorePublicAcls>TRUE</IgnorePublicAcls>\
                    </PublicAccessBlockConfiguration>";
        let expected = PublicAccessBlock { ignore_public_acls: true, ..PublicAccessBlock::default() };
        assert_eq!(PublicAccessBlock::parse(some.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_switch_is_true_or_false() {
        for text in ["", "yes", "1"] {
            let body = format!(
                "<PublicAccessBlockConfiguration><BlockPublicAcls>{text}</BlockPublicAcls></PublicAccessBlockConfiguration>"
            );
            assert_eq!(PublicAccessBlock::parse(body.as_bytes()).unwrap_err().code().as_str(), "MalformedXML");
        }
    }
}
