//! `POST /_gatepass/clock`: moves the clock of a store that was started for tests. No bucket has a name with `_`, so the
//! address is in nobody's way.

use std::sync::Arc;

use gatepass_protocol::s3::error::{ResourceType, S3Error};
use gatepass_signing::sigv4::verify::Payload;
use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;

use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::body::{self, Bounds};
use crate::store::Store;

/// What answers: it gets the headers and the body of the request. The binary, which has the clock, says what it does.
pub type TestClock = Arc<dyn Fn(&HeaderMap, &[u8]) -> Response<String> + Send + Sync>;

const PATH: &str = "/_gatepass/clock";
/// How long the body of such a request is at most.
const BODY_MAX_BYTES: usize = 1024;

/// The clock, where this request is for it.
pub(crate) fn asked<'s>(store: &'s Store, arrival: &Arrival) -> Option<&'s TestClock> {
    let clock = store.test_clock.as_ref()?;
    (arrival.raw_path() == PATH && arrival.host_bucket.is_none() && arrival.peer.ip().is_loopback()).then_some(clock)
}

/// Moves the clock, and with it whatever goes by the clock: when the answer comes, objects that have expired are gone.
pub(crate) async fn answer(
    store: &Store,
    clock: &TestClock,
    arrival: &Arrival,
    incoming: &mut Incoming,
) -> Result<Answer, S3Error> {
    if arrival.method != Method::POST {
        return Err(S3Error::method_not_allowed(arrival.method.as_str(), ResourceType::Service, "POST"));
    }
    let body = body::document(incoming, &Payload::Unsigned, Bounds::bytes(BODY_MAX_BYTES)).await?;
    let (head, text) = clock(&arrival.headers, &body).into_parts();
    if head.status.is_success() {
        store.run_lifecycle().await.map_err(|error| {
            tracing::error!(%error, "the clock was moved");
            S3Error::internal()
        })?;
    }
    Ok(Answer { status: head.status, headers: head.headers, body: text.into() })
}
