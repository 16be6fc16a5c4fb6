//! Where the store is: endpoint, addressing style and region of a bucket.

use std::env;

use gatepass_signing::{
    address::{AddressingStyle, Endpoint},
    sigv4::Region,
};

use crate::{
    args::Place,
    bucket_region,
    config::DEFAULT_REGION,
    credentials,
    failure::{Failure, Result},
    server,
};

/// Where a bucket is.
pub(crate) struct Located {
    pub(crate) endpoint: Endpoint,
    pub(crate) style: AddressingStyle,
    pub(crate) region: Region,
}

/// Where a bucket is, by what was typed, the environment and the profile. Where nothing names a region, Amazon S3 is
/// asked; an endpoint that was named is not: a host of Amazon's tells its region, and any other has the usual one.
pub(crate) fn locate(place: &Place, profile: Option<&str>, bucket: &str) -> Result<Located> {
    let own = own_endpoint(place);
    let region = match (credentials::region(place.region.as_deref(), profile)?, &own) {
        (Some(region), _) => region,
        (None, Some(own)) => credentials::region_of(region_in(own).unwrap_or(DEFAULT_REGION))?,
        (None, None) => server::block_on(bucket_region::ask(bucket_region::AMAZON_S3, bucket))?,
    };
    // The certificates of Amazon S3 cover one label before the host name.
    let is_plain = !bucket.contains('.');
    let style = match (place.path_style, place.virtual_host) {
        (true, _) => AddressingStyle::Path,
        (_, true) => AddressingStyle::VirtualHost,
        _ if own.is_none() && is_plain => AddressingStyle::VirtualHost,
        _ => AddressingStyle::Path,
    };
    let text = own.unwrap_or_else(|| amazon(&region));
    let endpoint =
        Endpoint::parse(&text).map_err(|error| Failure::usage(format_args!("`{text}` is no endpoint: {error}")))?;
    Ok(Located { endpoint, style, region })
}

/// The endpoint of a store that is not Amazon's.
fn own_endpoint(place: &Place) -> Option<String> {
    let written = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    place.endpoint.clone().or_else(|| written("AWS_ENDPOINT_URL_S3")).or_else(|| written("AWS_ENDPOINT_URL"))
}

/// Amazon S3 in a region ("Amazon Simple Storage Service endpoints and quotas").
fn amazon(region: &Region) -> String {
    let suffix = if region.as_str().starts_with("cn-") { ".cn" } else { "" };
    format!("https://s3.{region}.amazonaws.com{suffix}")
}

/// The region in the name of one of Amazon's hosts, with or without a bucket before it: `s3.eu-west-1.amazonaws.com`,
/// `s3.dualstack.eu-west-1.amazonaws.com`, `s3-fips.us-east-1.amazonaws.com`, and `s3-eu-west-1.amazonaws.com` of old.
pub(crate) fn region_in(url_or_host: &str) -> Option<&str> {
    let host = url_or_host.split_once("://").map_or(url_or_host, |(_, rest)| rest);
    let host = host.split(['/', '?', ':']).next()?;
    let names = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let (before, last) = names.rsplit_once('.').unwrap_or(("", names));
    if let Some(region) = last.strip_prefix("s3-") {
        return (!["accelerate", "fips", "external-1"].contains(&region)).then_some(region);
    }
    let service = before.strip_suffix(".dualstack").unwrap_or(before).rsplit('.').next()?;
    (service == "s3" || service == "s3-fips").then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_amazon_tells_its_region() {
        for (host, region) in [
            ("https://s3.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("my.bucket.s3.eu-west-1.amazonaws.com:443", Some("eu-west-1")),
            ("bucket.s3-eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("https://bucket.s3.dualstack.eu-west-1.amazonaws.com/key?s3.us-east-1.amazonaws.com", Some("eu-west-1")),
            ("s3-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("s3.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("https://bucket.s3.amazonaws.com", None),
            ("s3.amazonaws.com", None),
            ("bucket.s3-accelerate.amazonaws.com", None),
            ("s3.eu-west-1.amazonaws.com.example.org", None),
            ("http://127.0.0.1:9000", None),
        ] {
            assert_eq!(region_in(host), region, "{host}");
        }
    }
}
