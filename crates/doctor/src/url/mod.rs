//! Explains a signed URL, request or form: [`explain`] is one look after the other, a file for each family of causes.

mod access;
mod address;
mod cloudfront;
mod credentials;
mod difference;
mod encryption;
mod form;
mod headers;
mod host;
mod hypotheses;
mod key;
mod method;
mod place;
mod policy;
mod query;
mod recompute;
mod scheme;
mod subject;
mod time;

use gatepass_signing::address::Endpoint;
use gatepass_signing::credentials::Credentials;
use jiff::Timestamp;

use self::subject::Subject;
use crate::input::Exchange;
use crate::redact;
use crate::report::{Cause, Finding, Likelihood, Parameter, Report, UrlParts};

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

const COMPUTED: &str = "what the signature computes to, with the credentials at hand";
const RECEIVED: &str = "what the server computed, byte for byte";
const OF_FORMS: &str = "the policy of the form";
const OF_CLOUDFRONT: &str = "the policy and the key of CloudFront";

/// Adds what it sees.
type Look = fn(&Subject<'_>, &mut Findings);

/// Every look, with what it looked at. Where two findings are equally likely, that of the earlier look comes first.
const LOOKS: &[(&str, Look)] = &[
    ("the URL as a whole: nothing cut off, no HTML escapes, no second signature", query::whole),
    ("the scheme of the signature", scheme::look),
    (COMPUTED, hypotheses::look),
    (RECEIVED, difference::look),
    ("the time of signing, the lifetime and the clocks", time::look),
    ("the access key and the session token", credentials::look),
    ("region, host and addressing style", place::look),
    ("the method", method::look),
    ("the encoding of the key", key::look),
    ("the signed headers, and those that should have been", headers::look),
    ("the parameters of the query", query::look),
    ("the headers of encryption", encryption::look),
    (OF_FORMS, policy::look),
    (OF_CLOUDFRONT, cloudfront::look),
    ("permissions, and whether the object is there", access::look),
    ("what is left when nothing else is", credentials::last_resort),
];

/// Explains why a request fails, or would fail.
#[must_use]
pub fn explain(input: &Input<'_>) -> Report {
    let subject = Subject::new(input);
    let mut findings = Findings::default();
    for (_, look) in LOOKS {
        look(&subject, &mut findings);
    }
    let is_computed = findings.signature_is_right || findings.signature_was_tried;
    let mut report = Report {
        kind: subject.kind(),
        url: parts(&subject),
        signed: recompute::signed(&subject),
        findings: findings.sorted(),
        checked: checked(&subject, is_computed),
    };
    scrub(&mut report, &subject);
    report
}

/// What was looked at: a look that had nothing to look at does not count.
fn checked(subject: &Subject<'_>, is_computed: bool) -> Vec<&'static str> {
    let has_seen = subject.error.is_some_and(|error| error.get("CanonicalRequest").is_some());
    let could_see = |what: &str| match what {
        COMPUTED => is_computed,
        RECEIVED => has_seen,
        OF_FORMS => subject.post().is_some(),
        OF_CLOUDFRONT => subject.cloudfront().is_some(),
        _ => true,
    };
    LOOKS.iter().map(|(what, _)| *what).filter(|what| could_see(what)).collect()
}

/// Whatever secret the looks may have quoted is taken out again.
fn scrub(report: &mut Report, subject: &Subject<'_>) {
    let scrubber = redact::Scrubber::new(subject.secrets());
    for finding in &mut report.findings {
        scrubber.scrub(&mut finding.evidence);
    }
    let url = &mut report.url;
    for text in [&mut url.redacted, &mut url.path, &mut url.host].into_iter().chain(&mut url.signed_headers) {
        scrubber.scrub(text);
    }
    let optional =
        [&mut url.bucket, &mut url.key, &mut url.access_key_id, &mut url.region, &mut url.policy, &mut url.method];
    optional.into_iter().flatten().for_each(|text| scrubber.scrub(text));
    for parameter in &mut url.query {
        scrubber.scrub(&mut parameter.name);
        scrubber.scrub(&mut parameter.value);
    }
    if let Some(signed) = &mut report.signed {
        scrubber.scrub(&mut signed.string_to_sign);
        signed.canonical_request.iter_mut().for_each(|text| scrubber.scrub(text));
    }
}

/// The findings so far.
#[derive(Default)]
pub(crate) struct Findings {
    found: Vec<Finding>,
    /// The signature is right for the request as it is given.
    pub(crate) signature_is_right: bool,
    /// The credentials at hand are those that signed, and no variant of the request that was tried has its signature.
    pub(crate) signature_was_tried: bool,
}

impl Findings {
    pub(crate) fn add(&mut self, id: Cause, likelihood: Likelihood, evidence: impl Into<String>, fix: &str) {
        self.found.push(Finding::new(id, likelihood, evidence, fix));
    }

    /// Whether something was found that explains the failure by itself.
    pub(crate) fn is_explained(&self) -> bool {
        self.found.iter().any(|finding| finding.likelihood <= Likelihood::Evident)
    }

    pub(crate) fn has(&self, id: Cause) -> bool {
        self.found.iter().any(|finding| finding.id == id)
    }

    /// The most likely first, each cause once.
    fn sorted(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|finding| finding.likelihood);
        let mut seen = Vec::new();
        self.found.retain(|finding| {
            let is_new = !seen.contains(&finding.id);
            seen.push(finding.id);
            is_new
        });
        self.found
    }
}

fn parts(subject: &Subject<'_>) -> UrlParts {
    let address = &subject.address;
    let (bucket, key) = subject.bucket_and_key();
    let query = address.query.iter().map(|parameter| Parameter {
        name: parameter.name.clone(),
        value: match parameter.name.as_str() {
            name if redact::is_secret(name) => redact::REDACTED.to_owned(),
            // Decoded, it is in `policy`.
            "Policy" => redact::REDACTED.to_owned(),
            _ => parameter.value.clone(),
        },
    });
    let policy = subject
        .post()
        .and_then(|post| post.policy.as_deref())
        .or_else(|| subject.cloudfront().and_then(|claim| claim.policy.as_deref()));
    UrlParts {
        redacted: redact::url(&subject.request.url),
        method: subject.request.method.clone(),
        scheme: address.scheme.clone(),
        host: address.authority.clone(),
        path: address.path.clone(),
        bucket,
        key,
        query: query.collect(),
        access_key_id: subject.access_key_id().map(str::to_owned),
        region: subject.region().map(str::to_owned),
        signed_at: subject.signed_at(),
        expires_at: subject.expires_at(),
        signed_headers: subject.sigv4().map(|claim| claim.signed_headers.clone()).unwrap_or_default(),
        policy: policy.map(redact::policy),
    }
}
