//! The operation of a browser's form: a PutObject whose headers are fields.

use gatepass_signing::post_policy::verify::Upload;
use gatepass_signing::request::Query;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::PutObject;
use super::parameters::{check_access_control, check_unsupported, storage_class};
use crate::s3::checksum::BodyIntegrity;
use crate::s3::conditional::WriteCondition;
use crate::s3::error::S3Error;
use crate::s3::names::{BucketName, ObjectKey};
use crate::s3::object_headers::ObjectHeaders;
use crate::s3::tagging::{TagSet, Tagged};

/// Fields that are headers of the same name (AWS: "POST Object", "Form fields").
const HEADERS: [&str; 8] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
    "x-amz-storage-class",
];
/// Fields whose names begin so are headers, too.
const PREFIXES: [&str; 5] =
    ["x-amz-meta-", "x-amz-checksum-", "x-amz-server-side-encryption", "x-amz-object-lock-", "x-amz-grant-"];
/// Fields that mean something, but nothing that is done here. Tags are a document in the field `tagging`.
const NOT_IMPLEMENTED: [&str; 4] = ["x-amz-tagging", "x-amz-website-redirect-location", "if-match", "if-none-match"];

impl PutObject {
    /// The name of the operation that a form asks for.
    pub const FORM_NAME: &'static str = "PostObject";

    /// Reads the fields of a form that has been checked. Fields that S3 does not know mean nothing.
    pub fn from_form(bucket: BucketName, upload: &Upload) -> Result<Self, S3Error> {
        let key = ObjectKey::parse(upload.key()).map_err(|_| S3Error::key_too_long(upload.key().len()))?;
        let headers = headers(upload)?;
        let query = Query::default();
        check_unsupported(&headers, &query)?;
        check_access_control(&headers, &query, S3Error::access_control_list_not_supported)?;
        let tags = upload.field("tagging").map(|document| TagSet::parse(document.as_bytes(), Tagged::Object));
        let tags = tags.transpose()?.unwrap_or_default();
        Ok(Self {
            bucket,
            key,
            headers: ObjectHeaders::from_request(&headers, &query)?,
            storage_class: storage_class(&headers, &query)?.unwrap_or_default(),
            tags,
            condition: WriteCondition::Unconditional,
            integrity: BodyIntegrity::from_headers(&headers)?,
        })
    }
}

fn headers(upload: &Upload) -> Result<HeaderMap, S3Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in upload.fields() {
        if NOT_IMPLEMENTED.contains(&name) {
            return Err(S3Error::not_implemented(name));
        }
        let header = match name {
            "acl" | "x-amz-acl" => "x-amz-acl",
            _ if HEADERS.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => name,
            _ => continue,
        };
        let (Ok(header), Ok(value)) = (HeaderName::try_from(header), HeaderValue::from_bytes(value.as_bytes())) else {
            return Err(S3Error::invalid_argument("The field cannot be sent as a header.", name, ""));
        };
        headers.append(header, value);
    }
    Ok(headers)
}
