//! One road for every request: arrival → authenticate → operation → authorize → grant → data.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use gatepass_authority::ROOT_ACCOUNT;
use gatepass_iam::Context;
use gatepass_protocol::s3::error::{ErrorCode, S3Error};
use gatepass_protocol::s3::operation::{Operation, Request as OperationRequest, Target};
use http::{Request, Response, Version};
use hyper::body::{Body, Incoming};
use jiff::Timestamp;

use crate::access_log::Entry;
use crate::answer::{Answer, Connection};
use crate::arrival::{Arrival, Framing, Kind};
use crate::authorize::{Authorizer, LastDenial};
use crate::exchange::Exchange;
use crate::explain::{self, Head, Refused, Stage};
use crate::faults::Slow;
use crate::linger::Unread;
use crate::ops::{self, Call};
use crate::outgoing::Outgoing;
use crate::peer::Peer;
use crate::request_id::RequestId;
use crate::store::Store;
use crate::strict::Flaw;
use crate::{cors, post_form, redirect, request_context, sts, test_clock};

/// What the log says about a request. Never its query, which may hold a signature or a token.
#[derive(Debug, Default)]
pub(crate) struct LogLine {
    operation: Option<&'static str>,
    access_key_id: Option<String>,
    error: Option<&'static str>,
    /// How far the request came.
    stage: Stage,
    /// What policies refused it.
    denial: Option<LastDenial>,
}

/// Answers one request. An error is an answer that is lost on purpose: the connection, or its stream, breaks.
pub(crate) async fn answer(
    store: &Arc<Store>,
    request: Request<Incoming>,
    peer: Peer,
    head: Result<(), Flaw>,
    unread: &Unread,
) -> io::Result<Response<Outgoing>> {
    let begun = Instant::now();
    let now = store.now();
    let id = RequestId::random();
    let (parts, mut incoming) = request.into_parts();
    let (method, version) = (parts.method.clone(), parts.version);
    let mut log = LogLine::default();
    let mut entry = store.access_log.as_ref().map(|_| Entry::begin(&parts, peer, &id, now));
    let copied = store.explainer.as_ref().and_then(|_| Head::of(&parts, peer));
    let (mut answer, mut connection) =
        match head.map_err(S3Error::from).and_then(|()| Arrival::read(parts, &store.routes, peer)) {
            Ok(arrival) => {
                if let Some(entry) = &mut entry {
                    entry.arrived(&arrival);
                }
                let connection = connection_after(&arrival);
                let answer = walk(store, &arrival, &mut incoming, now, &id, &mut log).await;
                if let (Framing::Length(length), true) = (arrival.framing, incoming.is_end_stream()) {
                    store.metrics.received(length);
                }
                (answer, connection)
            }
            Err(error) => {
                log.error = Some(error.code().as_str());
                (Answer::error(&error, &id), Connection::Close)
            }
        };
    explain(store, &log, copied, now, &mut answer);
    if !incoming.is_end_stream() {
        unread.set();
        // hyper closes such a connection, and a client that was not told would send its next request into it.
        connection = Connection::Close;
    }
    tracing::info!(
        request_id = id.request_id(),
        method = %method,
        operation = log.operation,
        access_key_id = log.access_key_id,
        status = answer.status.as_u16(),
        error = log.error,
        "request"
    );
    if version == Version::HTTP_2 {
        // There is no such header there: what is not read of a body, resets its stream alone (RFC 9113 §8.2.2).
        connection = Connection::KeepAlive;
    }
    if let Some(code) = log.error {
        store.metrics.refused(code);
    }
    if let Some(entry) = &mut entry {
        entry.answered(&answer, log.operation, log.access_key_id.is_some(), log.error, begun.elapsed());
    }
    let status = answer.status;
    let exchange = Exchange::new(Arc::clone(store), begun, log.operation, status.as_u16(), entry);
    let mut slow = None;
    if let Some((faults, operation)) = store.faults.as_ref().zip(log.operation) {
        if status.is_success() && faults.drops_reply(method.as_str(), operation) {
            return Err(io::Error::other("an answer is lost on purpose"));
        }
        slow = faults.body_rate(method.as_str(), operation).map(Slow::new);
    }
    let response = answer.into_response(&method, &id, now, connection);
    Ok(response.map(|body| Outgoing::new(body, slow, exchange)))
}

/// Tells a developer where the refusal is explained, where there are developers.
fn explain(store: &Store, log: &LogLine, head: Option<Head>, now: Timestamp, answer: &mut Answer) {
    let (Some(explainer), Some(code), Some(head)) = (&store.explainer, log.error, head) else { return };
    let denial = log.denial.as_ref().and_then(|last| last.lock().unwrap_or_else(PoisonError::into_inner).clone());
    let is_denied = code == ErrorCode::AccessDenied.as_str() && denial.is_some();
    // Once policies have let it pass, it is the data that refuses.
    let stage = if log.stage == Stage::Authorize && !is_denied { Stage::Data } else { log.stage };
    let credentials = store.root_credentials();
    let refused = Refused { head, now, stage, operation: log.operation, code, denial, credentials };
    explainer.explain(refused, answer);
}

async fn walk(
    store: &Arc<Store>,
    arrival: &Arrival,
    incoming: &mut Incoming,
    now: Timestamp,
    id: &RequestId,
    log: &mut LogLine,
) -> Answer {
    log.reached(Stage::Authenticate);
    let answered = match arrival.kind {
        _ if let Some(explainer) = explain::asked(store, arrival) => {
            log.operation = Some("Explain");
            explain::answer(explainer, arrival)
        }
        _ if let Some(clock) = test_clock::asked(store, arrival) => {
            log.operation = Some("TestClock");
            Box::pin(test_clock::answer(store, clock, arrival, incoming)).await
        }
        Kind::Preflight => {
            log.operation = Some("Preflight");
            redirect::if_elsewhere(store, arrival).and_then(|()| cors::preflight(store, arrival))
        }
        Kind::Sts => return Box::pin(sts::answer(store, arrival, incoming, now, id, log)).await,
        Kind::S3 => s3(store, arrival, incoming, now, log).await,
        Kind::PostForm => Box::pin(post_form::answer(store, arrival, incoming, now, log)).await,
    };
    let mut answer = answered.unwrap_or_else(|error| {
        log.error = Some(error.code().as_str());
        Answer::error(&error, id)
    });
    if matches!(arrival.kind, Kind::S3 | Kind::PostForm) && arrival.is_cross_origin() {
        cors::decorate(store, arrival, &mut answer);
    }
    answer
}

async fn s3(
    store: &Arc<Store>,
    arrival: &Arrival,
    incoming: &mut Incoming,
    now: Timestamp,
    log: &mut LogLine,
) -> Result<Answer, S3Error> {
    let caller = match store.authenticator.s3(arrival, now) {
        // Who asks at the endpoint of one region for a bucket of another, and signs for that, is to ask elsewhere, not to
        // sign otherwise.
        Err(refused) if refused.is_about_the_region() => {
            redirect::if_elsewhere(store, arrival)?;
            return Err(refused.into());
        }
        caller => caller?,
    };
    log.access_key_id = caller.access_key_id.as_ref().map(|id| id.as_str().to_owned());
    log.reached(Stage::Operation);
    let target = Target::from_path(arrival.host_bucket.clone(), arrival.raw_path())?;
    let request = OperationRequest { method: &arrival.method, target, query: &caller.query, headers: &arrival.headers };
    let operation = Operation::parse(&request)?;
    log.operation = Some(operation.name());
    if !matches!(operation, Operation::CreateBucket(_)) {
        redirect::if_elsewhere(store, arrival)?;
    }
    if let Some(faults) = &store.faults {
        faults.refuse(arrival.method.as_str(), operation.name())?;
    }
    request.check_expected_bucket_owner(ROOT_ACCOUNT.as_str())?;
    let policies = store.policies.of_operation(&store.index, &operation)?;
    // What policies may look at is put together only where there is one.
    let context =
        if policies.is_empty() { Context::new() } else { request_context::of(arrival, &caller, &operation, now) };
    let authorizer = Authorizer::of_request(store, caller.principal, policies, context);
    log.authorizing(&authorizer);
    let call = Call { store, arrival, authorizer, payload: caller.payload, incoming, now };
    ops::perform(call, operation).await
}

impl LogLine {
    pub(crate) fn reached(&mut self, stage: Stage) {
        self.stage = stage;
    }

    pub(crate) fn authorizing(&mut self, authorizer: &Authorizer) {
        self.stage = Stage::Authorize;
        self.denial = Some(authorizer.last_denial());
    }

    pub(crate) fn operation(&mut self, name: &'static str) {
        self.operation = Some(name);
    }

    pub(crate) fn error(&mut self, code: &'static str) {
        self.error = Some(code);
    }

    pub(crate) fn caller(&mut self, access_key_id: &str) {
        self.access_key_id = Some(access_key_id.to_owned());
    }
}

/// A request with `Transfer-Encoding` ends its connection: had it carried a `Content-Length` too,
/// hyper would have hidden that, and whoever stands before this server may have believed it
/// (RFC 9112 §6.1 asks for exactly this).
fn connection_after(arrival: &Arrival) -> Connection {
    match arrival.framing {
        Framing::Chunked => Connection::Close,
        Framing::None | Framing::Length(_) => Connection::KeepAlive,
    }
}
