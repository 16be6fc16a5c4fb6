//! Access control lists of a bucket whose owner owns everything in it: there is one list, and no other is taken.
//!
//! Source: Amazon S3 user guide, "Controlling ownership of objects and disabling ACLs for your bucket".

use crate::s3::error::S3Error;
use crate::s3::xml::reader::{Element, Limits, parse};
use crate::s3::xml::responses::Owner;
use crate::s3::xml::writer::XmlWriter;

/// The limits of a PutBucketAcl or PutObjectAcl body. A list has at most 100 grants.
pub const ACL_LIMITS: Limits = Limits { bytes: 64 * 1024, elements: 1024 };

const FULL_CONTROL: &str = "FULL_CONTROL";

/// The answer of GetBucketAcl and GetObjectAcl: the owner may everything.
pub fn owner_full_control(owner: &Owner) -> String {
    let mut xml = XmlWriter::new("AccessControlPolicy");
    let identity = |xml: &mut XmlWriter| {
        xml.text("ID", &owner.id);
        xml.text("DisplayName", &owner.display_name);
    };
    xml.element("Owner", identity);
    xml.element("AccessControlList", |xml| {
        xml.element("Grant", |xml| {
            xml.typed_element("Grantee", "CanonicalUser", identity);
            xml.text("Permission", FULL_CONTROL);
        });
    });
    xml.finish()
}

/// Takes the body of PutBucketAcl or PutObjectAcl where it says what is so already, and no other.
pub fn check_changes_nothing(body: &[u8], owner: &Owner) -> Result<(), S3Error> {
    let root = parse(body, "AccessControlPolicy", ACL_LIMITS)?;
    let named = only(&root, "Owner")?.optional("ID")?.ok_or_else(S3Error::malformed_acl)?;
    let grants = only(&root, "AccessControlList")?.children().iter().map(grant).collect::<Result<Vec<_>, _>>()?;
    let is_owners = |grant: &Grant<'_>| grant.grantee == Some(owner.id.as_str()) && grant.permission == FULL_CONTROL;
    if named == owner.id && !grants.is_empty() && grants.iter().all(is_owners) {
        return Ok(());
    }
    Err(S3Error::access_control_list_not_supported())
}

fn only<'a>(parent: &'a Element, name: &'a str) -> Result<&'a Element, S3Error> {
    let mut found = parent.all(name);
    match (found.next(), found.next()) {
        (Some(element), None) => Ok(element),
        _ => Err(S3Error::malformed_acl()),
    }
}

struct Grant<'a> {
    /// The id of the grantee; groups and addresses have none.
    grantee: Option<&'a str>,
    permission: &'a str,
}

fn grant(element: &Element) -> Result<Grant<'_>, S3Error> {
    const PERMISSIONS: [&str; 5] = [FULL_CONTROL, "READ", "WRITE", "READ_ACP", "WRITE_ACP"];
    let grantee = only(element, "Grantee")?;
    let permission = element.optional("Permission")?.ok_or_else(S3Error::malformed_acl)?;
    if element.name() != "Grant" || !PERMISSIONS.contains(&permission) {
        return Err(S3Error::malformed_acl());
    }
    Ok(Grant { grantee: grantee.optional("ID")?, permission })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { id: "abc".to_owned(), display_name: "root".to_owned() }
    }

    fn code(body: &str) -> Option<&'static str> {
        check_changes_nothing(body.as_bytes(), &owner()).err().map(|error| error.code().as_str())
    }

    #[test]
    fn the_list_that_is_told_is_the_list_that_is_taken() {
        let told = owner_full_control(&owner());
        assert!(told.contains("xsi:type=\"CanonicalUser\""), "{told}");
        assert_eq!(code(&told), None);
    }

    #[test]
    fn a_list_that_would_change_something_is_refused() {
        let told = owner_full_control(&owner());
        for changed in [
            told.replace("FULL_CONTROL", "READ"),
            told.replacen("<ID>abc", "<ID>other", 1),
            told.replace(
                "<ID>abc</ID><DisplayName>root</DisplayName></Grantee>",
                "<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>",
            ),
        ] {
            assert_eq!(code(&changed), Some("AccessControlListNotSupported"), "{changed}");
        }
    }

    #[test]
    fn what_is_no_list_is_malformed() {
        let told = owner_full_control(&owner());
        for text in [
            told.replace("FULL_CONTROL", "EVERYTHING"),
            told.replace("Grantee", "Guarantee"),
            told.replace("Owner>", "Renter>"),
        ] {
            assert_eq!(code(&text), Some("MalformedACLError"), "{text}");
        }
        assert_eq!(code("<AccessControlPolicy>"), Some("MalformedXML"));
    }
}
