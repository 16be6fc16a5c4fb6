//! Buckets that are asked for on the command line, made through the store's own front door.

use bytes::Bytes;
use gatepass_signing::{
    address::{Address, AddressingStyle, Endpoint},
    credentials::Credentials,
    sigv4::{
        KeyCache, Region, ServiceName,
        header::{Body, RequestParts, sign},
    },
};
use http::Request;
use jiff::Timestamp;

use crate::{
    api::HttpClient,
    failure::{Explain as _, Failure, Result},
    store_error::StoreError,
};

/// The region whose buckets are made without naming it (CreateBucket, Amazon S3 API Reference).
const UNNAMED_REGION: &str = "us-east-1";

/// Makes a bucket; one that is there and ours is fine.
pub(crate) async fn bucket(
    name: &str,
    endpoint: &str,
    region: &str,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<()> {
    let failed = || format!("the bucket `{name}` cannot be made");
    let endpoint = Endpoint::parse(endpoint).explain(failed())?;
    let address = Address::bucket(&endpoint, AddressingStyle::Path, name).explain(failed())?;
    let body = if region == UNNAMED_REGION {
        Bytes::new()
    } else {
        let namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
        Bytes::from(format!(
            "<CreateBucketConfiguration xmlns=\"{namespace}\"><LocationConstraint>{region}</LocationConstraint>\
             </CreateBucketConfiguration>"
        ))
    };
    let region = Region::new(region).explain(failed())?;
    let parts = RequestParts { method: "PUT", host: address.host(), target: address.path(), headers: &[] };
    let signed = sign(&parts, Body::of(&body), credentials, &region, ServiceName::S3, &KeyCache::new(), now);
    let signed = signed.explain(failed())?;
    let uri = format!("{}://{}{}", address.scheme().as_str(), address.host(), address.path());
    let mut request = Request::put(uri);
    for (name, value) in signed.iter() {
        request = request.header(name, value);
    }
    let request = request.body(http_body_util::Full::new(body)).explain(failed())?;
    let (status, answer) = HttpClient::new().exchange(request).await?;
    if status.is_success() {
        return Ok(());
    }
    let error = StoreError::read(status, &answer);
    // us-east-1 answers 200 for one's own bucket, every other region this.
    if error.has_code("BucketAlreadyOwnedByYou") {
        return Ok(());
    }
    Err(Failure::refused(format_args!("{}: {error}", failed()))
        .hint("a name is 3 to 63 lower-case letters, digits, `-` and `.`"))
}
