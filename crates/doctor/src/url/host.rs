//! What a host name says about the store behind it.

use super::address::host_name;

/// A host of Amazon S3, read (Amazon S3 User Guide, "Making requests to an Amazon S3 bucket").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct S3Host {
    /// The bucket, where it stands in the host.
    pub(crate) bucket: Option<String>,
    /// The region, where the host names one.
    pub(crate) region: Option<String>,
}

impl S3Host {
    /// Reads `[bucket.]s3[.dualstack][.region].amazonaws.com[.cn]` and the older `s3-region`.
    pub(crate) fn parse(authority: &str) -> Option<Self> {
        let host = host_name(authority).to_ascii_lowercase();
        let labels: Vec<&str> = host
            .strip_suffix(".amazonaws.com")
            .or_else(|| host.strip_suffix(".amazonaws.com.cn"))?
            .split('.')
            .collect();
        // The last one: a bucket may be called `s3` too.
        let service = labels.iter().rposition(|label| *label == "s3" || label.starts_with("s3-"))?;
        let named = match labels[service] {
            "s3" | "s3-accelerate" | "s3-external-1" | "s3-fips" => None,
            other => other.strip_prefix("s3-website-").or_else(|| other.strip_prefix("s3-")),
        };
        let region = labels[service + 1..].iter().rfind(|label| **label != "dualstack").copied().or(named);
        let bucket = labels[..service].join(".");
        Some(Self { bucket: (!bucket.is_empty()).then_some(bucket), region: region.map(str::to_owned) })
    }
}

/// Whether a host only exists inside: a loopback or private address, a name without a dot, or one that public DNS does
/// not have (RFC 1918, RFC 4193, RFC 6762, RFC 9476, and Kubernetes' own).
pub(crate) fn is_private(authority: &str) -> bool {
    const INSIDE: [&str; 7] = [".localhost", ".local", ".internal", ".svc", ".lan", ".home.arpa", ".docker"];
    let host = host_name(authority).to_ascii_lowercase();
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let Ok(address) = address.parse::<core::net::Ipv6Addr>() else { return false };
        return address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local();
    }
    if let Ok(address) = host.parse::<core::net::Ipv4Addr>() {
        return address.is_loopback() || address.is_private() || address.is_link_local();
    }
    !host.contains('.') || INSIDE.iter().any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_of_s3_are_read() {
        for (host, bucket, region) in [
            ("s3.amazonaws.com", None, None),
            ("b.s3.amazonaws.com", Some("b"), None),
            ("my.b.s3.eu-west-1.amazonaws.com:443", Some("my.b"), Some("eu-west-1")),
            ("s3.dualstack.eu-west-1.amazonaws.com", None, Some("eu-west-1")),
            ("b.s3-eu-west-1.amazonaws.com", Some("b"), Some("eu-west-1")),
            ("b.s3-accelerate.amazonaws.com", Some("b"), None),
            ("b.s3-accelerate.dualstack.amazonaws.com", Some("b"), None),
            ("b.s3.cn-north-1.amazonaws.com.cn", Some("b"), Some("cn-north-1")),
        ] {
            let expected = S3Host { bucket: bucket.map(str::to_owned), region: region.map(str::to_owned) };
            assert_eq!(S3Host::parse(host), Some(expected), "{host}");
        }
        for host in ["example.com", "s3.example.com", "ec2.eu-west-1.amazonaws.com", "amazonaws.com"] {
            assert_eq!(S3Host::parse(host), None, "{host}");
        }
    }

    #[test]
    fn hosts_inside_are_told_from_hosts_outside() {
        for host in ["localhost:9000", "minio:9000", "127.0.0.1", "10.1.2.3:80", "[::1]:9000", "s3.svc.cluster.local"] {
            assert!(is_private(host), "{host}");
        }
        for host in ["example.com", "8.8.8.8", "172.32.0.1", "[2001:db8::1]", "s3.amazonaws.com"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
