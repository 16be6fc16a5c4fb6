//! What a policy allows beyond what its author may have meant.

use std::fmt::{self, Write as _};

use super::policy::{CustomPolicy, Policy};
use super::resource::Resource;
use super::url::UrlParts;

/// What is wide about a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingId {
    /// No `Resource`, or one that covers every URL: every file of every distribution that trusts the key.
    EveryResource,
    /// `*` or `http*` for the protocol: the URL works over plain HTTP too.
    WildcardProtocol,
    /// A wildcard in the host: names that somebody else may own, or another application of yours.
    WildcardHost,
    /// A `*` in the path that does not begin a segment: `/u/1*` covers `/u/12/x`.
    WildcardWithinSegment,
    /// A `*` that ends the path covers every query too, whatever it makes the origin do.
    AnyQuery,
    /// A bare `?`: one character to some readers, the start of the query to others. Write `\?` before a query, and spell
    /// out what is meant elsewhere.
    BareQuestionMark,
    /// `0.0.0.0/0`, which restricts nothing.
    EveryAddress,
}

impl FindingId {
    /// The id as tools print it.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingId::EveryResource => "every_resource",
            FindingId::WildcardProtocol => "wildcard_protocol",
            FindingId::WildcardHost => "wildcard_host",
            FindingId::WildcardWithinSegment => "wildcard_within_segment",
            FindingId::AnyQuery => "any_query",
            FindingId::BareQuestionMark => "bare_question_mark",
            FindingId::EveryAddress => "every_address",
        }
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wide about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub id: FindingId,
    /// The part of the policy that makes it so.
    pub evidence: String,
    /// A URL that the policy covers as well. None for what is not about URLs.
    pub also_covers: Option<String>,
}

/// Says in what ways a policy reaches further than it looks. An empty list: in none that is known. A canned policy is one
/// URL and never has any.
pub fn lint(policy: &Policy) -> Vec<Finding> {
    match policy {
        Policy::Canned(_) => Vec::new(),
        Policy::Custom(policy) => lint_custom(policy),
    }
}

fn lint_custom(policy: &CustomPolicy) -> Vec<Finding> {
    let mut findings = match policy.resource() {
        None => vec![everything("no Resource")],
        Some(resource) => lint_resource(resource),
    };
    if let Some(range) = policy.viewers().filter(|range| range.is_everyone()) {
        findings.push(Finding { id: FindingId::EveryAddress, evidence: range.to_string(), also_covers: None });
    }
    findings
}

fn everything(evidence: &str) -> Finding {
    let also_covers = Some("https://another-distribution.example/any/file".to_owned());
    Finding { id: FindingId::EveryResource, evidence: evidence.to_owned(), also_covers }
}

fn lint_resource(resource: &Resource) -> Vec<Finding> {
    let sections = resource.sections();
    let mut findings = Vec::new();
    let mut add = |id, evidence: &str, example: Option<String>| {
        // An example is shown only where it is one.
        let also_covers = example.filter(|url| UrlParts::of(url).is_some_and(|parts| resource.matches(&parts)));
        findings.push(Finding { id, evidence: evidence.to_owned(), also_covers });
    };
    if sections.domain == "*" && sections.path == "/*" && sections.query == Some("*") {
        let mut finding = everything(resource.as_str());
        if sections.protocol.starts_with("http") && sections.protocol != "https" {
            finding.also_covers = finding.also_covers.map(|url| url.replace("https://", "http://"));
        }
        return vec![finding];
    }
    // What stands for a wildcard in the examples is the least: nothing for `*`, an `x` for `?`.
    let scheme = if sections.protocol == "http" { "http" } else { "https" };
    let host = filled(sections.domain, "", "x");
    let host = if host.is_empty() { "any.example".to_owned() } else { host };
    let path = filled(sections.path, "", "x");
    let query = sections.query.map(|query| filled(query, "", "x")).filter(|query| !query.is_empty());
    let url = |scheme: &str, host: &str, path: &str, query: Option<&str>| {
        let mut url = format!("{scheme}://{host}{path}");
        if let Some(query) = query {
            write!(url, "?{query}").expect("a string takes everything");
        }
        url
    };
    if sections.protocol.contains('*') {
        add(FindingId::WildcardProtocol, sections.protocol, Some(url("http", &host, &path, query.as_deref())));
    }
    if sections.domain.contains(['*', '?']) {
        let other = filled(sections.domain, "other", "x");
        add(FindingId::WildcardHost, sections.domain, Some(url(scheme, &other, &path, query.as_deref())));
    }
    for (at, _) in sections.path.match_indices('*') {
        let segment = sections.path[..at].rsplit('/').next().unwrap_or_default();
        if !segment.is_empty() && !segment.ends_with('*') {
            let longer =
                format!("{}2/x{}", filled(&sections.path[..at], "", "x"), filled(&sections.path[at..], "", "x"));
            add(FindingId::WildcardWithinSegment, sections.path, Some(url(scheme, &host, &longer, query.as_deref())));
        }
    }
    if sections.path.ends_with('*') && sections.query == Some("*") {
        add(FindingId::AnyQuery, sections.path, Some(url(scheme, &host, &path, Some("any=query"))));
    }
    if resource.as_str().replace(r"\?", "").contains('?') {
        let example = filled(&resource.as_str().replacen("*://", "https://", 1), "", "x");
        add(FindingId::BareQuestionMark, resource.as_str(), Some(example));
    }
    findings
}

/// A pattern with its wildcards filled in.
fn filled(pattern: &str, any: &str, one: &str) -> String {
    pattern.replace('*', any).replace(r"\?", "\u{0}").replace('?', one).replace('\u{0}', "?")
}
