//! Which region, and which bucket, a host name stands for.

use gatepass_protocol::s3::error::S3Error;
use gatepass_protocol::s3::names::BucketName;
use gatepass_signing::sigv4::Region;
use http::uri::Authority;

use crate::arrival::{malformed_host, number};
use crate::config::{Hosts, OtherRegion};
use crate::peer::Peer;

/// The host names of the store and of the further regions that it serves.
#[derive(Debug)]
pub(crate) struct Routes {
    home: Region,
    hosts: Hosts,
    others: Vec<(Region, Vec<String>)>,
}

/// What a host name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addressed {
    /// The region whose endpoint was asked. Signatures must name it.
    pub(crate) region: Region,
    /// The bucket that stands before the name, in virtual-host style.
    pub(crate) bucket: Option<BucketName>,
}

impl Routes {
    pub(crate) fn new(home: Region, hosts: Hosts, others: Vec<OtherRegion>) -> Self {
        let lower = |names: Vec<String>| names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        let hosts = Hosts { path_style: lower(hosts.path_style), virtual_host_bases: lower(hosts.virtual_host_bases) };
        let others = others.into_iter().map(|OtherRegion { region, hosts }| (region, lower(hosts))).collect();
        Self { home, hosts, others }
    }

    /// Whether there is only one region, so that no bucket can be in another.
    pub(crate) fn is_one_region(&self) -> bool {
        self.others.is_empty()
    }

    /// A region that is served.
    pub(crate) fn served(&self, name: &str) -> Option<&Region> {
        std::iter::once(&self.home).chain(self.others.iter().map(|(region, _)| region)).find(|one| one.as_str() == name)
    }

    /// The region of a bucket, from what its record says: the store's own where that says nothing, or names one that is
    /// not served any more.
    pub(crate) fn region_of(&self, recorded: Option<&str>) -> &Region {
        recorded.and_then(|name| self.served(name)).unwrap_or(&self.home)
    }

    /// What a record says of a bucket in this region: nothing for the store's own, whatever that is called later.
    pub(crate) fn recorded(&self, region: &Region) -> Option<String> {
        (*region != self.home).then(|| region.as_str().to_owned())
    }

    /// Where a bucket of this region is to be asked for, when it was asked for at `asked`.
    pub(crate) fn endpoint(&self, region: &Region, bucket: &BucketName, asked: &str) -> Option<String> {
        let own = || self.hosts.virtual_host_bases.last().or(self.hosts.path_style.first());
        let other = || self.others.iter().find(|(other, _)| other == region)?.1.first();
        let host = if *region == self.home { own() } else { other() }?;
        let port = asked.rsplit_once(':').filter(|(_, port)| number(port).is_some());
        let port = port.map(|(_, port)| format!(":{port}")).unwrap_or_default();
        // No bucket stands before an address.
        let is_base = *region != self.home || self.hosts.virtual_host_bases.contains(host);
        Some(if is_base { format!("{bucket}.{host}{port}") } else { format!("{host}{port}") })
    }

    /// Reads the host of a request.
    pub(crate) fn addressed(&self, host: &str, peer: Peer) -> Result<Addressed, S3Error> {
        let authority: Authority = host.parse().map_err(|_| malformed_host())?;
        if authority.as_str().contains('@') {
            return Err(malformed_host());
        }
        // The parser of authorities takes any text for a port.
        let name = authority.host();
        let port = Port::parse(&host[name.len()..]).ok_or_else(malformed_host)?;
        let name = name.to_ascii_lowercase();
        if let Some(region) = self.exact(&name) {
            return Ok(Addressed { region: region.clone(), bucket: None });
        }
        let Some((region, bucket)) = self.before_base(&name) else { return Err(self.unknown(&name, port, peer)) };
        let bucket = BucketName::parse(bucket).map_err(|_| S3Error::invalid_bucket_name(bucket))?;
        Ok(Addressed { region: region.clone(), bucket: Some(bucket) })
    }

    fn exact(&self, name: &str) -> Option<&Region> {
        if self.hosts.path_style.iter().any(|served| served == name) {
            return Some(&self.home);
        }
        let other = self.others.iter().find(|(_, hosts)| hosts.iter().any(|served| served == name));
        other.map(|(region, _)| region)
    }

    /// The region and the bucket where a base follows a bucket: of several the longest, so that the endpoint of a region
    /// may lie below another's.
    fn before_base<'n>(&self, name: &'n str) -> Option<(&Region, &'n str)> {
        let own = self.hosts.virtual_host_bases.iter().map(|base| (&self.home, base));
        let others = self.others.iter().flat_map(|(region, hosts)| hosts.iter().map(move |base| (region, base)));
        own.chain(others)
            .filter_map(|(region, base)| Some((region, name.strip_suffix(base.as_str())?.strip_suffix('.')?)))
            .min_by_key(|(_, bucket)| bucket.len())
    }

    /// Says under which names the store does answer. They are no secret: whoever gets this far has found it.
    fn unknown(&self, name: &str, port: Port, peer: Peer) -> S3Error {
        let scheme = peer.scheme();
        let port = port.0.map(|port| format!(":{port}")).unwrap_or_default();
        let path_style = self.hosts.path_style.iter().map(|host| format!("{scheme}://{host}{port}"));
        let virtual_host = self.hosts.virtual_host_bases.iter().map(|base| format!("{scheme}://BUCKET.{base}{port}"));
        let served: Vec<String> = path_style.chain(virtual_host).collect();
        S3Error::invalid_request(format!("This store does not answer to the host {name}. Use {}.", served.join(" or ")))
    }
}

/// What stands after the host in `Host` (RFC 9110 §7.2): a port, or nothing.
#[derive(Debug, Clone, Copy)]
struct Port(Option<u16>);

impl Port {
    fn parse(rest: &str) -> Option<Self> {
        match rest.strip_prefix(':') {
            None => rest.is_empty().then_some(Self(None)),
            Some("") => Some(Self(None)),
            Some(port) => Some(Self(Some(u16::try_from(number(port)?).ok()?))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let hosts = Hosts {
            path_style: vec!["127.0.0.1".into(), "s3.example.test".into()],
            virtual_host_bases: vec!["s3.example.test".into()],
        };
        let other = OtherRegion {
            region: Region::new("eu-central-1").unwrap(),
            hosts: vec!["EU.s3.example.test".into(), "s3.eu.test".into()],
        };
        Routes::new(Region::new("us-east-1").unwrap(), hosts, vec![other])
    }

    fn ask(host: &str) -> (String, Option<String>) {
        let Addressed { region, bucket } = routes().addressed(host, Peer::local()).unwrap();
        (region.as_str().to_owned(), bucket.map(|bucket| bucket.as_str().to_owned()))
    }

    #[test]
    fn a_host_says_which_region_and_which_bucket() {
        let bucket = |name: &str| Some(name.to_owned());
        for (host, region, expected) in [
            ("127.0.0.1:9000", "us-east-1", None),
            ("s3.example.test", "us-east-1", None),
            ("photos.s3.example.test:1", "us-east-1", bucket("photos")),
            ("eu.s3.example.test", "eu-central-1", None),
            ("photos.eu.s3.example.test", "eu-central-1", bucket("photos")),
            ("s3.eu.test", "eu-central-1", None),
            ("a.b.S3.eu.test", "eu-central-1", bucket("a.b")),
        ] {
            assert_eq!(ask(host), (region.to_owned(), expected), "{host}");
        }
        assert!(routes().addressed("eu.test", Peer::local()).is_err());
    }

    #[test]
    fn an_endpoint_has_the_port_that_was_asked() {
        let (routes, bucket) = (routes(), BucketName::parse("photos").unwrap());
        let eu = routes.served("eu-central-1").unwrap();
        let endpoint = |region, asked| routes.endpoint(region, &bucket, asked).unwrap();
        assert_eq!(endpoint(eu, "127.0.0.1:9000"), "photos.eu.s3.example.test:9000");
        assert_eq!(endpoint(eu, "[::1]"), "photos.eu.s3.example.test");
        assert_eq!(endpoint(&routes.home, "s3.eu.test"), "photos.s3.example.test");
    }
}
