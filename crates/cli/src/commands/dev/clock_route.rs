//! The clock of `gatepass dev --test-clock`, on the backend's address.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State as Shared,
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};

use crate::{
    clock::Clock,
    state::{Announcer, State},
    test_clock,
};

struct Hand {
    clock: Clock,
    state: State,
    announcer: Announcer,
}

pub(super) fn route(clock: Clock, state: State, announcer: Announcer) -> Router {
    let hand = Arc::new(Hand { clock, state, announcer });
    Router::new().route(test_clock::PATH, post(advance)).with_state(hand)
}

async fn advance(Shared(hand): Shared<Arc<Hand>>, headers: HeaderMap, body: Bytes) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if host != hand.state.backend.strip_prefix("http://") {
        return (StatusCode::FORBIDDEN, "the clock is not for browsers\n").into_response();
    }
    let answer = test_clock::answer(&hand.clock, &headers, &body);
    if answer.status() == StatusCode::OK {
        let state = State { clock_offset_milliseconds: hand.clock.offset_milliseconds(), ..hand.state.clone() };
        if let Err(failure) = hand.announcer.announce(&state) {
            tracing::warn!(error = failure.message(), "other commands will not know the new time");
        }
    }
    answer.into_response()
}
