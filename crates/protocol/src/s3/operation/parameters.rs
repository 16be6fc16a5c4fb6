//! Single parameters and headers, and what S3 says of their illegal values.

use http::HeaderMap;

use gatepass_signing::request::Query;

use super::{BUCKETS_PAGE_MAX, EncodingType, PAGE_MAX, StorageClass, TaggingDirective};
use crate::s3::error::{ErrorCode, S3Error};
use crate::s3::header_lines::single_header;
use crate::s3::names::{PartNumber, VersionId};
use crate::s3::tagging::TagSet;

/// A header, or the same name in the query: S3 honours a few that presigners move there. Names in the query are
/// matched without case.
fn header_or_hoisted<'a>(
    headers: &'a HeaderMap,
    query: &'a Query,
    name: &'static str,
) -> Result<Option<&'a str>, S3Error> {
    let hoisted = || query.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    Ok(single_header(headers, name)?.or_else(hoisted))
}

/// The length of a page: a number below zero or not a number is refused, one above the maximum is cut.
pub(super) fn page_length(query: &Query, name: &'static str) -> Result<u32, S3Error> {
    let Some(text) = query.get(name).filter(|text| !text.is_empty()) else { return Ok(PAGE_MAX) };
    let number: i32 = text.parse().map_err(|_| {
        S3Error::invalid_argument(format!("Provided {name} not an integer or within integer range"), name, text)
    })?;
    let number = u32::try_from(number).map_err(|_| {
        S3Error::invalid_argument(format!("Argument {name} must be an integer between 0 and 2147483647"), name, text)
    })?;
    Ok(number.min(PAGE_MAX))
}

/// The same of a header, as GetObjectAttributes has it.
pub(super) fn number_header(headers: &HeaderMap, name: &'static str) -> Result<Option<u32>, S3Error> {
    let Some(text) = single_header(headers, name)? else { return Ok(None) };
    let number = text.parse::<i32>().ok().and_then(|number| u32::try_from(number).ok());
    number.map(Some).ok_or_else(|| {
        S3Error::invalid_argument(format!("Argument {name} must be an integer between 0 and 2147483647"), name, text)
    })
}

pub(super) fn max_buckets(query: &Query) -> Result<Option<u32>, S3Error> {
    let Some(text) = query.get("max-buckets") else { return Ok(None) };
    if let Ok(number @ 1..=BUCKETS_PAGE_MAX) = text.parse() {
        return Ok(Some(number));
    }
    let message = format!("Argument max-buckets must be an integer between 1 and {BUCKETS_PAGE_MAX}");
    Err(S3Error::invalid_argument(message, "max-buckets", text))
}

pub(super) fn encoding_type(query: &Query) -> Result<Option<EncodingType>, S3Error> {
    match query.get("encoding-type") {
        None | Some("") => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("url") => Ok(Some(EncodingType::Url)),
        Some(text) => {
            Err(S3Error::invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", text))
        }
    }
}

/// A text parameter; an empty one counts as missing.
pub(super) fn text(query: &Query, name: &str) -> Option<String> {
    query.get(name).filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(super) fn continuation_token(query: &Query) -> Result<Option<String>, S3Error> {
    match query.get("continuation-token") {
        Some("") => {
            Err(S3Error::invalid_argument("The continuation token provided is incorrect", "continuation-token", ""))
        }
        token => Ok(token.map(str::to_owned)),
    }
}

pub(super) fn part_number(text: &str) -> Result<PartNumber, S3Error> {
    PartNumber::parse(text).ok_or_else(|| {
        S3Error::invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", text)
    })
}

/// The version that a request names.
pub(super) fn version_id(query: &Query) -> Result<Option<VersionId>, S3Error> {
    query.get("versionId").map(parse_version_id).transpose()
}

pub(super) fn parse_version_id(text: &str) -> Result<VersionId, S3Error> {
    VersionId::parse(text).ok_or_else(|| S3Error::invalid_version_id(text))
}

/// The class that a write names. Classes that need a restore before they can be read are known, and not implemented.
pub(super) fn storage_class(headers: &HeaderMap, query: &Query) -> Result<Option<StorageClass>, S3Error> {
    const NAME: &str = "x-amz-storage-class";
    let Some(name) = header_or_hoisted(headers, query, NAME)? else { return Ok(None) };
    match (StorageClass::parse(name), name) {
        (Some(class), _) => Ok(Some(class)),
        (None, "GLACIER" | "DEEP_ARCHIVE") => Err(S3Error::not_implemented(NAME)),
        (None, _) => Err(S3Error::invalid_storage_class(name)),
    }
}

/// Object ownership is "bucket owner enforced", as it is for every new bucket at AWS: access control lists are off, and
/// only those that change nothing are taken ("Controlling ownership of objects and disabling ACLs"). What is answered to the
/// others depends on whether the bucket is there already.
pub(super) fn check_access_control(
    headers: &HeaderMap,
    query: &Query,
    refusal: fn() -> S3Error,
) -> Result<(), S3Error> {
    match header_or_hoisted(headers, query, "x-amz-acl")? {
        None | Some("private" | "bucket-owner-full-control") => {}
        Some(
            "public-read" | "public-read-write" | "authenticated-read" | "aws-exec-read" | "bucket-owner-read"
            | "log-delivery-write",
        ) => return Err(refusal()),
        Some(other) => return Err(S3Error::invalid_argument("The canned ACL is unknown.", "x-amz-acl", other)),
    }
    if headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-")) {
        return Err(refusal());
    }
    Ok(())
}

/// Whether the request says in a header what the access control list shall be.
pub(super) fn names_access_control(headers: &HeaderMap, query: &Query) -> Result<bool, S3Error> {
    Ok(header_or_hoisted(headers, query, "x-amz-acl")?.is_some())
}

/// The tags that a header names. In the query S3 ignores them.
pub(super) fn tags(headers: &HeaderMap) -> Result<TagSet, S3Error> {
    single_header(headers, "x-amz-tagging")?.map_or_else(|| Ok(TagSet::default()), TagSet::from_header)
}

/// Where the tags of a copy come from.
pub(super) fn tagging_directive(headers: &HeaderMap) -> Result<TaggingDirective, S3Error> {
    const NAME: &str = "x-amz-tagging-directive";
    match single_header(headers, NAME)? {
        None | Some("COPY") => Ok(TaggingDirective::Copy),
        Some("REPLACE") => Ok(TaggingDirective::Replace(tags(headers)?)),
        Some(other) => Err(S3Error::invalid_argument("Unknown tagging directive.", NAME, other)),
    }
}

/// Refuses headers that ask for what this store does not do. Encryption above all: an answer that claims it would lie.
pub(super) fn check_unsupported(headers: &HeaderMap, query: &Query) -> Result<(), S3Error> {
    const PREFIXES: [&str; 4] = [
        "x-amz-server-side-encryption",
        "x-amz-copy-source-server-side-encryption",
        "x-amz-object-lock-",
        "x-amz-if-match-",
    ];
    // `x-amz-bypass-governance-retention` asks for nothing where no object can be locked, and S3 takes it there.
    const NAMES: [&str; 4] =
        ["x-amz-website-redirect-location", "x-amz-mfa", "x-amz-write-offset-bytes", "x-amz-rename-source"];
    /// Headers with the one value that asks for nothing.
    const HARMLESS: [(&str, &str); 4] = [
        ("x-amz-transition-default-minimum-object-size", "all_storage_classes_128K"),
        ("x-amz-bucket-object-lock-enabled", "false"),
        ("x-amz-object-ownership", "BucketOwnerEnforced"),
        ("x-amz-bucket-namespace", "global"),
    ];
    for (name, value) in headers {
        let name = name.as_str();
        let unsupported = PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || NAMES.contains(&name)
            || HARMLESS
                .iter()
                .any(|(other, harmless)| *other == name && !value.as_bytes().eq_ignore_ascii_case(harmless.as_bytes()));
        if unsupported {
            return Err(S3Error::not_implemented(name));
        }
    }
    // In the query S3 ignores all of these. Ignoring this one would write an empty object in place of a copy.
    let hoisted_copy = query.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-amz-copy-source"));
    if hoisted_copy { Err(S3Error::not_implemented("x-amz-copy-source")) } else { Ok(()) }
}

/// The sub-resource that the query names, if it does. Two are refused, as at AWS.
pub(super) fn sub_resource(query: &Query) -> Result<Option<&'static str>, S3Error> {
    // Most queries consist of the parameters of a signature, which begin with a capital letter, as no sub-resource does.
    let named: Vec<&str> = query
        .iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
        .collect();
    let mut found = KNOWN.iter().chain(&NOT_IMPLEMENTED).copied().filter(|name| named.contains(name));
    let Some(first) = found.next() else { return Ok(None) };
    if let Some(second) = found.next() {
        let message = format!("Conflicting query string parameters: {first}, {second}");
        return Err(S3Error::invalid_argument(message, "ResourceType", first));
    }
    if NOT_IMPLEMENTED.contains(&first) {
        return Err(S3Error::not_implemented(first));
    }
    Ok(Some(first))
}

/// Sub-resources that an operation here has.
pub(super) const KNOWN: [&str; 28] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "retention",
    "tagging",
    "uploads",
    "versioning",
    "versions",
    "website",
];

/// Sub-resources of S3 that no operation here has.
const NOT_IMPLEMENTED: [&str; 13] = [
    "abac",
    "annotation",
    "annotations",
    "append",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "renameObject",
    "restore",
    "select",
    "session",
    "torrent",
];

/// A parameter that appears twice: which value counts would be a guess.
pub(super) fn check_repeated(query: &Query) -> Result<(), S3Error> {
    match query.repeated() {
        None => Ok(()),
        Some(name) => Err(S3Error::new(ErrorCode::InvalidArgument, "The query parameter appears more than once.")
            .with("ArgumentName", name)),
    }
}
