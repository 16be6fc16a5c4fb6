//! The bucket that a form uploads into.

use crate::address::{Address, AddressError, AddressingStyle, Endpoint};

/// A bucket and the URL that its forms are sent to. The two cannot differ, so no form is for another bucket than its
/// policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadTarget {
    bucket: String,
    url: String,
}

impl UploadTarget {
    /// A bucket at an endpoint.
    pub fn new(endpoint: &Endpoint, style: AddressingStyle, bucket: &str) -> Result<Self, AddressError> {
        let address = Address::bucket(endpoint, style, bucket)?;
        let url = format!("{}://{}{}", address.scheme().as_str(), address.host(), address.path());
        Ok(Self { bucket: bucket.to_owned(), url })
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Where forms go: `https://bucket.host/` or `https://host/bucket`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
