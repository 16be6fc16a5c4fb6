//! `POST /_gatepass/clock {"advance": "20m"}`: moves the clock of everything, so that expiry is tested without waiting.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State as Shared,
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::{
    clock::Clock,
    state::{Announcer, State},
    values::Seconds,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance: String,
}

struct Hand {
    clock: Clock,
    state: State,
    announcer: Announcer,
}

pub(super) fn route(clock: Clock, state: State, announcer: Announcer) -> Router {
    let hand = Arc::new(Hand { clock, state, announcer });
    Router::new().route("/_gatepass/clock", post(advance)).with_state(hand)
}

/// No page may do this: a browser's request of another site names its origin or another host.
async fn advance(Shared(hand): Shared<Arc<Hand>>, headers: HeaderMap, body: Bytes) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if headers.contains_key(header::ORIGIN) || host != hand.state.backend.strip_prefix("http://") {
        return (StatusCode::FORBIDDEN, "the clock is not for browsers\n").into_response();
    }
    let step = serde_json::from_slice::<Move>(&body).ok().and_then(|wanted| wanted.advance.parse::<Seconds>().ok());
    let Some(step) = step else {
        return (StatusCode::BAD_REQUEST, "expected {\"advance\": \"20m\"}\n").into_response();
    };
    hand.clock.advance(step.duration());
    let state = State { clock_offset_milliseconds: hand.clock.offset_milliseconds(), ..hand.state.clone() };
    if let Err(failure) = hand.announcer.announce(&state) {
        tracing::warn!(error = failure.message(), "other commands will not know the new time");
    }
    Json(json!({ "now": hand.clock.now() })).into_response()
}
