//! What may be shown: everything but signatures, session tokens and keys.

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Whether the value of this parameter, header, cookie, form field or XML element is a secret. Names compare without
/// case.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    const SECRET: [&str; 18] = [
        "authorization",
        "cloudfront-signature",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "signature",
        "signatureprovided",
        "signaturebytes",
        "canonicalrequestbytes",
        "stringtosignbytes",
        "token",
        "token-0",
        "x-amz-copy-source-server-side-encryption-customer-key",
        "x-amz-s3session-token",
        "x-amz-security-token",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-signature",
        "x-amz-trailer-signature",
    ];
    let name = name.strip_prefix("amp;").unwrap_or(name);
    SECRET.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

/// Whether this value is a secret under this name: also a signature whose name somebody has misspelt.
#[must_use]
pub(crate) fn is_secret_value(name: &str, value: &str) -> bool {
    const DIGITS_OF_A_SIGNATURE: usize = 64;
    let is_signature = value.len() >= DIGITS_OF_A_SIGNATURE && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_secret(name) || (is_signature && !name.eq_ignore_ascii_case("x-amz-content-sha256"))
}

/// A URL with its secrets replaced. Whatever is no URL is treated as one: a `name=value` after `?`, `&`, `;` or `#` is
/// looked at by its name.
#[must_use]
pub fn url(text: &str) -> String {
    let (address, rest) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    let address = match address.split_once("://") {
        // `user:password@host`.
        Some((scheme, authority_and_path)) => {
            let end = authority_and_path.find('/').unwrap_or(authority_and_path.len());
            match authority_and_path[..end].rfind('@') {
                Some(at) => format!("{scheme}://{REDACTED}{}", &authority_and_path[at..]),
                None => address.to_owned(),
            }
        }
        None => address.to_owned(),
    };
    address + &pairs(rest)
}

/// `name=value` pairs with the secrets among them replaced, their separators kept.
#[must_use]
pub fn pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for segment in text.split_inclusive(['?', '&', '#']) {
        let (segment, separator) = match segment.char_indices().next_back() {
            Some((at, '?' | '&' | '#')) => segment.split_at(at),
            _ => (segment, ""),
        };
        match segment.split_once('=') {
            Some((name, value)) if is_secret_value(&decoded_name(name), value) => {
                out.push_str(name);
                out.push('=');
                out.push_str(REDACTED);
            }
            _ => out.push_str(segment),
        }
        out.push_str(separator);
    }
    out
}

/// A canonical request with the tokens in its query and the secret headers replaced.
#[must_use]
pub fn canonical_request(text: &str) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for (index, line) in lines.iter_mut().enumerate() {
        *line = if index == 2 {
            pairs(line)
        } else {
            match line.split_once(':') {
                Some((name, value)) if index > 2 && is_secret(name) && !value.is_empty() => {
                    format!("{name}:{REDACTED}")
                }
                _ => continue,
            }
        };
    }
    lines.join("\n")
}

/// A policy with the tokens in its conditions replaced; a text that is no JSON is not shown.
#[must_use]
pub fn policy(text: &str) -> String {
    let Ok(mut value) = serde_json::from_str(text) else { return REDACTED.to_owned() };
    hide(&mut value);
    value.to_string()
}

/// serde_json bounds the depth of what it reads, and with it this recursion.
fn hide(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, value) in members {
                if is_secret(name) {
                    *value = REDACTED.into();
                } else {
                    hide(value);
                }
            }
        }
        serde_json::Value::Array(items) => {
            let named = items.get(1).and_then(|name| name.as_str()).and_then(|name| name.strip_prefix('$'));
            if named.is_some_and(is_secret)
                && let Some(value) = items.get_mut(2)
            {
                *value = REDACTED.into();
            }
            items.iter_mut().for_each(hide);
        }
        _ => {}
    }
}

/// Takes texts out of texts: the last line of defence, for a secret that stands where no name announces it, as in a URL
/// whose `?` was encoded.
pub(crate) struct Scrubber {
    secrets: Vec<String>,
}

impl Scrubber {
    /// The shortest text that is taken out; shorter ones are found everywhere.
    const MIN_BYTES: usize = 8;
    /// The most texts that are taken out.
    const MAX_SECRETS: usize = 64;

    pub(crate) fn new<'s>(secrets: impl Iterator<Item = &'s str>) -> Self {
        let mut all: Vec<String> = Vec::new();
        for secret in secrets.filter(|secret| secret.len() >= Self::MIN_BYTES).take(Self::MAX_SECRETS) {
            let mut encoded = String::new();
            gatepass_signing::encode::component(secret, &mut encoded);
            let mut twice = String::new();
            gatepass_signing::encode::component(&encoded, &mut twice);
            all.extend([secret.to_owned(), encoded, twice]);
        }
        // A secret that is a part of another is taken out after it.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.dedup();
        Self { secrets: all }
    }

    pub(crate) fn scrub(&self, text: &mut String) {
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), REDACTED);
            }
        }
        hide_announced(text);
    }
}

/// Hides what follows `signature=` and `security-token=`, in whatever encoding, up to the next separator.
fn hide_announced(text: &mut String) {
    const ANNOUNCED: [&str; 6] =
        ["signature=", "signature%3d", "signature%253d", "security-token=", "security-token%3d", "security-token%253d"];
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    let mut out = String::new();
    while let Some((at, name)) = ANNOUNCED
        .iter()
        .filter_map(|name| lower[from..].find(name).map(|at| (from + at, name)))
        .min_by_key(|(at, _)| *at)
    {
        let value = at + name.len();
        let is_end = |(at, character): (usize, char)| {
            let is_separator = character.is_whitespace() || matches!(character, '&' | '"' | '\'' | '#' | '…');
            is_separator || ["%26", "%2526"].iter().any(|escape| lower[value + at..].starts_with(escape))
        };
        let end = text[value..].char_indices().find(|found| is_end(*found)).map_or(text.len(), |(at, _)| value + at);
        out.push_str(&text[from..value]);
        if end > value {
            out.push_str(REDACTED);
        }
        from = end;
    }
    if from > 0 {
        out.push_str(&text[from..]);
        *text = out;
    }
}

fn decoded_name(name: &str) -> String {
    use gatepass_signing::encode::{Plus, decode};
    // Encoded twice, a name is still the name of a secret.
    let once = decode(name, Plus::Literal).unwrap_or_else(|_| name.into());
    decode(&once, Plus::Literal).unwrap_or_else(|_| once.clone()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_no_signature_no_token_and_no_password() {
        let shown =
            url("https://u:ppp@h/k?X-Amz-Signature=sss&a=1&amp;X-Amz-Security-Token=ttt&x%2Damz%2Dsignature=sss\
            &Signature=sss&Key-Pair-Id=K1#X-Amz-Signature=sss");
        for secret in ["ppp", "sss", "ttt"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("&a=1&") && shown.contains("Key-Pair-Id=K1"), "{shown}");
    }

    #[test]
    fn a_signature_is_hidden_under_a_misspelt_name_too() {
        let digits = "0123456789abcdef".repeat(4);
        let shown = url(&format!("https://h/k?X-Amz-Signaure={digits}&X-Amz-Content-Sha256={digits}"));
        assert_eq!(shown, format!("https://h/k?X-Amz-Signaure=[redacted]&X-Amz-Content-Sha256={digits}"));
    }

    #[test]
    fn a_canonical_request_shows_no_token_and_no_key() {
        let shown = canonical_request(
            "GET\n/\nX-Amz-Security-Token=ttt&a=1\nhost:h\nx-amz-security-token:ttt\n\
             x-amz-server-side-encryption-customer-key:kkk\n\nhost;x-amz-security-token\nUNSIGNED-PAYLOAD",
        );
        assert!(!shown.contains("ttt") && !shown.contains("kkk"), "{shown}");
        assert!(shown.starts_with("GET\n/\nX-Amz-Security-Token=[redacted]&a=1\nhost:h\n"), "{shown}");
    }

    #[test]
    fn a_secret_is_hidden_where_no_name_announces_it() {
        let scrubber = Scrubber::new(["a+secret/token"].into_iter());
        let scrubbed = |text: &str| {
            let mut text = text.to_owned();
            scrubber.scrub(&mut text);
            text
        };
        assert_eq!(scrubbed("x a+secret/token y a%2Bsecret%2Ftoken"), "x [redacted] y [redacted]");
        assert_eq!(scrubbed("/k%3FX-Amz-Signature%3Dabc%26a%3Db"), "/k%3FX-Amz-Signature%3D[redacted]%26a%3Db");
        assert_eq!(
            scrubbed("Signature=abc&X-Amz-Security-Token=abc, and"),
            "Signature=[redacted]&X-Amz-Security-Token=[redacted] and"
        );
        assert_eq!(scrubbed("nothing of the kind"), "nothing of the kind");
    }

    #[test]
    fn a_policy_shows_no_token() {
        let shown =
            policy(r#"{"conditions":[{"x-amz-security-token":"ttt"},["eq","$X-Amz-Security-Token","ttt"],{"a":"b"}]}"#);
        assert!(!shown.contains("ttt") && shown.contains(r#"{"a":"b"}"#), "{shown}");
        assert_eq!(policy("ttt"), REDACTED);
    }
}
