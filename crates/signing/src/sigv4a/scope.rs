//! The credential scope of SigV4a: a date and a service. The regions stand elsewhere.

use std::fmt;

use crate::sigv4::{ServiceName, TERMINAL};
use crate::time::AmzDate;

/// `YYYYMMDD/SERVICE/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    date: [u8; 8],
    service: ServiceName,
}

impl Scope {
    pub(crate) fn new(signed_at: &AmzDate, service: ServiceName) -> Self {
        let date = signed_at.date().as_bytes().try_into().expect("the date of an AmzDate has eight digits");
        Self { date, service }
    }

    /// `YYYYMMDD`.
    #[must_use]
    pub fn date(&self) -> &str {
        std::str::from_utf8(&self.date).expect("the date of a scope is digits")
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> ServiceName {
        self.service
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{TERMINAL}", self.date(), self.service.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_no_region() {
        let signed_at = AmzDate::parse("20130524T000000Z").unwrap();
        assert_eq!(Scope::new(&signed_at, ServiceName::S3).to_string(), "20130524/s3/aws4_request");
    }
}
