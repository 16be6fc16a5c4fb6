//! What SigV2 signs of the target: the path, and the parameters that name a part of the resource or change the answer.

use crate::request::Query;

/// The parameters that are signed, in the order in which they are signed. The list is the union of what AWS documents
/// and of what its SDKs sign.
const SUB_RESOURCES: [&str; 38] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Appends `/bucket` where the host names it, the path as it was sent, and the sorted sub-resources with their values
/// decoded: what is signed is what takes effect. An empty value is as good as none (`?acl=` signs as `?acl`).
pub(super) fn push(out: &mut Vec<u8>, bucket_of_host: Option<&str>, raw_path: &str, query: &Query) {
    if let Some(bucket) = bucket_of_host {
        out.push(b'/');
        out.extend_from_slice(bucket.as_bytes());
    }
    out.extend_from_slice(raw_path.as_bytes());
    let mut signed: Vec<(&str, &str)> =
        query.iter().filter(|(name, _)| SUB_RESOURCES.binary_search(name).is_ok()).collect();
    // A stable sort: repeated names keep the order in which they arrived.
    signed.sort_by_key(|(name, _)| *name);
    for (index, (name, value)) in signed.into_iter().enumerate() {
        out.push(if index == 0 { b'?' } else { b'&' });
        out.extend_from_slice(name.as_bytes());
        if !value.is_empty() {
            out.push(b'=');
            out.extend_from_slice(value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(bucket: Option<&str>, path: &str, query: &str) -> String {
        let mut out = Vec::new();
        push(&mut out, bucket, path, &Query::parse(query).unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_list_is_sorted_so_that_it_can_be_searched() {
        assert!(SUB_RESOURCES.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn the_path_is_literal_and_the_bucket_of_the_host_comes_first() {
        assert_eq!(resource(None, "/b/a%2fb%2F/../c", ""), "/b/a%2fb%2F/../c");
        assert_eq!(resource(Some("b"), "/k", ""), "/b/k");
        assert_eq!(resource(Some("b"), "/", "location"), "/b/?location");
    }

    #[test]
    fn only_sub_resources_are_signed_sorted_and_decoded() {
        let query = "versionId=v1&prefix=p&acl=&response-content-type=text%2Fplain%3B+a&x-id=GetObject&Acl";
        assert_eq!(resource(None, "/b/k", query), "/b/k?acl&response-content-type=text/plain; a&versionId=v1");
        assert_eq!(resource(None, "/b/k", "partNumber=2&partNumber=1&max-keys=3"), "/b/k?partNumber=2&partNumber=1");
        // Documented as one of the weaknesses of the scheme: both sign alike.
        assert_eq!(
            resource(None, "/b/k", "response-content-type=a%26versionId%3D1"),
            resource(None, "/b/k", "response-content-type=a&versionId=1")
        );
    }
}
