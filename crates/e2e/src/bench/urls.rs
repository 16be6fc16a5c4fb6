//! Signed URLs for any S3-compatible server.

use std::net::SocketAddr;

use anyhow::Result;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;
use jiff::Timestamp;

/// The keys of every server in a bench.
pub const ACCESS_KEY: &str = "AKIDBENCHBENCHBENCHB";
/// They open nothing but what a bench has made.
pub const SECRET_KEY: &str = "a-secret-for-benches-that-nobody-uses";
/// The region of every server in a bench.
pub const REGION: &str = "us-east-1";

/// Longer than any bench.
const LIFETIME_SECONDS: u64 = 24 * 3600;

/// Signs for one server.
pub struct Urls {
    endpoint: Endpoint,
    credentials: Credentials,
    region: Region,
    keys: KeyCache,
}

impl Urls {
    /// For the server on this address.
    pub fn new(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            endpoint: Endpoint::parse(&format!("http://{address}"))?,
            credentials: Credentials::long_term(AccessKeyId::new(ACCESS_KEY)?, SecretKey::new(SECRET_KEY)?),
            region: Region::new(REGION)?,
            keys: KeyCache::new(),
        })
    }

    /// The target of a signed request, path and query; an empty key means the bucket.
    pub fn target(&self, method: Method, bucket: &str, key: &str) -> Result<String> {
        self.target_with(method, bucket, key, &[])
    }

    /// The same with more parameters of the query.
    pub fn target_with(&self, method: Method, bucket: &str, key: &str, query: &[(&str, &str)]) -> Result<String> {
        let address = match key {
            "" => Address::bucket(&self.endpoint, AddressingStyle::Path, bucket)?,
            key => Address::object(&self.endpoint, AddressingStyle::Path, bucket, key)?,
        };
        let mut presign = Presign::new(&self.credentials, self.region.clone(), address, method)
            .expires(Lifetime::from_secs(LIFETIME_SECONDS)?);
        for (name, value) in query {
            presign = presign.query(name, value)?;
        }
        let url = presign.sign(&self.keys, now())?.into_exposed();
        let (_, rest) = url.split_once("://").unwrap_or_default();
        Ok(rest.find('/').map_or_else(|| "/".to_owned(), |slash| rest[slash..].to_owned()))
    }
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "a bench lives in the time of the servers beside it")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
