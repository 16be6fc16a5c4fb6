//! A URL taken apart without changing it: no URL type, which would normalise what was signed.

use gatepass_signing::encode::{Plus, decode};

/// The most parameters that are looked at.
const MAX_PARAMETERS: usize = 256;

/// A URL in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) scheme: String,
    /// Host and port, as written, without user and password.
    pub(crate) authority: String,
    /// As written; `/` where the URL has none.
    pub(crate) path: String,
    pub(crate) query: Vec<Parameter>,
    pub(crate) fragment: Option<String>,
}

/// One `name=value` of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// As written, with its `=` if it has one.
    pub(crate) raw: String,
    /// Decoded. What does not decode stays as written.
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) damage: Option<Damage>,
}

/// What happened to the name of a parameter on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// It begins with `amp;`.
    HtmlEscaped,
    /// It begins with the rest of a key that had a question mark.
    AfterQuestionMark,
}

impl Address {
    /// Takes `scheme://authority/path?query#fragment` apart. The caller has seen the scheme.
    pub(crate) fn parse(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment.to_owned())),
            None => (rest, None),
        };
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // A `#` in the key takes the query with it.
        let lost = fragment.as_deref().and_then(|fragment| fragment.split_once('?')).map_or("", |(_, query)| query);
        let query = if query.is_empty() { lost } else { query };
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        Self {
            scheme: scheme.to_ascii_lowercase(),
            authority: authority.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .take(MAX_PARAMETERS)
                .map(Parameter::parse)
                .collect(),
            fragment,
        }
    }

    /// The first value of a parameter, whatever happened to its name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.value.as_str())
    }

    /// As [`get`](Self::get), without regard to case.
    pub(crate) fn get_ignoring_case(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
        found.map(|parameter| parameter.value.as_str())
    }

    /// What a client sends in `Host`.
    pub(crate) fn host_header(&self) -> &str {
        let default_port = if self.scheme == "http" { ":80" } else { ":443" };
        self.authority.strip_suffix(default_port).unwrap_or(&self.authority)
    }

    /// The host without its port.
    pub(crate) fn host_name(&self) -> &str {
        host_name(&self.authority)
    }

    /// The path, decoded once; as written where it does not decode.
    pub(crate) fn decoded_path(&self) -> String {
        decoded(&self.path, Plus::Literal)
    }
}

impl Parameter {
    fn parse(raw: &str) -> Self {
        let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
        let name = decoded(name, Plus::Space);
        let (name, damage) = if let Some(name) = name.strip_prefix("amp;") {
            (name.to_owned(), Some(Damage::HtmlEscaped))
        } else if let Some((_, after)) = name.rsplit_once('?').filter(|(_, after)| is_authentication(after)) {
            (after.to_owned(), Some(Damage::AfterQuestionMark))
        } else {
            (name, None)
        };
        Self { raw: raw.to_owned(), name, value: decoded(value, Plus::Space), damage }
    }

    /// The value as written.
    pub(crate) fn raw_value(&self) -> &str {
        self.raw.split_once('=').map_or("", |(_, value)| value)
    }

    /// Whether it carries the signature, and is no part of what is asked.
    pub(crate) fn is_authentication(&self) -> bool {
        is_authentication(&self.name)
    }
}

/// Host without port.
pub(crate) fn host_name(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if authority[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()) => &authority[..colon],
        _ => authority,
    }
}

pub(crate) fn decoded(text: &str, plus: Plus) -> String {
    decode(text, plus).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

fn is_authentication(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "X-Amz-Region-Set",
        "AWSAccessKeyId",
        "Expires",
        "Signature",
        "Key-Pair-Id",
        "Policy",
        "Hash-Algorithm",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_it_is_written() {
        let address = Address::parse("HTTPS://u:p@H:443/a/../%2f//+?x=%20+&y#f");
        assert_eq!((address.scheme.as_str(), address.authority.as_str()), ("https", "H:443"));
        assert_eq!((address.host_header(), address.host_name()), ("H", "H"));
        assert_eq!((address.path.as_str(), address.decoded_path().as_str()), ("/a/../%2f//+", "/a/..////+"));
        assert_eq!((address.get("x"), address.get("y")), (Some("  "), Some("")));
        assert_eq!(Address::parse("http://h:443").host_header(), "h:443");
        assert_eq!(host_name("[::1]:9000"), "[::1]");
    }

    #[test]
    fn a_damaged_name_is_still_found() {
        let escaped = Address::parse("https://h/k?X-Amz-Date=1&amp;X-Amz-Expires=2");
        assert_eq!(escaped.get("X-Amz-Expires"), Some("2"));
        assert_eq!(escaped.query[1].damage, Some(Damage::HtmlEscaped));
        let split = Address::parse("https://h/what?.txt?X-Amz-Date=1&X-Amz-Expires=2");
        assert_eq!((split.get("X-Amz-Date"), split.query[0].damage), (Some("1"), Some(Damage::AfterQuestionMark)));
        let lost = Address::parse("https://h/a#b.txt?X-Amz-Date=1");
        assert_eq!(lost.get("X-Amz-Date"), Some("1"));
    }
}
