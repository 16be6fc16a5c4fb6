//! An upload form: what `sign post --json` and the presigned posts of AWS's SDKs are, `{"url", "fields"}`.

use std::collections::BTreeMap;

use gatepass_protocol::s3::error::S3Error;
use gatepass_signing::{
    post_policy::verify::{Form, PostPresented, PostVerified, Refusal, parse},
    sigv4::KeyCache,
};
use serde::Deserialize;
use serde_json::json;

use super::{Finding, Verdict, address, expectations, key_at_hand};
use crate::{
    args::Verify,
    credentials,
    failure::{Failure, Result},
    input,
};

/// The document. What else stands in it is for people.
#[derive(Deserialize)]
struct Document {
    url: String,
    fields: BTreeMap<String, String>,
}

pub(super) fn check(arguments: &Verify, path: &std::path::Path, now: jiff::Timestamp) -> Result<Verdict> {
    let text = input::secret_file(path, "the form")?;
    // The parser would repeat what it read, which is a secret.
    let Document { url, mut fields } = serde_json::from_str(&text).map_err(|_| {
        Failure::usage("that is no upload form")
            .hint("it is {\"url\": …, \"fields\": {…}}, as `sign post --json` prints it")
    })?;
    for pair in &arguments.upload.fields {
        fields.retain(|name, _| !name.eq_ignore_ascii_case(&pair.name));
        fields.insert(pair.name.clone(), pair.value.clone());
    }
    let (host, target) = address::split(&url)?;
    let named = arguments.bucket.as_deref();
    let bucket = match target.trim_matches('/') {
        "" => named.or_else(|| address::bucket_at_amazon(&host)),
        path => named.or(Some(path)),
    };
    let bucket =
        bucket.ok_or_else(|| Failure::usage("the form's address names no bucket").hint("name it with --bucket"))?;
    let credentials = credentials::find(arguments.profile.as_deref())?;
    let expectations = expectations(arguments, &host)?;

    let refused = |refusal: Refusal| Finding::from(S3Error::from(&refusal));
    let filled = || {
        let mut form = Form::new(bucket);
        for (name, value) in &fields {
            form.push(name, value)?;
        }
        form.file(Some(&arguments.upload.filename));
        parse(&form, &expectations, now)
    };
    let verified = filled().map_err(refused).and_then(|presented| match presented {
        PostPresented::Signed(claim) => {
            key_at_hand(claim.access_key_id(), claim.session_token(), &credentials)?;
            let verified = claim.verify(&KeyCache::new(), credentials.secret_key()).map_err(refused)?;
            if let Some(size) = arguments.upload.size {
                verified.upload().size_range().check(size.as_bytes()).map_err(refused)?;
            }
            Ok(verified)
        }
        PostPresented::Anonymous(_) => Err(Finding::new(403, "AccessDenied", "the form is not signed")),
    });
    Ok(verified.map(|verified| (Some(verified.expires_at()), describe(&verified))))
}

fn describe(verified: &PostVerified) -> serde_json::Value {
    let upload = verified.upload();
    json!({
        "valid": true,
        "scheme": verified.scheme().as_str(),
        "method": "POST",
        "access_key_id": verified.access_key_id().as_str(),
        "region": verified.scope().map(|scope| scope.region().as_str()),
        "bucket": upload.bucket(),
        "key": upload.key(),
        "min_size": upload.size_range().min(),
        "max_size": upload.size_range().max(),
        "signed_at": verified.signed_at(),
        "expires_at": verified.expires_at(),
    })
}
