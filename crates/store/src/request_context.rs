//! What policies may look at in a request: the condition keys of S3 and the global ones that need no user.
//!
//! Sources: Service authorization reference, "Actions, resources, and condition keys for Amazon S3"; IAM user guide, "AWS
//! global condition context keys"; Amazon S3 API reference, "Amazon S3 Signature Version 4 authentication specific
//! policy keys".

use gatepass_authority::ROOT_ACCOUNT;
use gatepass_iam::{Context, Principal};
use gatepass_protocol::s3::operation::Operation;
use gatepass_protocol::s3::tagging::TagSet;
use jiff::Timestamp;

use crate::arrival::Arrival;
use crate::authenticate::{Caller, FormCaller, Signature, SignaturePlace};
use crate::peer::Transport;

/// Headers that are condition keys under their own names. What a URL carries in its query instead does not count.
const HEADERS: [&str; 16] = [
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "x-amz-object-lock-mode",
    "if-match",
    "if-none-match",
];
/// Parameters of lists, which are condition keys where they are sent.
const LIST_PARAMETERS: [&str; 3] = ["prefix", "delimiter", "max-keys"];

/// The condition keys of a request.
pub(crate) fn of(arrival: &Arrival, caller: &Caller, operation: &Operation, now: Timestamp) -> Context {
    let context = of_any(arrival, &caller.principal, caller.signature.as_ref(), now);
    of_parameters(context, arrival, caller, operation)
}

/// The condition keys of a form, in which fields stand for headers.
pub(crate) fn of_form(arrival: &Arrival, caller: &FormCaller, now: Timestamp) -> Context {
    let context = of_any(arrival, &caller.principal, caller.signature.as_ref(), now);
    let field = |name: &str| caller.upload.field(if name == "x-amz-acl" { "acl" } else { name });
    let given =
        HEADERS.into_iter().filter(|name| name.starts_with("x-amz-")).filter_map(|name| Some((name, field(name)?)));
    given
        .fold(context, |context, (name, value)| context.with(&format!("s3:{name}"), value))
        .with("s3:ObjectCreationOperation", "true")
}

fn of_any(arrival: &Arrival, principal: &Principal, signature: Option<&Signature>, now: Timestamp) -> Context {
    let context = of_caller(of_moment(of_connection(arrival), now), principal);
    let context = match signature {
        Some(signature) => of_signature(context, signature, now),
        None => context,
    };
    context
        .with("s3:ResourceAccount", ROOT_ACCOUNT.as_str())
        .with("aws:ResourceAccount", ROOT_ACCOUNT.as_str())
        .with("aws:RequestedRegion", arrival.region.as_str())
}

/// The tags of the object that a grant is asked for.
pub(crate) fn with_existing_tags(context: &Context, tags: &TagSet) -> Context {
    tags.iter()
        .fold(context.clone(), |context, (key, value)| context.with(&format!("s3:ExistingObjectTag/{key}"), value))
}

fn of_connection(arrival: &Arrival) -> Context {
    let peer = &arrival.peer;
    let mut context = Context::new()
        .with("aws:SourceIp", peer.ip().to_string())
        .with("aws:SecureTransport", peer.is_secure().to_string());
    if let Transport::Tls { version, .. } = peer.transport {
        context = context.with("s3:TlsVersion", version.trim_start_matches("TLSv"));
    }
    for (key, header) in [("aws:Referer", "referer"), ("aws:UserAgent", "user-agent")] {
        if let Some(value) = arrival.header(header) {
            context = context.with(key, value);
        }
    }
    context
}

fn of_moment(context: Context, now: Timestamp) -> Context {
    context.with("aws:CurrentTime", now.to_string()).with("aws:EpochTime", now.as_second().to_string())
}

/// The root identity has a user id, that of its account, and no user name.
fn of_caller(context: Context, principal: &Principal) -> Context {
    let context = context.with("aws:PrincipalIsAWSService", "false").with("aws:ViaAWSService", "false");
    match principal {
        Principal::Anonymous => context.with("aws:PrincipalType", "Anonymous").with("aws:userid", "anonymous"),
        Principal::Root { account, .. } => context
            .with("aws:PrincipalArn", principal.arn())
            .with("aws:PrincipalAccount", account)
            .with("aws:PrincipalType", "Account")
            .with("aws:userid", account),
    }
}

fn of_signature(context: Context, signature: &Signature, now: Timestamp) -> Context {
    let place = match signature.place {
        SignaturePlace::Header => "REST-HEADER",
        SignaturePlace::Query => "REST-QUERY-STRING",
        SignaturePlace::Form => "POST",
    };
    // Signature Version 2 does not tell, and always counts as new.
    let age = signature.signed_at.map_or(0, |signed_at| (now.as_millisecond() - signed_at.as_millisecond()).max(0));
    context
        .with("s3:authType", place)
        .with("s3:signatureversion", signature.scheme.as_str())
        .with("s3:signatureAge", age.to_string())
}

fn of_parameters(mut context: Context, arrival: &Arrival, caller: &Caller, operation: &Operation) -> Context {
    for name in HEADERS {
        for value in arrival.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()) {
            context = context.with(&format!("s3:{name}"), value);
        }
    }
    for (key, value) in operation.condition_keys() {
        // A list has them as defaults too, and a policy sees what was sent.
        let parameter = key.trim_start_matches("s3:");
        if !LIST_PARAMETERS.contains(&parameter) || caller.query.contains(parameter) {
            context = context.with(&key, value);
        }
    }
    match operation {
        Operation::PutObject(_) | Operation::CopyObject(_) | Operation::CompleteMultipartUpload(_) => {
            context.with("s3:ObjectCreationOperation", "true")
        }
        Operation::CreateMultipartUpload(_) | Operation::UploadPart(_) | Operation::UploadPartCopy(_) => {
            context.with("s3:ObjectCreationOperation", "false")
        }
        _ => context,
    }
}
