//! `gatepass sign get`, `head`, `put` and `delete`: a URL that works for one method, one object and a while.

use gatepass_signing::{
    address::Address,
    disposition::ContentDisposition,
    signed_url::SignedUrl,
    sigv4::{
        KeyCache,
        presign::{Method, Presign, PresignError, ResponseOverride},
    },
    sigv4a::RegionSet,
};
use serde_json::{Map, Value, json};

use super::life;
use crate::{
    args::{Dialect, Disposition, SignCommon, SignDelete, SignPut, SignRead},
    credentials,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    place,
    values::Pair,
};

/// How the object is encrypted ("PutObject").
const SSE: &str = "x-amz-server-side-encryption";
const SSE_KMS_KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";

/// What is asked for, method by method, in one shape.
struct Request<'a> {
    method: Method,
    /// The name that the JavaScript SDK writes into `x-id`.
    operation: &'static str,
    common: &'a SignCommon,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
}

/// A URL that reads.
pub(super) fn read(method: Method, operation: &'static str, read: &SignRead, output: Output) -> Result {
    finish(&of_read(method, operation, read)?, output)
}

/// A URL that uploads.
pub(super) fn put(put: &SignPut, output: Output) -> Result {
    finish(&of_put(put), output)
}

/// A URL that deletes.
pub(super) fn delete(delete: &SignDelete, output: Output) -> Result {
    let query = version(delete.version_id.as_ref());
    let request = Request {
        method: Method::Delete,
        operation: "DeleteObject",
        common: &delete.common,
        query,
        headers: Vec::new(),
    };
    finish(&request, output)
}

fn of_read<'a>(method: Method, operation: &'static str, read: &'a SignRead) -> Result<Request<'a>> {
    let mut query = version(read.version_id.as_ref());
    for Pair { name, value } in &read.response_headers {
        let known = OVERRIDES.iter().find(|known| known.parameter().strip_prefix("response-") == Some(name.as_str()));
        let Some(known) = known else {
            let names: Vec<&str> = OVERRIDES.iter().map(|known| &known.parameter()["response-".len()..]).collect();
            return Err(Failure::usage(format_args!("S3 cannot set the response header `{name}`"))
                .hint(format_args!("it can set {}", names.join(", "))));
        };
        query.push((known.parameter().to_owned(), value.clone()));
    }
    let filename = read.filename.as_deref();
    let disposition = match (read.disposition, filename) {
        (None, None) => None,
        (None | Some(Disposition::Attachment), Some(name)) => {
            Some(ContentDisposition::attachment(name).as_str().to_owned())
        }
        (Some(Disposition::Inline), Some(name)) => Some(ContentDisposition::inline(name).as_str().to_owned()),
        (Some(Disposition::Attachment), None) => Some("attachment".to_owned()),
        (Some(Disposition::Inline), None) => Some("inline".to_owned()),
    };
    if let Some(disposition) = disposition {
        query.push((ResponseOverride::ContentDisposition.parameter().to_owned(), disposition));
    }
    Ok(Request { method, operation, common: &read.common, query, headers: Vec::new() })
}

const OVERRIDES: [ResponseOverride; 6] = [
    ResponseOverride::CacheControl,
    ResponseOverride::ContentDisposition,
    ResponseOverride::ContentEncoding,
    ResponseOverride::ContentLanguage,
    ResponseOverride::ContentType,
    ResponseOverride::Expires,
];

fn of_put(put: &SignPut) -> Request<'_> {
    let mut headers = Vec::new();
    headers.extend(put.content_type.as_ref().map(|value| ("content-type", value.clone())));
    headers.extend(put.content_length.map(|size| ("content-length", size.as_bytes().to_string())));
    headers.extend(put.checksum.as_ref().map(|checksum| (checksum.header, checksum.value.clone())));
    headers.extend(put.if_none_match.as_ref().map(|value| ("if-none-match", value.clone())));
    headers.extend(put.sse.as_ref().map(|value| (SSE, value.clone())));
    headers.extend(put.sse_kms_key_id.as_ref().map(|value| (SSE_KMS_KEY_ID, value.clone())));
    Request { method: Method::Put, operation: "PutObject", common: &put.common, query: Vec::new(), headers }
}

fn version(id: Option<&String>) -> Vec<(String, String)> {
    id.map(|id| ("versionId".to_owned(), id.clone())).into_iter().collect()
}

fn finish(request: &Request<'_>, output: Output) -> Result {
    let SignCommon { object, headers, dialect, region_set, life, place, identity } = request.common;
    let regions = region_set.as_deref().map(RegionSet::parse).transpose();
    let regions = regions.map_err(|error| Failure::usage(format_args!("--region-set: {error}")))?;
    let window = life::window(life)?;
    let now = life::now(life);
    let located = place::locate(place, identity.profile.as_deref(), &object.bucket)?;
    let address = Address::object(&located.endpoint, located.style, &object.bucket, &object.key);
    let address = address.map_err(Failure::usage)?;
    let credentials = credentials::signer(identity, &located.region, place.endpoint.as_deref())?;

    let mut presign = Presign::new(&credentials, located.region, address, request.method).expires(window);
    for (name, value) in &request.query {
        presign = presign.query(name, value).map_err(refused)?;
    }
    for (name, value) in &request.headers {
        presign = presign.header(name, value).map_err(refused)?;
    }
    for Pair { name, value } in headers {
        presign = presign.header(name, value).map_err(refused)?;
    }
    match dialect {
        Dialect::Gatepass | Dialect::Boto => {}
        Dialect::Js => presign = presign.query("x-id", request.operation).map_err(refused)?.unsigned_payload_in_query(),
    }
    let keys = KeyCache::new();
    let signed = match &regions {
        None => presign.sign(&keys, now),
        Some(regions) => presign.sign_for_regions(regions, &keys, now),
    };
    let signed = signed.map_err(refused)?;
    life::long_enough(life, signed.life(), now)?;
    print(&signed, output)
}

fn refused(error: PresignError) -> Failure {
    match error {
        PresignError::CredentialsExpired => Failure::refused(error).hint("sign in again, or renew them"),
        error => Failure::usage(error),
    }
}

fn print(signed: &SignedUrl, output: Output) -> Result {
    let headers: Map<String, Value> = signed.headers().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let mut document = json!({ "url": signed.expose(), "method": signed.method(), "headers": headers });
    life::describe(signed.life(), &mut document);
    output.result(signed.expose(), &document).explain("the URL cannot be printed")?;
    if !output.is_json() {
        for (name, value) in signed.headers() {
            Output::note(format_args!("send this header: {name}: {value}"));
        }
        life::note(signed.life());
    }
    Ok(Outcome::Done)
}
