//! Explains a signed URL, request or form.

use jiff::Timestamp;

use gatepass_signing::address::Endpoint;
use gatepass_signing::credentials::Credentials;

use crate::input::Exchange;
use crate::report::{Kind, Report, UrlParts};

/// What an explanation starts from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The request, and what came back.
    pub exchange: &'a Exchange,
    /// The time to judge at, where the answer does not tell when it was given.
    pub now: Timestamp,
    /// The credentials that may have signed. They are used to compute signatures again, and never shown.
    pub credentials: Option<&'a Credentials>,
    /// Where the store may be reached, besides the URL's own host.
    pub endpoints: &'a [Endpoint],
}

impl<'a> Input<'a> {
    /// A request and a time, without credentials.
    #[must_use]
    pub fn new(exchange: &'a Exchange, now: Timestamp) -> Self {
        Self { exchange, now, credentials: None, endpoints: &[] }
    }
}

/// Explains.
#[must_use]
pub fn explain(input: &Input<'_>) -> Report {
    let _ = input;
    Report { kind: Kind::Unsigned, url: UrlParts::default(), signed: None, findings: Vec::new(), checked: Vec::new() }
}
