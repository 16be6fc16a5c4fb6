//! What a client makes of a URL.

use crate::failure::{Failure, Result};

/// The `Host` header and the request target that a client makes of a URL. Nothing is decoded or normalised: the bytes are
/// what was signed.
pub(super) fn split(url: &str) -> Result<(String, String)> {
    let wrong =
        || Failure::usage("that is no http or https URL").hint("quote it: shells take `&` and `?` for themselves");
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(wrong()),
    };
    // A fragment stays with the client (RFC 3986 §3.5).
    let rest = rest.split('#').next().unwrap_or(rest);
    let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() || authority.contains('@') {
        return Err(wrong());
    }
    let host = authority.strip_suffix(default_port).unwrap_or(authority).to_owned();
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    Ok((host, target))
}

/// The bucket that stands before a host of Amazon S3.
pub(super) fn bucket_at_amazon(host: &str) -> Option<&str> {
    let name = host.split(':').next()?;
    if !name.ends_with(".amazonaws.com") && !name.ends_with(".amazonaws.com.cn") {
        return None;
    }
    [".s3.", ".s3-"].iter().filter_map(|service| name.find(service)).min().map(|end| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_and_never_rewritten() {
        let split = |url: &str| split(url).expect("a URL");
        let pair = |host: &str, target: &str| (host.to_owned(), target.to_owned());
        assert_eq!(split("http://h:9000/b/a/../%2f//?x=%20#f"), pair("h:9000", "/b/a/../%2f//?x=%20"));
        assert_eq!(split("https://h:443?x"), pair("h", "/?x"));
        assert_eq!(split("http://h:443"), pair("h:443", "/"));
    }

    #[test]
    fn the_bucket_stands_before_the_host() {
        for (host, bucket) in [
            ("photos.s3.eu-west-1.amazonaws.com", Some("photos")),
            ("my.photos.s3-eu-west-1.amazonaws.com", Some("my.photos")),
            ("s3.eu-west-1.amazonaws.com", None),
            ("photos.store.example:9000", None),
        ] {
            assert_eq!(bucket_at_amazon(host), bucket, "{host}");
        }
    }

    #[test]
    fn what_is_no_url_is_wrong_usage() {
        for wrong in ["", "h/x", "ftp://h/", "http://", "http://user@h/"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
