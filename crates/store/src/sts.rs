//! STS on the same port: `POST /` with a form, signed for the service `sts`.

use std::time::Duration;

use bytes::Bytes;
use gatepass_protocol::sts::{Action, CallerIdentity, MAX_FORM_BYTES, StsError};
use gatepass_signing::sigv4::verify::Payload;
use http::StatusCode;
use hyper::body::Incoming;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::authenticate::{StsCaller, Unauthenticated};
use crate::body::{self, Bounds};
use crate::request_id::RequestId;
use crate::service::LogLine;
use crate::store::Store;

/// How long a form may take to arrive as a whole.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn answer(
    store: &Store,
    arrival: &Arrival,
    incoming: &mut Incoming,
    now: Timestamp,
    id: &RequestId,
    log: &mut LogLine,
) -> Answer {
    let (status, document) = match perform(store, arrival, incoming, now, log).await {
        Ok(identity) => (StatusCode::OK, identity.to_xml(id.request_id())),
        Err(error) => {
            log.error(error.code());
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, error.to_xml(id.request_id()))
        }
    };
    let answer = Answer { status, body: document.into(), ..Answer::empty(status) };
    answer.with("content-type", "text/xml")
}

async fn perform(
    store: &Store,
    arrival: &Arrival,
    incoming: &mut Incoming,
    now: Timestamp,
    log: &mut LogLine,
) -> Result<CallerIdentity, StsError> {
    if !store.authenticator.is_sts_claim(arrival, now).map_err(refusal)? {
        return Err(StsError::missing_authentication_token());
    }
    let form = read_form(incoming).await?;
    let caller = store.authenticator.sts(arrival, Sha256::digest(&form).into(), now).map_err(refusal)?;
    let StsCaller { identity, access_key_id } = caller.ok_or_else(StsError::missing_authentication_token)?;
    log.caller(access_key_id.as_str());
    let form = std::str::from_utf8(&form).map_err(|_| StsError::malformed_form())?;
    match Action::parse(form)? {
        Action::GetCallerIdentity => {
            log.operation("GetCallerIdentity");
            Ok(CallerIdentity {
                arn: identity.principal.arn(),
                user_id: identity.user_id,
                account: identity.account.as_str().to_owned(),
            })
        }
    }
}

/// The signature covers the form, so the form is read before the signature is checked: for those
/// alone who name a key that exists, and bounded in length and time.
async fn read_form(incoming: &mut Incoming) -> Result<Bytes, StsError> {
    let bounds = Bounds { bytes: MAX_FORM_BYTES, time: FORM_TIMEOUT };
    let form = body::document(incoming, &Payload::Unsigned, bounds).await;
    form.map_err(|_| StsError::malformed_form())
}

fn refusal(reason: Unauthenticated) -> StsError {
    match reason {
        Unauthenticated::Refused(refusal) => StsError::from(&refusal),
        Unauthenticated::UnknownKey(_) | Unauthenticated::UnexpectedToken => StsError::invalid_client_token_id(),
    }
}
