//! `gatepass sign`: a URL that works for one method, one object and a while.

use gatepass_signing::{
    address::{Address, AddressingStyle, Endpoint},
    disposition::ContentDisposition,
    signed_url::SignedUrl,
    sigv4::{
        KeyCache,
        presign::{Method, Presign, PresignError, ResponseOverride},
    },
    time::{Lifetime, SigningWindow},
};
use serde_json::{Map, Value, json};

use crate::{
    args::{Dialect, Disposition, Place, Sign, SignCommon, SignPut, SignRead},
    clock::Clock,
    credentials,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    values::Pair,
};

/// What is asked for, method by method, in one shape.
struct Request<'a> {
    method: Method,
    /// The name that the JavaScript SDK writes into `x-id`.
    operation: &'static str,
    common: &'a SignCommon,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
}

pub(crate) fn run(sign: &Sign, output: Output) -> Result {
    let request = match sign {
        Sign::Get(read) => of_read(Method::Get, "GetObject", read)?,
        Sign::Head(read) => of_read(Method::Head, "HeadObject", read)?,
        Sign::Put(put) => of_put(put),
        Sign::Delete(delete) => Request {
            method: Method::Delete,
            operation: "DeleteObject",
            common: &delete.common,
            query: version(delete.version_id.as_ref()),
            headers: Vec::new(),
        },
    };
    let signed = signed(&request)?;
    print(&signed, output)
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
    headers.extend(put.content_length.map(|size| ("content-length", size.0.to_string())));
    headers.extend(put.checksum.as_ref().map(|checksum| (checksum.header, checksum.value.clone())));
    headers.extend(put.if_none_match.as_ref().map(|value| ("if-none-match", value.clone())));
    Request { method: Method::Put, operation: "PutObject", common: &put.common, query: Vec::new(), headers }
}

fn version(id: Option<&String>) -> Vec<(String, String)> {
    id.map(|id| ("versionId".to_owned(), id.clone())).into_iter().collect()
}

fn signed(request: &Request<'_>) -> Result<SignedUrl> {
    let SignCommon { object, expires, round, headers, dialect, place, now } = request.common;
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(error);
    let lifetime = Lifetime::from_secs(expires.0).map_err(|error| wrong(&error))?;
    let window = match round {
        Some(step) => SigningWindow::new(lifetime, step.0).map_err(|error| wrong(&error))?,
        None => SigningWindow::from(lifetime),
    };
    let region = credentials::region(place.region.as_deref(), place.profile.as_deref())?;
    let (endpoint, style) = endpoint(place, region.as_str(), &object.bucket)?;
    let address = Address::object(&endpoint, style, &object.bucket, &object.key).map_err(|error| wrong(&error))?;
    let credentials = credentials::find(place.profile.as_deref())?;

    let refused = |error: PresignError| match error {
        PresignError::CredentialsExpired => Failure::refused(error).hint("sign in again, or renew them"),
        error => Failure::usage(error),
    };
    let mut presign = Presign::new(&credentials, region, address, request.method).expires(window);
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
    presign.sign(&KeyCache::new(), now.unwrap_or_else(|| Clock::system().now())).map_err(refused)
}

/// An endpoint of one's own has the bucket in the path, as most of them want it; Amazon S3 has it in the host.
fn endpoint(place: &Place, region: &str, bucket: &str) -> Result<(Endpoint, AddressingStyle)> {
    let written = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let own = place.endpoint.clone().or_else(|| written("AWS_ENDPOINT_URL_S3")).or_else(|| written("AWS_ENDPOINT_URL"));
    // The certificates of Amazon S3 cover one label before the host name.
    let is_plain = !bucket.contains('.');
    let style = match (place.path_style, place.virtual_host) {
        (true, _) => AddressingStyle::Path,
        (_, true) => AddressingStyle::VirtualHost,
        _ if own.is_none() && is_plain => AddressingStyle::VirtualHost,
        _ => AddressingStyle::Path,
    };
    let text = own.unwrap_or_else(|| {
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("https://s3.{region}.amazonaws.com{suffix}")
    });
    let endpoint =
        Endpoint::parse(&text).map_err(|error| Failure::usage(format_args!("`{text}` is no endpoint: {error}")))?;
    Ok((endpoint, style))
}

fn print(signed: &SignedUrl, output: Output) -> Result {
    let is_cut_short = signed.effective_expires_at() < signed.expires_at();
    let headers: Map<String, Value> = signed.headers().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let document = json!({
        "url": signed.expose(),
        "method": signed.method(),
        "headers": headers,
        "signed_at": signed.signed_at(),
        "expires_at": signed.expires_at(),
        "effective_expires_at": signed.effective_expires_at(),
        "limited_by": if is_cut_short { "credentials" } else { "request" },
    });
    output.result(signed.expose(), &document).explain("the URL cannot be printed")?;
    if !output.is_json() {
        for (name, value) in signed.headers() {
            Output::note(format_args!("send this header: {name}: {value}"));
        }
        if is_cut_short {
            Output::note(format_args!(
                "hint: the credentials end at {}, and the URL with them",
                signed.effective_expires_at()
            ));
        }
    }
    Ok(Outcome::Done)
}
