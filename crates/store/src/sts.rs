//! STS.
use crate::answer::Answer; use crate::arrival::Arrival; use crate::store::Store; use gatepass_protocol::s3::error::S3Error; use crate::request_id::RequestId; use crate::service::LogLine;
pub(crate) async fn answer(_store: &Store, _arrival: &Arrival, _incoming: hyper::body::Incoming, _now: jiff::Timestamp, id: &RequestId, _log: &mut LogLine) -> Answer { Answer::error(&S3Error::access_denied(), id) }
