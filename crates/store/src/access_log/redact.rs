//! Secrets in URLs: a request target, or the page that a browser came from, may be a signed URL.

use gatepass_signing::encode::{Plus, decode};
use gatepass_signing::request::is_secret;

/// What stands for a secret.
const REDACTED: &str = "REDACTED";
/// Parts of names that are no secret's proper name, and still hold one: `amp;X-Amz-Signature`.
const SUSPECT: [&str; 4] = ["signature", "security-token", "session-token", "customer-key"];

/// A URL or a request target without the values that would let somebody else use it.
pub(super) fn url(text: &str) -> String {
    let Some((path, query)) = text.split_once('?') else { return text.to_owned() };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    format!("{path}?{}", pairs.join("&"))
}

fn pair(text: &str) -> String {
    match text.split_once('=') {
        Some((name, _)) if holds_secret(name) => format!("{name}={REDACTED}"),
        _ => text.to_owned(),
    }
}

fn holds_secret(name: &str) -> bool {
    // What does not decode may be anything.
    let Ok(name) = decode(name, Plus::Space) else { return true };
    let lower = name.to_ascii_lowercase();
    is_secret(&name) || SUSPECT.iter().any(|part| lower.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_let_somebody_in_is_left_out_however_it_is_spelled() {
        for (given, left) in [
            ("/b/k?X-Amz-Date=1&X-Amz-Signature=abc&x=y", "/b/k?X-Amz-Date=1&X-Amz-Signature=REDACTED&x=y"),
            ("/b/k?%58-Amz-Signature=abc", "/b/k?%58-Amz-Signature=REDACTED"),
            ("/b/k?x-amz-security-token=abc", "/b/k?x-amz-security-token=REDACTED"),
            ("/b/k?AWSAccessKeyId=A&Expires=1&Signature=abc%3D", "/b/k?AWSAccessKeyId=A&Expires=1&Signature=REDACTED"),
            ("/b/k?a=1&amp;X-Amz-Signature=abc", "/b/k?a=1&amp;X-Amz-Signature=REDACTED"),
            ("/b/k?%zz=abc", "/b/k?%zz=REDACTED"),
            ("/b?continuation-token=abc&list-type=2", "/b?continuation-token=abc&list-type=2"),
            ("/b/Signature=abc", "/b/Signature=abc"),
        ] {
            assert_eq!(url(given), left);
        }
    }
}
