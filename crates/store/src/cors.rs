//! CORS.
use crate::answer::Answer; use crate::arrival::Arrival; use crate::store::Store; use gatepass_protocol::s3::error::S3Error;
pub(crate) fn preflight(_store: &Store, _arrival: &Arrival) -> Result<Answer, S3Error> { Err(S3Error::access_denied()) }
pub(crate) fn decorate(_store: &Store, _arrival: &Arrival, _answer: &mut Answer) {}
