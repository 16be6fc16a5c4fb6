//! The limits, each with a request that has so much of it.

#![expect(clippy::unnecessary_wraps, reason = "every row makes its request in a function of one type")]

use std::ops::Range;

use anyhow::Result;
use bytes::Bytes;
use gatepass_iam::{MAX_BUCKET_POLICY_TEXT_BYTES, MAX_DOCUMENT_BYTES};
use gatepass_protocol::s3::acl::ACL_LIMITS;
use gatepass_protocol::s3::checksum::{Checksum, ChecksumAlgorithm};
use gatepass_protocol::s3::names::{BUCKET_NAME_MAX, KEY_MAX_BYTES, PART_NUMBER_MAX};
use gatepass_protocol::s3::object_headers::USER_METADATA_MAX;
use gatepass_protocol::s3::post_form::{BOUNDARY_MAX, MAX_FORM_BYTES};
use gatepass_protocol::s3::public_access_block::PUBLIC_ACCESS_BLOCK_LIMITS;
use gatepass_protocol::s3::tagging::{BUCKET_TAGS_MAX, OBJECT_TAGS_MAX, TAG_KEY_MAX, TAG_VALUE_MAX, TAGGING_LIMITS};
use gatepass_protocol::s3::xml::requests::{COMPLETE_LIMITS, CREATE_BUCKET_LIMITS, DELETE_KEYS_MAX, DELETE_LIMITS};
use gatepass_protocol::s3::xml::settings::SETTING_LIMITS;
use gatepass_protocol::s3::{cors, lifecycle};
use gatepass_signing::request::{Query, Target};
use gatepass_signing::sigv4::presign::Method;
use gatepass_signing::time::Lifetime;
use gatepass_store::{CONTENT_MAX_BYTES, MAX_HEAD_BYTES, MAX_HEADERS};

use super::{BUCKET, KEY, Limit, Request, Scene, Sent, Signature};

/// All of them.
pub(super) fn limits() -> Vec<Limit> {
    let mut limits = vec![
        // The head.
        row("bytes of a head", MAX_HEAD_BYTES, head_bytes, 200, (431, "")),
        row("lines of a head", MAX_HEADERS, head_lines, 200, (431, "")),
        row("bytes of a target", Target::MAX_BYTES, target_bytes, 200, (400, "InvalidURI")),
        row("parameters of a query", Query::MAX_PARAMETERS, parameters, 200, (400, "InvalidRequest")),
        row("bytes of a key", KEY_MAX_BYTES, key, 200, (400, "KeyTooLongError")),
        row("characters of a bucket's name", BUCKET_NAME_MAX, bucket_name, 200, (400, "InvalidBucketName")),
        row("bytes of user metadata", USER_METADATA_MAX, metadata, 200, (400, "MetadataTooLarge")),
        row("tags of an object", OBJECT_TAGS_MAX, object_tags, 200, (400, "BadRequest")),
        row("characters of a tag's key", TAG_KEY_MAX, tag_key, 200, (400, "InvalidTag")),
        row("characters of a tag's value", TAG_VALUE_MAX, tag_value, 200, (400, "InvalidTag")),
        row("number of a part", PART_NUMBER_MAX.into(), part_number, 200, (400, "InvalidArgument")),
        // Documents: what they hold.
        row("tags of a bucket", BUCKET_TAGS_MAX, bucket_tags, 204, (400, "BadRequest")),
        row("keys of DeleteObjects", DELETE_KEYS_MAX, delete_keys, 200, (400, "MalformedXML")),
        row("rules of CORS", cors::RULES_MAX, cors_rules, 200, (400, "InvalidRequest")),
        row("characters of a CORS rule's id", cors::RULE_ID_MAX, cors_id, 200, (400, "InvalidArgument")),
        row("rules of a lifecycle", lifecycle::RULES_MAX, lifecycle_rules, 200, (400, "InvalidRequest")),
        row("characters of a lifecycle rule's id", lifecycle::RULE_ID_MAX, lifecycle_id, 200, (400, "InvalidArgument")),
        row("bytes of a bucket's policy", MAX_DOCUMENT_BYTES, policy, 204, (400, "MalformedPolicy")),
        row("bytes of its text", MAX_BUCKET_POLICY_TEXT_BYTES, policy_text, 204, (400, "MalformedPolicy")),
        // Forms.
        row("characters of a form's boundary", BOUNDARY_MAX, boundary, 403, (400, "MalformedPOSTRequest")),
        row("bytes of a form beside its file", MAX_FORM_BYTES, form, 403, (400, "MaxPostPreDataLengthExceeded")),
    ];
    let too_large = (400, "EntityTooLarge");
    let week = Lifetime::MAX_SECONDS;
    let refused = (400, "AuthorizationQueryParametersError");
    limits.extend([
        Limit {
            name: "bytes of PutObject",
            bound: CONTENT_MAX_BYTES,
            request: put_object,
            accepted: 100,
            refused: too_large,
        },
        Limit {
            name: "bytes of UploadPart",
            bound: CONTENT_MAX_BYTES,
            request: upload_part,
            accepted: 100,
            refused: too_large,
        },
        Limit { name: "seconds of a signed URL", bound: week, request: lifetime, accepted: 200, refused },
    ]);
    // Documents: how long they are.
    let long =
        |name, bytes, request: Make, accepted| row(name, bytes, request, accepted, (400, "MaxMessageLengthExceeded"));
    limits.extend([
        long("bytes of CreateBucket", CREATE_BUCKET_LIMITS.bytes, create_bucket, 200),
        long("bytes of DeleteObjects", DELETE_LIMITS.bytes, delete_objects, 200),
        // The upload is none, which is found out after the document is read.
        long("bytes of CompleteMultipartUpload", COMPLETE_LIMITS.bytes, complete, 404),
        long("bytes of PutBucketTagging", TAGGING_LIMITS.bytes, bucket_tagging, 204),
        long("bytes of PutObjectTagging", TAGGING_LIMITS.bytes, object_tagging, 200),
        long("bytes of PutBucketCors", cors::CONFIGURATION_LIMITS.bytes, bucket_cors, 200),
        long("bytes of PutBucketLifecycle", lifecycle::LIFECYCLE_LIMITS.bytes, bucket_lifecycle, 200),
        long("bytes of PutBucketVersioning", SETTING_LIMITS.bytes, versioning, 200),
        long("bytes of PutPublicAccessBlock", PUBLIC_ACCESS_BLOCK_LIMITS.bytes, public_access_block, 200),
        long("bytes of PutBucketOwnershipControls", SETTING_LIMITS.bytes, ownership, 200),
        long("bytes of PutBucketAcl", ACL_LIMITS.bytes, acl, 400),
    ]);
    limits
}

/// Makes a request that has so much of something.
type Make = fn(&Scene, u64) -> Result<Request>;

fn row(name: &'static str, bound: usize, request: Make, accepted: u16, refused: (u16, &'static str)) -> Limit {
    Limit { name, bound: bound as u64, request, accepted, refused }
}

fn number(bound: u64) -> usize {
    usize::try_from(bound).expect("far below the address space")
}

fn a(count: u64) -> String {
    "a".repeat(number(count))
}

fn each(numbers: Range<u64>, text: impl Fn(u64) -> String) -> String {
    numbers.map(text).collect()
}

fn head_bytes(scene: &Scene, bytes: u64) -> Result<Request> {
    Ok(Request { head_bytes: Some(bytes), ..Request::new(scene, "GET", "", "list-type=2")? })
}

/// Host, connection, and the three of the signature are there besides.
fn head_lines(scene: &Scene, lines: u64) -> Result<Request> {
    let more = vec!["x: x".to_owned(); number(lines) - 5];
    Ok(Request { lines: more, ..Request::new(scene, "GET", "", "list-type=2")? })
}

fn target_bytes(scene: &Scene, bytes: u64) -> Result<Request> {
    let begin = "list-type=2&unknown=";
    let shorter = scene.client.target(BUCKET, "", begin)?.len() as u64;
    let request = Request::new(scene, "GET", "", &format!("{begin}{}", a(bytes - shorter)))?;
    Ok(unsignable(scene, request, bytes > Target::MAX_BYTES as u64))
}

/// What is past a limit of the signer too, is sent with the signature of something else: it is refused before that is
/// compared.
fn unsignable(scene: &Scene, request: Request, is_unsignable: bool) -> Request {
    Request { signed_target: is_unsignable.then(|| format!("/{BUCKET}?uploadId={}", scene.upload)), ..request }
}

fn parameters(scene: &Scene, count: u64) -> Result<Request> {
    let more = each(1..count, |number| format!("&unknown{number}="));
    let request = Request::new(scene, "GET", "", &format!("list-type=2{more}"))?;
    Ok(unsignable(scene, request, count > Query::MAX_PARAMETERS as u64))
}

fn key(_: &Scene, bytes: u64) -> Result<Request> {
    Ok(Request::to("PUT", format!("/{BUCKET}/{}", a(bytes))))
}

fn bucket_name(_: &Scene, characters: u64) -> Result<Request> {
    Ok(Request::to("PUT", format!("/{}", a(characters))))
}

fn metadata(scene: &Scene, bytes: u64) -> Result<Request> {
    Ok(Request::new(scene, "PUT", KEY, "")?.with("x-amz-meta-a", a(bytes - 1)))
}

fn object_tags(scene: &Scene, count: u64) -> Result<Request> {
    let tags: Vec<String> = (0..count).map(|number| format!("k{number}=v")).collect();
    Ok(Request::new(scene, "PUT", KEY, "")?.with("x-amz-tagging", tags.join("&")))
}

fn tag_key(scene: &Scene, characters: u64) -> Result<Request> {
    Ok(Request::new(scene, "PUT", KEY, "")?.with("x-amz-tagging", format!("{}=v", a(characters))))
}

fn tag_value(scene: &Scene, characters: u64) -> Result<Request> {
    Ok(Request::new(scene, "PUT", KEY, "")?.with("x-amz-tagging", format!("k={}", a(characters))))
}

fn part_number(scene: &Scene, number: u64) -> Result<Request> {
    Request::new(scene, "PUT", KEY, &format!("partNumber={number}&uploadId={}", scene.upload))
}

fn put_object(scene: &Scene, bytes: u64) -> Result<Request> {
    Ok(Request::new(scene, "PUT", KEY, "")?.body(Sent::Announced(bytes)))
}

fn upload_part(scene: &Scene, bytes: u64) -> Result<Request> {
    Ok(part_number(scene, 1)?.body(Sent::Announced(bytes)))
}

/// A signed URL says how long it is good before its signature is compared, so that the longer one need not be signed.
fn lifetime(scene: &Scene, seconds: u64) -> Result<Request> {
    let longest = scene.client.presign(Method::Get, BUCKET, KEY, seconds.min(Lifetime::MAX_SECONDS))?;
    let url = longest.replace("X-Amz-Expires=604800", &format!("X-Amz-Expires={seconds}"));
    let target = url.strip_prefix(&scene.place.store).unwrap_or(&url).to_owned();
    Ok(Request { signature: Signature::NotHere, ..Request::to("GET", target) })
}

/// A document as it is.
fn document(scene: &Scene, method: &'static str, query: &str, text: String) -> Result<Request> {
    let sum = Checksum::of(ChecksumAlgorithm::Crc32, text.as_bytes()).to_text();
    Ok(Request::new(scene, method, "", query)?.with("x-amz-checksum-crc32", sum).body(Sent::Whole(text.into())))
}

fn tag_set(count: u64) -> String {
    let tags = each(0..count, |number| format!("<Tag><Key>k{number}</Key><Value>v</Value></Tag>"));
    format!("<Tagging><TagSet>{tags}</TagSet></Tagging>")
}

fn bucket_tags(scene: &Scene, count: u64) -> Result<Request> {
    document(scene, "PUT", "tagging=", tag_set(count))
}

fn delete(count: u64) -> String {
    let keys = each(0..count, |number| format!("<Object><Key>k{number}</Key></Object>"));
    format!("<Delete><Quiet>true</Quiet>{keys}</Delete>")
}

fn delete_keys(scene: &Scene, count: u64) -> Result<Request> {
    document(scene, "POST", "delete=", delete(count))
}

fn cors(count: u64, id: &str) -> String {
    let rule = "<AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>";
    let rules = each(0..count, |number| format!("<CORSRule><ID>{number}{id}</ID>{rule}</CORSRule>"));
    format!("<CORSConfiguration>{rules}</CORSConfiguration>")
}

fn cors_rules(scene: &Scene, count: u64) -> Result<Request> {
    document(scene, "PUT", "cors=", cors(count, ""))
}

fn cors_id(scene: &Scene, characters: u64) -> Result<Request> {
    document(scene, "PUT", "cors=", cors(1, &a(characters - 1)))
}

fn lifecycle(count: u64, id: &str) -> String {
    let rule = "<Filter/><Status>Disabled</Status><Expiration><Days>1</Days></Expiration>";
    let rules = each(0..count, |number| format!("<Rule><ID>{number}{id}</ID>{rule}</Rule>"));
    format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>")
}

fn lifecycle_rules(scene: &Scene, count: u64) -> Result<Request> {
    document(scene, "PUT", "lifecycle=", lifecycle(count, ""))
}

fn lifecycle_id(scene: &Scene, characters: u64) -> Result<Request> {
    document(scene, "PUT", "lifecycle=", lifecycle(1, &a(characters - 1)))
}

/// A policy without white space, so long by the name of its statement.
fn sized_policy(bytes: u64) -> String {
    let with = |sid: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"{sid}","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/none"}}]}}"#
        )
    };
    with(&a(bytes - with("").len() as u64))
}

fn policy(scene: &Scene, bytes: u64) -> Result<Request> {
    document(scene, "PUT", "policy=", sized_policy(bytes))
}

fn policy_text(scene: &Scene, bytes: u64) -> Result<Request> {
    let text = sized_policy(1024);
    let white = " ".repeat(number(bytes) - text.len());
    document(scene, "PUT", "policy=", text + &white)
}

/// A form without a policy, which is refused for that once it is read.
fn form_of(boundary: &str, before: u64) -> Result<Request> {
    let disposition = "Content-Disposition: form-data; name=";
    let with = |filler: &str| {
        let key = format!("--{boundary}\r\n{disposition}\"key\"\r\n\r\nobject\r\n");
        let ignored = format!("--{boundary}\r\n{disposition}\"x-ignore-a\"\r\n\r\n{filler}\r\n");
        format!("{key}{ignored}")
    };
    let file = format!("--{boundary}\r\n{disposition}\"file\"; filename=\"f\"\r\n\r\n");
    let shorter = (with("").len() + file.len()) as u64;
    let body = format!("{}{file}content\r\n--{boundary}--\r\n", with(&a(before.saturating_sub(shorter))));
    let mut request = Request::to("POST", format!("/{BUCKET}")).body(Sent::Whole(body.into()));
    request.signature = Signature::NotHere;
    Ok(request.with("content-type", format!("multipart/form-data; boundary={boundary}")))
}

fn boundary(_: &Scene, characters: u64) -> Result<Request> {
    form_of(&a(characters), 1024)
}

fn form(_: &Scene, bytes: u64) -> Result<Request> {
    form_of("boundary", bytes)
}

/// A document that is so long by white space at its end, or says to be where that is past the limit.
fn padded(scene: &Scene, at: (&'static str, &str, &str), text: String, bytes: u64, bound: usize) -> Result<Request> {
    let (method, key, query) = at;
    let request = Request::new(scene, method, key, query)?;
    if bytes > bound as u64 {
        return Ok(request.with("x-amz-checksum-crc32", "AAAAAA==".to_owned()).body(Sent::Announced(bytes)));
    }
    let white = " ".repeat(number(bytes) - text.len());
    let text = text + &white;
    let sum = Checksum::of(ChecksumAlgorithm::Crc32, text.as_bytes()).to_text();
    Ok(request.with("x-amz-checksum-crc32", sum).body(Sent::Whole(Bytes::from(text))))
}

fn create_bucket(scene: &Scene, bytes: u64) -> Result<Request> {
    let text = "<CreateBucketConfiguration></CreateBucketConfiguration>".to_owned();
    padded(scene, ("PUT", "", ""), text, bytes, CREATE_BUCKET_LIMITS.bytes)
}

fn delete_objects(scene: &Scene, bytes: u64) -> Result<Request> {
    padded(scene, ("POST", "", "delete="), delete(1), bytes, DELETE_LIMITS.bytes)
}

fn complete(scene: &Scene, bytes: u64) -> Result<Request> {
    let text =
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>";
    padded(scene, ("POST", KEY, "uploadId=none"), text.to_owned(), bytes, COMPLETE_LIMITS.bytes)
}

fn bucket_tagging(scene: &Scene, bytes: u64) -> Result<Request> {
    padded(scene, ("PUT", "", "tagging="), tag_set(1), bytes, TAGGING_LIMITS.bytes)
}

fn object_tagging(scene: &Scene, bytes: u64) -> Result<Request> {
    padded(scene, ("PUT", KEY, "tagging="), tag_set(1), bytes, TAGGING_LIMITS.bytes)
}

fn bucket_cors(scene: &Scene, bytes: u64) -> Result<Request> {
    padded(scene, ("PUT", "", "cors="), cors(1, ""), bytes, cors::CONFIGURATION_LIMITS.bytes)
}

fn bucket_lifecycle(scene: &Scene, bytes: u64) -> Result<Request> {
    padded(scene, ("PUT", "", "lifecycle="), lifecycle(1, ""), bytes, lifecycle::LIFECYCLE_LIMITS.bytes)
}

fn versioning(scene: &Scene, bytes: u64) -> Result<Request> {
    let text = "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>".to_owned();
    padded(scene, ("PUT", "", "versioning="), text, bytes, SETTING_LIMITS.bytes)
}

fn public_access_block(scene: &Scene, bytes: u64) -> Result<Request> {
    let inside = "<BlockPublicAcls>true</BlockPublicAcls>";
    let text = format!("<PublicAccessBlockConfiguration>{inside}</PublicAccessBlockConfiguration>");
    padded(scene, ("PUT", "", "publicAccessBlock="), text, bytes, PUBLIC_ACCESS_BLOCK_LIMITS.bytes)
}

fn ownership(scene: &Scene, bytes: u64) -> Result<Request> {
    let rule = "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>";
    let text = format!("<OwnershipControls>{rule}</OwnershipControls>");
    padded(scene, ("PUT", "", "ownershipControls="), text, bytes, SETTING_LIMITS.bytes)
}

/// A bucket whose owner owns everything takes none, which is found out after the document is read.
fn acl(scene: &Scene, bytes: u64) -> Result<Request> {
    padded(
        scene,
        ("PUT", "", "acl="),
        "<AccessControlPolicy></AccessControlPolicy>".to_owned(),
        bytes,
        ACL_LIMITS.bytes,
    )
}
