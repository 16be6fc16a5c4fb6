//! Why was that refused? For developers: each refusal carries the address of a page that says so.
//!
//! The page shows the request, how far it came, the byte or the statement at which it failed, and what to do. It holds no
//! signature, no token and no key: what is kept has been redacted before. It is shown to this machine alone, at the host
//! names of the store, so that no web page can read it by DNS rebinding.

mod page;
mod view;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use gatepass_protocol::s3::error::{ResourceType, S3Error};
use gatepass_signing::credentials::Credentials;
use gatepass_signing::encode::hex;
use http::request::Parts;
use http::{Method, StatusCode};
use jiff::Timestamp;

use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::authorize::Denial;
use crate::body::ResponseBody;
use crate::peer::Peer;
use crate::store::Store;
use view::Explanation;
pub(crate) use view::Stage;

/// How many refusals are remembered. Then the oldest is forgotten.
pub const REMEMBERED_REFUSALS: usize = 256;
/// The longest head of a request that is explained: target and headers.
pub const EXPLAINED_HEAD_MAX_BYTES: usize = 16 * 1024;

const PATH: &str = "/_gatepass/explain/";
/// The header in which a refusal names its page.
const HEADER: &str = "x-gatepass-explain";
/// So many random bytes name a page, which nobody guesses.
const ID_BYTES: usize = 16;

/// What was refused lately.
#[derive(Debug)]
pub(crate) struct Explainer {
    /// `http://127.0.0.1:9000`: where the pages are.
    address: String,
    remembered: Mutex<VecDeque<Explanation>>,
}

/// The head of a request, copied before anything takes it apart.
pub(crate) struct Head {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    peer: Peer,
}

/// A request that was refused.
pub(crate) struct Refused<'a> {
    pub(crate) head: Head,
    pub(crate) now: Timestamp,
    /// How far it came.
    pub(crate) stage: Stage,
    pub(crate) operation: Option<&'static str>,
    pub(crate) code: &'static str,
    /// What a policy said, where one was asked last.
    pub(crate) denial: Option<Denial>,
    /// The keys of the root identity, to try out what else may have been signed.
    pub(crate) credentials: &'a Credentials,
}

impl Head {
    /// `None` for a head that is too long to be kept.
    pub(crate) fn of(parts: &Parts, peer: Peer) -> Option<Self> {
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + target.len();
        if bytes > EXPLAINED_HEAD_MAX_BYTES {
            return None;
        }
        let scheme = peer.scheme();
        let host = headers.iter().find(|(name, _)| name == "host").map(|(_, host)| host.as_str());
        let host = host.or(parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default();
        let url = format!("{scheme}://{host}{target}");
        Some(Self { method: parts.method.as_str().to_owned(), url, headers, peer })
    }
}

impl Explainer {
    pub(crate) fn new(address: String) -> Self {
        Self { address, remembered: Mutex::default() }
    }

    /// Remembers a refusal, and tells the answer to it where it is explained. Without randomness it is not.
    pub(crate) fn explain(&self, refused: Refused<'_>, answer: &mut Answer) {
        let mut random = [0_u8; ID_BYTES];
        if getrandom::fill(&mut random).is_err() {
            return;
        }
        let id = hex(&random);
        let document = match &answer.body {
            ResponseBody::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            ResponseBody::Object(_) => String::new(),
        };
        let explanation = Explanation::of(id.clone(), refused, answer.status.as_u16(), &document);
        answer.add(HEADER, format!("{}{PATH}{id}", self.address).as_bytes());
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() == REMEMBERED_REFUSALS {
            remembered.pop_front();
        }
        remembered.push_back(explanation);
    }
}

/// What explains, where this request asks for an explanation.
pub(crate) fn asked<'s>(store: &'s Store, arrival: &Arrival) -> Option<&'s Explainer> {
    let explainer = store.explainer.as_ref()?;
    let is_ours = arrival.raw_path().starts_with(PATH) && arrival.host_bucket.is_none();
    (is_ours && arrival.peer.ip().is_loopback()).then_some(explainer)
}

/// A page for people, or JSON where that is asked for.
pub(crate) fn answer(explainer: &Explainer, arrival: &Arrival) -> Result<Answer, S3Error> {
    if !matches!(arrival.method, Method::GET | Method::HEAD) {
        return Err(S3Error::method_not_allowed(arrival.method.as_str(), ResourceType::Service, "GET, HEAD"));
    }
    let id = arrival.raw_path().strip_prefix(PATH).unwrap_or_default();
    let remembered = explainer.remembered.lock().unwrap_or_else(PoisonError::into_inner);
    let found = remembered.iter().find(|explanation| explanation.id == id);
    let wants_json = arrival.header("accept").is_some_and(|accept| accept.trim_start().starts_with("application/json"));
    let (status, kind, body) = match (found, wants_json) {
        (Some(explanation), true) => (StatusCode::OK, "application/json", explanation.to_json()),
        (Some(explanation), false) => (StatusCode::OK, "text/html; charset=utf-8", page::of(explanation)),
        (None, true) => (StatusCode::NOT_FOUND, "application/json", "{\"error\":\"not found\"}".to_owned()),
        (None, false) => (StatusCode::NOT_FOUND, "text/html; charset=utf-8", page::forgotten(REMEMBERED_REFUSALS)),
    };
    let answer = Answer { body: body.into(), ..Answer::empty(status) };
    Ok(answer
        .with("content-type", kind)
        .with(
            "content-security-policy",
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        .with("x-content-type-options", "nosniff")
        .with("cross-origin-resource-policy", "same-origin")
        .with("referrer-policy", "no-referrer")
        .with("cache-control", "no-store"))
}
